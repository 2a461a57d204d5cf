"""Where the stories play: the loop and the lobby in this process, turned by hand, beside a GitHub that holds state.

The steps are three milliseconds of Python; everything else is what ships. Deliveries go by the server's own door in
`test_whole.py`; here every turn looks at every room, as the slow clock does.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rig.github import GitHub

from orchestrator.config import Config, read
from orchestrator.core.gate import Person
from orchestrator.core.model import Cycle, State, Trigger
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

STAGES = """
pipelines:
  words:
    stages:
      - name: collect
        step: smallsteps:collect
        executor: inline
        gate: {{require: [{first}]}}
      - name: learn
        step: smallsteps:learn
        executor: inline
        takes: {{rows: collect.rows}}
        with: {{rate: 0.1}}
        gate: {{require: [{second}]}}
      - name: ship
        step: smallsteps:ship
        executor: inline
        takes: {{score: learn.score}}
groups:
  planners: [alice, carol]
"""


class HandClock:
    """The real time, and as much more as a story says."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def chance(self) -> float:
        return 0.0


class Stage:
    """One GitHub, one engine, one lobby."""

    def __init__(
        self, github: GitHub, folder: Path, *, first: str = '"1 of alice"', second: str = '"2 of @acme/ml"',
        url: str = "", app: bool = True, pipeline: str = STAGES,
    ) -> None:  # fmt: skip
        self.github, self.folder, self.clock = github, folder, HandClock()
        found = read(pipeline.format(first=first, second=second))
        assert isinstance(found, Config), found
        self.pipeline = found.pipelines["words"]
        self.url = url or f"sqlite:///{folder / 'ratchet.db'}"
        self.app = app
        self.closing: list[Callable[[], None]] = []
        self.open()

    def open(self, owner: str = "one") -> None:
        """Begin, or begin again as after a crash: nothing is left of what was in memory."""
        github = self.github
        store = Store(open_database(self.url))
        login = {"app_id": str(github.app_id), "private_key": github.private_key} if self.app else {}
        token = {} if self.app else {"token": github.token("machine")}
        self.transport = Transport(
            github.url, repository="acme/models", pace=0, sleep=lambda seconds: None, **login, **token
        )
        repository = Repository(self.transport.send, "acme/models")
        self.rooms = Rooms(store, owner)
        self.people = GitHubPeople(repository, delegations=lambda: self.rooms.delegations(self.clock.now()))
        self.inbox = Inbox(store)
        executor = InlineExecutor(artifacts=self.folder / "artifacts", work_root=self.folder / "work")
        self.engine = Engine(store, {"inline": executor}, [PolicyReviewer()], self.clock, owner=owner)
        self.desk = Desk(Journal(store), self.clock)
        self.lobby = Lobby(
            self.desk, self.rooms, self.inbox, self.clock, repository, self.people,
            lambda: Me(*self.transport.whoami(), app=self.app), lambda pipeline: self.folder / "targets" / "words",
            poll=0.0,
        )  # fmt: skip
        self.closing += [self.engine.close, executor.close, self.transport.close, store.close]

    def close(self) -> None:
        for one in self.closing:
            one()

    # What a planner does

    def begin(self, by: str = "dave", **params: dict[str, str]) -> Cycle:
        """A cycle that `by` asked for, as far as it goes by itself."""
        person = Person(id=f"github:{self.github.user_id(by)}", login=by)
        cycle, _ = self.desk.trigger(
            self.pipeline, Trigger.PLANNER, params=params, purpose="the weekly retrain", initiator=person
        )
        self.settle()
        return self.cycle(cycle.id)

    def settle(self) -> None:
        """Turn until nothing moves any more."""
        while True:
            before = self._seen()
            self.engine.turn()
            self.lobby.turn()
            self.engine.turn()
            if any(cycle.state is State.RUNNING and not cycle.held for cycle in self.desk.journal.cycles()):
                self.engine.wait(0.05)
            elif self._seen() == before:
                return

    def look(self) -> None:
        """One turn, as far as it comes."""
        self.engine.turn()
        self.lobby.turn()

    def _seen(self) -> Any:
        cycles = [(cycle.id, cycle.seq) for cycle in self.desk.journal.cycles()]
        return cycles, [self.rooms.recall(cycle) for cycle, _ in cycles]

    # What people see and do

    def cycle(self, name: str = "c-000001") -> Cycle:
        return self.desk.journal.cycle(name)

    @property
    def pull(self) -> int:
        """The number of the newest pull request."""
        return int(self.github.pulls()[-1]["number"])

    def says(self, login: str, text: str) -> int:
        """Somebody writes a comment, and it is heard."""
        comment = self.github.as_(login).comment(self.pull, text)
        self.settle()
        return comment

    def bodies(self, login: str = "") -> list[str]:
        """What we wrote, in order."""
        comments = self.github.comments(self.pull)
        return [one["body"] for one in comments if one["user"]["login"] in (login or self.github.bot, "machine")]

    def posts(self, kind: str) -> list[str]:
        """Our comments of one kind: status, gate, answer."""
        return [body for body in self.bodies() if body.startswith(f"<!-- ratchet:{kind} ")]

    def approvals(self) -> list[str]:
        """Who has agreed at the open gate."""
        opening = self.cycle().opening
        return [one.by.login for one in opening.reviews] if opening is not None else []

    def runs(self) -> list[str]:
        """Every run that was begun, once for each time that its step worked."""
        ledger = self.folder / "ledger"
        return ledger.read_text().split() if ledger.exists() else []
