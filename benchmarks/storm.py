"""A kill storm: seeded SIGKILLs at random moments over 60 steps of 50 ms, the program started again after each.

lost: never ended. repeated: begun again after it had ended, because that was not yet durable. overlapping: two attempts
of a step, or two steps of the chain, at work at the same time. broken off: begun again because it was killed half-way.
"""

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.contenders import command, environment
from benchmarks.place import Place
from benchmarks.table import table

_FIRST = 0.3  # seconds at most from a life's first step to its death
_STARTUP = 0.6  # seconds at most for the deaths that come before
_PATIENCE = 120.0
_ENTRIES: tuple[tuple[str, str, dict[str, str], str], ...] = (
    ("Ratchet, inline", "storm_ours", {"executor": "inline"}, ""),
    ("Ratchet, local (a process a step)", "storm_ours", {"executor": "local"}, ""),
    ("LangGraph, durability=sync", "storm_langgraph", {}, "langgraph"),
    ("DBOS", "storm_dbos", {}, "dbos"),
)


class Life(NamedTuple):
    """One process of the program: when it was started, and when it was killed or ended by itself."""

    pid: int
    begun: float
    ended: float
    killed: bool


class Attempt(NamedTuple):
    """One run of a step's body; `to` is its end, or the death of its process."""

    number: int
    at: float
    to: float
    ended: bool


def measure(place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    """A section for each database."""
    steps, kills = (20, 5) if place.quick else (60, 15)
    for database in place.databases:
        rows, data = [], {}
        for label, worker, config, peer in _ENTRIES:
            if peer and peer not in place.peers:
                continue
            try:
                found = _storm(place, database, worker, config, peer, steps, kills)
            except RuntimeError as error:
                print(f"{label} on {database}: {error}", file=sys.stderr)
                continue
            data[label] = found
            rows.append([label, *(f"{value:.2f}" if isinstance(value, float) else value for value in found.values())])
        columns = ["", *_NAMES]
        text = f"### {kills} SIGKILLs over {steps} steps of 50 ms on {database}\n\n{table(columns, rows)}\n"
        yield text, {"measure": f"storm {database}", **data}


_NAMES = ("kills", "lost", "repeated", "overlapping", "broken off", "wall s", "start → next step, median s")


def _storm(
    place: Place, database: str, worker: str, config: dict[str, str], peer: str, steps: int, kills: int
) -> dict[str, float]:
    name = place.fresh("storm")
    log = place.folder / name / "log"
    log.parent.mkdir()
    log.touch()
    chance = random.Random(2)  # noqa: S311 - the same moments for everybody
    wanted = {"url": place.url(database, name), "log": str(log), "steps": steps, **config}
    line = command(worker, wanted, place.peers[peer].python if peer else sys.executable)
    lives: list[Life] = []
    start = time.monotonic()
    while not lives or lives[-1].killed:
        left = kills - sum(life.killed for life in lives)
        lives.append(_live(line, log, chance, kill=left > 0))
    wall = time.monotonic() - start
    deaths = {life.pid: life.ended for life in lives}
    attempts = _attempts(log, deaths)
    figures = (
        sum(life.killed for life in lives),
        steps - len({one.number for one in attempts if one.ended}),
        _repeated(attempts),
        sum(one.to > following.at for one, following in pairwise(attempts)),
        sum(not one.ended for one in attempts),
        wall,
        _resumed(lives[1:], attempts),
    )
    return dict(zip(_NAMES, figures, strict=True))


def _live(line: list[str], log: Path, chance: random.Random, *, kill: bool) -> Life:
    """Start it, and kill it: most often at a random moment after its first step, else while it starts."""
    before, early = _begins(log), chance.random() < 0.25
    wait = chance.random() * (_STARTUP if early else _FIRST)
    begun = time.monotonic()
    with (log.parent / "output").open("ab") as output:
        process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment(), cwd=log.parent
        )
    until = begun + _PATIENCE
    if kill and not early:
        while _begins(log) == before and process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
    try:
        code = process.wait(wait if kill else _PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        if not kill:
            raise RuntimeError(f"it did not end within {_PATIENCE:.0f} s") from None
        return Life(process.pid, begun, time.monotonic(), killed=True)
    if code != 0:
        said = (log.parent / "output").read_text(errors="replace").strip().splitlines()
        raise RuntimeError(f"it ended with {code}: {said[-1] if said else ''}")
    return Life(process.pid, begun, time.monotonic(), killed=False)


def _begins(log: Path) -> int:
    return log.read_bytes().count(b"begin")


def _attempts(log: Path, deaths: dict[int, float]) -> list[Attempt]:
    """In the order in which they began."""
    ended: dict[tuple[int, int], float] = {}
    begun = []
    for said in log.read_text().splitlines():
        what, number, pid, at = said.split()
        if what == "end":
            ended[int(number), int(pid)] = float(at)
        else:
            begun.append((int(number), int(pid), float(at)))
    return [
        Attempt(number, at, ended.get((number, pid), deaths.get(pid, at)), (number, pid) in ended)
        for number, pid, at in begun
    ]


def _repeated(attempts: list[Attempt]) -> int:
    done: set[int] = set()
    repeated = 0
    for one in attempts:
        repeated += one.number in done
        if one.ended:
            done.add(one.number)
    return repeated


def _resumed(lives: list[Life], attempts: list[Attempt]) -> float:
    """Seconds from the start of a life after a death to the first step that begins in it."""
    found = []
    for life in lives:
        first = next((one.at for one in attempts if life.begun < one.at <= life.ended), None)
        if first is not None:
            found.append(first - life.begun)
    return statistics.median(found) if found else float("nan")
