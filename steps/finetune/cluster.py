"""Ray around the loop: an embedded cluster of one machine, or the one that `RAY_ADDRESS` names.

Law: when `fit` returns, or its process dies, nothing that it started goes on working. Workers on several machines need
a scratch folder that all of them share.
"""

import logging
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

from steps.contract import StepError
from steps.finetune.work import Work
from steps.life import own_life

_TOLD_EVERY = 0.5
_OBJECT_STORE = 80 * 2**20  # nothing travels through it: workers read their rows from files
_MOST_SOCKET_PATH = 40  # the kernel allows 107 bytes, of which Ray needs some sixty
_PREFIX = "ratchet-ray-"
_TRAIN = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",  # the controller's poll; at its default, ending takes four seconds more
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_ENABLE_CONTROLLER_STRUCTURED_LOGGING": "0",
    "RAY_TRAIN_ENABLE_WORKER_STRUCTURED_LOGGING": "0",
}
_EMBEDDED = {
    "RAY_AUTH_MODE": "disabled",  # it listens on loopback; a token file would change the clusters that come later
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_worker_niceness": "0",  # at its 15 a busy machine starves the training that everybody waits for
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # an actor of 110 MiB that watches for a cloud's notice
    "OMP_WAIT_POLICY": "PASSIVE",  # waiting threads that spin cost four fifths of the speed on a busy machine
}


def fit(
    work: Work, settings: Mapping[str, Any], resources: Mapping[str, Any], told: Callable[[dict[str, Any]], None]
) -> None:
    """Train on all workers and return when they are done; `told` hears the chief worker's progress.

    Raises `StepError`: as the workers' own when it is about data or settings, retryable when it is about machines.
    """
    workers = int(resources.get("workers") or 1)
    each = {"CPU": float(resources.get("cpus_per_worker") or max(1, _cores() // workers))}
    if resources.get("gpus_per_worker"):
        each["GPU"] = float(resources["gpus_per_worker"])
    with _cluster(workers, each) as temporary, _listening(work, told):
        _fit(work, settings, workers, each, temporary)
    failed = work.failed()
    if failed:
        raise StepError(failed["what"], where=failed["where"], cure=failed["cure"], retryable=failed["retryable"])
    if not work.result():
        raise _lost("the workers ended without a model")


def _fit(work: Work, settings: Mapping[str, Any], workers: int, each: Mapping[str, float], temporary: Path) -> None:
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    from steps.finetune.loop import train

    threads = max(1, round(each["CPU"]))
    driver = None if os.environ.get("RAY_ADDRESS") else tuple(own_life())
    trainer = TorchTrainer(
        train,
        train_loop_config={"work": str(work.folder), "settings": dict(settings), "threads": threads, "driver": driver},
        scaling_config=ScalingConfig(num_workers=workers, use_gpu="GPU" in each, resources_per_worker=dict(each)),
        run_config=RunConfig(
            name=work.folder.name, storage_path=str(temporary / "results"), failure_config=FailureConfig(max_failures=2)
        ),
    )
    try:
        trainer.fit()
    except Exception as error:  # Ray wraps whatever a worker or a machine died of
        print(error, file=sys.stderr)  # noqa: T201 - the run's log
        raise _lost(_last_line(error)) from error


@contextmanager
def _cluster(workers: int, each: Mapping[str, float]) -> Iterator[Path]:
    """A running Ray, and a folder for what it writes."""
    address = os.environ.get("RAY_ADDRESS")
    embedded = {} if address else _EMBEDDED | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with _temporary() as temporary, _environment(_TRAIN | embedded):
        import ray

        if ray.is_initialized():
            yield temporary
            return
        try:
            if address:
                ray.init(logging_level=logging.ERROR, log_to_driver=False)
            else:
                _embed(ray, workers, each, temporary)
        except StepError:
            raise
        except Exception as error:  # sockets, memory, versions: all of it is "Ray did not start"
            raise _lost(f"Ray did not start: {_last_line(error)}") from error
        try:
            yield temporary
        finally:
            ray.shutdown()


def _embed(ray: Any, workers: int, each: Mapping[str, float], temporary: Path) -> None:
    gpus = each.get("GPU", 0)
    if gpus and gpus * workers > _gpus():
        raise StepError(
            f"{workers} workers with {gpus:g} GPUs each are asked for, and this machine has {_gpus()}",
            where="resources",
            cure="lower gpus_per_worker or workers, or name a Ray cluster in RAY_ADDRESS",
        )
    ray.init(
        address="local",
        num_cpus=max(ceil(each["CPU"] * workers), _cores()),
        object_store_memory=_OBJECT_STORE,
        include_dashboard=False,
        logging_level=logging.ERROR,
        log_to_driver=False,
        _temp_dir=str(temporary),
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _gpus() -> int:
    import torch

    return int(torch.cuda.device_count())


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


@contextmanager
def _listening(work: Work, told: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Pass on progress while the caller is blocked in Ray."""
    done = threading.Event()

    def listen() -> None:
        while not done.wait(_TOLD_EVERY):
            told(work.told())

    thread = threading.Thread(target=listen, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]


def _lost(why: str) -> StepError:
    return StepError(
        f"training was interrupted: {why}",
        where="Ray",
        cure="run it again, it goes on from the last checkpoint; if memory was short, lower batch_size or max_length",
        retryable=True,
    )
