"""GitHub's refusals: limits, tokens, renames, lengths, protected branches. Waited out or said, nothing is lost."""

import pytest
from rig.github import GitHub
from stage import Begun
from stage import stages as stages

from orchestrator.core.model import State


def test_a_comment_that_was_created_although_502_was_answered_is_not_written_again(
    stage: Begun, github: GitHub
) -> None:
    """It is found by its marker: one status, one report, one answer."""
    one = stage()
    for _ in range(2):
        github.fail_once("POST", r"/issues/\d+/comments$", after=True)
    one.begin()
    one.wait(minutes=5)
    one.wait(minutes=5)
    assert [len(one.posts(kind)) for kind in ("status", "gate")] == [1, 1]
    github.fail_once("POST", r"/issues/\d+/comments$", after=True)
    comment = one.says("alice", "/aprove")
    one.wait(minutes=5)
    assert len(one.answers(comment)) == 1
    assert one.marks(comment) == ["eyes", "confused"]


def test_a_secondary_limit_is_waited_out_as_told(stage: Begun, github: GitHub) -> None:
    """The reads go on; the first write waits for as long as GitHub says; the runs wait for nothing."""
    one = stage(second='"1 of bob"')
    one.begin()
    github.limit(40 * 60)
    comment = github.as_("alice").comment(one.pull, "/approve")
    one.settle()
    before = len(github.exchanges)
    one.settle()
    one.wait(minutes=30, rest=True)
    assert len(github.exchanges) == before
    github.limit(0)
    one.wait(minutes=15, rest=True)
    assert one.marks(comment) == ["eyes", "+1"]
    assert one.cycle().stage.name == "learn"


def test_a_short_limit_is_slept_through(stage: Begun, github: GitHub) -> None:
    """By the transport, for the seconds that GitHub names; nobody else notices."""
    one = stage()
    one.begin()

    def sleep(seconds: float) -> None:
        one.house.slept.append(seconds)
        github.limit(0)

    one.house.transport._sleep = sleep
    github.limit(20)
    comment = one.says("alice", "/approve")
    assert one.marks(comment) == ["eyes", "+1"]
    assert [round(each) for each in one.house.slept] == [20]


def test_a_primary_limit_stops_everything_until_it_ends(stage: Begun, github: GitHub) -> None:
    """Nothing is asked meanwhile, and the engine's runs go on."""
    one = stage()
    github.limit(45, "primary")
    one.desk.trigger(one.pipeline, "planner", initiator=one.person("dave"))
    one.settle()
    assert one.runs() == ["c-000001/collect/1"]
    assert one.cycle().state is State.IN_REVIEW
    github.limit(0)
    one.wait(seconds=50, rest=True)
    assert len(one.posts("gate")) == 1


def test_the_installation_token_expires_in_the_middle(stage: Begun, github: GitHub) -> None:
    """Another one is asked for, and what was refused is done."""
    one = stage(second='"1 of bob"')
    one.begin()
    github.expire_tokens()
    comment = one.says("alice", "/approve")
    assert one.marks(comment) == ["eyes", "+1"]
    github.expire_tokens()
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE
    assert len(one.posts("status")) == 1


def test_a_token_that_was_revoked_loses_nothing(stage: Begun, github: GitHub) -> None:
    """A person's token is withdrawn: the cycle waits in its state; with a good one everything is shown."""
    one = stage(app=False, second='"1 of bob"')
    one.begin()
    github.revoke("machine")
    comment = github.as_("alice").comment(one.pull, "/approve")
    one.settle()
    assert one.cycle().state is State.IN_REVIEW
    github.site.callers.know("machine", github.token("machine"))
    one.wait(minutes=10)
    assert one.marks(comment) == ["eyes", "+1"]


def test_the_repository_is_renamed_in_the_middle(stage: Begun, github: GitHub) -> None:
    """The old name leads to the new one; the same pull request, the same comments."""
    one = stage(second='"1 of bob"')
    one.begin()
    github.rename("acme/classifiers")
    comment = one.says("alice", "/approve")
    assert one.marks(comment) == ["eyes", "+1"]
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE
    assert len(github.pulls()) == 1
    assert github.pulls()[0]["merged_at"]
    assert len(one.posts("status")) == 1


WORDY = """
pipelines:
  words:
    stages:
      - name: collect
        step: smallsteps:talk
        executor: inline
        with: {{length: 90000}}
        gate: {{require: [{first}]}}
      - name: ship
        step: smallsteps:ship
        executor: inline
        with: {{score: 1.0}}
groups:
  planners: [alice, carol]
"""


def test_a_report_that_is_too_long_is_cut_and_linked(stage: Begun, github: GitHub) -> None:
    """The comment holds what fits, with a link to the whole on the branch."""
    one = stage(pipeline=WORDY)
    one.begin()
    [gate] = one.posts("gate")
    assert len(gate) <= 60_000
    assert "This is not all" in gate
    assert "reports/collect-1.md" in gate
    assert f"/approve {one.digest[:12]}" in gate
    whole = github.files("ratchet/c-000001")["cycles/c-000001/reports/collect-1.md"].decode()
    assert whole.count("word") > 8_000
    one.says("alice", "/approve")
    assert one.cycle().state is State.DONE


@pytest.mark.parametrize("length", [65_536, 60_000])
def test_a_long_comment_is_read(stage: Begun, length: int) -> None:
    """GitHub takes no longer ones; what was said is kept whole enough to be found."""
    one = stage()
    one.begin()
    comment = one.says("alice", "/approve " + "x" * (length - 9))
    assert one.marks(comment) == ["eyes", "+1"]
    assert all(len(body) <= 60_000 for body in one.bodies())


def test_a_text_that_github_refuses_is_said_to_be_missing(stage: Begun, github: GitHub) -> None:
    """422 for whatever reason: a short text stands in its place, and everything else goes on."""
    one = stage(second='"1 of bob"')
    one.begin()
    github.fail_once("POST", r"/issues/\d+/comments$", status=422)
    one.says("alice", "/approve")
    assert "GitHub refused the text" in one.posts("gate")[1]
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE
    assert "GitHub refused" not in one.posts("gate")[1]


@pytest.mark.parametrize("status", [405, 403])
def test_a_merge_that_is_refused_is_said_once_and_tried_again(stage: Begun, github: GitHub, status: int) -> None:
    """A protected branch: people see why; when it is let, it is merged."""
    one = stage(second='"1 of bob"')
    one.begin()
    for _ in range(12):
        github.fail_once("PUT", "/merge$", status=status)
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE
    assert github.pulls()[0]["merged_at"] is None
    for _ in range(3):
        one.lobby.turn()
    assert len(one.posts("answer")) == 1
    assert "can't be merged" in one.posts("answer")[0]
    github.faults.once.clear()
    one.wait(minutes=5)
    assert github.pulls()[0]["merged_at"]
    assert len(one.posts("answer")) == 1


def test_what_somebody_pushes_to_the_branch_is_not_merged_by_us(stage: Begun, github: GitHub) -> None:
    """We merge the commit that we made, or none: people see why."""
    one = stage(second='"1 of bob"')
    one.begin()
    one.says("alice", "/approve")
    github.fail_once("PUT", "/merge$", status=409)
    one.says("bob", "/approve")
    assert "can't be merged" in one.posts("answer")[0]


def test_a_locked_list_of_labels_or_reactions_holds_up_nothing(stage: Begun, github: GitHub) -> None:
    """What GitHub forbids for good is left out; all the rest is shown."""
    one = stage()
    for path in (r"/labels$", r"/check-runs$"):
        for _ in range(30):
            github.fail_once("POST", path, status=403)
    one.begin()
    one.wait(minutes=10)
    assert [len(one.posts(kind)) for kind in ("status", "gate")] == [1, 1]
    for _ in range(3):
        github.fail_once("POST", "/reactions$", status=403)
    one.says("alice", "/approve")
    one.wait(minutes=10)
    assert one.cycle().stage.name == "learn"


def test_a_team_that_cannot_be_read_keeps_the_gate_shut_and_is_named(stage: Begun, github: GitHub) -> None:
    """403, as for an App that lacks Members: read; once that is mended, it counts."""
    one = stage(first='"1 of @acme/ml"')
    one.begin()
    github.fail_once("GET", "/teams/ml", status=403)
    comment = one.says("alice", "/approve")
    assert one.marks(comment) == ["eyes", "-1"]
    assert "@acme/ml cannot be read" in one.refusals()[0][1]
    assert "say it again" in one.answers(comment)[0]
    one.says("alice", "/approve")
    assert one.cycle().stage.name == "learn"


def test_a_role_that_cannot_be_read_gives_no_right(stage: Begun, github: GitHub) -> None:
    """Fail closed, with a reason; the room goes on."""
    one = stage()
    one.begin(by="erin")
    github.fail_once("GET", "/collaborators/dave/permission", status=403)
    comment = one.says("dave", "/cancel I say so")
    assert one.marks(comment) == ["eyes", "-1"]
    assert one.cycle().state is State.IN_REVIEW
    assert one.marks(one.says("dave", "/cancel I say so")) == ["eyes", "+1"]


def test_a_refusal_that_could_not_be_answered_is_answered_later(stage: Begun, github: GitHub) -> None:
    """It was on the record already: the reason is the one that was written down, once."""
    one = stage()
    one.begin()
    github.fail_once("POST", r"/issues/\d+/comments$")
    comment = one.says("carol", "/approve")
    assert one.answers(comment) == []
    one.wait(minutes=5)
    assert one.marks(comment) == ["eyes", "-1"]
    assert "carol is not asked here" in one.answers(comment)[0]
    assert len(one.refusals()) == 1
