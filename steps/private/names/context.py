"""The words around Korean names, as expressions. Pure data: each says in what company a name stands."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from steps.private.names import korean

__all__ = ["FAMILY", "GATES", "MET", "OWN", "REVIEW", "ROLE", "RULES", "TAIL", "TITLES", "Rule", "in_title"]


def _any(*words: str) -> str:
    """One of the words, which may be written apart by blanks in a string."""
    return "|".join(word for line in words for word in line.split())


_GAP = r"[ \t]{0,2}"
FAMILY = f"(?:{'|'.join(korean.DOUBLE)}|[{''.join(sorted(korean.SURNAMES))}])"
_FAMILY_SPACED = f"(?:{'|'.join('[ ]?'.join(d) for d in korean.DOUBLE)}|[{''.join(sorted(korean.SURNAMES))}])"
_S = f"[{''.join(sorted(korean.SYLLABLES))}]"
_RANKS = _any(
    "고객 회원 환자 선생 과장 부장 차장 대리 팀장 사원 주임 실장 본부장 이사 상무 전무 사장 대표 회장 교수 박사 "
    "변호사 의사",
    "간호사 원장 기사 매니저 상담사 상담원 어르신 할머니 할아버지 여사 귀하 선수 드림 올림 배상",
)
_TITLE = (
    rf"씨|님|(?<= )앞(?![가-힣])|(?:{_RANKS})(?:(?=님|이|가|은|는|을|를|의|에|와|과|도|한테|께|분|입니다)|(?![가-힣]))"
)
_LABEL = _any(
    "이름 성함 성명 고객명 예금주명 예금주 수령인 수취인 수신인 수신 참조 발신 신청인 신청자 담당자 담당 예약자 "
    "주문자 계약자",
    "피보험자 보호자 환자명 환자 입금자명 입금자 명의자 대표자 작성자 회원명 고객님 고객 회원 상담사 상담원 본인 "
    "지원자 응시자 문의",
    "검토자 승인자 기안자 결재자 학부모 대리인 관리자 학생 직원 사용자 이용자 가입자 구매자 판매자 소유자 임차인 "
    "임대인 매수인",
    r"매도인 피해자 신고자 동반자 배우자 신랑 신부 요청자 접수자 등록자 받는\s?분 받는\s?사람 보내는\s?분 "
    r"보내는\s?사람 받으시는\s?분",
    "대상 기안 검토 결재 작성 승인 확인자 처리자 자녀 요청인 신고인 고소인 피고인 민원인 증인 의뢰인 방문자 동행인",
    r"수령자 대표 보낸이 받는이 성\s명 이\s름 수신자명 수신자 발신자명 발신자 동의자 서명자 한글이름",
    "contact name for from",
)
_KIN = _any(
    "동생 친구 아들 딸 형 누나 언니 오빠 남편 아내 와이프 여친 남친 선배 후배 동료 사촌 조카 이모 삼촌 담임 과외 "
    "팀장 대리 과장 부장 차장",
    "사장 원장 실장 반장 신랑 며느리 사위 손자 손녀 할머니 할아버지 어머니 아버지 엄마 아빠 룸메이트 룸메 짝꿍 "
    "여동생 남동생",
)
_PARTICLES = _any(
    "이?라고 이?라는 이?랑 입니다 이에요 예요 이예요 이야 이고 이며 인데 이신 이요 이다 이었 였 께서 한테 에게 으로 "
    "은 는 이 가 을 를",
    "의 와 과 도 로 께 씨 님 아 야 만 드림 올림 배상 귀하 고객 회원 환자 선생 과장 부장 차장 대리 팀장 사원 주임 "
    "실장 이사",
    "사장 대표 교수 박사",
)
_NO_WORD_GOES_ON = r"이?라고|이?라는|입니다|이에요|예요|이고|이며|인데|이신|께서|님|씨"
TAIL = rf"(?=(?:{_PARTICLES})?(?![가-힣])|{_NO_WORD_GOES_ON})"
_COPULA = r"(?= ?입니다|이에요|예요|이예요|이라고|라고|이고|인데|이요|이?야(?![가-힣]))"

_NAME = rf"(?P<name>{_FAMILY_SPACED}{_GAP}(?:{_S}{_GAP}{_S}|{_S}))"
_STRICT = rf"(?P<name>{FAMILY}{_S}{{2}}|{_FAMILY_SPACED}[ ]{_S}[ ]?{_S})"
_ANY = rf"(?P<name>{_FAMILY_SPACED}{_GAP}{_S}{_GAP}{_S}|{FAMILY}[가-힣]{{1,2}}|{_FAMILY_SPACED}[ ]{_S})"


class Rule(NamedTuple):
    """A context and how sure it makes a name. `given`: it takes given names alone; `loose`: names that no dictionary
    has; `own`: loose where the text speaks of somebody's own affairs; `short`: names of two syllables; `polite`: it is
    said of actors too; `private`: it counts only where the text speaks of somebody's own affairs; `label`: a given name
    alone will do, too; `met`: it counts only there, or in a day's talk."""

    pattern: re.Pattern[str]
    sure: float
    given: bool = False
    loose: bool = False
    own: bool = False
    short: bool = True
    polite: bool = False
    private: bool = False
    label: bool = False
    met: bool = False


RULES = (
    Rule(  # 고객명: 김민수, 담당자 김민수가
        re.compile(
            rf"(?:(?<![가-힣A-Za-z])(?:제 ?|내 ?|영문 ?|한글 ?)?(?:{_LABEL})|(?:{_LABEL})(?=[ ]?[:：=\]]))"
            r"(?:(?:은|는|이|가|명|께서)(?=[ \t\]):=：|,]))?+(?=[ \t\]):=：\-|/])"
            rf"[ \t]{{0,2}}[\]):=：\-|/]{{0,2}}[ \t]{{0,3}}{_ANY}{TAIL}"
        ),
        0.9, loose=True, polite=True, label=True,
    ),
    Rule(  # 저는 김민수입니다
        re.compile(
            r"(?<![가-힣])(?:저는|나는|제가|내가|전|난|저|나|저희|"
            r"(?:우리 ?)?(?:애|아이|아기|딸|아들|담임|남편|아내)[은는]|제\s?이름은|내\s?이름은|안녕하세요|여보세요)[ "
            r",.!~]{1,3}"
            rf"(?:[가-힣0-9]{{1,8}}[ ]){{0,2}}?{_ANY}{_COPULA}"
        ),
        0.9, own=True,
    ),
    Rule(  # 김민수라는 사람
        re.compile(
            rf"(?<![가-힣]){_ANY}(?=이?(?:라는|라고)\s?(?:사람|고객|분|학생|친구|직원|합니다|해요|하는|하는데|불러))"
        ),
        0.85, own=True,
    ),
    Rule(re.compile(rf"(?<![가-힣]){_NAME}[ ]?(?:{_TITLE})"), 0.85, loose=True, polite=True),
    Rule(re.compile(rf"(?<![가-힣]){_NAME}[ ](?:군|양)(?![가-힣])"), 0.75, short=False, polite=True),
    Rule(  # 민수 씨
        re.compile(rf"(?<![가-힣])(?P<name>{_S}[ ]?{_S})[ ]?(?:씨|님|(?:{_RANKS})님|학생(?![가-힣]))(?!름|앗)"),
        0.75, given=True, own=True, polite=True,
    ),
    Rule(  # 김민수입니다. as a line or sentence of its own
        re.compile(
            rf"(?:^|[.!?~\n\d] ?|안녕하세요,? )(?:[가-힣0-9]{{1,8}}[ ]){{0,3}}?{_ANY}"
            r"(?= ?입니다|이에요|예요|이예요|이요|인데요|이라고 합니다|라고 합니다| 드림| 올림| 배상)"
        ),
        0.7, own=True, short=False,
    ),
    Rule(  # 김민수 님 맞으시죠, 김민수 계세요
        re.compile(
            rf"(?<![가-힣]){_ANY}(?=(?: ?[씨님])? ?(?:이세요|세요\?|이신가요|이시죠|이십니까|맞으시|맞으신|맞나요|"
            rf"맞죠|맞습니|되시나|"
            r"계신가|계세요|계십니까|이라고 해|라고 해|본인|앞으로 (?:보내|발송|배송)|명의|네 집|좀 바꿔))"
        ),
        0.75, own=True, short=False,
    ),
    Rule(  # 친구 김민수가, 제 동생 민수랑
        re.compile(rf"(?<![가-힣])(?:{_KIN})(?:인| ?이름[은이])? {_ANY}{TAIL}"),
        0.72, own=True, short=False, polite=True, label=True,
    ),
    Rule(  # 김민수 어머님, 민수 형
        re.compile(
            rf"(?<![가-힣])(?P<name>{FAMILY}?{_S}{{2}})이? (?:{_KIN}|어머[니님]|아버[지님]|학부모)(?![가-힣]{{3}})"
        ),
        0.65, own=True, short=False, polite=True, label=True, met=True,
    ),
    Rule(  # 김민수랑 어제, 김민수 왔어?
        re.compile(
            rf"(?<![가-힣]){_ANY}(?=이?(?:랑|한테|에게|께서) |(?:은|는|이|가|도)? "
            r"(?:왔|왔대|온대|올 거|갔|간대|아직|언제|벌써|오늘|내일|결혼|생일|연락|"
            r"번호|전화|아세요|아시|누구|아니야|외 \d|서명|앞으로|이름으로|어린이|\(인\)|\(서명)|이 누구)"
        ),
        0.68, loose=True, short=False, met=True,
    ),
    Rule(  # 인사팀 김민수입니다
        re.compile(rf"(?:팀|부서|과|실|센터|지점|은행|회사|전자|물산|상사)(?:의)? {_ANY}{_COPULA}"),
        0.72, loose=True, met=True,
    ),
    Rule(  # 동의자: 김민수
        re.compile(rf"(?<![가-힣])[가-힣]{{1,6}}(?:자|인|이|명|름)[ ]?[:：=][ ]{{0,2}}{_ANY}{TAIL}"),
        0.72, loose=True, short=False, polite=True,
    ),
    Rule(  # 처리자: 김민수, whatever the label
        re.compile(rf"(?<![가-힣])[가-힣]{{1,8}}(?: [가-힣]{{1,6}})?[ ]?[:：=→][ ]{{0,2}}{_ANY}{TAIL}"),
        0.72, own=True, short=False, polite=True,
    ),
    Rule(  # 김민수 (minsu@…
        re.compile(rf"(?<![가-힣]){_ANY}(?= ?[(<][^)>\n]{{0,24}}[@\d])"), 0.7, own=True, short=False, private=True
    ),
    Rule(  # 네, 김민수요
        re.compile(
            rf"(?<![가-힣])(?:네|예|아|응|어|저|전)[ ,.!]{{1,2}}{_ANY}"
            r"(?=이요|인데|입니다|예요|이에요|이라고|라고|요(?![가-힣]))"
        ),
        0.72, own=True, short=False,
    ),
    Rule(  # 민수야 밥 먹었어?, 민수한테 물어봐
        re.compile(
            rf"(?:(?:^|[.!?~,\n] ?)(?P<name>{_S}{{2}})(?=[아야][ ,!~?])"
            rf"|(?<![가-힣])(?P<other>{_S}{{2}})(?=(?:이?(?:한테|에게|랑|네|가|도|는)|은) ))"
        ),
        0.6, given=True, met=True,
    ),
    Rule(  # 야 민수야
        re.compile(rf"(?<![가-힣])(?:야|얘|어이|헤이)[ ,!]{{1,2}}(?P<name>{_S}[ ]?{_S})(?=[아야](?![가-힣]))"),
        0.72, given=True, loose=True, private=True,
    ),
    Rule(  # 김민수 / 010-…, (김민수)
        re.compile(rf"(?:^|[/|(\[=:,>\]·&\n]|- |\d )[ \t]{{0,2}}{_ANY}(?=[ \t]{{0,2}}(?:[/|)\],(<&\n·]|$))"),
        0.75, loose=True, private=True,
    ),
    Rule(re.compile(rf"(?<![가-힣]){_STRICT}{TAIL}"), 0.7, short=False, met=True),
    Rule(  # 민수가 그러는데
        re.compile(
            rf"(?<![가-힣])(?P<name>{_S}{{2}})(?=(?:이|가|이가|랑|이랑|한테|에게) (?:그러는데|그랬|전화|연락|말했|"
            rf"통화|보자|온다|만났))"
        ),
        0.65, given=True, private=True,
    ),
)  # fmt: skip

# A title stands between marks, and what is in it is nobody's name.
TITLES = re.compile(
    r"[<〈《『「]([^<>〉》』」\n]{1,25})[>〉》』」]|'[^'\n]{1,25}'|\"[^\"\n]{1,25}\"|‘[^’\n]{1,25}’|“[^”\n]{1,25}”"
)
# Words of the stage near a polite form: an actor.
ROLE = re.compile(
    "연기|배우|감독|주연|조연|출연|역할|영화|작품|드라마|캐릭터|목소리|노래|팬|매력|가수|아이돌|앨범|개그|코미디|"
    "시나리오|각본|배역|"
    "방송|예능|[멋짱]|이쁘|예쁘|귀엽|잘생|섹시"
)
# Words of a day's talk; with one of them and none of a review, a full name is somebody whom the writer knows.
MET = re.compile(
    "어제|오늘|내일|아까|이따|방금|지난 ?주|다음 ?주|이번 ?주|몇 ?시|시에|회의|회사|학교|학원|출근|퇴근|병원|약속|"
    "점심|저녁|주세요|줄래|카톡|문자|전달|"
    "물어|알려|빌려|송금|간대|온대|왔대|했대|한대|래요|대요|휴가|출장|전학|갈게|올게|할게|드릴게|모임|결혼식|장례|"
    "돌잔치|부탁|어디|도착|온다|갔대|바뀌었|아세요|누구야|아니야|주문|확인|참석|명단|팀|처리|배정|이관|요청|안내|완료|지연|방문|출입|본인|로그인|등록|재문의|부재|회신|"
    "결재|승인|검토|밥 먹|어디야|같이|보낸|말했|말해|고소|연결"
)
REVIEW = re.compile(
    rf"{ROLE.pattern}|평점|별점|봤|보고|보는|보면|볼|보다|본 |재[미밌]|잼|스토리|극장|주인공|명작|졸작|최고|최악|"
    rf"감동|지루|시즌|시청|원작|결말|장면|"
    "코믹|액션|멜로|로맨스|공포|스릴러|애니|개봉|상영|완전|진짜|대박|쩐|사랑|좋|ㅋ|ㅎ|ㅠ|하트|♥|왕|의사|선수|대통령|"
    "의원|장군|씨의|님의|작$"
)
# Words of somebody's own affairs.
OWN = re.compile(
    "은행|고객|회원|연락|전화|번호|담당|상담|예약|주문|배송|주소|계좌|입금|환불|접수|문의|통화|결제|신청|이메일|메일|택배|"
    "진료|환자|수신|참조|"
    "보자고|만나자|온대|온다며|못 온|데리러|결혼식|안부|보호자|성명|성함|계정|계약|면담|면접|첨부|개인정보|"
    r"(?i:contact|phone|mobile|on file|customer|applicant|account|passport)|[A-Za-z0-9]@[A-Za-z0-9가-힣]|"
    r"01[016-9][ .\-]?\d|"
    r"\+82"
)
# For the first pass: whatever the rules find holds one of these (RE2: no looking around). They are several, since one
# automaton of them all would be too large to keep; of three, the third must not be there.
GATES: tuple[str | tuple[str, str, str], ...] = (
    rf"{_S} {{0,2}}(?:씨|님|앞|{_RANKS})|{_S} (?:군|양)",
    rf"{_LABEL}|{OWN.pattern}|(?:라는|라고)\s?(?:사람|고객|분|학생|친구|직원|합니다|해요|하는|불러)",
    rf"(?:{_KIN})(?:인|이름은)? {FAMILY}?{_S}|(?:{_KIN}) ?이름",
    rf"{_S} ?(?:이세요|세요\?|이신가요|이시죠|이십니까|맞으시|맞으신|맞나요|맞죠|맞습니|되시나|계신가|"
    r"계세요|계십니까|이라고 해|라고 해|"
    r"본인|앞으로 (?:보내|발송|배송)|명의|네 집|좀 바꿔)",
    rf"[가-힣] ?[:：=→] {{0,2}}{FAMILY} ?{_S}|(?:네|예|아|응|어|저|전)[ ,.!]{{1,2}}{FAMILY} ?{_S}",
    r"(?:저는|나는|제가|내가|전|난|저|나|저희|[애이기딸들임편내][은는]|안녕하세요|여보세요)"
    r"[ ,.!~][^\n]*(?:입니다|이에요|예요|라고|이고|인데|이요)",
    (rf"(?:^|[^가-힣]){FAMILY} ?{_S} ?{_S}(?:{_PARTICLES})?(?:[^가-힣]|$)", MET.pattern, REVIEW.pattern),
    (rf"(?:^|[^가-힣]){_S}{{2}}(?:[아야][ ,!~?]|(?:이?(?:한테|에게|랑|네|가|도|는)|은) )", MET.pattern, REVIEW.pattern),
    rf"(?:^|[.!?~\n ]){FAMILY} ?{_S} ?{_S}(?: ?입니다|이에요|예요|이예요|이요|인데요|이라고|라고| 드림| 올림| 배상)",
)


def in_title(titles: Sequence[tuple[int, int]], start: int) -> bool:
    """Whether a place stands in one of the titles, which come in order."""
    place = bisect_left(titles, (start,))
    return place > 0 and start < titles[place - 1][1]
