"""The three things the engine asks of the world. A port is as small as its one caller."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import Field

from orchestrator.core.effects import Order
from orchestrator.core.events import Event
from orchestrator.core.gate import Gate, Person, Roster
from orchestrator.core.model import Cycle
from orchestrator.core.noun import Noun
from orchestrator.core.report import Failure, Product


class Progress(Noun):
    """How far a run is, as the step last said it; `at` is seconds since the epoch."""

    done: float = 0
    total: float | None = None
    unit: str = ""
    note: str = ""
    at: float = Field(0, description="seconds since the epoch, UTC")


class Running(Noun):
    """A run that is under way."""

    progress: Progress | None = None


class Executor(Protocol):
    """Where runs happen. The run id is the idempotency key of every call.

    Guaranteed by every executor: a run id is started at most once whoever asks however often; after the caller's
    death another caller finds the run by its id; no two attempts of one stage ever work at the same time.
    """

    def start(self, order: Order, wake: Callable[[], None]) -> None:
        """Begin the run, or adopt it when it was begun before. Returns promptly; `wake()` is called when it has ended.

        Raises `Busy` when an earlier attempt of the stage is still at work: ask again later.
        """

    def look(self, order: Order) -> Running | Product | Failure:
        """What is known of the run now. A run that was begun and left no result is a `Failure`."""

    def stop(self, order: Order) -> None:
        """End the run and return when nothing of it is at work any more. A stopped run can't be started again."""


class Busy(Exception):
    """An earlier attempt of this stage is still at work."""


class Reviewer(Protocol):
    """Anyone who can be asked, and asked again."""

    def look(self, cycle: Cycle) -> Iterable[Event]:
        """Everything this reviewer sees about the cycle, every time; the core forgets echoes. Must not block."""


class People(Protocol):
    """Who stands behind a login and behind the names in a gate, as far as can be known just now."""

    def person(self, login: str) -> Person:
        """The person of this login. Raises `KeyError` where nobody has it."""

    def roster(self, gate: Gate, cycle: Cycle, asking: Sequence[Person]) -> Roster:
        """The ids behind every name of the gate; `asking` are those who have answered or are about to.

        Never raises: what can't be read is in `Roster.unreadable`, with the reason.
        """


class Clock(Protocol):
    """Time and chance, so that nothing else reads them."""

    def now(self) -> datetime:
        """The time now, in UTC."""

    def chance(self) -> float:
        """A number in [0, 1)."""
