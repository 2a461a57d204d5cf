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


def joint(given: "Classes", p: "Floats") -> "Classes":
    """The confident joint C (eq. 1), classes × classes: rows labelled i that are confidently counted as j."""
    import numpy as np

    counted, classes = confident(given, p), p.shape[1]
    sure = counted >= 0
    flat = np.bincount(given[sure] * classes + counted[sure], minlength=classes * classes)
    return flat.reshape(classes, classes)


def calibrated(counts: "Classes", given: "Classes") -> "Floats":
    """Q, the joint distribution of given and true labels (eq. 3): row i of C scaled to the share of label i.

    A class of which nothing was counted confidently is taken to be labelled rightly.
    """
    import numpy as np

    sums, shares = counts.sum(axis=1, keepdims=True), np.bincount(given, minlength=len(counts)) / max(1, len(given))
    spread = np.where(sums > 0, counts / np.maximum(sums, 1), np.eye(len(counts)))
    return np.asarray(spread * shares[:, None], dtype=np.float64)


def margins(given: "Classes", p: "Floats") -> "Floats":
    """How much likelier the likeliest other class is than the given one, n values in [-1, 1]."""
    import numpy as np

    rows = np.arange(len(given))
    others = p.astype(np.float64).copy()
    others[rows, given] = -np.inf
    return np.asarray(others.max(axis=1) - p[rows, given], dtype=np.float64)


def by_noise_rate(given: "Classes", p: "Floats") -> "NDArray[np.bool_]":
    """Prune by noise rate (section 3.2): for each i ≠ j, the n·Q_ij rows labelled i with the greatest p_j - p_i.

    Rows of equal margin at the border are taken together, so that no order decides between them.
    """
    import numpy as np

    found = np.zeros(len(given), dtype=np.bool_)
    expected = calibrated(joint(given, p), given) * len(given)
    for i, j in zip(*np.nonzero(np.rint(expected)), strict=True):
        if i != j:
            places = np.flatnonzero(given == i)
            margin = p[places, j] - p[places, i]
            most = min(len(places), int(np.rint(expected[i, j])))
            found[places[margin >= np.partition(margin, -most)[-most]]] = True
    return found


def mislabelled(given: "Classes", p: "Floats") -> "NDArray[np.bool_]":
    """The rows that are confidently counted as another class: the off-diagonal entries of C (section 3.2, method 2)."""
    import numpy as np

    counted = confident(given, p)
    return np.asarray((counted >= 0) & (counted != given), dtype=np.bool_)
