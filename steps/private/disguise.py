"""From an identifier to its surrogate: the same value in the same scope under the same key gives the same. Pure.

The surrogate is drawn by keyed BLAKE2b (RFC 7693) over (kind, scope, canonical value): whoever has no key can't link
two scopes or guess a value, and workers that share nothing but the key agree.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from steps.private.coined import (
    AREAS,
    GIVEN_EN,
    GIVEN_KO,
    STREETS_EN,
    SURNAMES_EN,
    SURNAMES_KO,
    TOWNS_EN,
    by_final,
    final,
)
from steps.private.names import split
from steps.private.rules.numbers import only
from steps.private.rules.phones import EXTENSION, dialled
from steps.private.rules.places import PART_EN, PART_KO, SIDO, STATES
from steps.private.rules.spoken import cells, redigited
from steps.private.surrogates import rrn_mark
from steps.private.view import view

__all__ = ["Disguise", "pseudonym"]

T = TypeVar("T")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_GIVEN = {sound: by_final(GIVEN_KO, sound) for sound in ("", "ㄹ", "c")}
_SIDO = re.compile(SIDO)
_HANGUL = re.compile(r"[가-힣]")


def _keyed(key: bytes, *parts: str, size: int = 32) -> bytes:
    """Keyed BLAKE2b over parts, each behind its length: no two lists of parts are one message."""
    spent = key if len(key) <= 64 else hashlib.blake2b(key).digest()
    digest = hashlib.blake2b(key=spent, digest_size=size)
    for part in parts:
        data = part.encode(errors="surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


def pseudonym(value: str, key: bytes, purpose: str) -> str:
    """32 hexadecimal digits that stand for `value` under `key`; another purpose gives others."""
    return _keyed(key, "pseudonym", purpose, value, size=16).hex()


class Disguise:
    """Makes surrogates under one key."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._makers: dict[str, Callable[[str, str, str], str]] = {
            "email": self._email, "url": self._url, "ip": self._ip, "handle": self._handle, "name": self._name,
            "address": self._address, "phone": self._phone, "rrn": self._rrn, "iban": self._iban,
            "passport": self._coded, "licence": self._coded, "residue": self._word,
        }  # fmt: skip

    def surrogate(self, kind: str, scope: str, found: str) -> str:
        """What stands instead of `found`, which is of `kind` and in the text as it was written."""
        return self._makers.get(kind, self._digits)(kind, scope, found)

    def _pick(self, choices: Sequence[T], *parts: str) -> T:
        return choices[int.from_bytes(_keyed(self.key, *parts, size=8), "big") % len(choices)]

    def _number(self, count: int, *parts: str) -> str:
        """`count` decimal digits."""
        return "".join(
            str(byte % 10) for block in range(count // 32 + 1) for byte in _keyed(self.key, *parts, str(block))
        )[:count]

    def _letters(self, count: int, *parts: str) -> str:
        return "".join(_LETTERS[byte % 26] for byte in _keyed(self.key, *parts)[:count])

    def _digits(self, kind: str, scope: str, found: str) -> str:
        digits = "".join(cell.value for cell in cells(found))
        return redigited(found, _zeros(digits) + self._number(len(digits), kind, scope, digits))

    def _rrn(self, kind: str, scope: str, found: str) -> str:
        digits = "".join(cell.value for cell in cells(found))
        fresh = self._number(13, kind, scope, digits)
        date = f"{fresh[:2]}{int(fresh[2:4]) % 12 + 1:02}{int(fresh[4:6]) % 28 + 1:02}"
        body = date + "90"[int(fresh[6]) % 2] + fresh[7:12]
        return redigited(found, (body + rrn_mark(body))[: len(digits)])

    def _phone(self, kind: str, scope: str, found: str) -> str:
        """What is dialled gets the start of a reserved range; the country's code and the writing stay."""
        seen = view(found).text
        digits = "".join(cell.value for cell in cells(found))
        extension = EXTENSION.search(seen)
        spare = only(extension.group()) if extension else ""
        main = digits[: len(digits) - len(spare)]
        plain, foreign = dialled("+" + main if seen.lstrip(" (").startswith("+") else main)
        start = _exchange(plain, foreign, self._number(3, "area", scope, plain))
        fresh = start + self._number(len(plain) - len(start), kind, scope, plain)
        kept = max(0, len(main) - len(plain) + (not main.endswith(plain)))
        tail = fresh[len(fresh) - len(main) + kept :]
        return redigited(found, main[:kept] + tail + self._number(len(spare), kind, scope, "extension", spare))

    def _coded(self, kind: str, scope: str, found: str) -> str:
        if any(cell.how for cell in cells(found)) or not re.search(r"[A-HJ-NP-Za-km-np-z가-힣]", view(found).text):
            return self._digits(kind, scope, found)  # said in words, or with an O or l for a digit that looks so
        digits = "".join(c for c in view(found).text if c.isdecimal())
        letters = re.sub(r"[^A-Z]", "", view(found).text.upper())
        return _refilled(found, _zeros(digits) + self._number(len(digits), kind, scope, letters + digits))

    def _iban(self, kind: str, scope: str, found: str) -> str:
        code = re.sub(r"[^A-Z0-9]", "", view(found).text.upper())
        digits = sum(c.isdecimal() for c in code)
        return _refilled(found, "00" + self._number(digits - 2, kind, scope, code))

    def _email(self, kind: str, scope: str, found: str) -> str:
        seen = re.sub(r"\s", "", view(found).text).lower()
        ending = next((end for end in ("net", "org") if seen.endswith(end)), "com")
        return f"{self._letters(8, kind, scope, seen)}@example.{ending}"

    def _url(self, kind: str, scope: str, found: str) -> str:
        seen = view(found).text
        scheme = re.match(r"\w[\w+:]*://", seen)
        return f"{scheme[0] if scheme else ''}example.com/{self._letters(10, kind, scope, seen)}"

    def _ip(self, kind: str, scope: str, found: str) -> str:
        seen = view(found).text.replace(" ", "").lower()
        digest = _keyed(self.key, kind, scope, seen)
        if ":" in seen:
            return "2001:db8:" + ":".join(f"{digest[i]:02x}{digest[i + 1]:02x}" for i in range(0, 12, 2))
        return f"{('192.0.2', '198.51.100', '203.0.113')[digest[0] % 3]}.{digest[1] % 254 + 1}"

    def _handle(self, kind: str, scope: str, found: str) -> str:
        return f"user_{self._letters(6, kind, scope, view(found).text.lower())}"

    def _word(self, kind: str, scope: str, found: str) -> str:
        return f"xx{self._letters(8, kind, scope, view(found).text.lower())}"

    def _name(self, kind: str, scope: str, found: str) -> str:
        seen = view(found).text
        return self._korean(scope, seen) if _HANGUL.search(seen) else self._english(scope, seen)

    def _korean(self, scope: str, seen: str) -> str:
        """Surname and given name each by itself: 김민수 씨 and 민수 님 stay one person."""
        surname, given = split(re.sub(r"\s", "", seen))
        sound = final(given[-1]) if given else final(surname[-1])
        fresh = self._pick(_GIVEN[sound], "given", scope, given) if given else ""
        if not surname:
            return fresh
        families = [name for name in SURNAMES_KO[""] + SURNAMES_KO["ㄹ"] + SURNAMES_KO["c"] if name != surname]
        gap = " " if " " in seen.strip() and given else ""
        return self._pick(families, "surname", scope, surname) + gap + fresh

    def _english(self, scope: str, seen: str) -> str:
        """Word by word: the last of several is the surname; initials and short words become initials of the new."""
        words = re.split(r"([\s.,\-']+)", seen)
        names = [place for place in range(0, len(words), 2) if words[place]]
        for place in names:
            last = place == names[-1] and len(names) > 1
            choices = SURNAMES_EN if last else GIVEN_EN
            fresh = self._pick(choices, "word", scope, words[place].lower())
            old = words[place]
            words[place] = (
                fresh[0]
                if len(old) == 1
                else fresh.upper()
                if old.isupper()
                else fresh
                if old[0].isupper()
                else fresh.lower()
            )
        return "".join(words)

    def _address(self, kind: str, scope: str, found: str) -> str:
        """Part by part: what kind of place it is stays, its name and numbers don't."""
        seen = view(found).text
        korean = _HANGUL.search(seen) is not None

        def place(part: re.Match[str]) -> str:
            if _SIDO.fullmatch(part.group()):
                return part.group()
            return self._pick(AREAS, "area", scope, part["name"]) + (part["suffix"] or "")

        def word(part: re.Match[str]) -> str:
            if part.group() in STATES:
                return part.group()
            choices = STREETS_EN if part.start() < 24 else TOWNS_EN
            return self._pick(choices, "place", scope, part.group().lower())

        named = PART_KO.sub(place, seen) if korean else PART_EN.sub(word, seen)
        if named == seen:  # all its words are the names of places' kinds: 12 Mills Courts
            named = re.sub(r"[A-Za-z]{2,}|[가-힣]+", word, seen, count=1)
        numbers = self._number(64, "number", scope, seen)
        at = iter(numbers * (len(named) // 64 + 1))
        return re.sub(r"\d", lambda digit: next(at), named)


def _exchange(plain: str, foreign: bool, area: str) -> str:
    """How the surrogate of a telephone number begins: a range of `surrogates.RANGES`."""
    if foreign:
        return plain[:2] + "00"
    if plain[0] == "0":
        size = 2 if plain[1] == "2" else 4 if plain[1:3] == "50" and len(plain) > 10 else 3
        return plain[:size] + "0"
    return f"{2 + int(area[0]) % 8}{area[1:]}55501" if len(plain) == 10 else "1510"


def _zeros(digits: str) -> str:
    """How reserved numbers begin; thirteen digits with three zeros may be a child's, born 2000."""
    return "0000" if len(digits) == 13 else "000"


def _refilled(found: str, digits: str) -> str:
    """`found` with other digits, one for one, and letters as they are."""
    fresh, seen = iter(digits), view(found)
    out = []
    for place, char in enumerate(seen.text):
        old = found[slice(*seen.cell(place))]
        if not char.isdecimal():
            out.append(old)
        elif len(old) == 1 and old.isdecimal():
            out.append(chr(ord(old) - int(old) + int(next(fresh))))
        else:
            out.append(next(fresh))
    return "".join(out)
