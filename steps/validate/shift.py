"""Shifts: whether the classes and the lengths of new texts are those of the earlier rows. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steps.contract import Chart, Metric, Table
from steps.validate import intervals
from steps.validate.finding import Alarm, Part, bars, estimated, percent
from steps.validate.intervals import Estimate
from steps.validate.settings import Checks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EDGES = (0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560)


def labels(names: Sequence[str], new: Sequence[int], earlier: Sequence[int], settings: Checks) -> Part:
    """Whether the classes have shifted. Counts are exact, of all rows.

    A G-test over all classes (Sokal & Rohlf, Biometry, ch. 17) and, for which class it is, one for each class against
    the rest, corrected for their number (Holm 1979). The size of the shift is the largest change of a class's share,
    with simultaneous intervals (Newcombe's at 1 - 0.05/k; Bonferroni).
    """
    n, m = max(1, sum(new)), max(1, sum(earlier))
    z = _z(0.05 / max(1, len(names)))
    changes = [intervals.difference(k, n, j, m, z) for k, j in zip(new, earlier, strict=True)]
    p = _g(new, earlier)
    each = holm([_g((k, n - k), (j, m - j)) for k, j in zip(new, earlier, strict=True)])
    size = _largest(changes)
    said = _shifted(names, new, earlier, each, p, settings.significance)
    big = size.low > settings.shift_from and p <= settings.significance
    return Part(
        "shift of the classes",
        (said,),
        (estimated("label_shift", size, 0.0, "lower"), Metric(name="label_shift_p", value=round(p, 6))),
        (_table(names, new, earlier, changes, each),),
        (_chart(names, new, earlier),),
        (Alarm("label_shift", said),) if big else (),
    )


def _chart(names: Sequence[str], new: Sequence[int], earlier: Sequence[int]) -> Chart:
    shares = {
        kind: [(name, count / max(1, sum(counts))) for name, count in zip(names, counts, strict=True)]
        for kind, counts in (("earlier", earlier), ("new", new))
    }
    return bars("Classes, new against earlier", "class", "% of the rows", shares)


def _largest(changes: Sequence[Estimate]) -> Estimate:
    """The largest change, whichever way, between ends that hold for all changes at once."""
    return Estimate(
        max((abs(change.value) for change in changes), default=0.0),
        max((max(0.0, change.low, -change.high) for change in changes), default=0.0),
        max((max(abs(change.low), abs(change.high)) for change in changes), default=0.0),
    )


def _table(
    names: Sequence[str],
    new: Sequence[int],
    earlier: Sequence[int],
    changes: Sequence[Estimate],
    each: Sequence[float],
) -> Table:
    n, m = max(1, sum(new)), max(1, sum(earlier))
    lines = tuple(
        (name, k, j, *(round(figure, 4) for figure in (k / n, j / m, *change)), round(q, 6))
        for name, k, j, change, q in zip(names, new, earlier, changes, each, strict=True)
    )
    columns = ("class", "new rows", "earlier rows", "share of new", "of earlier", "change", "low", "high", "p (Holm)")
    return Table(title="Classes, new against earlier", columns=columns, rows=lines)


def _shifted(
    names: Sequence[str], new: Sequence[int], earlier: Sequence[int], each: Sequence[float], p: float, level: float
) -> str:
    n, m = max(1, sum(new)), max(1, sum(earlier))
    moved = max(range(len(names)), key=lambda k: abs(new[k] / n - earlier[k] / m))
    change = f"{names[moved]!r} is {percent(new[moved] / n)} of the new rows and was {percent(earlier[moved] / m)}"
    if p > level:
        return f"The classes are shared out as before, as far as {n:,} rows can tell: {change} (p = {p:.3g})."
    beyond = sum(q <= level for q in each)
    return f"The classes have shifted, {beyond} of {len(names)} by more than chance: {change} (p = {p:.3g})."


def lengths(new: Sequence[str], earlier: Sequence[str], settings: Checks) -> Part:
    """Whether texts are longer or shorter: the Kolmogorov-Smirnov distance (two-sample test; the asymptotic p-value is
    conservative for whole numbers)."""
    import numpy as np
    from scipy.stats import ks_2samp

    now, before = (np.array([len(text) for text in texts]) for texts in (new, earlier))
    test = ks_2samp(now, before, method="asymp")
    size, p = intervals.distance(float(test.statistic), len(now), len(before)), float(test.pvalue)
    said = _longer(float(np.median(now)), float(np.median(before)), size, p, settings.significance)
    chart = bars(
        "Length of the texts, new against earlier",
        "characters",
        "% of the texts",
        _binned({"earlier": before, "new": now}),
    )
    big = size.low > settings.shift_from and p <= settings.significance
    metrics = (estimated("length_shift", size, 0.0, "lower"), Metric(name="length_shift_p", value=round(p, 6)))
    alarms = (Alarm("length_shift", said),) if big else ()
    return Part("length of the texts", (said,), metrics, charts=(chart,), alarms=alarms)


def _longer(now: float, before: float, size: Estimate, p: float, level: float) -> str:
    how = "longer" if now > before else "shorter" if now < before else "spread differently"
    halves = f"half have up to {now:,.0f} characters, before {before:,.0f}"
    return f"Texts are {how if p <= level else 'as long as before'}: {halves} (distance {size.value:.3f}, p = {p:.3g})."


def _binned(of: "dict[str, NDArray[np.int64]]") -> dict[str, list[tuple[str, float]]]:
    """Shares by ranges of characters that double; ranges at either end in which nobody has a text are left out."""
    import itertools

    import numpy as np

    names = [f"{low:,}–{high - 1:,}" for low, high in itertools.pairwise(_EDGES)] + [f"{_EDGES[-1]:,}+"]
    counts = {k: np.bincount(np.searchsorted(_EDGES, v, side="right") - 1, minlength=len(names)) for k, v in of.items()}
    filled = np.flatnonzero(sum(counts.values()))
    first, last = int(filled[0]), int(filled[-1]) + 1
    return {k: list(zip(names[first:last], (v / v.sum())[first:last].tolist(), strict=True)) for k, v in counts.items()}


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given (Holm 1979)."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, k in enumerate(sorted(range(len(ps)), key=lambda k: ps[k])):
        highest = max(highest, min(1.0, ps[k] * (len(ps) - rank)))
        adjusted[k] = highest
    return adjusted


def _g(new: Sequence[int], earlier: Sequence[int]) -> float:
    """The G-test's p-value; 1 where there is nothing to compare."""
    from scipy.stats import chi2_contingency

    columns = [(k, j) for k, j in zip(new, earlier, strict=True) if k or j]
    if len(columns) < 2 or not sum(new) or not sum(earlier):
        return 1.0
    return float(chi2_contingency(list(zip(*columns, strict=True)), correction=False, lambda_="log-likelihood").pvalue)


def _z(level: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(1 - level / 2)
