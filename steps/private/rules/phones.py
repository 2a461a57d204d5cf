"""Telephone numbers: Korean mobile, area and 1588 numbers, North American, international with + or 00. Pure.

Law: a number in the reserved ranges (010-0…, an area code followed by 0, NXX-555-01XX, +CC 0 0…) is nobody's.
Sources: Korea's numbering plan (MSIT notice 2022-66), ITU-T E.164, NANP 555 guidelines (ATIS-0300115).
"""

import re
from collections.abc import Iterator

from steps.private import surrogates
from steps.private.rules.numbers import FREE, J, only, spread
from steps.private.spans import RESERVED, Span

__all__ = ["EXTENSION", "dialled", "phones"]

_P = r"[ \t.\-_ㅡ~·/)(]{0,3}"  # parentheses too
_M = r"[ .\-_ㅡ~·/]{1,3}"
_DIGITS = rf"(?:{_P}\d){{7,8}}(?!{_P}\d)"
_END = r"(?!\d)(?![.\-]\d)(?![OolI|][\dOolI|])"
_AREA = rf"(?:2|3{J}[1-3]|4{J}[1-4]|5{J}[1-5]|6{J}[1-4]|7{J}0|8{J}0|5{J}0(?:{J}[2-8])?)"
_EXT = r"(?:\s?(?:x|ext[._]?|extension)[\s\-_.]{0,3}\d{1,6}(?!\d))?"

_MOBILE = re.compile(
    rf"(?:{FREE}\(?0{J}|(?<![\d+])\+?8{J}2{_P}(?:0{_P})?)1{J}[016-9](?:{_P}\d{{3,4}}{_P}\d{{4}}(?!\d)(?!-\d)|{_DIGITS})(?![OolI|][\dOolI|])"
)
_LAND = re.compile(
    rf"(?:{FREE}(?<![A-Za-z])\(?0{J}{_AREA}|(?<![\d+A-Za-z])8{J}2{_P}[3-7]{J}[0-5])(?:{_P}\d{{3,4}}{_P}\d{{4}}{_END}|{_DIGITS})"
)
_SERVICE = re.compile(rf"{FREE}(?<![A-Za-z])1[5-8]\d\d[ \-.]{{1,3}}\d{{4}}(?!\d)(?!-\d)")
_SERVICES = frozenset((
    "1522", "1533", "1544", "1566", "1577", "1588", "1599", "1600", "1644", "1660", "1661", "1666", "1668", "1670",
    "1688", "1800", "1811", "1833", "1855", "1877", "1899",
))  # fmt: skip
_WORLD = re.compile(
    rf"(?<![\d+])(?:\+[ ]{{0,2}}(?=[1-9])|(?<!\d[\-.])00[1-9]?[ \-](?=[1-9]))\d(?:{_P}\d){{7,13}}{_EXT}(?!\d)", re.I
)
_AMERICAN = re.compile(
    rf"(?<![\d.+])(?<!\d-)(?:(?:\+|00)?1{_P})?\(?[2-9]\d{{2}}\)?{_P}[2-9]\d{{2}}{_P}\d{{4}}{_EXT}{_END}", re.I
)
_AMERICAN_FORM = re.compile(rf"(?:(?:\+|00)?1{_P})?\(?\d{{3}}(?:\){_P}|{_M})\d{{3}}{_M}\d{{4}}")
_AMERICAN_SPREAD = re.compile(
    rf"(?:1{_P})?(?:{spread(10)}|\([ ]?\d(?:{J}\d){{2}}[ ]?\)(?:{_P}\d){{7}}(?!{J}\d)){_EXT}", re.I
)
EXTENSION = re.compile(r"\s?(?:x|ext[._]?|extension)[\s\-_.]{0,3}\d{1,6}\Z", re.I)
_ORDER = re.compile(
    r"(?:order|invoice|ticket|case|tracking|주문|송장|운송장|문서|접수|관리)(?:번호| ?no\.?| ?#)?[ :#]{0,2}\Z", re.I
)
_WORDS = re.compile(r"phone|tel\b|\bcall|\bcell|mobile|\bfax|\btext|reach|전화|연락처|휴대|핸드폰", re.I)


def dialled(number: str) -> tuple[str, bool]:
    """The digits as dialled within the country, of a number as it reads, without its extension: `+82 10-1234-5678` is
    01012345678, `+1 555 123 4567 x8` is 5551234567. What is foreign (True) begins with its country's code."""
    plus = re.match(r"\(?\+|00[ \-]?[1-9]", number) is not None
    digits = re.sub(r"^00(?=[1-9])", "", only(EXTENSION.sub("", number)))
    if digits.startswith("82") and (len(digits) >= 10 if plus else len(digits) >= 11):
        return "0" + digits[2:].removeprefix("0"), False
    if len(digits) == 11 and digits[0] == "1" and digits[1] in "23456789":
        return digits[1:], False
    return digits, plus


def phones(text: str) -> Iterator[Span]:
    """The telephone numbers of a view; reserved ones guard their place."""
    for pattern, score in ((_MOBILE, 0.96), (_LAND, 0.9), (_SERVICE, 0.86), (_WORLD, 0.93), (_AMERICAN, 0.87)):
        for found in pattern.finditer(text):
            number, foreign = dialled(found.group())
            if found.group().isdecimal() and _ORDER.search(text[max(0, found.start() - 12) : found.start()]):
                continue
            if surrogates.spare_phone(number, foreign):
                yield Span(*found.span(), RESERVED)
            elif (pattern is not _SERVICE or number[:4] in _SERVICES) and (
                pattern is not _AMERICAN or _AMERICAN_FORM.match(found.group()) or _called(text, found.start())
            ):
                yield Span(_inside(text, *found.span()), found.end(), "phone", score)
    for found in _AMERICAN_SPREAD.finditer(text):
        number, _ = dialled(found.group())
        if surrogates.spare_phone(number):
            yield Span(*found.span(), RESERVED)
        elif number[0] in "23456789" and len(number) == 10 and ("(" in found.group() or _called(text, found.start())):
            yield Span(*found.span(), "phone", 0.78)


def _called(text: str, start: int) -> bool:
    """Whether the words before a number say that it is dialled."""
    return _WORDS.search(text[max(0, start - 30) : start]) is not None


def _inside(text: str, start: int, end: int) -> int:
    """Where the number begins: a parenthesis that it doesn't close is not its own."""
    return start + 1 if text[start] == "(" and ")" not in text[start:end] else start
