"""The laws of cleaning."""

import pickle
import re
from collections import Counter
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from texts import IDENTIFIERS, any_text, texts

from steps.private import KINDS, Deidentifier, Privacy, pseudonym
from steps.private.coined import GIVEN_EN, GIVEN_KO, SURNAMES_EN, final
from steps.private.names import english, korean
from steps.private.surrogates import RANGES

pytestmark = pytest.mark.timeout(240)


@cache
def product(key: bytes = b"a key of the tests") -> Deidentifier:
    """With its defaults."""
    return Deidentifier(Privacy(), key)


def clean(text: str, scope: str = "s", key: bytes = b"a key of the tests") -> str:
    """One text."""
    return product(key).clean([text], [scope]).texts[0]


@settings(deadline=None, max_examples=300)
@given(texts())
def test_twice(text: str) -> None:
    """De-identifying twice changes nothing, and finds nothing."""
    once = product().clean([text], ["s"])
    again = product().clean(once.texts, ["s"])
    assert again.texts == once.texts
    assert not again.counts
    assert not again.touched


@settings(deadline=None, max_examples=200)
@given(texts(), st.binary(min_size=1, max_size=80))
def test_never_the_original(text: str, key: bytes) -> None:
    """No surrogate is what it stands for, and what was found stands no more where it stood."""
    deidentifier = Deidentifier(Privacy(), key)
    for span in deidentifier.find([text])[0]:
        found = text[span.start : span.end]
        assert deidentifier._disguise.surrogate(span.kind, "s", found) != found


@settings(deadline=None, max_examples=100)
@given(st.lists(texts(), max_size=5), st.data())
def test_alone(many: list[str], data: st.DataObject) -> None:
    """A text's cleaning does not depend on the texts beside it, nor on their order."""
    order = data.draw(st.permutations(range(len(many))))
    together = product().clean([many[place] for place in order], [str(place) for place in order])
    for place, text, mask in zip(order, together.texts, together.masked, strict=True):
        alone = product().clean([many[place]], [str(place)])
        assert (alone.texts, alone.masked) == ([text], [mask])


@settings(deadline=None, max_examples=100)
@given(texts(), st.binary(min_size=1), st.text(max_size=5))
def test_masked(text: str, key: bytes, scope: str) -> None:
    """What is masked is the same under every key and in every scope."""
    assert Deidentifier(Privacy(), key).clean([text], [scope]).masked == product().clean([text], ["s"]).masked


@settings(deadline=None, max_examples=300)
@given(any_text())
def test_any(text: str) -> None:
    """Any characters at all: nothing fails, and what isn't found stays as it was."""
    cleaned = product().clean([text], [""])
    assert cleaned.touched or cleaned.texts == [text] == cleaned.masked


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("010-1234-5678", "01012345678"),
        ("010-1234-5678", "+82 10 1234 5678"),
        ("010-1234-5678", "공일공 일이삼사 오육칠팔"),
        ("(212) 867-5309", "+1 212 867 5309"),
        ("4111-1111-1111-1111", "4111111111111111"),
        ("900101-1234568", "9001011234568"),
    ],
)
def test_spellings(one: str, other: str) -> None:
    """Spellings of one number have one surrogate, each in its own writing."""
    surrogates = [clean(f"전화 {value}") for value in (one, other)]
    digits = []
    for text in surrogates:
        plain = text.translate(str.maketrans("공일이삼사오육칠팔구", "0123456789"))
        digits.append(re.sub(r"\D", "", plain)[-9:])
    assert digits[0] == digits[1]
    assert [re.sub(r"[\d공일이삼사오육칠팔구]", "0", text) for text in surrogates] == [
        re.sub(r"[\d공일이삼사오육칠팔구]", "0", f"전화 {value}") for value in (one, other)
    ]


def test_one_person() -> None:
    """김민수 씨 and 민수 님 in one conversation stay one person; in another they are somebody else."""
    first, second = (clean(text, "c1") for text in ("김민수 씨가 왔다", "민수 님이 갔다"))
    given = second.split(" ")[0]
    assert first.split(" ")[0].endswith(given)
    others = {clean("민수 님이 갔다", f"c{scope}") for scope in range(30)}
    assert len(others) > 10


@pytest.mark.parametrize("name", ["김민수", "이서연", "박하늘", "최은별", "한결"])
def test_particles_agree(name: str) -> None:
    """The surrogate ends in the same class of sound, so that 은/는, 이/가 and 으로/로 stay right."""
    text = clean(f"고객명: {name}")
    assert final(text[-1]) == final(name[-1])


def test_unlinkable() -> None:
    """Under another key, and in another scope, hardly a surrogate is the same."""
    value = "고객 김민수 010-1234-5678 minsu@naver.com 900101-1234568"
    seen = [clean(value, key=bytes([n + 1])).split() for n in range(40)]
    for column in (1, 2, 3, 4):
        assert len({row[column] for row in seen}) > 30
    assert len({clean("010-1234-5678", str(scope)) for scope in range(40)}) == 40


def test_counts() -> None:
    """By kind, the places that changed, and masks."""
    cleaned = product().clean(["좋다", "010-1234-5678 과 010-9876-5432", "a@b.co"], ["1", "2", "3"])
    assert cleaned.counts == Counter(phone=2, email=1)
    assert cleaned.touched == [1, 2]
    assert cleaned.masked == ["좋다", "⟨phone⟩ 과 ⟨phone⟩", "⟨email⟩"]


def test_keep_and_off() -> None:
    """Kinds that are kept stay, as they are, and are taken for nothing else; off leaves everything."""
    text = "010-1234-5678 a@b.co"
    assert Deidentifier(Privacy(keep=("phone",)), b"k").clean([text], [""]).texts[0].startswith("010-1234-5678 ")
    assert Deidentifier(Privacy(off=True), b"k").clean([text], [""]) == ([text], [text], Counter(), [])
    with pytest.raises(ValidationError, match="no kind 'phones'"):
        Privacy(keep=("phones",))


def test_no_key() -> None:
    """Without a key anybody could link."""
    with pytest.raises(ValueError, match="key is empty"):
        Deidentifier(Privacy(), b"")


def test_pickles() -> None:
    """It travels to workers as its settings and key, and answers the same there."""
    data = pickle.dumps(product())
    assert len(data) < 1000
    assert pickle.loads(data).clean(["a@b.co"], ["s"]) == product().clean(["a@b.co"], ["s"])  # noqa: S301


def test_pseudonym() -> None:
    """32 hexadecimal digits, by key, purpose and value, none of which runs into another."""
    made = {pseudonym(v, k, p) for v in ("a", "ab") for k in (b"k", b"l" * 99) for p in ("", "b")}
    assert len(made) == 8
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)


def test_coined() -> None:
    """Nobody in the dictionaries bears a coined name, and each kind has a range."""
    assert not set(GIVEN_KO) & korean.GIVEN
    assert not ({*GIVEN_EN, *SURNAMES_EN} & (english.GIVEN | english.SURNAMES))
    assert {one.kind for one in RANGES} == set(KINDS)


@pytest.mark.parametrize("value", IDENTIFIERS)
def test_ranges(value: str) -> None:
    """What was found is gone, whichever it is."""
    text = clean(value)
    for span in product().find([value])[0]:
        assert value[span.start : span.end] not in text


@pytest.mark.parametrize(
    "piece",
    [
        "1 ",
        "0",
        "a",
        "@a",
        "가",
        "김민수 씨 ",
        "공일",
        "1-",
        "(",
        "1.",
        "http://",
        "A ",
        "one ",
        "서울시 ",
        "000 ",
        "é",
        "a.b-",
    ],
)
@pytest.mark.timeout(60)
def test_long(piece: str) -> None:
    """A text of 160,000 characters that nobody wrote ends: a rule that ran away would take many minutes."""
    text = piece * (160_000 // len(piece))
    assert len(product().clean([text], [""]).texts) == 1
