"""The conversation of `ratchet run`: what is asked, what is told, and what else happens meanwhile."""

from pathlib import Path

import pytest
from desk import PIPELINE, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A user's folder with the pipeline `sums`: add, a gate, times."""
    return Desk(tmp_path)


def test_after_whatever_is_said_the_prompt_comes_again(desk: Desk) -> None:
    """Help, a wrong word, a wrong value, a stale digest and a hold each end with a prompt on a line of its own."""
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("\r\n> ")
    for typed, answer in (
        ("help", "Ctrl-C leaves"),
        ("dance", "is not a command"),
        ("rollback", "can't be said here"),
        ("rerun valuse=1", "did you mean"),
        ("approve 01234567", "stale"),
        ("hold", "is held"),
        ("status", "in review at add"),
        ("unhold", "lets it go on"),
        ("status", "in review at add"),
    ):
        terminal.type(typed)
        terminal.wait_for(answer)
        terminal.wait_for("\r\n> ")
    assert "delegate" not in terminal.seen
    assert terminal.seen.count("is held (") == 2
    terminal.type("approve")
    assert terminal.end() == 0


def test_news_from_elsewhere_does_not_write_where_somebody_types(desk: Desk) -> None:
    """What another terminal does is told on a new line, and the prompt comes again."""
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("\r\n> ")
    desk.ratchet("hold", "c-000001", "--reason", "legal looks")
    assert "\r\n> \r\n" in terminal.wait_for("legal looks): type unhold")
    terminal.wait_for("\r\n> ")
    desk.ratchet("cancel", "c-000001", "--reason", "enough")
    terminal.wait_for("cancelled by")
    assert terminal.end() == 1


def test_what_was_typed_before_the_question_is_no_answer(desk: Desk) -> None:
    """Somebody who types `approve` while a stage runs has not seen its report."""
    (desk.folder / "ratchet.yaml").write_text(PIPELINE.replace("[1, 2, 3]", "[1], wait_for: there"))
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("1/2 sums")
    terminal.type("approve unseen")
    terminal.wait_for("unseen")
    (desk.folder / "there").touch()
    terminal.wait_for("\r\n> ")
    assert desk.data("show", "c-000001")["state"] == "in_review"
    terminal.type("approve seen")
    terminal.wait_for("says approve: seen")
    assert terminal.end() == 0


def test_a_deadline_is_told_in_words(desk: Desk) -> None:
    """A reminder and the end of the time are sentences, and the gate is held as the file says."""
    (desk.folder / "ratchet.yaml").write_text(
        PIPELINE.replace('["1 of @anyone"]', '["1 of @anyone"], deadline: {after: 2s, remind: 1s, then: hold}')
    )
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("the gate of add is still open")
    terminal.wait_for("the deadline of the gate of add has passed")
    terminal.wait_for("type unhold")
    terminal.type("cancel too late")
    assert terminal.end() == 1


def test_who_waits_for_another_cycle_is_told_for_which(desk: Desk) -> None:
    """A cycle whose target another one has says so, instead of nothing."""
    desk.ratchet("trigger", "sums")
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("c-000002 waits for c-000001, which is in review at add")
    desk.ratchet("cancel", "c-000001", "--reason", "make room")
    terminal.wait_for("\r\n> ")
    terminal.type("approve")
    assert terminal.end() == 0


def test_a_stopped_run_is_no_failure_and_a_failure_is_told_once(desk: Desk) -> None:
    """Cancelling says `stopped`; the end of a failed cycle does not repeat why."""
    (desk.folder / "ratchet.yaml").write_text(PIPELINE.replace("[1, 2, 3]", "[1], fail_without: till, wait_for: there"))
    shown = desk.ratchet("run", "sums", "--yes", status=1).stdout
    assert shown.count("the till is shut") == 1
    assert "cancel c-000001 --reason" in shown
    (desk.folder / "till").touch()
    terminal = desk.terminal("run", "sums", "--yes")
    terminal.wait_for("1/2 sums")
    desk.ratchet("cancel", "c-000001", "--reason", "enough")
    terminal.wait_for("add is stopped")
    assert terminal.end() == 1


def test_a_held_cycle_that_nobody_can_type_to_says_how_it_goes_on(desk: Desk) -> None:
    """With --yes there is no keyboard: the other way is named, and works."""
    desk.ratchet("run", "sums", "--yes")
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("1 of @anyone")
    terminal.type("hold")
    terminal.wait_for("is held")
    terminal.kill()
    again = desk.terminal("run", "sums", "--yes")
    again.wait_for("`ratchet unhold c-000002`")
    desk.ratchet("unhold", "c-000002")
    assert again.end() == 0
