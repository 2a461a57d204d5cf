"""Everything that the API works with, in one place."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.actions import no_stranger
from orchestrator.app import App
from orchestrator.config import Config
from orchestrator.core.gate import Person
from orchestrator.core.model import Cycle, Pipeline, Trigger
from orchestrator.desk import Desk
from orchestrator.ports import People
from orchestrator.server.auth import Doorkeeper
from orchestrator.server.clock import Timetable
from orchestrator.server.live import Feed
from orchestrator.server.mailbox import Mailbox
from orchestrator.server.measures import Measures
from orchestrator.server.queries import Queries
from orchestrator.trouble import Trouble

Pipelines = Callable[[], tuple[Config, str]]
"""The configuration, and where it was read, for the record. Raises `Trouble` with every problem of it."""

PROVED = 60.0  # seconds that a proof of the wiring stands


class Beginner:
    """Begins cycles, once what they are made of is proved."""

    def __init__(self, app: App, desk: Desk) -> None:
        self._app, self._desk = app, desk
        self._lock = threading.Lock()
        self._proved: dict[str, tuple[Pipeline, float]] = {}

    def begin(
        self,
        config: Config,
        pipeline: Pipeline,
        *,
        trigger: Trigger,
        params: Mapping[str, Mapping[str, str]] | None = None,
        purpose: str = "",
        source: str = "",
        initiator: Person | None = None,
        key: str | None = None,
    ) -> tuple[Cycle, bool]:
        """A cycle, and whether it is new: the same key gives the same one. Raises `Trouble`."""
        self._prove(config, pipeline)
        no_stranger(self._app)
        return self._desk.trigger(
            pipeline, trigger, params=params, purpose=purpose, initiator=initiator, source=source, key=key
        )

    def _prove(self, config: Config, pipeline: Pipeline) -> None:
        from orchestrator.check import check

        with self._lock:  # the steps are asked in processes of their own: one at a time
            was, at = self._proved.get(pipeline.name, (None, 0.0))
            if was == pipeline and time.monotonic() - at < PROVED:
                return
            alone = replace(config, pipelines={pipeline.name: pipeline})
            wrong = [str(problem) for problem in check(alone) if not problem.warning]
            if wrong:
                raise Trouble("\n".join(wrong))
            self._proved[pipeline.name] = pipeline, time.monotonic()


@dataclass(frozen=True)
class Office:
    """One server's organs."""

    app: App
    desk: Desk
    people: People
    pipelines: Pipelines
    beginner: Beginner
    timetable: Timetable
    queries: Queries
    feed: Feed
    measures: Measures
    mailbox: Mailbox
    door: Doorkeeper
    relayed: Callable[[], None] = lambda: None
    pull: Callable[[str], tuple[int, str] | None] | None = None
    link: Callable[[str], str] = lambda cycle: f"/api/cycles/{cycle}"
    faults: Callable[[], list[str]] = field(default=list)
