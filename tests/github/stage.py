"""Where the stories play: the loop and the lobby in this process, turned by hand, beside a GitHub that holds state.

The steps are three milliseconds of Python; everything else is what ships. Deliveries go by the server's own door in
`test_whole.py`; here every turn looks at every room, as the slow clock does, and time passes when a story says so.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from house import HandClock, House
from rig.github import GitHub

from orchestrator.config import Config, read
from orchestrator.core.events import Event
from orchestrator.core.gate import Person
from orchestrator.core.model import Cycle, State, Trigger
from orchestrator.desk import Desk
from orchestrator.lobby import ROSTERS, Lobby
from orchestrator.rows import micros
from reviewers.comment import read_marker
from reviewers.github.protocol import Delivery

STEPS = f"{Path(__file__).parents[2]}:{Path(__file__).parent}"
"""PYTHONPATH, for the processes that are asked about the steps."""
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
TIMES = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?( UTC)?|https?://127\S*?:\d+"
    r"|#issuecomment-\d+|event \d+|\| (\d+m )?\d+m?s \|"
)
HASHES = re.compile(r"\b[0-9a-f]{8,64}\b")


class Stage:
    """One GitHub, one engine, one lobby; more of them as a story opens them."""

    def __init__(
        self, github: GitHub, folder: Path, *, first: str = '"1 of alice"', second: str = '"2 of @acme/ml"',
        url: str = "", app: bool = True, pipeline: str = STAGES, bots: tuple[str, ...] = (),
        poll: float = 0.0,
    ) -> None:  # fmt: skip
        self.github, self.folder, self.clock = github, folder, HandClock()
        found = read(pipeline.format(first=first, second=second))
        assert isinstance(found, Config), found
        self.pipeline = found.pipelines["words"]
        self.url = url or f"sqlite:///{folder / 'ratchet.db'}"
        self.app, self.bots, self.poll = app, bots, poll
        self.target = folder / "targets" / "words"
        self.houses: list[House] = []
        self.open()

    def open(self, owner: str = "one") -> House:
        """Begin, or begin again as after a crash: nothing is left of what was in memory."""
        self.house = House(self, owner)
        self.houses.append(self.house)
        return self.house

    def close(self) -> None:
        for one in self.houses:
            one.close()

    @property
    def desk(self) -> Desk:
        return self.house.desk

    @property
    def lobby(self) -> Lobby:
        return self.house.lobby

    # What a planner does

    def begin(self, by: str = "dave", *, key: str | None = None, **params: dict[str, str]) -> Cycle:
        """A cycle that `by` asked for, as far as it goes by itself."""
        cycle, _ = self.desk.trigger(
            self.pipeline, Trigger.PLANNER, params=params, purpose="the weekly retrain", initiator=self.person(by),
            key=key,
        )  # fmt: skip
        self.settle()
        return self.cycle(cycle.id)

    def person(self, login: str) -> Person:
        return Person(id=f"github:{self.github.user_id(login)}", login=login)

    def settle(self) -> None:
        """Turn until nothing moves any more."""
        while True:
            before = self._seen()
            self.look()
            if any(cycle.state is State.RUNNING and not cycle.held for cycle in self.desk.journal.cycles()):
                self.house.engine.wait(0.05)
            elif self._seen() == before:
                return

    def look(self) -> None:
        """One turn, as far as it comes."""
        self.house.engine.turn()
        self.lobby.turn()
        self.house.engine.turn()

    def look_closely(self) -> None:
        """So many turns that one of them is the slow look that reads everything again."""
        for _ in range(ROSTERS):
            self.lobby.turn()
        self.settle()

    def _seen(self) -> Any:
        cycles = [(cycle.id, cycle.seq) for cycle in self.desk.journal.cycles()]
        return cycles, [self.house.rooms.recall(cycle) for cycle, _ in cycles]

    def wait(self, *, rest: bool = False, **by: float) -> None:
        """Time passes for us and for GitHub; with `rest` the transport sees it, too. Then turn until nothing moves."""
        self.clock.ahead += timedelta(**by)
        self.github.pass_time(**by)
        self.clock.rested += timedelta(**by).total_seconds() if rest else 0.0
        self.settle()

    def deliver(self, **said: Any) -> bool:
        """A webhook's delivery, stored as the server stores it. False where it was known."""
        text = Delivery(**{"event": "issue_comment", "action": "created", "number": self.pull} | said).model_dump_json()
        return self.house.inbox.receive("github", said["id"], text.encode(), micros(self.clock.now()))

    # What people see and do

    def cycle(self, name: str = "c-000001") -> Cycle:
        return self.desk.journal.cycle(name)

    @property
    def pull(self) -> int:
        """The number of the newest pull request."""
        return int(self.github.pulls()[-1]["number"])

    @property
    def digest(self) -> str:
        """What the open gate asks about."""
        opening = self.cycle().opening
        assert opening is not None
        return opening.digest

    def says(self, login: str, text: str) -> int:
        """Somebody writes a comment, and it is heard."""
        comment = self.github.as_(login).comment(self.pull, text)
        self.settle()
        return comment

    def reviews(self, login: str, event: str, body: str = "", commit: str | None = None) -> int:
        """Somebody reviews the pull request, and it is heard."""
        review = self.github.as_(login).review(self.pull, event, body, commit)
        self.settle()
        return review

    def bodies(self) -> list[str]:
        """What we wrote, in order, without what keeps hashes and mentions inert."""
        us = self.github.bot if self.app else "machine"
        comments = self.github.comments(self.pull)
        return [one["body"].replace("\u200b", "") for one in comments if one["user"]["login"] == us]

    def posts(self, kind: str) -> list[str]:
        """Our comments of one kind: status, gate, answer."""
        return [body for body in self.bodies() if body.startswith(f"<!-- ratchet:{kind} ")]

    def answers(self, about: int | str) -> list[str]:
        """Our replies to this comment."""
        return [body for body in self.posts("answer") if re.match(rf"<!-- ratchet:answer {about}[ /]", body)]

    def marks(self, comment: int) -> list[str]:
        """Our reactions."""
        return self.github.reactions(comment)

    def approvals(self) -> list[str]:
        """Who has agreed at the open gate."""
        opening = self.cycle().opening
        return [one.by.login for one in opening.reviews] if opening is not None else []

    def runs(self) -> list[str]:
        """Every run that was begun, once for each time that its step worked."""
        ledger = self.folder / "ledger"
        return ledger.read_text().split() if ledger.exists() else []

    def record(self, cycle: str = "c-000001") -> list[Event]:
        return [one.event for one in self.desk.journal.events(cycle)]

    def refusals(self, cycle: str = "c-000001") -> list[tuple[str, str]]:
        """(who, why) of everything that did not count."""
        return [(one.by.login, one.why) for one in self.record(cycle) if one.kind == "refused"]

    def kinds(self, cycle: str = "c-000001") -> list[str]:
        return [one.kind for one in self.record(cycle)]

    def checks(self) -> dict[str, str | None]:
        """What stands beside the newest commit."""
        sha = self.github.pulls()[-1]["head"]["sha"]
        if not self.app:
            return {one["context"]: one["state"] for one in reversed(self.github.statuses(sha))}
        return {one["name"]: one["conclusion"] for one in self.github.checks(sha)}

    def picture(self) -> dict[str, Any]:
        """All that can be seen and is on the record, less times, hashes and numbers."""
        comments = self.github.comments(self.pull)
        ours = [one for one in comments if read_marker(one["body"]) and one["user"]["type"] == "Bot"]
        theirs = [one for one in comments if one not in ours]
        names = {str(one["id"]): f"comment-{place}" for place, one in enumerate(theirs)}

        def plain(text: str) -> str:
            text = HASHES.sub("#", TIMES.sub("@", text))
            for number, name in names.items():
                text = text.replace(number, name)
            return text

        return {
            "ours": sorted(plain(one["body"]) for one in ours),
            "marks": {names[str(one["id"])]: self.marks(one["id"]) for one in theirs},
            "pulls": [(one["state"], bool(one["merged_at"])) for one in self.github.pulls()],
            "labels": sorted(self.github.labels(self.pull)),
            "checks": self.checks(),
            "files": sorted(self.github.files("main")),
            "record": [_told(one, plain) for one in self.record() if one.kind != "roster_read"],
            "runs": self.runs(),
        }


def _told(event: Event, plain: Callable[[str], str]) -> str:
    """An event in a line."""
    told = json.loads(event.model_dump_json(exclude={"pipeline", "outcome", "chance", "said", "roster", "last"}))
    return plain(json.dumps(told, sort_keys=True))


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What two pictures show otherwise, line by line."""
    found: list[str] = []
    for part in other:
        lines = [json.dumps(some[part], indent=0, ensure_ascii=False).replace("\\n", "\n") for some in (one, other)]
        changes = difflib.unified_diff(*(some.splitlines() for some in lines), lineterm="", n=0)
        found += [f"{part}: {line}" for line in changes if not line.startswith(("---", "+++", "@@"))]
    return found


Begun = Callable[..., Stage]


@pytest.fixture(name="stage")
def stages(github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begun]:
    """Opens stages; each is closed in the end."""
    monkeypatch.setenv("PYTHONPATH", STEPS)
    opened: list[Stage] = []

    def make(folder: str = "", at: GitHub = github, **how: Any) -> Stage:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        monkeypatch.setenv("SMALL_LEDGER", str(place / "ledger"))
        opened.append(Stage(at, place, **how))
        return opened[-1]

    yield make
    for one in opened:
        one.close()
        wrong = one.github.violations.requests  # the rig's answers are judged by its own tests
        assert not wrong, "; ".join(wrong)
