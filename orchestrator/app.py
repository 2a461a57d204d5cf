"""The composition root: the only file that knows every class, and the only one that reads the clock and chance."""

import os
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from orchestrator.core.model import Pipeline
from orchestrator.desk import Desk
from orchestrator.engine import Engine
from orchestrator.journal import Journal
from orchestrator.outbox import Outbox
from orchestrator.owner import me
from orchestrator.ports import Clock, Executor, Reviewer
from orchestrator.rooms import Rooms
from orchestrator.schema import DatabaseError, open_database
from orchestrator.settings import HOME, read_settings
from orchestrator.store import Store


class SystemClock:
    """The real time and real chance."""

    def now(self) -> datetime:
        """The time now, in UTC."""
        return datetime.now(UTC)

    def chance(self) -> float:
        """A number in [0, 1)."""
        return random.random()  # noqa: S311 - it spreads retries, nothing secret


class Executors(Mapping[str, Executor]):
    """The executors by name, each made when it is first asked for: what nobody uses costs nothing."""

    def __init__(self, makers: Mapping[str, Callable[[], Executor]]) -> None:
        self._makers = makers
        self._made: dict[str, Executor] = {}

    def __getitem__(self, name: str) -> Executor:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def close(self) -> None:
        """Let go of all that were made; their runs go on."""
        for executor in self._made.values():
            closing = getattr(executor, "close", None)
            if closing is not None:
                closing()


class App:
    """Everything, put together from the environment. Raises `DatabaseError` where the database can't be used,
    and `Trouble` where the environment can't be read."""

    def __init__(self, environment: Mapping[str, str] | None = None, clock: Clock | None = None) -> None:
        self.settings = read_settings(os.environ if environment is None else environment)
        self.clock: Clock = clock or SystemClock()
        self.database_url, self.artifacts = self.settings.database_url, self.settings.artifacts
        self.work = (HOME / "work").absolute()
        self.ray_address = self.settings.ray_address

    @cached_property
    def store(self) -> Store:
        """The database, its schema ready."""
        return Store(open_database(self.database_url))

    @cached_property
    def journal(self) -> Journal:
        """The record, for a process that is no engine: what it adds is left for one to do."""
        return Journal(self.store)

    @cached_property
    def desk(self) -> Desk:
        """Where a process that is no engine hands events in."""
        return Desk(self.journal, self.clock)

    @cached_property
    def rooms(self) -> Rooms:
        """What is remembered of pull requests."""
        return Rooms(self.store, me())

    @cached_property
    def outbox(self) -> Outbox:
        """Leases, for a process that is no engine."""
        return Outbox(self.store, me())

    @cached_property
    def executors(self) -> Executors:
        """Where runs happen."""
        return Executors({"local": self._local, "ray": self._ray, "inline": self._inline})

    def engine(self, reviewers: list[Reviewer] | None = None) -> Engine:
        """An engine of this process, with policies as reviewers beside those given."""
        from reviewers.policy import PolicyReviewer

        return Engine(self.store, self.executors, [PolicyReviewer(), *(reviewers or [])], self.clock, owner=me())

    def target(self, pipeline: Pipeline) -> Path:
        """The folder of the pipeline's deployment target."""
        return Path(self.artifacts) / "targets" / pipeline.owns

    def _local(self) -> Executor:
        from orchestrator.executors.local import LocalExecutor

        return LocalExecutor(self.work, self.artifacts)

    def _ray(self) -> Executor:
        from orchestrator.executors.ray import RayExecutor

        return RayExecutor(self.work, self.artifacts, self.ray_address)

    def _inline(self) -> Executor:
        from orchestrator.executors.inline import InlineExecutor

        return InlineExecutor(artifacts=self.artifacts, work_root=self.work)


__all__ = ["App", "DatabaseError", "Executors", "SystemClock"]
