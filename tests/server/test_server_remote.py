"""The command line, speaking to a running server: the same words as without one, typed in real processes."""

import json
import subprocess
import sys

import pytest
from premises import KNOWN, TOKENS

from orchestrator.audit import verify


@pytest.fixture
def type_(opened, folder, monkeypatch):
    """Types commands of somebody with a token, in an empty folder."""
    server = opened({"RATCHET_TOKENS": KNOWN})
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()

    def type_(*words, role="admin", status=0):
        monkeypatch.setenv("RATCHET_SERVER", server.address)
        monkeypatch.setenv("RATCHET_TOKEN", TOKENS[role])
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator", *words], capture_output=True, text=True, cwd=elsewhere, timeout=60
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert not any(token in done.stdout + done.stderr for token in TOKENS.values())
        return done.stdout + done.stderr

    type_.server = server
    yield type_
    assert not (elsewhere / ".ratchet").exists(), "no journal of its own is made"


def test_a_whole_cycle_by_the_words_of_the_command_line(type_):
    """Triggered, listed, shown, held, rerun, approved, done."""
    made = json.loads(type_("trigger", "sums", "--set", "add.values=[4, 5]", "--reason", "why not", "--json"))["id"]
    type_.server.until(made, "in_review", role="viewer")
    assert made in type_("list")
    shown = type_("show", made)
    assert "· 1 of @anyone  1 more of @anyone" in shown
    assert "The sum is 9." in shown
    assert "held (admin1: wait)" in type_("hold", made, "--reason", "wait")
    assert "in_review, held" in type_("show", made)
    type_("unhold", made)
    assert "running at add" in type_("rerun", made, "--from", "add", "--set", "values=[7]")
    type_.server.until(made, "in_review", role="viewer")
    assert "The sum is 7." in type_("show", made, "--report", "add")
    assert "not heard" not in type_("approve", made, role="reviewer")
    type_.server.until(made, "done", role="viewer")
    assert json.loads(type_("show", made, "--json"))["state"] == "done"
    assert list(verify(type_.server.app.store)) == []


def test_what_the_server_refuses_is_one_line_and_exit_1(type_):
    """The reason is the server's own."""
    made = type_.server.begun(role="admin")
    assert "may not review" in type_("approve", made, role="planner", status=1)
    assert "stale" in type_("approve", made, "0" * 8, status=1)
    assert "no cycle c-000099" in type_("show", "c-000099", status=1)
    assert "nothing was deployed before" in type_("rollback", "sums", status=1)
    assert "no value" not in type_("trigger", "sums", "--set", "add.values", status=2)
    assert "rejected" in type_("reject", made, "--reason", "too small")
    assert "no gate is open" in type_("approve", made, status=1)
    assert "no run" not in type_("cancel", type_.server.begun(role="admin"), "--reason", "enough")
    assert "no report of times" in type_("show", made, "--report", "times", status=2)


def test_a_list_longer_than_a_page_is_read_on(type_, monkeypatch):
    """Page after page, as many as were asked for."""
    for _ in range(3):
        type_.server.begun("plain", "done", role="admin")
    found = json.loads(type_("list", "plain", "--limit", "2", "--json"))
    assert [one["id"] for one in found] == ["c-000003", "c-000002"]
    assert "no cycle yet" in type_("list", "nothing")
