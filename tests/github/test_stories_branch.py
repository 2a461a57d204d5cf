"""What stands on the cycle's branch: the cycle's folder, whoever pushes what else."""

import pytest
from rig.github import GitHub
from stage import Begun, Stage
from stage import stages as stages

from orchestrator.core.model import State


@pytest.fixture
def one(stage: Begun, github: GitHub) -> Stage:
    """A cycle that two approvals take to its end."""
    github.write("ratchet.yaml", "mine: true\n")
    return stage(second='"1 of bob"')


def test_what_somebody_pushes_to_the_branch_is_not_merged(one: Stage, github: GitHub) -> None:
    """Another pipeline file beside the reports is gone with our next commit, and what main got meanwhile stays."""
    one.begin()
    github.write("ratchet.yaml", "gates: none\n", branch="ratchet/c-000001")
    github.write("cycles/c-000001/reports/collect-1.md", "all is well", branch="ratchet/c-000001")
    github.write("elsewhere.txt", "new on main")
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE
    assert github.pulls()[0]["merged_at"]
    merged = github.files("main")
    assert merged["ratchet.yaml"] == b"mine: true\n"
    assert b"120 new rows" in merged["cycles/c-000001/reports/collect-1.md"]
    assert merged["elsewhere.txt"] == b"new on main"


def test_a_push_just_before_the_merge_is_undone_too(one: Stage, github: GitHub) -> None:
    """The last commit before the merge is ours, or nothing is merged."""
    one.begin()
    one.says("alice", "/approve")
    github.fail_once("PUT", r"/merge$", status=502)
    one.says("bob", "/approve")
    assert not github.pulls()[0]["merged_at"]
    github.write("ratchet.yaml", "gates: none\n", branch="ratchet/c-000001")
    one.wait(minutes=10, rest=True)
    assert github.pulls()[0]["merged_at"]
    assert github.files("main")["ratchet.yaml"] == b"mine: true\n"


def test_a_branch_that_somebody_made_first_is_taken_over(one: Stage, github: GitHub) -> None:
    """Whoever guesses the next cycle's name gets nothing into it."""
    github.write("ratchet.yaml", "gates: none\n", branch="ratchet/c-000001")
    one.begin()
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert github.pulls()[0]["merged_at"]
    assert github.files("main")["ratchet.yaml"] == b"mine: true\n"
