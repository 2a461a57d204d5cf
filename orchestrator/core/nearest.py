"""The word that was probably meant. Pure."""

from collections.abc import Iterable


def distance(one: str, other: str) -> int:
    """How many letters must be inserted, deleted, replaced or swapped with their neighbour to get the other word.

    Optimal string alignment (Damerau-Levenshtein in which no letter is edited twice).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            best = min(row[j - 1] + 1, before[j] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]


def nearest(word: str, words: Iterable[str], within: int = 2) -> str | None:
    """The closest of the words, ignoring case, if at most `within` edits away; the first of equally close ones."""
    folded = word.casefold()
    near = [(distance(folded, one.casefold()), one) for one in words if abs(len(one) - len(word)) <= within]
    best = min(near, key=lambda pair: pair[0], default=(within + 1, ""))
    return best[1] if best[0] <= within else None


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """A cure: the closest word if there is one, else all of them."""
    known = sorted(words)
    if found := nearest(word, known):
        return f"did you mean {found}?"
    return f"known: {', '.join(known)}" if known else "none is known"
