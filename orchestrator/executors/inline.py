"""Runs as threads of this process: for tests and very small steps.

Laws: a function given for a step's name is all there is to the run, and no file is written; any other step goes
through the runner, and publishes as everywhere. A thread can't be killed: `stop` waits for it, and what it brings
after that counts only if it was published. What was not published ends with this process. The fence of a run
through the runner is the stage's lock, as everywhere.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orchestrator.core.effects import Order
from orchestrator.core.report import Failure, Product
from orchestrator.executors.workplace import NEVER, STOPPED, died, progress_of, refused
from orchestrator.ports import Busy, Running
from steps.contract import StepError
from steps.place import Place
from steps.store import open_store

Body = Callable[[Order], Product | Failure]
_KEPT = 65_536  # results in memory; the oldest goes first


class InlineExecutor:
    """A few threads. `functions` are steps by name; `artifacts` and `work_root` are for every other step.

    With `threads=0` a run works in the thread that starts it, the engine's own: for functions that take less time than
    handing them to a thread does.
    """

    prompt = True  # `start` doesn't wait for anybody else: the engine need not give it a thread

    def __init__(
        self,
        functions: Mapping[str, Body] | None = None,
        artifacts: str | Path | None = None,
        work_root: Path | str | None = None,
        *,
        threads: int = 8,
    ) -> None:
        self.functions = dict(functions or {})
        self.artifacts = None if artifacts is None else str(artifacts)
        self.work_root = None if work_root is None else Path(work_root).absolute()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="inline") if threads else None
        self._changed = threading.Condition()
        self._live: dict[str, Order] = {}  # by stage
        self._results: dict[str, Product | Failure] = {}
        self._wakes: dict[str, list[Callable[[], None]]] = {}

    def start(self, order: Order, wake: Callable[[], None]) -> None:
        """Begin the run, or adopt it: at work in this process, ended in it, or published by another."""
        with self._changed:
            live = self._live.get(order.stage)
            if live is not None and live.run != order.run:
                raise Busy(f"{live.run} is still at work: {order.run} must wait until it has ended")
            ended = order.run in self._results
            fence = self._begin(order) if live is None and not ended else None
            if fence is not None or live is not None:
                self._wakes.setdefault(order.run, []).append(wake)
        if fence is None and live is None:
            wake()
        elif fence is not None and self._pool is not None:
            self._pool.submit(self._work, order, fence)
        elif fence is not None:
            self._work(order, fence)

    def look(self, order: Order) -> Running | Product | Failure:
        """What is known of the run now."""
        found = self._results.get(order.run)
        if found is not None:
            return found
        live = self._live.get(order.stage)
        if live is not None and live.run == order.run:
            return Running(progress=progress_of(self._place(order)) if self._is_filed(order) else None)
        return self._results.get(order.run) or self._found(order) or NEVER

    def stop(self, order: Order) -> None:
        """Let the run end, or never begin."""
        if self._is_filed(order) and self._found(order) is None:
            self._place(order).fail(STOPPED)
        with self._changed:
            self._changed.wait_for(lambda: getattr(self._live.get(order.stage), "run", None) != order.run)
            self._keep(order.run, self._results.get(order.run) or self._found(order) or STOPPED)

    def close(self) -> None:
        """Let go of the threads; runs at work go on to their end."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=False)

    def _work(self, order: Order, fence: int) -> None:
        result = self._run(order, fence)
        if fence >= 0:
            os.close(fence)
        with self._changed:
            self._keep(order.run, result)
            del self._live[order.stage]
            wakes = self._wakes.pop(order.run, [])
            self._changed.notify_all()
        for wake in wakes:
            wake()

    def _keep(self, run: str, result: Product | Failure) -> None:
        self._results[run] = result
        if len(self._results) > _KEPT:
            del self._results[next(iter(self._results))]

    def _run(self, order: Order, fence: int) -> Product | Failure:
        body = self.functions.get(order.step)
        try:
            return self._filed(order, fence) if body is None else body(order)
        except StepError as error:
            return error.failure
        except BaseException as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            cure = "correct the step, or the folders that it was given"
            return Failure(what=f"{type(error).__name__}: {reason}", where=order.step, cure=cure)

    def _begin(self, order: Order) -> int | None:
        """The fence's descriptor, or -1 where there is none; None where it can't begin and has failed."""
        try:
            fence = self._fence(order) if self._is_filed(order) else -1
        except OSError as error:
            self._keep(order.run, refused(error, self._place(order)))
            return None
        self._live[order.stage] = order
        return fence

    def _fence(self, order: Order) -> int:
        """The stage's lock, held, or still held by this very run in another executor. Raises `Busy`."""
        place = self._place(order)
        place.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(place.lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 4096, 0).decode()
            if holder == order.run:
                return handle
            os.close(handle)
            raise Busy(f"{holder} is still at work: {order.run} must wait until it has ended") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, order.run.encode(), 0)
        return handle

    def _filed(self, order: Order, fence: int) -> Product | Failure:
        from steps.runner import execute  # what runs only functions never loads the runner

        if self.artifacts is None or self.work_root is None:
            known = ", ".join(sorted(self.functions)) or "none"
            cure = f"give the executor `artifacts` and `work_root`, or a function of that name (it has: {known})"
            return Failure(what=f"there is no function for {order.step}", cure=cure, retryable=False)
        place = self._place(order)
        fcntl.flock(fence, fcntl.LOCK_EX)  # another executor of this process may have begun the run: wait for it
        if (found := self._found(order)) is not None:
            return found
        try:
            (place.folder / "inline").touch(exist_ok=False)
        except FileExistsError:
            place.fail(died(place, None))
            return place.read_failure() or died(place, None)
        place.order.write_text(order.model_dump_json())
        store = open_store(self.artifacts)
        targets = (place.root if store.remote else Path(self.artifacts).absolute()) / "targets"
        return execute(order, place, store, targets)

    def _is_filed(self, order: Order) -> bool:
        return order.step not in self.functions and None not in (self.work_root, self.artifacts)

    def _found(self, order: Order) -> Product | Failure | None:
        """What the run has left on disk."""
        if self.artifacts is None or not self._is_filed(order):
            return None
        try:
            return open_store(self.artifacts).product(order.run) or self._place(order).read_failure()
        except StepError as error:
            return error.failure

    def _place(self, order: Order) -> Place:
        if self.work_root is None:
            raise ValueError("this executor has no work root")
        return Place(self.work_root, order.run)
