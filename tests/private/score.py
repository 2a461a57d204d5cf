"""What a recogniser found, held against the labels.

The two criteria, over letters and digits alone (blanks, separators and what nobody sees don't count):
- an identifier is **found** if at least 0.8 of its secret is covered by spans, of whatever kind: it is then gone;
- a span is **right** if at least 0.5 of it lies in labels, of whatever kind; it counts to the kind that it claims.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from corpus import Item, Label

COVERED = 0.8
RIGHT = 0.5


class Found(NamedTuple):
    """A span that was recognised, in characters of the text."""

    start: int
    end: int
    kind: str


class Miss(NamedTuple):
    """A label that was not found (in its disguise), or a span that is not right."""

    item: Item
    kind: str
    start: int
    end: int
    disguise: str = ""

    @property
    def value(self) -> str:
        """What stands there."""
        return self.item.text[self.start : self.end]


class Score:
    """Counts by kind and by disguise; `add` takes one text after the other."""

    def __init__(self) -> None:
        self.labels: Counter[str] = Counter()
        self.caught: Counter[str] = Counter()
        self.worn: Counter[str] = Counter()
        self.unmasked: Counter[str] = Counter()
        self.spans: Counter[str] = Counter()
        self.right: Counter[str] = Counter()
        self.clean = self.touched = 0
        self.missed: list[Miss] = []
        self.wrong: list[Miss] = []

    def add(self, item: Item, found: Sequence[Found]) -> None:
        """One text and what was found in it."""
        covered = {place for one in found for place in range(one.start, one.end)}
        labelled = {place for label in item.labels for place in range(label.start, label.end)}
        for label in item.labels:
            self._label(item, label, covered)
        for one in found:
            self.spans[one.kind] += 1
            if share(item.text, one.start, one.end, labelled) >= RIGHT:
                self.right[one.kind] += 1
            else:
                self.wrong.append(Miss(item, *one[2:], *one[:2]))
        if not item.labels:
            self.clean += 1
            self.touched += bool(found)

    def _label(self, item: Item, label: Label, covered: set[int]) -> None:
        self.labels[label.kind] += 1
        self.worn[label.disguise] += 1
        if share(item.text, *label.secret, covered) >= COVERED:
            self.caught[label.kind] += 1
            self.unmasked[label.disguise] += 1
        else:
            self.missed.append(Miss(item, label.kind, label.start, label.end, label.disguise))

    def recall(self, *kinds: str) -> float:
        """Of these kinds together; 1 where there is nothing to find."""
        return _ratio(sum(self.caught[kind] for kind in kinds), sum(self.labels[kind] for kind in kinds))

    def precision(self, *kinds: str) -> float:
        """Of the spans that claim these kinds; 1 where none does."""
        return _ratio(sum(self.right[kind] for kind in kinds), sum(self.spans[kind] for kind in kinds))


def share(text: str, start: int, end: int, places: set[int]) -> float:
    """The share of letters and digits of `text[start:end]` that lie in `places`; 0 where there are none."""
    core = [place for place in range(start, end) if text[place].isalnum()]
    return sum(place in places for place in core) / len(core) if core else 0.0


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
