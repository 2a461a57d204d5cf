"""Ray for a step: an embedded cluster of one machine, or the one that `RAY_ADDRESS` names.

Law: when `cluster` is left, or its process dies, nothing that it started goes on working.
"""

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

from steps.contract import StepError

_MOST_SOCKET_PATH = 40  # the kernel allows 107 bytes, of which Ray needs some sixty
_PREFIX = "ratchet-ray-"
_EMBEDDED = {
    "RAY_AUTH_MODE": "disabled",  # it listens on loopback; a token file would change the clusters that come later
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_worker_niceness": "0",  # at its 15 a busy machine starves the work that everybody waits for
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # an actor of 110 MiB that watches for a cloud's notice
    "OMP_WAIT_POLICY": "PASSIVE",  # waiting threads that spin cost four fifths of the speed on a busy machine
}


def external() -> bool:
    """Whether a cluster is named, or one is in use by this process already."""
    if os.environ.get("RAY_ADDRESS"):
        return True
    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())


@contextmanager
def cluster(cpus: float, *, object_store: int, environment: Mapping[str, str] | None = None) -> Iterator[Path]:
    """A running Ray with at least so many CPUs (and `object_store` bytes of shared memory where it is embedded), and a
    folder for what it writes. Raises `StepError` when Ray does not start.
    """
    address = os.environ.get("RAY_ADDRESS")
    embedded = {} if address else _EMBEDDED | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with _temporary() as temporary, _environment({**(environment or {}), **embedded}):
        import ray

        if ray.is_initialized():
            yield temporary
            return
        try:
            if address:
                ray.init(logging_level=logging.ERROR, log_to_driver=False)
            else:
                _embed(ray, cpus, object_store, temporary)
        except Exception as error:  # sockets, memory, versions: all of it is "Ray did not start"
            raise StepError(
                f"Ray did not start: {last_line(error)}",
                where="Ray",
                cure="run it again; if RAY_ADDRESS is set, check that the cluster is there and of the same version",
                retryable=True,
            ) from error
        try:
            yield temporary
        finally:
            ray.shutdown()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def last_line(error: Exception) -> str:
    """What an error of Ray's says in the end: before that it tells its whole story."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]


def _embed(ray: Any, cpus: float, object_store: int, temporary: Path) -> None:
    ray.init(
        address="local",
        num_cpus=max(ceil(cpus), cores()),
        object_store_memory=object_store,
        include_dashboard=False,
        logging_level=logging.ERROR,
        log_to_driver=False,
        _temp_dir=str(temporary),
    )


@contextmanager
def _temporary() -> Iterator[Path]:
    """A folder with a path short enough for sockets. Those of dead processes are swept out first."""
    root = Path(tempfile.gettempdir())
    if len(str(root)) > _MOST_SOCKET_PATH:
        root = Path("/tmp")  # noqa: S108 - mkdtemp makes a folder that is ours alone
    for left in root.glob(f"{_PREFIX}*"):
        if not Path("/proc", left.name.removeprefix(_PREFIX).split("-")[0]).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """The variables set for the time being: Ray's processes inherit them."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
