"""The composition root: the only file that knows every class, and the only one that reads the clock and chance."""

import os
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.core.model import Cycle, Pipeline
from orchestrator.desk import Desk
from orchestrator.engine import Engine
from orchestrator.journal import Journal
from orchestrator.outbox import Inbox, Outbox
from orchestrator.owner import me
from orchestrator.ports import Clock, Executor, People, Reviewer
from orchestrator.rooms import Rooms
from orchestrator.schema import DatabaseError, open_database
from orchestrator.settings import HOME, read_settings
from orchestrator.store import Store

if TYPE_CHECKING:
    from orchestrator.config import Config
    from orchestrator.lobby import Lobby
    from orchestrator.notices import Herald
    from reviewers.github.repository import Repository
    from reviewers.github.transport import Transport


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

    # GitHub, where a repository is configured

    @cached_property
    def transport(self) -> "Transport | None":
        """The way to GitHub. Raises `GitHubError` where the credentials can't be ones."""
        from reviewers.github.transport import Transport

        github = self.settings.github
        if github is None:
            return None
        return Transport(
            github.api_url, token=github.token, app_id=github.app_id, private_key=github.private_key,
            repository=github.repository, pace=github.pace,
        )  # fmt: skip

    @cached_property
    def repository(self) -> "Repository | None":
        """The repository, as it is asked."""
        from reviewers.github.repository import Repository

        github, transport = self.settings.github, self.transport
        return Repository(transport.send, github.repository) if github and transport else None

    @cached_property
    def people(self) -> People:
        """Who stands behind names: on GitHub, or in the pipeline file alone."""
        from reviewers.directory import Directory
        from reviewers.github.people import GitHubPeople

        github, repository = self.settings.github, self.repository
        if github is None or repository is None:
            return Directory()
        return GitHubPeople(repository, github.bots, lambda: self.rooms.delegations(self.clock.now()))

    def pipelines(self) -> "tuple[Config, str]":
        """The pipeline file and where it was read: on the default branch of the repository, or on disk. Raises
        `Trouble` with every problem of it, or `GitHubError`.
        """
        from orchestrator.pipelines import on_disk, on_github

        repository = self.repository
        return on_disk(self.settings.config) if repository is None else on_github(repository, self.settings.config)

    def lobby(self, desk: Desk) -> "Lobby | None":
        """Who attends to the pull requests."""
        from orchestrator.lobby import Lobby
        from reviewers.github.people import GitHubPeople
        from reviewers.github.room import Me

        github, repository, transport, people = self.settings.github, self.repository, self.transport, self.people
        if github is None or repository is None or transport is None or not isinstance(people, GitHubPeople):
            return None
        return Lobby(
            desk, self.rooms, Inbox(self.store), self.clock, repository, people,
            lambda: Me(*transport.whoami(), app=bool(github.app_id)), self.target, poll=github.poll,
        )  # fmt: skip

    def pull(self, cycle: str) -> tuple[int, str] | None:
        """Number and URL of the cycle's pull request, once there is one."""
        from reviewers.github.memory import Memory

        kept = self.rooms.recall(cycle)
        memory = Memory.model_validate_json(kept) if kept is not None else Memory()
        return (memory.pull, memory.pull_url) if memory.pull is not None else None

    def herald(self, link: Callable[[Cycle], str]) -> "Herald | None":
        """Who tells people outside of GitHub; nobody where no address is given."""
        from orchestrator.notices import Herald

        if not self.settings.notify:
            return None
        return Herald(self.store, self.journal, self.settings.notify, self.clock, owner=me(), link=link)

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
