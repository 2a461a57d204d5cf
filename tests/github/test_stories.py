"""Whole cycles in a pull request, each told from what people write to what they see."""

from rig.github import GitHub
from stage import STAGES, Begun
from stage import stages as stages

from orchestrator.core.model import State


def test_a_planner_asks_reviewers_agree_and_the_model_is_merged(stage: Begun, github: GitHub) -> None:
    """One pull request, one status comment, a report for each gate, a check for each; merged in the end."""
    one = stage()
    cycle = one.begin()
    assert cycle.state is State.IN_REVIEW
    [pull] = github.pulls()
    assert pull["head"]["ref"] == "ratchet/c-000001"
    assert "cycles/c-000001/manifest.json" in github.files("ratchet/c-000001")
    assert len(one.posts("status")) == 1
    assert "120 new rows" in one.posts("gate")[0]

    comment = one.says("alice", "/approve looks right")
    assert one.marks(comment) == ["eyes", "+1"]
    assert one.cycle().stage.name == "learn"
    one.says("alice", f"/approve {one.digest[:12]}")
    assert one.cycle().state is State.IN_REVIEW
    one.says("bob", f"/approve {one.digest}")

    assert one.cycle().state is State.DONE
    assert one.runs() == ["c-000001/collect/1", "c-000001/learn/1", "c-000001/ship/1"]
    [pull] = github.pulls()
    assert pull["merged_at"]
    assert "cycles/c-000001/reports/learn-1.md" in github.files("main")
    assert len(one.posts("status")) == 1
    assert one.checks() == {"ratchet / collect": "success", "ratchet / learn": "success"}
    assert one.posts("answer") == []


def test_an_open_gate_at_rest_costs_two_questions_that_are_answered_nothing_new(stage: Begun, github: GitHub) -> None:
    """Comments and reviews, each by its ETag; who may answer is read only now and then."""
    one = stage()
    one.begin()
    for _ in range(10):
        one.lobby.turn()
    before = len(github.exchanges)
    for _ in range(3):
        one.lobby.turn()
    asked = github.exchanges[before:]
    assert [one.reply.status for one in asked] == [304] * 6
    assert {one.path.rsplit("/", 1)[1] for one in asked} == {"comments", "reviews"}


def test_a_cycle_that_never_began_has_no_pull_request(stage: Begun, github: GitHub) -> None:
    """The target is another cycle's, and the pipeline says `overlap: skip`: nobody is bothered."""
    one = stage(pipeline=STAGES.replace("  words:\n", "  words:\n    overlap: skip\n"))
    one.begin()
    skipped = one.begin()
    assert skipped.state is State.SKIPPED
    assert len(github.pulls()) == 1
    before = len(github.exchanges)
    one.lobby.turn()
    assert {each.path.split("/")[-2] for each in github.exchanges[before:]} == {"1"}


def test_nothing_new_behind_a_hold_is_shown_and_its_pull_request_is_closed(stage: Begun, github: GitHub) -> None:
    """Nothing is merged, nobody is asked, and the status says why; nothing ends while the cycle is held."""
    one = stage()
    one.begin()
    one.says("alice", "/hold")
    one.says("dave", "/rerun rows=1")
    one.says("alice", "/unhold")
    one.says("alice", "/rerun rows=1")
    assert one.cycle().state is State.SKIPPED
    [pull] = github.pulls()
    assert (pull["state"], pull["merged_at"]) == ("closed", None)
    assert "Skipped: one row is as good as none" in one.posts("status")[0]
    assert set(github.labels(one.pull)) == {"ratchet", "ratchet:skipped"}


def test_a_cycle_that_begins_with_nothing_new_bothers_nobody(stage: Begun, github: GitHub) -> None:
    """It was skipped before anybody looked: no pull request is opened."""
    one = stage()
    one.begin(collect={"rows": "1"})
    assert one.cycle().state is State.SKIPPED
    for pull in github.pulls():
        assert pull["state"] == "closed"


def test_a_cycle_that_waits_for_its_turn_is_shown_and_goes_on_by_itself(stage: Begun, github: GitHub) -> None:
    """Two cycles, a room each: what is said in one is not heard in the other."""
    one = stage(second='"1 of bob"')
    one.begin()
    second = one.begin()
    assert second.state is State.QUEUED
    first, other = (int(pull["number"]) for pull in github.pulls())
    github.as_("alice").comment(other, "/approve")
    one.settle()
    assert one.cycle("c-000001").state is State.IN_REVIEW
    for login in ("alice", "bob"):
        github.as_(login).comment(first, "/approve")
        one.settle()
    assert one.cycle("c-000001").state is State.DONE
    assert one.cycle("c-000002").state is State.IN_REVIEW
    assert [bool(pull["merged_at"]) for pull in github.pulls()] == [True, False]
