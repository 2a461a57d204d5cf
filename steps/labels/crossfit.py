"""A cheap model that no row has taught: hashed character n-grams and a logistic regression, cross-fitted. Pure.

Law: a row's fold depends on its id and the seed alone, and the rows are learnt in the order of their ids: whoever hands
the rows in another order gets the same probabilities, in that order.
"""

import unicodedata
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDS = 3
MOST_CLASSES = 50
"""With more, all classes are alike to it: there would be too few rows a class to learn from."""
_TAUGHT = 40_000  # rows that a fold's model learns from, divided by the classes: each costs a model of its own
_SIZE = 2**18
_LONGEST = 2_000  # characters of a text that are read


def vectors(texts: Sequence[str]) -> Any:
    """Counts of character n-grams (1 to 3, inside words) hashed into 2**18 places, of which those that occur remain: a
    CSR matrix, each row of length 1.
    """
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import HashingVectorizer

    counted = HashingVectorizer(
        analyzer="char_wb", ngram_range=(1, 3), n_features=_SIZE, alternate_sign=False, norm="l2", lowercase=False
    )
    found = counted.transform([unicodedata.normalize("NFKC", text[:_LONGEST]).casefold() for text in texts]).tocsr()
    there, places = np.unique(found.indices, return_inverse=True)
    return csr_matrix((found.data, places, found.indptr), shape=(len(texts), len(there)))


def rarities(counts: Any) -> Any:
    """Which n-grams a row has, weighted by how rare they are among the rows: of `vectors`, each row of length 1 again.

    The product of two rows is their likeness, in [0, 1]. Counts would make all long texts of a language alike, since
    the frequent letters are the same in all of them.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    had = counts.copy()
    had.data[:] = 1
    return TfidfTransformer().fit_transform(had).tocsr()


def fold(identity: str, seed: int, folds: int = FOLDS) -> int:
    """The part of the data that a row belongs to."""
    return int(sha256(f"{seed}:{identity}".encode()).hexdigest()[:8], 16) % folds


def probabilities(
    found: Any, given: "NDArray[np.int_]", ids: Sequence[str], classes: int, seed: int = 0
) -> "NDArray[np.float64]":
    """Out-of-sample probabilities, n × classes: each fold's by a model that has learnt the others.

    A class that the others lack has probability 0 there; where they hold one class alone, it has probability 1; where
    they are empty, or there are more than `MOST_CLASSES`, all classes are alike.
    """
    import numpy as np

    order = np.array(sorted(range(len(ids)), key=lambda i: ids[i]), dtype=np.int_)
    parts = np.array([fold(ids[i], seed) for i in order], dtype=np.int_)
    sorted_rows, sorted_labels = found[order], given[order]
    p = np.full((len(ids), classes), 1 / max(1, classes))
    for part in range(FOLDS if classes <= MOST_CLASSES else 0):
        asked = np.flatnonzero(parts == part)
        taught = np.flatnonzero(parts != part)
        if len(asked) and len(taught):
            p[order[asked]] = _learnt(sorted_rows[taught], sorted_labels[taught], sorted_rows[asked], classes)
    return p


def _learnt(rows: Any, given: "NDArray[np.int_]", asked: Any, classes: int) -> "NDArray[np.float64]":
    import numpy as np
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    p = np.zeros((asked.shape[0], classes))
    some = slice(0, _TAUGHT // len(np.unique(given)))
    rows, given = rows[some], given[some]
    there = np.unique(given)
    if len(there) == 1:
        p[:, there[0]] = 1
        return p
    weigh = TfidfTransformer().fit(rows)
    one: Any = LogisticRegression(C=3.0, solver="liblinear", max_iter=100, tol=1e-3)
    model = one if len(there) == 2 else OneVsRestClassifier(one)
    model.fit(weigh.transform(rows), given)
    p[:, model.classes_] = model.predict_proba(weigh.transform(asked))
    return p
