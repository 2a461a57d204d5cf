"""The figures that a verdict rests on. Pure: same arrays, same numbers.

Shapes: `truth` and `said` are integer arrays of n classes each; `right` arrays are n booleans.
"""

import math
import warnings
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Classes = NDArray[np.int_]
    Right = NDArray[np.bool_]

LEVEL = 0.95


class Interval(NamedTuple):
    """An estimate with its 95 % interval; `how` says what it was computed by, with the reason for any other way."""

    value: float
    low: float
    high: float
    how: str


class ClassScore(NamedTuple):
    """Precision, recall and F1 of one class, 0 where nothing was there to divide by; `support` is its rows."""

    precision: float
    recall: float
    f1: float
    support: int


def class_scores(truth: "Classes", said: "Classes", classes: int) -> list[ClassScore]:
    """Per class: precision tp/(tp+fp), recall tp/(tp+fn), F1 2tp/(2tp+fp+fn) (van Rijsbergen 1979, ch. 7)."""
    scores = []
    for label in range(classes):
        hit = int(((truth == label) & (said == label)).sum())
        named, there = int((said == label).sum()), int((truth == label).sum())
        f1 = 2 * hit / (named + there) if named + there else 0.0
        scores.append(ClassScore(hit / named if named else 0.0, hit / there if there else 0.0, f1, there))
    return scores


def macro_f1(truth: "Classes", said: "Classes", classes: int) -> float:
    """The mean of F1 over the classes that occur in `truth` or `said` ("averaged F1": Opitz & Burst 2019, eq. 2)."""
    scores = [
        score.f1 for k, score in enumerate(class_scores(truth, said, classes)) if score.support or (said == k).any()
    ]
    return sum(scores) / len(scores) if scores else 0.0


def majority(labels: "Classes") -> int:
    """The most frequent class; the first of several."""
    import numpy as np

    return int(np.bincount(labels).argmax())


def share(right: "Right") -> Interval:
    """The share that is right, with Wilson's score interval (Wilson 1927)."""
    from scipy.stats import binomtest

    n, k = len(right), int(right.sum())
    found = binomtest(k, n).proportion_ci(confidence_level=LEVEL, method="wilson")
    return Interval(k / n, float(found.low), float(found.high), "Wilson")


def paired_gain(new: "Right", old: "Right", *, seed: int = 0, resamples: int = 4_999) -> Interval:
    """Accuracy of `new` less that of `old` on the same items, by the paired bootstrap.

    Items are resampled jointly, and the interval is bias-corrected and accelerated (BCa: Efron & Tibshirani 1993,
    ch. 14; for two systems on one test set, Koehn 2004). When every item's difference is the same there is nothing to
    resample: then it is the exact binomial bound on the share of items that may differ (Clopper & Pearson 1934).
    """
    import numpy as np
    from scipy.stats import bootstrap

    a, b = new.astype(np.float64), old.astype(np.float64)
    value = float((a - b).mean())
    if (a - b == a[0] - b[0]).all():
        return _constant(int(a[0] - b[0]), len(a))

    def interval(method: str) -> tuple[float, float]:
        found = bootstrap(
            (a, b),
            lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
            paired=True,
            vectorized=True,
            method=method,
            n_resamples=resamples,
            batch=500,
            confidence_level=LEVEL,
            rng=np.random.default_rng(seed),
        ).confidence_interval
        return float(found.low), float(found.high)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # undefined values are dealt with here
        low, high = interval("BCa")
        if math.isfinite(low) and math.isfinite(high):
            return Interval(value, low, high, "paired bootstrap, BCa")
        low, high = interval("percentile")
    return Interval(value, low, high, "paired bootstrap, percentile, because BCa is undefined on these items")


def _constant(difference: int, n: int) -> Interval:
    other = 1 - ((1 - LEVEL) / 2) ** (1 / n)  # the upper bound of 0 of n
    how = f"exact binomial bound, because the difference is {difference} on each of the {n} items"
    if difference == 0:
        return Interval(0.0, -other, other, how)
    low, high = sorted((difference * (1 - other), float(difference)))
    return Interval(float(difference), low, high, how)
