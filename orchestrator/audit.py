"""Whether the record is as it was written: every event in its place, every row the fold of its events.

Laws:
- Any one change to a column of `events` or `cycles` is found, and so is a row that was removed, added or moved. What
  is said of a cycle is the first thing that is wrong with it.
- The record is read page by page, all of it as it was at one moment: engines may go on working.
- Not found, by nobody who has the database alone: the newest cycle gone with all its events, and a record that was
  written anew as a whole. Who fears that keeps the newest `head` elsewhere.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from pydantic import ValidationError

from orchestrator.core.events import Triggered
from orchestrator.core.machine import NotNow, advance
from orchestrator.core.model import Cycle
from orchestrator.rows import EVENT, GENESIS, body_of, link, micros, past, text_of
from orchestrator.store import Store

_PAGE = 32  # cycles
_LEAST = -(2**63)


class _Row(NamedTuple):
    """A row of `cycles`."""

    id: str
    number: int
    pipeline: str
    target: str
    state: str
    seq: int
    head: str
    body: str
    key: str | None
    changed_at: int


class _Event(NamedTuple):
    """A row of `events`."""

    cycle: str
    seq: int
    at: int
    kind: str
    body: str
    hash: str


class _Wrong(Exception):
    """The first thing that is wrong with a cycle."""


def verify(store: Store) -> Iterator[str]:
    """What is wrong with the record, a sentence for each cycle; nothing when all is well. Raises `Unavailable`."""
    with store.snapshot() as read:
        last, links = 0, frozenset({GENESIS})
        for row, events, runs in _cycles(read):
            if row.number != last + 1:
                yield _gap(last, row.number)
                links = frozenset()
            try:
                _check(row, events, runs, links)
            except _Wrong as wrong:
                yield f"{row.id}: {wrong}"
            last, links = row.number, _first(row.id, events, links)
        for (cycle,) in read("audit_strays"):
            yield f"{cycle}: its row is missing, and its events are there"


def _cycles(read: Callable[..., list[Any]]) -> Iterator[tuple[_Row, list[_Event], dict[str, str]]]:
    after = _LEAST
    while page := [_Row(*row) for row in read("audit_cycles", after=after, limit=_PAGE)]:
        last = page[-1].number
        rows = [_Event(*row) for row in read("audit_events", after=after, last=last)]
        events = {cycle: list(group) for cycle, group in groupby(rows, key=lambda event: event.cycle)}
        runs: dict[str, dict[str, str]] = {}
        for cycle, stage, body in read("audit_runs", after=after, last=last):
            runs.setdefault(cycle, {})[stage] = body
        for row in page:
            yield row, events.get(row.id, []), runs.get(row.id, {})
        after = last


def _gap(last: int, number: int) -> str:
    """What lies between two cycles that should follow one another."""
    if number <= last + 1:
        return f"c-{number:06d}: its number is {number}, and numbers begin with 1"
    missing = f"c-{last + 1:06d}" if number == last + 2 else f"c-{last + 1:06d} to c-{number - 1:06d}"
    return f"{missing}: missing, row and events"


def _first(cycle: str, events: Sequence[_Event], links: frozenset[str]) -> frozenset[str]:
    """What the next cycle may be linked to: the hash as stored, and as it should be, so that one error is told once."""
    if not events:
        return frozenset()
    return frozenset({events[0].hash, *(link(one, cycle, 1, events[0].body) for one in links)})


def _check(row: _Row, events: Sequence[_Event], runs: Mapping[str, str], links: frozenset[str]) -> None:
    """Raise `_Wrong` with the first thing that is wrong."""
    if row.id != f"c-{row.number:06d}":
        raise _Wrong(f"its number is {row.number}")
    if not events:
        raise _Wrong("its events are missing, and its row is there")
    cycle: Cycle | None = None
    head = ""
    for place, stored in enumerate(events, 1):
        if stored.seq != place:
            what = f"event {place} is missing" if stored.seq > place else f"event {stored.seq} can't have a place"
            raise _Wrong(what)
        _check_hash(stored, links if place == 1 else frozenset({head}))
        cycle, head = _fold(cycle, stored, row), stored.hash
    if cycle is None:  # pragma: no cover - there are events
        raise AssertionError
    _check_row(row, cycle, head, len(events))
    for run in past(cycle):
        if runs.get(run.stage) != text_of(run):
            raise _Wrong(f"the row of {run.id} is missing or was altered: it is not what the events say")


def _check_hash(stored: _Event, before: frozenset[str]) -> None:
    """The first event after a gap has nothing to be compared with."""
    if before and stored.hash not in {link(one, stored.cycle, stored.seq, stored.body) for one in before}:
        raise _Wrong(f"event {stored.seq} was altered or moved: it does not have its hash")


def _fold(cycle: Cycle | None, stored: _Event, row: _Row) -> Cycle:
    try:
        event = EVENT.validate_json(stored.body)
    except ValidationError as error:
        raise _Wrong(f"event {stored.seq} can't be read") from error
    for column, found, right in (("kind", stored.kind, event.kind), ("at", stored.at, micros(event.at))):
        if found != right:
            raise _Wrong(f"event {stored.seq} was altered: its column `{column}` says {found}, and it says {right}")
    if isinstance(event, Triggered):
        _check_birth(row, event)
    try:
        folded = advance(cycle, event)
    except (KeyError, ValueError, IndexError) as error:
        raise _Wrong(f"event {stored.seq} can't be folded: {error!r}") from error
    if isinstance(folded, NotNow):
        raise _Wrong(f"event {stored.seq} ({event.kind}) can't have happened there: {folded.why}")
    return folded.cycle


def _check_birth(row: _Row, event: Triggered) -> None:
    """What the row took from its first event, once and for all."""
    columns = (
        ("id", row.id, event.cycle),
        ("pipeline", row.pipeline, event.pipeline.name),
        ("target", row.target, event.pipeline.owns),
        ("idempotency_key", row.key, event.key),
    )
    for column, found, right in columns:
        if found != right:
            raise _Wrong(f"its row was altered: `{column}` is {found}, and its first event says {right}")


def _check_row(row: _Row, cycle: Cycle, head: str, count: int) -> None:
    """The row is the fold of the events."""
    if row.seq > count:
        which = f"event {row.seq} is" if row.seq == count + 1 else f"events {count + 1} to {row.seq} are"
        raise _Wrong(f"{which} missing")
    columns = (
        ("seq", row.seq, cycle.seq),
        ("head", row.head, head),
        ("state", row.state, cycle.state.value),
        ("changed_at", row.changed_at, micros(cycle.changed_at)),
    )
    for column, found, right in columns:
        if found != right:
            raise _Wrong(f"its row was altered: `{column}` is {found}, and its events say {right}")
    if row.body != body_of(cycle):
        raise _Wrong("its row was altered: `body` is not the fold of its events")
