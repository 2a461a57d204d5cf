"""What an engine costs that has little to do: memory after 1,000 steps, and the processor time of waiting cycles."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

from benchmarks.place import Place
from benchmarks.table import judged, table

_STEPS, _CYCLES = 100, 10
_MIB = 60.0


def measure(place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    """Both sections, for each database."""
    yield _memory(place)
    yield _waiting(place)


def _memory(place: Place) -> tuple[str, dict[str, Any]]:
    rows, data = [], {}
    for database in place.databases:
        url = place.url(database, place.fresh("memory"))
        with closing(place.start("Ratchet", "ours", {"url": url})) as worker:
            started = worker.ask("memory")["now"]
            for _ in range(_CYCLES):
                worker.ask("run", steps=_STEPS)
            found = worker.ask("memory")
        data[database] = {"started": started, **found}
        shown = [f"{one:.1f}" for one in (started, found["now"], found["peak"])]
        rows.append([database, *shown, judged(found["peak"], _MIB, unit=" MiB")])
    columns = ["resident MiB", "as started", f"after {_STEPS * _CYCLES:,} steps", "peak", "goal"]
    return f"### Memory of an engine\n\n{table(columns, rows)}\n", {"measure": "memory", **data}


def _waiting(place: Place) -> tuple[str, dict[str, Any]]:
    count, window = (1000, 6.0) if place.quick else (10_000, 60.0)
    rows, data = [], {}
    for database in place.databases:
        many = place.url(database, place.fresh("idle"))
        with closing(place.start("Ratchet", "waiting", {"url": many, "role": "engine"})) as worker:
            worker.ask("wait_at_gates", count=count, patience=900.0)
        none = _idle(place, place.url(database, place.fresh("idle")), window)
        some = _idle(place, many, window)
        data[database] = {"none": none, "some": some}
        for name, before, after in (("engine", none.engine, some.engine), ("server", none.server, some.server)):
            if name == "engine" or database != "sqlite":
                memory = f"{none.memory:.0f} → {some.memory:.0f}" if name == "engine" else ""
                shown = [f"{one:.2f}" for one in (before, after)]
                rows.append([f"{database}, {name}", *shown, f"{after - before:+.2f}", memory])
    columns = ["processor s per minute", "nothing waits", f"{count:,} wait at gates", "more", "engine's MiB"]
    return f"### Cycles that wait\n\n{table(columns, rows)}\n", {"measure": "waiting", **data}


class Idle(NamedTuple):
    """Seconds of processor in a minute, of an engine and of the database's server; MiB of the engine."""

    engine: float
    server: float
    memory: float


def _idle(place: Place, url: str, window: float) -> Idle:
    """A fresh engine on this database, left alone for so many seconds."""
    with closing(place.start("Ratchet", "waiting", {"url": url, "role": "engine"})) as worker:
        worker.ask("wait_at_gates", count=0)
        time.sleep(2)
        before, served = worker.ask("cpu"), place.server.processor() if place.server else 0.0
        time.sleep(window)
        after, serving = worker.ask("cpu"), place.server.processor() if place.server else 0.0
        scale = 60 / window
        return Idle((after - before) * scale, (serving - served) * scale, worker.ask("memory")["now"])
