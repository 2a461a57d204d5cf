"""English names in a text, by dictionary and context. Pure."""

import re
from collections.abc import Iterator

from steps.private.coined import NAMES_EN
from steps.private.names import english
from steps.private.names.context import TITLES, in_title
from steps.private.spans import RESERVED, Span
from steps.private.words import words

__all__ = ["latin"]

_WORD = r"[A-Z][a-z]{1,15}(?:['’-][A-Z][a-z]{1,15})?|Mc[A-Z][a-z]{1,12}|O['’][A-Z][a-z]{1,12}"
_UPPER = r"[A-Z]{2,15}(?:['’-][A-Z]{2,15})?"
_FULL = rf"(?:{_WORD})(?:[ ](?:[A-Z]\.|(?:{_WORD}))){{0,2}}|{_UPPER}(?:[ ](?:[A-Z]\.|{_UPPER})){{0,2}}"
_TITLES = r"(?:Mr|Mrs|Ms|Mx|Dr|Prof|Miss|Sir|Madam)\.?"
_TITLED = re.compile(rf"(?<![A-Za-z]){_TITLES}\s(?P<name>{_FULL})(?![A-Za-z])")
_LABELLED = re.compile(
    rf"(?i:(?<![A-Za-z])(?:full ?name|first[ _]?name|last[ _]?name|surname(?: and given names?)?|given[ _]names?|"
    rf"name(?: on card)?|customer|client|cardholder|"
    rf"applicant|employee|patient|recipient|beneficiary|payee|attn|attention|contact|user|owner|signed|"
    rf"passenger|guest|member|agent|held by|reported by|escalated to|assigned to|forwarded to|"
    rf"transferred to|approved by|handled by|reviewed by|requester|caller|technician|insured|cc|contact person|"
    rf"account holder|holder|approved|prepared by|opened by|closed by|escalated by|issued to|behalf of)"
    rf"\s{{0,2}}(?:is|was|[:=\-])?\s{{0,2}})(?P<name>{_FULL})(?![A-Za-z])"
)
_SELF = re.compile(
    rf"(?i:(?<![A-Za-z])(?:my name(?:'s| is)|i am|i'm|this is|call me|it's|its|name's|dear|hi|hello|hey|yo|thanks|"
    rf"thank you|cheers|regards|sincerely|"
    rf"best|yours|love|best wishes|kind regards|spoke (?:with|to)|ask for|talk(?:ed)? to|met|contact|"
    rf"called)[,!]?\s{{1,3}})(?P<name>{_FULL})(?![A-Za-z])"
)
_BY = re.compile(
    rf"(?i:(?<![A-Za-z])(?:by|with|to|for|from|of|ask|tell|invite|wife|husband|brother|sister|son|daughter|friend|"
    rf"colleague|boss|manager|partner|does|is this|birthday|truly)[,:]?[ ])"
    rf"(?P<name>(?:{_WORD})(?:[ ](?:[A-Z]\.|(?:{_WORD}))){{1,2}}|"
    rf"{_UPPER}"
    rf"(?:[ ](?:[A-Z]\.|{_UPPER})){{1,2}})(?![A-Za-z])"
)
_PAIR = re.compile(
    rf"(?<![A-Za-z.])(?P<name>(?:{_WORD})[ ](?:[A-Z]\.[ ])?(?:{_WORD})|{_UPPER}[ ](?:[A-Z]\.[ ])?{_UPPER})(?![A-Za-z])"
)
_INITIAL = re.compile(rf"(?<![A-Za-z.])(?P<name>[A-Z]\.\s?(?:[A-Z]\.\s?)?(?:{_WORD}|{_UPPER}))(?![A-Za-z])")
_SINGLE = re.compile(
    rf"(?<![A-Za-z.'’-])(?<!St\. )(?<!San )(?<!New )(?<!Los )(?<!Santa )(?<!Fort )(?<!Port )(?<!Lake )(?<!Mount )"
    rf"(?<!Saint )(?P<name>{_WORD}|{_UPPER})(?![A-Za-z]|[ ][A-Z][a-z])"
)
# Names that no list knows: alone on a line, before a mail or number in brackets, before a verb of speaking.
_UNKNOWN = re.compile(
    rf"(?:(?<=\n)|^)(?P<name>(?:{_WORD})[ ](?:{_WORD})|{_UPPER}[ ]{_UPPER})(?=\s*(?:\n|$))"
    rf"|(?<![A-Za-z] )(?<![A-Za-z])(?P<before>(?:{_WORD})[ ](?:{_WORD})|{_UPPER}[ ]{_UPPER})(?=\s[(<][^)>\n]*[@\d]|"
    rf"(?:,|['’]s)?\s(?:told|says|said|called|asked|wrote|speaking|requested|requests|cannot|can't|couldn't|wants|needs|reports|"
    rf"reported|complains|complained|confirmed|visited|closed|opened|here|was|is|has|are you|will|would)\b)"
)
# Korean names in Latin letters: Kim Min-su, Min-su Kim, Kim Minsu.
_ROMAN_FAMILY = (
    r"(?i:Kim|Lee|Yi|Rhee|Park|Pak|Bak|Choi|Choe|Jung|Jeong|Chung|Kang|Cho|Jo|Yoon|Yun|Jang|Chang|Lim|Im|Rim|Han|Oh|"
    r"Seo|Suh|Shin|Sin|Kwon|Hwang|Ahn|An|Song|"
    r"Ryu|Yoo|Yu|Hong|Jeon|Jun|Ko|Go|Koh|Moon|Mun|Yang|Son|Sohn|Bae|Baek|Paik|Heo|Hur|Nam|Shim|Sim|Noh|No|Roh|Ha|"
    r"Kwak|Gwak|Sung|Seong|Cha|Joo|Ju|Woo|U|Koo|Gu|Min|Na|Jin|"
    r"Ji|Um|Eom|Chae|Won|Cheon|Chun|Bang|Gong|Kong|Hyun|Ham|Byun|Yeom|Yeo|Chu|Choo|Do|So|Seok|Seol|Ma|Gil|Namgung|"
    r"Hwangbo|Jegal|Sunwoo|Sagong|Dokgo)"
)
_ROMAN = re.compile(
    rf"(?<![A-Za-z])(?P<name>{_ROMAN_FAMILY},?\s[A-Z][a-z]{{1,6}}-[A-Za-z][a-z]{{1,6}}|"
    rf"[A-Z][a-z]{{1,6}}-[A-Za-z][a-z]{{1,6}}\s{_ROMAN_FAMILY}"
    rf"|{_ROMAN_FAMILY},?\s[A-Z]{{2,7}}-[A-Z]{{2,7}}|[A-Z]{{2,7}}-[A-Z]{{2,7}}\s{_ROMAN_FAMILY})(?![A-Za-z])"
)
_ROLE = re.compile(
    r"(?i:[가-힣]|\b(?:movie|film|actor|actress|director|directed|starring|cast\b|role|perform|scene|plays?\b|character|"
    r"oscar|hollywood|album|song|band\b|"
    r"president|senator|minister|comedy|thriller|sequel|screen|plot|acting|novel|book|episode|season|watch))"
)
_OWN = re.compile(
    r"(?i:@|\d{3}[ .\-)]{1,2}\d{4}|phone|call|e-?mail|address|account|order|refund|ticket|customer|invoice|card|"
    r"passport|license|ssn|deliver|ship|appointment|contact|reset|confirm|regards|sincerely|log ?in|user\b|attempt|"
    r"case\b|severity|parcel|voicemail|branch|crash|callback|charged|declined|bill|insured|patient|speak|speaking|chatting|"
    r"reception|meeting at|at noon)"
)
_COINED = re.compile(
    rf"(?<![A-Za-z])(?:{'|'.join(NAMES_EN)})(?:[\s.]{{1,2}}(?:{'|'.join(NAMES_EN)}))?(?![A-Za-z])", re.I
)


def latin(text: str) -> Iterator[Span]:
    """The English names of a view."""
    for found in _COINED.finditer(text):
        yield Span(*found.span(), RESERVED)
    own = _OWN.search(text) is not None
    public = _ROLE.search(text) is not None  # and a Korean review speaks of foreign names as of actors
    known: dict[str, float] = {}
    titles = [found.span() for found in TITLES.finditer(text)]
    for pattern, sure in _RULES:
        if not own and (pattern in (_INITIAL, _UNKNOWN, _BY) or (public and pattern in (_PAIR, _SINGLE))):
            continue
        at = 0
        while (named := pattern.search(text, at)) is not None:
            which = "name" if named["name"] is not None else "before"
            end = _named(named[which], pattern, own)
            start = named.start(which)
            if end and not in_title(titles, start):
                known[text[start : start + end]] = sure
                yield Span(start, start + end, "name", sure, "names")
            at = start + end if end else named.start() + 1
    if known:
        yield from _again(text, known)


_TOKEN = re.compile(r"(?<![A-Za-z])[A-Za-z]+(?:['’-][A-Za-z]+)*")


def _again(text: str, known: dict[str, float]) -> Iterator[Span]:
    """The other places of names that were found: whole, or one of their words."""
    words: dict[str, list[str]] = {}
    for name in known:
        words.setdefault(re.split(r"[ .]", name)[0], []).append(name)
    parts = {
        part: sure
        for name, sure in known.items()
        for part in name.split()
        if len(part) > 2 and part.title() not in english.WORDS
    }
    for found in _TOKEN.finditer(text):
        for name in words.get(found.group(), ()):
            if text.startswith(name, found.start()):
                yield Span(found.start(), found.start() + len(name), "name", min(known[name], 0.7), "names")
        if found.group() in parts:
            yield Span(*found.span(), "name", min(parts[found.group()], 0.7), "names")


_RULES = (
    (_ROMAN, 0.9), (_BY, 0.7), (_TITLED, 0.88), (_LABELLED, 0.85), (_SELF, 0.85), (_INITIAL, 0.7), (_PAIR, 0.72),
    (_SINGLE, 0.6), (_UNKNOWN, 0.6),
)  # fmt: skip


def _named(said: str, pattern: re.Pattern[str], own: bool) -> int:
    """How many characters of a row of capitalised words are a name, by the dictionary; 0 if none."""
    words = re.split(r"(\s)", said)
    first, rest = words[0].title(), [word.title() for word in words[2::2]]
    upper = said.isupper() and len(said) > 4
    last = next((place for place in range(len(rest), 0, -1) if _last(rest[place - 1])), 0)
    if not last and rest and first in english.GIVEN and pattern is not _SINGLE:  # a surname that no list knows
        place = 2 if len(rest[0]) == 2 and rest[0][1] == "." and len(rest) > 1 else 1
        last = place if len(rest[place - 1]) > 2 and rest[place - 1] not in _NO_SURNAMES else 0
    length = sum(map(len, words[: 2 * last + 1]))
    if pattern is _INITIAL:
        return len(said) if _last(re.split(r"[.\s]", said)[-1].title()) else 0
    if pattern is _PAIR:
        return (
            length
            if last and first in english.GIVEN and (first not in english.WORDS or rest[last - 1] in english.SURNAMES)
            else 0
        )
    if pattern is _SINGLE:
        return length if first in english.GIVEN and first not in english.WORDS else 0
    if pattern is _ROMAN:
        return len(said)
    strange = not {first, *rest} & _NO_SURNAMES and len(first) > 2 and bool(rest) and len(rest[0]) > 2
    if pattern is _UNKNOWN:
        return len(said) if strange else 0
    if pattern is _TITLED:
        return length if last else len(words[0])
    if first in english.GIVEN:
        return length
    if last and len(first) > 2 and first not in _NO_SURNAMES and (rest[last - 1] in english.SURNAMES or upper):
        return length
    if own and strange:
        return sum(map(len, words[:3]))
    return length if first in english.SURNAMES and pattern is _SELF and first not in english.WORDS else 0


_NO_SURNAMES = words(
    """
    The And But For With From Please This That There Here Your Our His Her Its You She They We What When Where Who
    Why How Are Was Were Has Had Have Not Yes Can Could Will Would Should May Might Must Let Get Got Call Email
    Phone Address Order Account Card Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February
    March April June July August September October November December Street Road Avenue Company Inc Ltd Corp Bank
    University College School Hospital Hotel Airport City Customer Agent Support Team Service Sir Madam Mr Mrs
    Ms Dr Good Morning Afternoon Evening Thanks Thank Regards Best Dear Hi Hello Passport License Licence Number
    Name Full Home Mobile
    """
)


def _last(word: str) -> bool:
    return (
        word in english.SURNAMES
        or word in english.GIVEN
        or re.fullmatch(r"(?:Mc|O['’]|Mac)[A-Z]?[a-z]+", word) is not None
    ) and (word not in _NO_SURNAMES)
