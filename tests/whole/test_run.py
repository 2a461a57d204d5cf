"""`ratchet run`, as a person at a terminal lives through it."""

import os
import sqlite3
from pathlib import Path

import pytest
from desk import PIPELINE, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A user's folder with the pipeline `sums`: add, a gate, times."""
    return Desk(tmp_path)


def with_(text: str) -> str:
    """The pipeline with other parameters of its first stage."""
    return PIPELINE.replace("{values: [1, 2, 3]}", text)


def test_a_cycle_from_the_first_command_to_the_record(desk: Desk) -> None:
    """One command runs the whole pipeline; list, show, logs and the audit then tell of it."""
    shown = desk.ratchet("run", "sums", "--yes").stdout
    assert "The sum is 6." in shown
    assert "says approve: answered by --yes" in shown
    assert "c-000001 is done" in shown
    assert [cycle["state"] for cycle in desk.data("list")] == ["done"]
    whole = desk.data("show", "c-000001")
    assert [stage["outputs"] for stage in whole["stages"]] == [{"total": 6.0}, {"total": 12.0}]
    assert "The sum is 6." in desk.ratchet("show", "c-000001", "--report", "add").stdout
    desk.ratchet("logs", "c-000001", "add")
    assert "whole" in desk.ratchet("audit", "verify").stdout
    assert desk.starts() == ["c-000001/add/1"]


def test_the_question_is_asked_and_answered_in_the_terminal(desk: Desk) -> None:
    """The report is shown first; `y` is no answer; approve goes on."""
    terminal = desk.terminal("run", "sums")
    assert "The sum is 6." in terminal.wait_for("1 of @anyone")
    terminal.type("y")
    terminal.wait_for("is not an answer")
    terminal.type("approve looks right")
    terminal.wait_for("says approve: looks right")
    assert terminal.end() == 0
    assert "c-000001 is done" in terminal.seen


def test_a_rejected_cycle_ends_with_the_reason(desk: Desk) -> None:
    """Nothing runs after a rejection, the exit status says so, and the reason stays."""
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("1 of @anyone")
    terminal.type("reject too small")
    assert terminal.end() == 1
    cycle = desk.data("show", "c-000001")
    assert cycle["state"] == "rejected"
    assert "too small" in cycle["reason"]
    assert cycle["stages"][1]["state"] == "waiting"


def test_a_step_that_finds_nothing_new_ends_the_cycle_as_skipped(desk: Desk) -> None:
    """The reason is said, nobody is asked, the exit status is 0, and the next cycle is a new one."""
    (desk.folder / "ratchet.yaml").write_text(with_("{values: [1], nothing_without: there}"))
    said = desk.ratchet("run", "sums", "--yes").stdout
    assert "add has nothing to do, and the cycle is skipped: no number is new: wait for one" in said
    assert "c-000001 is skipped: no number is new: wait for one" in said
    assert "says approve" not in said
    shown = desk.data("show", "c-000001")
    assert (shown["state"], shown["reason"]) == ("skipped", "no number is new: wait for one")
    assert [one["state"] for one in shown["stages"]] == ["skipped", "waiting"]
    assert "– add" in desk.ratchet("show", "c-000001").stdout
    (desk.folder / "there").touch()
    assert "c-000002 is done" in desk.ratchet("run", "sums", "--yes").stdout
    desk.ratchet("audit", "verify")


def test_rerun_with_another_value_is_another_question(desk: Desk) -> None:
    """A wrong value changes nothing and is named; a right one starts attempt 2, whose report is asked about anew."""
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("1 of @anyone")
    terminal.type("rerun valuse=1")
    terminal.wait_for("did you mean")
    terminal.type("rerun wait_for=there")
    terminal.wait_for("attempt 2")
    first = desk.data("show", "c-000001")["stages"][0]
    (desk.folder / "there").touch()
    terminal.wait_for("1 of @anyone")
    terminal.type("approve")
    assert terminal.end() == 0
    assert desk.starts() == ["c-000001/add/1", "c-000001/add/2"]
    assert desk.data("show", "c-000001")["stages"][0]["digest"] != first["digest"]


def test_killed_in_the_middle_of_a_run_the_same_command_goes_on(desk: Desk) -> None:
    """The run outlives the terminal; whoever types the command again finds it at work, and it is started once."""
    (desk.folder / "ratchet.yaml").write_text(with_("{values: [1, 2, 3], wait_for: there}"))
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("1/2 sums")
    terminal.kill()
    again = desk.terminal("run", "sums")
    again.wait_for("add is running")
    (desk.folder / "there").touch()
    again.wait_for("1 of @anyone")
    again.kill()
    third = desk.terminal("run", "sums")
    third.wait_for("1 of @anyone")
    third.type("approve")
    assert third.end() == 0
    assert desk.starts() == ["c-000001/add/1"]
    desk.ratchet("audit", "verify")


def test_ctrl_c_leaves_and_the_same_command_comes_back(desk: Desk) -> None:
    """Leaving is said in a sentence, and loses nothing."""
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("1 of @anyone")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "comes back to it" in terminal.seen
    again = desk.terminal("run", "sums")
    again.wait_for("1 of @anyone")
    again.type("approve")
    assert again.end() == 0


def test_an_answer_from_another_terminal_counts(desk: Desk) -> None:
    """`ratchet approve` elsewhere lets the waiting terminal go on; a wrong digest does not, and is told so."""
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("1 of @anyone")
    assert "stale" in desk.ratchet("approve", "c-000001", "0123456789ab", status=1).stderr
    digest = desk.data("show", "c-000001")["gate"]["digest"]
    desk.ratchet("approve", "c-000001", digest[:12])
    assert terminal.end() == 0


def test_hold_keeps_it_and_unhold_lets_it_go(desk: Desk) -> None:
    """While it is held an approval is taken and nothing starts."""
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("1 of @anyone")
    terminal.type("hold wait for legal")
    terminal.wait_for("is held")
    terminal.type("approve")
    terminal.wait_for("says approve")
    assert desk.data("show", "c-000001")["state"] == "in_review"
    terminal.type("unhold")
    assert terminal.end() == 0


def test_a_failure_is_a_question_with_a_cure(desk: Desk) -> None:
    """A failed step shows what, where and the cure; after the cure the same command tries again."""
    (desk.folder / "ratchet.yaml").write_text(with_("{values: [1], fail_without: till}"))
    shown = desk.ratchet("run", "sums", "--yes", status=1).stdout
    assert "the till is shut (till): open it" in shown
    assert desk.data("list")[0]["state"] == "failed"
    (desk.folder / "till").touch()
    desk.ratchet("run", "sums", "--yes")
    assert desk.starts() == ["c-000001/add/1", "c-000001/add/2"]


def test_a_run_that_is_killed_fails_and_says_how(desk: Desk) -> None:
    """kill -9 of the step's own process is a failure in words, and nothing is published."""
    (desk.folder / "ratchet.yaml").write_text(with_("{values: [1], wait_for: there}"))
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("1/2 sums")
    os.kill(int((desk.folder / "starts.txt").read_text().split()[1]), 9)
    terminal.wait_for("add failed: type rerun")
    terminal.type("cancel enough")
    assert terminal.end() == 1
    assert not list((desk.folder / ".ratchet/artifacts").glob("c-000001/**/made.json"))
    assert desk.data("list")[0]["state"] == "cancelled"


def test_a_changed_record_is_found(desk: Desk) -> None:
    """Whoever edits an answer in the database is found, with the row."""
    desk.ratchet("run", "sums", "--yes")
    with sqlite3.connect(desk.folder / ".ratchet/ratchet.db") as database:
        database.execute("UPDATE events SET body = replace(body, '--yes', '--no') WHERE kind = 'review_given'")
    database.close()
    assert "c-000001" in desk.ratchet("audit", "verify", status=1).stderr


def test_with_no_terminal_the_question_waits_for_another(desk: Desk) -> None:
    """A cycle that was only triggered takes no stand-in: who is asked must be who answers."""
    (desk.folder / "ratchet.yaml").write_text(PIPELINE.replace("@anyone", "@org/team"))
    cycle = desk.data("trigger", "sums", "--reason", "because")
    assert cycle["state"] == "queued"
    assert cycle["purpose"] == "because"
    assert "no gate is open" in desk.ratchet("approve", cycle["id"], status=1).stderr
    desk.ratchet("cancel", cycle["id"], "--reason", "done looking")
    assert "is cancelled" in desk.ratchet("hold", cycle["id"], status=1).stderr
