"""`ratchet run`: an engine and a person at one terminal, with one cycle between them.

Laws: everything shown comes from the record, so that a session that was killed shows the same again; the session
decides nothing, it hands in what was typed.
"""

import sys
import uuid
from argparse import Namespace
from typing import TextIO

from orchestrator.actions import begin, checked, configuration, here, pipeline_of, said
from orchestrator.app import App
from orchestrator.core.course import decision
from orchestrator.core.events import (
    CancelAsked,
    Erased,
    Event,
    Held,
    LeaseGranted,
    LeaseRefused,
    Refused,
    RerunAsked,
    ReviewGiven,
    ReviewWithdrawn,
    RunFinished,
    TimePassed,
    Triggered,
    Unheld,
)
from orchestrator.core.gate import Person, Review, Verdict
from orchestrator.core.machine import NotNow
from orchestrator.core.model import Cycle, State
from orchestrator.core.report import Product
from orchestrator.ports import Running
from orchestrator.store import Unavailable
from orchestrator.trouble import Trouble
from reviewers import commands
from reviewers.console import Console
from reviewers.corrections import readable
from reviewers.plain import duration

FRAME = 0.25  # seconds between two looks at a run's progress


def run(arguments: Namespace, app: App) -> Cycle:
    """One cycle here and now, new or continued. Raises `Trouble` where it can't begin."""
    config = configuration(arguments.config)
    pipeline = pipeline_of(config, arguments.pipeline)
    open_ones = [one for one in app.journal.cycles(pipeline.name) if one.attended and not one.state.ended]
    if open_ones and arguments.set:
        cure = f"type the command without --set to continue it, or `ratchet cancel {open_ones[0].id} --reason …` first"
        raise Trouble(f"{open_ones[0].id} is under way", cure, code=2)
    if open_ones:
        cycle = open_ones[0]
        if cycle.state is State.FAILED:
            again = RerunAsked(at=app.clock.now(), id=said(), by=here())
            app.desk.submit(cycle.id, again)
    else:
        pipeline, params = checked(arguments)
        cycle = begin(app, pipeline, params, attended=True)
    return Session(app, cycle.id, here(), yes=arguments.yes, out=sys.stderr if arguments.json else sys.stdout).run()


class Session:
    """One cycle, watched and answered here until it ends. `yes` approves every gate."""

    def __init__(self, app: App, cycle: str, here: Person, *, yes: bool, out: TextIO | None = None) -> None:
        self._app, self._cycle, self._yes = app, cycle, yes
        self._here = Person(id=f"terminal:{here.login}", login=here.login)
        self.engine = app.engine()
        self.console = Console(None if yes else sys.stdin, out or sys.stdout, self.engine.wake)
        self._seen = 0
        self._asked = ""
        self._started = ""
        self._away = False

    def run(self) -> Cycle:
        """Until the cycle has ended, or has failed and nobody is here to say what next."""
        try:
            while True:
                try:
                    self.engine.turn()
                    cycle = self._app.journal.cycle(self._cycle)
                    self._tell(cycle)
                    if cycle.state.ended or (cycle.state is State.FAILED and self._nobody_here()):
                        self._tidy()
                        return cycle
                    self._ask(cycle)
                    self._obey(cycle)
                    self._away = False
                except Unavailable as error:
                    self._miss(error)
                    continue
                self._watch(cycle)
        finally:
            self.engine.close()

    def _miss(self, error: Unavailable) -> None:
        """The database is away: said once. What is asked is then asked again."""
        if not self._away:
            self.console.say(f"The database is away ({error}); trying again.", style="yellow")
        self._away, self._asked = True, ""
        self.engine.journal.forget()
        self.engine.wait()

    def _tidy(self) -> None:
        """Let go of what was begun for this cycle, an embedded Ray cluster say, unless another cycle is at work."""
        others = (one for one in self._app.journal.cycles() if one.id != self._cycle)
        if not any(one.state is State.RUNNING for one in others):
            self._app.executors.close()

    def _nobody_here(self) -> bool:
        return self._yes or self.console.ended

    def _watch(self, cycle: Cycle) -> None:
        """Show how far the open run is, and wait for whatever comes first."""
        run = cycle.run
        if cycle.state is not State.RUNNING or run is None or run.state != "wanted":
            self.engine.wait()
            return
        order = cycle.order(run)
        executor = self._app.executors.get(order.executor)
        found = executor.look(order) if executor is not None else None
        if isinstance(found, Running) and found.progress is not None:
            self.console.progress(run.stage, found.progress)
        self.engine.wait(FRAME)

    # What is shown

    def _tell(self, cycle: Cycle) -> None:
        for recorded in self._app.journal.events(self._cycle, self._seen):
            self._seen = recorded.seq
            self._news(cycle, recorded.event)
        run = cycle.run
        if cycle.state is State.RUNNING and run is not None and run.state == "wanted" and run.id != self._started:
            self._started = run.id
            again = f", attempt {run.attempt}" if run.attempt > 1 else ""
            self.console.say(f"{run.stage} is running{again}", style="bold")

    def _news(self, cycle: Cycle, event: Event) -> None:
        say = self.console.say
        match event:
            case Triggered():
                stages = " → ".join(stage.name for stage in event.pipeline.stages)
                say(f"{event.cycle}: {event.pipeline.name} ({stages})", style="bold")
            case RunFinished():
                self._outcome(cycle, event)
            case LeaseGranted() if event.last:
                say(f"{cycle.id} owns {cycle.pipeline.owns}, and goes on from the last cycle that was done")
            case LeaseRefused():
                say(f"{event.holder} already works on {cycle.pipeline.owns}", style="yellow")
            case ReviewGiven(review=review):
                mark = "✓" if review.verdict is Verdict.APPROVE else "✗"
                said = f": {review.reason}" if review.reason else ""
                say(f"{mark} {review.by.login} says {review.verdict.value}{said}")
            case ReviewWithdrawn():
                say(f"{event.by.login} took the review back")
            case Held():
                say(f"held by {event.by.login}: {event.reason or 'no reason given'}", style="yellow")
            case Unheld():
                say(f"{event.by.login} lets it go on")
            case RerunAsked():
                changes = " ".join(f"{key}={readable(key, value)}" for key, value in event.changes.items())
                say(f"{event.by.login} asks for {event.stage or 'this stage'} again {changes}".rstrip())
            case CancelAsked():
                say(f"cancelled by {event.by.login}: {event.reason}", style="yellow")
            case TimePassed():
                gate = f"the gate of {event.run.split('/')[1]}"
                said = f"{gate} is still open" if event.purpose == "remind" else f"the deadline of {gate} has passed"
                say(said, style="yellow")
            case Erased():
                say(f"{event.by.login} had {event.rows} rows erased: {event.reason}", style="yellow")
            case Refused():
                say(f"{event.by.login} was not heard: {event.why}", style="yellow")

    def _outcome(self, cycle: Cycle, event: RunFinished) -> None:
        stage = event.run.split("/")[1]
        if not isinstance(event.outcome, Product):
            if event.outcome.what == "stopped":
                self.console.say(f"{stage} is stopped", style="yellow")
                return
            if event.outcome.skip:
                self.console.say(
                    f"{stage} has nothing to do, and the cycle is skipped: {event.outcome}", style="yellow"
                )
                return
            self.console.say(f"✗ {stage} failed: {event.outcome}", style="red")
            return
        run = next((one for one in cycle.runs if one.id == event.run), None)
        took = f" in {duration((run.ended_at - run.at).total_seconds())}" if run and run.ended_at else ""
        self.console.say(f"✓ {stage} is done{took}", style="green")
        if cycle.opening is None or cycle.opening.run != event.run:
            self.console.tell(stage, event.outcome.report)

    def _ask(self, cycle: Cycle) -> None:
        """Put the open question to the person here, once for each."""
        opening, said = cycle.opening, decision(cycle)
        question = opening.run if opening else f"failed {cycle.seq}" if cycle.state is State.FAILED else ""
        if cycle.held is not None:
            question = f"held {cycle.held}"
        elif cycle.state is State.QUEUED:
            question = self._queue(cycle)
        if question == self._asked:
            return
        self._asked = question
        if cycle.held is not None:
            cures = ("type unhold, or cancel REASON", f"let it go on with `ratchet unhold {cycle.id}`")
            cure = cures[self._nobody_here()]
            self.console.say(f"{cycle.id} is held ({cycle.held}): {cure}", style="yellow")
            self.console.listen(cures[1])
        elif cycle.state is State.QUEUED:
            self.console.settled()
            if question:
                self.console.say(question, style="yellow")
        elif opening is not None and said is not None:
            asks = [seat.clause for seat in said.seats if seat.missing]
            if self._yes:
                self.console.tell(opening.stage, opening.report)
                self._submit(cycle, self._review(cycle, Verdict.APPROVE, "answered by --yes"))
            else:
                self.console.show(cycle.id, opening.stage, opening.report, digest=opening.digest, asks=asks)
        elif question:
            self.console.say(f"{cycle.stage.name} failed: type rerun [key=value]…, or cancel REASON", style="yellow")
            self.console.listen(f"`ratchet run {cycle.pipeline.name}` tries again")
        else:
            self.console.settled()

    def _queue(self, cycle: Cycle) -> str:
        """What the cycle waits for, if another one has its target."""
        before = (one for one in reversed(self._app.journal.cycles(limit=200)) if not one.state.ended)
        first = next((one for one in before if one.pipeline.owns == cycle.pipeline.owns), cycle)
        if first.id >= cycle.id:
            return ""
        held = ", held" if first.held else ""
        state = f"{first.state.value.replace('_', ' ')} at {first.stage.name}{held}"
        return f"{cycle.id} waits for {first.id}, which is {state}: see `ratchet show {first.id}`"

    # What is answered

    def _obey(self, cycle: Cycle) -> None:
        events = [self._event(cycle, typed) for typed in self.console.lines()]
        for event in events:
            if event is not None:
                self._submit(cycle, event)
        if self._asked and not any(events) and cycle.state is not State.RUNNING:
            self.console.prompt()

    def _submit(self, cycle: Cycle, event: Event) -> None:
        try:
            answer = self.engine.desk.submit(cycle.id, event)
        except Unavailable:
            if not self._yes:
                self.console.say("That was not written down: say it again.", style="yellow")
            raise
        if isinstance(answer, NotNow) and (answer.echo or answer.again):
            self.console.say(answer.why, style="yellow")
        self.engine.wake()

    def _review(self, cycle: Cycle, verdict: Verdict, reason: str, about: str = "") -> ReviewGiven:
        now = self._app.clock.now()
        opening = cycle.opening
        digest = about or (opening.digest if opening else "")
        since = max(now, opening.at) if opening else now  # it is an answer to what was shown, whatever the clock says
        review = Review(
            id=self._id(), by=self._here, verdict=verdict, about=digest, at=since, reason=reason, authority="terminal"
        )
        return ReviewGiven(at=now, review=review)

    def _event(self, cycle: Cycle, typed: commands.Command | commands.Misread) -> Event | None:
        now, by = self._app.clock.now(), self._here
        match typed:
            case commands.Approve():
                return self._review(cycle, Verdict.APPROVE, typed.note, typed.digest)
            case commands.Reject():
                return self._review(cycle, Verdict.REJECT, typed.reason)
            case commands.Unapprove():
                return ReviewWithdrawn(at=now, id=self._id(), by=by)
            case commands.Rerun():
                if self._fits(cycle, typed.from_stage or cycle.stage.name, typed.changes):
                    return RerunAsked(at=now, id=self._id(), by=by, stage=typed.from_stage, changes=typed.changes)
            case commands.Hold():
                return Held(at=now, id=self._id(), by=by, reason=typed.reason)
            case commands.Unhold():
                return Unheld(at=now, id=self._id(), by=by)
            case commands.Cancel():
                return CancelAsked(at=now, id=self._id(), by=by, reason=typed.reason)
            case commands.Status():
                self._asked = ""
                again = f", attempt {cycle.run.attempt}" if cycle.run and cycle.run.attempt > 1 else ""
                self.console.say(f"{cycle.id} is {cycle.state.value.replace('_', ' ')} at {cycle.stage.name}{again}")
                self.engine.wake()
            case commands.Rollback() | commands.Delegate():
                self.console.say(f"{typed.kind} can't be said here", style="yellow")
        return None

    def _fits(self, cycle: Cycle, stage: str, changes: dict[str, str]) -> bool:
        from orchestrator.parameters import typed as proved

        found = proved(cycle.pipeline, cycle.params, stage, changes)
        for problem in found:
            self.console.say(problem, style="yellow")
        return not found

    @staticmethod
    def _id() -> str:
        return f"terminal:{uuid.uuid4()}"
