"""Where events are handed in, by an engine or any other process; what is refused is kept on the record."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from orchestrator.commits import Commits
from orchestrator.core.events import Event, Refused, ReviewGiven, Triggered
from orchestrator.core.gate import Person
from orchestrator.core.machine import NotNow
from orchestrator.core.model import Cycle, Pipeline, Trigger
from orchestrator.journal import Claimed, Committed, Entry, Journal
from orchestrator.ports import Clock
from orchestrator.rows import micros

CLAIM = timedelta(seconds=30)


class Desk:
    """Hands events in to one journal. `take_on` is given every effect that was claimed with them."""

    def __init__(
        self, journal: Journal, clock: Clock, take_on: Callable[[Sequence[Claimed]], None] = lambda claimed: None
    ) -> None:
        self.journal, self._clock, self._take_on = journal, clock, take_on
        self._commits = Commits(self._write)

    def trigger(
        self,
        pipeline: Pipeline,
        trigger: Trigger,
        *,
        params: Mapping[str, Mapping[str, str]] | None = None,
        purpose: str = "",
        initiator: Person | None = None,
        attended: bool = False,
        source: str = "",
        key: str | None = None,
    ) -> tuple[Cycle, bool]:
        """A new cycle and True, or, for an idempotency key that is known, its cycle and False."""
        now = self._clock.now()
        given = {name: dict(some) for name, some in (params or {}).items()}

        def make(cycle: str) -> Triggered:
            return Triggered(
                at=now, cycle=cycle, pipeline=pipeline, params=given,
                trigger=trigger, purpose=purpose, source=source, initiator=initiator, attended=attended,
            )  # fmt: skip

        committed, new = self.journal.create(make, now=micros(now), until=micros(now + CLAIM), key=key)
        self._take_on(committed.claimed)
        return committed.cycle, new

    def submit(self, cycle: str, event: Event) -> Cycle | NotNow:
        """Fold the event into the cycle, durably. `NotNow` where it does not count: nothing has changed then, and
        what a person said is on the record as refused. Raises `KeyError` for an unknown cycle, `Unavailable`
        without a database.
        """
        answer = self.submit_all([Entry(cycle, event)])[0]
        return answer.cycle if isinstance(answer, Committed) else answer

    def submit_all(self, entries: Sequence[Entry]) -> list[Committed | NotNow]:
        """The same for many, in one transaction; with those of every other thread that submits just now."""
        answers = self._commits.write(entries)
        self._take_on([claimed for answer in answers if isinstance(answer, Committed) for claimed in answer.claimed])
        refused = [
            refusal
            for entry, answer in zip(entries, answers, strict=True)
            if isinstance(answer, NotNow) and (refusal := self._refusal(entry, answer)) is not None
        ]
        if refused:
            self._commits.write(refused)
        return answers

    def _write(self, entries: Sequence[Entry]) -> list[Committed | NotNow]:
        now = self._clock.now()
        return self.journal.commit(entries, now=micros(now), until=micros(now + CLAIM))

    def _refusal(self, entry: Entry, answer: NotNow) -> Entry | None:
        """What a person said and did not count goes on the record, once."""
        event = entry.event
        said = event.review if isinstance(event, ReviewGiven) else event
        by, name = getattr(said, "by", None), getattr(said, "id", "")
        if answer.echo or answer.again or event is None or by is None:
            return None
        refused = Refused(at=self._clock.now(), id=name, by=by, said=event.model_dump_json(), why=answer.why)
        return Entry(entry.cycle, refused)
