"""Names in a text: a dictionary says what may be a name, the words around it say that it is one. Pure.

Laws: a full name that nothing near it says is a person's own stays: actors and films are not who wrote the review. Once
a name is found, the other places of the same text where it stands are found too. A coined name is nobody's.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from steps.private.coined import GIVEN_KO
from steps.private.first import Gate
from steps.private.names import korean
from steps.private.names.context import FAMILY, GATES, MET, OWN, REVIEW, ROLE, RULES, TAIL, TITLES, Rule, in_title
from steps.private.names.latin import latin
from steps.private.spans import RESERVED, Span
from steps.private.view import View, view
from steps.private.words import words

__all__ = ["Names", "patterns"]

# Words that read as a surname and a given name, or as a given name, and are none.
_NOT_NAMES = words(
    """
    기준 성별 변경 전원 인원 지원 신원 주민 국민 정원 공원 가정 여정 인정 조정 수정 안정 예정 정정 과정 전설 감정
    고정 지정 설정 전용 사용 이용 인용 고용 조용 내용 신용 남용 유용 허용 수용 경영 수영 운영 공연 자연 사연 인연
    금연 지연 주연 조연 우선 개선 노선 무선 유선 전선 시선 동선 차선 안경 환경 배경 풍경 심경 경은 전은 전화 정산
    계산 예산 자산 도산 부산 마산 울산 양산 일산 유산 국산 현산 생산 전산 설립자 성별이 부정은 대한 대한이 해주 어린
    영웅 영웅은 전화선 방문기 남주 여주 당시 중학 고등 초등 중학생 부정이 부정적 설정이 조명은 반대한 표현은 이름은
    이름이 대리 과장 부장 차장 팀장 한송이 배송이 제이름 승인자 검토자 기안자 연락이 전화가 주문이 예약이 문의가
    감독 작가 배우 선생 고객 회원 부모 이모 고모 주인 장모 하나 손자 도사 기사 신부 목사 사장 대표 교수 원장 정말
    진짜 이상 이유 이영 전주 고수 우리 이름 정도 최고 최소 하느 고객센터 우리은 전문가 담당자 성도 안녕 한국 이분
    여러분 모두 서로 아무 이번 다음 지난 한번 조금 오늘 내일 어제 지금 사람 남자 여자 친구 가족 아이 엄마 아빠
    이라는 이것이 하지만 그러나 상당히 이정도 이사람 이양반 어린이 전기차 송이버 문제점 장난감 한마디 여기서 전화기
    연락처 주소지 고민중 신나라 민주주 주민등 진정성 주인공 여주인 남주인 성우님 시인 인간 한분 두분 이런 저런 우주
    지구 구성 조명 소리 마음 안심 정의 신발 권장 강의 임시 나라 공지사 명의자 예금주 이용자 사용자 구매자 지원자
    천주교 유명인 원작자 제작자 기자 여기자 남기자 공주 왕자 여왕 문의하 상담사 상담원 한사람 두사람 이하 이상하
    안하 유부남 유부녀 고등학 도우미 오히려 마지막 하나도 나머지 진심 어머 아버 할머 도련 서방 마나 사모 스승 공자
    맹자 예수 나으리 임금 용왕 천사 보스 아저 아가 아줌 태양 지도 선수 기타 여유 표준 이자 원금 기간 인하 소유 현재
    여배우 남배우 추기경 여선생 반전이 이제서 현대 기아 농협 제일 신한은 우리카 현장 전체 전부 오후 오전 주말 평일
    이전 이후 이미 이내 서류 영수증 계산서 목소리 부분이 기분이 위대한 이상은 연기자 설정은 연예인 구성은 감정선
    기대한 이상도 배경은 상상도 감정은 최대한 천재성 편이나 구분이 예상은 정해진 하나라 표정은 방대한 위해선 사진이
    기이한 방송이 나이든 설명은 우정은 고요한 명이서 감성은 배우진 기대중 한여름 문제인 우수한 안하나 사형수 간지나
    경상도 이나라 구수한 유치원 주제인 기대만 명이나 사용하 인상은 이길수 차이나 장대한 나아진 소수자 방송은 상상은
    여성은 한명은 배신자 감상은 단하나 이용만 이용하 심정은 도화선 남성미 지옥이 동아리 변두리 시도하 모순이 마주하
    가정은 공유하 안이한 지대한 이분이 서양식 전해준 이별이 강해진 명성은 사진만 여정은 차별이 원이나 반성은 방송하
    명분이 감옥이 호세인 사상은 구별이 현대식 명나라 두분이 전이나 국민성 여성용 부자연 전문성 용서하 감동하 시대만
    기도하 남성은 정상은 인상도 정복자 방문자 변태일 소설이 소설은 지하주 전남대 이후로 신청은 신청이 주문은 문의는
    이용은 연락은 전화는 배송은 예약은 접수는 결제는 환불은 이용이 공지는 공지가 서비스 사이트 고장난 이상한 이상해
    안나와 조회수
    """
)
_NOT_GIVEN = words(
    """
    배우 기경 선생 연기 자분 감독 고생 정한 사장 대표 교수 주인 이제 학생 온데 간데 은행 센터 설이 작이 분이
    """
)
_TOKEN = re.compile(r"[가-힣]{2,}")
_TAIL = re.compile(TAIL)
_COINED = re.compile(rf"(?<![가-힣])(?:{FAMILY}[ ]?)?(?:{'|'.join(GIVEN_KO)})")


class Names:
    """Korean and English names."""

    name = "names"

    def __init__(self, languages: Iterable[str] = ("ko", "en")) -> None:
        self.languages = frozenset(languages)

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text; they may overlap."""
        return [list(self._one(view(text))) for text in texts]

    def _one(self, seen: View) -> Iterator[Span]:
        rules = [
            rule
            for language, (script, rule) in _RULES.items()
            if language in self.languages and script.search(seen.text)
        ]
        for rule in rules:
            for span in rule(seen.text):
                start, end = seen.back(span.start, span.end)
                yield span._replace(start=start, end=end)


def patterns(languages: Iterable[str]) -> dict[str, tuple[Gate, ...]]:
    """By language, what a text holds if the rules find a name in it."""
    gates: dict[str, tuple[Gate, ...]] = {"ko": GATES, "en": (_CAPITAL,)}
    return {language: gate for language, gate in gates.items() if language in set(languages)}


def _korean(text: str) -> Iterator[Span]:
    for found in _COINED.finditer(text):
        yield Span(*found.span(), RESERVED)
    own = OWN.search(text) is not None
    titles = [found.span() for found in TITLES.finditer(text)]
    known: dict[str, float] = {}
    met = own or (MET.search(text) is not None and REVIEW.search(text) is None)
    for rule in RULES:
        if (rule.private and not own) or (rule.met and not met):
            continue
        for start, end in _where(text, rule, own or met):
            if in_title(titles, start) or (rule.polite and not own and _public(text, start, end)):
                continue
            name = re.sub(r"\s", "", text[start:end])
            known[name] = max(rule.sure, known.get(name, 0))
            yield Span(start, end, "name", rule.sure, "names")
    if known:
        yield from _again(text, known)


def _where(text: str, rule: Rule, own: bool) -> Iterator[tuple[int, int]]:
    """Where the rule finds a name that the dictionary has nothing against."""
    found = rule.pattern.search(text)
    while found:
        start, end = found.span("name") if found["name"] is not None else found.span("other")
        name = re.sub(r"\s", "", text[start:end])
        if not rule.label and name[-1] in "가은는도" and name[:-1] in korean.GIVEN and name[1:] not in korean.GIVEN:
            yield start, end - 1  # 민수가: a given name and its particle, not 민 수가
        elif _may_be(name, rule, own):
            yield start, end
        elif name[-1] == "이" and len(name) > 2 and _may_be(name[:-1], rule, own):  # 박별이라고: the 이 is a particle
            yield start, end - 1
        else:
            end = found.start() + 1
        found = rule.pattern.search(text, max(end, found.start() + 1))


def _may_be(name: str, rule: Rule, own: bool) -> bool:
    """Whether the dictionary has nothing against the name where this rule found it."""
    loose = rule.loose or (rule.own and own)
    if rule.given:
        return (
            name not in _NOT_NAMES
            and name not in _NOT_GIVEN
            and (name in korean.GIVEN or (loose and korean.plausible(name)))
        )
    if rule.label and name in korean.GIVEN and name not in _NOT_NAMES:
        return True
    surname, given = korean.split(name)
    if not surname or not given or given in _NOT_GIVEN or name in _NOT_NAMES:
        return False
    if given in korean.GIVEN:
        return True
    if name[:2] in _NOT_NAMES and not own:
        return False
    if len(given) == 1:
        return (
            (rule.short or (rule.own and own))
            and given in korean.SINGLE
            and (not rule.polite or own or given not in "수영아정은원선경연")
        )
    return loose and korean.plausible(given)


def _public(text: str, start: int, end: int) -> bool:
    """Whether the words around a name speak of somebody on a stage."""
    return ROLE.search(text[max(0, start - 10) : end + 15]) is not None


def _again(text: str, known: dict[str, float]) -> Iterator[Span]:
    """The other places of names that were found: whole, or the given name with a particle or a call."""
    words: dict[str, float] = {}
    for name, sure in known.items():
        surname, given = korean.split(name)
        words[name] = sure
        if surname and len(given) == 2:
            words[given] = min(sure, 0.7)
    for found in _TOKEN.finditer(text):
        for size in range(min(4, len(found.group())), 1, -1):
            end = found.start() + size
            if text[found.start() : end] in words and _TAIL.match(text, end):
                yield Span(found.start(), end, "name", words[text[found.start() : end]], "names")
                break


_CAPITAL = r"[A-Z][A-Za-z]|[A-Z]\. ?[A-Z]"
_RULES = {"ko": (re.compile("[가-힣]"), _korean), "en": (re.compile(_CAPITAL), latin)}
