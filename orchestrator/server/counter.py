"""How many rows are new for a pipeline: asked of its first step, in a process of its own, off the clock's thread.

Laws:
- A count is begun once for each time of a schedule, and its answer is the same whoever asks and however often.
- Who asks waits a moment, and no longer: what is slow is told to be under way, and the clock is woken when it is known.
- It ends: after `PATIENCE` seconds, or with the server, and with all that it has begun.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from orchestrator.app import App
from orchestrator.core.effects import Order
from orchestrator.core.model import Pipeline
from orchestrator.executors.workplace import inherited, quoted
from reviewers.plain import inert
from steps.secret import expected

log = logging.getLogger("ratchet.server.counter")
PATIENCE = 300.0  # seconds for one count
SIDE_BY_SIDE = 2


class Counted(NamedTuple):
    """How many rows are new, or why they can't be counted."""

    rows: int | None
    why: str = ""


class Counter:
    """Counts for one server. `done` is called, from another thread, when a count is known."""

    def __init__(self, app: App, done: Callable[[], None], patience: float = PATIENCE) -> None:
        self._app, self._done, self._patience = app, done, patience
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="ratchet-count")
        self._counts: dict[str, tuple[datetime, Future[Counted]]] = {}
        self._running: set[int] = set()
        self._closed = False

    def count(self, pipeline: Pipeline, moment: datetime, wait: float) -> Counted | None:
        """How many rows are new at this time of the pipeline's schedule; None while that is not known after `wait`
        seconds. Raises `Unavailable` without a database.
        """
        with self._lock:
            at, counting = self._counts.get(pipeline.name, (None, None))
            if counting is None or at != moment:
                counting = self._pool.submit(self._ask, self._order(pipeline))
                counting.add_done_callback(lambda _: self._done())
                self._counts[pipeline.name] = moment, counting
        try:
            return counting.result(wait)
        except TimeoutError:
            return None

    def close(self) -> None:
        """End what is being counted."""
        with self._lock:
            self._closed = True
            for group in self._running:
                _end(group)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _order(self, pipeline: Pipeline) -> Order:
        """What a run of the first stage would be given tonight. There is no such run: its id is nobody's."""
        stage = pipeline.stages[0]
        last = self._app.outbox.last_done(pipeline.owns).get(stage.name, {})
        return Order(
            run=f"c-000000/{stage.name}/1", step=stage.step, given=stage.with_, resources=stage.resources,
            target=pipeline.owns, last=last,
        )  # fmt: skip

    def _ask(self, order: Order) -> Counted:
        command = [sys.executable, "-m", "steps.runner", "count", str(self._app.work), "--artifacts"]
        try:
            process = subprocess.Popen(
                [*command, self._app.artifacts],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                errors="replace", env=inherited(os.environ) | expected(os.environ), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            return Counted(None, f"the machine can't begin to count: {error.strerror}")
        with self._lock:
            self._running.add(process.pid)
            if self._closed:
                _end(process.pid)
        try:
            return self._answer(process, order)
        finally:
            _end(process.pid)  # and whatever it has begun
            process.communicate()
            with self._lock:
                self._running.discard(process.pid)

    def _answer(self, process: "subprocess.Popen[str]", order: Order) -> Counted:
        try:
            out, err = process.communicate(order.model_dump_json(), timeout=self._patience)
            answer = json.loads(out)
            return Counted(answer.get("rows"), inert(answer.get("why", ""), 500))
        except subprocess.TimeoutExpired:
            return Counted(None, f"{order.step} did not count them within {self._patience:g} s")
        except (ValueError, AttributeError):
            said = inert(quoted(err), 300) or "it said nothing"
            return Counted(None, f"{order.step} ended with exit status {process.returncode} while counting: {said}")


def _end(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
