"""The loop, as a room sees it from inside the server: the desk, the record, the clock."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from orchestrator.core.events import Event
from orchestrator.core.machine import NotNow
from orchestrator.core.model import Cycle, Pipeline
from orchestrator.desk import Desk
from orchestrator.parameters import problems
from orchestrator.ports import Clock
from orchestrator.rooms import Rooms
from orchestrator.swap import swap
from orchestrator.trouble import Trouble


class DeskLoop:
    """The loop, as a room sees it. `targets`: the folder of a pipeline's deployment target."""

    def __init__(self, desk: Desk, clock: Clock, rooms: Rooms, targets: Callable[[Pipeline], Path]) -> None:
        self._desk, self._clock, self._rooms, self._targets = desk, clock, rooms, targets

    def now(self) -> datetime:
        """The time now, in UTC."""
        return self._clock.now()

    def cycle(self, cycle: str) -> Cycle:
        """The cycle as it stands."""
        return self._desk.journal.cycle(cycle)

    def events(self, cycle: str) -> Sequence[Event]:
        """All that happened to it, in order."""
        return [one.event for one in self._desk.journal.events(cycle)]

    def submit(self, cycle: str, event: Event) -> Cycle | NotNow:
        """Hand the event in."""
        return self._desk.submit(cycle, event)

    def problems(self, cycle: Cycle, stage: str, changes: Mapping[str, str]) -> list[str]:
        """What is wrong with these parameters at this stage."""
        return problems(cycle.pipeline, cycle.params, stage, changes)

    def roll_back(self, cycle: Cycle, version: str, said: str) -> tuple[str, str] | str:
        """Have the target serve the version again."""
        try:
            return swap(self._targets(cycle.pipeline), version, said)
        except Trouble as trouble:
            return str(trouble)

    def head(self, cycle: str) -> str:
        """The hash of the cycle's newest event."""
        return self._rooms.head(cycle)
