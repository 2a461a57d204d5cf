"""Numbers in words: 공일공 일이삼사 오육칠팔, `oh one oh, five five five`, O1O-1234. Pure.

A run of at least seven digits, in words or letters, becomes a run of digits in a view of its own; the rest of the text
stands as it was. What is no number then is nobody's: the rules decide.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from steps.private.view import View, view

__all__ = ["Digit", "cells", "redigited", "spoken"]

_KOREAN = dict(zip("공영빵령일이삼사오육륙칠팔구", "00001234566789", strict=True))
_ENGLISH = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
_LETTERS = {"o": "0", "O": "0", "l": "1", "I": "1", "|": "1"}
_SAID = {
    "ko": "공일이삼사오육칠팔구",
    "en": ("oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
}

_WORD = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_KOREAN_GAP = r"(?:[ .,\-]{0,3}(?:(?:에|다시|대시|하이픈|국에|국의)[ .,\-]{0,2})?)"
_KOREAN_RUN = re.compile(rf"(?<![가-힣])[{''.join(_KOREAN)}0-9](?:{_KOREAN_GAP}[{''.join(_KOREAN)}0-9]){{6,}}")
_ENGLISH_GAP = r"(?:[ ,.\-]{1,3}(?:(?:dash|hyphen|and)[ ,]{1,2})?)"
_ENGLISH_RUN = re.compile(
    rf"\b(?:(?:double|triple) )?(?:{_WORD}|[o\d]\b)(?:{_ENGLISH_GAP}(?:(?:double|triple) )?(?:{_WORD}|[o\d])\b){{5,}}",
    re.I,
)
_LETTER = r"(?:[\dOolI]|(?<=[\d\-OolI])\||\|(?=[\dOolI]))"
_LETTER_RUN = re.compile(rf"(?<![A-Za-z\d|]){_LETTER}(?:[ .\-_ㅡ~·/()]{{0,3}}{_LETTER}){{7,}}(?![A-Za-z\d])")
_TOKEN = re.compile(rf"(?:(double|triple) )?\b({_WORD}|o)\b|(\d)|([{''.join(_KOREAN)}])|([OolI|])", re.I)
_TIMES = {"": 1, "double": 2, "triple": 3}


class Digit(NamedTuple):
    """A digit as it stands in a text: `start:end`; said how: "", "ko" or "en"."""

    start: int
    end: int
    value: str
    how: str


def _digits(text: str) -> Iterator[Digit]:
    for found in _TOKEN.finditer(text):
        times, word, digit, syllable, letter = found.groups()
        if word:
            value = _ENGLISH.get(word.lower(), "0")
            yield Digit(*found.span(), value * _TIMES[(times or "").lower()], "en")
        else:
            value = digit or _KOREAN.get(syllable or "", "") or _LETTERS.get(letter or "", "")
            if value:
                yield Digit(*found.span(), value, "ko" if syllable else "")


def cells(text: str) -> list[Digit]:
    """All digits of a text that is known to be a number, said in whichever way; places are those of the text."""
    seen = view(text)
    return [
        digit._replace(start=seen.back(*digit[:2])[0], end=seen.back(*digit[:2])[1]) for digit in _digits(seen.text)
    ]


def redigited(text: str, digits: str) -> str:
    """The number `text` with other digits, as many as it has, in the same script, with all that stands between."""
    out, at, used = [], 0, 0
    for cell in cells(text):
        fresh = digits[used : used + len(cell.value)]
        used += len(cell.value)
        if cell.end <= at:  # the second digit that one character stood for
            out.append(fresh)
            continue
        out += [text[at : cell.start], _written(text[cell.start : cell.end], fresh, cell.how)]
        at = cell.end
    return "".join(out) + text[at:]


def _written(old: str, digits: str, how: str) -> str:
    if how:
        return (" " if how == "en" else "").join(_SAID[how][int(d)] for d in digits)
    if len(old) == 1 and old.isdecimal():
        return chr(ord(old) - int(old) + int(digits))
    return digits


def spoken(seen: View) -> list[View]:
    """The views in which numbers in words are digits, none if there are none; a second one without the 이 at the end
    of a Korean number, which may be a particle."""
    text = seen.text
    runs = [found.span() for pattern in (_KOREAN_RUN, _ENGLISH_RUN, _LETTER_RUN) for found in pattern.finditer(text)]
    runs = [(start, end) for start, end in runs if not _bare(text[start:end])]
    if not runs:
        return []
    shorter = [(start, end - 1 if text[end - 1] == "이" else end) for start, end in runs]
    return [_respelt(seen, sorted(runs))] + ([_respelt(seen, sorted(shorter))] if shorter != runs else [])


def _respelt(seen: View, runs: list[tuple[int, int]]) -> View:
    """The view with the runs in digits. A blank between two English words stands for nothing."""
    text = seen.text
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def put(what: str, start: int, end: int) -> None:
        a, b = seen.back(start, end)
        chars.extend(what)
        starts.extend([a] * len(what))
        ends.extend([b] * len(what))

    at = 0
    for start, end in runs:
        if start < at:
            continue
        for place in range(at, start):
            put(text[place], place, place + 1)
        at = start
        for digit in _digits(text[start:end]):
            gap = text[at : start + digit.start]
            if gap and not (digit.how == "en" and gap == " "):
                put("-" if gap.strip() else " ", at, start + digit.start)
            put(digit.value, start + digit.start, start + digit.end)
            at = start + digit.end
    for place in range(at, len(text)):
        put(text[place], place, place + 1)
    return View("".join(chars), starts, ends)


def _bare(run: str) -> bool:
    """Whether a run has hardly a digit that is said (a particle, 이, behind digits), or is laughter: 구구구구구구구."""
    found = list(_digits(run))
    said = sum(1 for digit in found if not run[digit.start].isdecimal())
    least = 1 if any(letter in run for letter in "OolI|") else 3
    return said < least or len({digit.value for digit in found}) < 3
