"""Every gate with how it ended, told from the record."""

from datetime import timedelta

import pytest
from sentiment import ALICE, BOB, CAROL, COLLECTED, DAVE, EVALUATED, PIPELINE, ROSTER, Story

from orchestrator.core.events import CancelAsked, RosterRead, TimePassed, Unheld
from orchestrator.core.gate import Person, Roster


def begun(**how):
    return Story(**how).finds(COLLECTED)


def evaluated():
    return begun().review(BOB).finds(COLLECTED).finds(EVALUATED)


def outcome(story):
    return story.told[-1].verdict, story.told[-1].outcome.partition(" UTC")[2] or story.told[-1].outcome


def test_a_cycle_that_asked_nothing_yet_has_no_chapter():
    """Nor has one that was never there: what can't be folded is left out."""
    assert Story().told == ()
    assert begun().told[0].opening.run == "c-000042/collect/1"
    story = begun()
    story.events.insert(1, story.events[0])
    assert len(story.told) == 1


def test_an_open_gate_has_no_verdict_and_shows_who_answered():
    """As the machine sees it."""
    story = begun()
    assert (story.told[0].verdict, story.told[0].outcome) == ("", "")
    story.hold()
    assert story.told[0].opening == story.cycle.opening


def test_who_agreed_is_named():
    """With the time."""
    story = begun().review(BOB)
    [chapter] = story.told
    assert chapter.verdict == "approved"
    assert chapter.outcome == "Approved by bob, 2026-11-20 02:27 UTC"
    assert [one.by for one in chapter.opening.reviews] == [BOB]


def test_who_lost_the_right_meanwhile_is_not_named():
    """Alice's approval stands on the record, and counted nothing when the gate closed."""
    story = evaluated().policy("reject").review(ALICE)
    left = Roster(members={**ROSTER.members, "@acme/ml": (BOB.id, CAROL.id)})
    story.review(BOB, roster=left).review(CAROL, roster=left)
    if not story.told[-1].verdict:
        story.review(DAVE, roster=left)
    assert story.told[-1].verdict == "approved"
    assert "alice" not in story.told[-1].outcome
    assert "bob, carol" in story.told[-1].outcome


def test_a_policy_agrees_by_its_name():
    """Nobody is asked then."""
    story = evaluated().policy("approve")
    assert outcome(story)[0] == "approved"
    assert "policy no_regression" in story.told[-1].outcome


def test_a_gate_that_closes_when_it_is_let_go_or_read_again():
    """Everybody had agreed before."""
    story = begun().hold().review(BOB)
    story.happens(Unheld(at=story.at, id="u1", by=BOB))
    assert "Approved by bob" in story.told[0].outcome
    story = evaluated().policy("reject").hold().review(BOB).review(CAROL).review(DAVE)
    gone = Roster(members={**ROSTER.members, "@acme/safety": (DAVE.id,), "@acme/ml": (CAROL.id,)})
    story.happens(RosterRead(at=story.at, roster=gone)).happens(Unheld(at=story.at, id="u2", by=BOB))
    assert story.told[-1].verdict == ""
    story.happens(RosterRead(at=story.at, roster=ROSTER))
    assert story.told[-1].verdict == "approved"


def test_how_else_a_gate_ends():
    """Rejected with its reason, void by a rerun, a cancellation or another value."""
    assert outcome(begun().review(BOB, "reject", reason="half of it is doubled")) == (
        "rejected",
        ": bob says reject: half of it is doubled",
    )
    assert outcome(begun().rerun()) == ("void", ": alice asked for collect again")
    assert outcome(begun().review(BOB).finds(COLLECTED).finds(EVALUATED).rerun("collect")) == (
        "void",
        ": alice asked for collect again",
    )
    assert outcome(begun().review(BOB, "change")) == ("void", ": bob asked for collect again")
    story = begun()
    story.happens(CancelAsked(at=story.at, id="c1", by=DAVE, reason="enough"))
    assert outcome(story) == ("void", ": the cycle was cancelled by dave")


def test_a_rerun_opens_a_chapter_of_its_own():
    """The one before stays void."""
    story = begun().rerun().finds(COLLECTED)
    assert [(one.opening.run, one.verdict) for one in story.told] == [
        ("c-000042/collect/1", "void"),
        ("c-000042/collect/2", ""),
    ]


@pytest.mark.parametrize(("then", "verdict"), [("reject", "rejected"), ("hold", "")])
def test_a_deadline_rejects_or_holds(then, verdict):
    """And never agrees."""
    body = PIPELINE.model_dump(mode="json", by_alias=True)
    body["stages"][0]["gate"]["deadline"]["then"] = then
    story = begun(pipeline=type(PIPELINE).model_validate(body))
    at = story.at + timedelta(days=2)
    story.happens(TimePassed(at=at, run="c-000042/collect/1", purpose="deadline"))
    assert story.told[0].verdict == verdict
    assert ("the deadline has passed" in story.told[0].outcome) == (then == "reject")


def test_a_terminal_stands_in_for_everybody():
    """It is named as whoever sat there."""
    story = begun(attended=True).review(Person(id="os:1000", login="erin"), authority="terminal")
    assert "Approved by erin" in story.told[0].outcome
