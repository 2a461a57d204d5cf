"""Which process this is, in words that another process can check: so that work of a dead one is taken over at once."""

import os
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def _process_table() -> str:
    """Names the machine's boot and the pid namespace: within it, a pid and a start time name one process for ever."""
    try:
        return f"{_BOOT.read_text().strip()}:{os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - not a real path
    except OSError:
        return ""


def started(pid: int) -> str | None:
    """When the process began, in clock ticks since boot; None where there is no such process, or only its corpse."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def me() -> str:
    """The owner's name of this process."""
    return f"{_process_table()}:{os.getpid()}:{started(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether that process is surely gone. False for one on another machine: there only an expired claim tells."""
    table, _, rest = owner.rpartition(":")
    table, _, pid = table.rpartition(":")
    return bool(table) and table == _process_table() and pid.isdigit() and started(int(pid)) != rest
