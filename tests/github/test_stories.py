"""Whole cycles in a pull request, each told from what people write to what they see."""

from rig.github import GitHub
from stage import Begun
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
    assert not github.violations.failures if hasattr(github.violations, "failures") else True


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
