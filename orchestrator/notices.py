"""Notices that outlive whoever writes them, and the herald that writes and sends them.

Laws:
- A notice is written once for each target, by its key, however many heralds there are; each is sent by whoever claims
  it. One that a crash cuts off between sending and noting is sent again: at least once.
- A target that fails delays and repeats nothing elsewhere: not the engine, not another target.
- A notice is tried for a day, then given up, with the reason in the log and beside it in the table.
- What ended more than a day before it was first looked at is not told.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from orchestrator.bell import Bell
from orchestrator.core.events import KEPT, Held
from orchestrator.core.model import Cycle
from orchestrator.core.noun import Noun
from orchestrator.couriers import Courier, couriers
from orchestrator.journal import Journal
from orchestrator.ports import Clock
from orchestrator.rooms import Marks, Rooms
from orchestrator.rows import micros
from orchestrator.store import Store, Unavailable
from reviewers.notice import MOST, Notice, due, undecided

POLL = 5.0  # seconds; the net under the bell
CLAIM = timedelta(minutes=2)  # longer than the slowest courier
FIRST, LONGEST = timedelta(seconds=15), timedelta(minutes=5)  # between two tries, and up to half as much more
PERSEVERANCE = timedelta(days=1)
LATE = timedelta(minutes=10)
NEWEST = 50  # cycles that are looked at when there was no herald before
NEVER = 2**62
log = logging.getLogger("ratchet.notices")


class Letter(Noun):
    """A notice for one target; `since` (microseconds) is when it was written."""

    notice: Notice
    target: str
    since: int


class Claimed(NamedTuple):
    """A letter that is ours to send, and how often it was claimed, this time included."""

    letter: Letter
    tries: int


class Notices:
    """The letters of one database."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def put(self, notice: Notice, target: str, due: int, since: int | None = None) -> bool:
        """Write it, to be sent from `due` on. False where it was written before."""
        letter = Letter(notice=notice, target=target, since=due if since is None else since)
        return self._insert(f"{notice.key} {target}", letter.model_dump_json(), due)

    def waiting(self, now: int, limit: int = 1000) -> list[str]:
        """Keys of what is due and not sent, the oldest first; others may be sending some of it."""
        return [str(row[0]) for row in self.store.read("notices_due", now=now, limit=limit)]

    def claim(self, key: str, me: str, now: int, until: int) -> Claimed | None:
        """The letter, ours until then; None where it was sent, or is somebody else's."""
        row = self.store.transaction(
            lambda cursor: self.store.run(cursor, "notice_claim", key=key, me=me, now=now, until=until).fetchone()
        )
        return None if row is None else Claimed(Letter.model_validate_json(row[0]), int(row[1]))

    def sent(self, key: str, now: int) -> None:
        """It was taken: nobody sends it again."""
        self.store.transaction(lambda cursor: self.store.run(cursor, "notice_sent", key=key, now=now))

    def later(self, key: str, me: str, due: int) -> None:
        """Let go of our claim; whoever is there when it falls due tries again."""
        self.store.transaction(lambda cursor: self.store.run(cursor, "notice_later", key=key, me=me, due=due))

    def give_up(self, key: str, me: str, why: str) -> None:
        """Try no more. It stays, unsent; the reason is kept beside it, under the same key and `given up`."""
        self.later(key, me, NEVER)
        self._insert(f"{key} given up", why, NEVER)

    def _insert(self, key: str, body: str, due: int) -> bool:
        def work(cursor: Any) -> bool:
            return self.store.run(cursor, "notice_insert", key=key, body=body, due=due).fetchone() is not None

        return self.store.transaction(work)


class _Seen(Noun):
    """What the last look saw, for whoever looks next: the cycles that were open, and the newest number."""

    open: tuple[str, ...] = ()
    newest: int = 0


@dataclass
class _Away:
    """A target that failed: when it is tried again, how often it failed in a row, and why; how many wait behind."""

    until: datetime
    failures: int
    why: str
    behind: int = 0

    def line_up(self) -> int:
        """When the next letter is due, in microseconds: in the order in which they came."""
        self.behind += 1
        return micros(self.until) + self.behind


class Herald:
    """Tells people of every cycle of one database, from a thread of its own. Any number of heralds may do so at once.

    `link` gives the address under which a cycle is reviewed, or nothing.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        urls: Sequence[str],
        clock: Clock,
        *,
        owner: str,
        link: Callable[[Cycle], str] = lambda cycle: "",
    ) -> None:
        self.notices = Notices(store)
        self._rooms, self._marks = Rooms(store, owner), Marks(store)
        self._journal, self._clock, self._owner, self._link = journal, clock, owner, link
        self._urls = tuple(urls)
        self._bell = Bell(store.database)
        self._rung, self._stopped = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._looked: dict[str, int] = {}
        self._away: dict[str, _Away] = {}

    @cached_property
    def _couriers(self) -> dict[str, Courier]:
        return couriers(self._urls)

    def start(self) -> None:
        """Begin. Raises `Trouble` for a URL that can't be used. Without URLs nothing begins or is loaded."""
        if not self._urls or not self._couriers:
            return
        self._bell.hang(self._rung.set)
        self._thread = threading.Thread(target=self._run, name="ratchet-notices", daemon=True)
        self._thread.start()

    def stop(self, patience: float = 5.0) -> None:
        """End, and wait that many seconds for what is just being sent."""
        self._stopped.set()
        self._rung.set()
        if self._thread is not None:
            self._bell.close()
            self._thread.join(patience)

    @property
    def fault(self) -> str | None:
        """Why nobody is told any more; None while they are."""
        gone = self._thread is not None and not self._thread.is_alive() and not self._stopped.is_set()
        return "the herald has ended" if gone else None

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._rung.clear()
            try:
                self.turn()
            except Unavailable as error:
                log.warning("the database is away: %s; notices wait", error)
            except Exception as error:
                log.warning("notices wait: %s", error, exc_info=error)
            self._rung.wait(POLL)

    def turn(self) -> None:
        """Write what is due, and send what waits."""
        self._look(self._clock.now())
        for key in self.notices.waiting(micros(self._clock.now())):
            if self._stopped.is_set():
                return
            self._send(key)

    # What is to be told

    def _look(self, now: datetime) -> None:
        """Every cycle that changed since the last look, by whichever herald; what that saw is kept with the letters."""
        kept = self._marks.get("heralds")
        last = _Seen.model_validate_json(kept) if kept else _Seen()
        newest = max([last.newest, *(int(cycle.id.removeprefix("c-")) for cycle in self._journal.cycles(limit=1))])
        still = dict(self._rooms.open())  # after the newest, so that whoever is neither here nor newer has ended
        oldest = last.newest if kept else max(0, newest - NEWEST)
        fresh = [f"c-{number:06d}" for number in range(oldest + 1, newest + 1)]
        for name, seq in (dict.fromkeys([*last.open, *fresh], -1) | still).items():
            if self._looked.get(name) != seq:
                self._tell(name, seq, now)
        self._looked = {name: seq for name, seq in self._looked.items() if name in still}
        seen = _Seen(open=tuple(still), newest=newest)
        if seen != last:
            self._marks.set("heralds", seen.model_dump_json())

    def _tell(self, name: str, seq: int, now: datetime) -> None:
        """Write what is due. A cycle that nobody can tell of is left out, and must not silence the others."""
        try:
            self._write(self._journal.cycle(name), now)
        except Unavailable:
            raise
        except Exception as error:
            log.warning("nobody is told of %s: %s", name, error, exc_info=error)
            self._looked[name] = seq

    def _write(self, cycle: Cycle, now: datetime) -> None:
        if cycle.state.ended and not self._ended_lately(cycle, now):
            found: Iterable[Notice] = ()
        else:
            found = due(cycle, now, link=self._address(cycle), hold=self._hold(cycle))
        told = [(notice, target) for notice in found for target in self._couriers]
        for place, (notice, target) in enumerate(told, start=1):  # each is due a moment later, so that order is kept
            self.notices.put(notice, target, micros(now) - len(told) + place, micros(now))
        if not undecided(cycle, now):
            self._looked[cycle.id] = cycle.seq

    def _address(self, cycle: Cycle) -> str:
        try:
            return self._link(cycle)
        except Exception as error:  # a notice without a link is better than none
            log.warning("no link for %s: %s", cycle.id, error)
            return ""

    def _hold(self, cycle: Cycle) -> str:
        """The id under which the cycle's hold was said."""
        if cycle.held is None:
            return ""
        holds = [one.event.id for one in self._journal.events(cycle.id) if isinstance(one.event, Held)]
        return holds[-1] if holds else ""

    def _ended_lately(self, cycle: Cycle, now: datetime) -> bool:
        """Also a cycle that has ended is talked about, which changes nothing of it but its row."""
        if now - cycle.changed_at > PERSEVERANCE:
            return False
        moves = [one.event.at for one in self._journal.events(cycle.id) if not isinstance(one.event, KEPT)]
        return now - max(moves) <= PERSEVERANCE

    # What is sent

    def _send(self, key: str) -> None:
        now = self._clock.now()
        claimed = self.notices.claim(key, self._owner, micros(now), micros(now + CLAIM))
        if claimed is None:
            return
        letter, away = claimed.letter, self._away.get(claimed.letter.target)
        if claimed.tries > 1 and micros(now - PERSEVERANCE) > letter.since:
            why = away.why if away else "its day was over"
            log.warning("%s is given up after %d tries: %s", key, claimed.tries - 1, why)
            self.notices.give_up(key, self._owner, why)
        elif away is not None and away.until > now:  # the others of a target wait for the one that tries
            self.notices.later(key, self._owner, away.line_up())
        elif why := self._carry(letter, now):
            away = self._put_off(letter.target, away, why)
            log.warning("%s is not sent: %s; again at %s", key, why, f"{away.until:%H:%M:%S} UTC")
            self.notices.later(key, self._owner, micros(away.until))
        else:
            self._away.pop(letter.target, None)
            self.notices.sent(key, micros(self._clock.now()))

    def _carry(self, letter: Letter, now: datetime) -> str:
        courier = self._couriers.get(letter.target)
        if courier is None:
            return "RATCHET_NOTIFY has no such entry any more"
        return courier.carry(letter.notice, _text(letter, now))

    def _put_off(self, target: str, away: _Away | None, why: str) -> _Away:
        failures = away.failures + 1 if away else 1
        wait = min(FIRST * 2.0 ** min(failures - 1, 10), LONGEST) * (1 + self._clock.chance() / 2)
        self._away[target] = _Away(self._clock.now() + wait, failures, why)
        return self._away[target]


def _text(letter: Letter, now: datetime) -> str:
    """What the notice says, and, where it comes late, when it was so."""
    late, note = timedelta(microseconds=micros(now) - letter.since), ""
    if late > LATE:
        note = (
            f"\n(This was so at {(now - late).astimezone(UTC):%Y-%m-%d %H:%M} UTC and could not be delivered before.)"
        )
    return letter.notice.text[: MOST - len(letter.notice.title) - len(note)] + note
