"""The first pass: which texts may hold an identifier at all. One linear expression over all texts at once.

Law: a text that it dismisses is one in which the rules and names find nothing (held to it by a test).
"""

from collections.abc import Sequence

from steps.private.view import ODD_CLASS

__all__ = ["suspects"]

_NUMBERS = r"\d(?:[^\d\n]{0,4}\d){5}"
_SAID = r"[공영빵령일이삼사오육륙칠팔구\d](?:[^가-힣\n]{0,4}(?:에|다시|대시|하이픈|국에|국의)?[^가-힣\n]{0,3}[공영빵령일이삼사오육륙칠팔구\d]){6}"
_WORDS = r"(?i:(?:\b(?:oh|o|zero|one|two|three|four|five|six|seven|eight|nine)\b[^A-Za-z]{0,4}(?:and|dash|hyphen|double|triple)?[^A-Za-z]{0,3}){5})"
_LETTERS = r"[\dOolI|](?:[ .\-]{0,3}[\dOolI|]){7}"
_CONTACTS = r"[@@]|골뱅이|앳|(?i:\bat\b.{1,64}\bdot\b)|://|\.[A-Za-z]{2,4}/|(?i:tistory|github|blogspot|wordpress|egloos|tumblr|notion|com\.ne)\.|\d\.\d{1,3} ?\. ?\d{1,3} ?\.|[0-9A-Fa-f]:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]"
_HANDLES = r"(?i:카톡|카카오톡|텔레그램|인스타|트위터|페이스북|페북|아이디|닉네임|telegram|insta|twitter|kakao|user ?name|user ?id|login|handle|skype|discord)"
_PLACES = r"[가-힣](?:로|길|거리|가|읍|면|동|리)[ \d]{0,3}(?:지하 ?|산 ?)?\d|\d ?동 ?\d|(?i:\d[A-Z]?,?\s{1,2}[A-Z0-9].{2,60}(?:APO|FPO|DPO|[A-Z]{2}))|(?i:box\s{1,2}\d)"
_PATTERN = "|".join((ODD_CLASS, _NUMBERS, _SAID, _WORDS, _LETTERS, _CONTACTS, _HANDLES, _PLACES))


def suspects(texts: Sequence[str], languages: Sequence[str] = ("ko", "en")) -> list[int]:
    """The places of the texts that have to be looked at."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        column = pa.array(texts, pa.large_string())
    except UnicodeEncodeError:  # a lone surrogate: looked at in any case, since it is odd
        column = pa.array([text.encode(errors="replace").decode() if not text.isascii() else text for text in texts])
    from steps.private.names import PATTERN

    hit = pc.match_substring_regex(column, f"{_PATTERN}|{PATTERN}")
    places: list[int] = pc.indices_nonzero(hit).to_pylist()
    return places
