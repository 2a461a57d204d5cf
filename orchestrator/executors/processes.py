"""The processes of a run on this machine: what is left of it, and how it is ended. Linux.

Law: a run's processes are those of its session and process group, and all that carry its work folder in their
environment, wherever they were re-parented to. `end` returns when none of them is alive.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from steps.life import Life, read_life, stat
from steps.place import Place

MARK = "RATCHET_WORK"
_PAUSE = 0.01  # seconds between two looks at what is dying
_PATIENCE = 30.0  # seconds for the kernel to end what was killed: a disk may hold it


class StuckError(Exception):
    """Something was killed and does not end: it hangs in the kernel."""


def leftovers(places: Iterable[Place]) -> list[int]:
    """The living processes of these runs, by pid; never this process or what it descends from."""
    groups: set[int] = set()
    marks: set[bytes] = set()
    for place in places:
        life = read_life(place.pid)
        marks.add(f"{MARK}={place.folder}".encode())
        if life is not None and _is_its_group(life):
            groups.add(life.pid)
    spared = _line_of_descent()
    pids = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    return sorted(pid for pid in pids - spared if _belongs(pid, groups, marks))


def end(places: Iterable[Place], grace: float) -> None:
    """End all that is left of these runs: asked first, killed after `grace` seconds. Raises `StuckError`."""
    places = tuple(places)
    now = time.monotonic()
    asked: set[int] = set()
    while left := leftovers(places):
        passed = time.monotonic() - now
        if passed > grace + _PATIENCE:
            raise StuckError(f"process {left[0]} of {places[0].run} was killed and does not end")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                if passed >= grace:
                    os.kill(pid, signal.SIGKILL)
                elif pid not in asked:
                    os.kill(pid, signal.SIGTERM)
                    os.kill(pid, signal.SIGCONT)  # a stopped process hears nothing
        asked.update(left)
        time.sleep(_PAUSE)


def _is_its_group(life: Life) -> bool:
    """Whether the process group of that number is still the run's: no number is reused while its group lives."""
    leader = stat(life.pid)
    return leader is None or leader.started == life.started


def _belongs(pid: int, groups: set[int], marks: set[bytes]) -> bool:
    found = stat(pid)
    if found is None or found.state in "ZX":
        return False
    if found.group in groups or found.session in groups:
        return True
    try:
        return not marks.isdisjoint(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    except OSError:
        return False  # it has ended, or is another user's


def _line_of_descent() -> set[int]:
    line: set[int] = set()
    pid = os.getpid()
    while pid and pid not in line:
        line.add(pid)
        found = stat(pid)
        pid = found.parent if found else 0
    return line
