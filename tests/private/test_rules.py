"""What is found and what stays, by example."""

from functools import cache

import pytest

from steps.private import Deidentifier, Privacy

pytestmark = pytest.mark.timeout(120)


@cache
def product() -> Deidentifier:
    """With its defaults."""
    return Deidentifier(Privacy(), b"a key of the tests")


def kinds(text: str) -> list[tuple[str, str]]:
    """(kind, what stands there) in order."""
    return [(span.kind, text[span.start : span.end]) for span in product().find([text])[0]]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("주민번호 900101-1234568 입니다", "rrn", "900101-1234568"),
        ("번호는 211205-3123456이에요", "rrn", "211205-3123456"),
        ("9001011234568", "rrn", "9001011234568"),
        ("9 0 0 1 0 1 - 1 2 3 4 5 6 8", "rrn", "9 0 0 1 0 1 - 1 2 3 4 5 6 8"),
        ("외국인등록번호 850322-5123456", "rrn", "850322-5123456"),
        ("사업자등록번호 220-81-62517", "business", "220-81-62517"),
        ("카드 4111-1111-1111-1111 결제", "card", "4111-1111-1111-1111"),
        ("amex 3782 822463 10005", "card", "3782 822463 10005"),
        ("IBAN GB82 WEST 1234 5698 7654 32 is mine", "iban", "GB82 WEST 1234 5698 7654 32"),
        ("iban de89370400440532013000", "iban", "de89370400440532013000"),
        ("my ssn is 123-45-6789", "ssn", "123-45-6789"),
        ("여권번호는 M12345678", "passport", "M12345678"),
        ("여권 M123A4567", "passport", "M123A4567"),
        ("운전면허 11-04-123456-78", "licence", "11-04-123456-78"),
        ("driver's license: D1234567", "licence", "D1234567"),
        ("국민은행 123456-04-123456 으로 입금", "account", "123456-04-123456"),
        ("account number 12345678", "account", "12345678"),
        ("연락처 010-1234-5678", "phone", "010-1234-5678"),
        ("０１０－１２３４－５６７８", "phone", "０１０－１２３４－５６７８"),
        ("0\u200b10-1234-5678", "phone", "0\u200b10-1234-5678"),
        ("공일공 일이삼사 오육칠팔로 전화", "phone", "공일공 일이삼사 오육칠팔"),
        ("O1O-1234-5678", "phone", "O1O-1234-5678"),
        ("02-345-6789", "phone", "02-345-6789"),
        ("1588-3082", "phone", "1588-3082"),
        ("+44 20 7946 1958", "phone", "+44 20 7946 1958"),
        ("(212) 867-5309", "phone", "(212) 867-5309"),
        ("메일은 minsu@nаver.com으로", "email", "minsu@nаver.com"),
        ("minsu (at) gmail (dot) com", "email", "minsu (at) gmail (dot) com"),
        ("osh517kr@네이버 로", "email", "osh517kr@네이버"),
        ("https://u:p@host.kr/x", "url", "https://u:p@host.kr/x"),
        ("https://shop.kr/r?token=abc123xyz", "url", "https://shop.kr/r?token=abc123xyz"),
        ("http://blog.naver.com/kkk34xx34자세한", "url", "http://blog.naver.com/kkk34xx34"),
        ("접속 8.8.8.8 에서", "ip", "8.8.8.8"),
        ("from 2001:4860:4860::8888", "ip", "2001:4860:4860::8888"),
        ("카톡 아이디: minsu_92", "handle", "minsu_92"),
        ("서울특별시 강남구 테헤란로 123, 101동 1502호에 산다", "address",
         "서울특별시 강남구 테헤란로 123, 101동 1502호"),
        ("경기 성남시 분당구 정자동 178-1", "address", "경기 성남시 분당구 정자동 178-1"),
        ("live at 123 Main Street, Apt 4B, Springfield, IL 62704.", "address",
         "123 Main Street, Apt 4B, Springfield, IL 62704"),
        ("김민수 씨가 왔다", "name", "김민수"),
        ("고객명: 이서연", "name", "이서연"),
        ("안녕하세요, 저는 박지훈입니다", "name", "박지훈"),
        ("담당자 남궁민아가 전화", "name", "남궁민아"),
        ("my name is Mary Smith", "name", "Mary Smith"),
        ("Dear Mr. Johnson,", "name", "Johnson"),
    ],
)  # fmt: skip
def test_found(text: str, kind: str, value: str) -> None:
    """The whole of it, and as what it is."""
    assert (kind, value) in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "평점 10/10, 2014.03.02에 봤다. 12,000원",
        "10000000000000배 낫다",
        "1923877462번째 아류작이군요",
        "배우 송강호의 연기가 좋았다",
        "이병헌씨 연기 최고",
        "<친절한 금자씨> 리메이크",
        "Tom Hanks gives a great performance in this movie",
        "날씨 좋고 아저씨 선생님 부모님 감독님 고객님",
        "최고로 10번은 봤다. 무료로 1편부터",
        "주문번호 4111 1111 1111 1112",
        "version 1.2.3 at 10:30:00",
        "서울 강남구에 살아요",
        "https://www.imdb.com/title/tt0111161/ www.naver.com",
        "10.@.@ 헉~ @_@",
        "오오오오오오오오오 구구구구구구구",
        "ISBN 978-89-123-4567-1",
        "생각보다 반전이군. 표현은 과장되지만",
    ],
)
def test_stays(text: str) -> None:
    """Prices, dates, ratings, films and those who play in them."""
    assert kinds(text) == []


def test_again() -> None:
    """Once a name is found, its other places in the text are, too: whole, or the given name with a particle."""
    text = "고객명: 김민수\n민수가 전화함. 김민수에게 회신"
    assert [value for kind, value in kinds(text) if kind == "name"] == ["김민수", "민수", "김민수"]


def test_languages() -> None:
    """Who has no Korean texts may say so."""
    only = Deidentifier(Privacy(languages=("en",)), b"k")
    text = "김민수 씨, my name is Mary Smith"
    assert [text[a:b] for a, b, *_ in only.find([text])[0]] == ["Mary Smith"]
