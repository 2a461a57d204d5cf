"""What every measured program speaks: lines of JSON on stdin and stdout. Standard library alone, so that any runs it.

Started as `PYTHON worker.py {config}`; it says `{"ready": …}` with its facts, and then answers each line:
`{"do": "run", "steps": 100, "cycles": 1}` with the seconds, and the seconds of processor, that one durable run of so
many no-op steps took (or so many runs at once), `{"do": "count"}` with the rows that its store holds by now, and
whatever else it offers by name.
With `{"once": 4}` in its config it runs four steps and ends, and says nothing.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Contender(Protocol):
    """A durable engine, or the raw database."""

    def facts(self) -> dict[str, Any]:
        """Versions and settings, read back from what is running."""

    def run(self, steps: int, cycles: int) -> None:
        """Run so many cycles at once, each of so many no-op steps; return when all of it is durable."""

    def count(self) -> int:
        """How many rows its store holds of the steps that were run."""


def config() -> dict[str, Any]:
    """What the parent wants this program to be."""
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def serve(make: Callable[[dict[str, Any]], Contender], **more: Callable[..., Any]) -> None:
    """Answer the parent until it closes the pipe. Only answers reach stdout: libraries that print go to stderr."""
    wanted = config()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    contender = make(wanted)
    if "once" in wanted:
        contender.run(wanted["once"], 1)
        getattr(contender, "close", lambda: None)()
        return
    offers: dict[str, Callable[..., Any]] = {
        "run": lambda steps, cycles=1: timed(lambda: contender.run(steps, cycles)),
        "count": contender.count,
        "memory": memory,
        "cpu": time.process_time,
        **more,
    }
    print(json.dumps({"ready": contender.facts() | {"python": sys.version.split()[0]}}), file=answers)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps({"answer": offers[asked.pop("do")](**asked)}), file=answers)


def timed(body: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock, and seconds of processor in all threads of this process."""
    gc.collect()
    start, busy = time.perf_counter(), time.process_time()
    body()
    return time.perf_counter() - start, time.process_time() - busy


def memory() -> dict[str, float]:
    """MiB resident now, and at most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if line.startswith("Vm"))
    return {name: int(fields[key].split()[0]) / 1024 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))}


def sqlite_file(url: str) -> str:
    """The file of `sqlite:///FILE`."""
    return url.removeprefix("sqlite:///")


def rows(url: str, table: str) -> int:
    """How many rows a table holds, as another connection sees it."""
    query = f"SELECT count(*) FROM {table}"  # noqa: S608 - a name of ours
    if url.startswith("sqlite"):
        import sqlite3

        with sqlite3.connect(sqlite_file(url)) as lite:
            return int(lite.execute(query).fetchone()[0])
    import psycopg

    with psycopg.connect(url) as link:
        found = link.execute(query).fetchone()
        return int(found[0]) if found else 0
