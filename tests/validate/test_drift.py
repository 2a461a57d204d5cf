"""Drift: silent where nothing changed, found where something did."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rowsets import texts
from scipy.stats import kstest
from sklearn.linear_model import Ridge

from steps.validate import Checks, domain, drift, shift, words
from steps.validate.profile import Night

QUICK = Checks(permutations=99)


def compared(new, earlier, seed=0):
    chance = np.random.default_rng(seed)
    return drift.Compared(new, earlier, chance.random(len(new)) < 0.5, chance.random(len(earlier)) < 0.5)


def told(some, new, seed, permutations=19):
    fold = np.random.default_rng(seed + 1000).random(len(some)) < 0.5
    return domain.tell(some, new, fold, permutations, seed)


def test_p_values_are_uniform_and_intervals_hold_where_nothing_changed():
    """120 times the same kind of text, called new at random: p-values of every size as often as they should be, an
    area of a half on average, and intervals of which no more than one in twenty misses it, but for chance."""
    found = [told(texts(80, seed, length=5), np.random.default_rng(seed).random(80) < 0.5, seed) for seed in range(120)]
    ps = np.array([one.p for one in found])
    smoothed = ps - np.random.default_rng(0).random(120) / 20  # of 19 shuffles p is a multiple of 1/20
    assert kstest(smoothed, "uniform").pvalue > 0.01
    assert (ps <= 0.05).sum() <= 13  # a binomial of 120 and 0.05 is above that once in 200
    assert abs(np.mean([one.auc.value for one in found]) - 0.5) < 0.03
    assert sum(not one.auc.low <= 0.5 <= one.auc.high for one in found) <= 13


def test_the_same_texts_twice_are_not_told_apart():
    """New rows that repeat the earlier ones word for word are no drift."""
    some = texts(400, 1)
    found = told([*some, *some], np.arange(800) < 400, 3, 99)
    assert found.auc.value < 0.55
    assert found.p > 0.05


def test_an_injected_word_is_found_and_named():
    """A word in a third of the new texts: drift, with the least p-value possible, and the word comes first."""
    earlier = texts(600, 1)
    new = [text + (" zebra" if k % 3 == 0 else "") for k, text in enumerate(texts(600, 2))]
    found = drift.texts(compared(new, earlier), (), None, QUICK.model_copy(update={"drift_from": 0.55}), 0)
    assert [alarm.kind for alarm in found.alarms] == ["drift"]
    assert found.metrics[0].low > 0.55
    assert found.metrics[1].value == 0.01
    words_part = drift.vocabulary(compared(new, earlier), QUICK)
    assert "zebra" in words_part.sentences[0]
    assert words_part.tables[0].rows[0][0] == "zebra"
    assert words_part.metrics[0].baseline > 0.05  # each text has a word of its own, which is expected
    assert words_part.metrics[1].value < words_part.metrics[0].baseline


@pytest.mark.parametrize("count", [60, 300])
def test_scores_are_those_of_ridge_regression(count, monkeypatch):
    """In either space they are scikit-learn's with an intercept: with few rows in the one, with many in the other."""
    monkeypatch.setattr(domain, "FEATURES", 256)
    features, new = domain.hashed(texts(count, 0)), np.random.default_rng(0).random((count, 2)) < 0.4
    ours = domain._fitted(features, new.astype(float), features[:40])
    dense = np.asarray(features.toarray())
    theirs = Ridge(alpha=domain.RIDGE).fit(dense, new).predict(dense[:40])
    assert ours + new.mean(axis=0) == pytest.approx(theirs, abs=1e-6)


def test_too_few_of_a_kind_are_not_judged():
    """A fold without new rows has no answer, and says so."""
    some = texts(10, 0)
    assert domain.tell(some, np.arange(10) < 5, np.arange(10) < 5, 19, 0) is None


def test_classes_that_shift_are_named_with_their_shares():
    """20 points more of one class in 1,000 rows; the interval is Newcombe's at two classes."""
    found = shift.labels(("bad", "good"), (500, 500), (3000, 7000), Checks())
    assert "'bad' is 50.0% of the new rows and was 30.0%" in found.sentences[0]
    size = found.metrics[0]
    assert size.value == pytest.approx(0.2)
    assert 0.15 < size.low < 0.2 < size.high < 0.25
    assert found.alarms


def test_a_class_that_shrinks_counts_as_much_as_one_that_grows():
    """20 points less of one of five classes, spread over the others: the change is 20 points, its low end above 15."""
    found = shift.labels("abcde", (600, 100, 100, 100, 100), (8000, 500, 500, 500, 500), Checks())
    assert found.metrics[0].value == pytest.approx(0.2)
    assert 0.15 < found.metrics[0].low < 0.2
    assert found.sentences[0].startswith("The classes have shifted, 5 of 5 by more than chance: 'a' is 60.0%")


def test_the_interval_of_a_shift_holds_for_all_classes_at_once():
    """With five classes it is wider than with two, for the same largest change."""
    two = shift.labels("ab", (600, 400), (8000, 2000), Checks()).metrics[0]
    five = shift.labels("abcde", (600, 100, 100, 100, 100), (8000, 500, 500, 500, 500), Checks()).metrics[0]
    assert five.low < two.low < two.high < five.high


@given(st.lists(st.integers(0, 400), min_size=2, max_size=6).filter(any), st.integers(1, 50))
@settings(deadline=None, max_examples=60)
def test_classes_in_the_same_shares_do_not_shift(counts, times):
    """However many rows and classes, some of them empty: the change is 0, within its interval, and p is 1."""
    names = [f"class {k}" for k in range(len(counts))]
    found = shift.labels(names, counts, [count * times for count in counts], Checks())
    assert found.metrics[0].value == pytest.approx(0, abs=1e-9)
    assert found.metrics[0].low == 0
    assert found.metrics[1].value == pytest.approx(1)
    assert not found.alarms


def test_longer_texts_are_called_longer():
    """Twice the words; and the same texts are as long as before."""
    short, long = texts(300, 1, length=6), texts(300, 2, length=12)
    assert "Texts are longer" in shift.lengths(long, short, Checks()).sentences[0]
    assert shift.lengths(long, short, Checks()).alarms
    assert "as long as before" in shift.lengths(short, short, Checks()).sentences[0]


def test_new_words_are_measured_against_what_is_expected():
    """The same kind of text has no more unknown words than expected; half of the words replaced has half more."""
    plain, other = texts(600, 1), texts(600, 2)
    same = words.unknown(other, plain[:300], plain[300:])
    assert same.more.low <= 0 <= same.more.high
    changed = [" ".join(f"neo{w}" if k % 2 else w for k, w in enumerate(text.split())) for text in other]
    assert words.unknown(changed, plain[:300], plain[300:]).more.low > 0.3


def test_a_word_that_one_text_alone_repeats_is_not_shown():
    """A name a hundred times in one text counts once, and less than five texts name nobody."""
    new = [*texts(200, 1), "secretname " * 100]
    assert "secretname" not in [told.word for told in words.telling(new, texts(200, 2))]


def test_jamo_are_shown_as_they_are_typed():
    """ㅋㅋㅋ stays what people type, and is not taken apart."""
    assert words.words("재밌다 ㅋㅋㅋ Good!") == ["재밌다", "ㅋㅋㅋ", "good"]


def test_the_chart_is_over_nights_from_the_second_on():
    """One night: bars beside guessing; later ones: a line with one point for each night."""
    rows = compared(texts(120, 1), texts(120, 2))
    now = datetime(2026, 3, 3, tzinfo=UTC)
    nights = [Night(at=datetime(2026, 3, day, tzinfo=UTC), new_rows=9, auc=0.6) for day in (1, 2)]
    first = drift.texts(rows, (), now, QUICK, 0).charts[0]
    third = drift.texts(rows, nights, now, QUICK, 0).charts[0]
    assert first.kind == "bar"
    assert [x for x, _ in third.series[0].points] == ["2026-03-01", "2026-03-02", "2026-03-03"]
