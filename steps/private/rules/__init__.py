"""The rules as one recogniser: every text as it reads, and once more with the numbers that it says in words."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from steps.private.first import FAMILIES, hits
from steps.private.rules.contacts import contacts
from steps.private.rules.numbers import numbers
from steps.private.rules.phones import phones
from steps.private.rules.places import places
from steps.private.rules.spoken import spoken
from steps.private.spans import RESERVED, Span
from steps.private.view import View, view

__all__ = ["Rules"]

_SAID = 0.95  # a number that is said is a little less sure than one that is written


class Rules:
    """Numbers, telephones, contacts and places."""

    name = "rules"

    def __init__(self, languages: Iterable[str] = ("ko", "en")) -> None:
        self.languages = frozenset(languages)

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text; they may overlap."""
        seen = [view(text) for text in texts]
        found: list[list[Span]] = [[] for _ in texts]
        for family, pattern in FAMILIES.items():
            for place in hits([one.text for one in seen], pattern):
                more = list(self._family(family, seen[place]))
                found[place] += _lifted(more, found[place]) if family == "spoken" else more
        return found

    def _family(self, family: str, seen: View) -> Iterator[Span]:
        if family == "spoken":
            for said in spoken(seen):
                for span in _back(said, (*numbers(said.text, self.languages), *phones(said.text))):
                    yield span if span.kind == RESERVED else span._replace(score=span.score * _SAID)
        elif family == "numbers":
            yield from _back(seen, (*numbers(seen.text, self.languages), *phones(seen.text)))
        elif family == "contacts":
            yield from _back(seen, contacts(seen.text))
        else:
            yield from _back(seen, places(seen.text, self.languages))


def _lifted(said: list[Span], written: list[Span]) -> Iterator[Span]:
    """Said numbers, surer than what they hold of the same kind: the digits of one that is half in words."""
    parts = sorted(written)
    for span in said:
        best, place = span.score, bisect_left(parts, (span.start,))
        while place < len(parts) and parts[place].start < span.end:
            part = parts[place]
            if part.kind == span.kind and part.end <= span.end:
                best = max(best, part.score + 0.001)
            place += 1
        yield span._replace(score=best)


def _back(seen: View, spans: Iterable[Span]) -> Iterator[Span]:
    """The spans of a view as spans of its text."""
    for span in spans:
        start, end = seen.back(span.start, span.end)
        yield span._replace(start=start, end=end)
