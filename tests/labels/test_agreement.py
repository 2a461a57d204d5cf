"""Agreement, against the published examples and laws."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.labels.agreement import agreement, alpha, kappa, sentence

UNITS = st.lists(st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["x", "y", "z"]), max_size=4), max_size=12)


def units(*people: str) -> list[dict[str, str]]:
    """One string a person, one sign a row; `.` where that person said nothing."""
    return [{str(who): name for who, name in enumerate(row) if name != "."} for row in zip(*people, strict=True)]


def test_kappa_is_cohen_s():
    """Cohen 1960, table 2: 200 people, marginals 120/60/20 and 100/60/40, .70 observed, .41 by chance: .492."""
    table = ((88, 10, 2), (14, 40, 6), (18, 10, 12))
    pairs = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    assert kappa(pairs) == pytest.approx(0.492, abs=5e-4)
    assert kappa([]) is None
    assert kappa([("a", "a")] * 5) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=30))
@settings(deadline=None, max_examples=40)
def test_kappa_is_scikit_learn_s_and_has_no_sides(pairs):
    """Wherever it is defined."""
    from sklearn.metrics import cohen_kappa_score

    found = kappa(pairs)
    assert found == kappa([(b, a) for a, b in pairs])
    if found is not None:
        assert found == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (("0100000010", "1110010000"), 0.095),  # A. binary, two people
        (("aabbdcccedda", "babbbccceddd"), 0.692),  # B. nominal, two people
        (("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 0.743),  # C. missing
    ],
)
def test_alpha_is_krippendorff_s(people, expected):
    """The examples A, B and C of "Computing Krippendorff's Alpha-Reliability" (2011)."""
    value, low, high = alpha(units(*people))
    assert value == pytest.approx(expected, abs=6e-4)
    assert low < value < high


def test_alpha_s_other_published_example():
    """Three people, fifteen rows, some of which one person alone labelled: .691 (Krippendorff 2004, ch. 11)."""
    people = (".....34121133.3", "1.213343.......", "..21344.21133.4")
    assert alpha(units(*people))[0] == pytest.approx(0.691, abs=5e-4)


@given(UNITS, st.randoms())
@settings(deadline=None, max_examples=40)
def test_agreement_has_no_order(rows, chance):
    """Rows and people in any order; full agreement is 1, and alpha never exceeds it."""
    found = agreement(rows)
    shuffled = [dict(chance.sample(sorted(row.items()), len(row))) for row in rows]
    chance.shuffle(shuffled)
    assert agreement(shuffled) == found
    if found is not None:
        assert 0 <= found.raw <= 1
        assert found.alpha is None or found.alpha <= 1
        assert (found.raw == 1) == (found.alpha in (1, None))
        assert (found.kappa is None) or found.people == 2
        assert found.low is None or found.low <= found.high <= 1


def test_rows_that_one_person_labelled_tell_nothing():
    """They change no figure, and alone they are none."""
    two = [{"a": "x", "b": "x"}, {"a": "x", "b": "y"}, {"a": "y", "b": "y"}]
    assert agreement([*two, {"c": "x"}, {}]) == agreement(two)
    assert agreement([{"a": "x"}, {"b": "y"}]) is None


def test_the_interval_covers_as_often_as_it_says():
    """Two people of whom each errs in 15 % of 60 rows: of 150 intervals 88 % or more hold the true alpha, 0.51."""
    chance = random.Random(3)  # noqa: S311 - test data
    held = 0
    for _ in range(150):
        truth = [chance.random() < 0.5 for _ in range(60)]
        rows = [{who: str(label ^ (chance.random() < 0.15)) for who in "ab"} for label in truth]
        found = agreement(rows)
        held += found.low <= 1 - 2 * (2 * 0.15 * 0.85) <= found.high
    assert 132 <= held < 150


def test_a_planner_reads_a_sentence():
    """With the interval where there is one, and never as a rate of errors."""
    assert sentence(None, 0, 0) == ""
    assert sentence(None, 1, 3).startswith("No row was labelled by two people")
    rows = [{"a": "x", "b": "x"}, {"a": "x", "b": "y"}, {"a": "y", "b": "y"}]
    said = sentence(agreement(rows), 2, 6)
    assert said.startswith(
        "Reviewers agree in 67 % of pairs of votes on 3 rows with several (Krippendorff's alpha 0.44,"
    )
    assert "2 of 6 votes confirm" in said
    assert "chance does as well" in sentence(agreement([{"a": "x", "b": "x"}]), 0, 2)
