"""What makes the loop durable: one transaction writes the event, the folded cycle and the effects still to be done.

Laws:
- `events(cycle, seq)` is unique, and a cycle's row says which `seq` it is the fold of: of two writers one wins, and the
  other folds again on what it finds.
- Every event is linked to the one before by sha256; a cycle's first event to the first event of the cycle before.
- Nothing is believed of a transaction whose commit failed: what was cached is dropped, and the event is folded again,
  where it is either new or an echo.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from orchestrator.bell import Bell
from orchestrator.core.course import Folded
from orchestrator.core.effects import Effect, StartRun
from orchestrator.core.events import Event, RunFinished, Triggered
from orchestrator.core.machine import NotNow, advance, settled
from orchestrator.core.model import Cycle
from orchestrator.core.report import Product, Report
from orchestrator.rows import EVENT, GENESIS, body_of, cycle_from, link, micros, past, text_of
from orchestrator.store import Store, Unavailable

_CACHED = 512
_ATTEMPTS = 8
T = TypeVar("T")


class Claimed(NamedTuple):
    """An effect that this process has claimed and must now do; `tries` counts how often it was claimed before."""

    cycle: str
    effect: Effect
    tries: int = 0

    @property
    def id(self) -> str:
        """What names the effect: `c-000042 start c-000042/finetune/2`."""
        return f"{self.cycle} {self.effect.key}"


class Committed(NamedTuple):
    """What an event led to: the cycle after it, and the effects that were claimed in the same transaction."""

    cycle: Cycle
    claimed: tuple[Claimed, ...] = ()


class Entry(NamedTuple):
    """One event for one cycle, and the effect (its `Claimed.id`) that is done with it; without an event just that."""

    cycle: str
    event: Event | None = None
    done: str | None = None


class Row(NamedTuple):
    """A cycle as stored, with the hash of its last event."""

    cycle: Cycle
    head: str


class Recorded(NamedTuple):
    """An event as it stands on the record."""

    cycle: str
    seq: int
    event: Event
    hash: str


class Batch:
    """One transaction under way. What it changed is believed only once it is committed."""

    def __init__(self, cursor: Any, now: int, until: int) -> None:
        self.cursor, self.now, self.until = cursor, now, until
        self.rows: dict[str, Row] = {}
        self.unclaimed = False


class Journal:
    """The record, shared by any number of threads and processes.

    With an `owner` (an engine's name, see `owner.me`), new effects that are due are claimed as they are written.
    `reach(point)` is called at named points between two steps; crash tests die there.
    """

    def __init__(self, store: Store, *, owner: str = "", reach: Callable[[str], None] = lambda point: None) -> None:
        self.store, self.owner = store, owner
        self.bell = Bell(store.database)
        self._reach = reach
        self._guard = threading.Lock()
        self._cache: OrderedDict[str, Row] = OrderedDict()

    def create(
        self, make: Callable[[str], Triggered], *, now: int, until: int, key: str | None = None
    ) -> tuple[Committed, bool]:
        """The cycle of `make(new id)`, and whether it is new: the same idempotency key gives the same cycle again."""

        def birth(batch: Batch) -> tuple[Committed, bool]:
            if key is not None and (found := self.store.run(batch.cursor, "cycle_by_key", key=key).fetchone()):
                return Committed(self._load(batch, found[0]).cycle), False
            return self._birth(batch, make, key), True

        return self._transaction(birth, now, until)

    def commit(self, entries: Sequence[Entry], *, now: int, until: int) -> list[Committed | NotNow]:
        """Fold and write all of them in one transaction; each answer stands where its entry stood.

        `now` and `until` (microseconds) say which new effects are due, and how long they are claimed. Raises
        `Unavailable` when the database did not answer: none or all of it may then be written, and submitting the same
        again is safe.
        """
        if len(entries) == 1 and (answer := self._alone(entries[0], now, until)) is not None:
            return [answer]
        return self._transaction(lambda batch: [self._entry(batch, one) for one in entries], now, until)

    def _alone(self, entry: Entry, now: int, until: int) -> Committed | None:
        """A run that has ended and the start of the next one, where the database takes that as one statement; None for
        whatever else there is to write, and where the cycle is not what it was thought to be.
        """
        row = self._cache.get(entry.cycle)
        if row is None or entry.event is None or (step := self._step(row, entry.event, now, until)) is None:
            return None
        cycle, effect, values = step
        try:
            changed, born = self.store.alone("step", self._reach, **values)
        except Unavailable as error:
            self.forget()
            if error.conflict:
                return None
            raise
        if not changed:
            self.forget()
            return None
        with self._guard:
            self._cache[cycle.id] = Row(cycle, values["h"])
        return Committed(cycle, (Claimed(cycle.id, effect),) if born else ())

    def _step(self, row: Row, event: Event, now: int, until: int) -> tuple[Cycle, Effect, dict[str, Any]] | None:
        """The cycle after the event, its next effect, and all values of the statement `step`, if it has the right form:
        a stage is past, without more ado, and the next one starts.
        """
        if not (self.store.composes and self.owner and isinstance(event, RunFinished)):
            return None
        folded = advance(row.cycle, event)
        if isinstance(folded, NotNow) or len(folded.effects) != 1:
            return None
        cycle, effect, runs = folded.cycle, folded.effects[0], past(folded.cycle)[len(past(row.cycle)) :]
        if not (isinstance(effect, StartRun) and effect.at is None and len(runs) == 1):
            return None
        text, keys = event.model_dump_json(), settled(event)
        return cycle, effect, {
            "cycle": cycle.id, "was": row.cycle.seq, "s": cycle.state.value, "n": cycle.seq,
            "h": link(row.head, cycle.id, cycle.seq, text), "b": body_of(cycle), "at": micros(event.at),
            "kind": event.kind, "event": text, "stage": runs[0].stage, "run": text_of(runs[0]), "done": keys[0],
            "other": keys[-1], "key": effect.key, "effect": effect.model_dump_json(), "due": now, "me": self.owner,
            "until": until, "tries": 0,
        }  # fmt: skip

    def _transaction(self, body: Callable[[Batch], T], now: int, until: int) -> T:
        for attempt in range(_ATTEMPTS):
            try:
                return self._once(body, now, until)
            except Unavailable as error:
                self.forget()
                if not error.conflict or attempt + 1 == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")  # pragma: no cover

    def _once(self, body: Callable[[Batch], T], now: int, until: int) -> T:
        kept: list[Batch] = []

        def work(cursor: Any) -> T:
            batch = Batch(cursor, now, until)
            kept.append(batch)
            answer = body(batch)
            if batch.unclaimed:
                self.store.notify(cursor)
            return answer

        answer = self.store.transaction(work, self._reach)
        with self._guard:
            for cycle, row in kept[-1].rows.items():
                self._cache.pop(cycle, None)
                if not row.cycle.state.ended:
                    self._cache[cycle] = row
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        if kept[-1].unclaimed:
            self.bell.ring()
        return answer

    def forget(self) -> None:
        """Believe nothing that was cached."""
        with self._guard:
            self._cache.clear()

    def _birth(self, batch: Batch, make: Callable[[str], Triggered], key: str | None) -> Committed:
        if self.store.notifies:  # PostgreSQL lets two be born at once, and one of them would have to begin again
            batch.cursor.execute("SELECT pg_advisory_xact_lock(7282)")
        newest = self.store.run(batch.cursor, "newest").fetchone()
        number, previous = (newest[0] + 1, newest[1]) if newest else (1, GENESIS)
        cycle_id = f"c-{number:06d}"
        event = make(cycle_id).model_copy(update={"key": key})
        folded = advance(None, event)
        if isinstance(folded, NotNow):  # pragma: no cover - `Triggered` always begins
            raise AssertionError(folded.why)
        body = event.model_dump_json()
        head = link(previous, cycle_id, 1, body)
        self.store.run(
            batch.cursor, "cycle_insert", id=cycle_id, number=number, pipeline=event.pipeline.name,
            target=event.pipeline.owns, state=folded.cycle.state.value, seq=1, head=head,
            body=body_of(folded.cycle), idempotency_key=key,
            changed_at=micros(event.at),
        )  # fmt: skip
        self._append(batch, cycle_id, 1, event, body, head)
        batch.rows[cycle_id] = Row(folded.cycle, head)
        return Committed(folded.cycle, self._effects(batch, cycle_id, folded.effects))

    def _entry(self, batch: Batch, entry: Entry) -> Committed | NotNow:
        if entry.event is None:
            self._strike(batch, entry.done or "")
            return NotNow(why="done", echo=True)
        row, fresh = self._row(batch, entry.cycle)
        if row is not None and (step := self._step(row, entry.event, batch.now, batch.until)) is not None:
            cycle, effect, values = step
            changed, born = self.store.run(batch.cursor, "step", **values).fetchone()
            if changed:
                batch.rows[cycle.id] = Row(cycle, values["h"])
                return Committed(cycle, (Claimed(cycle.id, effect),) if born else ())
        while True:
            folded = advance(row.cycle if row else None, entry.event)
            if not isinstance(folded, NotNow) and row is not None and self._update(batch, row, folded, entry.event):
                break
            if fresh:
                if isinstance(folded, Folded):
                    raise Unavailable(RuntimeError("another writer was faster"), conflict=True)
                if entry.done is not None:
                    self._strike(batch, entry.done)
                return folded
            row, fresh = self._load(batch, entry.cycle), True
        if not isinstance(folded, Folded) or row is None:  # pragma: no cover - the loop ends only with a fold
            raise AssertionError
        self._settle(batch, entry, row.cycle, folded)
        return Committed(folded.cycle, self._effects(batch, entry.cycle, folded.effects))

    def _row(self, batch: Batch, cycle: str) -> tuple[Row | None, bool]:
        if cycle in batch.rows:
            return batch.rows[cycle], True
        with self._guard:
            cached = self._cache.get(cycle)
        return (cached, False) if cached else (self._load(batch, cycle), True)

    def _load(self, batch: Batch, cycle: str) -> Row:
        found = self.store.run(batch.cursor, "cycle_locked", cycle=cycle).fetchone()
        if found is None:
            raise KeyError(cycle)
        runs = dict(self.store.run(batch.cursor, "runs", cycle=cycle).fetchall())
        row = Row(cycle_from(found[0], found[1], runs), found[3])
        batch.rows[cycle] = row
        return row

    def _update(self, batch: Batch, row: Row, folded: Folded, event: Event) -> bool:
        """Write the fold and the event; False where the row is no longer the one that was folded."""
        cycle, body = folded.cycle, event.model_dump_json()
        head = link(row.head, cycle.id, cycle.seq, body)
        same = cycle.state is row.cycle.state  # an indexed column, which SQLite would write again
        cursor = self.store.run(
            batch.cursor, "cycle_update" if same else "cycle_update_state", cycle=cycle.id, was=row.cycle.seq,
            s=cycle.state.value, n=cycle.seq, h=head, b=body_of(cycle), now=micros(event.at),
        )  # fmt: skip
        if cursor.rowcount != 1:
            return False
        self._append(batch, cycle.id, cycle.seq, event, body, head)
        for run in past(cycle)[len(past(row.cycle)) :]:
            self.store.run(batch.cursor, "run_insert", cycle=cycle.id, stage=run.stage, body=text_of(run))
        batch.rows[cycle.id] = Row(cycle, head)
        return True

    def _append(self, batch: Batch, cycle: str, seq: int, event: Event, body: str, head: str) -> None:
        self.store.run(
            batch.cursor, "event_insert", cycle=cycle, seq=seq, at=micros(event.at), kind=event.kind, body=body,
            hash=head,
        )  # fmt: skip

    def _settle(self, batch: Batch, entry: Entry, was: Cycle, folded: Folded) -> None:
        """Strike out the effects that the event is the end of; with the cycle's end, all of them."""
        if folded.cycle.state.ended and not was.state.ended:  # what it still owes after its end is not dropped
            self.store.run(batch.cursor, "effects_drop", cycle=entry.cycle)
        elif entry.event is not None and (keys := settled(entry.event)):
            self.store.run(batch.cursor, "effects_settled", cycle=entry.cycle, key=keys[0], other=keys[-1])
        elif entry.done is not None:
            self._strike(batch, entry.done)

    def _strike(self, batch: Batch, effect: str) -> None:
        """Of ours: one that another engine has claimed since may be a later one with the same name."""
        cycle, _, key = effect.partition(" ")
        self.store.run(batch.cursor, "effect_done", cycle=cycle, key=key, me=self.owner)

    def _effects(self, batch: Batch, cycle: str, effects: Sequence[Effect]) -> tuple[Claimed, ...]:
        claimed: list[Claimed] = []
        for effect in effects:
            at = getattr(effect, "at", None)
            due = micros(at) if at is not None else batch.now
            mine = bool(self.owner) and due <= batch.now
            found = self.store.run(
                batch.cursor, "effect_insert", cycle=cycle, key=effect.key, body=effect.model_dump_json(), due_at=due,
                owner=self.owner if mine else None, claimed_until=batch.until if mine else None, tries=0,
            ).fetchone()  # fmt: skip
            if found and mine:
                claimed.append(Claimed(cycle, effect))
            batch.unclaimed = batch.unclaimed or not mine
        if not self.owner:
            batch.unclaimed = True
        return tuple(claimed)

    # Reading

    def cycle(self, cycle: str) -> Cycle:
        """The cycle as it is now. Raises `KeyError` for an unknown id."""
        rows = self.store.read("cycle", cycle=cycle)
        if not rows:
            raise KeyError(cycle)
        return cycle_from(rows[0][0], rows[0][1], dict(self.store.read("runs", cycle=cycle)))

    def cycles(self, pipeline: str | None = None, *, limit: int = 50, before: int = 2**62) -> list[Cycle]:
        """The newest cycles first, of one pipeline or of all."""
        rows = self.store.read("cycles", pipeline=pipeline or "", before=before, limit=limit)
        return [cycle_from(born, body, dict(self.store.read("runs", cycle=cycle))) for cycle, born, body in rows]

    def events(self, cycle: str, after: int = 0) -> Iterator[Recorded]:
        """What happened to the cycle after event number `after`, in order."""
        for seq, _at, _kind, body, head in self.store.read("events", cycle=cycle, after=after):
            yield Recorded(cycle, seq, EVENT.validate_json(body), head)

    def report(self, run: str) -> Report | None:
        """The report of a run that succeeded; None for any other."""
        for recorded in self.events(run.split("/")[0]):
            event = recorded.event
            if isinstance(event, RunFinished) and event.run == run and isinstance(event.outcome, Product):
                return event.outcome.report
        return None
