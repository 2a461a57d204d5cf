"""Every command: acknowledged, counted or refused, and what it does."""

import pytest
from rig.github import GitHub
from stage import Begun, Stage
from stage import stages as stages

from orchestrator.core.model import State
from steps.contract import Context
from steps.deploy import pointer, publish


def test_help_and_status_are_answered_to_everybody(stage: Begun, github: GitHub) -> None:
    """What may be written and by whom; where the cycle is."""
    github.set_role("mallory", "read")
    one = stage()
    one.begin()
    for login in ("alice", "mallory"):
        comment = one.says(login, "/help\n/status")
        assert one.marks(comment) == ["eyes", "+1"]
        [answer] = one.answers(comment)
        assert "/rerun [from=stage]" in answer
        assert "maintainers" in answer
    assert one.refusals() == []


def test_a_command_that_is_nearly_one_gets_a_hint(stage: Begun) -> None:
    """And nothing else of the comment is carried out."""
    one = stage()
    one.begin()
    comment = one.says("alice", "/aprove\n/reject\n/approve")
    assert one.marks(comment) == ["eyes", "confused"]
    [answer] = one.answers(comment)
    assert "did you mean /approve" in answer
    assert "/reject reason" in answer
    assert "nothing else" in answer
    assert one.cycle().state is State.IN_REVIEW


def test_more_than_five_commands_are_none(stage: Begun) -> None:
    """It is said, and nothing is done."""
    one = stage()
    one.begin()
    comment = one.says("alice", "/approve\n" * 6)
    assert one.marks(comment) == ["eyes", "confused"]
    assert "at most 5" in one.answers(comment)[0]
    assert one.approvals() == []


SILENT = (
    "> /approve", "`/approve`", "```\n/approve\n```", "    /approve", "<!-- /approve -->", "<!--\n/approve\n-->",
    "# /approve", "please /approve", "/usr/bin/x is missing", "/", "/cc @bob", "| /approve |\n|---|",
    "<pre>\n/approve\n</pre>",
)  # fmt: skip


def test_what_is_quoted_shown_or_hidden_is_not_read(stage: Begun, github: GitHub) -> None:
    """Silence: no reaction, no answer, nothing on the record."""
    one = stage()
    one.begin()
    comments = [github.as_("alice").comment(one.pull, text) for text in SILENT]
    one.settle()
    assert [one.marks(comment) for comment in comments] == [[]] * len(SILENT)
    assert one.posts("answer") == []
    assert one.approvals() == []
    assert one.refusals() == []


@pytest.mark.parametrize(
    "text", ["/Approve", "  /approve", "Looks right.\n\n/APPROVE yes", "/approve\r\nthanks", "/approve\x00"]
)
def test_a_command_is_read_where_its_writer_wrote_it(stage: Begun, text: str) -> None:
    """The first word of a line, in any case."""
    one = stage()
    one.begin()
    comment = one.says("alice", text)
    assert one.marks(comment) == ["eyes", "+1"]
    assert one.cycle().stage.name == "learn"


def test_several_commands_of_a_comment_are_carried_out_in_order(stage: Begun) -> None:
    """Held, then agreed, then let go: the run starts once."""
    one = stage()
    one.begin()
    comment = one.says("alice", "/hold for a moment\n/approve\n/unhold")
    assert one.marks(comment) == ["eyes", "+1"]
    assert [kind for kind in one.kinds() if kind in ("held", "review_given", "unheld")] == [
        "held",
        "review_given",
        "unheld",
    ]
    assert one.runs() == ["c-000001/collect/1", "c-000001/learn/1"]


def test_of_several_commands_all_may_be_said_or_none_is(stage: Begun) -> None:
    """Alice may agree, but she may not roll back: neither is done, and both are answered."""
    one = stage()
    one.begin()
    comment = one.says("alice", "/approve\n/rollback")
    assert one.marks(comment) == ["eyes", "-1"]
    assert one.approvals() == []
    assert [why for _, why in one.refusals()] == [
        "another command of the comment is refused",
        "/rollback may be said by maintainers; alice has the role write",
    ]
    assert "maintainers" in one.answers(comment)[0]


def test_a_rejection_needs_a_reason_and_ends_the_cycle(stage: Begun, github: GitHub) -> None:
    """The reason is what people see; the pull request is closed, the check is red."""
    one = stage()
    one.begin()
    bare = one.says("alice", "/reject")
    assert one.marks(bare) == ["eyes", "confused"]
    comment = one.says("alice", "/reject the labels are wrong")
    assert one.marks(comment) == ["eyes", "+1"]
    assert one.cycle().state is State.REJECTED
    assert "the labels are wrong" in one.posts("status")[0]
    assert github.pulls()[0]["state"] == "closed"
    assert one.checks() == {"ratchet / collect": "failure"}
    assert "ratchet:rejected" in github.labels(one.pull)


def test_an_approval_is_taken_back_by_whoever_gave_it(stage: Begun) -> None:
    """Explicitly: deleting the comment does not do it."""
    one = stage(first='"2 of @planners"')
    one.begin()
    one.says("alice", "/approve")
    other = one.says("carol", "/unapprove")
    assert one.marks(other) == ["eyes", "-1"]
    assert "carol has given no review" in one.answers(other)[0]
    back = one.says("alice", "/unapprove")
    assert one.marks(back) == ["eyes", "+1"]
    assert one.approvals() == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("/rerun from=nowhere", "nowhere"), ("/rerun from=learn", "learn"), ("/rerun colour=red", "colour"),
        ("/rerun rows=many", "rows"), ("/rerun rows=0", "rows"), ("/rerun ship.score=3", "score"),
        ("/rerun rows=5 rows=6", "twice"), ("/rerun rows = 5", "key=value"),
    ],
)  # fmt: skip
def test_a_rerun_with_values_that_do_not_fit_changes_nothing(stage: Begun, text: str, named: str) -> None:
    """Wrong key, wrong type, out of bounds, a stage that was not reached: each is named."""
    one = stage()
    one.begin()
    before = one.cycle().but(heard=(), seq=1, changed_at=one.cycle().began_at)
    comment = one.says("dave", text)
    assert one.marks(comment)[-1] in ("-1", "confused")
    assert named in one.answers(comment)[0]
    assert one.cycle().but(heard=(), seq=1, changed_at=before.began_at) == before
    assert one.runs() == ["c-000001/collect/1"]


def test_a_rerun_from_an_earlier_stage_shows_its_diff_and_voids_what_was_agreed(stage: Begun) -> None:
    """Collect was agreed to; with other rows it is asked anew, and so is what comes after it."""
    one = stage(second='"2 of @planners"')
    one.begin(collect={"rows": "130"})
    one.says("alice", "/approve")
    one.says("carol", "/approve")
    assert one.approvals() == ["carol"]
    comment = one.says("dave", "/rerun from=collect rows=150")
    [answer] = one.answers(comment)
    assert "- rows: 130" in answer
    assert "+ rows: 150" in answer
    assert one.cycle().stage.name == "collect"
    assert one.approvals() == []
    one.says("alice", "/approve")
    assert one.approvals() == []
    one.says("alice", "/approve")
    one.says("carol", "/approve")
    assert one.cycle().state is State.DONE
    assert one.runs() == [f"c-000001/{run}" for run in ("collect/1", "learn/1", "collect/2", "learn/2", "ship/1")]
    assert one.checks() == {"ratchet / collect": "success", "ratchet / learn": "success"}


def test_a_failed_run_waits_for_a_rerun_or_an_end(stage: Begun, github: GitHub) -> None:
    """It is a question: the cure is in the status, and another value answers it."""
    one = stage(second='"1 of bob"')
    one.begin(collect={"rows": "13"})
    one.says("alice", "/approve")
    assert one.cycle().state is State.FAILED
    assert "thirteen rows are bad luck" in one.posts("status")[0]
    assert "ratchet:failed" in github.labels(one.pull)
    one.says("dave", "/rerun from=collect rows=14")
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE


def test_who_may_hold_let_go_and_cancel(stage: Begun, github: GitHub) -> None:
    """Writers hold; who holds, maintainers and whom a gate asks let go; maintainers and they cancel."""
    github.set_role("mallory", "triage")
    github.set_role("bob", "triage")
    one = stage(second='"1 of bob"')
    one.begin(by="erin")
    assert one.marks(one.says("mallory", "/hold")) == ["eyes", "-1"]
    assert one.marks(one.says("carol", "/hold the numbers look odd")) == ["eyes", "+1"]
    assert one.cycle().held == "carol: the numbers look odd"
    assert "ratchet:held" in github.labels(one.pull)
    assert one.marks(one.says("machine", "/unhold")) == ["eyes", "-1"]
    assert one.marks(one.says("carol", "/unhold")) == ["eyes", "+1"]
    assert one.marks(one.says("bob", "/hold")) == ["eyes", "+1"]
    assert one.marks(one.says("dave", "/unhold")) == ["eyes", "+1"]
    assert one.marks(one.says("carol", "/cancel I do not like it")) == ["eyes", "-1"]
    assert one.marks(one.says("bob", "/cancel the data is wrong")) == ["eyes", "+1"]
    assert one.cycle().state is State.CANCELLED
    assert one.cycle().reason == "bob: the data is wrong"
    assert github.pulls()[0]["state"] == "closed"
    assert [who for who, _ in one.refusals()] == ["mallory", "machine", "carol"]


def test_somebody_else_answers_in_ones_place_until_it_is_taken_back(stage: Begun) -> None:
    """Only whom a gate asks may say it, of somebody who is here, and of a time to come."""
    one = stage(second='"1 of alice"')
    one.begin()
    assert one.marks(one.says("carol", "/delegate @bob until=3d")) == ["eyes", "-1"]
    for text, named in (
        ("/delegate @nobody-of-that-name until=3d", "nobody-of-that-name"),
        ("/delegate @mallory until=3d", "mallory has no access"),
        ("/delegate @bob until=2020-01-01", "is past"),
        ("/delegate @bob until=9999999d", "is not a time"),
        ("/delegate @bob", "until= is missing"),
    ):
        comment = one.says("alice", text)
        assert named in one.answers(comment)[0]
    comment = one.says("alice", "/delegate @bob until=3d")
    assert "bob answers in your place until" in one.answers(comment)[0]
    assert one.marks(one.says("alice", "/approve")) == ["eyes", "-1"]
    assert one.marks(one.says("bob", "/approve")) == ["eyes", "+1"]
    assert one.cycle().stage.name == "learn"
    comment = one.says("alice", "/delegate @alice until=1d")
    assert "yourself" in one.answers(comment)[0]
    assert one.marks(one.says("bob", "/approve")) == ["eyes", "-1"]
    assert one.marks(one.says("alice", "/approve")) == ["eyes", "+1"]
    assert one.cycle().state is State.DONE


def test_a_delegation_ends_by_itself(stage: Begun) -> None:
    """After three days alice answers for herself."""
    one = stage()
    one.begin()
    one.says("alice", "/delegate @bob until=3d")
    one.wait(days=4)
    assert one.marks(one.says("bob", "/approve")) == ["eyes", "-1"]
    assert one.marks(one.says("alice", "/approve")) == ["eyes", "+1"]


def _deployed(one: Stage) -> list[str]:
    """Two versions in the target, the second one serving."""
    versions = []
    for number in (1, 2):
        model = one.folder / f"model-{number}"
        model.mkdir()
        (model / "weights").write_text(f"{number}")
        context = Context(one.folder / f"out-{number}", run=f"c-90000{number}/ship/1", target=one.target, token=number)
        versions.append(publish(model, "", context).version)
    return versions


def test_a_maintainer_brings_an_earlier_version_back(stage: Begun) -> None:
    """The target serves it, once; it is on the record, and what can't be brought back is said."""
    one = stage()
    one.begin()
    nothing = one.says("dave", "/rollback")
    assert "nothing was deployed before" in one.answers(nothing)[0]
    first, second = _deployed(one)
    writer = one.says("alice", "/rollback")
    assert one.marks(writer) == ["eyes", "-1"]
    unknown = one.says("dave", "/rollback v99")
    assert "v99" in one.answers(unknown)[0]
    assert str(one.folder) not in one.answers(unknown)[0]
    comment = one.says("dave", "/rollback")
    assert one.marks(comment) == ["eyes", "+1"]
    assert pointer(one.target).version == first
    assert f"{first} is deployed again, in the place of {second}" in one.answers(comment)[0]
    event = next(event for event in one.record() if event.kind == "rolled_back")
    assert (event.version, event.was) == (first, second)
    assert one.cycle().state is State.IN_REVIEW


def test_a_maintainer_brings_an_earlier_version_back_when_the_cycle_is_over(stage: Begun, github: GitHub) -> None:
    """The pull request is merged; a delivery tells of the comment below it."""
    one = stage(second='"1 of alice"')
    one.begin()
    one.says("alice", "/approve")
    one.says("alice", "/approve")
    assert github.pulls()[0]["merged_at"]
    first, _ = _deployed(one)
    comment = github.as_("dave").comment(one.pull, "/rollback")
    one.deliver(id="late", comment_id=comment)
    one.settle()
    assert one.marks(comment) == ["eyes", "+1"]
    assert pointer(one.target).version == first
    late = github.as_("alice").comment(one.pull, "/approve")
    one.deliver(id="later", comment_id=late)
    one.settle()
    assert one.marks(late) == ["eyes", "-1"]
    assert one.runs().count("c-000001/ship/1") == 1


def test_a_rollback_whose_delivery_is_lost_is_heard_all_the_same(stage: Begun, github: GitHub) -> None:
    """The room of a cycle that ended lately is looked at on the slow clock."""
    one = stage(second='"1 of alice"')
    one.begin()
    one.says("alice", "/approve")
    one.says("alice", "/approve")
    first, _ = _deployed(one)
    comment = github.as_("dave").comment(one.pull, "/rollback")
    one.wait(minutes=2)
    assert one.marks(comment) == ["eyes", "+1"]
    assert pointer(one.target).version == first
