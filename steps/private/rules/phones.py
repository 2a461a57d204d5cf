"""Telephone numbers: Korean mobile, area and 1588 numbers, North American, international with + or 00. Pure.

Law: a number in the reserved ranges (010-0…, an area code followed by 0, NXX-555-01XX, +CC 0 0…) is nobody's.
Sources: Korea's numbering plan (MSIT notice 2022-66), ITU-T E.164, NANP 555 guidelines (ATIS-0300115).
"""

import re
from collections.abc import Iterator

from steps.private import surrogates
from steps.private.rules.numbers import J, only
from steps.private.spans import RESERVED, Span

__all__ = ["EXTENSION", "dialled", "phones"]

_P = r"[ \t.\-_ㅡ~·/)(]{0,3}"  # parentheses too
_FREE = r"(?<!\d)(?<!\d[.\-_])"
_END = r"(?!\d)(?![.\-]\d)"
_AREA = r"(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|80|50[2-8]?)"

_MOBILE = re.compile(rf"{_FREE}\(?0{J}1{J}[016-9](?:{_P}\d{{3,4}}{_P}\d{{4}}|(?:{_P}\d){{7,8}})(?!\d)(?!-\d)")
_LAND = re.compile(rf"{_FREE}(?<![A-Za-z])\(?0{_AREA}(?:{_P}[1-9]\d{{2,3}}{_P}\d{{4}}|(?:{_P}\d){{7,8}}){_END}")
_SERVICE = re.compile(
    r"(?<!\d)(?<!\d[.\-_])(?<![A-Za-z])1[5-8](?:22|33|44|55|66|77|88|99|00|11|61|70|[0-9]{2})[ \-.]{1,3}\d{4}(?!\d)(?!-\d)"
)
_SERVICES = frozenset(
    "1522 1533 1544 1566 1577 1588 1599 1600 1644 1661 1660 1666 1668 1670 1688 1800 1811 1833 1855 1877 1899".split()
)
_WORLD = re.compile(
    r"(?<![\d+])(?:\+|00[ \-]?(?=[1-9]))[ ]{0,2}\d(?:[ \-.()/]{0,3}\d){7,14}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?!\d)", re.I
)
_AMERICAN = re.compile(
    r"(?<![\d.+])(?<!\d-)(?:(?:\+|00)?1[ .\-]{0,2})?\(?([2-9]\d{2})\)?[ .\-]{0,3}([2-9]\d{2})[ .\-]{1,3}(\d{4})"
    r"(?:\s?(?:x|ext\.?|extension)\s?\d{1,6})?(?!\d)(?!-\d)",
    re.I,
)
_AMERICAN_BARE = re.compile(r"(?<![\w.+\-])1?[2-9]\d{2}[2-9]\d{6}(?:x\d{1,6})?(?![\w\-])")
EXTENSION = re.compile(r"\s?(?:x|ext\.?|extension)\s?\d{1,6}\Z", re.I)
_WORDS = re.compile(r"phone|tel\b|call|cell|mobile|fax|text|number|reach|contact|전화|연락|휴대|핸드폰|번호|문의", re.I)


def dialled(number: str) -> str:
    """The digits as dialled within the country, of a number as it reads, without its extension: `+82 10-1234-5678` is
    01012345678, `+1 555 123 4567 x8` is 5551234567. What is foreign begins with its country's code."""
    digits = re.sub(r"^00(?=[1-9])", "", only(EXTENSION.sub("", number)))
    if digits.startswith("82") and len(digits) >= 10:
        return "0" + digits[2:].removeprefix("0")
    return digits[1:] if len(digits) == 11 and digits[0] == "1" and digits[1] in "23456789" else digits


def phones(text: str) -> Iterator[Span]:
    """The telephone numbers of a view; reserved ones guard their place."""
    for pattern, score in ((_MOBILE, 0.96), (_LAND, 0.9), (_SERVICE, 0.86), (_WORLD, 0.93), (_AMERICAN, 0.87)):
        for found in pattern.finditer(text):
            number = dialled(found.group())
            if surrogates.spare_phone(number):
                yield Span(*found.span(), RESERVED)
            elif pattern is not _SERVICE or number[:4] in _SERVICES:
                yield Span(_inside(text, *found.span()), found.end(), "phone", score)
    for found in _AMERICAN_BARE.finditer(text):
        number = dialled(found.group())
        if surrogates.spare_phone(number):
            yield Span(*found.span(), RESERVED)
        elif _WORDS.search(text[max(0, found.start() - 30) : found.start()]):
            yield Span(*found.span(), "phone", 0.78)


def _inside(text: str, start: int, end: int) -> int:
    """Where the number begins: a parenthesis that it doesn't close is not its own."""
    return start + 1 if text[start] == "(" and ")" not in text[start:end] else start
