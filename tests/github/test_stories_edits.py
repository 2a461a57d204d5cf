"""What is edited, deleted, dismissed or changed by hand: it changes nothing that was decided, and is on the record."""

import pytest
from rig.github import GitHub
from stage import Begun
from stage import stages as stages

from orchestrator.core.model import State


def test_a_comment_that_was_edited_before_it_was_read_does_not_count(stage: Begun, github: GitHub) -> None:
    """Nobody knows who wrote those words: it is said, and a new comment counts."""
    one = stage()
    one.begin()
    comment = github.as_("alice").comment(one.pull, "I will look at it tomorrow")
    github.pass_time(seconds=5)
    github.as_("alice").edit(comment, "/approve")
    one.settle()
    assert one.marks(comment) == ["eyes", "confused"]
    assert "write a new one" in one.answers(comment)[0]
    assert one.refusals() == [("alice", "an edited comment does not count: write a new one")]
    assert one.approvals() == []
    one.says("alice", "/approve")
    assert one.cycle().stage.name == "learn"


def test_a_maintainer_cannot_make_somebody_elses_comment_an_approval(stage: Begun, github: GitHub) -> None:
    """Neither before nor after it was read."""
    one = stage(first='"2 of @planners"')
    one.begin()
    read = one.says("alice", "Is this right?")
    unread = github.as_("carol").comment(one.pull, "Is this right?")
    github.pass_time(seconds=5)
    github.as_("erin").edit(read, "/approve")
    github.as_("erin").edit(unread, "/approve")
    one.settle()
    assert one.approvals() == []
    assert one.marks(read) == ["confused"]
    assert one.marks(unread) == ["eyes", "confused"]
    assert [who for who, _ in one.refusals()] == ["alice", "carol"]
    assert len(one.answers(read)) == len(one.answers(unread)) == 1


@pytest.mark.parametrize("now", ["/reject I was wrong", "never mind", "/approve", "<!-- nothing -->"])
def test_a_comment_that_is_edited_after_it_counted_stays_what_it_was(stage: Begun, github: GitHub, now: str) -> None:
    """The approval stands, whatever the words say now; that they were changed is on the record, and is answered."""
    one = stage(first='"2 of @planners"')
    one.begin()
    comment = one.says("alice", "/approve looks right")
    github.pass_time(seconds=5)
    github.as_("erin").edit(comment, now)
    one.settle()
    one.settle()
    assert one.approvals() == ["alice"]
    assert one.refusals() == [("alice", "this comment was edited: what it decided stands")]
    assert len(one.answers(comment)) == 1
    one.says("carol", "/approve")
    assert one.cycle().stage.name == "learn"


def test_chatter_may_be_edited_and_deleted_without_a_word(stage: Begun, github: GitHub) -> None:
    """What is no command is nobody's business."""
    one = stage()
    one.begin()
    comment = one.says("alice", "I wondr what this is")
    github.pass_time(seconds=5)
    github.as_("alice").edit(comment, "I wonder what this is")
    one.settle()
    github.as_("alice").delete(comment)
    one.deliver(id="gone", action="deleted", comment_id=comment, sender_id=github.user_id("alice"))
    one.look_closely()
    assert one.refusals() == []
    assert one.answers(comment) == []


@pytest.mark.parametrize("told", [True, False])
def test_a_comment_that_is_deleted_after_it_counted_stays_what_it_was(stage: Begun, github: GitHub, told: bool) -> None:
    """The approval stands and the deletion is on the record once, whether or not a delivery told of it."""
    one = stage(first='"2 of @planners"')
    one.begin()
    comment = one.says("alice", "/approve looks right")
    github.as_("erin").delete(comment)
    if told:
        one.deliver(id="gone", action="deleted", comment_id=comment, sender_id=github.user_id("erin"))
        one.settle()
        assert [why for _, why in one.refusals()] == [
            "a deleted comment stays on the record, and what it decided stands"
        ]
    one.look_closely()
    one.look_closely()
    who = f"user {github.user_id('erin')}" if told else "somebody"
    assert one.refusals() == [(who, "a deleted comment stays on the record, and what it decided stands")]
    assert one.approvals() == ["alice"]
    one.says("carol", "/approve")
    assert one.cycle().stage.name == "learn"


def test_a_comment_that_is_deleted_before_it_was_read_was_never_there(stage: Begun, github: GitHub) -> None:
    """Nobody knows what it said."""
    one = stage()
    one.begin()
    comment = github.as_("alice").comment(one.pull, "/approve")
    github.as_("alice").delete(comment)
    one.deliver(id="gone", action="deleted", comment_id=comment, sender_id=github.user_id("alice"))
    one.settle()
    assert one.approvals() == []
    assert one.refusals() == []
    assert one.cycle().state is State.IN_REVIEW


def test_a_review_of_the_pull_request_is_a_vote(stage: Begun, github: GitHub) -> None:
    """Approve is about the digest that was asked about at the reviewed commit; a dismissed one counts no more."""
    one = stage(first='"2 of @planners"')
    one.begin()
    review = one.reviews("alice", "APPROVE", "fine")
    assert one.approvals() == ["alice"]
    github.as_("erin").dismiss(one.pull, review)
    one.settle()
    assert one.approvals() == []
    assert "review_withdrawn" in one.kinds()
    one.reviews("alice", "APPROVE")
    one.reviews("carol", "APPROVE")
    assert one.cycle().stage.name == "learn"


def test_a_dismissed_review_takes_nothing_newer_with_it(stage: Begun, github: GitHub) -> None:
    """Alice has said it again in a comment since."""
    one = stage(first='"2 of @planners"')
    one.begin()
    review = one.reviews("alice", "APPROVE")
    github.pass_time(seconds=5)
    one.says("alice", "/approve and I mean it")
    github.as_("erin").dismiss(one.pull, review)
    one.settle()
    assert one.approvals() == ["alice"]


def test_a_review_of_an_older_commit_is_stale(stage: Begun, github: GitHub) -> None:
    """The branch has moved on with a rerun: what was reviewed is not what is asked about."""
    one = stage()
    one.begin()
    old = github.pulls()[0]["head"]["sha"]
    one.says("dave", "/rerun rows=150")
    review = one.reviews("alice", "APPROVE", commit=old)
    assert one.approvals() == []
    [answer] = one.answers(f"r{review}")
    assert "stale" in answer
    one.reviews("alice", "APPROVE")
    assert one.cycle().stage.name == "learn"


def test_a_review_of_a_commit_that_somebody_pushed_is_stale(stage: Begun, github: GitHub) -> None:
    """What was seen there is not what we showed. Nor is it merged in the end, and that is said."""
    one = stage(second='"1 of bob"')
    one.begin()
    github.write("cycles/c-000001/reports/collect-1.md", "All is well.", "ratchet/c-000001")
    one.reviews("alice", "APPROVE")
    assert one.approvals() == []
    one.says("alice", "/approve")
    assert one.cycle().stage.name == "learn"
    assert b"All is well." not in github.files("ratchet/c-000001")["cycles/c-000001/reports/collect-1.md"]


def test_a_request_for_changes_is_a_rejection_with_its_text(stage: Begun, github: GitHub) -> None:
    """It ends the cycle; the pull request is closed and not merged."""
    one = stage()
    one.begin()
    one.reviews("alice", "REQUEST_CHANGES", "half of the rows\nare doubled")
    assert one.cycle().state is State.REJECTED
    assert "half of the rows are doubled" in one.cycle().reason
    [pull] = github.pulls()
    assert (pull["state"], pull["merged_at"]) == ("closed", None)
    assert one.checks()["ratchet / collect"] == "failure"


def test_a_review_that_only_comments_is_told_where_commands_are_read(stage: Begun, github: GitHub) -> None:
    """Its text may have been changed by others since: it gets a hint, and counts nothing."""
    one = stage()
    one.begin()
    review = one.reviews("alice", "COMMENT", "/approve")
    assert "write it as a comment" in one.answers(f"r{review}")[0]
    silent = one.reviews("alice", "COMMENT", "what is this?")
    assert one.answers(f"r{silent}") == []
    assert one.approvals() == []


def test_what_we_show_may_be_mangled_and_deleted(stage: Begun, github: GitHub) -> None:
    """Every comment and label of ours is shown again; a question that was asked anew is still the same question."""
    one = stage(first='"2 of @planners"')
    one.begin()
    one.says("alice", "/approve")
    before = {kind: one.posts(kind) for kind in ("status", "gate")}
    ours = {said["body"][13:19]: said["id"] for said in github.comments(one.pull) if "<!-- ratchet" in said["body"]}
    erin = github.as_("erin")
    github.pass_time(seconds=5)
    erin.edit(ours["status"], "Nothing to see here.\n\n/approve")
    erin.delete(ours["gate c"])
    erin.label(one.pull, "ratchet:done", "mine")
    assert github.site.ask("DELETE", f"/repos/acme/models/issues/{one.pull}/labels/ratchet%3Ain%20review").ok
    one.look_closely()
    assert {kind: one.posts(kind) for kind in ("status", "gate")} == before
    assert "ratchet:in review" in github.labels(one.pull)
    assert "ratchet:done" not in github.labels(one.pull)
    assert "mine" in github.labels(one.pull)
    assert one.approvals() == ["alice"]
    one.says("carol", "/approve")
    assert one.cycle().stage.name == "learn"


def test_a_status_comment_that_is_deleted_comes_back_as_soon_as_we_are_told(stage: Begun, github: GitHub) -> None:
    """Once, not twice."""
    one = stage()
    one.begin()
    status = next(said["id"] for said in github.comments(one.pull) if "ratchet:status" in said["body"])
    github.as_("erin").delete(status)
    one.deliver(id="gone", action="deleted", comment_id=status, sender_id=github.user_id("erin"))
    one.settle()
    assert len(one.posts("status")) == 1
    assert one.refusals() == []


def test_a_pull_request_that_was_closed_by_hand_is_merged_when_it_is_reopened(stage: Begun, github: GitHub) -> None:
    """The cycle goes on without it; nothing is merged against somebody's will, and nothing is lost."""
    one = stage(second='"1 of bob"')
    one.begin()
    github.as_("erin").close(one.pull)
    one.settle()
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE
    assert github.pulls()[0]["merged_at"] is None
    assert "reopen" in one.posts("answer")[-1]
    github.as_("erin").reopen(one.pull)
    one.deliver(id="reopened", event="pull_request", action="reopened")
    one.settle()
    assert github.pulls()[0]["merged_at"]
    assert "cycles/c-000001/manifest.json" in github.files("main")


def test_a_branch_that_was_deleted_by_hand_bricks_nothing(stage: Begun, github: GitHub) -> None:
    """It is made again with all there is; the pull request that GitHub closed with it may be reopened."""
    one = stage(second='"1 of bob"')
    one.begin()
    github.as_("erin").delete_branch("ratchet/c-000001")
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE
    assert "cycles/c-000001/reports/learn-1.md" in github.files("ratchet/c-000001")
    assert "reopen" in one.posts("answer")[-1]


def test_a_memory_that_is_lost_is_found_again(stage: Begun, github: GitHub) -> None:
    """On GitHub and on the record: nothing is said, shown or run twice."""
    one = stage(first='"2 of @planners"', second='"1 of bob"')
    one.begin()
    one.says("alice", "/approve")
    one.says("erin", "/reject")
    one.says("erin", "/help")
    one.says("erin", "/aprove")
    before = one.picture()
    rooms = one.house.rooms
    rooms.claim("c-000001", 0, 1)
    rooms.keep("c-000001", "not what was kept", pull=None, open=True)
    rooms.leave("c-000001")
    one.open("after")
    one.settle()
    assert one.picture() == before
    one.says("carol", "/approve")
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE
    assert len(github.pulls()) == 1
    assert len(one.posts("status")) == 1
