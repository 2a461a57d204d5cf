"""The figures, against known values and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps import statistics

RIGHTS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60)


def arrays(pairs):
    new, old = zip(*pairs, strict=True)
    return np.array(new), np.array(old)


def test_class_scores_are_those_of_a_worked_example():
    """Truth 0 0 0 1 1 2, said 0 0 1 1 2 2."""
    truth, said = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 2])
    first, second, third = statistics.class_scores(truth, said, 3)
    assert first == pytest.approx((1.0, 2 / 3, 0.8, 3))
    assert second == pytest.approx((0.5, 0.5, 0.5, 2))
    assert third == pytest.approx((0.5, 1.0, 2 / 3, 1))
    assert statistics.macro_f1(truth, said, 3) == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)


def test_a_class_that_nobody_has_or_names_does_not_count():
    """A fourth class without rows changes nothing; one that is named wrongly does, and divides by nothing."""
    truth, said = np.array([0, 1, 1]), np.array([0, 1, 1])
    assert statistics.macro_f1(truth, said, 4) == 1.0
    assert statistics.macro_f1(truth, np.array([0, 1, 3]), 4) == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert statistics.macro_f1(truth[:0], said[:0], 4) == 0.0


def test_wilson_s_interval_is_the_published_one():
    """81 of 263: 0.2553 to 0.3662 (Newcombe 1998, Stat Med 17:857, table I, method 3)."""
    found = statistics.share(np.arange(263) < 81)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


@given(RIGHTS)
@settings(max_examples=40, deadline=None)
def test_a_gain_lies_in_its_interval_and_turns_with_the_sides(pairs):
    """The estimate is the mean difference, inside finite bounds within [-1, 1]; swapping the sides negates it."""
    new, old = arrays(pairs)
    found, turned = statistics.paired_gain(new, old, resamples=199), statistics.paired_gain(old, new, resamples=199)
    assert found.value == pytest.approx(new.mean() - old.mean()) == pytest.approx(-turned.value)
    assert -1 <= found.low <= found.high <= 1
    assert statistics.paired_gain(new, old, resamples=199) == found


def test_the_interval_covers_as_often_as_it_says():
    """300 draws of 200 paired items with a true gain of 5 points: between 90 and 99 of 100 intervals hold it."""
    chance = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        kind = chance.choice(3, size=200, p=[0.15, 0.10, 0.75])
        found = statistics.paired_gain(kind == 0, kind == 1, resamples=399)
        held += found.low <= 0.05 <= found.high
    assert 270 <= held <= 297


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [(1, 1, (-0.0362, 0.0, 0.0362)), (1, 0, (0.9638, 1.0, 1.0)), (0, 1, (-1.0, -1.0, -0.9638))],
)
def test_where_all_items_agree_the_bound_is_exact_and_says_why(new, old, expected):
    """100 items, all alike: 1 - 0.025**(1/100) = 0.0362 of them may differ."""
    found = statistics.paired_gain(np.full(100, new, dtype=bool), np.full(100, old, dtype=bool))
    assert (found.low, found.value, found.high) == pytest.approx(expected, abs=1e-4)
    assert "because" in found.how


def test_the_majority_is_the_first_of_the_most_frequent():
    """Ties go to the smaller number."""
    assert statistics.majority(np.array([2, 1, 1, 2, 0])) == 1
