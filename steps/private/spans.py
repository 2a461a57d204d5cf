"""What a recogniser says: spans of a text. Pure.

Law: `settle` answers spans in order that don't overlap. A surrogate's place comes first, unless it is a part of what
checks by its own digits; then the surest wins, of equals the longest, of those the first.
"""

from collections.abc import Iterable, Sequence
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
    """Spans that don't overlap, in the order of the text."""
    kept: list[Span] = []
    found = list(spans)
    sure = [span for span in found if span.kind != RESERVED and span.score >= SURE]
    guards = {s for s in found if s.kind == RESERVED and any(_inside(s, other) for other in sure)}
    for span in sorted(
        (span for span in found if span not in guards),
        key=lambda s: (s.kind != RESERVED, -s.score, s.start - s.end, s.start),
    ):
        if span.start < span.end and all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)


def _inside(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end and inner[:2] != outer[:2]
