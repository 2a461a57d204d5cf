"""Intervals against published examples and other implementations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from steps import statistics
from steps.validate import intervals, shift

SCORES = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=4, max_size=60).filter(
    lambda rows: 2 <= sum(new for _, new in rows) <= len(rows) - 2
)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_the_one_used_elsewhere(counts):
    """The same as for the accuracy of an evaluation."""
    k, n = counts
    assert intervals.wilson(k, n) == pytest.approx(statistics.share(np.arange(n) < k)[:3], abs=1e-9)


def test_newcombe_is_the_published_one():
    """56 of 70 less 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, Stat Med 17:873, table II, method 10)."""
    assert intervals.difference(56, 70, 48, 80) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


@given(SCORES)
def test_the_area_is_scikit_learns_and_its_error_delongs(rows):
    """The area with ties at half; its variance from every pair's comparison, as DeLong et al. (1988) write it."""
    scores, new = np.array([s for s, _ in rows], float), np.array([n for _, n in rows])
    area, error = intervals.auc(scores, new)
    assert area == pytest.approx(roc_auc_score(new, scores))
    wins = (scores[new][:, None] > scores[~new]) + 0.5 * (scores[new][:, None] == scores[~new])
    by_new, by_old = wins.mean(axis=1), wins.mean(axis=0)
    variance = by_new.var(ddof=1) / len(by_new) + by_old.var(ddof=1) / len(by_old)
    assert error == pytest.approx(variance**0.5)


def test_a_ratio_of_sums_knows_that_words_of_one_text_go_together():
    """Whole texts of unknown words are worth as many words as texts: the error is far above the binomial one."""
    parts, wholes = np.array([10.0, 0, 10, 0] * 25), np.full(100, 10.0)
    share, error = intervals.ratio(parts, wholes)
    assert (share, error) == pytest.approx((0.5, (0.25 / 99) ** 0.5))


def test_holm_is_the_textbook_one():
    """Four p-values by hand, in the order given."""
    assert shift.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert shift.holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_and_keeps_the_order(ps):
    """Adjusted p-values are at least the raw ones, at most 1, and ranked alike."""
    adjusted = shift.holm(ps)
    assert all(1 >= a >= p for a, p in zip(adjusted, ps, strict=True))
    ranked = [a for _, a in sorted(zip(ps, adjusted, strict=True))]
    assert ranked == sorted(ranked)
