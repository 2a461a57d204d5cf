"""The whole life of a cycle: one table of edges, and the fold that walks it. Pure.

Laws:
- What is not a row of `EDGES` cannot happen: `advance` answers `NotNow` and nothing changes.
- Gate before effect: no run of a stage starts before the gate of the stage before it closed on the digest of the run
  that stands there now.
- What a stage is given can't be changed once the last gate before it is closed, unless a gate is asked again before it,
  or one that is still to come judges what it makes before the last stage begins.
- At most one run of a cycle is wanted at any time; another is wanted only after `RunFinished` of the one before.
- Folding the same events again gives the same cycle: time, chance and identity are in the events.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from orchestrator.core.course import Folded, beyond_review, decision, end, follow, open_gate, replace_run, settle
from orchestrator.core.effects import AskReview, TakeLease, Wake
from orchestrator.core.events import (
    KEPT,
    CancelAsked,
    Event,
    Held,
    LeaseGranted,
    LeaseRefused,
    RerunAsked,
    ReviewGiven,
    ReviewWithdrawn,
    RosterRead,
    RunFinished,
    TimePassed,
    Triggered,
    Unheld,
)
from orchestrator.core.gate import objection
from orchestrator.core.model import Cycle, Following, Opening, State
from orchestrator.core.noun import Noun
from orchestrator.core.report import Product, digest_of

SHORTEST_DIGEST = 8


class NotNow(Noun):
    """The event does not apply, and why.

    `echo`: it was folded before, or nobody said it, so that nobody need be told. `again`: the same may count later
    (a list could not be read just now), so that it must not be taken as answered.
    """

    why: str
    echo: bool = False
    again: bool = False


class Edge(NamedTuple):
    """What an event does in a state, and the states it may lead to."""

    fold: Callable[..., Folded | NotNow]
    to: frozenset[State]


def advance(cycle: Cycle | None, event: Event) -> Folded | NotNow:
    """The fold. `None` is the cycle before `Triggered`. The cycle given is never changed."""
    if cycle is None:
        return _begin(event) if isinstance(event, Triggered) else NotNow(why="there is no such cycle")
    said = _id_of(event)
    if said and said in cycle.heard:
        return NotNow(why="it was heard before", echo=True)
    edge = EDGES.get((cycle.state, type(event)))
    if edge is None:
        return NotNow(why=_never(cycle), echo=not said)
    folded = edge.fold(cycle, event)
    if isinstance(folded, NotNow):
        return folded
    heard = (*folded.cycle.heard, said) if said else folded.cycle.heard
    return Folded(folded.cycle.but(seq=cycle.seq + 1, changed_at=event.at, heard=heard), folded.effects)


def settled(event: Event) -> tuple[str, ...]:
    """Keys of the effects that this event is the end of, once it is folded."""
    match event:
        case RunFinished():
            return (f"start {event.run}", f"stop {event.run}")
        case LeaseGranted() | LeaseRefused():
            return ("take",)
        case TimePassed():
            return (f"wake {event.run} {event.purpose} {event.number}",)
    return ()


def _id_of(event: Event) -> str:
    """The id of what somebody said; empty for what nobody said."""
    return event.review.id if isinstance(event, ReviewGiven) else getattr(event, "id", "")


def _never(cycle: Cycle) -> str:
    """Why nothing of that kind can happen to the cycle now."""
    if cycle.state.ended:
        return f"{cycle.id} is {cycle.state}: start another with `ratchet trigger {cycle.pipeline.name}`"
    if cycle.state is State.FAILED:
        return f"{cycle.id} failed at {cycle.stage.name}: rerun or cancel it"
    return f"{cycle.id} is {cycle.state} at {cycle.stage.name}, and no gate is open"


def _begin(event: Triggered) -> Folded:
    cycle = Cycle(
        id=event.cycle,
        seq=1,
        pipeline=event.pipeline,
        params=event.params,
        trigger=event.trigger,
        purpose=event.purpose,
        source=event.source,
        initiator=event.initiator,
        attended=event.attended,
        state=State.QUEUED,
        began_at=event.at,
        changed_at=event.at,
    )
    pipeline = event.pipeline
    return Folded(cycle, (TakeLease(cycle=cycle.id, target=pipeline.owns, overlap=pipeline.overlap),))


# What the events do


def _granted(cycle: Cycle, event: LeaseGranted) -> Folded | NotNow:
    if cycle.token is not None:
        return _has_lease(cycle)
    return settle(cycle.but(token=event.token, last=event.last), event.at)


def _refused_lease(cycle: Cycle, event: LeaseRefused) -> Folded | NotNow:
    if cycle.token is not None:
        return _has_lease(cycle)
    return end(cycle, State.SKIPPED, f"{event.holder} already works on {cycle.pipeline.owns}")


def _has_lease(cycle: Cycle) -> NotNow:
    return NotNow(why=f"{cycle.id} has the lease already", echo=True)


def _finished(cycle: Cycle, event: RunFinished) -> Folded | NotNow:
    run = cycle.run
    if run is None or run.id != event.run or run.state != "wanted":
        return NotNow(why=f"{event.run} is not the run that {cycle.id} waits for", echo=True)
    outcome = event.outcome
    if isinstance(outcome, Product):
        digest = digest_of(run.id, outcome.report, outcome.files)
        ended = run.but(state="done", ended_at=event.at, digest=digest, outputs=outcome.outputs, due=None)
        cycle = replace_run(cycle, ended)
        if cycle.following is None and cycle.stage.gate is not None:
            return open_gate(cycle, ended, outcome, event.at)
    else:
        cycle = replace_run(cycle, run.but(state="failed", ended_at=event.at, failure=outcome, due=None))
    return settle(cycle, event.at, event.chance)


def _reviewed(cycle: Cycle, event: ReviewGiven) -> Folded | NotNow:
    opening, gate, review = cycle.opening, cycle.stage.gate, event.review
    if opening is None or gate is None:  # pragma: no cover - in_review always has both
        return NotNow(why=_never(cycle))
    if len(review.about) < SHORTEST_DIGEST or not opening.digest.startswith(review.about.lower()):
        return NotNow(
            why=f"stale: it is about {review.about[:12] or 'nothing'}, and {opening.run} is now {opening.digest[:12]}"
        )
    if review.at < opening.at:
        return NotNow(why=f"it is older than the opening of the gate of {opening.run}")
    against = objection(gate, review, event.roster, cycle.initiator, attended=cycle.attended)
    if against:
        return NotNow(why=against, again=bool(event.roster.unreadable))
    others = tuple(one for one in opening.reviews if one.by.id != review.by.id)
    if any(one.at > review.at for one in opening.reviews if one not in others):
        return NotNow(why=f"a newer review of {review.by.login} stands")
    opening = opening.but(reviews=(*others, review), roster=_merge(opening, event))
    return settle(cycle.but(opening=opening), event.at)


def _merge(opening: Opening, event: ReviewGiven) -> object:
    """The newest roster; a policy or terminal that read none leaves the older one."""
    return event.roster if event.review.authority == "person" else opening.roster


def _withdrawn(cycle: Cycle, event: ReviewWithdrawn) -> Folded | NotNow:
    opening = cycle.opening
    reviews = opening.reviews if opening else ()
    rest = tuple(one for one in reviews if one.by.id != event.by.id or one.at > event.at)
    if opening is None or rest == reviews:
        return NotNow(why=f"{event.by.login} has given no review of this gate")
    return Folded(cycle.but(opening=opening.but(reviews=rest)), ())


def _roster(cycle: Cycle, event: RosterRead) -> Folded | NotNow:
    opening = cycle.opening
    if opening is None or opening.roster == event.roster:
        return NotNow(why="nobody came or went", echo=True)
    return settle(cycle.but(opening=opening.but(roster=event.roster)), event.at)


def _time(cycle: Cycle, event: TimePassed) -> Folded | NotNow:
    opening, gate = cycle.opening, cycle.stage.gate
    if opening is None or gate is None or gate.deadline is None or opening.run != event.run:
        return NotNow(why="that gate is closed", echo=True)
    if event.purpose == "remind" and gate.deadline.remind is not None:
        return _remind(cycle, opening, event, gate.deadline.remind)
    if opening.overdue:
        return NotNow(why="that deadline has passed before", echo=True)
    verdict = decision(cycle)
    why = f"nobody closed the gate of {opening.stage} in time: {verdict.unmet if verdict else ''}"
    if gate.deadline.then == "reject":
        return end(cycle, State.REJECTED, why)
    overdue = opening.but(overdue=True)
    return Folded(cycle.but(opening=overdue, held=cycle.held or why), ())


def _remind(cycle: Cycle, opening: Opening, event: TimePassed, every: timedelta) -> Folded | NotNow:
    if event.number != opening.reminders:
        return NotNow(why="that reminder was given before", echo=True)
    number = event.number + 1
    again = Wake(cycle=cycle.id, run=event.run, purpose="remind", number=number, at=event.at + every)
    reminded = cycle.but(opening=opening.but(reminders=number))
    return Folded(reminded, (AskReview(cycle=cycle.id, run=event.run), again))


def _held(cycle: Cycle, event: Held) -> Folded | NotNow:
    if cycle.held is not None:
        return NotNow(why=f"{cycle.id} is held already: {cycle.held}")
    return Folded(cycle.but(held=f"{event.by.login}: {event.reason}" if event.reason else event.by.login), ())


def _unheld(cycle: Cycle, event: Unheld) -> Folded | NotNow:
    if cycle.held is None:
        return NotNow(why=f"{cycle.id} is not held")
    return settle(cycle.but(held=None), event.at)


def _cancel(cycle: Cycle, event: CancelAsked) -> Folded:
    following = Following(kind="cancel", reason=f"{event.by.login}: {event.reason}")
    return follow(cycle, following, event.at)


def _rerun(cycle: Cycle, event: RerunAsked) -> Folded | NotNow:
    if event.onto is not None and event.onto != cycle.seq:
        return NotNow(why=f"{cycle.id} has changed meanwhile: look again", again=True)
    if cycle.held is not None:
        return NotNow(why=f"{cycle.id} is held ({cycle.held}): `/unhold` it first")
    stage = event.stage or cycle.stage.name
    reached = [one.name for one in cycle.pipeline.stages[: cycle.position + 1]]
    if stage not in reached:
        return NotNow(why=f"{stage} can't be rerun: {cycle.id} has reached {', '.join(reached)}")
    if cycle.following is not None and cycle.following.kind == "cancel":
        return NotNow(why=f"{cycle.id} is being cancelled")
    if unasked := beyond_review(cycle.pipeline, stage, event.changes):
        return NotNow(why=unasked)
    return follow(cycle, Following(kind="rerun", stage=stage, changes=event.changes), event.at)


def _keep(cycle: Cycle, event: Event) -> Folded:
    return Folded(cycle, ())


def _edges() -> dict[tuple[State, type[Event]], Edge]:
    queued, running, in_review, failed = State.QUEUED, State.RUNNING, State.IN_REVIEW, State.FAILED
    on = {running, in_review, State.DONE}
    rows: list[tuple[State, type, Callable[..., Folded | NotNow], set[State]]] = [
        (queued, LeaseGranted, _granted, {queued, running}),
        (queued, LeaseRefused, _refused_lease, {State.SKIPPED}),
        (running, RunFinished, _finished, {*on, failed, State.CANCELLED, State.SKIPPED}),
        (in_review, ReviewGiven, _reviewed, {in_review, running, State.DONE, State.REJECTED}),
        (in_review, ReviewWithdrawn, _withdrawn, {in_review}),
        (in_review, RosterRead, _roster, {in_review, running, State.DONE, State.REJECTED}),
        (in_review, TimePassed, _time, {in_review, State.REJECTED}),
        (queued, Held, _held, {queued}),
        (running, Held, _held, {running}),
        (in_review, Held, _held, {in_review}),
        (queued, Unheld, _unheld, {queued, running}),
        (running, Unheld, _unheld, {running, failed, State.DONE, State.SKIPPED}),
        (in_review, Unheld, _unheld, {in_review, running, State.DONE, State.REJECTED}),
        (queued, CancelAsked, _cancel, {State.CANCELLED}),
        (running, CancelAsked, _cancel, {running, State.CANCELLED}),
        (in_review, CancelAsked, _cancel, {State.CANCELLED}),
        (failed, CancelAsked, _cancel, {State.CANCELLED}),
        (running, RerunAsked, _rerun, {running}),
        (in_review, RerunAsked, _rerun, {running}),
        (failed, RerunAsked, _rerun, {queued}),
        *((state, kept, _keep, {state}) for kept in KEPT for state in State),
    ]
    return {(state, event): Edge(fold, frozenset(to)) for state, event, fold, to in rows}


EDGES = _edges()
"""What can happen: (state, event) -> what it does and where it may lead. `Triggered` gives birth, to `queued`."""
