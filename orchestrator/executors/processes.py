"""The processes of a run on this machine: what is left of it, and how it is ended. Linux.

Law: a run's processes are those of its session and process group, and all that carry its work folder in their
environment, wherever they were re-parented to. `end` returns when none of them is alive.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from steps.life import Life, read_life, stat

MARK = "RATCHET_WORK"  # names the folder in the environment of all that a run or a cluster starts
_PAUSE = 0.01  # seconds between two looks at what is dying
_PATIENCE = 30.0  # seconds for the kernel to end what was killed: a disk may hold it
_LAUNCH = """\
read -r boot </proc/sys/kernel/random/boot_id
read -r p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 p11 p12 p13 p14 p15 p16 p17 p18 p19 p20 p21 started rest </proc/$$/stat
echo "$$ $started $boot" >"$0/pid" || exit 1
[ -e "$0/failure.json" ] && exit 1
exec "$@"
"""


class StuckError(Exception):
    """Something was killed and does not end: it hangs in the kernel."""


def launcher(folder: Path, command: Sequence[str]) -> list[str]:
    """The command, which first records its life in `folder/pid` and ends there if the run has failed already."""
    return ["/bin/sh", "-c", _LAUNCH, str(folder), *command]


def locked(handle: int) -> bool:
    """Take the lock on an open file if it is free."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def leftovers(folders: Iterable[Path], mark: str = MARK) -> list[int]:
    """The living processes of the runs with these work folders, by pid; never this process or its ancestors."""
    groups: set[int] = set()
    marks: set[bytes] = set()
    for folder in folders:
        life = read_life(folder / "pid")
        marks.add(f"{mark}={folder}".encode())
        if life is not None and _is_its_group(life):
            groups.add(life.pid)
    spared = _line_of_descent()
    pids = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    return sorted(pid for pid in pids - spared if _belongs(pid, groups, marks))


def end(folders: Iterable[Path], grace: float, mark: str = MARK) -> None:
    """End all that is left of these runs: asked first, killed after `grace` seconds. Raises `StuckError`."""
    folders = tuple(folders)
    now = time.monotonic()
    asked: set[int] = set()
    while left := leftovers(folders, mark):
        passed = time.monotonic() - now
        if passed > grace + _PATIENCE:
            raise StuckError(f"process {left[0]} of {folders[0]} was killed and does not end")
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
