"""How far people agree about labels: raw agreement, Cohen's kappa, Krippendorff's alpha with an interval. Pure.

A unit is a row; its votes are the labels that people gave it, one a person. Only units with two votes or more tell
anything.

- kappa: Cohen, "A coefficient of agreement for nominal scales", Educ Psychol Meas 20 (1960) 37-46:
  (p_o - p_c)/(1 - p_c).
- alpha, nominal: Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: 1 - D_o/D_e, with any
  number of people and missing votes. Its interval is the percentile bootstrap over units.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Unit = Mapping[str, str]
"""Who gave which label: login to name of the class."""
_RESAMPLES = 2_000
_TWO_SIDED = (2.5, 97.5)  # percentiles of a 95 % interval


class Agreement(NamedTuple):
    """`rows` that `people` labelled in twos or more; `raw` is the share of pairs of votes that agree.

    A coefficient is None where chance alone would agree as well: all votes are one label. `kappa` is given for two
    people alone. `low` and `high` are alpha's 95 % interval; None where resampling says nothing.
    """

    rows: int
    people: int
    raw: float
    alpha: float | None
    low: float | None
    high: float | None
    kappa: float | None


def kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Cohen's kappa of two people's labels for the same rows; None for no rows, or where p_c is 1."""
    n = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[name] * second[name] for name in first)  # p_c · n²
    if not n or chance == n * n:
        return None
    observed = sum(a == b for a, b in pairs)
    return (observed * n - chance) / (n * n - chance)


def alpha(units: Sequence[Unit], seed: int = 0) -> tuple[float | None, float | None, float | None]:
    """Krippendorff's alpha for nominal labels, and the ends of its interval."""
    import numpy as np

    votes = [list(unit.values()) for unit in units if len(unit) > 1]
    names = sorted({name for unit in votes for name in unit})
    if not votes:
        return None, None, None
    places = {name: place for place, name in enumerate(names)}
    counts = np.zeros((len(votes), len(names)))
    for row, unit in enumerate(votes):
        np.add.at(counts[row], [places[name] for name in unit], 1)
    value = float(_alphas(np.ones((1, len(votes))), counts)[0])
    draws = np.random.default_rng(seed).multinomial(len(votes), np.full(len(votes), 1 / len(votes)), _RESAMPLES)
    drawn = _alphas(draws.astype(np.float64), counts)
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value):
        return None, None, None
    if not len(drawn) or len(votes) < 2 or drawn.min() == drawn.max():
        return value, None, None
    low, high = np.percentile(drawn, _TWO_SIDED)
    return value, float(low), float(high)


def _alphas(times: "Floats", counts: "Floats") -> "Floats":
    """alpha for each way of counting every unit so many times: `times` is ways × units, `counts` units × labels.

    D_o = Σ_u (m_u² - Σ_c n_uc²)/(m_u - 1) / n and D_e = (n² - Σ_c n_c²)/(n (n - 1)); NaN where D_e is 0.
    """
    import numpy as np

    m = counts.sum(axis=1)
    observed = times @ ((m**2 - (counts**2).sum(axis=1)) / (m - 1))
    n = times @ m
    expected = n**2 - ((times @ counts) ** 2).sum(axis=1)
    return np.where(expected > 0, 1 - observed * (n - 1) / np.where(expected > 0, expected, 1), np.nan)


def agreement(units: Sequence[Unit], seed: int = 0) -> Agreement | None:
    """All figures over the units with two votes or more, in whatever order they come; None where there are none."""
    told = sorted(tuple(sorted(unit.items())) for unit in units if len(unit) > 1)
    if not told:
        return None
    people = sorted({who for unit in told for who, _ in unit})
    pairs = [(a, b) for unit in told for (_, a), (_, b) in combinations(unit, 2)]
    value, low, high = alpha([dict(unit) for unit in told], seed)
    raw = sum(a == b for a, b in pairs) / len(pairs)
    return Agreement(len(told), len(people), raw, value, low, high, kappa(pairs) if len(people) == 2 else None)


def sentence(found: Agreement | None, kept: int, votes: int) -> str:
    """For a planner: `kept` of the `votes` leave the label as the source gave it. Empty where nobody said anything."""
    if not votes:
        return ""
    said = (
        f"{kept} of {votes} votes confirm the source's label; the rows were chosen because they look wrong, so this is "
        "no rate of errors in the data."
    )
    if found is None:
        return f"No row was labelled by two people, so how far they agree can't be told. {said}"
    numbers = "all gave one label, which chance does as well"
    if found.alpha is not None:
        numbers = f"Krippendorff's alpha {found.alpha:.2f}"
    if found.low is not None and found.high is not None:
        numbers += f", 95 % interval {found.low:.2f} to {found.high:.2f}"
    rows = "the one row" if found.rows == 1 else f"{found.rows} rows"
    return f"Reviewers agree in {100 * found.raw:.0f} % of pairs of votes on {rows} with several ({numbers}). {said}"
