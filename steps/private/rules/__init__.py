"""The rules as one recogniser: every text as it reads, and once more with the numbers that it says in words."""

from collections.abc import Iterable, Sequence

from steps.private.rules.contacts import contacts
from steps.private.rules.numbers import numbers
from steps.private.rules.phones import phones
from steps.private.rules.places import places
from steps.private.rules.spoken import spoken
from steps.private.spans import RESERVED, Span
from steps.private.view import view

__all__ = ["Rules"]

_SAID = 0.95  # a number that is said is a little less sure than one that is written


class Rules:
    """Numbers, telephones, contacts and places."""

    name = "rules"

    def __init__(self, languages: Iterable[str] = ("ko", "en")) -> None:
        self.languages = frozenset(languages)

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text; they may overlap."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> list[Span]:
        seen = view(text)
        spans = [*numbers(seen.text, self.languages), *phones(seen.text), *contacts(seen.text)]
        spans += places(seen.text, self.languages)
        found = [span._replace(start=a, end=b) for span in spans for a, b in (seen.back(span.start, span.end),)]
        for said in spoken(seen):
            for span in (*numbers(said.text, self.languages), *phones(said.text)):
                a, b = said.back(span.start, span.end)
                score = span.score if span.kind == RESERVED else span.score * _SAID
                found.append(span._replace(start=a, end=b, score=score))
        return found
