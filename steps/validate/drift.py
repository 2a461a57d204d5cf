"""Drift: what is different about tonight's rows, compared with the earlier rows of the snapshot. Pure.

Four questions, each with a figure, a chart and a sentence: can new texts be told from earlier ones (domain.py), have
the classes shifted, the lengths, the words (words.py). Everything is measured on the rows themselves, both samples by
the same code; nothing of an erased row can linger in it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from steps.contract import Chart, Metric, Series, Table
from steps.validate import domain, intervals, words
from steps.validate.finding import Alarm, Part, percent
from steps.validate.intervals import Estimate
from steps.validate.profile import Night
from steps.validate.settings import Checks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST = 50
_EDGES = (0, 10, 20, 40, 80, 160, 320, 640, 1280)
_SHOWN = 10


class Compared(NamedTuple):
    """New and earlier texts and, for each, a random bit that depends on the row's id alone."""

    new: Sequence[str]
    earlier: Sequence[str]
    new_fold: "NDArray[np.bool_]"
    earlier_fold: "NDArray[np.bool_]"


def texts(rows: Compared, nights: Sequence[Night], now: datetime, settings: Checks, seed: int) -> Part:
    """Whether new texts can be told from earlier ones."""
    import numpy as np

    both = [*rows.new, *rows.earlier]
    new = np.arange(len(both)) < len(rows.new)
    fold = np.concatenate([rows.new_fold, rows.earlier_fold])
    told = domain.tell(both, new, fold, settings.permutations, seed)
    drifted = told.auc.low > settings.drift_from and told.p <= settings.significance
    said = (
        f"Shown one new and one earlier text, a simple classifier finds the new one {percent(told.auc.value)} of the "
        f"time (50 % is guessing; 95 % interval {percent(told.auc.low)} to {percent(told.auc.high)}, "
        f"p = {told.p:.3g}): {_strength(told.auc.value, told.p <= settings.significance)}."
    )
    metrics = (_metric("drift_auc", told.auc, 0.5, "lower"), Metric(name="drift_p", value=round(told.p, 6)))
    alarms = (Alarm("drift", said),) if drifted else ()
    return Part("drift of the texts", (said,), metrics, charts=(_nights(told, nights, now),), alarms=alarms)


def _strength(area: float, counts: bool) -> str:
    if not counts:
        return "no drift was found"
    size = next(
        word for most, word in ((0.55, "hardly any"), (0.65, "some"), (0.8, "clear"), (2, "strong")) if area < most
    )
    return f"{size} drift"


def _nights(told: domain.Told, nights: Sequence[Night], now: datetime) -> Chart:
    """Over nights from the second one on; the first beside what shuffled rows give."""
    past = [(f"{night.at:%Y-%m-%d}", night.auc) for night in nights if night.auc is not None]
    if past:
        points = (*past, (f"{now:%Y-%m-%d}", told.auc.value))
        series = (Series(name="new told from earlier", points=points), _flat("guessing", [x for x, _ in points], 0.5))
        return Chart(title="Drift of the texts by night", kind="line", x="night", y="AUC", series=series)
    top = told.chance[min(len(told.chance) - 1, int(0.95 * len(told.chance)))]
    bars = (("guessing", 0.5), ("shuffled rows, 95 % below", round(top, 4)), ("new rows", round(told.auc.value, 4)))
    return Chart(title="Drift of the texts", kind="bar", y="AUC", series=(Series(name="AUC", points=bars),))


def _flat(name: str, xs: Sequence[str], y: float) -> Series:
    return Series(name=name, points=tuple((x, y) for x in xs))


def labels(names: Sequence[str], new: Sequence[int], earlier: Sequence[int], settings: Checks) -> Part:
    """Whether the classes have shifted. Counts are exact, of all rows.

    A G-test over all classes (Sokal & Rohlf, Biometry, ch. 17) and, for which class it is, one for each class against
    the rest, corrected for their number (Holm 1979). The size of the shift is the largest change of a class's share,
    with simultaneous intervals (Newcombe's at 1 - 0.05/k; Bonferroni).
    """
    n, m = sum(new), sum(earlier)
    z = _z(0.05 / max(1, len(names)))
    changes = [intervals.difference(k, n, j, m, z) for k, j in zip(new, earlier, strict=True)]
    p, each = _g(new, earlier), holm([_g((k, n - k), (j, m - j)) for k, j in zip(new, earlier, strict=True)])
    size = Estimate(
        max(abs(change.value) for change in changes),
        max(max(0.0, change.low, -change.high) for change in changes),
        max(max(abs(change.low), abs(change.high)) for change in changes),
    )
    said = _shifted(names, new, earlier, each, p <= settings.significance, p)
    rows = tuple(
        (
            name,
            k,
            j,
            round(k / n, 4),
            round(j / m, 4),
            round(c.value, 4),
            round(c.low, 4),
            round(c.high, 4),
            round(q, 6),
        )
        for name, k, j, c, q in zip(names, new, earlier, changes, each, strict=True)
    )
    columns = ("class", "new rows", "earlier rows", "share of new", "of earlier", "change", "low", "high", "p (Holm)")
    series = tuple(
        Series(name=kind, points=tuple((name, round(k / whole, 4)) for name, k in zip(names, counts, strict=True)))
        for kind, counts, whole in (("earlier", earlier, m), ("new", new, n))
    )
    big = size.low > settings.shift_from and p <= settings.significance
    return Part(
        "shift of the classes",
        (said,),
        (_metric("label_shift", size, 0.0, "lower"), Metric(name="label_shift_p", value=round(p, 6))),
        (Table(title="Classes, new against earlier", columns=columns, rows=rows),),
        (Chart(title="Classes, new against earlier", kind="bar", x="class", y="share", series=series),),
        (Alarm("label_shift", said),) if big else (),
    )


def _shifted(
    names: Sequence[str], new: Sequence[int], earlier: Sequence[int], each: Sequence[float], counts: bool, p: float
) -> str:
    n, m = sum(new), sum(earlier)
    moved = max(range(len(names)), key=lambda k: abs(new[k] / n - earlier[k] / m))
    change = f"{names[moved]!r} is {percent(new[moved] / n)} of the new rows and was {percent(earlier[moved] / m)}"
    if not counts:
        return f"The classes are shared out as before, as far as {n:,} rows can tell: {change} (p = {p:.3g})."
    others = sum(q <= 0.05 for q in each)
    return (
        f"The classes have shifted: {change} (p = {p:.3g}); {others} of {len(names)} classes moved by more than chance."
    )


def lengths(rows: Compared, settings: Checks) -> Part:
    """Whether texts are longer or shorter: the Kolmogorov-Smirnov distance (two-sample test, asymptotic p-value, which
    is conservative for whole numbers)."""
    import numpy as np
    from scipy.stats import ks_2samp

    new, old = (np.array([len(text) for text in texts]) for texts in (rows.new, rows.earlier))
    test = ks_2samp(new, old, method="asymp")
    size = intervals.distance(float(test.statistic), len(new), len(old))
    p, middle, before = float(test.pvalue), float(np.median(new)), float(np.median(old))
    verb = (
        "as long as before"
        if p > settings.significance
        else "longer"
        if middle > before
        else "shorter"
        if middle < before
        else "spread differently"
    )
    said = f"Texts are {verb}: half have more than {middle:,.0f} characters, before {before:,.0f} (distance {size.value:.3f}, p = {p:.3g})."
    chart = Chart(
        title="Length of the texts, new against earlier", kind="bar", x="characters", y="share",
        series=tuple(Series(name=name, points=_binned(of)) for name, of in (("earlier", old), ("new", new))),
    )  # fmt: skip
    big = size.low > settings.shift_from and p <= settings.significance
    metrics = (_metric("length_shift", size, 0.0, "lower"), Metric(name="length_shift_p", value=round(p, 6)))
    alarms = (Alarm("length_shift", said),) if big else ()
    return Part("length of the texts", (said,), metrics, charts=(chart,), alarms=alarms)


def _binned(of: "NDArray[np.int64]") -> tuple[tuple[str, float], ...]:
    import numpy as np

    places = np.bincount(np.searchsorted(_EDGES, of, side="right") - 1, minlength=len(_EDGES)) / len(of)
    names = [f"{low:,}–{high - 1:,}" for low, high in zip(_EDGES, _EDGES[1:], strict=False)]
    return tuple(zip((*names, f"{_EDGES[-1]:,}+"), (round(float(share), 4) for share in places), strict=True))


def vocabulary(rows: Compared, settings: Checks) -> Part:
    """How many words are unknown, against how many would be; and the words by which new texts differ."""
    inside = [text for text, one in zip(rows.earlier, rows.earlier_fold, strict=True) if one]
    outside = [text for text, one in zip(rows.earlier, rows.earlier_fold, strict=True) if not one]
    found = words.unknown(rows.new, outside, inside)
    said = (
        f"{percent(found.new.value)} of the words in new texts are in none of {len(inside):,} earlier ones, where "
        f"{percent(found.expected.value)} would be expected: a difference of {found.more.value * 100:+.1f} points "
        f"(95 % interval {found.more.low * 100:+.1f} to {found.more.high * 100:+.1f})."
    )
    told = words.telling(rows.new, rows.earlier)
    came = [word for word in told[:_SHOWN] if word.z > 2]
    went = [word for word in told[: -_SHOWN - 1 : -1] if word.z < -2]
    rows_ = tuple((w.word[:40], round(w.new, 4), round(w.earlier, 4), round(w.z, 1)) for w in (*came, *went))
    table = Table(
        title="Words that came and went",
        rows=rows_,
        columns=("word", "share of new texts", "of earlier texts", "standard errors"),
    )
    bars = tuple((w.word[:20], round(w.z, 1)) for w in (*came[:6], *went[:6]))
    chart = Chart(
        title="Words that came (up) and went (down)", kind="bar", x="word", y="standard errors",
        series=(Series(name="log-odds", points=bars),),
    )  # fmt: skip
    listed = f" Words that came: {', '.join(w.word[:20] for w in came[:5])}." if came else ""
    new = Metric(name="new_words", **_numbers(found.new), baseline=round(found.expected.value, 6), better="lower")
    big = found.more.low > settings.shift_from
    return Part(
        "unknown words", (said + listed,), (new, _metric("new_words_gain", found.more, 0.0, "lower")),
        (table,) if rows_ else (), (chart,) if bars else (), (Alarm("new_words", said + listed),) if big else (),
    )  # fmt: skip


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given (Holm 1979)."""
    order = sorted(range(len(ps)), key=lambda k: ps[k])
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, k in enumerate(order):
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


def _numbers(found: Estimate) -> dict[str, float]:
    return {name: round(getattr(found, name), 6) for name in ("value", "low", "high")}


def _metric(name: str, found: Estimate, baseline: float, better: str) -> Metric:
    return Metric.model_validate({"name": name, **_numbers(found), "baseline": baseline, "better": better})
