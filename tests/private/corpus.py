"""Labelled text for de-identification: templates × Faker × disguises, the same for the same seed.

Laws:
- A label is the place where a value was put, so it is right by construction; `secret` is the part that must not remain
  (of a URL its token, otherwise the whole).
- `dev` may be looked at while rules are written; `test` is what is reported. They share no template, and have lists of
  their own of films, places and words that look like names.
- What looks like an identifier and is none (prices, dates, order numbers whose check digit is wrong, films, words that
  are also names) is never labelled.
- A text has one disguise at most, worn by all its identifiers that it suits.
"""

import random
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import identifiers
from disguises import DISGUISES
from words import Words

Set = Literal["dev", "test"]
CHECKSUMS = frozenset({"rrn", "business", "card", "iban"})
KINDS = (*sorted(CHECKSUMS), "phone", "email", "passport", "licence", "account", "ssn", "ip", "url", "address", "name")
_FOLDER = Path(__file__).resolve().parent / "templates"
_SLOT = re.compile(r"\{(\w+)(?:@(\w))?(?::([^}/]+)/([^}]+))?\}")
_WEIGHTS = {"chat": 20, "ticket": 20, "form": 15, "mail": 12, "review": 18, "prose": 5, "trap": 10}
_NAMES = {"name", "given", "last", "name_ko", "name_en"}
_DISGUISED = 0.45


class Label(NamedTuple):
    """`text[start:end]` is of this kind, in this disguise; `text[secret[0]:secret[1]]` must not remain."""

    start: int
    end: int
    kind: str
    secret: tuple[int, int]
    disguise: str = "plain"


class Item(NamedTuple):
    """A text, its labels in order, its language, family and template."""

    text: str
    labels: tuple[Label, ...]
    language: str
    family: str
    template: str


class Template(NamedTuple):
    """A line of `templates/`."""

    language: str
    family: str
    text: str


@cache
def templates(which: Set) -> dict[tuple[str, str], list[Template]]:
    """By language and family."""
    found: dict[tuple[str, str], list[Template]] = {}
    for language in ("ko", "en"):
        for line in (_FOLDER / f"{which}.{language}.txt").read_text(encoding="utf-8").splitlines():
            family, _, text = line.partition("\t")
            one = Template(language, family, text.replace("\\n", "\n"))
            found.setdefault((language, family), []).append(one)
    return found


def generate(which: Set, rows: int, seed: int = 0) -> Iterator[Item]:
    """So many items, six in ten Korean; item i depends on `which`, the seed and those before it alone."""
    chance = random.Random(f"{which}/{seed}")  # noqa: S311 - nothing is kept secret by it
    words = {"ko": Words("ko_KR", which, chance), "en": Words("en_US", which, chance)}
    families = templates(which)
    for _ in range(rows):
        language = "ko" if chance.random() < 0.6 else "en"
        family = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        count = (
            chance.randint(1, 3) if family in ("review", "prose") else 1
        )  # or the same few would come again and again
        parts = chance.sample(families[language, family], count)
        yield render(Template(language, family, " ".join(one.text for one in parts)), chance, words)


def render(template: Template, chance: random.Random, words: dict[str, Words]) -> Item:
    """Fills the slots from left to right and notes where each identifier came to lie."""
    suitable = _suitable(template)
    chosen = chance.choice(suitable) if suitable and chance.random() < _DISGUISED else ""
    text, labels, at = "", [], 0
    known: dict[str, str] = {}
    for slot in _SLOT.finditer(template.text):
        name, same, closed, open_ = slot.groups()
        text += template.text[at : slot.start()]
        value, kind, secret = _value(name, template.language, chance, words)
        value = known.setdefault(same, value) if same else value
        if kind:
            other = _worn(chosen, name, value, template.language, chance)
            value = value if other is None else other
            start, (inside, outside) = len(text), secret or (0, len(value))
            place = (start, start + len(value), kind, (start + inside, start + outside))
            labels.append(Label(*place, "plain" if other is None else chosen))
        text += value + (_particle(value, closed, open_) if closed else "")
        at = slot.end()
    return Item(text + template.text[at:], tuple(labels), template.language, template.family, template.text)


@cache
def _suitable(template: Template) -> list[str]:
    """Disguises that one of its slots can wear."""
    slots = [slot[1] for slot in _SLOT.finditer(template.text)]
    return [worn for worn in DISGUISES if any(_suits(worn, slot, template.language) for slot in slots)]


def _suits(worn: str, slot: str, language: str) -> bool:
    kind = {"newrrn": "rrn", "given": "name", "last": "name"}.get(slot, slot)
    return not DISGUISES[worn].kinds.isdisjoint({kind, f"{kind}_{language}"})


def _worn(worn: str, slot: str, value: str, language: str, chance: random.Random) -> str | None:
    """The value in its disguise; None where it wears none."""
    if not worn or not _suits(worn, slot, language) or (worn == "spoken" and re.search("[A-Za-z]", value)):
        return None
    return DISGUISES[worn].wear(chance, value, language)


def _value(
    slot: str, language: str, chance: random.Random, words: dict[str, Words]
) -> tuple[str, str, tuple[int, int] | None]:
    """A value for a slot, its kind ("" where it is none), and where its secret lies if that is not the whole."""
    own = words[slot[-2:]] if slot in ("name_ko", "name_en") else words[language]
    if slot in _NAMES:
        return getattr(own, slot.partition("_")[0])(), "name", None
    if slot == "address":
        return own.address(), "address", None
    if slot == "email":
        return identifiers.email(chance, own.login()), "email", None
    if slot == "url":
        value, start, end = identifiers.url(chance)
        return value, "url", (start, end)
    if slot == "newrrn":
        return identifiers.rrn_since_2020(chance), "rrn", None
    make: Any = getattr(identifiers, f"{slot}_{language}", None) or getattr(identifiers, slot, None)
    if make is not None:
        return make(chance), slot, None
    return getattr(own, slot)(), "", None


def _particle(word: str, closed: str, open_: str) -> str:
    """은 or 는: the first after a final consonant. Hangul syllables are U+AC00 + 28·n + final."""
    last = word.rstrip()[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - 0xAC00) % 28
        return open_ if final == 0 or (final == 8 and closed == "으로") else closed
    return closed if last in "013678" + string.ascii_letters else open_
