"""Which room is looked at when, and what a room that can't be attended costs the others."""

import threading
from itertools import pairwise

from rig.github import GitHub
from stage import Begun, Stage
from stage import stages as stages

from orchestrator.lobby import LONGEST
from reviewers.github.room import Me


def until(one: Stage, so: object) -> None:
    """The engine turns and rings, the lobby's own thread does the rest."""
    for _ in range(400):
        one.house.engine.turn()
        one.lobby.ring()
        if so():
            return
        one.house.engine.wait(0.05)
    raise AssertionError("it never came")


def test_its_thread_attends_to_whatever_rings(stage: Begun, github: GitHub) -> None:
    """A cycle that began, a relay, a delivery: each within moments, although the slow clock is at an hour."""
    one = stage(second='"1 of bob"', poll=3600.0)
    one.lobby.start()
    one.desk.trigger(one.pipeline, "planner", initiator=one.person("dave"))
    until(one, lambda: github.pulls() and len(one.posts("gate")) == 1)
    comment = github.as_("alice").comment(one.pull, "/approve")
    assert one.lobby.ring_pull(one.pull)
    until(one, lambda: len(one.posts("gate")) == 2)
    assert one.marks(comment) == ["eyes", "+1"]
    assert not one.lobby.ring_pull(99)
    last = github.as_("bob").comment(one.pull, "/approve")
    one.deliver(id="d1", comment_id=last)
    until(one, lambda: github.pulls()[0]["merged_at"])
    one.lobby.stop()
    assert one.lobby.failure is None


def test_a_ring_while_its_room_is_attended_is_not_lost(stage: Begun, github: GitHub) -> None:
    """Somebody writes and relays just when we have read: the room is looked at once more."""
    one = stage(poll=3600.0)
    one.begin()
    repository = one.house.lobby._repository
    read, written = repository.reviews, []

    def reviews(*asked: object) -> object:
        found = read(*asked)
        if not written:
            written.append(github.as_("alice").comment(one.pull, "/approve"))
            threads = [threading.Thread(target=one.lobby.ring_pull, args=(one.pull,)) for _ in range(5)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return found

    repository.reviews = reviews
    one.lobby.ring("c-000001")
    one.lobby.turn()
    assert one.marks(written[0]) == []
    one.settle()
    assert one.marks(written[0]) == ["eyes", "+1"]


def test_a_room_that_cannot_be_attended_waits_longer_each_time_and_holds_up_no_other(
    stage: Begun, github: GitHub
) -> None:
    """The first cycle's pull request is out of order; the second one's is shown."""
    one = stage()
    one.begin()
    for _ in range(40):
        github.fail_once("GET", "/issues/1/comments", status=500)
    one.settle()
    waits = []
    for _ in range(12):
        failures, due = one.lobby._visits["c-000001"].failures, one.lobby._visits["c-000001"].due
        waits.append(due - one.clock.monotonic())
        one.wait(seconds=waits[-1] + 1)
        assert one.lobby._visits["c-000001"].failures == failures + 1
    assert all(later > sooner * 1.5 for sooner, later in pairwise(waits[:8]))
    assert max(waits) <= LONGEST
    one.begin()
    assert [pull["head"]["ref"] for pull in github.pulls()] == ["ratchet/c-000001", "ratchet/c-000002"]
    assert len(one.posts("status")) == 1


def test_a_delivery_about_nothing_of_ours_is_done_with(stage: Begun) -> None:
    """An unknown pull request, an event without one: nobody looks anywhere."""
    one = stage(poll=3600.0)
    one.begin()
    one.deliver(id="d1", number=99)
    one.deliver(id="d2", event="ping", action="", number=None)
    before = len(one.github.exchanges)
    one.lobby.turn()
    assert one.house.inbox.waiting() == []
    assert len(one.github.exchanges) == before
    assert not one.deliver(id="d1", number=99)


def test_a_delivery_stays_until_its_room_was_attended(stage: Begun, github: GitHub) -> None:
    """GitHub is down when it comes, and the server dies: whoever comes next has it."""
    one = stage(poll=3600.0)
    one.begin()
    comment = github.as_("alice").comment(one.pull, "/approve")
    one.deliver(id="d1", comment_id=comment)
    github.down()
    one.settle()
    assert len(one.house.inbox.waiting()) == 1
    github.up()
    one.open("two")
    one.settle()
    assert one.house.inbox.waiting() == []
    assert one.marks(comment) == ["eyes", "+1"]


def test_a_room_that_another_server_attends_to_is_left_alone(stage: Begun, github: GitHub) -> None:
    """Until its claim runs out."""
    one = stage()
    one.begin()
    other = one.open("two").rooms
    now = int(one.clock.now().timestamp() * 1e6)
    assert one.houses[0].rooms.claim("c-000001", now, now + 60_000_000) is not None
    assert other.claim("c-000001", now, now + 60_000_000) is None
    before = len(github.exchanges)
    github.as_("alice").comment(one.pull, "/approve")
    one.settle()
    assert [each.path for each in github.exchanges[before:] if "issues" in each.path] == []
    one.wait(minutes=2)
    assert one.cycle().stage.name == "learn"


def test_a_lobby_that_stops_says_why(stage: Begun) -> None:
    """Whatever else goes wrong is the server's business."""
    one = stage()
    one.begin()

    def nobody() -> Me:
        raise SystemExit("gone")

    lobby = one.open("two").lobby
    lobby._whoami = nobody
    lobby.start()
    lobby._thread.join(timeout=30)
    assert isinstance(lobby.failure, SystemExit)
    lobby.stop()


def test_an_unforeseen_error_costs_its_room_a_while_and_nothing_else(stage: Begun, github: GitHub) -> None:
    """It is in the log; the room is tried again."""
    one = stage()
    one.begin()
    lobby, whoami = one.open("two").lobby, one.lobby._whoami
    answers = iter([ValueError("what is this?")])

    def odd() -> Me:
        for error in answers:
            raise error
        return whoami()

    lobby._whoami = odd
    comment = one.says("alice", "/approve")
    assert one.marks(comment) == []
    one.wait(minutes=5)
    assert one.marks(comment) == ["eyes", "+1"]
