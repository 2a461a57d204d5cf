"""What it was measured on: versions, filesystem, the cost of a sync, and how busy others kept the machine."""

import os
import platform
import sqlite3
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.ratio import percentile

_PAGE = b"\0" * 4096


def facts(folder: Path) -> dict[str, str]:
    """In words, for the head of the report."""
    sync = sorted(syncs(folder))
    lines = Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").exists() else ["MemTotal: 0 kB"]
    return {
        "processors": f"{len(os.sched_getaffinity(0))}, {_processor()}",
        "memory": f"{int(lines[0].split()[1]) / 2**20:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "filesystem": filesystem(folder),
        "append 4 KiB + fdatasync": f"p50 {sync[len(sync) // 2] * 1e3:.2f} ms, p99 {percentile(sync, 99) * 1e3:.2f} ms",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("sqlalchemy", "pydantic", "psycopg")},
    }


def load() -> str:
    """The load averages, which say whether the machine was ours alone."""
    return " ".join(f"{one:.2f}" for one in os.getloadavg())


def syncs(folder: Path, count: int = 300) -> list[float]:
    """Seconds of single appends of 4 KiB with fdatasync."""
    path = folder / "syncs"
    found = []
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            start = time.perf_counter()
            file.write(_PAGE)
            os.fdatasync(file.fileno())
            found.append(time.perf_counter() - start)
    path.unlink()
    return found


def filesystem(folder: Path) -> str:
    """Type of the filesystem that holds the folder."""
    device = folder.stat().st_dev
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[2] == f"{os.major(device)}:{os.minor(device)}":
            return fields[fields.index("-") + 1]
    return "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
