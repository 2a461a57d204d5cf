"""Texts for the laws: identifiers, words and noise in any order, and written in any way."""

from hypothesis import strategies as st

IDENTIFIERS = (
    "010-1234-5678", "01098765432", "02-345-6789", "+82 10-2345-6789", "(212) 867-5309", "+1-404-867-5309 ext. 12",
    "+44 20 7946 1958", "1588-3082", "900101-1234568", "000122-3841783", "220-81-62517", "4111 1111 1111 1111",
    "378282246310005", "GB82 WEST 1234 5698 7654 32", "123-45-6789", "M12345678", "M123A4567", "11-04-123456-78",
    "국민은행 123456-04-123456", "minsu.kim@naver.com", "https://a.example-shop.kr/reset?token=abcDEF1234567890abcd",
    "8.8.8.8", "2001:4860:4860::8888", "서울특별시 강남구 테헤란로 123, 101동 1502호",
    "경기 성남시 분당구 정자동 178-1",
    "123 Main Street, Apt 4B, Springfield, IL 62704", "김민수 씨", "고객명: 이서연", "저는 박지훈입니다", "Mr. Johnson",
    "my name is Mary Smith", "공일공 일이삼사 오육칠팔", "oh one oh, one two three four, five six seven eight",
    "O1O-1234-S678", "카톡 아이디: minsu_92", "DE89370400440532013000",
)  # fmt: skip
WORDS = (
    "영화", "정말", "재밌다", "10/10", "평점 9.5", "2014-03-02", "12,000원", "감독", "배우 송강호", "주문번호",
    "the film", "was", "great",
    "\n", "은", "이", "이랑", "전화", "계좌", "여권", "call", "card", "(", ")", "/", "-", ":", "@", "000", "3명",
)  # fmt: skip
_INVISIBLE = "\u200b\u200d\ufeff\u00ad\u0301"
_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Up to eight pieces, some full-width, some with what nobody sees inside, some any characters at all."""
    pieces = draw(st.lists(st.sampled_from(IDENTIFIERS + WORDS) | st.text(max_size=6), max_size=8))
    out = []
    for piece in pieces:
        way = draw(st.integers(0, 5))
        if way == 0:
            piece = piece.translate(_WIDE)
        elif way == 1 and len(piece) > 2:
            at = draw(st.integers(1, len(piece) - 1))
            piece = piece[:at] + draw(st.sampled_from(_INVISIBLE)) + piece[at:]
        out.append(piece)
    return draw(st.sampled_from((" ", "", ", "))).join(out)


def any_text() -> st.SearchStrategy[str]:
    """Any characters, lone surrogates and NUL among them."""
    return st.text(st.characters(exclude_categories=()), max_size=80)
