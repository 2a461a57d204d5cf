"""Which process a run is, in a way that no later process can be mistaken for: pid, start time, boot. Linux.

Law: a process that has ended but that nobody has waited for (a zombie) is dead.
"""

import os
from pathlib import Path
from typing import NamedTuple

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Stat(NamedTuple):
    """The fields of /proc/<pid>/stat that matter here."""

    state: str
    parent: int
    group: int
    session: int
    started: int


class Life(NamedTuple):
    """A process of this machine. `started` is in clock ticks since the boot."""

    pid: int
    started: int
    boot: str

    @property
    def alive(self) -> bool:
        found = stat(self.pid)
        return found is not None and found.state not in "ZX" and found.started == self.started and self.boot == boot()

    def __str__(self) -> str:
        return f"{self.pid} {self.started} {self.boot}"


def read_life(path: Path) -> Life | None:
    """The life that was recorded in the file; None when none was, or not wholly."""
    try:
        pid, started, booted = path.read_text().split()
        return Life(int(pid), int(started), booted)
    except (OSError, ValueError):
        return None


def own_life() -> Life:
    """This process."""
    return life_of(os.getpid())


def life_of(pid: int) -> Life:
    """The process that has this pid now. Raises `ProcessLookupError`."""
    found = stat(pid)
    if found is None:
        raise ProcessLookupError(pid)
    return Life(pid, found.started, boot())


def stat(pid: int) -> Stat | None:
    """What the kernel says of a pid, or None when nobody has it."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return Stat(fields[0], int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def boot() -> str:
    """The id of this boot."""
    return _BOOT.read_text().strip()
