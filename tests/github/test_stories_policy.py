"""A gate that asks a policy first: people are asked when it says no, and not before."""

import pytest
from rig.github import GitHub
from stage import Begun
from stage import stages as stages

from orchestrator.core.model import State
from reviewers.policy import PolicyReviewer

PIPELINE = """
pipelines:
  words:
    stages:
      - name: collect
        step: smallsteps:collect
        executor: inline
        gate: {{policy: enough, else: ["1 of alice"]}}
      - name: ship
        step: smallsteps:ship
        executor: inline
        with: {{score: 1}}
policies:
  enough: {{rows: ">= 200"}}
"""


def test_people_are_asked_once_the_policy_has_said_no(stage: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it may still close the gate alone nobody is pinged; the comment that asks is made with its answer in it."""
    with monkeypatch.context() as away:
        away.setattr(PolicyReviewer, "look", lambda self, cycle: ())
        one = stage(pipeline=PIPELINE)
        one.begin()
        assert one.posts("gate") == []
        early = one.says("alice", "/approve")
        assert one.marks(early) == ["eyes", "-1"]
    one.house.engine.ask("c-000001")
    one.settle()
    [asked] = one.posts("gate")
    assert "@alice" in asked
    assert "enough" in asked
    one.says("alice", "/approve")
    assert one.cycle().state is State.DONE


def test_a_night_that_a_policy_lets_through_asks_nobody(stage: Begun, github: GitHub) -> None:
    """The report is there and says who let it through; nobody was pinged; it is merged."""
    one = stage(pipeline=PIPELINE.replace("200", "100"))
    one.begin()
    assert one.cycle().state is State.DONE
    assert github.pulls()[0]["merged_at"]
    [report] = one.posts("gate")
    assert "@alice" not in report
    assert "enough" in report


def test_a_policy_that_never_answers_does_not_hide_the_question(stage: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a minute the gate is shown as it is."""
    monkeypatch.setattr(PolicyReviewer, "look", lambda self, cycle: ())
    one = stage(pipeline=PIPELINE)
    one.begin()
    one.wait(minutes=2)
    assert len(one.posts("gate")) == 1
