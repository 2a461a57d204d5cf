"""Whether new texts can be told from earlier ones: a classifier two-sample test. Pure.

A classifier is trained to tell new rows from earlier ones, and its AUC is measured on rows that it was not trained on
(two folds, each judged by the other's classifier): 0.5 when nothing has changed. The p-value comes from shuffling who
is new and doing *everything* again, p = (1 + #{shuffled >= observed}) / (B + 1) (Lopez-Paz & Oquab 2017, "Revisiting
classifier two-sample tests"; Ojala & Garriga 2010, "Permutation tests for studying classifier performance"), so that
it is exact for any number of rows.

The classifier is least squares with a ridge on hashed pieces of one to three characters, which for two classes is
Fisher's discriminant, regularised (Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, ex. 4.2).
All shuffles share one factorisation, X'X + aI, and are as many right-hand sides: B refits cost about as much as one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from steps.validate import intervals
from steps.validate.intervals import Estimate, Z
from steps.validate.near import LONGEST

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Reals = NDArray[np.float64]

FEATURES = 4_096
RIDGE = 2.0


class Told(NamedTuple):
    """How well new rows are told from earlier ones. `chance` are the AUCs after shuffling, in order."""

    auc: Estimate
    p: float
    chance: tuple[float, ...]


def tell(
    texts: Sequence[str], new: "NDArray[np.bool_]", fold: "NDArray[np.bool_]", permutations: int, seed: int
) -> Told | None:
    """The AUC, its interval and its p-value; None if a fold lacks new or earlier rows.

    The standard errors of the folds (DeLong's) are averaged, not their variances: each fold is judged by the other, so
    that both rest on the same pairs of rows, and their errors may be one and the same.
    `fold` says for each row which of two folds it is in, and must not depend on what is new.
    """
    import numpy as np

    if any(len(set(new[of].tolist())) < 2 for of in (fold, ~fold)):
        return None
    chance = np.random.default_rng(seed)
    answers = np.stack([new, *(chance.permutation(new) for _ in range(permutations))], axis=1)
    features = hashed(texts)
    areas, error = np.zeros(permutations + 1), 0.0
    for judged in (fold, ~fold):
        scores = _fitted(features[~judged], answers[~judged].astype(np.float64), features[judged])
        areas += [_area(scores[:, k], answers[judged, k]) / 2 for k in range(permutations + 1)]
        error += intervals.auc(scores[:, 0], new[judged])[1] / 2
    value, half = float(areas[0]), Z * error
    p = (1 + int((areas[1:] >= areas[0]).sum())) / (permutations + 1)
    return Told(Estimate(value, max(0.0, value - half), min(1.0, value + half)), p, tuple(np.sort(areas[1:]).tolist()))


def hashed(texts: Sequence[str]) -> Any:
    """Texts x 4,096, sparse: counts of hashed pieces of one to three characters within words, each row of length 1."""
    from sklearn.feature_extraction.text import HashingVectorizer

    how = HashingVectorizer(analyzer="char_wb", ngram_range=(1, 3), n_features=FEATURES)
    return how.transform([text[:LONGEST] for text in texts])


def _fitted(features: Any, answers: "Reals", others: Any) -> "Reals":
    """Scores of the others, one column for each column of answers. Centred, in place of an intercept.

    In the smaller of two spaces, with the same result: X'X + aI over features, or XX' + aI over rows (Saunders,
    Gammerman & Vovk 1998).
    """
    import numpy as np

    mean = np.asarray(features.mean(axis=0)).ravel()
    centred = answers - answers.mean(axis=0)
    if features.shape[0] * 2 > features.shape[1]:
        gram = (features.T @ features).toarray() - features.shape[0] * np.outer(mean, mean)
        weights = _solved(gram, features.T @ centred)
        return np.asarray(others @ weights - mean @ weights)
    ours = features @ mean
    gram = (features @ features.T).toarray() - ours[:, None] - ours + mean @ mean
    theirs = (others @ features.T).toarray() - (others @ mean)[:, None] - ours + mean @ mean
    return np.asarray(theirs @ _solved(gram, centred))


def _solved(gram: "Reals", right: "Reals") -> "Reals":
    """Overwrites `gram`."""
    import numpy as np
    from scipy.linalg import cho_factor, cho_solve

    gram[np.diag_indices_from(gram)] += RIDGE
    return np.asarray(cho_solve(cho_factor(gram, overwrite_a=True, check_finite=False), right))


def _area(scores: "Reals", new: "NDArray[np.bool_]") -> float:
    """The area alone, by the rank sum (Mann & Whitney 1947)."""
    from scipy.stats import rankdata

    m, n = int(new.sum()), int((~new).sum())
    return float((rankdata(scores)[new].sum() - m * (m + 1) / 2) / (m * n)) if m and n else 0.5
