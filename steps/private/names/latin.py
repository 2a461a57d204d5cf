"""English names in a text, by dictionary and context. Pure."""

import re
from collections.abc import Iterator

from steps.private.coined import NAMES_EN
from steps.private.names import english
from steps.private.spans import RESERVED, Span

__all__ = ["latin"]

_WORD = r"[A-Z][a-z]{1,15}(?:['’-][A-Z][a-z]{1,15})?|Mc[A-Z][a-z]{1,12}|O['’][A-Z][a-z]{1,12}"
_UPPER = r"[A-Z]{2,15}(?:['’-][A-Z]{2,15})?"
_FULL = rf"(?:{_WORD})(?:\s(?:[A-Z]\.|(?:{_WORD}))){{0,2}}|{_UPPER}(?:\s(?:[A-Z]\.|{_UPPER})){{1,2}}"
_TITLES = r"(?:Mr|Mrs|Ms|Mx|Dr|Prof|Miss|Sir|Madam)\.?"
_TITLED = re.compile(rf"(?<![A-Za-z]){_TITLES}\s(?P<name>{_FULL})(?![A-Za-z])")
_LABELLED = re.compile(
    rf"(?i:(?<![A-Za-z])(?:full ?name|first[ _]?name|last[ _]?name|surname(?: and given names?)?|given[ _]names?|name(?: on card)?|customer|client|cardholder|"
    rf"applicant|employee|patient|recipient|beneficiary|payee|attn|attention|contact|user|owner|from|to|signed|passenger|guest|member|agent|held by|reported by)"
    rf"\s{{0,2}}(?:is|was|[:=\-])?\s{{0,2}})(?P<name>{_FULL})(?![A-Za-z])"
)
_SELF = re.compile(
    rf"(?i:(?<![A-Za-z])(?:my name(?:'s| is)|i am|i'm|this is|call me|it's|its|name's|dear|hi|hello|hey|yo|thanks|thank you|cheers|regards|sincerely|"
    rf"best|yours|love|best wishes|kind regards|spoke (?:with|to)|ask for|talk(?:ed)? to|met|contact|called)[,!.]?\s{{1,3}})(?P<name>{_FULL})(?![A-Za-z])"
)
_PAIR = re.compile(
    rf"(?<![A-Za-z.])(?P<name>(?:{_WORD})\s(?:[A-Z]\.\s)?(?:{_WORD})|{_UPPER}\s(?:[A-Z]\.\s)?{_UPPER})(?![A-Za-z])"
)
_ROLE = re.compile(
    r"(?i:movie|film|actor|actress|director|directed|starring|cast\b|role|perform|scene|plays?\b|character|oscar|hollywood|album|song|band|"
    r"president|senator|minister|comedy|thriller|sequel|screen|plot|acting|novel|book|episode|season|watch)"
)
_OWN = re.compile(
    r"(?i:@|\d{3}[ .\-)]{1,2}\d{4}|phone|call|e-?mail|address|account|order|refund|ticket|customer|invoice|card|passport|license|ssn|deliver|ship|appointment|contact)"
)
_COINED = re.compile(
    rf"(?<![A-Za-z])(?:{'|'.join(NAMES_EN)})(?:[\s.]{{1,2}}(?:{'|'.join(NAMES_EN)}))?(?![A-Za-z])", re.I
)


def latin(text: str) -> Iterator[Span]:
    """The English names of a view."""
    for found in _COINED.finditer(text):
        yield Span(*found.span(), RESERVED)
    own, public = _OWN.search(text) is not None, _ROLE.search(text) is not None
    known: dict[str, float] = {}
    for pattern, sure in ((_TITLED, 0.88), (_LABELLED, 0.85), (_SELF, 0.85), (_PAIR, 0.72)):
        if pattern is _PAIR and public and not own:
            continue
        for found in pattern.finditer(text):
            end = _named(found["name"], pattern is _TITLED, pattern is _PAIR)
            if end:
                start = found.start("name")
                known[text[start : start + end]] = sure
                yield Span(start, start + end, "name", sure, "names")
    for name, sure in known.items():
        for word in {name, *(part for part in name.split() if len(part) > 2 and part.title() not in english.WORDS)}:
            for found in re.finditer(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", text):
                yield Span(*found.span(), "name", min(sure, 0.7), "names")


def _named(said: str, titled: bool, pair: bool) -> int:
    """How many characters of a row of capitalised words are a name, by the dictionary; 0 if none."""
    words = re.split(r"(\s)", said)
    first, rest = words[0].title(), [word.title() for word in words[2::2]]
    last = next((place for place in range(len(rest), 0, -1) if _last(rest[place - 1])), 0)
    length = sum(map(len, words[: 2 * last + 1]))
    if pair:
        return (
            length
            if last and first in english.GIVEN and (first not in english.WORDS or rest[last - 1] in english.SURNAMES)
            else 0
        )
    if titled:
        return length if last else len(words[0])
    if first in english.GIVEN:
        return length if last or first not in english.WORDS else 0
    return length if last and rest[last - 1] in english.SURNAMES and len(first) > 2 else 0


def _last(word: str) -> bool:
    return (
        word in english.SURNAMES
        or word in english.GIVEN
        or re.fullmatch(r"(?:Mc|O['’]|Mac)[A-Z]?[a-z]+", word) is not None
    )
