"""Names in a text: a dictionary says what may be a name, the words around it say that it is one. Pure.

Laws: a full name that nothing near it says is a person's own stays: actors and films are not who wrote the review. Once
a name is found, the other places of the same text where it stands are found too. A coined name is nobody's.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from steps.private.coined import GIVEN_KO, NAMES_EN
from steps.private.names import korean
from steps.private.spans import RESERVED, Span
from steps.private.view import view

__all__ = ["PATTERN", "Names"]

_GAP = r"[ \t]{0,2}"
_FAMILY = f"(?:{'|'.join(korean.DOUBLE)}|[{''.join(sorted(korean.SURNAMES))}])"
_FAMILY_SPACED = f"(?:{'|'.join('[ ]?'.join(d) for d in korean.DOUBLE)}|[{''.join(sorted(korean.SURNAMES))}])"
_SYLLABLE = f"[{''.join(sorted(korean.SYLLABLES))}]"
_TITLE = (
    r"씨|님|군(?![가-힣])|양(?![가-힣])|고객|회원|환자|선생|과장|부장|차장|대리|팀장|사원|주임|실장|본부장|이사|상무|전무|사장|대표|회장|교수|박사|변호사|"
    r"의사|간호사|원장|기사|매니저|상담사|상담원|어르신|할머니|할아버지|여사|귀하|학생|아동|어린이|선수|드림|올림|배상|앞(?![가-힣])"
)
_LABEL = (
    r"이름|성함|성명|고객명|예금주|받는\s?분|받는\s?사람|보내는\s?분|보내는\s?사람|수령인|수취인|수신인|수신|참조|발신|신청인|신청자|담당자|담당|예약자|주문자|"
    r"계약자|피보험자|보호자|환자명|환자|입금자명|입금자|명의자|명의|대표자|작성자|회원명|고객님|고객|회원|상담사|상담원|받으시는\s?분|성함이|본인|지원자|응시자|"
    r"학생|직원|사용자|이용자|가입자|구매자|판매자|소유자|임차인|임대인|매수인|매도인|피해자|신고자|동반자|배우자|신랑|신부"
)
_TAIL = (
    r"(?=(?:이?라고|이?라는|이?랑|입니다|이에요|예요|이예요|이야|이고|이며|인데|이신|이요|이다|이었|였|께서|한테|에게|으로|은|는|이|가|을|를|의|와|과|도|로|께|씨|님|아|야|만|"
    r"드림|올림|배상|귀하|고객|회원|환자|선생|과장|부장|차장|대리|팀장|사원|주임|실장|이사|사장|대표|교수|박사)?(?![가-힣])|이?라고|이?라는|입니다|이에요|예요|이고|이며|인데|이신|께서|님|씨)"
)
_NAME = rf"(?P<name>{_FAMILY_SPACED}{_GAP}(?:{_SYLLABLE}{_GAP}{_SYLLABLE}|{_SYLLABLE}))"
_STRICT = rf"(?P<name>{_FAMILY}{_SYLLABLE}{{2}})"
_ANY = rf"(?P<name>{_FAMILY}[가-힣]{{1,2}}|{_FAMILY_SPACED}{_GAP}{_SYLLABLE}{_GAP}{_SYLLABLE})"
PATTERN = (  # RE2, for the first pass: whatever of the below may match holds one of these
    rf"(?:{_TITLE.replace('(?![가-힣])', '')})|(?:{_LABEL})|저는|나는|제가|내가|전 |난 "
    r"|(?:M[rsx]{1,2}|Dr|Prof|Miss|Sir|Madam)\b|(?i:\bname\b|\bi'?\s?a?m\b|dear|\bhi\b|hello|hey|thanks|regards|sincerely|best|cheers)|[A-Z][a-z]+ [A-Z]|[A-Z]{2,} [A-Z]{2,}"
    r"|(?i:this is|contact|customer|client|user|attn|attention|cardholder|signed|yours|from:|to:)|@|\d{3}"
)

_TITLED = re.compile(rf"(?<![가-힣]){_NAME}[ ]?(?:{_TITLE})")
_GIVEN = re.compile(
    rf"(?<![가-힣])(?P<name>{_SYLLABLE}{{2}})[ ]?(?:씨|님|군(?![가-힣])|양(?![가-힣])|어린이|학생)(?!름|앗)"
)
_LABELLED = re.compile(
    rf"(?:{_LABEL})[ \t]{{0,2}}(?:은|는|이|가|명|께서)?[ \t]{{0,2}}[\]):=：\-|/]{{0,2}}[ \t]{{0,3}}{_ANY}{_TAIL}"
)
_SELF = re.compile(
    rf"(?<![가-힣])(?:저는|나는|제가|내가|전|난|저|제\s?이름은|내\s?이름은|안녕하세요|여보세요)[ ,.!~]{{1,3}}(?:[가-힣0-9]{{1,8}}[ ]){{0,2}}?{_ANY}"
    r"(?=입니다|이에요|예요|이예요|이라고|라고|이고|인데|이야|야(?![가-힣])|임(?![가-힣])|이요)"
)
_CALLED = re.compile(rf"(?<![가-힣]){_ANY}(?=(?:이)?(?:라는|라고)\s?(?:사람|고객|분|학생|친구|직원|합니다|해요|하는))")
_BARE = re.compile(rf"(?<![가-힣]){_STRICT}{_TAIL}")
_ROLE = re.compile(
    r"연기|배우|감독|주연|조연|출연|역할|영화|작품|드라마|캐릭터|목소리|노래|팬|매력|가수|아이돌|앨범|개그|코미디|시나리오|각본|배역|방송|예능|[멋짱]|이쁘|예쁘|귀엽|잘생|섹시"
)
_OWN = re.compile(
    r"고객|회원|연락|전화|번호|담당|상담|예약|주문|배송|주소|계좌|입금|환불|접수|문의|통화|결제|신청|이메일|메일|택배|진료|환자|수신|참조|보호자|성명|성함|이름|신고|계정|계약|면담|"
    r"@|01[016-9][ .\-]?\d|\+82"
)
_NOT_NAMES = frozenset(
    "감독 작가 배우 선생 고객 회원 부모 이모 고모 주인 장모 하나 손자 도사 기사 신부 목사 사장 대표 교수 원장 주연 조연 정말 진짜 이상 이유 이영 전주 고수 우리 이름 정도 최고 최소 "
    "하느 고객센터 우리은 이사님 전문가 담당자 성도 안녕 한국 이분 여러분 모두 서로 아무 이번 다음 지난 한번 조금 오늘 내일 어제 지금 사람 남자 여자 친구 가족 아이 엄마 아빠 "
    "정우성은 이라는 이것이 하지만 그러나 상당히 이정도 이사람 이양반 어린이 전기차 송이버 문제점 장난감 한마디 여기서 전화기 연락처 주소지 고민중 신나라 민주주 주민등 진정성 "
    "주인공 여주인 남주인 성우님 시인 인간 한분 두분 이런 저런 우주 지구 구성 조명 소리 마음 안심 정의 신발 권장 강의 임시 나라 공지사 명의자 예금주 이용자 사용자 구매자 지원자 "
    "천주교 유명인 원작자 제작자 기자 여기자 남기자 공주 왕자 여왕 나영석피 문의하 상담사 상담원 한사람 두사람 이하 이상하 안하 유부남 유부녀 고등학 도우미 오히려 마지막 하나도 나머지 진심 "
    "어머 아버 할머 도련 서방 마나 사모 스승 공자 맹자 예수 나으리 임금 용왕 천사 보스 아저 아가 아줌 태양 지도 영자 선수 기타 여유 표준 예정 이자 원금 기간 인하 소유 현재".split()
)


class Names:
    """Korean and English names."""

    name = "names"

    def __init__(self, languages: Iterable[str] = ("ko", "en")) -> None:
        self.languages = frozenset(languages)

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text; they may overlap."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> list[Span]:
        seen = view(text)
        spans: list[Span] = []
        if "ko" in self.languages:
            spans += _korean(seen.text)
        if "en" in self.languages:
            from steps.private.names.latin import latin

            spans += latin(seen.text)
        return [span._replace(start=a, end=b) for span in spans for a, b in (seen.back(span.start, span.end),)]


_COINED_KO = re.compile(rf"(?<![가-힣])(?:{_FAMILY}[ ]?)?(?:{'|'.join(GIVEN_KO)})")
_COINED_EN = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(NAMES_EN)})(?![A-Za-z])", re.I)


def _korean(text: str) -> Iterator[Span]:
    for found in _COINED_KO.finditer(text):
        yield Span(*found.span(), RESERVED)
    own = _OWN.search(text) is not None
    known: dict[str, float] = {}
    for pattern, sure in ((_LABELLED, 0.9), (_SELF, 0.9), (_CALLED, 0.85), (_TITLED, 0.85), (_GIVEN, 0.75)):
        for found in pattern.finditer(text):
            name = re.sub(r"\s", "", found["name"])
            if not _may_be(name, pattern) or (
                pattern in (_TITLED, _GIVEN) and not own and _public(text, *found.span())
            ):
                continue
            known[name] = max(sure, known.get(name, 0))
            yield Span(*found.span("name"), "name", sure, "names")
    if own:
        for found in _BARE.finditer(text):
            name = found["name"]
            if name[1:] in korean.GIVEN and name not in _NOT_NAMES and name[:2] not in _NOT_NAMES:
                known.setdefault(name, 0.7)
                yield Span(*found.span("name"), "name", 0.7, "names")
    if known:
        yield from _again(text, known)


def _may_be(name: str, pattern: re.Pattern[str]) -> bool:
    """Whether the dictionary has nothing against the name where this pattern found it."""
    if name in _NOT_NAMES or name[:2] in _NOT_NAMES and name not in korean.GIVEN and name[1:] not in korean.GIVEN:
        return False
    surname, given = korean.split(name)
    if pattern is _GIVEN:
        return name in korean.GIVEN
    if not surname or not given:
        return False
    if given in korean.GIVEN:
        return True
    if len(given) == 1:
        return given in korean.SINGLE and (
            pattern is not _TITLED or len(surname) == 2 or given not in "수영아정은원선경연"
        )
    return all(c in korean.SYLLABLES for c in given) if pattern is not _CALLED else False


def _public(text: str, start: int, end: int) -> bool:
    """Whether the words around a name speak of somebody on a stage."""
    return _ROLE.search(text[max(0, start - 10) : end + 15]) is not None


def _again(text: str, known: dict[str, float]) -> Iterator[Span]:
    """The other places of names that were found: whole, or the given name with a particle or a call."""
    words: dict[str, float] = {}
    for name, sure in known.items():
        surname, given = korean.split(name)
        words[name] = sure
        if surname and len(given) == 2:
            words[given] = min(sure, 0.7)
    choice = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    for found in re.finditer(rf"(?<![가-힣])(?:{choice}){_TAIL}", text):
        yield Span(*found.span(), "name", words[found.group()], "names")
