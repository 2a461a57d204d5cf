"""What watches a run from inside its process: a heartbeat each second, the memory limit, the timeout.

Law: a run over its limit leaves a failure that names what was used, the limit and the cure, and nothing of it stays
at work. The heartbeat is the machine's monotonic time, so that
neither a changed clock nor a laptop's sleep looks like a dead run.
"""

import os
import signal
import sys
import threading
import time

from orchestrator.core.effects import Resources
from orchestrator.core.quantity import write_duration
from orchestrator.core.report import Failure
from steps.place import Place

_BEAT = 1.0  # seconds
_WATCH = 0.2  # seconds between two looks at the memory: a tree may grow by GiB in a second
_SCALES = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


class Guard(threading.Thread):
    """One thread beside the step."""

    def __init__(self, place: Place, resources: Resources) -> None:
        super().__init__(name="guard", daemon=True)
        self.place = place
        self.resources = resources
        self.begun = time.monotonic()
        self._over = threading.Event()
        self._beats = place.heartbeat.open("wb", buffering=0)
        self._beat(self.begun)

    def done(self) -> None:
        """The result is written: no limit counts any more."""
        self._over.set()

    def run(self) -> None:
        pause = _BEAT if self.resources.memory is None else _WATCH
        left = self._time_left(self.begun)
        while not self._over.wait(min(pause, max(left, 0))):
            now = time.monotonic()
            self._beat(now)
            if (breach := self._breach(now)) is not None:
                self._kill(breach)
            left = self._time_left(now)
        self._beats.close()

    def _beat(self, now: float) -> None:
        self._beats.seek(0)
        self._beats.write(f"{now:020.3f}\n".encode())

    def _time_left(self, now: float) -> float:
        limit = self.resources.timeout
        return float("inf") if limit is None else limit.total_seconds() - (now - self.begun)

    def _breach(self, now: float) -> Failure | None:
        where = f"stage {self.place.stage.name}"
        if self._time_left(now) <= 0 and self.resources.timeout is not None:
            limit = write_duration(self.resources.timeout)
            cure = "give the stage a longer `resources.timeout`, or less to do"
            return Failure(what=f"it was still at work after {limit}, its timeout", where=where, cure=cure)
        if self.resources.memory is not None and (used := memory_of_tree()) > self.resources.memory:
            what = f"it used {write_size(used)} of memory; its limit is {write_size(self.resources.memory)}"
            cure = "give the stage more `resources.memory`, or make its batches smaller"
            return Failure(what=what, where=where, cure=cure)
        return None

    def _kill(self, failure: Failure) -> None:
        try:
            self.place.fail(failure)
        except OSError:
            sys.stderr.write(f"failed: {failure}\n")  # the executor quotes the log
        sys.stderr.flush()
        kill_tree()


def memory_of_tree() -> int:
    """Bytes resident in this process and all that it started; what they share is counted for each."""
    import psutil

    me = psutil.Process()
    used = 0
    for process in (me, *me.children(recursive=True)):
        try:
            used += process.memory_info().rss
        except psutil.Error:
            continue  # it has just ended
    return used


def kill_tree() -> None:
    """End everything that this process started, then itself, at once."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.Error:
            continue
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def write_size(size: int) -> str:
    """Bytes for people: `1.5 GiB`."""
    for unit, scale in _SCALES:
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} B"
