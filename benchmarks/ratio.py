"""Alternation: a control before and after every sample, so that a busy machine spoils samples and not the answer.

ratio = sample / mean(control before, control after). A sample whose two controls differ by more than `QUIET` times is
dropped.
"""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

QUIET = 1.5


class Spread(NamedTuple):
    """A median and its quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


class Sample(NamedTuple):
    """Seconds by the clock and of processor."""

    seconds: float
    processor: float


class Compared(NamedTuple):
    """A contender beside its control: seconds a step by the clock and of its own processor time, the ratio of the
    clocks, and how many samples were kept and dropped.
    """

    seconds: Spread
    processor: Spread
    ratio: Spread
    kept: int
    dropped: int


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


def alternate(
    control: Callable[[], float], samples: Mapping[str, Callable[[], Sample]], *, rounds: int, most: int
) -> tuple[Spread, dict[str, Compared]]:
    """Round-robin control, A, control, B, … until each has `rounds` kept samples, or `most` were tried.

    A sample that raises is reported and not asked again.
    """
    kept: dict[str, list[tuple[Sample, float]]] = {name: [] for name in samples}
    dropped: dict[str, list[tuple[Sample, float]]] = {name: [] for name in samples}
    controls = [control()]
    open_ones = dict(samples)
    for _ in range(most):
        open_ones = {name: one for name, one in open_ones.items() if len(kept[name]) < rounds}
        for name, sample in list(open_ones.items()):
            try:
                taken = sample()
            except Exception as error:
                print(f"{name}: {error}", file=sys.stderr)
                del open_ones[name]
                continue
            controls.append(control())
            before, after = controls[-2:]
            quiet = max(before, after) <= QUIET * min(before, after)
            (kept if quiet else dropped)[name].append((taken, taken.seconds / ((before + after) / 2)))
    return Spread.of(controls), {
        name: _compared(kept[name], dropped[name]) for name in samples if kept[name] or dropped[name]
    }


def _compared(kept: list[tuple[Sample, float]], dropped: list[tuple[Sample, float]]) -> Compared:
    """Where nothing was quiet the dropped samples are shown: `kept` says 0."""
    used = kept or dropped
    seconds, processor = (Spread.of(one) for one in zip(*(taken for taken, _ in used), strict=True))
    return Compared(seconds, processor, Spread.of([ratio for _, ratio in used]), len(kept), len(dropped))
