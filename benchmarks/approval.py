"""From an approval in another process to the start of the next run, beside the bare notify of the same database."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any, NamedTuple

from benchmarks.contenders import Contender, Silent
from benchmarks.place import Place
from benchmarks.ratio import percentile
from benchmarks.table import judged, table

_TIMES = 2.0  # p50, in floors
_SETTLE = 0.03  # seconds in which nobody is asked anything
_PATIENCE = 5.0


class Pair(NamedTuple):
    """Two processes: who approves, and whose run then starts."""

    label: str
    engine: Contender
    approver: Contender


def measure(place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    """A section for each database."""
    count = 25 if place.quick else 150
    for database in place.databases:
        with ExitStack() as stack:
            ours = _pair(place, stack, "Ratchet", "waiting", place.url(database, place.fresh("approval")))
            bare = _pair(place, stack, "bare notify", "bare", place.url(database, place.fresh("notify")))
            waiting = ours.engine.ask("wait_at_gates", count=count)
            taken = _rounds(ours, bare, waiting)
        floor = percentile(taken[bare.label], 50)
        rows = [_row(label, seconds, floor) for label, seconds in taken.items()]
        columns = ["approval → next run", "p50 ms", "p99 ms", "p50 in floors", "n", "goal"]
        text = f"### An approval in another process on {database}\n\n{table(columns, rows)}\n"
        yield text, {"measure": f"approval {database}", **taken}


def _pair(place: Place, stack: ExitStack, label: str, worker: str, url: str) -> Pair:
    both = [
        stack.enter_context(closing(place.start(f"{label} {role}", worker, {"url": url, "role": role})))
        for role in ("engine", "approver")
    ]
    return Pair(label, *both)


def _rounds(ours: Pair, bare: Pair, waiting: list[tuple[str, str]]) -> dict[str, list[float]]:
    """Alternating, at a random phase of every clock that might be involved."""
    phase = random.Random(7)  # noqa: S311 - spreads the measurements, nothing secret
    taken: dict[str, list[float]] = {ours.label: [], bare.label: []}
    for cycle, digest in waiting:
        for pair in (ours, bare):
            time.sleep(phase.random() * 0.02)
            start, _ = pair.approver.ask("approve", cycle=cycle, digest=digest)
            taken[pair.label].append(_began(pair.engine, cycle) - start)
    return taken


def _began(engine: Contender, cycle: str) -> float:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        time.sleep(_SETTLE)
        if (found := engine.ask("begun", cycle=cycle)) is not None:
            return float(found)
    raise Silent(f"{cycle} was approved and not begun within {_PATIENCE} s")


def _row(label: str, seconds: list[float], floor: float) -> list[str]:
    middle = percentile(seconds, 50)
    goal = judged(middle / floor, _TIMES, unit=" × floor") if middle != floor else ""
    p50, p99 = f"{middle * 1e3:.2f}", f"{percentile(seconds, 99) * 1e3:.2f}"
    return [label, p50, p99, f"{middle / floor:.2f}", str(len(seconds)), goal]
