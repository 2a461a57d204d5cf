"""Text from data, steps and people that would do something to a terminal, a pipe or a parser if it could."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from desk import PIPELINE, Desk

EVIL = "\x1b[2J\x1b]0;title\x07\u202eright to left\x9b31m"
STEPS = f"""
from steps.contract import Context, Given, Made, Report, StepError, step

EVIL = {EVIL!r}

class Nothing(Given):
    fails: bool = False

class Said(Made):
    text: str

@step
def say(given: Nothing, context: Context) -> Said:
    print("\\x1b[31mred\\x1b[0m", EVIL, " 1%\\r 2%\\r 3%", sep="\\n")
    if given.fails:
        raise StepError(EVIL, where=b"caf\\xe9.csv".decode(errors="surrogateescape"), cure=EVIL)
    return Said(text=EVIL, report=Report(summary=EVIL))
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A user's folder with one step that says what it should not."""
    made = Desk(tmp_path, "pipelines: {talk: {stages: [{name: say, step: 'talk:say'}]}}\n")
    (tmp_path / "talk.py").write_text(STEPS)
    return made


def harmless(text: str) -> bool:
    """Whether nothing in it acts."""
    return not set(text) & set("\x1b\x07\x9b\u202e\r")


def test_what_a_step_prints_or_reports_can_do_nothing_to_a_terminal(desk: Desk) -> None:
    """Its report, its log and its outputs are shown as text, whichever command shows them."""
    desk.ratchet("run", "talk", "--yes")
    for words in (
        ("list",), ("show", "c-000001"), ("show", "c-000001", "--report", "say"), ("logs", "c-000001"),
        ("show", "c-000001", "--json"), ("logs", "c-000001", "--json"),
    ):  # fmt: skip
        assert harmless(desk.ratchet(*words).stdout), words
    assert desk.data("show", "c-000001")["stages"][0]["outputs"] == {"text": EVIL}
    log = desk.ratchet("logs", "c-000001").stdout
    assert log.startswith("red\n\\u001b[2J")
    assert log.endswith("\n 3%\n")


def test_a_failure_in_odd_words_is_still_a_failure_in_words(desk: Desk) -> None:
    """Control characters and a file name that is no Unicode are shown as escapes, at the end of the run too."""
    done = desk.ratchet("run", "talk", "--yes", "--set", "say.fails=true", status=1)
    assert harmless(done.stdout)
    assert "right to left" in done.stdout
    assert "caf\\udce9.csv" in done.stdout
    assert "validation error" not in done.stdout
    assert harmless(desk.ratchet("show", "c-000001").stdout)


def test_what_people_type_is_shown_as_text(desk: Desk) -> None:
    """A reason, and a name that is wrong, come back without their control characters."""
    desk.data("trigger", "talk", "--reason", EVIL)
    assert harmless(desk.ratchet("show", "c-000001").stdout)
    assert harmless(desk.ratchet("hold", "c-000001", "--reason", EVIL).stdout)
    assert harmless(desk.ratchet("show", "c-000001").stdout)
    assert harmless(desk.ratchet("show", EVIL, status=2).stderr)


@pytest.mark.parametrize("words", ["list", "schema", "run talk --yes", "run talk --yes --json"])
def test_a_reader_who_leaves_is_no_error(desk: Desk, words: str) -> None:
    """`ratchet … | head -0` ends well, says nothing, and a cycle goes on to its end."""
    shell = f"{sys.executable} -m orchestrator {words} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["/bin/bash", "-c", shell], cwd=desk.folder, env=desk.env, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr
    assert "error" not in done.stderr
    assert done.returncode == 0
    if words.startswith("run"):
        assert desk.data("list")[0]["state"] == "done"


@pytest.mark.parametrize(("closing", "status"), [(">&-", 0), ("2>&-", 0), ("<&-", 0), (">/dev/full", 1)])
def test_a_stream_that_is_closed_or_full(desk: Desk, closing: str, status: int) -> None:
    """A missing stream changes nothing; an answer that could not be written is a failure. Never a traceback."""
    shell = f"{sys.executable} -m orchestrator run talk --yes {closing}"
    done = subprocess.run(
        ["/bin/bash", "-c", shell], cwd=desk.folder, env=desk.env, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == status
    assert desk.data("list")[0]["state"] == "done"


def test_a_terminal_that_lacks_the_signs(desk: Desk) -> None:
    """Where only ASCII can be written, the rest becomes `?`."""
    desk.ratchet("run", "talk", "--yes")
    desk.env["PYTHONIOENCODING"] = "ascii"
    assert "? say" in desk.ratchet("show", "c-000001").stdout


def test_options_may_stand_before_a_word_that_may_be_left_out(tmp_path: Path) -> None:
    """`logs CYCLE --json STAGE` is `logs CYCLE STAGE --json`; a version to go back to is handed on as one."""
    desk = Desk(tmp_path, PIPELINE)
    desk.ratchet("run", "sums", "--yes")
    assert json.loads(desk.ratchet("logs", "c-000001", "--json", "add").stdout)["run"] == "c-000001/add/1"
    assert "version 'v1'" in desk.ratchet("rollback", "sums", "v1", status=1).stderr
    assert "usage" not in desk.ratchet("query", "sums", "--", "--help", status=1).stderr


def test_a_word_that_is_no_unicode_is_refused(desk: Desk) -> None:
    """What could not be written on the record is a wrong call, before anything begins."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "trigger", "talk", "--reason", b"caf\xe9"],
        cwd=desk.folder,
        env=desk.env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "caf\\udce9 is not UTF-8" in done.stderr
    assert desk.data("list") == []
