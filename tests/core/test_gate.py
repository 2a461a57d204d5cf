"""Who must agree: every way in which a gate opens, and every way in which it stays shut and says why."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator.core.gate import Clause, Deadline, Gate, Person, Review, Roster, decide, objection, read_clause

AT = datetime(2030, 1, 1, tzinfo=UTC)
ALICE, BOB, CAROL, EVE = (Person(id=f"t:{name}", login=name) for name in ("alice", "bob", "carol", "eve"))
ROSTER = Roster(
    members={"@org/ml": ("t:alice", "t:bob", "t:carol"), "alice": ("t:alice",), "@org/safety": ("t:alice",)}
)
PRO, CONTRA = "the numbers are good", "the numbers are bad"


def says(by, verdict="approve", authority="person", reason=""):
    return Review(
        id=f"{by.id} {verdict}", by=by, verdict=verdict, about="0" * 64, at=AT, reason=reason, authority=authority
    )


def policy(verdict="approve", reason=PRO, name="better"):
    return says(Person(id=f"policy:{name}", login=name), verdict, "policy", reason)


def ask(gate, *reviews, roster=ROSTER, initiator=None, attended=False):
    return decide(gate, reviews, roster, initiator, attended=attended)


def test_a_quorum_takes_as_many_distinct_people():
    """Two of a team are two people, and nobody is two."""
    gate = Gate(require=("2 of @org/ml",))
    assert ask(gate).unmet == "2 more of @org/ml"
    assert ask(gate, says(ALICE), says(ALICE)).unmet == "1 more of @org/ml"
    found = ask(gate, says(ALICE), says(BOB))
    assert (found.verdict, found.unmet) == ("approve", "")
    assert found.seats[0].filled_by == ("alice", "bob")


def test_one_person_fills_a_seat_in_each_clause():
    """Who is in both lists counts for both."""
    gate = Gate(require=("1 of @org/ml", "1 of @org/safety", "must alice"))
    assert ask(gate, says(ALICE)).verdict == "approve"
    assert ask(gate, says(BOB)).unmet == "1 more of @org/safety; 1 more of alice"


def test_who_started_the_cycle_is_barred():
    """Neither the clause nor the flag lets the initiator fill any seat, and too few others are named."""
    for gate in (Gate(require=("1 of @org/ml", "not_initiator")), Gate(require=("1 of @org/ml",), not_initiator=True)):
        assert ask(gate, says(ALICE), initiator=ALICE).verdict == "wait"
        assert "not_initiator" in objection(gate, says(ALICE), ROSTER, ALICE, attended=False)
        assert ask(gate, says(BOB), initiator=ALICE).verdict == "approve"
        assert ask(gate, says(ALICE), initiator=None).verdict == "approve"
    alone = Gate(require=("must alice",), not_initiator=True)
    assert ask(alone, initiator=ALICE).unmet == "only 0 of the 1 needed may fill alice"


def test_a_list_that_cannot_be_read_keeps_the_gate_shut():
    """Fail closed: also for people who were counted before, and the list is named."""
    gate = Gate(require=("1 of @org/ml",))
    away = Roster(unreadable={"@org/ml": "the token may not read teams"})
    assert ask(gate, says(ALICE), roster=away).unmet == "@org/ml cannot be read: the token may not read teams"
    assert objection(gate, says(ALICE), away, None, attended=False).startswith("@org/ml cannot be read")
    both = Gate(require=("must alice", "1 of @org/ml"))
    known = Roster(members={"alice": ("t:alice",)}, unreadable=away.unreadable)
    assert not objection(both, says(ALICE), known, None, attended=False)
    assert ask(both, says(ALICE), roster=known).verdict == "wait"


def test_too_few_people_are_named():
    """Where nobody can ever meet a clause, it says so; where people are counted as they come, it waits."""
    gate = Gate(require=("3 of @org/safety",))
    assert ask(gate, says(ALICE)).unmet == "only 1 of the 3 needed may fill @org/safety"
    anyone = Roster(members={"@org/safety": ("t:alice",)}, uncounted=("@org/safety",))
    assert ask(gate, says(ALICE), roster=anyone).unmet == "2 more of @org/safety"


def test_a_stranger_is_told_who_is_asked():
    """A review by somebody on no list counts nothing."""
    gate = Gate(require=("1 of @org/ml", "must alice", "1 of @org/ml"))
    assert objection(gate, says(EVE), ROSTER, None, attended=False) == (
        "eve is not asked here: the gate asks @org/ml, alice"
    )
    assert ask(gate, says(EVE, "reject")).verdict == "wait"
    assert objection(Gate(policy="better"), says(EVE), ROSTER, None, attended=False).endswith("asks policy better")


@pytest.mark.parametrize("verdict", ["reject", "change"])
def test_one_no_of_an_eligible_person_is_enough(verdict):
    """Whatever else was said; with the reason, if there is one."""
    gate = Gate(require=("1 of @org/ml",))
    found = ask(gate, says(ALICE), says(BOB, verdict, reason=CONTRA))
    assert (found.verdict, found.unmet) == (verdict, f"bob says {verdict}: {CONTRA}")
    assert ask(gate, says(BOB, verdict)).unmet == f"bob says {verdict}"


def test_the_newest_verdict_of_a_person_stands():
    """Reviews come in order; the last of each person counts."""
    gate = Gate(require=("1 of @org/ml",))
    assert ask(gate, says(ALICE, "reject"), says(ALICE)).verdict == "approve"
    assert ask(gate, says(ALICE), says(ALICE, "reject")).verdict == "reject"


def test_a_policy_answers_for_everybody():
    """Alone it closes the gate, or rejects; unanswered it waits."""
    gate = Gate(policy="better")
    assert ask(gate).unmet == "policy better has not answered"
    assert ask(gate, policy()).verdict == "approve"
    found = ask(gate, policy("reject", CONTRA))
    assert (found.verdict, found.unmet) == ("reject", f"policy better says no: {CONTRA}")
    assert ask(gate, policy("reject", CONTRA)).by == policy("reject", CONTRA)


def test_where_the_policy_says_no_people_are_asked():
    """`else` stands in for the policy, before it answered and after it said no."""
    gate = Gate(policy="better", otherwise=("2 of @org/ml",))
    no = policy("reject", CONTRA)
    assert ask(gate, policy()).verdict == "approve"
    assert ask(gate, no, says(BOB)).unmet == f"policy better says no: {CONTRA}; 1 more of @org/ml"
    assert ask(gate, no, says(BOB), says(CAROL)).verdict == "approve"
    assert ask(gate, says(BOB), says(CAROL)).verdict == "approve"


def test_require_and_policy_are_both_needed():
    """A policy that agrees doesn't fill the seats of `require`, and people don't speak for the policy."""
    gate = Gate(require=("must alice",), policy="better")
    assert ask(gate, policy()).unmet == "1 more of alice"
    assert ask(gate, says(ALICE)).unmet == "policy better has not answered"
    assert ask(gate, says(ALICE), policy()).verdict == "approve"


def test_only_the_policy_that_is_named_is_heard():
    """Another policy, or one at a gate that names none, counts nothing."""
    assert ask(Gate(policy="better"), policy(name="worse")).verdict == "wait"
    assert objection(Gate(require=("must alice",)), policy(), ROSTER, None, attended=False) == (
        "this gate asks policy None, not better"
    )


def test_a_terminal_stands_in_only_where_somebody_sits_at_it():
    """For a cycle that was started there it fills every seat; its no counts as anybody's."""
    gate = Gate(require=("2 of @org/ml",), policy="better", otherwise=("must alice",))
    found = ask(gate, says(EVE, authority="terminal"), attended=True)
    assert found.verdict == "approve"
    assert [seat.clause for seat in found.seats] == ["2 of @org/ml", "better", "must alice"]
    assert ask(Gate(require=("must alice",)), says(EVE, authority="terminal"), attended=True).verdict == "approve"
    assert ask(gate, says(EVE, authority="terminal")).verdict == "wait"
    assert ask(gate, says(EVE, "reject", "terminal"), attended=True).verdict == "reject"


@pytest.mark.parametrize(
    ("gate", "why"),
    [
        ({}, "the gate asks nobody"),
        ({"require": ["not_initiator"]}, "the gate asks nobody"),
        ({"require": ["must alice"], "else": ["must bob"]}, "`else` without `policy`"),
        ({"policy": "better", "else": ["not_initiator"]}, "`else` asks nobody"),
        ({"require": ["two of us"]}, "is not a clause"),
        ({"require": ["0 of alice"]}, "asks for 0 people"),
        ({"require": ["1 of -"]}, "names nobody"),
        ({"require": [7]}, "require"),
    ],
)
def test_a_gate_that_asks_nobody_is_none(gate, why):
    """What could open by itself is refused when it is written."""
    with pytest.raises(ValidationError, match=why):
        Gate.model_validate(gate)


def test_a_policy_alone_with_an_empty_else_does_not_open_the_way():
    """`else` whose only clause bars the initiator asks nobody, and must not count as met (it did once)."""
    gate = Gate.model_construct(policy="better", require=(), otherwise=(Clause(kind="not_initiator"),))
    with pytest.raises(ValidationError):
        Gate.model_validate(gate.model_dump())


@given(st.sampled_from(["2 of @org/ml", "1 of alice", "must alice-b", "not_initiator", "must bot[bot]", "1 of @write"]))
def test_a_clause_is_written_as_it_is_read(text):
    """Text to clause to text, and through a gate's JSON."""
    clause = read_clause(f" {text} ")
    assert str(clause) == text
    gate = Gate(require=(clause, "must alice"), deadline=Deadline(after=timedelta(hours=1)))
    assert Gate.model_validate_json(gate.model_dump_json()) == gate


def test_the_initiator_may_be_barred_in_several_words():
    """However it is written, it is one clause."""
    for text in ("not_initiator", "not the initiator", "NOT INITIATOR"):
        assert read_clause(text) == Clause(kind="not_initiator")


@given(
    st.lists(st.sampled_from([ALICE, BOB, CAROL, EVE]), max_size=6),
    st.integers(1, 4),
    st.sampled_from([None, ALICE, BOB]),
)
def test_no_quorum_opens_without_enough_distinct_eligible_people(approvers, count, initiator):
    """Counted by hand: distinct members who approve and did not start the cycle."""
    gate = Gate(require=(f"{count} of @org/ml", "not_initiator"))
    able = {one.id for one in approvers} & set(ROSTER.members["@org/ml"]) - {initiator.id if initiator else ""}
    found = ask(gate, *map(says, approvers), initiator=initiator)
    assert (found.verdict == "approve") == (len(able) >= count) == (not found.unmet)
