"""Numbers that somebody gave to a person: what their form, check digits and the words around them say. Pure.

Law: a number that a surrogate may be (`surrogates.spare`) is nobody's. A row of digits alone is a number of a kind if
its check digit says so or the words before it do; dates, prices, ratings and counts stay.
"""

import re
from collections.abc import Callable, Iterator

from steps.private import surrogates
from steps.private.rules import checks
from steps.private.spans import RESERVED, Span

__all__ = ["numbers"]

_MARKS = r"[ \t.\-_ㅡ~·/]"
J = _MARKS + r"{0,3}"  # what may stand between two digits of one number
FREE = r"(?<!\d)(?<!\d[.\-_])"  # no digit before, also not beyond a dot or hyphen
END = r"(?!\d)(?!-\d)(?![OolI|][\dOolI|])"
ALONE = rf"(?<!\d)(?<!\d{_MARKS})(?<!\d{_MARKS}{{2}})(?<!\d{_MARKS}{{3}})"
_NO_LETTER = r"(?<![A-Za-z])"
_AMOUNT = re.compile(r"\s?(?:원|won|krw|달러|dollars?|usd|개|명|점|번째|배|회|%|억|만|천|초|년|views|people)", re.I)
_MONEY = re.compile(r"[$₩€£¥]\s?\Z")
_DATE = re.compile(r"(?:19|20)\d\d ?[.\-/ ] ?(?:1[0-2]|0?[1-9]) ?[.\-/ ] ?(?:3[01]|[12]\d|0?[1-9])(?!\d)")


def spread(least: int, most: int = 0) -> str:
    """So many digits in one, or with marks between any of them: then no other digit may stand near."""
    count = f"{{{least},{most}}}" if most else f"{{{least}}}"
    more = f"{{{least - 1},{most - 1}}}" if most else f"{{{least - 1}}}"
    return rf"(?:{FREE}\d{count}(?!\d)|{ALONE}\d(?:{J}\d){more}(?!{J}\d))"


def _near(text: str, start: int, words: re.Pattern[str], reach: int = 30) -> bool:
    """Whether one of the words stands before `start`, in the same line, at most `reach` characters away."""
    before = text[max(0, start - reach) : start]
    return words.search(before.rpartition("\n")[2]) is not None


def _counted(text: str, start: int, end: int) -> bool:
    """Whether the number says how much or how many."""
    return _AMOUNT.match(text, end) is not None or _MONEY.search(text[max(0, start - 2) : start]) is not None


def only(found: str) -> str:
    """The digits alone."""
    return "".join(c for c in found if c.isdigit())


_RRN = re.compile(rf"{_NO_LETTER}(?:{FREE}\d{{6}}{J}\d{{7}}(?!\d)|{spread(13)})")
_RRN_HIDDEN = re.compile(r"(?<!\d)\d{6} ?- ?[1-8](?:[*xX●○#_]{6}|\d[*xX●○#_]{5})")
_RRN_WORDS = re.compile(r"주민|생년월일|등록 ?번호|민번|외국인|rrn|resident|registration|id number", re.I)


def _rrn(text: str) -> Iterator[Span]:
    for found in _RRN.finditer(text):
        digits = only(found.group())
        if checks.born(digits) is None:
            if surrogates.spare_rrn(digits):
                yield Span(*found.span(), RESERVED)
            continue
        between = re.match(rf"\d(?:{J}\d){{5}}({J})", found.group())
        hyphen = between is not None and re.sub(r"[\s]", "", between[1]) in ("-", "ㅡ", "~", "_")
        if checks.resident(digits):
            yield Span(*found.span(), "rrn", 0.99)
        elif hyphen or _near(text, found.start(), _RRN_WORDS):
            yield Span(*found.span(), "rrn", 0.95)
    for found in _RRN_HIDDEN.finditer(text):
        if checks.born(only(found.group())[:7]) is not None:
            yield Span(*found.span(), "rrn", 0.9)


_BUSINESS = re.compile(rf"{_NO_LETTER}(?:{FREE}\d{{3}}{J}\d{{2}}{J}\d{{5}}{END}|{spread(10)})(?!:\d)")
_BUSINESS_FORM = re.compile(r"\d{3}\s?-\s?\d{2}\s?-\s?\d{5}")
_BUSINESS_WORDS = re.compile(r"사업자|등록 ?번호|business|biz", re.I)


def _business(text: str) -> Iterator[Span]:
    for found in _BUSINESS.finditer(text):
        digits, named = only(found.group()), _near(text, found.start(), _BUSINESS_WORDS)
        if surrogates.spare(digits):
            yield Span(*found.span(), RESERVED)
        if digits[0] == "0" or _DATE.match(found.group()) or (_counted(text, *found.span()) and not named):
            continue
        form = _BUSINESS_FORM.fullmatch(found.group()) is not None
        if checks.business(digits):
            yield Span(*found.span(), "business", 0.97 if form or named else 0.8)
        elif form and named:
            yield Span(*found.span(), "business", 0.85)


_CARD = re.compile(
    rf"{_NO_LETTER}(?:{FREE}(?:\d{{4}}{J}\d{{4}}{J}\d{{4}}{J}\d{{4}}|\d{{4}}{J}\d{{6}}{J}\d{{4,5}}){END}|"
    rf"{spread(13, 19)})"
)
_CARD_WORDS = re.compile(r"카드|card|visa|master|amex|비자|마스터|결제", re.I)


def _card(text: str) -> Iterator[Span]:
    for found in _CARD.finditer(text):
        digits = only(found.group())
        if surrogates.spare(digits):
            yield Span(*found.span(), RESERVED)
            continue
        if len(set(digits)) < 2:
            continue
        named = _near(text, found.start(), _CARD_WORDS)
        if checks.issuer(digits) and checks.luhn(digits) and (named or not _counted(text, *found.span())):
            yield Span(*found.span(), "card", 0.98)
        elif named and 14 <= len(digits) <= 16:
            yield Span(*found.span(), "card", 0.75)


_SSN = re.compile(rf"{_NO_LETTER}(?:{FREE}\d{{3}}{J}\d{{2}}{J}\d{{4}}{END}|{spread(9)})")
_SSN_FORM = re.compile(r"\d{3}\s?-\s?\d{2}\s?-\s?\d{4}")
_SSN_WORDS = re.compile(r"\bssn\b|\bsocial\b|soc\.? ?sec|사회보장", re.I)


def _ssn(text: str) -> Iterator[Span]:
    for found in _SSN.finditer(text):
        digits = only(found.group())
        if _SSN_FORM.fullmatch(found.group()) or _near(text, found.start(), _SSN_WORDS):
            if surrogates.spare(digits):
                yield Span(*found.span(), RESERVED)
            elif checks.ssn(digits):
                yield Span(*found.span(), "ssn", 0.9)


_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z][ \-]{0,3}[A-Z][ \-]{0,3}\d[ \-]{0,3}\d(?:[ \-]{0,3}[A-Z0-9]){11,30}", re.I)


def _iban(text: str) -> Iterator[Span]:
    for found in _IBAN.finditer(text):
        length = checks.iban_length(re.sub(r"[ \-]", "", found.group())[:2].upper())
        ends = [m.end() for m in re.finditer(r"[A-Za-z0-9]", found.group())]
        if length and length <= len(ends):
            end = found.start() + ends[length - 1]
            code = re.sub(r"[^A-Za-z0-9]", "", text[found.start() : end]).upper()
            if checks.iban(code) and not text[end : end + 1].isdecimal():
                yield Span(found.start(), end, "iban", 0.99)


_PASSPORT = re.compile(
    rf"(?<![A-Za-z0-9])[MSRODG]{J}(?:\d(?:{J}\d){{7}}|\d(?:{J}\d){{2}}{J}[A-Z]{J}\d(?:{J}\d){{3}})(?![A-Za-z0-9])", re.I
)
_PASSPORT_OTHER = re.compile(
    rf"(?<![A-Za-z0-9])(?:[A-Z]{J}(?:[A-Z]{J})?\d(?:{J}\d){{5,7}}|\d(?:{J}\d){{8}}|"
    rf"[A-Z]\d{{2}}[A-Z]{{2}}\d{{4}})(?![A-Za-z0-9])",
    re.I,
)
_PASSPORT_WORDS = re.compile(r"passport|여권", re.I)


def _passport(text: str) -> Iterator[Span]:
    for pattern, score in ((_PASSPORT, 0.95), (_PASSPORT_OTHER, 0.92)):
        for found in pattern.finditer(text):
            named = _near(text, found.start(), _PASSPORT_WORDS)
            if not named and (pattern is not _PASSPORT or not re.match(r"[MSRODG]\d{3}", found.group())):
                continue
            if surrogates.spare(only(found.group())):
                yield Span(*found.span(), RESERVED)
            else:
                yield Span(*found.span(), "passport", score if named else 0.7)


_REGION = "서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산"
_LICENCE = re.compile(
    rf"{_NO_LETTER}(?:(?P<form>{FREE}\d{{2}} ?- ?\d{{2}} ?- ?\d{{6}} ?- ?\d{{2}}{END})|{spread(12)})"
    rf"|(?:{_REGION})(?P<old>[ \-]?\d{{2}}[ \-]\d{{6}}[ \-]\d{{2}}){END}"
)
_LICENCE_OTHER = re.compile(
    rf"(?<![A-Za-z0-9])(?:[A-Z]{{0,2}}{J}\d(?:{J}\d){{6,13}}|"
    rf"[A-Z]\d{{2,4}}[A-Z]\d{{2,6}})(?![A-Za-z0-9])(?!-?[OolI\d])",
    re.I,
)
_LICENCE_WORDS = re.compile(r"면허|licen[cs]e", re.I)
_DRIVER_WORDS = re.compile(r"driv\w{1,5}(?:['’]s)? licen[cs]e|\bDL\b|운전 ?면허", re.I)


def _licence(text: str) -> Iterator[Span]:
    for found in _LICENCE.finditer(text):
        digits = only(found.group())
        named = _near(text, found.start(), _LICENCE_WORDS)
        if surrogates.spare(digits):
            yield Span(*found.span(), RESERVED)
            continue
        if not (found["old"] or found["form"] or named):
            continue
        if found["old"] or "11" <= digits[:2] <= "28" or named:
            yield Span(*found.span(), "licence", 0.96 if named else 0.85)
    for found in _LICENCE_OTHER.finditer(text):
        if _near(text, found.start(), _DRIVER_WORDS, 40):
            spare = surrogates.spare(only(found.group()))
            yield Span(*found.span(), RESERVED if spare else "licence", 0.88)


_BANKS = (
    "은행|국민|신한|우리|하나|농협|수협|신협|카카오뱅크|카뱅|토스|케이뱅크|기업|새마을|우체국|씨티|산업|축협|SC제일|제일|대구|부산|"
    "광주|전북|경남"
)
_ACCOUNT = re.compile(rf"{FREE}{_NO_LETTER}\d(?:{J}\d){{6,16}}(?!{J}\d)(?![OolI|][\dOolI|])")
_ACCOUNT_WORDS = re.compile(
    rf"계좌|입금|송금|이체|환불|예금|통장|account|acct|a/c|routing|bban|(?:{_BANKS})(?:은행|뱅크)?[ :]*\Z", re.I
)
_ACCOUNT_AFTER = re.compile(
    rf"\s{{0,2}}\(?(?:(?:{_BANKS})(?:은행|뱅크)|농협|수협|신협|카카오뱅크|카뱅|토스|케이뱅크|새마을|우체국|국민|신한|기업|씨티|SC제일)"
)


def _account(text: str) -> Iterator[Span]:
    for found in _ACCOUNT.finditer(text):
        digits = only(found.group())
        if surrogates.spare(digits):
            yield Span(*found.span(), RESERVED)
            continue
        if _counted(text, *found.span()) or _DATE.match(found.group()):
            continue
        if _near(text, found.start(), _ACCOUNT_WORDS, 24) or (
            len(digits) > 9 and _ACCOUNT_AFTER.match(text, found.end())
        ):
            yield Span(*found.span(), "account", 0.72)


_RULES: tuple[tuple[Callable[[str], Iterator[Span]], frozenset[str]], ...] = (
    (_rrn, frozenset({"ko"})),
    (_business, frozenset({"ko"})),
    (_card, frozenset({"ko", "en"})),
    (_ssn, frozenset({"en"})),
    (_iban, frozenset({"ko", "en"})),
    (_passport, frozenset({"ko", "en"})),
    (_licence, frozenset({"ko", "en"})),
    (_account, frozenset({"ko", "en"})),
)


def numbers(text: str, languages: frozenset[str]) -> Iterator[Span]:
    """The numbers of a view, which may overlap: one row of digits may read as several kinds."""
    for rule, spoken_in in _RULES:
        if spoken_in & languages:
            yield from rule(text)
