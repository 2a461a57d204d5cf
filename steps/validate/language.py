"""The language of a short text, by its script and, for Latin script, by common words. Pure.

It says what it can know of a sentence: Korean, Japanese, Chinese and other scripts by most of their letters, English
by its most frequent words against those of five other languages. Latin text with none of them (a name, a "lol") is
`Latin script`, not a guess; emoji and digits alone are `no letters`.
"""

import re
from collections import Counter
from collections.abc import Iterable

from steps.validate.near import LONGEST

KOREAN, JAPANESE, CHINESE, ENGLISH, LATIN, OTHER, NONE = (
    "Korean", "Japanese", "Chinese", "English", "Latin script", "other", "no letters",
)  # fmt: skip
LANGUAGES = (KOREAN, JAPANESE, CHINESE, ENGLISH, LATIN, OTHER, NONE)

_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff\uffa0-\uffdc]")
_KANA = re.compile(r"[\u3041-\u30fa\u30fd-\u30ff\uff66-\uff9d]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(
    r"[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a]"
)
_SCRIPTS = ((KOREAN, _HANGUL), (JAPANESE, _KANA), (CHINESE, _HAN), (LATIN, _LATIN))
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_COMMON_ENGLISH = """
    the of and to is that it was for on are with as his they at be this have from or had by not but what all were we
    when your can there an which their if will how about out many then them these so some her would him has more could
    did my than who its now been very really just like good bad movie film i'm it's don't i you he she me too
    """
_COMMON_ELSEWHERE = """
    der die das und ist nicht ein eine ich mit auf für von zu den le la les des et est une un que qui pas pour dans el
    los las y es en por con para una no se del al o os e é não um uma com il di che non per sono de het een van ik je
    """
_ENGLISH, _ELSEWHERE = frozenset(_COMMON_ENGLISH.split()), frozenset(_COMMON_ELSEWHERE.split())


def language(text: str) -> str:
    """One of `LANGUAGES`."""
    text = text[:LONGEST]
    if text.isascii():
        return _latin(text) if _LATIN.search(text) else NONE
    letters = len(_LETTER.findall(text))
    if not letters:
        return NONE
    counts = {kind: len(script.findall(text)) for kind, script in _SCRIPTS}
    if counts[JAPANESE]:
        counts[JAPANESE] += counts.pop(CHINESE)  # Japanese is written with Chinese characters too
    best = max(counts, key=lambda kind: counts[kind])
    if counts[best] * 2 < letters:
        return OTHER
    return _latin(text) if best == LATIN else best


def said(name: str) -> str:
    """A language as it stands in a sentence, after "are"."""
    odd = {LATIN: "in Latin script", OTHER: "in other languages", NONE: "without letters"}
    return odd.get(name, f"in {name}")


def shares(texts: Iterable[str]) -> dict[str, float]:
    """The share of the texts by language, the most frequent first."""
    counts = Counter(map(language, texts))
    whole = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], LANGUAGES.index(item[0])))
    return {name: count / whole for name, count in ordered}


def _latin(text: str) -> str:
    found = [word.casefold() for word in _WORD.findall(text)]
    ours, theirs = sum(word in _ENGLISH for word in found), sum(word in _ELSEWHERE for word in found)
    if ours > theirs:
        return ENGLISH
    return OTHER if theirs > ours and theirs * 5 >= len(found) else LATIN
