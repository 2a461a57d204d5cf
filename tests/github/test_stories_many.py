"""Many deliveries, many comments, many servers: one of everything."""

import random
import threading

from rig.emulator import Emulator
from rig.github import GitHub
from stage import Begun, Stage, differences
from stage import stages as stages

from orchestrator.core.model import State


def test_five_deliveries_a_relay_and_another_run_of_the_action_are_one(stage: Begun, url: str, github: GitHub) -> None:
    """The same webhook five times at once, the relay, the Action pressed again with its key; and two servers look."""
    one = stage(url=url, second='"1 of alice"')
    first = one.house
    one.begin(key="run 1234")
    comment = github.as_("alice").comment(one.pull, "/approve")
    second = one.open("two")
    stored: list[bool] = []

    def deliver() -> None:
        stored.append(one.deliver(id="72d3162e", comment_id=comment, sender_id=github.user_id("alice")))

    def attend(lobby: object) -> None:
        lobby.ring_pull(one.pull)
        for _ in range(5):
            lobby.turn()

    threads = [threading.Thread(target=deliver) for _ in range(5)]
    threads += [threading.Thread(target=attend, args=(house.lobby,)) for house in (first, second)]
    threads += [threading.Thread(target=lambda: one.desk.trigger(one.pipeline, "planner", key="run 1234"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(stored) == [False] * 4 + [True]
    one.wait(seconds=5)
    one.settle()
    assert len(one.desk.journal.cycles()) == 1
    assert [event.review.by.login for event in one.record() if event.kind == "review_given"] == ["alice"]
    assert one.refusals() == []
    assert one.runs() == ["c-000001/collect/1", "c-000001/learn/1"]
    assert one.marks(comment) == ["eyes", "+1"]
    assert [len(one.posts(kind)) for kind in ("status", "gate", "answer")] == [1, 2, 0]
    assert one.house.inbox.waiting() == []


def test_a_server_that_dies_in_the_middle_is_followed_by_another(stage: Begun, url: str, github: GitHub) -> None:
    """At each of ten moments it is gone without a word, its claims still standing: one of everything in the end."""
    one = stage(url=url, second='"1 of bob"')
    one.begin()
    for number, text in enumerate(("/aprove", "/approve", "/approve {digest}")):
        opening = one.cycle().opening
        login = "alice" if number < 2 else "bob"
        github.as_(login).comment(one.pull, text.format(digest=opening.digest[:12]))
        for moment in range(3):
            die(one, after=2 + 3 * moment)
            one.open(f"server {number} {moment}")
            one.wait(minutes=3)
        one.settle()
    assert one.cycle().state is State.DONE
    assert one.runs() == ["c-000001/collect/1", "c-000001/learn/1", "c-000001/ship/1"]
    assert [len(one.posts(kind)) for kind in ("status", "gate", "answer")] == [1, 2, 1]
    assert len(github.pulls()) == 1
    assert github.pulls()[0]["merged_at"]
    assert one.checks() == {"ratchet / collect": "success", "ratchet / learn": "success"}


class _Dead(BaseException):
    pass


def die(one: Stage, after: int) -> None:
    """The process is gone at its n-th exchange with GitHub; it leaves no room and closes nothing."""
    send, rooms = one.house.lobby._repository._send, one.house.rooms
    left = [after]

    def last(request: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise _Dead
        return send(request)

    one.house.lobby._repository._send, rooms.leave = last, lambda cycle: None
    try:
        for _ in range(3):
            one.look()
    except _Dead:
        pass


PEOPLE = ("alice", "bob", "carol", "dave", "erin")
WORDS = (
    "/approve", "/approve", "/unapprove", "looks fine to me", "/aprove", "> /approve\n\nwhat does this mean?", "/hold",
    "/unhold", "/status", "/rerun rows=0", "/approve 00000000 stale", "And the second table?", "/help", "/reject",
)  # fmt: skip


def _write(one: Stage, heard: bool) -> None:
    """150 comments, heard by handfuls as they come, or all of them later."""
    chance = random.Random(3)  # noqa: S311 (a story, not a secret)
    for number in range(150):
        login, text = chance.choice(PEOPLE), chance.choice(WORDS)
        comment = one.github.as_(login).comment(one.pull, f"{text}\n\n{number}" if text[0] not in "/>" else text)
        if heard and number % 15 == 14:
            one.deliver(id=f"delivery {number}", comment_id=comment)
            one.look()


def test_with_all_webhooks_lost_the_end_is_the_one_that_they_would_have_given(
    stage: Begun, emulator: Emulator, github_apps: list
) -> None:
    """An hour, 150 comments by five people: votes, unvotes, chatter, misreadings; read page by page in their order."""
    pictures = []
    for heard in (True, False):
        with GitHub(emulator, apps=github_apps) as github:
            one = stage("heard" if heard else "lost", at=github, first='"2 of @acme/ml", "must machine"')
            one.begin()
            _write(one, heard)
            one.wait(hours=1)
            pictures.append(one.picture())
            assert len(one.posts("status")) == 1
            one.says("machine", "/approve")
            pictures[-1] |= {"stage": one.cycle().stage.name}
    assert differences(*pictures) == []
