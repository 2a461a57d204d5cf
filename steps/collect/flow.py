"""Who does the work: this process where there is little, Ray Data where there is much or a cluster is named.

Laws: both do the same functions on the same parts, so that the result is the same. Rows never pass through this
process: it hears what became of them. On Ray, at most one part a CPU is at work, each in batches, so that memory
does not depend on how many rows there are.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from orchestrator.core.report import Failure
from steps.cluster import cluster, cores, external, last_line
from steps.contract import StepError

Engine = Literal["auto", "inline", "ray"]
LITTLE = 64 * 2**20  # bytes that this process deals with before Ray would have started
_STORE = 200 * 2**20  # bytes of shared memory: what passes through it are a few batches on their way to a worker
P = TypeVar("P")
R = TypeVar("R")


class Workers(Protocol):
    """Does `work` with each part, in any order; what it says comes back as soon as it is said."""

    name: str

    def each(self, parts: Sequence[P], work: Callable[[P], Iterator[R]]) -> Iterator[R]: ...


class Inline:
    """One part after the other, here."""

    name = "this process"

    def each(self, parts: Sequence[P], work: Callable[[P], Iterator[R]]) -> Iterator[R]:
        for part in parts:
            yield from work(part)


class RayData:
    """A Ray Data stream: one read task a part, with back-pressure. `work` and parts are pickled."""

    def __init__(self, cpus: int) -> None:
        self._cpus = cpus
        self.name = f"Ray Data on {cpus} CPUs"

    def each(self, parts: Sequence[P], work: Callable[[P], Iterator[R]]) -> Iterator[R]:
        if not parts:
            return
        import cloudpickle
        import ray

        data = ray.data.read_datasource(_source(parts, work), override_num_blocks=len(parts))
        try:
            for batch in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
                for pickled in batch.column("said").to_pylist():
                    answer = cloudpickle.loads(pickled)
                    if answer.wrong is not None:
                        raise _raised(answer.wrong)
                    yield answer.said
        except ray.exceptions.RayError as error:
            raise _lost(error) from error


@contextmanager
def workers(engine: Engine, size: int, resources: Any) -> Iterator[Workers]:
    """Who deals with so many bytes. `resources` is what the stage is given: `workers`, `cpus_per_worker`."""
    if engine == "inline" or (engine == "auto" and size <= LITTLE and not external()):
        yield Inline()
        return
    cpus = int(resources.get("workers") or 1) * int(resources.get("cpus_per_worker") or cores())
    with cluster(cpus, object_store=_STORE):
        import ray

        context = ray.data.DataContext.get_current()  # importing it sets its own loggers up
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        context.execution_options.verbose_progress = False
        context.execution_options.preserve_order = False
        context.execution_options.resource_limits = context.execution_options.resource_limits.copy(
            cpu=cpus, object_store_memory=_STORE // 2
        )
        yield RayData(cpus)


class _Answer(NamedTuple):
    """What a worker says. A user's mistake is no error of Ray's: it travels back as what it is."""

    said: Any = None
    wrong: Failure | None = None


def _source(parts: Sequence[Any], work: Callable[[Any], Iterator[Any]]) -> Any:
    import cloudpickle
    import pyarrow as pa
    from ray.data import Datasource, ReadTask
    from ray.data.block import BlockMetadata

    def task(part: Any) -> ReadTask:
        def read() -> Iterator[Any]:
            try:
                for said in work(part):
                    yield pa.table({"said": [cloudpickle.dumps(_Answer(said))]})
            except StepError as error:
                yield pa.table({"said": [cloudpickle.dumps(_Answer(wrong=error.failure))]})

        size = int(getattr(part, "size", 0) or 0)
        return ReadTask(read, BlockMetadata(num_rows=None, size_bytes=size, input_files=None, exec_stats=None))

    class Parts(Datasource):
        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[ReadTask]:
            return [task(part) for part in parts]

    return Parts()  # type: ignore[no-untyped-call]


def _raised(failure: Failure) -> StepError:
    error = StepError(failure.what, where=failure.where, cure=failure.cure, retryable=failure.retryable)
    error.failure = failure
    return error


def _lost(error: Exception) -> StepError:
    return StepError(
        f"collecting was interrupted: {last_line(error)}",
        where="Ray",
        cure="run it again; if memory was short, lower `batch_rows` or give the stage more `resources.memory`",
        retryable=True,
    )
