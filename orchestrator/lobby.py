"""Attends to the rooms: whoever rings, a delivery of GitHub, the engine or the clock, has a room looked at sooner.

Laws:
- A delivery only says where to look. It is dealt with once its room was attended; until then it stays in the inbox.
- A room that can't be attended now waits, longer each time, and holds up no other room, no engine and no cycle.
- Every open room is looked at on a slow clock too, so that a lost delivery costs a while and nothing else.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.core.events import Event
from orchestrator.core.model import Cycle, Pipeline
from orchestrator.desk import Desk
from orchestrator.inside import DeskLoop
from orchestrator.outbox import Inbox
from orchestrator.ports import Clock
from orchestrator.rooms import Rooms
from orchestrator.rows import micros
from orchestrator.store import Unavailable
from reviewers.github.memory import Memory
from reviewers.github.people import GitHubPeople
from reviewers.github.protocol import GitHubError, Limited
from reviewers.github.repository import Repository
from reviewers.github.room import Me, Room

CLAIM = timedelta(minutes=2)
KEPT = timedelta(days=14)  # that a delivery is known after it was dealt with; GitHub delivers again for three
MOST = 50  # deliveries that wait for one room: they all say the same
LATELY = timedelta(days=3)  # that somebody may still say something in a room whose cycle has ended
ROSTERS = 10  # every so manieth slow look also reads again who may answer
GLANCE = 1.0  # seconds between two looks at which cycles have moved
LONGEST = 300.0  # seconds that a room waits that can't be attended
log = logging.getLogger("ratchet.github")


class LostRoom(Exception):
    """Another engine attends to the room now."""


@dataclass
class _Visit:
    """When a room is to be attended next, and why."""

    due: float = 0.0
    seq: int = -1
    failures: int = 0
    slow: float = 0.0
    looks: int = 0
    deliveries: list[int] = field(default_factory=list)
    deleted: list[tuple[int, int]] = field(default_factory=list)


class Lobby:
    """Keeps the rooms of one repository: `start`, `stop`, or `turn` by hand. `poll`: seconds of the slow clock."""

    def __init__(
        self,
        desk: Desk,
        rooms: Rooms,
        inbox: Inbox,
        clock: Clock,
        repository: Repository,
        people: GitHubPeople,
        whoami: Callable[[], Me],
        targets: Callable[[Pipeline], Path],
        *,
        poll: float = 60.0,
        server: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rooms, self._inbox, self._clock = rooms, inbox, clock
        self._repository, self._people, self._whoami = repository, people, whoami
        self._loop = DeskLoop(desk, clock, rooms, targets)
        self._poll, self._server, self._monotonic = poll, server, monotonic
        self._visits: dict[str, _Visit] = {}
        self._taken: set[int] = set()
        self._rung: deque[str] = deque()  # by other threads; what is rung while its room is attended is looked at again
        self._claimed_at = clock.now()
        self._me: Me | None = None
        self._swept = 0.0
        self._bell = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.failure: BaseException | None = None

    # As a reviewer, and for whoever rings

    def look(self, cycle: Cycle) -> Iterable[Event]:
        """The engine asks: the room is attended soon, and what is said in it is handed in then."""
        self.ring(cycle.id)
        return ()

    def ring(self, cycle: str = "") -> None:
        """Look soon: at this cycle's room, or at what has come in."""
        if cycle:
            self._rung.append(cycle)
        self._bell.set()

    def ring_pull(self, pull: int) -> bool:
        """Look soon at the room of this pull request. False where it is none of ours."""
        cycle = self._rooms.cycle_of(pull)
        if cycle is not None:
            self.ring(cycle)
        return cycle is not None

    # The thread

    def start(self) -> None:
        """Begin to attend, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="ratchet-lobby", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the room that is attended to just now, and no other."""
        self._stopping = True
        self._bell.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._bell.wait(self.turn())
                self._bell.clear()
        except BaseException as error:
            self.failure = error
            log.exception("the lobby has stopped")

    def turn(self) -> float:
        """Attend to every room that is due. Seconds until there may be another."""
        try:
            self._gather()
            for cycle, visit in sorted(self._visits.items()):
                if self._stopping:
                    break
                if visit.due <= self._monotonic():
                    self._visit(cycle, visit)
        except Unavailable as error:
            log.warning("the database is away: %s; trying again", error)
            return GLANCE
        wait = min((visit.due for visit in self._visits.values()), default=self._monotonic() + GLANCE)
        return max(0.0, min(GLANCE, wait - self._monotonic()))

    def _gather(self) -> None:
        """Which rooms are due: whose cycle has moved, who was named in a delivery, who was not seen for long."""
        now = self._monotonic()
        if now >= self._swept:
            self._inbox.forget(micros(self._clock.now() - KEPT))
            self._swept = now + 3600
        while self._rung:
            self._visits.setdefault(self._rung.popleft(), _Visit()).due = 0.0
        living = dict(self._rooms.open(micros(self._clock.now() - LATELY)))
        for cycle, seq in living.items():
            visit = self._visits.setdefault(cycle, _Visit(slow=now + self._poll))
            if visit.seq != seq and not visit.failures:
                visit.due = 0.0
        waiting = [one for one in self._inbox.waiting(1000) if one[1] == "github" and one[0] not in self._taken]
        strange = [delivery for delivery, _, _, body in waiting if not self._take_in(delivery, json.loads(body))]
        self._inbox.done(micros(self._clock.now()), *strange)
        for cycle in [one for one in self._visits if one not in living]:
            if not self._visits[cycle].deliveries and self._visits[cycle].due > now:
                del self._visits[cycle]

    def _take_in(self, delivery: int, said: Mapping[str, Any]) -> bool:
        """Have the room looked at that the delivery is about; False where it need not be kept for that: it is
        about none of ours, or many wait for the same room already.
        """
        number = said.get("number")
        cycle = self._rooms.cycle_of(number) if isinstance(number, int) else None
        if cycle is None:
            return False
        visit = self._visits.setdefault(cycle, _Visit())
        if len(visit.deliveries) >= MOST:
            return False
        self._taken.add(delivery)
        visit.deliveries.append(delivery)
        visit.due = 0.0 if not visit.failures else visit.due
        comment, sender = said.get("comment_id"), said.get("sender_id")
        if said.get("event") == "issue_comment" and said.get("action") == "deleted" and comment and sender:
            visit.deleted.append((comment, sender))
        return True

    def _visit(self, cycle: str, visit: _Visit) -> None:
        """Attend to one room; what goes wrong concerns no other."""
        slowly = visit.slow <= self._monotonic()
        try:
            seq = self._attend(cycle, visit.deleted, slowly=slowly and visit.looks % ROSTERS == 0)
        except LostRoom:
            visit.due = self._monotonic() + GLANCE
            return
        except Unavailable:
            raise
        except GitHubError as error:
            self._put_off(cycle, visit, error)
            return
        except Exception as error:
            log.exception("the room of %s can't be attended", cycle)
            self._put_off(cycle, visit, error)
            return
        self._inbox.done(micros(self._clock.now()), *visit.deliveries)
        self._taken.difference_update(visit.deliveries)
        now = self._monotonic()
        visit.deliveries, visit.deleted, visit.failures = [], [], 0
        visit.seq, visit.looks = seq, visit.looks + slowly
        visit.slow = now + self._poll if slowly else visit.slow
        visit.due = visit.slow

    def _put_off(self, cycle: str, visit: _Visit, error: Exception) -> None:
        visit.failures += 1
        wait = error.seconds if isinstance(error, Limited) else min(LONGEST, 0.5 * 2.0 ** min(visit.failures, 20))
        wait *= 1 + self._clock.chance() / 4
        visit.due = self._monotonic() + wait
        log.warning("the room of %s waits %.0f s: %s", cycle, wait, error)

    def _attend(self, cycle: str, deleted: Iterable[tuple[int, int]], *, slowly: bool) -> int:
        """Attend to the room; how far the cycle was when it was shown. Raises `LostRoom` where it is not ours."""
        if self._me is None:
            self._me = self._whoami()
        claimed = self._claim(cycle)

        def keep(memory: Memory) -> None:
            text = memory.model_dump_json(exclude_defaults=True)
            if not self._rooms.keep(cycle, text, pull=memory.pull, open=not memory.settled):
                raise LostRoom(cycle)
            if self._clock.now() > self._claimed_at + CLAIM / 4:
                self._claim(cycle)

        room = Room(
            cycle, _remembered(claimed), self._repository, self._people, self._loop, self._me, keep,
            server=self._server,
        )  # fmt: skip
        try:
            seq = self._loop.cycle(cycle).seq
            room.attend(deleted, slowly=slowly)
        finally:
            self._rooms.leave(cycle)
        return seq

    def _claim(self, cycle: str) -> str:
        """What is remembered of the room, which is ours for a while from now on. Raises `LostRoom`."""
        self._claimed_at = self._clock.now()
        kept = self._rooms.claim(cycle, micros(self._claimed_at), micros(self._claimed_at + CLAIM))
        if kept is None:
            raise LostRoom(cycle)
        return kept


def _remembered(kept: str) -> Memory:
    """What was kept; what can't be read is found again."""
    try:
        return Memory.model_validate_json(kept)
    except ValidationError as error:
        log.warning("what was remembered of a room can't be read, and is found again: %s", error)
        return Memory()
