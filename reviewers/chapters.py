"""Every gate that a cycle opened, with what was answered and how it ended, told from its events. Pure.

Law: it is the core's own fold that is walked, so that what is shown is what was decided.
"""

from collections.abc import Iterable

from orchestrator.core.course import Folded
from orchestrator.core.events import CancelAsked, Event, RerunAsked, TimePassed
from orchestrator.core.gate import Verdict
from orchestrator.core.machine import advance
from orchestrator.core.model import Cycle, Opening, State
from orchestrator.core.noun import Noun


class Chapter(Noun):
    """One opening of a gate. `verdict` is empty while it is open; `outcome` says in a sentence how it ended."""

    opening: Opening
    verdict: str = ""
    outcome: str = ""

    @property
    def agreed(self) -> bool:
        """Whether the way is open."""
        return self.verdict == "approved"


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
    review = getattr(event, "review", None)
    if review is not None:
        others = tuple(one for one in chapter.opening.reviews if one.by.id != review.by.id)
        chapter = chapter.but(opening=chapter.opening.but(reviews=(*others, review)))
    verdict, outcome = _ending(chapter, event, after)
    return chapter.but(verdict=verdict, outcome=outcome)


def _ending(chapter: Chapter, event: Event, after: Cycle) -> tuple[str, str]:
    at = f"{event.at:%Y-%m-%d %H:%M} UTC"
    if after.state is State.REJECTED:
        why = "the deadline has passed" if isinstance(event, TimePassed) else after.reason
        return "rejected", f"Rejected, {at}: {why}"
    if isinstance(event, CancelAsked):
        return "void", f"Void, {at}: the cycle was cancelled by {event.by.login}"
    if isinstance(event, RerunAsked):
        stage = event.stage or chapter.opening.stage
        return "void", f"Void, {at}: {event.by.login} asked for {stage} again"
    review = getattr(event, "review", None)
    if review is not None and review.verdict is Verdict.CHANGE:
        return "void", f"Void, {at}: {review.by.login} asked for {chapter.opening.stage} again"
    reviews = [one for one in chapter.opening.reviews if one.verdict is Verdict.APPROVE]
    names = ", ".join(one.by.login for one in reviews)
    return "approved", f"Approved by {names}, {at}" if names else f"Approved, {at}"
