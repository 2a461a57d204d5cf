"""Rows that differ: a greedy choice in which worth counts, and likeness to what is chosen already counts against. Pure.

Greedy k-center (Sener & Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach", ICLR 2018,
algorithm 1; Gonzalez 1985) takes the row farthest from all that are chosen. Here the distance, 1 less the cosine of
hashed n-grams weighted by rarity (`crossfit.rarities`), is multiplied by the row's worth, since the farthest row of all
is often a worthless one.

Law: no two chosen rows are as near as `NEAR`; of equal rows the one of the smaller place is taken.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NEAR = 0.6
"""The likeness from which two texts count as near-equal: of short reviews, those that differ in a word of filling."""
_POOL = 2  # candidates a place: of the worthiest so many, diversity chooses (measured, see docs/log.md)


class Chosen:
    """The rows chosen so far, and how near every row is to the nearest of them. `vectors`: n rows of length 1, CSR."""

    def __init__(self, vectors: Any) -> None:
        import numpy as np

        self.vectors = vectors
        self.places: list[int] = []
        self._nearest = np.zeros(vectors.shape[0])

    def add(self, worth: "Floats", count: int) -> list[int]:
        """Choose at most `count` more rows of positive worth (n values in [0, 1]); their places, in order of choice."""
        import numpy as np

        free = np.flatnonzero((worth > 0) & (self._nearest < NEAR))
        pool = free[np.lexsort((free, -worth[free]))]
        found: list[int] = []
        while len(found) < count and len(pool):
            some = pool[: max(1, _POOL * count - len(found))]
            best = int(some[(worth[some] * (1 - self._nearest[some])).argmax()])
            found.append(best)
            self._take(best)
            pool = pool[self._nearest[pool] < NEAR]
        return found

    def _take(self, place: int) -> None:
        import numpy as np

        self.places.append(place)
        likeness = (self.vectors @ self.vectors[place].T).toarray().ravel()
        likeness[place] = 1  # a text without a single n-gram has no length
        self._nearest = np.maximum(self._nearest, likeness)
