"""The server's own clock: cycles that nobody has to ask for. A dropped cron of GitHub's costs nothing.

Laws:
- Each time of a schedule begins one cycle, however many servers look: its time is the cycle's idempotency key.
- Remembered after it was begun, and never back in time: who dies in between finds the cycle by its key.
- Every look says why a cycle is due or is not. What can't be counted is said to be uncounted, never guessed.
- A time that is still being counted for is neither begun nor passed over: it waits until the number is known.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from orchestrator.config import Config
from orchestrator.core.gate import Person
from orchestrator.core.model import Cycle, Pipeline, Trigger
from orchestrator.core.nearest import did_you_mean
from orchestrator.core.schedule import Due, Facts, NotDue, Schedule, due, following, latest, to_count
from orchestrator.journal import Journal
from orchestrator.ports import Clock
from orchestrator.rooms import Marks
from orchestrator.server.counter import Counted
from orchestrator.server.keeper import Watched
from orchestrator.store import Unavailable
from orchestrator.trouble import Trouble
from reviewers.github.protocol import GitHubError
from reviewers.plain import inert

log = logging.getLogger("ratchet.server.clock")
LONGEST = 60.0  # seconds between two looks: the file or the machine's clock may change
SLOWEST = 600.0  # a look may ask every step of every pipeline first
LOOK_WAIT = 5.0  # seconds that a look waits for counts, all of them together: others are due as well
PLAN_WAIT = 20.0  # that a caller waits: he gives up after thirty

Read = tuple[Config, str]
"""The configuration, and where it was read."""
Begin = Callable[..., tuple[Cycle, bool]]
"""`begin(config, pipeline, trigger=, purpose=, source=, key=)`: a cycle, and whether it is new. Raises `Trouble`."""
Count = Callable[[Pipeline, datetime, float], Counted | None]
"""`count(pipeline, moment, wait)`: how many rows are new, or None while that is being counted."""


class Found(NamedTuple):
    """What a look found for one pipeline: whether a cycle is due and nobody else has begun it, why, and the cycle."""

    pipeline: str
    due: bool
    reason: str
    cycle: str | None = None
    next: datetime | None = None
    new_rows: int | None = None


class Timetable:
    """The schedules of the pipeline file. `look` does what is due now; `plan` asks about some pipelines."""

    def __init__(
        self,
        pipelines: Callable[[], Read],
        begin: Begin,
        journal: Journal,
        marks: Marks,
        clock: Clock,
        with_key: Callable[[str], str | None],
        count: Count,
    ) -> None:
        self._pipelines, self._begin, self._journal, self._marks = pipelines, begin, journal, marks
        self._clock, self._with_key, self._count = clock, with_key, count
        self._told: dict[str, str] = {}

    def look(self) -> list[Found]:
        """Begin every cycle that is due. What goes wrong for one pipeline keeps no other waiting."""
        try:
            read = self._pipelines()
        except (Trouble, GitHubError) as trouble:
            self._tell("the pipeline file", f"can't be used, and no schedule begins anything: {trouble}")
            return []
        self._tell("the pipeline file", "is right")
        found, end = [], time.monotonic() + LOOK_WAIT
        for pipeline in read[0].pipelines.values():
            if pipeline.schedule is not None:
                try:
                    found.append(self._one(read, pipeline, pipeline.schedule, begin=True, end=end))
                except Trouble as trouble:
                    self._tell(pipeline.name, f"is due and can't begin: {trouble}")
        return found

    def plan(
        self, read: Read, name: str | None, *, begin: bool, key: str | None, by: Person | None = None
    ) -> list[Found]:
        """The same for one pipeline or for all that have a schedule; without `begin` nothing is changed.
        Raises `KeyError`, which says what was meant, for an unknown name.

        A `key` stands for one time of a pipeline that has no schedule: then whoever asks is its clock, and `by` who
        started the cycle.
        """
        pipelines = read[0].pipelines
        if name is not None and name not in pipelines:
            raise KeyError(did_you_mean(name, pipelines))
        chosen = [one for one in pipelines.values() if (one.schedule if name is None else one.name == name)]
        end = time.monotonic() + PLAN_WAIT
        return [
            self._one(read, one, one.schedule, begin=begin, end=end)
            if one.schedule is not None
            else self._unscheduled(read, one, begin, key, by)
            for one in chosen
        ]

    def wait(self, found: Iterable[Found]) -> float:
        """Seconds until something may be due, a minute at most."""
        now = self._clock.now()
        times = [(one.next - now).total_seconds() for one in found if one.next is not None]
        return max(0.0, min([LONGEST, *times]))

    def _facts(self, pipeline: Pipeline, schedule: Schedule, end: float) -> Facts:
        newest = self._journal.cycles(pipeline.name, limit=1)
        considered = _moment(self._marks.get(f"schedule {pipeline.name}"))
        facts = Facts(
            now=self._clock.now(), last_considered=considered, last_cycle_at=newest[0].began_at if newest else None
        )
        moment = to_count(schedule, facts)
        if moment is None:
            return facts
        counted = self._count(pipeline, moment, max(0.0, end - time.monotonic()))
        if counted is None:
            return facts.but(counting=True)
        return facts.but(new_rows=counted.rows, uncounted=counted.why)

    def _one(self, read: Read, pipeline: Pipeline, schedule: Schedule, *, begin: bool, end: float) -> Found:
        mark, facts = f"schedule {pipeline.name}", self._facts(pipeline, schedule, end)
        said = due(schedule, facts)
        if isinstance(said, NotDue):
            if begin and said.considered is not None:
                self._remember(mark, said.considered)
            self._tell(pipeline.name, f"is not due: {said.reason}", quiet=said.considered is None)
            begun = self._begun(pipeline, schedule, facts.now)
            return Found(pipeline.name, False, said.reason, begun, said.next, facts.new_rows)
        return self._due(read, pipeline, schedule, said, begin=begin)._replace(new_rows=facts.new_rows)

    def _due(self, read: Read, pipeline: Pipeline, schedule: Schedule, said: Due, *, begin: bool) -> Found:
        cycle, new = self._with_key(_key(pipeline, said.considered)), True
        if begin:
            made, new = self._begin(
                read[0], pipeline, trigger=Trigger.SCHEDULE, purpose=said.reason, source=read[1],
                key=_key(pipeline, said.considered),
            )  # fmt: skip
            cycle = made.id
            self._remember(f"schedule {pipeline.name}", said.considered)
            if new:
                log.info("%s begins: %s", made.id, inert(said.reason, 300))
        return Found(pipeline.name, new, said.reason, cycle, following(schedule, self._clock.now()))

    def _unscheduled(self, read: Read, pipeline: Pipeline, begin: bool, key: str | None, by: Person | None) -> Found:
        if not key:
            return Found(pipeline.name, False, "it has no schedule, and no key says which time this is")
        name = f"plan {pipeline.name} {key}"
        known = self._with_key(name)
        if known is not None or not begin:
            reason = f"{known} was begun for this time" if known else "it has no schedule, and whoever asks says when"
            return Found(pipeline.name, known is None, reason, known)
        reason = f"asked for as {key}"
        made, new = self._begin(
            read[0], pipeline, trigger=Trigger.SCHEDULE, purpose=reason, source=read[1], initiator=by, key=name
        )  # fmt: skip
        return Found(pipeline.name, new, reason, made.id)

    def _begun(self, pipeline: Pipeline, schedule: Schedule, now: datetime) -> str | None:
        """The cycle that stands for the latest time, if one was begun for it."""
        moment = latest(schedule, now)
        return self._with_key(_key(pipeline, moment)) if moment is not None else None

    def _remember(self, mark: str, considered: datetime) -> None:
        before = _moment(self._marks.get(mark))
        if before is None or before < considered:
            self._marks.set(mark, considered.isoformat())

    def _tell(self, about: str, said: str, *, quiet: bool = False) -> None:
        """In the log, once for each news."""
        if self._told.get(about) != said:
            self._told[about] = said
            log.log(logging.DEBUG if quiet else logging.INFO, "%s %s", about, inert(said, 500))


def _key(pipeline: Pipeline, moment: datetime) -> str:
    return f"schedule {pipeline.name} {moment.isoformat()}"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None


class ClockKeeper(Watched):
    """The thread that looks at the timetable, when something falls due and once a minute."""

    def __init__(self, timetable: Timetable) -> None:
        self._timetable = timetable
        self._bell = threading.Event()
        super().__init__("clock", self._turn, self._bell.set, patience=SLOWEST)

    def wake(self) -> None:
        """Look now."""
        self._bell.set()

    def _turn(self, _: Watched) -> None:
        while not self.beat():
            wait = 1.0
            try:
                wait = self._timetable.wait(self._timetable.look())
            except Unavailable as error:
                log.warning("the schedules can't be looked at: %s", error)
            self._bell.wait(wait)
            self._bell.clear()
