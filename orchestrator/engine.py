"""Turns the loop: does what is due, and tells the core what happened.

Laws:
- Only the core decides. The engine does effects and submits events; it may die between any two of its steps.
- An effect is done by the engine that holds its claim. Doing it again is doing it once: every effect is idempotent.
- A waiting cycle costs one row: no thread, timer or poll of its own.
- Nothing is polled that can ring. Under every bell lies one short poll (`POLL`), so that a lost ring costs a moment.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from orchestrator.core.effects import AskReview, Order, ReleaseLease, StartRun, StopRun, TakeLease, Wake
from orchestrator.core.events import (
    CancelAsked,
    LeaseGranted,
    LeaseRefused,
    RunFinished,
    TimePassed,
)
from orchestrator.core.gate import Person
from orchestrator.core.report import Failure
from orchestrator.desk import CLAIM, Desk
from orchestrator.journal import Claimed, Entry, Journal
from orchestrator.outbox import Outbox
from orchestrator.ports import Busy, Clock, Executor, Reviewer, Running
from orchestrator.rows import micros
from orchestrator.store import Store, Unavailable

LEASE = timedelta(hours=1)  # long, since a waiting cycle costs a renewal of its lease; whoever is dead needs none
RENEW = 10.0
POLL = 1.0
AWAY = 0.1
START_TRIES = 5
RATCHET = Person(id="ratchet", login="ratchet")
log = logging.getLogger("ratchet.engine")


class Engine:
    """One engine of any number on one journal. `turn` does what is due now; `run` turns until told to stop."""

    def __init__(
        self,
        store: Store,
        executors: Mapping[str, Executor],
        reviewers: Sequence[Reviewer],
        clock: Clock,
        *,
        owner: str,
        reach: Callable[[str], None] = lambda point: None,
    ) -> None:
        self.journal = Journal(store, owner=owner, reach=reach)
        self.outbox = Outbox(store, owner)
        self._executors, self._reviewers, self._clock, self._reach = executors, reviewers, clock, reach
        self.desk = Desk(self.journal, clock, self._take_on)
        self._todo: deque[Claimed] = deque()
        self._ended: deque[str] = deque()
        self._asked: deque[str] = deque()
        self._held: dict[str, Claimed] = {}
        self._open: dict[str, tuple[Claimed, Order]] = {}
        self._bell = threading.Condition()
        self._rung = True
        self._next_poll = self._next_renewal = self._next_search = 0.0
        self._threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="ratchet-effect")
        self._knocked = True
        self._turning = 0
        self.journal.bell.hang(self.knock)

    # What anybody may call, from any thread

    def ask(self, cycle: str) -> None:
        """Look soon at what the reviewers have to say about this cycle."""
        self._asked.append(cycle)
        self.wake()

    def knock(self) -> None:
        """There is something new in the outbox that nobody has claimed."""
        self._knocked = True
        self.wake()

    def wake(self) -> None:
        """There is something to do."""
        with self._bell:
            self._rung = True
            self._bell.notify_all()

    def run(self, finished: Callable[[], bool]) -> None:
        """Turn until `finished()`; between turns wait for a ring, or for the next thing to fall due."""
        away = False
        while not finished():
            try:
                self.turn()
                away = False
            except Unavailable as error:
                if not away:
                    log.warning("the database is away: %s; trying again", error)
                away = True
                self.journal.forget()
                with self._bell:
                    self._rung, self._next_poll = False, time.monotonic() + AWAY
            if finished():
                return
            self.wait()

    def wait(self, timeout: float = POLL) -> None:
        """Until somebody rings, or at most `timeout` seconds; less if something falls due before."""
        with self._bell:
            if not self._rung:
                self._bell.wait(max(0.0, min(timeout, self._next_poll - time.monotonic())))
            self._rung = False

    def close(self) -> None:
        """Stop turning. Runs go on; another engine, or this one's successor, finds them."""
        self.journal.bell.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    # Turning

    def turn(self) -> None:
        """Do all that is due now. Raises `Unavailable` while the database is away; nothing is lost by that: what was
        under way is let go of here, and is claimed again later, since it is ours and we don't hold it.
        """
        self._turning = threading.get_ident()
        try:
            self._turn()
        except BaseException:
            for gathered in (self._todo, self._held, self._open):
                gathered.clear()
            self._next_search = 0.0
            self._knocked = True
            raise
        finally:
            self._turning = 0

    def _turn(self) -> None:
        polled = self._knocked or time.monotonic() >= self._next_poll
        if polled:
            self._poll()
        while self._todo or self._ended or self._asked:
            entries: list[Entry] = []
            while self._asked:
                entries += self._ask(self._asked.popleft())
            while self._ended:
                entries += self._finish(self._ended.popleft())
            while self._todo:
                entries += self._do(self._todo.popleft())
            if entries:
                self._submit(entries)
        if polled:
            self._plan()

    def _plan(self) -> None:
        """The next poll: when something falls due, and soon enough if nothing is known to."""
        now = micros(self._clock.now())
        due = self.outbox.next_due(now)
        self._next_poll = time.monotonic() + (POLL if due is None else min(POLL, (due - now) / 1e6))

    def _poll(self) -> None:
        self._knocked = False
        moment = time.monotonic()
        if moment >= self._next_renewal:
            self._renew()
            self._next_renewal = moment + RENEW
        now = self._clock.now()
        orphans, begun = moment >= self._next_search, time.monotonic()
        found = self.outbox.claim(micros(now), micros(now + CLAIM), self._held, orphans=orphans)
        for claimed in found:
            self._hold(claimed)
        if orphans and not found:  # the search reads every effect there is: it may take a thousandth of the time
            end = time.monotonic()
            self._next_search = end + min(CLAIM.total_seconds(), 1000 * (end - begun))

    def _renew(self) -> None:
        """Hold on to what we are at, and look at every open run in case its bell was lost."""
        now = self._clock.now()
        self.outbox.renew_leases(micros(now + LEASE / 2), micros(now + LEASE))
        for lost in self.outbox.renew(list(self._held), micros(now + CLAIM)):
            claimed = self._held.pop(lost, None)
            if claimed is not None and isinstance(claimed.effect, StartRun):
                self._open.pop(claimed.effect.order.run, None)
        self._ended.extend(self._open)

    def _hold(self, claimed: Claimed) -> None:
        if claimed.id not in self._held:
            self._held[claimed.id] = claimed
            self._todo.append(claimed)

    def _take_on(self, claimed: Sequence[Claimed]) -> None:
        for one in claimed:
            self._hold(one)
        if claimed and threading.get_ident() != self._turning:  # who is turning comes to it by itself
            self.wake()

    def _submit(self, entries: Sequence[Entry]) -> None:
        for entry in entries:  # what is not written after all is ours and not held: the next poll finds it
            if entry.done is not None:
                self._held.pop(entry.done, None)
        self.desk.submit_all(entries)

    # Doing

    def _do(self, claimed: Claimed) -> list[Entry]:
        """Do one effect, or have it done; the entries are what can be said of it at once."""
        self._reach(f"before {claimed.effect.kind}")
        try:
            match claimed.effect:
                case StartRun(order=order):
                    return self._start(claimed, order)
                case StopRun(order=order):
                    self._threads.submit(self._guarded, claimed, partial(self._stop, claimed, order))
                    return []
                case TakeLease() as effect:
                    return self._take(claimed, effect)
                case ReleaseLease() as effect:
                    self.outbox.release(effect.target, effect.cycle, micros(self._clock.now()))
                    self.journal.bell.ring()  # for who waits in the queue
                    return [Entry(claimed.cycle, done=claimed.id)]
                case AskReview() as effect:
                    return [*self._look_at_reviewers(effect.cycle), Entry(claimed.cycle, done=claimed.id)]
                case Wake() as effect:
                    passed = TimePassed(
                        at=self._clock.now(), run=effect.run, purpose=effect.purpose, number=effect.number
                    )
                    return [Entry(claimed.cycle, passed, claimed.id)]
        except Unavailable:
            self._held.pop(claimed.id, None)
            raise
        except Exception as error:
            self._again(claimed, error)
        return []

    def _guarded(self, claimed: Claimed, body: Callable[[], None]) -> None:
        """In a thread of ours: whatever goes wrong is tried again later."""
        try:
            body()
        except Exception as error:
            self._again(claimed, error)

    def _again(self, claimed: Claimed, error: Exception) -> None:
        """Let go of it, and let whoever is there try again: soon for a `Busy`, else with back-off and jitter."""
        tries = claimed.tries
        wait = 0.2 if isinstance(error, Busy) else min(60.0, 0.5 * 2 ** min(tries, 10))
        wait *= 1 + self._clock.chance() / 2
        if not isinstance(error, Busy):
            log.warning("%s: %s; again in %.1f s", claimed.effect.key, error, wait, exc_info=error)
        due = micros(self._clock.now() + timedelta(seconds=wait))
        try:
            self.outbox.postpone(claimed.id, due)
        except Unavailable:
            log.warning("the database is away: %s waits for its claim to run out", claimed.effect.key)
        self._held.pop(claimed.id, None)
        if isinstance(claimed.effect, StartRun):
            self._open.pop(claimed.effect.order.run, None)
        self.knock()  # so that the next poll is no later than that

    def _start(self, claimed: Claimed, order: Order) -> list[Entry]:
        if self.outbox.is_closed(order.target, micros(self._clock.now())):
            raise Busy(f"rows are being erased from {order.target}: {order.run} waits")
        self._open[order.run] = (claimed, order)
        executor = self._executors.get(order.executor)
        if executor is None:
            missing = Failure(
                what=f"there is no executor {order.executor!r} here", where=order.run, retryable=False,
                cure=f"use one of {', '.join(sorted(self._executors))}",
            )  # fmt: skip
            return [self._outcome(claimed, order, missing)]
        begin = partial(self._begin, claimed, order, executor)
        if getattr(executor, "prompt", False):
            begin()
        else:
            self._threads.submit(self._guarded, claimed, begin)
        return []

    def _begin(self, claimed: Claimed, order: Order, executor: Executor) -> None:
        try:
            executor.start(order, partial(self._has_ended, order.run))
        except Busy:
            raise
        except Exception as error:
            if claimed.tries < START_TRIES:
                raise
            log.warning("%s could not be started: %s", order.run, error, exc_info=error)
            failure = Failure(what=f"the run could not be started: {error}", where=f"executor {order.executor}")
            self._submit([self._outcome(claimed, order, failure)])
        self._reach("after start")

    def _has_ended(self, run: str) -> None:
        self._ended.append(run)
        self.wake()

    def _finish(self, run: str) -> list[Entry]:
        if run not in self._open:
            return []
        claimed, order = self._open[run]
        try:
            outcome = self._executors[order.executor].look(order)
        except Exception as error:
            self._again(claimed, error)
            return []
        if isinstance(outcome, Running):
            return []
        return [self._outcome(claimed, order, outcome)]

    def _outcome(self, claimed: Claimed, order: Order, outcome: object) -> Entry:
        self._open.pop(order.run, None)
        event = RunFinished(at=self._clock.now(), run=order.run, outcome=outcome, chance=self._clock.chance())
        return Entry(claimed.cycle, event, claimed.id)

    def _stop(self, claimed: Claimed, order: Order) -> None:
        executor = self._executors.get(order.executor)
        outcome: object = Failure(what="stopped", where=order.run, retryable=False)
        if executor is not None:
            executor.stop(order)
            found = executor.look(order)
            outcome = outcome if isinstance(found, Running) else found
        self._reach("after stop")
        self._submit([self._outcome(claimed, order, outcome)])

    def _take(self, claimed: Claimed, effect: TakeLease) -> list[Entry]:
        now = self._clock.now()
        number = int(effect.cycle.removeprefix("c-"))
        again = 0 if effect.overlap == "skip" else micros(now + LEASE / 4)
        lease = self.outbox.take(
            effect.target, effect.cycle, number, micros(now), micros(now + LEASE), effect=claimed.id, again=again
        )
        self._reach("after take")
        if lease.granted:
            last = self.outbox.last_done(effect.target)
            return [Entry(effect.cycle, LeaseGranted(at=now, token=lease.token, last=last), claimed.id)]
        if effect.overlap == "skip":
            return [Entry(effect.cycle, LeaseRefused(at=now, holder=lease.cycle), claimed.id)]
        self._held.pop(claimed.id, None)
        if effect.overlap == "supersede":
            said = f"superseded by {effect.cycle}"
            return [Entry(lease.cycle, CancelAsked(at=now, id=said, by=RATCHET, reason=said))]
        return []

    def _ask(self, cycle_id: str) -> list[Entry]:
        """What was asked for from outside is not promised: whoever asks will ask again."""
        try:
            return self._look_at_reviewers(cycle_id)
        except Unavailable:
            raise
        except Exception as error:
            log.warning("the reviewers of %s can't be asked: %s", cycle_id, error, exc_info=error)
            return []

    def _look_at_reviewers(self, cycle_id: str) -> list[Entry]:
        cycle = self.journal.cycle(cycle_id)
        return [Entry(cycle_id, event) for reviewer in self._reviewers for event in reviewer.look(cycle)]
