"""Near-duplicates: which texts are almost the same as another one. Pure.

MinHash (Broder 1997, "On the resemblance and containment of documents"): the share of hash functions under which two
sets have the same smallest element estimates their Jaccard similarity |A & B| / |A | B|. Locality-sensitive hashing
in bands finds the candidates (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, 3.4); every candidate is then
verified by the exact similarity, so that nothing is called a near-duplicate that is none.

A text is the set of its pieces of 5 characters, of the form in which texts count as the same; a shorter text is one
piece. Only the first 500 characters count.

In a bucket of many texts each is compared with its 8 neighbours in an order that differs from band to band, not
with all, and a text for which sixteen candidates turned out to be none is given up: that is linear in the rows,
whatever they are, and finds one near-duplicate of each text, which is all that is asked.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from steps.snapshot.rows import normalise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Words = NDArray[np.uint64]

PIECE = 5
LONGEST = 2_000  # characters of a text that other checks look at
_COMPARED = 500
HASHES = 64
_NEIGHBOURS = 8
_TRIES = 16
_CHUNK = 4_096
_RECALL = 0.995


class Pieces(NamedTuple):
    """The hashed pieces of n texts one after another: those of text i are `hashed[starts[i]:starts[i + 1]]`."""

    hashed: "Words"
    starts: "Integers"


class Near(NamedTuple):
    """For each of n rows and each side (0 train, 1 hold-out) the place of a near-duplicate, or -1, and how similar;
    for each row how many candidates turned out to be none."""

    beside: "Integers"
    similarity: "NDArray[np.float64]"
    tries: "Integers"


def near_duplicates(texts: Sequence[str], sides: "Integers", similarity: float, seed: int) -> Near:
    """The near-duplicates among the texts, given on which side (0 or 1) each stands."""
    import numpy as np

    forms = [form(text) for text in texts]
    signed = _signed(forms, seed)
    found = Near(np.full((len(texts), 2), -1, np.int64), np.zeros((len(texts), 2)), np.zeros(len(texts), np.int64))
    bands, rows = banding(similarity)
    chance = np.random.default_rng(seed)
    for band in range(bands):
        keys = _folded(signed[:, band * rows : (band + 1) * rows])
        shuffled = chance.permutation(len(texts))
        order = shuffled[np.argsort(keys[shuffled], kind="stable")]
        for offset in range(1, _NEIGHBOURS + 1):
            same = keys[order[:-offset]] == keys[order[offset:]]
            if not same.any():
                break
            _note(found, forms, sides, np.stack([order[:-offset][same], order[offset:][same]]), similarity)
    return found


def banding(similarity: float) -> tuple[int, int]:
    """Bands and rows a band of at most 64 hashes: the longest rows by which a pair that is just similar enough is a
    candidate with a chance of 99.5 %, 1 - (1 - s^r)^b."""
    for rows in range(16, 1, -1):
        bands = HASHES // rows
        if 1 - (1 - similarity**rows) ** bands >= _RECALL:
            return bands, rows
    return HASHES, 1


def form(text: str) -> str:
    """What of a text is compared."""
    return normalise(text[:_COMPARED])[:_COMPARED]


def cut(forms: Sequence[str]) -> Pieces:
    """Every piece of every text as a 64-bit number: a polynomial of its code points (Karp & Rabin 1987), mixed."""
    import numpy as np

    lengths = np.array([len(text) for text in forms], np.int64)
    counts = np.maximum(1, lengths - PIECE + 1)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    padded = "".join(text.ljust(PIECE, "\0") for text in forms)
    points = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    at = _ranges(starts[:-1] + np.arange(len(forms)) * (PIECE - 1), counts)
    value = np.zeros(len(at), np.uint64)
    for k in range(PIECE):
        value = value * np.uint64(0x9E3779B97F4A7C15) + points[at + k]
    return Pieces(_mixed(value), starts)


def signatures(pieces: Pieces, hashes: int, seed: int) -> "NDArray[np.uint32]":
    """MinHash signatures, texts x hashes."""
    import numpy as np

    chance = np.random.default_rng(seed)
    salts = chance.integers(0, 2**32, hashes, np.uint32)
    factors = chance.integers(0, 2**31, hashes, np.uint32) * np.uint32(2) + np.uint32(1)
    words = (pieces.hashed >> np.uint64(32)).astype(np.uint32)
    signed = np.empty((len(pieces.starts) - 1, hashes), np.uint32)
    for k in range(hashes):
        value = (words ^ salts[k]) * factors[k]
        value ^= value >> np.uint32(15)
        value *= np.uint32(0x2C1B3C6D)
        signed[:, k] = np.minimum.reduceat(value, pieces.starts[:-1])
    return signed


def jaccard(pieces: Pieces, left: "Integers", right: "Integers") -> "NDArray[np.float64]":
    """The exact similarity of each of at most 4,096 pairs, up to a collision of two pieces in 52 bits."""
    import numpy as np

    one, other = _sets(pieces, left), _sets(pieces, right)
    both = np.sort(np.concatenate([one, other]))
    twice = both[1:][both[1:] == both[:-1]]
    common = np.bincount(_owner(twice), minlength=len(left))
    sizes = sum(np.bincount(_owner(keys), minlength=len(left)) for keys in (one, other))
    return np.asarray(common / (sizes - common))


def _signed(forms: Sequence[str], seed: int) -> "NDArray[np.uint32]":
    """The signatures of all texts; of a few at a time are the pieces in memory."""
    import numpy as np

    some = [signatures(cut(forms[k : k + _CHUNK]), HASHES, seed) for k in range(0, len(forms), _CHUNK)]
    return np.concatenate(some) if some else np.empty((0, HASHES), np.uint32)


def _similarities(forms: Sequence[str], left: "Integers", right: "Integers") -> "NDArray[np.float64]":
    """The exact similarity of any number of pairs, a few at a time."""
    import numpy as np

    found = np.empty(len(left))
    for first in range(0, len(left), _CHUNK):
        some = slice(first, first + _CHUNK)
        used, places = np.unique(np.concatenate([left[some], right[some]]), return_inverse=True)
        pieces = cut([forms[k] for k in used.tolist()])
        found[some] = jaccard(pieces, *np.split(places, 2))
    return found


def _note(found: Near, forms: Sequence[str], sides: "Integers", pairs: "Integers", similarity: float) -> None:
    """Verify the pairs that would tell something new, and note those which hold."""
    import numpy as np

    left, right = pairs
    fresh = (found.beside[left, sides[right]] < 0) | (found.beside[right, sides[left]] < 0)
    fresh &= (found.tries[left] < _TRIES) & (found.tries[right] < _TRIES)
    left, right = left[fresh], right[fresh]
    exact = _similarities(forms, left, right)
    holds = exact >= similarity
    np.add.at(found.tries, np.concatenate([left[~holds], right[~holds]]), 1)
    for one, other in ((left[holds], right[holds]), (right[holds], left[holds])):
        found.beside[one, sides[other]] = other
        found.similarity[one, sides[other]] = exact[holds]


def _sets(pieces: Pieces, texts: "Integers") -> "Words":
    """The distinct pieces of these texts as sorted numbers: 12 bits of a text's place in `texts`, 52 of a piece."""
    import numpy as np

    counts = pieces.starts[texts + 1] - pieces.starts[texts]
    words = pieces.hashed[_ranges(pieces.starts[texts], counts)]
    owners = np.repeat(np.arange(len(texts), dtype=np.uint64), counts)
    keys = np.sort((owners << np.uint64(52)) | (words >> np.uint64(12)))
    first = np.ones(len(keys), np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    return np.asarray(keys[first])


def _owner(keys: "Words") -> "Integers":
    import numpy as np

    return (keys >> np.uint64(52)).astype(np.int64)


def _ranges(starts: "Integers", counts: "Integers") -> "Integers":
    """start, start + 1, ... for each start, count of them, one after another."""
    import numpy as np

    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + counts, counts)


def _folded(columns: "NDArray[np.uint32]") -> "Words":
    """One 64-bit number for each row of a band."""
    import numpy as np

    value = np.zeros(len(columns), np.uint64)
    for column in columns.T:
        value = _mixed(value * np.uint64(0x9E3779B97F4A7C15) + column)
    return value


def _mixed(value: "Words") -> "Words":
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    import numpy as np

    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
