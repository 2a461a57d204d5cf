"""What a room needs of the loop."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from orchestrator.core.events import Event
from orchestrator.core.machine import NotNow
from orchestrator.core.model import Cycle


class Loop(Protocol):
    """The record of every cycle, where events are handed in, and what only the server can do."""

    def now(self) -> datetime:
        """The time now, in UTC."""

    def cycle(self, cycle: str) -> Cycle:
        """The cycle as it stands."""

    def events(self, cycle: str) -> Sequence[Event]:
        """All that happened to it, in order."""

    def submit(self, cycle: str, event: Event) -> Cycle | NotNow:
        """Hand the event in; what a person said and does not count is put on the record as refused."""

    def problems(self, cycle: Cycle, stage: str, changes: Mapping[str, str]) -> list[str]:
        """What is wrong with these parameters at this stage."""

    def roll_back(self, cycle: Cycle, version: str, said: str) -> tuple[str, str] | str:
        """(version, the one before) once the target serves it, or why it can't. `said` twice is once."""

    def head(self, cycle: str) -> str:
        """The hash of the cycle's newest event."""
