"""Words: how many of the new ones are unknown, and which set new texts apart. Pure."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log, sqrt
from typing import NamedTuple

from steps.validate import intervals
from steps.validate.intervals import Estimate, Z
from steps.validate.near import LONGEST

_WORD = re.compile(r"[^\W_]+")
_LEAST = 5
_PRIOR = 0.1  # the prior weighs a tenth of the data


class Unknown(NamedTuple):
    """The share of unknown words among the new texts, among earlier ones that were left out of the vocabulary, and
    the difference."""

    new: Estimate
    expected: Estimate
    more: Estimate


class Telling(NamedTuple):
    """A word, its share of all new and of all earlier words, and how far apart they are in standard errors."""

    word: str
    new: float
    earlier: float
    z: float


def words(text: str) -> list[str]:
    """The words of a text: letters and digits between other characters, composed (NFC) and case folded."""
    return _WORD.findall(unicodedata.normalize("NFC", text[:LONGEST]).casefold())


def unknown(new: Sequence[str], earlier: Sequence[str], vocabulary: Iterable[str]) -> Unknown:
    """Words that no text of `vocabulary` has, in new and in earlier texts; the three share no text.

    Any sample lacks words, the more so where words take endings as in Korean: what counts is how many more unknown
    words there are than among earlier texts that the vocabulary was not made of either.
    """
    known = {word for text in vocabulary for word in words(text)}
    (a, spread_a), (b, spread_b) = (_rate(texts, known) for texts in (new, earlier))
    return Unknown(
        _around(a, spread_a, 0.0), _around(b, spread_b, 0.0), _around(a - b, sqrt(spread_a**2 + spread_b**2), -1.0)
    )


def telling(new: Sequence[str], earlier: Sequence[str]) -> list[Telling]:
    """The words by which new texts differ: first those that came, last those that went.

    The log-odds ratio with an informative Dirichlet prior, a tenth of the counts of both together, over its standard
    error (Monroe, Colaresi & Quinn 2008, "Fightin' Words", eqs. 16, 20 and 22). Shares are of words, not of texts, so
    that longer texts alone set no word apart. A text counts once for a word, and a word must stand in five texts: what
    one person alone writes is not shown.
    """
    a, b = (Counter(word for text in texts for word in set(words(text))) for texts in (new, earlier))
    both = a + b
    total_a, total_b = sum(a.values()), sum(b.values())
    weight = _PRIOR * (total_a + total_b)
    found = []
    for word, count in both.items():
        if count < _LEAST:
            continue
        in_a, in_b = a[word] + _PRIOR * count, b[word] + _PRIOR * count
        apart = log(in_a / (total_a + weight - in_a)) - log(in_b / (total_b + weight - in_b)) if len(both) > 1 else 0.0
        z = apart / sqrt(1 / in_a + 1 / in_b)
        found.append(Telling(word, a[word] / max(1, total_a), b[word] / max(1, total_b), z))
    return sorted(found, key=lambda told: (-told.z, told.word))


def _rate(texts: Sequence[str], known: set[str]) -> tuple[float, float]:
    import numpy as np

    counts = [(sum(word not in known for word in found), len(found)) for found in map(words, texts)]
    array = np.array(counts, np.float64).reshape(-1, 2)
    return intervals.ratio(array[:, 0], array[:, 1])


def _around(value: float, spread: float, least: float) -> Estimate:
    return Estimate(value, max(least, value - Z * spread), min(1.0, value + Z * spread))
