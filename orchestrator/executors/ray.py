"""Runs as Ray jobs: on a cluster at an address, or on one that is embedded and started when first needed.

Laws:
- The submission id is the run id, with `_` for `/`: Ray refuses a second one, and what is refused is adopted.
- A later attempt waits until Ray says of every earlier one that it has ended; where the cluster shares our disk, the
  stage's lock stands behind that.
- A cluster that can't be reached has not failed the run: it is still running, and says so.
- Ray is imported inside functions: who only starts runs elsewhere never loads it. Ray tells nobody when a job ends,
  so one thread asks, at most once a second.
"""

import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestrator.core.effects import Order
from orchestrator.core.report import Failure, Product
from orchestrator.executors.poller import Poller
from orchestrator.executors.processes import StuckError, end, locked
from orchestrator.executors.ray_cluster import Cluster, python_path
from orchestrator.executors.workplace import (
    NEVER,
    STOPPED,
    additions,
    died,
    has_published,
    product_of,
    progress_of,
    quoted,
    refused,
    silence,
    silenced,
)
from orchestrator.ports import Busy, Progress, Running
from steps.contract import StepError
from steps.life import read_life
from steps.place import FAILED, ORDER, Place, write_whole
from steps.store import open_store

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PATIENCE = 60.0  # seconds for Ray to end a job that it was told to stop: it asks, and kills after three
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


class RayExecutor:
    """Ray jobs. `address` is a dashboard's URL, or None for an embedded cluster.

    `shared` says that the cluster sees our disk at the same paths (embedded and loopback: yes); only then are progress
    and logs in the work folder, and a run is ended that gives no sign of life for `stale`. `python` is the
    interpreter there, `runtime_env` what Ray shall prepare there.
    """

    def __init__(
        self,
        work_root: Path | str,
        artifacts: str | Path,
        address: str | None = None,
        *,
        shared: bool | None = None,
        stale: timedelta = timedelta(minutes=5),
        python: str | None = None,
        runtime_env: Mapping[str, Any] | None = None,
    ) -> None:
        self.work_root = Path(work_root).absolute()
        self.artifacts = str(artifacts)
        self.store = open_store(artifacts)
        self.address = address
        self.cluster = Cluster(self.work_root / "ray")
        near = address is None or urlsplit(address).hostname in _LOOPBACK
        self.shared = near if shared is None else shared
        self.python = python or (sys.executable if self.shared else "python")
        self.runtime_env = dict(runtime_env or {})
        self.stale = stale.total_seconds()
        self._opening = threading.Lock()
        self._client: tuple[str, Any] | None = None
        self._poller = Poller(self._has_ended)
        self._broken: dict[str, Failure] = {}
        self._over: set[str] = set()
        self._places: dict[str, Place] = {}

    def start(self, order: Order, wake: Callable[[], None]) -> None:
        """Begin the run or adopt it. The first start of an embedded cluster takes some seconds."""
        place = Place(self.work_root, order.run)
        self._broken.pop(order.run, None)
        try:
            if self._begin(order, place):
                self._places[submission_of(order.run)] = place
                return self._poller.add(submission_of(order.run), wake)
        except StepError as error:
            self._broken[order.run] = error.failure
        except (OSError, RuntimeError, StuckError) as error:
            self._broken[order.run] = refused(error, place)
        return wake()

    def look(self, order: Order) -> Running | Product | Failure:
        """What is known of the run now, asking Ray only when the disk does not know."""
        place = Place(self.work_root, order.run)
        try:
            return self._look(order, place)
        except StepError as error:
            return error.failure
        except StuckError as error:
            return Running(progress=Progress(note=str(error)))
        except OSError as error:  # unreachable is not dead: another attempt may not start on this ground
            if order.run in self._broken:
                return self._broken[order.run]
            return Running(progress=Progress(note=f"Ray can't be reached: {error}"[:200]))

    def stop(self, order: Order) -> None:
        """End the run for good. Raises `StuckError` when Ray or the kernel can't end it, `OSError` when unreachable."""
        place = Place(self.work_root, order.run)
        if not has_published(self.store, place):
            place.fail(STOPPED)
        if (client := self._reach(begin=False)) is not None:
            _stop(client, submission_of(order.run))
        if self.shared:
            end([place.folder], 0)

    def close(self) -> None:
        """Stop asking; end the cluster if it is ours, with all that is at work there."""
        self._poller.close()
        if self.address is None:
            self.cluster.stop()
            self._client = None

    def _begin(self, order: Order, place: Place) -> bool:
        """Whether the run is at work, or will be. Raises `Busy`, `StepError`, `OSError`, `RuntimeError`."""
        place.folder.mkdir(parents=True, exist_ok=True)
        if place.failure.exists() or has_published(self.store, place):
            return False
        client = self._reach(begin=True)
        submission = submission_of(order.run)
        if _state(client, submission) is None:
            if self.shared and read_life(place.pid) is not None:
                return False  # begun on a cluster that is gone
            self._await_turn(client, place)
            write_whole(place.order, order.model_dump_json())
            self._submit(client, order, place, submission)
            if place.failure.exists():
                _stop(client, submission)  # stopped while it was submitted
        else:
            self._check_owner(client, order, submission)
        return True

    def _await_turn(self, client: Any, place: Place) -> None:
        """Raise `Busy` while an earlier attempt is at work."""
        base = place.run.rpartition("/")[0]
        for number in range(1, place.attempt):
            if _state(client, submission_of(f"{base}/{number}")) not in (None, *_ENDED):
                raise Busy(f"{base}/{number} is still at work: {place.run} must wait until it has ended")
        if self.shared:
            earlier = [place.stage / str(number) for number in range(1, place.attempt)]
            unfinished = [folder for folder in earlier if not has_published(self.store, Place.at(folder))]
            if unfinished:
                end(unfinished, 0)
            handle = os.open(place.lock, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if not locked(handle):
                    holder = os.pread(handle, 4096, 0).decode()
                    raise Busy(f"{holder} is still at work: {place.run} must wait until it has ended")
            finally:
                os.close(handle)

    def _submit(self, client: Any, order: Order, place: Place, submission: str) -> None:
        command = [self.python, "-m", "steps.runner", "run", str(place.folder), "--artifacts", self.artifacts]
        entrypoint = f"exec {shlex.join(command)}"
        variables = additions(order, place) | {ORDER: order.model_dump_json()}
        if self.shared:
            variables.pop(ORDER)
            variables["PYTHONPATH"] = python_path()
            entrypoint = f"cd {shlex.quote(str(Path.cwd()))} && {entrypoint} >>{shlex.quote(str(place.log))} 2>&1"
        environment = {**self.runtime_env, "env_vars": {**self.runtime_env.get("env_vars", {}), **variables}}
        metadata = {"run": order.run, "artifacts": self.artifacts}
        try:
            client.submit_job(
                entrypoint=entrypoint, submission_id=submission, runtime_env=environment, metadata=metadata
            )
        except RuntimeError:
            if _state(client, submission) is None:
                raise
            self._check_owner(client, order, submission)  # another engine was quicker

    def _check_owner(self, client: Any, order: Order, submission: str) -> None:
        owner = (client.get_job_info(submission).metadata or {}).get("artifacts")
        if owner != self.artifacts:
            cure = "give each Ratchet its own cluster, or the same artifact root"
            what = f"on this cluster {order.run} belongs to another artifact root, {owner}"
            raise StepError(what, where=self.address or "", cure=cure)

    def _look(self, order: Order, place: Place) -> Running | Product | Failure:
        if not self.store.remote and (product := self.store.product(order.run)) is not None:
            return product
        life = read_life(place.pid) if self.shared else None
        if life is not None and not life.alive and (failure := place.read_failure()) is not None:
            return failure
        submission = submission_of(order.run)
        client = self._reach(begin=False)
        state = _ENDED[-1] if submission in self._over else _state(client, submission)
        silent = self._is_silent(place)
        if silent and client is not None:
            _stop(client, submission)
        elif state is not None and state not in _ENDED:
            return Running(progress=progress_of(place))
        if (product := product_of(self.store, place)) is not None:
            return product
        if (failure := place.read_failure()) is not None:
            return failure
        if state is None and life is None:
            return self._broken.get(order.run, NEVER)
        return self._bury(client if state is not None else None, order, place, silent)

    def _bury(self, client: Any, order: Order, place: Place, silent: bool) -> Failure:
        """Write down why a run that is over has no result."""
        if self.shared:
            end([place.folder], 0)
        submission = submission_of(order.run)
        try:
            failure = _last_words(client, submission, place) if client is not None else died(place, None)
        except (OSError, RuntimeError):
            failure = died(place, None)
        place.fail(silenced(failure, self.stale) if silent else failure)
        return place.read_failure() or failure

    def _is_silent(self, place: Place) -> bool:
        life = read_life(place.pid) if self.shared else None
        return life is not None and life.alive and silence(place, life) > self.stale

    def _has_ended(self, submission: str) -> bool:
        if _state(self._reach(begin=False), submission) in (None, *_ENDED):
            self._over.add(submission)  # whoever is woken need not ask again: the answer might fail to come
        return submission in self._over or self._is_silent(self._places[submission])

    def _reach(self, *, begin: bool) -> Any:
        """A client of the cluster; None when it is ours and not at work. Raises `OSError`, `StepError`."""
        url = self.address or self.cluster.url()
        with self._opening:
            if url is None:
                url = self.cluster.start() if begin else None
            if url is None:
                return None
            if self._client is None or self._client[0] != url:
                if self.address is None:
                    url = self.cluster.start()  # it may have only just begun
                self._client = (url, _client(url))
            return self._client[1]


def submission_of(run: str) -> str:
    """`c-000042_finetune_2`: the run's submission id."""
    return run.replace("/", "_")


def _client(url: str) -> Any:
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # the client and the head must agree, and their defaults differ
    from ray.job_submission import JobSubmissionClient

    return JobSubmissionClient(url)


def _state(client: Any, submission: str) -> str | None:
    """What Ray says of the submission, or None when it knows none. Raises `OSError` when Ray can't be asked."""
    if client is None:
        return None
    try:
        return str(client.get_job_status(submission).value)
    except RuntimeError as error:
        if "does not exist" in str(error):
            return None
        raise ConnectionError(str(error).splitlines()[0]) from error


def _stop(client: Any, submission: str) -> None:
    until = time.monotonic() + _PATIENCE
    while (state := _state(client, submission)) not in (None, *_ENDED):
        if time.monotonic() > until:
            raise StuckError(f"Ray was told to stop {submission}, and still says {state}")
        client.stop_job(submission)
        time.sleep(0.1)


def _last_words(client: Any, submission: str, place: Place) -> Failure:
    """The failure that the runner wrote into its log, or what Ray says of the end."""
    logs = str(client.get_job_logs(submission))
    for line in reversed(logs.splitlines()):
        if line.startswith(FAILED):
            return Failure.model_validate_json(line.removeprefix(FAILED))
    info = client.get_job_info(submission)
    code = info.driver_exit_code
    failure = died(place, code if code is None or code <= 128 else 128 - code)
    if code is None and info.message:
        failure = failure.model_copy(update={"what": f"Ray could not run it: {quoted(info.message)}"})
    elif text := quoted(logs):
        failure = failure.model_copy(update={"what": f"{failure.what}; its log ends with: {text}"})
    return failure
