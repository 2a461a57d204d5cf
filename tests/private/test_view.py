"""The view: what only looks different is made equal, and every place is found again."""

import unicodedata

import pytest
from hypothesis import given, settings
from texts import any_text, texts

from steps.private.rules.spoken import cells, redigited, spoken
from steps.private.view import view

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(
    ("written", "reads"),
    [
        ("０１０－１２３４", "010-1234"),
        ("0\u200b1\ufeff0", "010"),
        ("0️⃣1️⃣", "01"),
        ("𝟎𝟏٠", "010"),
        ("minsu@nаvеr.com", "minsu@naver.com"),
        (unicodedata.normalize("NFD", "김민수"), "김민수"),
        ("010–1234", "010-1234"),
        ("a\u00a0b", "a b"),
        ("\udc80x\x00y", "xy"),
        ("김민수 ㅋㅋ", "김민수 ㅋㅋ"),
    ],
)
def test_reads(written: str, reads: str) -> None:
    """Width, script, marks and what has no width make no difference."""
    assert view(written).text == reads


@settings(deadline=None, max_examples=200)
@given(texts() | any_text())
def test_back(text: str) -> None:
    """Places of the view lie in the text, in order, and what a place came from reads as the place does."""
    seen = view(text)
    last = 0
    for place, char in enumerate(seen.text):
        start, end = seen.cell(place)
        assert last <= start < end <= len(text)
        assert char in view(text[start:end]).text
        last = start


@settings(deadline=None, max_examples=100)
@given(texts() | any_text())
def test_once(text: str) -> None:
    """A view is its own view."""
    seen = view(text).text
    assert view(seen).text == seen


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("공일공 일이삼사 오육칠팔", "010 1234 5678"),
        ("영일영에 일이삼사에 오육칠팔", "010-1234-5678"),
        ("oh one oh, one two three four, five six seven eight", "010-1234-5678"),
        ("two one two, double five five, one two three four", "212-555-1234"),
        ("O1O-1234-5678", "010-1234-5678"),
    ],
)
def test_spoken(said: str, number: str) -> None:
    """Digits in words, or letters that look like digits, are digits in a view of their own."""
    assert number in [one.text for one in spoken(view(said))]


@pytest.mark.parametrize(
    "text",
    [
        "구구구구구구구구구구",
        "오오오오오오오오!",
        "이 사람이 일을 한 번 더",
        "일이 삼사 년 걸린다",
        "one of two or three",
    ],
)
def test_not_spoken(text: str) -> None:
    """Laughter and ordinary words are no numbers."""
    assert spoken(view(text)) == []


@pytest.mark.parametrize(
    ("number", "digits", "other"),
    [
        ("010-1234", "0109999", "010-9999"),
        ("０１０", "777", "７７７"),
        ("공일공", "345", "삼사오"),
        ("one two", "78", "seven eight"),
        ("1\u200b2", "34", "3\u200b4"),
    ],
)
def test_redigited(number: str, digits: str, other: str) -> None:
    """Other digits are written as the old ones were, with all that stands between."""
    assert redigited(number, digits) == other
    assert "".join(cell.value for cell in cells(other)) == digits
