"""How many rows are new for a pipeline: asked of its first step, in a process of its own, off the clock's thread.

Laws:
- A count is begun once for each time of a schedule, and its answer is the same whoever asks and however often.
- Who asks waits a moment, and no longer: what is slow is told to be under way, and the clock is woken when it is known.
- It ends: after `PATIENCE` seconds, or with the server, and with all that it has begun.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from orchestrator.app import App
from orchestrator.core.effects import Order
from orchestrator.core.model import Pipeline
from orchestrator.executors.processes import MARK, StuckError, end
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
        self._folders: set[Path] = set()
        self._closed = False

    def count(self, pipeline: Pipeline, moment: datetime, wait: float) -> Counted | None:
        """How many rows are new at this time of the pipeline's schedule; None while that is not known after `wait`
        seconds. Raises `Unavailable` without a database.
        """
        with self._lock:
            if self._closed:
                return None
            at, counting = self._counts.get(pipeline.name, (None, None))
            if counting is None or at != moment:
                counting = self._pool.submit(self._ask, self._order(pipeline))
                counting.add_done_callback(lambda _: self._done())
                self._counts[pipeline.name] = moment, counting
        try:
            return counting.result(wait)
        except (TimeoutError, CancelledError):
            return None

    def close(self) -> None:
        """End what is being counted. Whoever asks from now on is told that it is not known yet."""
        with self._lock:
            self._closed = True
            folders = list(self._folders)
        self._pool.shutdown(wait=False, cancel_futures=True)
        end(folders, 0)

    def _order(self, pipeline: Pipeline) -> Order:
        """What a run of the first stage would be given tonight. There is no such run: its id is nobody's."""
        stage = pipeline.stages[0]
        last = self._app.outbox.last_done(pipeline.owns).get(stage.name, {})
        return Order(
            run=f"c-000000/{stage.name}/1", step=stage.step, given=stage.with_, resources=stage.resources,
            target=pipeline.owns, last=last,
        )  # fmt: skip

    def _ask(self, order: Order) -> Counted:
        try:
            with tempfile.TemporaryDirectory(prefix="ratchet-count-") as folder:
                return self._count(order, Path(folder))
        except (OSError, StuckError) as error:
            return Counted(None, f"this machine can't count them: {inert(str(error), 300)}")

    def _count(self, order: Order, folder: Path) -> Counted:
        """In a process whose output goes to files: what it leaves behind could hold on to a pipe."""
        command = [sys.executable, "-m", "steps.runner", "count", str(self._app.work), "--artifacts"]
        (folder / "order.json").write_text(order.model_dump_json())
        with (
            (folder / "order.json").open() as given,
            (folder / "out").open("w") as out,
            (folder / "err").open("w") as err,
        ):
            process = subprocess.Popen(
                [*command, self._app.artifacts], stdin=given, stdout=out, stderr=err, start_new_session=True,
                env=inherited(os.environ) | expected(os.environ) | {MARK: str(folder)},
            )  # fmt: skip
        with self._lock:
            self._folders.add(folder)
            if self._closed:
                process.kill()
        try:
            process.wait(self._patience)
        except subprocess.TimeoutExpired:
            return Counted(None, f"{order.step} did not count them within {self._patience:g} s")
        finally:
            process.kill()
            end([folder], 0)  # and whatever it has begun
            process.wait()
            with self._lock:
                self._folders.discard(folder)
        return _read(folder, order, process.returncode)


def _read(folder: Path, order: Order, code: int) -> Counted:
    try:
        answer = json.loads((folder / "out").read_bytes())
        return Counted(answer.get("rows"), inert(answer.get("why", ""), 500))
    except (ValueError, AttributeError):
        said = inert(quoted((folder / "err").read_text(errors="replace")), 300) or "it said nothing"
        return Counted(None, f"{order.step} ended with exit status {code} while counting: {said}")
