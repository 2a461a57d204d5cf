"""What still has to be done, and who is doing it: claims on effects, leases on targets, the inbox.

Laws:
- An effect is done by whoever holds its claim; a claim is renewed while its owner works, and ends by itself.
- The work of an owner that is surely dead is taken over at once.
- A deployment target has one owner; its fencing token grows with every change of owner.
"""

import time
from collections.abc import Collection
from typing import Any, NamedTuple

from pydantic import JsonValue

from orchestrator.closing import FRESH, name_of, read
from orchestrator.journal import Claimed
from orchestrator.owner import is_dead
from orchestrator.rows import EFFECT, cycle_from
from orchestrator.store import Store


class Lease(NamedTuple):
    """Who owns a deployment target; `granted` says whether that is the one who asked."""

    cycle: str
    token: int
    granted: bool


class Outbox:
    """The claims of one engine, named `owner`."""

    def __init__(self, store: Store, owner: str) -> None:
        self.store, self.owner = store, owner
        self._open: dict[str, float] = {}

    def claim(self, now: int, until: int, held: Collection[str], *, orphans: bool = True) -> list[Claimed]:
        """Every due effect that is free; with `orphans` also every one whose claim ran out, whose owner is dead, or
        that is ours but was not `held` (which happens when the answer to a commit was lost). Free ones are found by an
        index, orphans by reading all that is due.
        """
        wanted: list[tuple[str, str, str]] = []
        dead: dict[str, bool] = {}
        for cycle, key, owner, claimed_until in self.store.read("effects_due" if orphans else "effects_free", now=now):
            if f"{cycle} {key}" in held:
                continue
            if owner is None or owner == self.owner or claimed_until <= now:
                wanted.append((cycle, key, owner or ""))
            elif dead.setdefault(owner, is_dead(owner)):
                wanted.append((cycle, key, owner))
        if not wanted:
            return []
        return self.store.transaction(lambda cursor: self._claim(cursor, wanted, now, until))

    def _claim(self, cursor: Any, wanted: list[tuple[str, str, str]], now: int, until: int) -> list[Claimed]:
        claimed = []
        for cycle, key, was in wanted:
            row = self.store.run(
                cursor, "effect_claim", cycle=cycle, key=key, now=now, until=until, me=self.owner, was=was
            ).fetchone()
            if row is not None:
                claimed.append(Claimed(cycle, EFFECT.validate_json(row[0]), row[1]))
        return claimed

    def renew(self, held: Collection[str], until: int) -> set[str]:
        """Hold on to these effects; those of them that are no longer ours come back."""
        if not held:
            return set()

        def is_lost(cursor: Any, effect: str) -> bool:
            cycle, _, key = effect.partition(" ")
            renewed = self.store.run(cursor, "effect_renew", cycle=cycle, key=key, me=self.owner, until=until)
            return bool(renewed.rowcount != 1)

        return self.store.transaction(lambda cursor: {one for one in sorted(held) if is_lost(cursor, one)})

    def postpone(self, effect: str, due: int) -> None:
        """Let go of an effect until `due`; whoever is there then does it."""
        self.store.transaction(lambda cursor: self._postpone(cursor, effect, due))

    def _postpone(self, cursor: Any, effect: str, due: int) -> None:
        cycle, _, key = effect.partition(" ")
        self.store.run(cursor, "effect_postpone", cycle=cycle, key=key, me=self.owner, due=due)

    def next_due(self, now: int) -> int | None:
        """When the next effect falls due, in microseconds; None where nothing waits for its time."""
        found = self.store.read("effects_next", now=now)
        return None if not found or found[0][0] is None else int(found[0][0])

    # Leases

    def take(
        self, target: str, cycle: str, number: int, now: int, until: int, *, effect: str = "", again: int = 0
    ) -> Lease:
        """The lease of the target: this cycle's if it is free, has run out, or belongs to a cycle that has ended, and
        no cycle queued before wants it; otherwise its holder's. Who gets it not may ask `again`: the `effect` is
        postponed in the same transaction, so that no release comes in between and wakes nobody.
        """

        def body(cursor: Any) -> Lease:
            lease = self._take(cursor, target, cycle, number, now, until)
            if not lease.granted and again:
                self._postpone(cursor, effect, again)
            return lease

        return self.store.transaction(body)

    def _take(self, cursor: Any, target: str, cycle: str, number: int, now: int, until: int) -> Lease:
        holder = self.store.run(cursor, "lease", target=target).fetchone()
        first = self.store.run(cursor, "lease_first", target=target).fetchone()
        if first is not None and first[0] is not None and first[0] < number:
            return Lease(holder[0] if holder and holder[0] else f"c-{first[0]:06d}", 0, granted=False)
        row = self.store.run(cursor, "lease_take", target=target, cycle=cycle, now=now, until=until).fetchone()
        if row is not None:
            return Lease(cycle, row[0], granted=True)
        holder = self.store.run(cursor, "lease", target=target).fetchone()  # it may have been had a moment ago
        return Lease(holder[0], holder[1], granted=False)

    def release(self, target: str, cycle: str, now: int) -> None:
        """Give the lease back and let every cycle in the queue ask again at once."""

        def body(cursor: Any) -> None:
            self.store.run(cursor, "lease", target=target).fetchone()  # nobody takes it or is refused meanwhile
            self.store.run(cursor, "lease_release", target=target, cycle=cycle)
            self.store.run(cursor, "lease_poke", target=target, now=now)
            self.store.notify(cursor)

        self.store.transaction(body)

    def renew_leases(self, soon: int, until: int) -> None:
        """Hold on to every target whose cycle is alive, whichever engine works on it."""
        self.store.transaction(lambda cursor: self.store.run(cursor, "lease_renew", soon=soon, until=until))

    def holder(self, target: str) -> str:
        """The cycle that has the lease of the target; empty where none has."""
        row = self.store.transaction(lambda cursor: self.store.run(cursor, "lease", target=target).fetchone())
        return str(row[0] or "") if row is not None else ""

    def is_closed(self, target: str, now: int) -> bool:
        """Whether no run of the target may begin just now: rows leave its snapshots. That it is open may be `FRESH`
        seconds old.
        """
        moment = time.monotonic()
        if moment < self._open.get(target, 0.0):
            return False
        rows = self.store.read("mark", mark=name_of(target))
        closing = read(str(rows[0][0])) if rows else None
        closed = closing is not None and closing.stands(now)
        if not closed:
            self._open[target] = moment + FRESH
        return closed

    def last_done(self, target: str) -> dict[str, dict[str, JsonValue]]:
        """What the last cycle that was done on this target left: outputs by stage."""
        rows = self.store.read("last_done", target=target)
        if not rows:
            return {}
        name, born, body = rows[0]
        cycle = cycle_from(born, body, dict(self.store.read("runs", cycle=name)))
        return {run.stage: run.outputs for run in cycle.runs}


class Inbox:
    """Deliveries, stored before they are answered; each is stored once."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def receive(self, source: str, delivery: str, body: bytes, now: int) -> bool:
        """Store a delivery. False where it is known already."""

        def work(cursor: Any) -> bool:
            row = self.store.run(
                cursor, "inbox_insert", source=source, delivery=delivery, body=body, received_at=now
            ).fetchone()
            self.store.notify(cursor)
            return row is not None

        return self.store.transaction(work)

    def waiting(self, limit: int = 100) -> list[tuple[int, str, str, bytes]]:
        """(id, source, delivery, body) of the oldest that nobody has dealt with."""
        return [(row[0], row[1], row[2], bytes(row[3])) for row in self.store.read("inbox_waiting", limit=limit)]

    def done(self, now: int, *deliveries: int) -> None:
        """The deliveries with these ids have been dealt with."""

        def body(cursor: Any) -> None:
            for delivery in deliveries:
                self.store.run(cursor, "inbox_done", id=delivery, now=now)

        if deliveries:
            self.store.transaction(body)

    def forget(self, before: int) -> None:
        """Drop what was dealt with before then: nobody delivers it once more."""
        self.store.transaction(lambda cursor: self.store.run(cursor, "inbox_forget", before=before))
