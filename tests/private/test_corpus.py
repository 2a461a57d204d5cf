"""The benchmark's text is what its labels say, and the product is held to it."""

import random
import re
import unicodedata
from collections import Counter

import disguises
import identifiers
import pytest
from corpus import CHECKSUMS, KINDS, Item, Label, Set, generate, templates
from hypothesis import given, settings
from hypothesis import strategies as st
from score import Found, Score, share

from steps.private import Deidentifier, Privacy

MANY = 1500


def value(item: Item, label: Label) -> str:
    """What a label points at."""
    return item.text[label.start : label.end]


@pytest.fixture(scope="module", params=["dev", "test"])
def which(request: pytest.FixtureRequest) -> Set:
    """Either set."""
    return request.param


@pytest.fixture(scope="module")
def items(which: Set) -> list[Item]:
    """Of either set."""
    return list(generate(which, MANY, seed=11))


def test_the_same_seed_gives_the_same_text_and_another_seed_another() -> None:
    """A figure can be measured again."""
    assert list(generate("dev", 50, seed=3)) == list(generate("dev", 50, seed=3))
    assert list(generate("dev", 50, seed=3)) != list(generate("dev", 50, seed=4))


def test_dev_and_test_share_no_template() -> None:
    """What rules were written by is not what they are judged by."""
    dev, held_back = ({one.text for ones in templates(which).values() for one in ones} for which in ("dev", "test"))
    assert dev
    assert held_back
    assert not dev & held_back


def test_every_kind_and_every_disguise_comes_up(items: list[Item]) -> None:
    """A kind without examples would have a recall of one."""
    kinds = Counter(label.kind for one in items for label in one.labels)
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 10
    assert {label.disguise for one in items for label in one.labels} == {"plain", *disguises.DISGUISES}


def test_labels_are_in_order_and_apart_and_not_at_blanks(items: list[Item]) -> None:
    """A label begins and ends with what it labels."""
    for one in items:
        ends = [0]
        for label in one.labels:
            assert ends[-1] <= label.start <= label.secret[0] < label.secret[1] <= label.end <= len(one.text)
            assert value(one, label) == value(one, label).strip()
            ends.append(label.end)


SHAPES = {
    "email": r"[\w.]+@[a-z.-]+",
    "phone": r"[+(]?[\d][\d() .-]+\d( ext\. \d{3})?",
    "passport": r"[A-Z]?\d{3}[A-Z\d]\d{4,5}|\d{9}",
    "ip": r"[\da-f.:]+",
    "url": r"https://\S+=\w{20,40}",
    "ssn": r"\d{3}-\d\d-\d{4}",
    "account": r"[\d-]{8,18}",
    "licence": r"\d\d-\d\d-\d{6}-\d\d|[A-Z][\d-]+|[\d ]{11}",
    "address": r".*\d.*",
    "name": r"[가-힣]{2,5}|[A-Z][\w'.-]*( [A-Z][\w'.-]*){0,3}",
}


def _is_iban(number: str) -> bool:
    """The standard's own test: the whole, country and check digits last, is 1 modulo 97."""
    return int("".join(str(int(letter, 36)) for letter in number[4:] + number[:4])) % 97 == 1


def test_labels_point_at_what_they_say(items: list[Item]) -> None:
    """Undisguised, each value has the shape of its kind, and the check digit by another's implementation of it."""
    from ko_pii.checksum import business_reg_checksum, luhn

    checks = {"business": business_reg_checksum.is_valid_checksum, "card": luhn.is_valid, "iban": _is_iban}
    for one in items:
        for label in one.labels:
            if label.disguise != "plain":
                continue
            found = value(one, label)
            if label.kind in SHAPES:
                assert re.fullmatch(SHAPES[label.kind], found), (label.kind, found)
            elif label.kind in checks:
                assert checks[label.kind](re.sub("[ -]", "", found)), (label.kind, found)


def test_check_digits_of_published_numbers() -> None:
    """Numbers that others published: companies' own, and the examples of the standards."""
    assert identifiers.business_check("120814752") == "1"
    assert identifiers.business_check("124810099") == "8"
    assert identifiers.luhn_check("411111111111111") == "1"
    assert identifiers.luhn_check("37828224631000") == "5"
    assert identifiers.iban_check("GB", "WEST12345698765432") == "82"
    assert identifiers.iban_check("DE", "370400440532013000") == "89"


@given(chance=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=200)
def test_resident_numbers_pass_another_ones_check(chance: random.Random) -> None:
    """Both a citizen's and a foreigner's."""
    from ko_pii.checksum import frn_checksum, rrn_checksum

    digits = identifiers.rrn(chance).replace("-", "")
    assert len(digits) == 13
    assert (frn_checksum if digits[6] in "5678" else rrn_checksum).is_valid_checksum(digits)


def plain(text: str) -> str:
    """Letters and digits as everybody reads them."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text) if letter.isalnum() and letter != "ㅡ")


@given(
    chance=st.randoms(use_true_random=False), worn=st.sampled_from(["spaced", "full width", "zero width", "separators"])
)
@settings(deadline=None, max_examples=300)
def test_a_disguise_leaves_the_value_what_it_is(chance: random.Random, worn: str) -> None:
    """Who takes off blanks, marks and widths reads the same number."""
    number = identifiers.phone_ko(chance)
    said = disguises.DISGUISES[worn].wear(chance, number, "ko")
    assert said != number
    assert said is None or plain(said).replace("ᅳ", "") == plain(number)


@given(chance=st.randoms(use_true_random=False), language=st.sampled_from(["ko", "en"]))
@settings(deadline=None, max_examples=300)
def test_spoken_digits_can_be_read_back(chance: random.Random, language: str) -> None:
    """The words say the digits and no others."""
    number = identifiers.card(chance)
    said = disguises.spoken(chance, number, language)
    assert said is not None
    for digit, word in enumerate(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")):
        said = said.replace(word, str(digit))
    for letter, digit in zip("공영일이삼사오육륙칠팔구", "001234566789", strict=True):
        said = said.replace(letter, digit)
    assert re.sub(r"\D", "", said) == re.sub(r"\D", "", number)


def test_reviews_and_traps_hold_no_identifier(items: list[Item]) -> None:
    """These are the negatives: whatever is masked there is a mistake."""
    negatives = [one for one in items if one.family in ("review", "prose", "trap")]
    assert len(negatives) > MANY / 5
    assert not any(one.labels for one in negatives)


def test_the_score_counts_what_remains_and_what_was_masked_for_nothing() -> None:
    """By hand: one of two found though its hyphen wasn't, one span beside everything."""
    item = Item("call 010-1234 or 02-99, ok?", (Label(5, 13, "phone", (5, 13)), Label(17, 22, "phone", (17, 22))),
                "en", "chat", "")  # fmt: skip
    score = Score()
    score.add(item, [Found(5, 8, "phone"), Found(9, 13, "ssn"), Found(24, 26, "name")])
    assert (score.recall("phone"), score.precision("phone"), score.precision("ssn")) == (0.5, 1.0, 1.0)
    assert score.precision("name") == 0.0
    assert [(one.kind, one.value) for one in (*score.missed, *score.wrong)] == [("phone", "02-99"), ("name", "ok")]
    assert share("a-b", 0, 3, {0}) == 0.5
    assert set(KINDS) >= CHECKSUMS


# Recall and precision; the goal is 0.95 of each. Names in text that the rules were not written by miss it (docs/log.md
# has the figure of 20,000 rows): their floor is a little below what is measured here.
LEAST = {
    ("dev", "name"): (0.95, 0.95),
    ("dev", "address"): (0.95, 0.95),
    ("test", "name"): (0.92, 0.95),
    ("test", "address"): (0.95, 0.95),
}
CHANGED = {"dev": 0.0, "test": 0.01}  # share of the reviews: film titles that are names, 2 of 251 here


@pytest.fixture(scope="module")
def product() -> Deidentifier:
    """With its defaults."""
    return Deidentifier(Privacy(), b"a key of the tests alone, 32 byte")


@pytest.fixture(scope="module")
def score(items: list[Item], product: Deidentifier) -> Score:
    """What the product finds, of either set."""
    counted = Score()
    for item, spans in zip(items, product.find([one.text for one in items]), strict=True):
        counted.add(item, [Found(*span[:3]) for span in spans])
    return counted


def test_no_identifier_with_a_check_digit_is_left(score: Score) -> None:
    """Resident, business, card and IBAN numbers, in whatever disguise."""
    left = Counter(miss.kind for miss in score.missed if miss.kind in CHECKSUMS)
    assert not left


def test_what_is_given_out_doesnt_hold_them_either(items: list[Item], product: Deidentifier) -> None:
    """Read without blanks, marks and widths, no number with a check digit stands in the cleaned text."""
    cleaned = product.clean([one.text for one in items], [str(place) for place in range(len(items))]).texts
    left = Counter(
        label.kind
        for item, text in zip(items, cleaned, strict=True)
        for label in item.labels
        if label.kind in CHECKSUMS and plain(value(item, label)) in plain(text)
    )
    assert not left


@pytest.mark.parametrize("kind", ["name", "address"])
def test_names_and_addresses_are_found_as_often_as_was_measured(which: Set, score: Score, kind: str) -> None:
    """A floor: who loosens it writes to the log why."""
    recall, precision = LEAST[which, kind]
    assert score.recall(kind) >= recall
    assert score.precision(kind) >= precision


def test_film_reviews_without_identifiers_stay_as_they_are(
    which: Set, items: list[Item], product: Deidentifier
) -> None:
    """What is learnt from is not worn away."""
    reviews = [one.text for one in items if one.family == "review"]
    assert len(reviews) > MANY / 10
    cleaned = product.clean(reviews, reviews).texts
    assert sum(new != old for new, old in zip(cleaned, reviews, strict=True)) <= CHANGED[which] * len(reviews)
