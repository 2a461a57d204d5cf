"""How far a run is, how fast, and how long it will take, as one line. Pure: time comes in with the progress."""

from typing import NamedTuple

from rich.cells import cell_len

from orchestrator.ports import Progress
from reviewers.plain import duration, inert, number

EVERY = 10.0  # seconds between two plain lines
STEP = 0.1  # or so much of the whole
BAR = 20


class Pace(NamedTuple):
    """What is remembered of a run's progress: where the present phase began, where it is, and what was said last."""

    stage: str
    first: Progress
    last: Progress
    said: Progress | None = None

    @property
    def rate(self) -> float:
        """Units per second since the phase began; 0 while that is unknown."""
        seconds = self.last.at - self.first.at
        return max(0.0, (self.last.done - self.first.done) / seconds) if seconds > 0 else 0.0

    @property
    def share(self) -> float | None:
        """How much of the whole is done, from 0 to 1."""
        total = self.last.total
        return min(1.0, max(0.0, self.last.done / total)) if total is not None and total > 0 else None

    @property
    def is_news(self) -> bool:
        """Whether enough has changed since the last plain line for another."""
        if self.said is None or self.first.at > self.said.at:
            return True
        total = self.last.total
        much = total is not None and total > 0 and (self.last.done - self.said.done) / total >= STEP
        done = self.share == 1 and self.last.done != self.said.done
        return much or done or self.last.at - self.said.at >= EVERY


def heed(pace: Pace | None, stage: str, progress: Progress) -> Pace:
    """The pace with this progress. Another stage, unit or total, or less done than before, is another phase."""
    if pace is None or pace.stage != stage:
        return Pace(stage, progress, progress)
    last = pace.last
    same = (last.unit, last.total) == (progress.unit, progress.total) and progress.done >= last.done
    return Pace(stage, pace.first if same else progress, progress, pace.said)


def line(pace: Pace, width: int) -> str:
    """`finetune ━━━━━━━━╌╌╌╌ 42 %  210/500 steps  3.4/s  1m 25s left  epoch 1`, at most `width` columns."""
    progress, share = pace.last, pace.share
    parts = [inert(pace.stage, 30)]
    if share is not None:
        whole = round(share * BAR)
        parts.append(f"{'━' * whole}{'╌' * (BAR - whole)} {share:4.0%}")
    total = f"/{number(progress.total)}" if progress.total is not None else ""
    unit = f" {inert(progress.unit, 16)}" if progress.unit else ""
    if progress.done or total:
        parts.append(f"{number(progress.done)}{total}{unit}")
    if pace.rate:
        parts.append(f"{number(pace.rate)}/s")
        if progress.total is not None and share is not None and share < 1:
            parts.append(f"{duration((progress.total - progress.done) / pace.rate)} left")
    if progress.note:
        parts.append(inert(progress.note, 80))
    found = "  ".join(parts)
    while cell_len(found) > max(0, width):
        found = found[:-1]
    return found
