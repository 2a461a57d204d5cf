"""Clean texts: what was found is replaced, by surrogates in the texts that are kept and by its kind in the others.

Laws: a text's cleaning depends on the text, its scope, the settings and the key alone, not on the texts beside it;
cleaning twice changes nothing; `masked` doesn't depend on the key.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from steps.private.disguise import Disguise
from steps.private.first import suspects
from steps.private.settings import Privacy
from steps.private.spans import RESERVED, Recogniser, Span, settle

__all__ = ["Cleaned", "Deidentifier"]

_ROUNDS = 4  # a surrogate may complete what stands beside it; each round leaves fewer identifiers than the last


class Cleaned(NamedTuple):
    """`texts` with surrogates, `masked` with ⟨kind⟩ instead (the same under every key), `counts` by kind, and
    `touched`, the places of the texts that changed, in order."""

    texts: list[str]
    masked: list[str]
    counts: Counter[str]
    touched: list[int]


class Deidentifier:
    """Takes identifiers out of texts. Cheap to make and to pickle: recognisers are made when first used."""

    def __init__(self, settings: Privacy, key: bytes) -> None:
        if not key:
            raise ValueError("the key is empty: anybody could link the surrogates")
        self.settings = settings
        self.key = key
        self._disguise = Disguise(key)
        self._recognisers: list[Recogniser] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"settings": self.settings, "key": self.key}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["settings"], state["key"])  # type: ignore[misc]

    def clean(self, texts: Sequence[str], scopes: Sequence[str]) -> Cleaned:
        """The texts without their identifiers; `scopes` says, text by text, within what surrogates are consistent.

        Raises `StepError` if an engine that the settings name is not installed.
        """
        out, masked, counts = list(texts), list(texts), Counter[str]()
        if self.settings.off:
            return Cleaned(out, masked, counts, [])
        if len(texts) != len(scopes):
            raise ValueError(f"{len(texts)} texts have {len(scopes)} scopes")
        places = self._suspects(out)
        spans = self._settled([out[place] for place in places])
        first = [(place, found) for place, found in zip(places, spans, strict=True) if found]
        self._replace(masked, first, lambda _, span, __: f"⟨{span.kind}⟩", Counter())
        self._replace(out, first, self._surrogate(scopes), counts)
        return Cleaned(out, masked, counts, [place for place, _ in first if out[place] != texts[place]])

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans that would be replaced, text by text: settled, and without the kinds that are kept."""
        found: list[list[Span]] = [[] for _ in texts]
        places = self._suspects(texts)
        for place, spans in zip(places, self._settled([texts[place] for place in places]), strict=True):
            found[place] = spans
        return found

    def _suspects(self, texts: Sequence[str]) -> list[int]:
        if (
            set(self.settings.engines) <= {"rules", "names"}
            and self.settings.model is None
            and not self.settings.residue
        ):
            return suspects(texts, self.settings.languages)
        return list(range(len(texts)))

    def _settled(self, texts: Sequence[str]) -> list[list[Span]]:
        if not texts:
            return []
        every: list[list[Span]] = [[] for _ in texts]
        for recogniser in self._engines():
            for spans, more in zip(every, recogniser.find(texts), strict=True):
                spans += more
        least, keep = self.settings.least, {*self.settings.keep, RESERVED}
        return [
            [
                span
                for span in settle(s for s in spans if s.kind == RESERVED or s.score >= least)
                if span.kind not in keep
            ]
            for spans in every
        ]

    def _engines(self) -> list[Recogniser]:
        if self._recognisers is None:
            from steps.private.engines import recognisers

            self._recognisers = recognisers(self.settings)
        return self._recognisers

    def _replace(
        self,
        texts: list[str],
        found: Sequence[tuple[int, list[Span]]],
        by: Callable[[int, Span, str], str],
        counts: Counter[str],
    ) -> None:
        """Replaces what was found, in place, and what then is found, until there is nothing more."""
        for _ in range(_ROUNDS):
            for place, spans in found:
                counts.update(span.kind for span in spans)
                texts[place] = _with(texts[place], [(span, by(place, span, texts[place])) for span in spans])
            again = self._settled([texts[place] for place, _ in found])
            found = [(place, spans) for (place, _), spans in zip(found, again, strict=True) if spans]
            if not found:
                break

    def _surrogate(self, scopes: Sequence[str]) -> Callable[[int, Span, str], str]:
        return lambda place, span, text: self._disguise.surrogate(span.kind, scopes[place], text[span.start : span.end])


def _with(text: str, pieces: Iterable[tuple[Span, str]]) -> str:
    """The text with each span, in order, replaced."""
    out, at = [], 0
    for span, fresh in pieces:
        out += [text[at : span.start], fresh]
        at = span.end
    return "".join(out) + text[at:]
