"""Ray Train around the loop.

Law: when `fit` returns, or its process dies, nothing that it started goes on working. Workers on several machines need
a scratch folder that all of them share.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from steps.cluster import cluster, cores, external, last_line
from steps.contract import StepError
from steps.finetune.work import Work
from steps.life import own_life

_TOLD_EVERY = 0.5
_OBJECT_STORE = 80 * 2**20  # nothing travels through it: workers read their rows from files
_TRAIN = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",  # the controller's poll; at its default, ending takes four seconds more
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_ENABLE_CONTROLLER_STRUCTURED_LOGGING": "0",
    "RAY_TRAIN_ENABLE_WORKER_STRUCTURED_LOGGING": "0",
}


def fit(
    work: Work, settings: Mapping[str, Any], resources: Mapping[str, Any], told: Callable[[dict[str, Any]], None]
) -> None:
    """Train on all workers and return when they are done; `told` hears the chief worker's progress.

    Raises `StepError`: as the workers' own when it is about data or settings, retryable when it is about machines.
    """
    workers = int(resources.get("workers") or 1)
    each = {"CPU": float(resources.get("cpus_per_worker") or max(1, cores() // workers))}
    if resources.get("gpus_per_worker"):
        each["GPU"] = float(resources["gpus_per_worker"])
    _check_gpus(workers, each.get("GPU", 0))
    ray = cluster(each["CPU"] * workers, object_store=_OBJECT_STORE, environment=_TRAIN)
    with ray as temporary, _listening(work, told):
        _fit(work, settings, workers, each, temporary)
    failed = work.failed()
    if failed:
        raise StepError(failed["what"], where=failed["where"], cure=failed["cure"], retryable=failed["retryable"])
    if not work.result():
        raise _lost("the workers ended without a model")


def _check_gpus(workers: int, each: float) -> None:
    """Ray would wait for ever for what the machine doesn't have."""
    if not each or external():
        return
    import torch

    there = int(torch.cuda.device_count())
    if each * workers > there:
        raise StepError(
            f"{workers} workers with {each:g} GPUs each are asked for, and this machine has {there}",
            where="resources",
            cure="lower gpus_per_worker or workers, or name a Ray cluster in RAY_ADDRESS",
        )


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
        raise _lost(last_line(error)) from error


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


def _lost(why: str) -> StepError:
    return StepError(
        f"training was interrupted: {why}",
        where="Ray",
        cure="run it again, it goes on from the last checkpoint; if memory was short, lower batch_size or max_length",
        retryable=True,
    )
