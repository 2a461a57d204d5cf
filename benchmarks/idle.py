"""What an engine costs that has little to do: memory after 1,000 steps, and the processor time of waiting cycles."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

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
    count, window = (1000, 6.0) if place.quick else (10_000, 30.0)
    rows, data = [], {}
    for database in place.databases:
        spent: dict[int, float] = {}
        memory = 0.0
        for waiting in (0, count, 0):  # an idle one before and after it
            url = place.url(database, place.fresh("idle"))
            with closing(place.start("Ratchet", "waiting", {"url": url, "role": "engine"})) as worker:
                worker.ask("wait_at_gates", count=waiting, patience=900.0)
                time.sleep(2)
                before = worker.ask("cpu")
                time.sleep(window)
                seconds = (worker.ask("cpu") - before) * 60 / window
                worker_memory = worker.ask("memory")["now"]
            spent[waiting] = (spent[waiting] + seconds) / 2 if waiting in spent else seconds
            if waiting:
                memory = worker_memory
        data[database] = {"idle": spent[0], "waiting": spent[count], "memory": memory}
        none, many = spent[0], spent[count]
        rows.append([database, f"{none:.3f}", f"{many:.3f}", f"{many - none:+.3f}", f"{memory:.0f} MiB"])
    columns = ["processor s per minute", "nothing waits", f"{count:,} wait at gates", "more", "memory with them"]
    return f"### Cycles that wait\n\n{table(columns, rows)}\n", {"measure": "waiting", **data}
