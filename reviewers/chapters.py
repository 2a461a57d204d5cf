"""Every gate that a cycle opened, with what was answered and how it ended, told from its events. Pure.

Law: it is the core's own fold that is walked, so that what is shown is what was decided.
"""

from collections.abc import Iterable

from orchestrator.core.course import Folded
from orchestrator.core.events import CancelAsked, Event, RerunAsked, ReviewGiven, RosterRead, TimePassed
from orchestrator.core.gate import Verdict, objection
from orchestrator.core.machine import advance
from orchestrator.core.model import Cycle, Opening, State
from orchestrator.core.noun import Noun


class Chapter(Noun):
    """One opening of a gate. `verdict` is empty while it is open; `outcome` says in a sentence how it ended."""

    opening: Opening
    verdict: str = ""
    outcome: str = ""


def chapters(events: Iterable[Event]) -> tuple[Chapter, ...]:
    """The openings of the cycle with these events, in order."""
    told: list[Chapter] = []
    before: Cycle | None = None
    for event in events:
        folded = advance(before, event)
        if not isinstance(folded, Folded):
            continue
        after = folded.cycle
        if told and not told[-1].verdict:
            told[-1] = _went_on(told[-1], event, after)
        opening = after.opening
        if opening is not None and (not told or told[-1].opening.run != opening.run):
            told.append(Chapter(opening=opening))
        before = after
    return tuple(told)


def _went_on(chapter: Chapter, event: Event, after: Cycle) -> Chapter:
    """The open chapter after one more event."""
    opening = after.opening
    if opening is not None and opening.run == chapter.opening.run:
        return chapter.but(opening=opening)
    last = chapter.opening
    if isinstance(event, ReviewGiven):
        review = event.review
        others = tuple(one for one in last.reviews if one.by.id != review.by.id)
        last = last.but(reviews=(*others, review), roster=event.roster if review.authority == "person" else last.roster)
    elif isinstance(event, RosterRead):
        last = last.but(roster=event.roster)
    verdict, outcome = _ending(last, event, after)
    return Chapter(opening=last, verdict=verdict, outcome=outcome)


def _ending(opening: Opening, event: Event, after: Cycle) -> tuple[str, str]:
    at = f"{event.at:%Y-%m-%d %H:%M} UTC"
    match event:
        case TimePassed():
            return "rejected", f"Rejected, {at}: the deadline has passed"
        case _ if after.state is State.REJECTED:
            return "rejected", f"Rejected, {at}: {after.reason}"
        case CancelAsked(by=by):
            return "void", f"Void, {at}: the cycle was cancelled by {by.login}"
        case RerunAsked(by=by, stage=stage):
            return "void", f"Void, {at}: {by.login} asked for {stage or opening.stage} again"
        case ReviewGiven(review=review) if review.verdict is Verdict.CHANGE:
            return "void", f"Void, {at}: {review.by.login} asked for {opening.stage} again"
    names = ", ".join(_agreed(opening, after))
    return "approved", f"Approved by {names}, {at}" if names else f"Approved, {at}"


def _agreed(opening: Opening, cycle: Cycle) -> list[str]:
    """Who has agreed, and counted when the gate closed."""
    gate = cycle.pipeline.stages[cycle.pipeline.index(opening.stage)].gate
    return [
        one.by.login
        for one in opening.reviews
        if gate is not None
        and one.verdict is Verdict.APPROVE
        and not objection(gate, one, opening.roster, cycle.initiator, attended=cycle.attended)
    ]
