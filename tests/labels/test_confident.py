"""Confident learning, on a table worked out by hand and by its laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.labels import confident

GIVEN = np.array([0, 0, 0, 0, 1, 1])
P = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.1, 0.9], [0.3, 0.7], [0.7, 0.3]])


@st.composite
def cases(draw):
    """Labels and probabilities of some rows, in up to four classes."""
    rows, classes = draw(st.integers(1, 30)), draw(st.integers(2, 4))
    chance = np.random.default_rng(draw(st.integers(0, 10**6)))
    return chance.integers(0, classes, rows), chance.dirichlet(np.full(classes, 0.5), rows)


def test_a_table_worked_out_by_hand():
    """t = (.6, .5); row 3 is confidently a 1 though labelled 0, row 5 a 0 though labelled 1."""
    assert confident.thresholds(GIVEN, P) == pytest.approx([0.6, 0.5])
    assert confident.confident(GIVEN, P).tolist() == [0, 0, 0, 1, 1, 0]
    assert confident.mislabelled(GIVEN, P).tolist() == [False, False, False, True, False, True]
    assert confident.margins(GIVEN, P) == pytest.approx([-0.8, -0.6, -0.2, 0.8, -0.4, 0.4])


def test_a_class_has_its_own_threshold():
    """A class that the model is seldom sure of is reached with less: .45 is confident there, .55 elsewhere is not."""
    labels = np.array([0, 0, 1, 1, 0])
    p = np.array([[0.95, 0.05], [0.95, 0.05], [0.6, 0.4], [0.6, 0.4], [0.55, 0.45]])
    assert confident.mislabelled(labels, p).tolist() == [False, False, False, False, True]


@given(cases(), st.randoms())
@settings(deadline=None, max_examples=60)
def test_the_order_of_rows_changes_nothing(case, chance):
    """Neither what is counted nor what is suspected."""
    labels, p = case
    order = chance.sample(range(len(labels)), len(labels))
    for found in (confident.confident, confident.mislabelled, confident.margins):
        assert (found(labels[order], p[order]) == found(labels, p)[order]).all()


@given(cases())
@settings(deadline=None, max_examples=60)
def test_whoever_is_suspected_is_likelier_another(case):
    """Of a class that some row is labelled with, at the threshold of that class or above; never of an absent one."""
    labels, p = case
    counted, limits = confident.confident(labels, p), confident.thresholds(labels, p)
    for row in np.flatnonzero(confident.mislabelled(labels, p)):
        assert counted[row] in labels
        assert p[row, counted[row]] >= limits[counted[row]] - 1e-6
        assert counted[row] != labels[row]


def test_clean_labels_of_a_sure_model_are_not_suspected():
    """Nothing is off the diagonal; and one class alone can't be mistaken."""
    p = np.array([[0.99, 0.01], [0.98, 0.02], [0.03, 0.97]])
    assert not confident.mislabelled(np.array([0, 0, 1]), p).any()
    assert not confident.mislabelled(np.array([0, 0, 0]), p).any()
