"""Who is compared on the same text: ours, Presidio and ko-pii. Each gives the spans of every text.

- ours: what `Deidentifier` with its defaults replaces.
- Presidio: its `AnalyzerEngine` with its pattern recognisers (those of everywhere, of Korea, of the United States) in
  English and Korean. Its recognisers of names and places need a language model that is not installed: the NLP engine is
  blank spaCy with words as lemmas, so that context words count. It is told each text's language. Spans that score
  less than 0.4 (its own floor for a match with context) are dropped, as are those that another, surer one covers.
- ko-pii: `detect_all` with its kinds that the benchmark labels, without the others (age, position, nationality, …).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from corpus import Item
from score import Found

Recogniser = Callable[[Sequence[Item]], list[list[Found]]]
KEY = b"a-key-of-this-benchmark-alone-00"
FLOOR = 0.4

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


def recognisers() -> Mapping[str, Callable[[], Recogniser]]:
    """How each is made, by its name."""
    return {"Ratchet": ours, "Presidio": presidio, "ko-pii": ko_pii}


def ours() -> Recogniser:
    """What the product replaces with its defaults."""
    from steps.private import Deidentifier
    from steps.private.settings import Privacy

    product = Deidentifier(Privacy(), KEY)

    def find(items: Sequence[Item]) -> list[list[Found]]:
        return [[Found(*one[:3]) for one in spans] for spans in product.find([item.text for item in items])]

    return find


def replacing() -> Callable[[Sequence[Item]], object]:
    """The product as collect calls it: finding and replacing, each row a conversation of its own."""
    from steps.private import Deidentifier
    from steps.private.settings import Privacy

    product = Deidentifier(Privacy(), KEY)
    return lambda items: product.clean([item.text for item in items], [item.text for item in items])


def presidio() -> Recogniser:
    """As said above."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer,
        EmailRecognizer,
        IbanRecognizer,
        IpRecognizer,
        KrBrnRecognizer,
        KrDriverLicenseRecognizer,
        KrFrnRecognizer,
        KrPassportRecognizer,
        KrRrnRecognizer,
        PhoneRecognizer,
        UrlRecognizer,
        UsBankRecognizer,
        UsLicenseRecognizer,
        UsPassportRecognizer,
        UsSsnRecognizer,
    )  # fmt: skip

    everywhere = (CreditCardRecognizer, EmailRecognizer, IbanRecognizer, IpRecognizer, UrlRecognizer)
    korean = (KrBrnRecognizer, KrDriverLicenseRecognizer, KrFrnRecognizer, KrPassportRecognizer, KrRrnRecognizer)
    american = (UsBankRecognizer, UsLicenseRecognizer, UsPassportRecognizer, UsSsnRecognizer)
    registry = RecognizerRegistry(supported_languages=["en", "ko"])
    for language in ("en", "ko"):
        for kind in (*everywhere, *korean, *(american if language == "en" else ())):
            registry.add_recognizer(kind(supported_language=language))
        registry.add_recognizer(PhoneRecognizer(supported_language=language, supported_regions=("KR", "US")))
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=_blank(), supported_languages=["en", "ko"])

    def find(items: Sequence[Item]) -> list[list[Found]]:
        return [_kept(analyzer.analyze(one.text, one.language, score_threshold=FLOOR)) for one in items]

    return find


def _blank() -> Any:
    """SpaCy's tokeniser for any language, with each word as its own lemma: Presidio looks for context among lemmas."""
    import spacy
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from spacy.tokens import Doc

    class Blank(SpacyNlpEngine):
        def load(self) -> None:
            blank = spacy.blank("xx")
            self.nlp = {"en": blank, "ko": blank}

        def _doc_to_nlp_artifact(self, doc: Doc, language: str) -> Any:
            for token in doc:
                token.lemma_ = token.lower_
            return super()._doc_to_nlp_artifact(doc, language)

    engine = Blank()
    engine.load()
    return engine


def _kept(results: Sequence[Any]) -> list[Found]:
    """The surest of those that overlap, the longer of equals."""
    kept: list[Any] = []
    for one in sorted(results, key=lambda one: (-one.score, one.start - one.end, one.start)):
        if all(one.end <= other.start or one.start >= other.end for other in kept):
            kept.append(one)
    return [Found(one.start, one.end, _PRESIDIO.get(one.entity_type, "other")) for one in kept]


def ko_pii() -> Recogniser:
    """As said above."""
    from ko_pii import detect_all

    def find(items: Sequence[Item]) -> list[list[Found]]:
        return [
            [Found(one.start, one.end, _KO_PII[one.label]) for one in detect_all(item.text, include=tuple(_KO_PII))]
            for item in items
        ]

    return find
