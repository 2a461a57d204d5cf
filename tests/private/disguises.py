"""Ways in which people write an identifier so that a plain pattern misses it.

A disguise takes a value and gives another spelling of the same value, or None where it changes nothing: it never sees
the text around it, so the label is wherever the value is put.
"""

import random
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

NUMBERS = frozenset({"rrn", "business", "card", "phone", "account", "licence", "ssn"})
CODES = NUMBERS | {"iban", "passport"}
_MARKS = ("–", "—", "‑", "·", ".", "/", "_", "~", " - ", " ", "ㅡ", "−")
_SEPARATOR = re.compile(r"[-. ]")
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_DIGITS = {"0": "OoОο〇", "1": "lI|"}
_LETTERS = dict(zip("aeopcxiyABEKMHOPCTX", "аеорсхіуАВЕКМНОРСТХ", strict=True))  # Latin to Cyrillic
_FULL = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}
_SPOKEN = ("공일이삼사오육칠팔구", "영일이삼사오육칠팔구", "공일이삼사오륙칠팔구")
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Disguise(NamedTuple):
    """What it is called, the kinds it suits, and `(chance, value, language) -> value | None`."""

    kinds: frozenset[str]
    wear: Callable[[random.Random, str, str], str | None]


def spaced(chance: random.Random, value: str, language: str) -> str | None:
    """Blanks between all characters, between some, or around the separators alone."""
    way = chance.randrange(3)
    if way == 2 and _SEPARATOR.search(value):
        return re.sub(r"\s*([-.])\s*", r" \1 ", value) if re.search(r"[-.]", value) else value.replace(" ", "  ")
    often = 1.0 if way == 0 else 0.3
    said = "".join(letter + (" " if letter != " " and chance.random() < often else "") for letter in value)
    said = said.strip()
    return said if said != value else None


def fullwidth(chance: random.Random, value: str, language: str) -> str | None:
    """Full-width forms (U+FF01…U+FF5E) of all characters, or of the digits alone."""
    if chance.random() < 0.5:
        return value.translate(_FULL)
    return re.sub(r"\d", lambda digit: digit[0].translate(_FULL), value) if re.search(r"\d", value) else None


def homoglyph(chance: random.Random, value: str, language: str) -> str | None:
    """O for 0 and l for 1 in numbers, Cyrillic for Latin letters elsewhere: one or two, so that it can be read."""
    table: Mapping[str, str] = _LETTERS if re.search(r"[A-Za-z]", value) else _DIGITS
    places = [place for place, letter in enumerate(value) if letter in table]
    if not places:
        return None
    said = list(value)
    for place in chance.sample(places, min(len(places), chance.randint(1, 2))):
        said[place] = chance.choice(table[said[place]])
    return "".join(said)


def zerowidth(chance: random.Random, value: str, language: str) -> str | None:
    """One to three characters that nobody sees (U+200B and its like) inside."""
    said = list(value)
    for _ in range(chance.randint(1, 3)):
        said.insert(chance.randint(1, len(said) - 1), chance.choice(_INVISIBLE))
    return "".join(said)


def separators(chance: random.Random, value: str, language: str) -> str | None:
    """Other marks, each of them by chance, in place of hyphens, dots and blanks."""
    if not _SEPARATOR.search(value):
        return None
    return _SEPARATOR.sub(lambda _: chance.choice(_MARKS), value)


def spoken(chance: random.Random, value: str, language: str) -> str | None:
    """Digits as they are read aloud: 공일공 or 영일영 in Korean, `zero one zero` in English."""
    if language == "en":
        words = re.sub(r"\d", lambda digit: f" {_WORDS[int(digit[0])]} ", re.sub(r"[^\d]+", ", ", value).strip(", "))
        return re.sub(r" +", " ", words.replace(" ,", ",")).strip()
    table = chance.choice(_SPOKEN)
    mark = chance.choice((" ", "-", "", " 에 ", ", ")) if _SEPARATOR.search(value) else ""
    groups = [re.sub(r"\D", "", part) for part in _SEPARATOR.split(value)]
    said = ["".join(table[int(digit)] for digit in group) for group in groups if group]
    if len(said) > 1 and chance.random() < 0.2:  # half in digits, half in words
        said[-1] = groups[-1]
    return mark.join(said)


def case(chance: random.Random, value: str, language: str) -> str | None:
    """The other case: codes in small letters, the rest in capitals."""
    said = value.lower() if value.isupper() else value.upper()
    return said if said != value else None


DISGUISES: Mapping[str, Disguise] = {
    "spaced": Disguise(CODES | {"name_ko"}, spaced),
    "full width": Disguise(CODES | {"email"}, fullwidth),
    "homoglyphs": Disguise(CODES | {"email", "name_en"}, homoglyph),
    "zero width": Disguise(CODES | {"email", "name_ko", "name_en", "address_ko", "address_en"}, zerowidth),
    "separators": Disguise(NUMBERS, separators),
    "spoken": Disguise(NUMBERS, spoken),
    "case": Disguise(frozenset({"email", "iban", "passport", "name_en", "address_en"}), case),
}
