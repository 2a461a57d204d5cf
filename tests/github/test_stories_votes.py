"""Who counts, for what, and until when."""

import pytest
from rig.github import GitHub
from stage import Begun, Stage
from stage import stages as stages

from orchestrator.core.model import State


def test_what_was_agreed_before_a_rerun_counts_nothing_after_it(stage: Begun, github: GitHub) -> None:
    """The gate asks about another digest then: the old approval is gone, and the old digest is named as stale."""
    one = stage(first='"2 of @planners"')
    one.begin()
    old = one.digest
    one.says("alice", f"/approve {old[:12]}")
    assert one.approvals() == ["alice"]
    one.says("dave", "/rerun rows=150")
    assert one.digest != old
    assert one.approvals() == []

    late = one.says("carol", f"/approve {old[:12]}")
    assert one.marks(late) == ["eyes", "-1"]
    [answer] = one.answers(late)
    assert "stale" in answer
    assert old[:12] in answer
    assert one.digest[:12] in answer
    assert one.refusals()[-1][0] == "carol"
    assert one.approvals() == []
    assert one.runs() == ["c-000001/collect/1", "c-000001/collect/2"]
    assert "Void" in one.posts("gate")[0]

    one.says("carol", f"/approve {one.digest[:12]}")
    one.says("alice", "/approve")
    assert one.cycle().stage.name == "learn"


def test_an_approval_that_names_nothing_is_about_the_question_above_it(stage: Begun) -> None:
    """Written between two reports, it is about the first one, and counts nothing for the second."""
    one = stage(first='"2 of @planners"')
    one.begin()
    early = one.github.as_("carol").comment(one.pull, "/approve")
    late = one.github.as_("dave").comment(one.pull, "/rerun rows=150")
    one.settle()
    assert one.marks(early) == one.marks(late) == ["eyes", "+1"]
    assert one.approvals() == []

    one.github.as_("dave").comment(one.pull, "/rerun rows=160")
    between = one.github.as_("carol").comment(one.pull, "/approve")
    one.settle()
    assert one.approvals() == []
    assert one.marks(between) == ["eyes", "-1"]
    assert one.answers(between)


def test_one_person_in_two_teams_fills_one_seat_in_each_clause(stage: Begun, github: GitHub) -> None:
    """Alice is of ml and of safety: she fills a seat in both, but never both seats of `2 of @acme/ml`."""
    github.add_to_team("alice", "safety")
    one = stage(first='"2 of @acme/ml", "1 of @acme/safety"')
    one.begin()
    one.says("alice", "/approve")
    one.says("alice", f"/approve {one.digest} once more")
    assert one.cycle().state is State.IN_REVIEW
    assert "1 more" in one.posts("status")[0]
    one.says("bob", "/approve")
    assert one.cycle().stage.name == "learn"


def test_one_person_may_meet_two_clauses_alone(stage: Begun, github: GitHub) -> None:
    """`1 of` each team: one person in both is enough, as the clauses say."""
    github.add_to_team("alice", "safety")
    one = stage(first='"1 of @acme/ml", "1 of @acme/safety"')
    one.begin()
    one.says("alice", "/approve")
    assert one.cycle().stage.name == "learn"


def test_whoever_has_not_accepted_the_invitation_to_a_team_is_not_of_it(stage: Begun, github: GitHub) -> None:
    """A pending membership is none."""
    github.add_to_team("carol", "ml", pending=True)
    one = stage(first='"1 of @acme/ml"')
    one.begin()
    comment = one.says("carol", "/approve")
    assert one.marks(comment) == ["eyes", "-1"]
    assert "carol" in one.refusals()[0][0]
    assert "@acme/ml" in one.refusals()[0][1]


def test_whoever_started_the_cycle_does_not_count_where_the_gate_says_so(stage: Begun) -> None:
    """Refused by name; and who stands in for the initiator does not count either."""
    one = stage(first='"1 of @planners", not_initiator', second='"1 of @planners"')
    one.begin(by="alice")
    own = one.says("alice", "/approve it is mine")
    assert one.marks(own) == ["eyes", "-1"]
    assert "alice started this cycle" in one.refusals()[0][1]
    assert "not" in one.answers(own)[0]

    one.says("alice", "/delegate @bob until=3d")
    stand_in = one.says("bob", "/approve")
    assert one.marks(stand_in) == ["eyes", "-1"]
    one.says("carol", "/delegate @alice until=3d")
    again = one.says("alice", "/approve in the name of carol")
    assert one.marks(again) == ["eyes", "-1"]
    assert one.cycle().stage.name == "collect"
    one.says("carol", "/delegate @carol until=3d")
    one.says("carol", "/approve")
    assert one.cycle().stage.name == "learn"


def _leaves(one: Stage, how: str) -> None:
    match how:
        case "team":
            one.github.remove_from_team("alice", "ml")
        case "role":
            one.github.set_role("alice", "none")


@pytest.mark.parametrize("how", ["team", "role"])
def test_whoever_loses_access_before_it_is_heard_does_not_count(stage: Begun, how: str) -> None:
    """The comment stands there; the right to it is gone when it is read."""
    one = stage(first='"1 of @acme/ml"' if how == "team" else '"1 of @write"')
    one.begin()
    comment = one.github.as_("alice").comment(one.pull, "/approve")
    _leaves(one, how)
    one.settle()
    assert one.marks(comment) == ["eyes", "-1"]
    assert one.cycle().state is State.IN_REVIEW
    assert one.runs() == ["c-000001/collect/1"]
    assert one.refusals()[0][0] == "alice"


@pytest.mark.parametrize("how", ["team", "role"])
def test_whoever_loses_access_between_two_approvals_leaves_the_seat_empty(stage: Begun, how: str) -> None:
    """The second approval reads the first one's right again."""
    one = stage(first='"2 of @acme/ml"' if how == "team" else '"2 of @write"')
    one.begin()
    one.says("alice", "/approve")
    _leaves(one, how)
    one.says("bob", "/approve")
    assert one.cycle().state is State.IN_REVIEW
    assert one.runs() == ["c-000001/collect/1"]


@pytest.mark.parametrize("how", ["team", "role"])
def test_whoever_loses_access_while_it_is_held_does_not_count_when_it_is_let_go(stage: Begun, how: str) -> None:
    """Everybody has agreed, but the cycle is held: what is true when it is let go decides."""
    one = stage(first='"2 of @acme/ml"' if how == "team" else '"2 of @write"')
    one.begin()
    one.says("dave", "/hold I want to look")
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert one.approvals() == ["alice", "bob"]
    _leaves(one, how)
    one.says("dave", "/unhold")
    assert one.cycle().state is State.IN_REVIEW
    assert one.runs() == ["c-000001/collect/1"]
    one.github.set_role("alice", "write")
    one.github.add_to_team("alice", "ml")
    one.look_closely()
    assert one.cycle().stage.name == "learn"


def test_a_login_that_somebody_else_has_taken_over_answers_for_nobody(stage: Begun, github: GitHub) -> None:
    """People are numbers: the approval of the old alice falls, the new one is nobody here."""
    one = stage(first='"2 of @write"')
    one.begin()
    one.says("alice", "/approve")
    event = next(event for event in one.record() if event.kind == "review_given")
    assert event.review.by.id == f"github:{github.user_id('alice')}"
    other = event.review.by.but(id="github:424242")
    assert one.house.people.role(other) == "none"
    assert one.house.people.role(event.review.by) == "write"


def test_strangers_and_bots_are_not_asked(stage: Begun, github: GitHub) -> None:
    """A reader is told so; a bot is not even listened to; a listed one is."""
    github.set_role("mallory", "read")
    one = stage(first='"1 of @anyone"')
    one.begin()
    stranger = one.says("mallory", "/approve I like it")
    assert one.marks(stranger) == ["eyes", "-1"]
    assert "mallory" in one.answers(stranger)[0]
    held = one.says("mallory", "/hold")
    assert one.marks(held) == ["eyes", "-1"]
    assert one.cycle().held is None
    bot = one.says("dependabot[bot]", "/approve")
    assert one.marks(bot) == []
    assert one.answers(bot) == []
    assert one.cycle().state is State.IN_REVIEW


def test_a_forged_marker_is_text(stage: Begun, github: GitHub) -> None:
    """Nobody else's comment is taken for ours: neither edited by us, nor kept from being heard."""
    github.set_role("mallory", "read")
    one = stage(first='"1 of @write"')
    one.begin()
    for kind in ("status c-000001", "gate c-000001/collect/1", "gate c-000001/learn/1"):
        github.as_("mallory").comment(one.pull, f"<!-- ratchet:{kind} -->\nAll is well.")
    comment = one.says("alice", "<!-- ratchet:answer 1 -->\n\n/approve")
    assert one.marks(comment) == ["eyes", "+1"]
    again = one.open("again")
    assert again is one.house
    one.settle()
    assert len([body for body in one.bodies() if "All is well" in body]) == 0
    assert [len(one.posts(kind)) for kind in ("status", "gate")] == [1, 2]
    forged = [said for said in github.comments(one.pull) if "All is well" in said["body"]]
    assert len(forged) == 3


def test_with_a_persons_token_that_person_still_counts(stage: Begun, github: GitHub) -> None:
    """What the account writes with our marker is ours, what it writes without is its owner's; statuses, not checks."""
    one = stage(first='"1 of machine"', second='"1 of alice"', app=False)
    one.begin()
    assert one.checks() == {"ratchet / collect": "pending"}
    comment = one.says("machine", "/approve")
    assert one.marks(comment) == ["eyes", "+1"]
    one.says("alice", "/approve")
    assert one.cycle().state is State.DONE
    assert one.checks() == {"ratchet / collect": "success", "ratchet / learn": "success"}
    assert len(one.posts("status")) == 1
    assert one.posts("answer") == []
    assert github.pulls()[0]["merged_at"]
