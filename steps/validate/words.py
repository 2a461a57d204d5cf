"""Words: how many of the new ones are unknown, and which set new texts apart. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from steps.snapshot.rows import normalise
from steps.validate import intervals
from steps.validate.intervals import Estimate
from steps.validate.near import LONGEST

_WORD = re.compile(r"[^\W_]+")
_LEAST = 5
_Z = 1.959963984540054


class Unknown(NamedTuple):
    """The share of unknown words among the new texts, among earlier ones that were left out of the vocabulary, and
    the difference."""

    new: Estimate
    expected: Estimate
    more: Estimate


class Telling(NamedTuple):
    """A word, the shares of new and earlier texts that have it, and how far it is from chance in standard errors."""

    word: str
    new: float
    earlier: float
    z: float


def words(text: str) -> list[str]:
    """The words of a text as they are counted: letters and digits between other characters, normalised."""
    return _WORD.findall(normalise(text[:LONGEST]))


def unknown(new: Sequence[str], earlier: Sequence[str], vocabulary: Iterable[str]) -> Unknown:
    """Words that no text of `vocabulary` has, in new and in earlier texts; the three share no text.

    Any sample lacks words, the more so where words take endings as in Korean: what counts is how many more unknown
    words there are than among earlier texts that the vocabulary was not made of either.
    """
    known = {word for text in vocabulary for word in words(text)}
    (a, spread_a), (b, spread_b) = (_rate(texts, known) for texts in (new, earlier))
    return Unknown(
        _around(a, spread_a, 0.0), _around(b, spread_b, 0.0), _around(a - b, (spread_a**2 + spread_b**2) ** 0.5, -1.0)
    )


def telling(new: Sequence[str], earlier: Sequence[str]) -> list[Telling]:
    """The words by which new texts differ, the most telling first: those that came, then those that went.

    The log-odds ratio with an informative Dirichlet prior, here the counts of both together, over its standard error
    (Monroe, Colaresi & Quinn 2008, "Fightin' Words", eqs. 16, 20 and 22). A text counts once for a word, and a word
    must stand in five texts: what one person alone writes is not shown.
    """
    from math import log, sqrt

    a, b = (Counter(word for text in texts for word in set(words(text))) for texts in (new, earlier))
    prior = a + b
    total_a, total_b, total = sum(a.values()), sum(b.values()), sum(prior.values())
    found = []
    for word, count in prior.items():
        if count < _LEAST:
            continue
        in_a, in_b = a[word] + count, b[word] + count
        apart = log(in_a / (total_a + total - in_a)) - log(in_b / (total_b + total - in_b))
        z = apart / sqrt(1 / in_a + 1 / in_b)
        found.append(Telling(word, a[word] / max(1, len(new)), b[word] / max(1, len(earlier)), z))
    return sorted(found, key=lambda told: (-told.z, told.word))


def _rate(texts: Sequence[str], known: set[str]) -> tuple[float, float]:
    import numpy as np

    counts = [(sum(word not in known for word in found), len(found)) for found in map(words, texts)]
    array = np.array(counts, np.float64).reshape(-1, 2)
    return intervals.ratio(array[:, 0], array[:, 1])


def _around(value: float, spread: float, least: float) -> Estimate:
    return Estimate(value, max(least, value - _Z * spread), min(1.0, value + _Z * spread))
