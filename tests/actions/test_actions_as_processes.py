"""Each action as GitHub's runner starts it: a process in bash, against a real server on this machine."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from composite import HOSTILE, TOKEN, commands, use
from small_server import SmallServer

GIVEN = {"pipeline": "sentiment", "token": TOKEN}


def state(now: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """What the server says of the cycle."""
    return 200, {"id": "c-000001", "state": now, **more}


def event(folder: Path, content: Any) -> dict[str, str]:
    """The environment of a run that this event began."""
    (folder / "event.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return {"GITHUB_EVENT_PATH": str(folder / "event.json")}


# retrain


def test_a_planner_asks_and_goes(small: SmallServer, tmp_path: Path) -> None:
    """Without waiting: one request with what the form said, the link as output and in the summary, and success."""
    form = {"set": 'finetune.epochs=3\ncollect.source="new data/*.csv"', "reason": "a recall"}
    done = use("retrain", tmp_path, {"server": small.url + "/", **GIVEN, **form})
    assert done.code == 0, done.printed
    (asked,) = small.asked
    assert (asked.method, asked.path, asked.token) == ("POST", "/api/cycles", TOKEN)
    key = asked.body.pop("idempotency_key")
    assert key.startswith("github/octo/reviews/77/")
    values = {"finetune.epochs": "3", "collect.source": "new data/*.csv"}
    assert asked.body == {"pipeline": "sentiment", "set": values, "reason": "a recall"}
    url = f"{small.url}/cycles/c-000001"
    assert done.outputs == {"cycle": "c-000001", "url": url, "pull-request": "", "state": "queued"}
    assert f'href="{url}"' in done.summary
    assert "a recall" in done.summary
    assert commands(done.printed) == [f"::add-mask::{TOKEN}"]


def test_running_a_workflow_again_gives_the_same_cycle(small: SmallServer, tmp_path: Path) -> None:
    """A re-run has the same run id and another attempt: the key is the same; another pipeline or value is another."""
    for attempt in ("1", "2"):
        done = use("retrain", tmp_path, {"server": small.url, **GIVEN}, {"GITHUB_RUN_ATTEMPT": attempt})
        assert done.outputs["cycle"] == "c-000001"
    assert "by this run before" in done.printed
    for other in ({"pipeline": "topics"}, {"set": "a.b=1"}):
        assert use("retrain", tmp_path, {"server": small.url, **GIVEN, **other}).outputs["cycle"] != "c-000001"
    outside = [use("retrain", tmp_path, {"server": small.url, **GIVEN}, {"GITHUB_RUN_ID": ""}) for _ in "12"]
    assert outside[0].outputs["cycle"] != outside[1].outputs["cycle"]
    chosen = {"idempotency-key": "mine"}
    use("retrain", tmp_path, {"server": small.url, **GIVEN, **chosen})
    assert small.asked[-1].body["idempotency_key"] == "mine"


def test_running_a_rejected_cycle_again_says_how_to_get_another(small: SmallServer, tmp_path: Path) -> None:
    """*Re-run* is the button beside a red run: it is about the same cycle, and the run says which button begins one."""
    small.says("GET /api/cycles/c-000001", state("rejected", reason="worse"))
    given = {"server": small.url, **GIVEN, "wait": "ended"}
    first, again = use("retrain", tmp_path, given), use("retrain", tmp_path, given, {"GITHUB_RUN_ATTEMPT": "2"})
    assert (first.code, again.code) == (1, 1)
    assert "press Run workflow for another cycle" not in first.printed
    assert "c-000001 is rejected: worse: see " in again.printed
    assert "press Run workflow for another cycle" in again.printed


def test_it_waits_for_the_pull_request(small: SmallServer, tmp_path: Path) -> None:
    """`opened`: it looks until the pull request is known, and gives its address."""
    pull = {"number": 7, "url": "https://github.example/octo/reviews/pull/7"}
    small.says(
        "GET /api/cycles/c-000001", state("queued", pull_request=None), state("running", pull_request=None),
        state("running", pull_request=pull),
    )  # fmt: skip
    done = use("retrain", tmp_path, {"server": small.url, **GIVEN, "wait": "opened"})
    assert done.code == 0, done.printed
    assert done.outputs["pull-request"] == pull["url"]
    assert f'href="{pull["url"]}"' in done.summary


def test_a_server_without_github_opens_none(small: SmallServer, tmp_path: Path) -> None:
    """`opened` where there is nothing to wait for ends at once."""
    small.says("GET /api/cycles/c-000001", state("running"))
    done = use("retrain", tmp_path, {"server": small.url, **GIVEN, "wait": "opened"})
    assert (done.code, done.outputs["pull-request"]) == (0, ""), done.printed


@pytest.mark.parametrize(
    ("end", "code"), [("done", 0), ("skipped", 0), ("rejected", 1), ("cancelled", 1), ("failed", 1)]
)
def test_it_ends_as_the_cycle_ends(small: SmallServer, tmp_path: Path, end: str, code: int) -> None:
    """`ended`: done and skipped are well; the others fail the run, with the reason where people see it."""
    small.says("GET /api/cycles/c-000001", state("in_review"), state(end, reason="no_regression: worse\nby 3 %"))
    done = use("retrain", tmp_path, {"server": small.url, **GIVEN, "wait": "ended"})
    assert done.code == code, done.printed
    assert done.outputs["state"] == end
    assert "c-000001 is in review" in done.printed
    errors = [line for line in done.printed.splitlines() if line.startswith("::error")]
    assert len(errors) == code
    assert all("no_regression: worse by 3 %25" in line for line in errors)


def test_time_is_up_and_the_cycle_goes_on(small: SmallServer, tmp_path: Path) -> None:
    """Who waits in vain is told that the cycle goes on, and where."""
    small.says("GET /api/cycles/c-000001", state("in_review"))
    done = use("retrain", tmp_path, {"server": small.url, **GIVEN, "wait": "ended", "timeout-minutes": "0.001"})
    assert done.code == 1
    assert "::error title=Ratchet::c-000001 has not ended in time, and goes on" in done.printed
    assert done.outputs["cycle"] == "c-000001"


def test_a_server_that_restarts_is_waited_for(small: SmallServer, tmp_path: Path) -> None:
    """It hangs up, is being started, and is there: one cycle was asked for each time, under one key."""
    begun = {"id": "c-000001", "state": "queued", "url": "https://r.example/c-000001"}
    small.says("POST /api/cycles", None, (503, {"detail": "starting"}), (502, b"<html>"), (201, begun))
    small.says("GET /api/cycles/c-000001", *[None] * 6, state("done"))
    done = use("retrain", tmp_path, {"server": small.url, **GIVEN, "wait": "ended"})
    assert done.code == 0, done.printed
    assert len({one.body["idempotency_key"] for one in small.of("/api/cycles")}) == 1
    assert "goes on, and is asked after again" in done.printed


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_form_is_data(small: SmallServer, tmp_path: Path, text: str) -> None:
    """Whatever is typed arrives as it was typed; nothing of it runs, becomes a command, an output or Markdown."""
    small.says("GET /api/cycles/c-000001", state("rejected", reason=text, pull_request=text))
    given = {"server": small.url, "pipeline": text, "reason": text, "token": TOKEN, "wait": "ended"}
    done = use("retrain", tmp_path, given)
    assert small.asked[0].body["reason"] == text.strip()
    assert small.asked[0].body["pipeline"] == text.strip()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output", "summary"]
    assert done.outputs["cycle"] == "c-000001"
    assert done.outputs["state"] == "rejected"
    assert all(line.startswith(("::add-mask::", "::error title=Ratchet::")) for line in commands(done.printed))
    rows = [line for line in done.summary.splitlines() if line.startswith("|")]
    assert all(line.count("|") == 3 for line in rows)
    assert len(done.summary.splitlines()) == len(rows) + 3
    for sign in ("<script", "![", "`", "@everyone", "](", "\u202e", "\x1b", "::"):
        assert sign not in done.summary.replace("http://", "")


@pytest.mark.parametrize("text", [*HOSTILE, "a.b", "=1", "a.b=1 a.b=2", 'a.b="1'])
def test_what_cannot_be_set_is_said_before_anything_is_asked(small: SmallServer, tmp_path: Path, text: str) -> None:
    """A parameter that is none fails the run at once, in one harmless line."""
    done = use("retrain", tmp_path, {"server": small.url, **GIVEN, "set": text})
    assert done.code == 1
    (error,) = commands(done.printed)
    assert error.startswith("::error title=Ratchet::input set")
    assert small.asked == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"server": ""}, "set the repository's variable RATCHET_SERVER"),
        ({"server": "ftp://x"}, "write one like https://"),
        ({"server": "http://ratchet.example.org"}, "in the clear"),
        ({"pipeline": ""}, "a name from ratchet.yaml"),
        ({"wait": "forever"}, "write one of none, opened, ended"),
        ({"timeout-minutes": "soon"}, "write a number above 0"),
        ({"timeout-minutes": "0"}, "write a number above 0"),
        ({"token": ""}, "id-token: write"),
        ({"token": "two words"}, "without spaces"),
    ],
)
def test_a_wrong_input_is_named_with_its_cure(
    small: SmallServer, tmp_path: Path, given: dict[str, str], told: str
) -> None:
    """One error on the run's page; nothing is asked."""
    done = use("retrain", tmp_path, {"server": small.url, **GIVEN, **given})
    assert done.code == 1
    assert told in done.printed
    assert "Traceback" not in done.printed
    assert small.asked == []


def test_the_servers_no_is_told_in_its_words(small: SmallServer, tmp_path: Path) -> None:
    """A refusal is not asked again, and its text can't act; the token is not in it even if the server says it."""
    small.says("POST /api/cycles", (422, {"detail": f"no pipeline\n::error::x {TOKEN}"}))
    done = use("retrain", tmp_path, {"server": small.url, **GIVEN})
    assert done.code == 1
    assert len(small.asked) == 1
    assert commands(done.printed)[1:] == [
        f"::error title=Ratchet::{small.url} refused (422): no pipeline ::error::x ***"
    ]


def test_github_vouches_for_the_workflow(small: SmallServer, tmp_path: Path) -> None:
    """Without a token GitHub's identity token is asked for, for the audience, masked, and sent to the server alone."""
    env = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{small.url}/oidc?v=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner-secret"}
    small.says("GET /api/cycles/c-000001", state("running"), state("done"))
    given = {"server": small.url, "pipeline": "sentiment", "audience": "ratchet & co", "wait": "ended"}
    done = use("retrain", tmp_path, given, env)
    assert done.code == 0, done.printed
    (asked,) = small.of("/oidc")
    assert (asked.path, asked.token) == ("/oidc?v=2&audience=ratchet%20%26%20co", "runner-secret")
    assert {one.token for one in small.asked if one is not asked} == {"identity-1"}
    assert commands(done.printed) == ["::add-mask::runner-secret", "::add-mask::identity-1"]
    assert done.printed.count("identity-1") == 1


# review


PULL = {"number": 7, "pull_request": {"url": "x"}, "title": "$(touch $PWNED)"}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_comment_is_told_by_its_number(small: SmallServer, tmp_path: Path, text: str) -> None:
    """Whatever stands in it, the server gets three facts, and not a word of it appears anywhere."""
    happened = {"action": "created", "issue": PULL, "comment": {"id": 123, "body": text, "user": {"login": text}}}
    done = use("review", tmp_path, {"server": small.url, "token": TOKEN}, event(tmp_path, happened))
    assert done.code == 0, done.printed
    assert [(one.path, one.body) for one in small.asked] == [
        ("/github/relay", {"repository": "octo/reviews", "issue": 7, "comment": 123})
    ]
    assert done.outputs == {"relayed": "true"}
    assert done.printed == f"::add-mask::{TOKEN}\nthe server looks at pull request 7 now\n"
    assert done.summary == "### the server looks at pull request 7 now\n\n\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["event.json", "output", "summary"]


def test_a_review_is_told_by_its_number(small: SmallServer, tmp_path: Path) -> None:
    """A submitted pull-request review names its own id."""
    happened = {"action": "submitted", "pull_request": {"number": 8}, "review": {"id": 9, "body": "/approve"}}
    assert use("review", tmp_path, {"server": small.url, "token": TOKEN}, event(tmp_path, happened)).code == 0
    assert small.asked[0].body == {"repository": "octo/reviews", "issue": 8, "review": 9}


@pytest.mark.parametrize("happened", [{"issue": {"number": 7}, "comment": {"id": 1}}, {"issue": PULL}, {"ref": "main"}])
def test_what_is_on_no_pull_request_is_left_alone(small: SmallServer, tmp_path: Path, happened: Any) -> None:
    """A comment on an issue, or no comment at all: nothing is sent, and nothing failed."""
    done = use("review", tmp_path, {"server": small.url, "token": TOKEN}, event(tmp_path, happened))
    assert (done.code, done.outputs, small.asked) == (0, {"relayed": "false"}, [])


@pytest.mark.parametrize(
    "happened",
    [
        {"issue": PULL | {"number": "7; touch $PWNED"}, "comment": {"id": 1}},
        {"issue": PULL | {"number": True}, "comment": {"id": 1}},
        {"issue": PULL | {"number": -1}, "comment": {"id": 1}},
        {"issue": PULL, "comment": {"id": "1\n::error::"}},
        {"issue": PULL, "comment": {"id": 1.5}},
        {"issue": PULL, "comment": []},
        [],
        "no json",
        "[" * 100_000,
    ],
)
def test_an_event_that_is_none_of_githubs_is_refused(small: SmallServer, tmp_path: Path, happened: Any) -> None:
    """An id that is no number never leaves."""
    done = use("review", tmp_path, {"server": small.url, "token": TOKEN}, event(tmp_path, happened))
    assert done.code == 1
    assert small.asked == []
    assert "Traceback" not in done.printed


def test_a_relay_that_is_refused_is_seen(small: SmallServer, tmp_path: Path) -> None:
    """A server of another repository, or one that does not know us: red, in the server's words."""
    happened = event(tmp_path, {"issue": PULL, "comment": {"id": 1}})
    for status in (401, 404):
        small.says("POST /github/relay", (status, {"error": {"what": "who are you?", "cure": "tell me"}}))
        done = use("review", tmp_path, {"server": small.url, "token": TOKEN}, happened)
        assert done.code == 1
        assert f"refused ({status}): who are you?: tell me" in done.printed


# nightly


def test_a_night_begins_what_is_due_and_says_why_not(small: SmallServer, tmp_path: Path) -> None:
    """What began has a link, what did not has its reason, in the log and in the summary; the date is the key."""
    plans = [
        {"pipeline": "sentiment", "due": True, "reason": "812 new rows", "cycle": "c-000009", "url": "https://r.x/9"},
        {"pipeline": "topics", "due": False, "reason": "only 12 rows are new (needed: 500)", "next": "2026-11-21"},
        {
            "pipeline": "tones",
            "due": False,
            "reason": "not before tomorrow",
            "cycle": "c-000008",
            "url": "https://r.x/8",
        },
    ]
    small.says("POST /api/plan", (200, {"plans": plans}))
    given = {"server": small.url, "token": TOKEN, "date": "2026-11-20"}
    done = use("nightly", tmp_path, given)
    assert done.code == 0, done.printed
    key = "nightly/2026-11-20/octo/reviews"
    assert small.asked[0].body == {"pipeline": None, "trigger": True, "key": key}
    assert done.outputs == {"cycles": "c-000009 c-000008", "started": "1"}
    assert "tones: c-000008 began before: not before tomorrow\n" in done.printed
    assert "sentiment: c-000009 began: 812 new rows\n" in done.printed
    assert "topics: skipped: only 12 rows are new (needed: 500); next: 2026-11-21\n" in done.printed
    assert '<a href="https://r.x/9">' in done.summary
    assert "only 12 rows are new" in done.summary


def test_two_nudges_in_one_night_have_one_key(small: SmallServer, tmp_path: Path) -> None:
    """Without a date it is today's, so that a second run of the workflow begins nothing twice."""
    small.says("POST /api/plan", (200, {"plans": []}))
    began = datetime.now(UTC).date()
    for run in ("1", "2"):
        done = use("nightly", tmp_path, {"server": small.url, "token": TOKEN}, {"GITHUB_RUN_ID": run})
    assert "no pipeline of the server's ratchet.yaml has a schedule" in done.printed
    nights = {f"nightly/{date}/octo/reviews" for date in (began, datetime.now(UTC).date())}
    assert {one.body["key"] for one in small.asked} <= nights


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_plan_is_data(small: SmallServer, tmp_path: Path, text: str) -> None:
    """A reason comes from data: it can be neither a command nor Markdown."""
    plans = [{"pipeline": text, "reason": text, "cycle": text, "url": text, "next": text}]
    small.says("POST /api/plan", (200, {"plans": plans}))
    done = use("nightly", tmp_path, {"server": small.url, "token": TOKEN})
    assert done.code == 0, done.printed
    assert commands(done.printed) == [f"::add-mask::{TOKEN}"]
    assert set(done.outputs) == {"cycles", "started"}
    rows = [line for line in done.summary.splitlines() if line.startswith("|")]
    assert [line.count("|") for line in rows] == [5, 5, 5]


def test_a_date_that_is_none_is_refused(small: SmallServer, tmp_path: Path) -> None:
    """It would be part of a key."""
    done = use("nightly", tmp_path, {"server": small.url, "token": TOKEN, "date": "tonight"})
    assert done.code == 1
    assert small.asked == []


# all of them


def test_a_server_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    """After some patience: what, why, cure, and no traceback."""
    with SmallServer() as gone:
        address = gone.url
    done = use("nightly", tmp_path, {"server": address, "token": TOKEN})
    assert done.code == 1
    (error,) = commands(done.printed)[1:]
    assert error.startswith(f"::error title=Ratchet::{address} can't be reached (Connection refused)")
    assert "Traceback" not in done.printed


def test_what_lies_in_the_workspace_is_not_imported(small: SmallServer, tmp_path: Path) -> None:
    """A checkout that has files named like Python's own, and a PYTHONPATH that points at them, changes nothing."""
    for name in ("json.py", "orchestrator.py", "sitecustomize.py"):
        (tmp_path / name).write_text("import pathlib; pathlib.Path('pwned').touch()")
    done = use("retrain", tmp_path, {"server": small.url, **GIVEN}, {"PYTHONPATH": str(tmp_path)})
    assert done.code == 0, done.printed
    assert not (tmp_path / "pwned").exists()


def test_an_old_python_is_told_so(tmp_path: Path) -> None:
    """A runner's python3 may be any: the first file runs on all of them."""
    old = tmp_path / "bin"
    old.mkdir()
    script = "import sys, runpy; sys.version_info = (3, 8); sys.argv = sys.argv[2:]; runpy.run_path(sys.argv[0])"
    (old / "python3").write_text(f"#!/bin/sh\nexec {sys.executable} -c '{script}' \"$@\"\n")
    (old / "python3").chmod(0o755)
    done = use("nightly", tmp_path, {"server": "http://127.0.0.1:9"}, python=str(old))
    assert done.code == 1
    assert "::error title=Ratchet::this runner's python3 is older than 3.11" in done.printed
