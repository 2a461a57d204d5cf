"""A journal with a clock that stands still until it is moved, and short words for what is written in it."""

from datetime import UTC, datetime, timedelta
from itertools import count

from orchestrator.core.events import CancelAsked, Event, Held, LeaseGranted, RunFinished, Triggered, Unheld
from orchestrator.core.gate import Gate, Person
from orchestrator.core.machine import NotNow
from orchestrator.core.model import Cycle, Pipeline, Stage, Trigger
from orchestrator.core.report import Product, Report
from orchestrator.journal import Claimed, Committed, Entry, Journal
from orchestrator.outbox import Outbox
from orchestrator.rows import micros

BOB = Person(id="t:bob", login="bob")
PIPELINE = Pipeline(
    name="p", stages=(Stage(name="a", step="x:y", gate=Gate(require=("must bob",))), Stage(name="b", step="x:y"))
)
NOW = datetime(2030, 1, 1, tzinfo=UTC)
LONG = timedelta(seconds=30)
_names = count(1)


class Book:
    """One journal and its outbox. `at` is the time."""

    def __init__(self, journal: Journal) -> None:
        self.journal, self.outbox, self.at = journal, Outbox(journal.store, journal.owner), NOW

    @property
    def now(self) -> int:
        return micros(self.at)

    def create(self, pipeline: Pipeline = PIPELINE, key: str | None = None) -> tuple[Committed, bool]:
        def make(cycle: str) -> Triggered:
            return Triggered(at=self.at, cycle=cycle, pipeline=pipeline, trigger=Trigger.API)

        return self.journal.create(make, now=self.now, until=self.now + micros_of(LONG), key=key)

    def write(self, cycle: str, event: Event, done: int | None = None) -> Committed | NotNow:
        return self.commit([Entry(cycle, event, done)])[0]

    def commit(self, entries: list[Entry]) -> list[Committed | NotNow]:
        return self.journal.commit(entries, now=self.now, until=self.now + micros_of(LONG))

    def claim(self, held: tuple[int, ...] = ()) -> list[Claimed]:
        return self.outbox.claim(self.now, self.now + micros_of(LONG), held)

    def take(self, cycle: str, *, effect: int = 0, again: int = 0, target: str = "p") -> tuple[str, int, bool]:
        until = self.now + micros_of(LONG)
        number = int(cycle.removeprefix("c-"))
        return tuple(self.outbox.take(target, cycle, number, self.now, until, effect=effect, again=again))

    def walk(self, cycle: str, *events: Event) -> Cycle:
        """Write events that all count."""
        for event in events:
            committed = self.write(cycle, event)
            assert isinstance(committed, Committed), committed
        return self.journal.cycle(cycle)


def micros_of(span: timedelta) -> int:
    return round(span.total_seconds() * 1_000_000)


def granted(token: int = 1) -> LeaseGranted:
    return LeaseGranted(at=NOW, token=token)


def held(name: str = "") -> Held:
    return Held(at=NOW, id=name or f"hold {next(_names)}", by=BOB)


def unheld() -> Unheld:
    return Unheld(at=NOW, id=f"unhold {next(_names)}", by=BOB)


def cancelled(name: str = "") -> CancelAsked:
    return CancelAsked(at=NOW, id=name or f"cancel {next(_names)}", by=BOB, reason="enough")


def finished(run: str) -> RunFinished:
    return RunFinished(at=NOW, run=run, outcome=Product(outputs={"out": run}, report=Report(summary="done")))
