"""What a recogniser says: spans of a text. Pure.

Law: `settle` answers spans in order that don't overlap. A surrogate's place comes first, unless it is a part of what
checks by its own digits; then the surest wins, of equals the longest, of those the first.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

__all__ = ["KINDS", "RESERVED", "Recogniser", "Span", "settle"]

RESERVED = "reserved"  # the kind of a surrogate that is met again: it is left as it stands and guards its place

SURE = 0.97  # what a check digit or an unmistakable form says

KINDS = {
    "account": "bank account, told by the words around it",
    "address": "street address: Korean by road or lot number, English by street",
    "business": "Korean business registration number, by checksum",
    "card": "payment card, by issuer and Luhn",
    "email": "e-mail address",
    "handle": "name of a user on some site, told by @ or by the words around it",
    "iban": "international bank account number, by checksum",
    "ip": "IPv4 or IPv6 address",
    "licence": "driver's licence",
    "name": "name of a person",
    "passport": "passport number",
    "phone": "telephone number",
    "residue": "a token that stands where identifiers stand",
    "rrn": "Korean resident or foreigner registration number",
    "ssn": "US social security number",
    "url": "web address that says more than a public host",
}


class Span(NamedTuple):
    """Characters `start` up to `end` (exclusive) of a text are of `kind`; `score` 0-1 says how sure `engine` is."""

    start: int
    end: int
    kind: str
    score: float = 1.0
    engine: str = "rules"


class Recogniser(Protocol):
    """Finds identifiers. It may be slow to make, and is then made once per process."""

    name: str

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in the order of the texts; what stands in one text never depends on another."""
        ...


def settle(spans: Iterable[Span]) -> list[Span]:
    """Spans that don't overlap, in the order of the text; n log n of n spans, but for shifting."""
    found = [span for span in set(spans) if span.start < span.end]
    outweighed = _within(found)
    kept: list[Span] = []
    for span in sorted(found, key=lambda s: (s.kind != RESERVED, -s.score, s.start - s.end, s)):
        place = bisect_right(kept, (span.end,))
        if span not in outweighed and (place == 0 or kept[place - 1].end <= span.start):
            kept.insert(place, span)
    return kept


def _within(spans: Sequence[Span]) -> set[Span]:
    """The guards that are a part, and not the whole, of a span that is sure."""
    sure = sorted(span[:2] for span in spans if span.kind != RESERVED and span.score >= SURE)
    furthest = list(accumulate((end for _, end in sure), max))
    return {
        span
        for span in spans
        if span.kind == RESERVED
        and (
            _reach(sure, furthest, (span.start, span.end)) >= span.end
            or _reach(sure, furthest, (span.start + 1, 0)) > span.end
        )
    }


def _reach(sure: list[tuple[int, int]], furthest: list[int], before: tuple[int, int]) -> int:
    """How far those reach that come before a place."""
    place = bisect_left(sure, before)
    return furthest[place - 1] if place else -1
