"""A text as it reads, with the way back: what only looks different is made equal before any rule sees it. Pure.

Laws: full-width, mathematical and Arabic digits are digits; letters that look Latin are Latin; what has no width is
gone; jamo are syllables. `View.back` maps characters of the view to the characters of the text that they came from,
and its spans never split what came from one character. A text of ASCII, syllables and lone jamo is its own view.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

__all__ = ["ODD", "View", "view"]

# Everything but printable ASCII, line ends, Hangul syllables and compatibility jamo (U+3164 is a filler: invisible).
ODD_CLASS = r"[^\t\n\r\x20-\x7e가-힣ㄱ-ㅣㅥ-ㆎ]"
ODD = re.compile(ODD_CLASS)

# Letters of other scripts that look Latin: a choice from Unicode's confusables (UTS #39), those of one shape.
_LOOKALIKES = str.maketrans(
    "〇АВЕКМНОРСТУХаеорсухіјѕԁһԛԝѵΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαινІЈЅɡıⅼӏτ",
    "0ABEKMHOPCTYXaeopcyxijsdhqwvABEZHIKMNOPTYXoaivIJSgilit",
)
_FILLERS = "\u115f\u1160\u3164\uffa0"
_DASHES = "\u2212\u30fc\u2043\u02d7\u2796"  # minus, long vowel, hyphen bullet and what else is drawn as a dash


class View(NamedTuple):
    """`text` to search in. Character i stands for `starts[i]:ends[i]` of the original; None: for itself."""

    text: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Where view[start:end] (not empty) stands in the original."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]

    def cell(self, place: int) -> tuple[int, int]:
        """Where the view's character at `place` stands in the original."""
        return self.back(place, place + 1)


def view(text: str) -> View:
    """The text as it reads."""
    if ODD.search(text) is None:
        return View(text)
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for place, char in enumerate(text):
        for plain in _fold(char):
            whole = _joined(chars[-1], plain) if chars and "\u1161" <= plain <= "\u11c2" else ""
            if whole:
                chars[-1], ends[-1] = whole, place + 1
            else:
                chars.append(plain)
                starts.append(place)
                ends.append(place + 1)
    return View("".join(chars), starts, ends)


@lru_cache(maxsize=20_000)
def _fold(char: str) -> str:
    """One character as it reads: none, one or several."""
    if ODD.match(char) is None:
        return char
    category = unicodedata.category(char)
    if category in ("Cf", "Mn", "Me", "Cc", "Cs") or char in _FILLERS:
        return ""
    if category[0] == "Z":
        return " " if category == "Zs" else "\n"
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Pd" or char in _DASHES:
        return "-"
    folded = unicodedata.normalize("NFKC", char).translate(_LOOKALIKES)
    return "".join(_fold(part) if part != char and ODD.match(part) else part for part in folded)


def _joined(last: str, jamo: str) -> str:
    """The syllable that `last`, a leading consonant or an open syllable, makes with a jamo; empty if none."""
    whole = unicodedata.normalize("NFC", last + jamo)
    return whole if len(whole) == 1 else ""
