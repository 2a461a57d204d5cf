"""Runs as processes of this machine, each in a session of its own: they outlive the engine, and are found again.

Laws:
- The fence is `flock` on the stage's lock. The run's own process holds it, through a descriptor that it inherits, so
  it is free exactly when nothing of the run is left; whoever started the run may die at any moment.
- The child records who it is before it becomes the run, and then looks for a failure; whoever stops a run writes the
  failure, and then looks for the record. So one of them always sees the other.
- A run has begun when it is recorded. A begun run that is dead and published nothing has failed, for good.
- Nobody polls: one thread waits on the pidfds of all runs.
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from orchestrator.core.effects import Order
from orchestrator.core.report import Failure, Product
from orchestrator.executors.processes import StuckError, end, launcher, leftovers, locked
from orchestrator.executors.watcher import Watcher
from orchestrator.executors.workplace import (
    NEVER,
    STOPPED,
    additions,
    died,
    has_published,
    inherited,
    product_of,
    progress_of,
    refused,
    silence,
    silenced,
)
from orchestrator.ports import Busy, Running
from steps.contract import StepError
from steps.life import Life, life_of, read_life
from steps.place import FENCE, Place, write_whole
from steps.store import open_store

GRACE = 5.0  # seconds between SIGTERM and SIGKILL
_PULSE = 15.0  # seconds between two looks for runs without a heartbeat
_SHORTLY = 1.0  # seconds that another engine may need between taking the lock and its child's first line


class LocalExecutor:
    """Processes of this machine. `command` is what a run executes; RATCHET_RUN and RATCHET_WORK say which run it is."""

    def __init__(
        self,
        work_root: Path | str,
        artifacts: str | Path,
        *,
        command: Sequence[str] | None = None,
        stale: timedelta = timedelta(minutes=5),
    ) -> None:
        self.work_root = Path(work_root).absolute()
        self.artifacts = str(artifacts)
        self.store = open_store(artifacts)
        self.command = command
        self.stale = stale.total_seconds()
        self._watcher = Watcher(max(0.05, min(self.stale, _PULSE)))
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._broken: dict[str, Failure] = {}

    def start(self, order: Order, wake: Callable[[], None]) -> None:
        """Begin the run or adopt it. What the machine refuses (no such folder, no memory) is the run's failure."""
        place = Place(self.work_root, order.run)
        self._broken.pop(order.run, None)
        try:
            self._begin(order, place)
        except StepError as error:
            self._broken[order.run] = error.failure
        except (OSError, StuckError) as error:
            self._broken[order.run] = refused(error, place)
        life = self._life(place)
        if life is None or not self._watch(place, life, wake):
            wake()

    def look(self, order: Order) -> Running | Product | Failure:
        """What is known of the run now; a dead run is swept and its failure written down."""
        place = Place(self.work_root, order.run)
        try:
            return self._look(order, place)
        except StepError as error:
            return error.failure
        except (OSError, StuckError) as error:
            return refused(error, place)

    def stop(self, order: Order) -> None:
        """End the run for good. Raises `StuckError` when the kernel can't end it."""
        place = Place(self.work_root, order.run)
        if not has_published(self.store, place):
            place.fail(STOPPED)
        end([place.folder], GRACE)

    def close(self) -> None:
        """Stop watching; the runs go on."""
        self._watcher.close()

    def _begin(self, order: Order, place: Place) -> None:
        place.stage.mkdir(parents=True, exist_ok=True)
        handle = os.open(place.lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not locked(handle) and not self._free(handle, place):
                return
            if read_life(place.pid) is not None or place.failure.exists() or has_published(self.store, place):
                return
            self._sweep_earlier(place)
            os.ftruncate(handle, 0)
            os.pwrite(handle, place.run.encode(), 0)
            self._spawn(order, place, handle)
        finally:
            os.close(handle)

    def _free(self, handle: int, place: Place) -> bool:
        """Whether the lock could be had after all; False when this run holds it. Raises `Busy`."""
        holder = os.pread(handle, 4096, 0).decode()
        if holder == place.run:
            return False
        life = read_life(Place(self.work_root, holder).pid) if holder else None
        if life is not None and not life.alive:  # the attempt is dead; what it forked still holds the lock
            end([self.work_root / holder], 0)
            if locked(handle):
                return True
        raise Busy(f"{holder or place.stage.name} is still at work: {place.run} must wait until it has ended")

    def _watch(self, place: Place, life: Life, wake: Callable[[], None]) -> bool:
        over = partial(self._over, place.run, wake)
        return self._watcher.add(life, over, lambda: silence(place, life) > self.stale)

    def _over(self, run: str, wake: Callable[[], None]) -> None:
        if (child := self._children.get(run)) is not None:
            child.poll()  # nobody else waits for it
        wake()

    def _sweep_earlier(self, place: Place) -> None:
        """End what earlier, unfinished attempts left behind outside of their lock."""
        numbers = (int(entry.name) for entry in place.stage.iterdir() if entry.name.isdigit())
        earlier = [Place(self.work_root, f"{place.run.rpartition('/')[0]}/{n}") for n in numbers if n < place.attempt]
        unfinished = [other.folder for other in earlier if not has_published(self.store, other)]
        if unfinished:
            end(unfinished, 0)

    def _spawn(self, order: Order, place: Place, fence: int) -> None:
        place.folder.mkdir(exist_ok=True)
        write_whole(place.order, order.model_dump_json())
        runner = (sys.executable, "-m", "steps.runner", "run", str(place.folder), "--artifacts", self.artifacts)
        command = self.command or runner
        environment = inherited(os.environ) | additions(order, place) | {FENCE: str(fence)}
        with place.log.open("ab") as log:
            child = subprocess.Popen(
                launcher(place.folder, command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(fence,),
                start_new_session=True,
            )
        self._children[order.run] = child

    def _life(self, place: Place) -> Life | None:
        """Who the run is: our child, or who was recorded, perhaps in a moment by a child of another engine."""
        if (child := self._children.get(place.run)) is not None:
            try:
                return life_of(child.pid)
            except ProcessLookupError:
                return None
        until = time.monotonic() + _SHORTLY
        while (life := read_life(place.pid)) is None and _holder(place) == place.run and time.monotonic() < until:
            time.sleep(0.005)
        return life

    def _look(self, order: Order, place: Place) -> Running | Product | Failure:
        life = read_life(place.pid)
        alive = life.alive if life else _holder(place) == place.run
        silent = alive and life is not None and silence(place, life) > self.stale
        if alive and not silent:
            product = None if self.store.remote else self.store.product(order.run)
            return product or Running(progress=progress_of(place))
        if silent:
            end([place.folder], 0)
        return self._result(order, place, life, silent)

    def _result(self, order: Order, place: Place, life: Life | None, silent: bool) -> Product | Failure:
        """What a run that is not at work has left."""
        if (product := product_of(self.store, place)) is not None:
            return product
        if (failure := place.read_failure()) is not None:
            return failure
        if life is None:
            child = self._children.get(order.run)
            return self._broken.get(order.run) or (died(place, child.poll()) if child else NEVER)
        return self._bury(place, life, silent)

    def _bury(self, place: Place, life: Life, silent: bool) -> Failure:
        """Write down why a dead run has no result, when nothing of it is left that could still bring one."""
        if leftovers([place.folder]):
            end([place.folder], 0)
        child = self._children.pop(place.run, None)
        failure = died(place, child.poll() if child else None)
        place.fail(silenced(failure, self.stale) if silent else failure)
        return place.read_failure() or failure


def _holder(place: Place) -> str:
    """The run that holds the stage's lock, or nothing. Asks with a shared lock, for an instant."""
    try:
        handle = os.open(place.lock, os.O_RDONLY)
    except OSError:
        return ""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(handle, 4096, 0).decode()
    finally:
        os.close(handle)
    return ""
