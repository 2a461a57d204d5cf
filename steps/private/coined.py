"""Coined names of people, roads and towns: what surrogates are made of, and nobody bears. Pure data.

The Korean ones were chosen among two-syllable words that occur at most once in 575,000 film reviews; the English ones
are made of stems and endings that no census knows. By final sound, since particles follow it: 은/는, 이/가, 로/으로.
"""

from itertools import product

__all__ = ["AREAS", "GIVEN_EN", "GIVEN_KO", "NAMES_EN", "STREETS_EN", "SURNAMES_EN", "SURNAMES_KO", "TOWNS_EN", "final"]

_FIRST = "가나다루마보새소여유채타토"
_OPEN = tuple(a + b for a, b in product(_FIRST, "슈듀뉘뫼") if a + b not in ("다슈", "유슈"))
_LIQUID = tuple(a + b for a, b in product(_FIRST, "닐벨윌") if a + b not in ("나벨", "마벨", "루벨", "다닐"))
_CLOSED = tuple(a + b for a, b in product(_FIRST, "둔룬젠뎐") if a + b not in ("나둔", "가둔", "다룬", "토젠"))
GIVEN_KO = _OPEN + _LIQUID + _CLOSED
AREAS = tuple(a + b for a, b in product(_FIRST, "뢰벼녜"))

# The commonest surnames by final sound (census 2015): a surrogate's surname says nothing.
SURNAMES_KO = {"": "이최조서오고노하차주", "ㄹ": "설길", "c": "김박정강윤장임한신권황안송홍전문양손배백"}

_STEMS = (
    "Bex", "Corv", "Drel", "Fenn", "Grav", "Hulm", "Jost", "Kelv", "Lurr", "Morv", "Nelg", "Quor", "Rend", "Sorv",
    "Tevv", "Ulv", "Vrin", "Wext", "Yorv", "Zelm",
)  # fmt: skip
GIVEN_EN = tuple(a + b for a, b in product(_STEMS, ("ano", "eka", "iro", "una", "ilo", "ora")))
SURNAMES_EN = tuple(a + b for a, b in product(_STEMS, ("ackle", "omley", "usk", "etting", "imond", "oway")))
STREETS_EN = tuple(a + b for a, b in product(_STEMS, ("amere", "iholt", "owick", "erdale")))
TOWNS_EN = tuple(a + b for a, b in product(_STEMS, ("aburgh", "enford", "istead")))
NAMES_EN = GIVEN_EN + SURNAMES_EN


def final(syllable: str) -> str:
    """The class of a Hangul syllable's final sound, by which particles agree: "" none, "ㄹ", "c" another consonant."""
    tail = (ord(syllable) - 0xAC00) % 28
    return "" if tail == 0 else "ㄹ" if tail == 8 else "c"


def by_final(names: tuple[str, ...], sound: str) -> tuple[str, ...]:
    """Those of the names whose last syllable has this class of final sound."""
    return tuple(name for name in names if final(name[-1]) == sound)
