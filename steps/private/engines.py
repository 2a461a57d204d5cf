"""The recognisers that the settings name, and kept libraries behind the same interface.

Law: what stands in a reserved range is nobody's, whichever engine says otherwise. Libraries are imported when their
engine is made, once per process.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from steps.contract import StepError
from steps.private.names import Names
from steps.private.rules import Rules
from steps.private.settings import Privacy
from steps.private.spans import RESERVED, Recogniser, Span
from steps.private.surrogates import lies
from steps.private.view import view

__all__ = ["KoPii", "Presidio", "recognisers"]

_KO_PII = {
    "RRN": "rrn", "FRN": "rrn", "BUSINESS_REG": "business", "DRIVER_LICENSE": "licence", "PASSPORT": "passport",
    "CARD": "card", "ACCOUNT": "account", "PHONE": "phone", "FAX": "phone", "EMAIL": "email", "IP": "ip", "URL": "url",
    "PERSON": "name", "ADDRESS": "address",
}  # fmt: skip
_PRESIDIO = {
    "KR_RRN": "rrn", "KR_FRN": "rrn", "KR_BRN": "business", "KR_DRIVER_LICENSE": "licence", "KR_PASSPORT": "passport",
    "CREDIT_CARD": "card", "IBAN_CODE": "iban", "PHONE_NUMBER": "phone", "EMAIL_ADDRESS": "email", "IP_ADDRESS": "ip",
    "URL": "url", "US_SSN": "ssn", "US_PASSPORT": "passport", "US_DRIVER_LICENSE": "licence",
    "US_BANK_NUMBER": "account",
}  # fmt: skip


class KoPii:
    """ko-pii's detectors, those of the kinds that are known here."""

    name = "ko-pii"

    def __init__(self, languages: Iterable[str] = ("ko",)) -> None:
        try:
            from ko_pii import detect_all
        except ImportError as missing:
            raise _absent("ko-pii", "ko-pii") from missing
        self._detect: Callable[..., list[Any]] = detect_all

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text."""
        return [[self._span(one) for one in self._detect(text, include=tuple(_KO_PII))] for text in texts]

    def _span(self, one: Any) -> Span:
        return Span(one.start, one.end, _KO_PII[one.label], min(1.0, float(one.confidence)), self.name)


class Presidio:
    """Presidio's pattern recognisers, called one by one: they need no language model."""

    name = "presidio"

    def __init__(self, languages: Iterable[str] = ("ko", "en")) -> None:
        try:
            from presidio_analyzer import predefined_recognizers as known
        except ImportError as missing:
            raise _absent("presidio", "presidio-analyzer") from missing
        names = ["CreditCard", "Email", "Iban", "Ip", "Url"]
        names += ["KrBrn", "KrDriverLicense", "KrFrn", "KrPassport", "KrRrn"] if "ko" in languages else []
        names += ["UsLicense", "UsPassport", "UsSsn", "UsBank"] if "en" in languages else []
        self._all: list[Any] = [getattr(known, f"{name}Recognizer")() for name in names]
        self._all.append(known.PhoneRecognizer(supported_regions=("KR", "US")))

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text; they may overlap."""
        return [
            [
                Span(one.start, one.end, _PRESIDIO[one.entity_type], float(one.score), self.name)
                for recogniser in self._all
                for one in recogniser.analyze(text, recogniser.supported_entities, None) or ()
                if one.entity_type in _PRESIDIO
            ]
            for text in texts
        ]


class Guarded:
    """A recogniser without the spans that lie in a reserved range; `only` the guards, if it wasn't asked for."""

    def __init__(self, inner: Recogniser, guards: bool = False) -> None:
        self.name = inner.name
        self._inner, self._guards = inner, guards

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text."""
        return [
            [span for span in spans if self._stays(text, span)]
            for text, spans in zip(texts, self._inner.find(texts), strict=True)
        ]

    def _stays(self, text: str, span: Span) -> bool:
        if span.kind == RESERVED:
            return True
        return not self._guards and not lies(span.kind, view(text[span.start : span.end]).text)


def recognisers(settings: Privacy) -> list[Recogniser]:
    """What the settings name; rules and names stand guard over surrogates in any case.

    Raises `StepError` for a library that isn't installed, or a model that can't be read.
    """
    asked = set(settings.engines)
    found: list[Recogniser] = [
        Rules(settings.languages) if "rules" in asked else Guarded(Rules(settings.languages), guards=True),
        Names(settings.languages) if "names" in asked else Guarded(Names(settings.languages), guards=True),
    ]
    libraries: Mapping[str, Callable[[Iterable[str]], Recogniser]] = {"ko-pii": KoPii, "presidio": Presidio}
    found += [Guarded(make(settings.languages)) for name, make in libraries.items() if name in asked]
    if settings.model is not None:
        from steps.private.model import Classifier

        found.append(Guarded(Classifier(settings.model, settings.batch)))
    if settings.residue:
        from steps.private.residue import Residue

        found.append(Guarded(Residue()))
    return found


def _absent(engine: str, package: str) -> StepError:
    cure = f"install it (pip install {package}), or take {engine} out of privacy.engines"
    return StepError(f"the engine {engine} is not installed", where="privacy.engines", cure=cure)
