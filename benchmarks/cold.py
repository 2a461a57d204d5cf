"""A cold start: a process, a fresh database, one cycle of four no-op steps, the end; and the memory that it took."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.contenders import WORKERS, command, environment
from benchmarks.place import Place
from benchmarks.ratio import Sample, Spread, alternate
from benchmarks.table import judged, spread, table

_STEPS = 4
_SECONDS, _MIB = 0.45, 60.0
_WORKERS = {
    "Ratchet": ("ours", ""),
    "DBOS": ("peer_dbos", "dbos"),
    "LangGraph": ("peer_langgraph", "langgraph"),
    "Burr": ("peer_burr", "burr"),
    "Prefect": ("peer_prefect", "prefect"),
}
_FLOOR = "`import sqlalchemy`"


def measure(place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    """One section: SQLite, since a fresh database there costs no server."""
    memory: dict[str, list[float]] = defaultdict(list)
    samples = {
        label: partial(_cold, place, label, worker, peer, memory)
        for label, (worker, peer) in _WORKERS.items()
        if not peer or (peer in place.peers and (peer != "prefect" or not place.quick))
    }
    floor = partial(_spawn, [sys.executable, "-c", "import sqlalchemy"], _FLOOR, place.folder, memory)
    floor()
    for sample in samples.values():  # bytecode is compiled once, and not in what is measured
        sample()
    memory.clear()
    rounds, most = (4, 6) if place.quick else (10, 20)
    raw, found = alternate(lambda: floor().seconds, samples, rounds=rounds, most=most)
    rows = [[_FLOOR, spread(raw), "1", "", f"{max(memory[_FLOOR]):.0f}", "", ""]]
    for label, one in found.items():
        peak = Spread.of(memory[label]).median
        goal = f"{judged(one.seconds.median, _SECONDS, unit=' s')}, {judged(peak, _MIB, unit=' MiB')}"
        shown = goal if label == "Ratchet" else ""
        times = [spread(one.seconds), spread(one.ratio), f"{one.processor.median:.2f}"]
        rows.append([label, *times, f"{peak:.0f}", f"{one.kept}/{one.dropped}", shown])
    columns = ["process start to exit", "s", "ratio to the import", "processor s", "peak MiB", "kept/dropped", "goal"]
    text = f"### A cold cycle of four steps on SQLite\n\n{table(columns, rows)}\n"
    yield text, {"measure": "cold", "floor": raw, "found": found, "memory": memory}


def _cold(place: Place, label: str, worker: str, peer: str, memory: dict[str, list[float]]) -> Sample:
    url = place.url("sqlite", place.fresh("cold"))
    python = place.peers[peer].python if peer else sys.executable
    return _spawn(command(worker, {"url": url, "once": _STEPS}, python), label, place.folder, memory)


def _spawn(line: Sequence[str], label: str, folder: Path, memory: dict[str, list[float]]) -> Sample:
    """Seconds from before its start until after its end; its peak goes to `memory` (MiB, of that one process)."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(WORKERS / "spawn.py"), *line],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
        cwd=folder,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    if found["code"] != 0:
        said = done.stderr.strip().splitlines()
        raise RuntimeError(f"it ended with {found['code']}: {said[-1] if said else ''}")
    memory[label].append(found["peak"])
    return Sample(found["seconds"], found["processor"])
