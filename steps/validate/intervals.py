"""Intervals at 95 % for shares, differences, distances and areas. Pure."""

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Z = 1.959963984540054


class Estimate(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(k: int, n: int, z: float = Z) -> Estimate:
    """k of n: Wilson's score interval (Wilson 1927). 0 of 0 may be anything."""
    if not n:
        return Estimate(0.0, 0.0, 1.0)
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Estimate(p, max(0.0, centre - half) if k else 0.0, min(1.0, centre + half) if k < n else 1.0)


def difference(k: int, n: int, j: int, m: int, z: float = Z) -> Estimate:
    """k/n - j/m: Newcombe's hybrid score interval (Newcombe 1998, Stat Med 17:873, method 10)."""
    a, b = wilson(k, n, z), wilson(j, m, z)
    d = a.value - b.value
    low = math.hypot(a.value - a.low, b.high - b.value)
    return Estimate(d, d - low, d + math.hypot(a.high - a.value, b.value - b.low))


def distance(value: float, n: int, m: int) -> Estimate:
    """A Kolmogorov-Smirnov distance between samples of n and m: each distribution function lies within its
    Dvoretzky-Kiefer-Wolfowitz band (Massart 1990) of 97.5 %, so that both do with 95 %."""
    half = sum(math.sqrt(math.log(2 / 0.025) / (2 * count)) for count in (n, m))
    return Estimate(value, max(0.0, value - half), min(1.0, value + half))


def ratio(parts: "NDArray[np.float64]", wholes: "NDArray[np.float64]") -> tuple[float, float]:
    """The sum of parts over the sum of wholes, row by row, and its standard error by linearisation: words of one text
    are not independent, texts are (Cochran 1977, Sampling Techniques, eq. 6.13)."""
    n, total = len(wholes), float(wholes.sum())
    if n < 2 or not total:
        return 0.0, 0.5
    value = float(parts.sum()) / total
    residuals = parts - value * wholes
    return value, math.sqrt(n / (n - 1) * float((residuals**2).sum())) / total


def auc(scores: "NDArray[np.float64]", new: "NDArray[np.bool_]") -> tuple[float, float]:
    """The area under the ROC curve and its standard error (DeLong et al. 1988, by ranks: Sun & Xu 2014).

    The area is the chance that a new row scores higher than an earlier one, ties counting half (Hanley & McNeil 1982).
    """
    import numpy as np
    from scipy.stats import rankdata

    ranks, m = rankdata(scores), int(new.sum())
    n = len(new) - m
    above = (ranks[new] - rankdata(scores[new])) / n
    below = 1 - (ranks[~new] - rankdata(scores[~new])) / m
    spread = (np.var(above, ddof=1) / m if m > 1 else 0.25) + (np.var(below, ddof=1) / n if n > 1 else 0.25)
    return float(above.mean()), math.sqrt(float(spread))
