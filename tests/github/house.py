"""One server, in this process: what ships, put together by hand, so that a story can turn it, kill it and follow it."""

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.desk import Desk
from orchestrator.engine import Engine
from orchestrator.executors.inline import InlineExecutor
from orchestrator.journal import Journal
from orchestrator.lobby import Lobby
from orchestrator.outbox import Inbox
from orchestrator.rooms import Rooms
from orchestrator.schema import open_database
from orchestrator.store import Store
from reviewers.github.people import GitHubPeople
from reviewers.github.repository import Repository
from reviewers.github.room import Me
from reviewers.github.transport import Transport
from reviewers.policy import PolicyReviewer

if TYPE_CHECKING:
    from stage import Stage


class HandClock:
    """The real time, and as much more as a story says."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.rested = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def chance(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead.total_seconds()

    def wall(self) -> float:
        """By which the transport knows that a limit is over: it goes on only where a story says that it `rests`."""
        return time.time() + self.rested


class House:
    """One server: its store, engine and lobby."""

    def __init__(self, stage: "Stage", owner: str) -> None:
        github, clock = stage.github, stage.clock
        self.store = store = Store(open_database(stage.url))
        login = {"app_id": str(github.app_id), "private_key": github.private_key} if stage.app else {}
        token = {} if stage.app else {"token": github.token("machine")}
        self.slept: list[float] = []
        self.transport = transport = Transport(
            github.url, repository="acme/models", pace=0, sleep=self.slept.append, clock=clock.wall, **login, **token
        )
        repository = Repository(transport.send, "acme/models")
        self.rooms = Rooms(store, owner)
        self.people = GitHubPeople(repository, bots=stage.bots, delegations=lambda: self.rooms.delegations(clock.now()))
        self.inbox = Inbox(store)
        self.executor = InlineExecutor(artifacts=stage.folder / "artifacts", work_root=stage.folder / f"work-{owner}")
        self.engine = Engine(store, {"inline": self.executor}, [PolicyReviewer()], clock, owner=owner)
        self.desk = Desk(Journal(store), clock)
        self.lobby = Lobby(
            self.desk, self.rooms, self.inbox, clock, repository, self.people,
            lambda: Me(*transport.whoami(), app=stage.app), lambda pipeline: stage.target,
            poll=stage.poll, monotonic=clock.monotonic,
        )  # fmt: skip

    def close(self) -> None:
        for one in (self.engine, self.executor, self.transport, self.store):
            one.close()
