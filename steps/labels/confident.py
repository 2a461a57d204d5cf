"""Confident learning: which labels are probably wrong, given out-of-sample probabilities. Pure.

Northcutt, Jiang & Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70 (2021) 1373-1411;
equation numbers are that paper's. Written from its equations. `given` holds n class numbers, `p` is n × classes, each
row of it by a model that has not learnt from that row.

Law: the order of the rows changes nothing, and a class that no row is labelled with is never suspected.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Classes = NDArray[np.int_]
    Floats = NDArray[np.float64]

_EXACT = 1e-6  # a class whose rows all have one probability reaches its own mean, whatever rounding does to it


def thresholds(given: "Classes", p: "Floats") -> "Floats":
    """t_j, the expected self-confidence of each class (eq. 2): the mean of p_j over the rows labelled j.

    Infinite for a class without rows.
    """
    import numpy as np

    counts = np.bincount(given, minlength=p.shape[1])
    sums = np.bincount(given, weights=p[np.arange(len(given)), given], minlength=p.shape[1])
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)


def confident(given: "Classes", p: "Floats") -> "Classes":
    """The class that each row is confidently counted as (eq. 1): the likeliest of those with p_j ≥ t_j; -1 for none."""
    import numpy as np

    reached = np.where(p >= thresholds(given, p) - _EXACT, p, -np.inf)
    return np.where(np.isfinite(reached).any(axis=1), reached.argmax(axis=1), -1)


def margins(given: "Classes", p: "Floats") -> "Floats":
    """How much likelier the likeliest other class is than the given one, n values in [-1, 1]."""
    import numpy as np

    rows = np.arange(len(given))
    others = p.astype(np.float64).copy()
    others[rows, given] = -np.inf
    return np.asarray(others.max(axis=1) - p[rows, given], dtype=np.float64)


def mislabelled(given: "Classes", p: "Floats") -> "NDArray[np.bool_]":
    """The rows in the confident joint's cells off the diagonal: labelled i, confidently counted as j (section 3.2).

    Of the paper's five ways to choose this one was the most precise for us (docs/log.md).
    """
    import numpy as np

    counted = confident(given, p)
    return np.asarray((counted >= 0) & (counted != given), dtype=np.bool_)
