"""The word that was probably meant."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.nearest import did_you_mean, distance, nearest

WORDS = st.text("abc", max_size=6)


def test_a_swap_of_neighbours_is_one_edit():
    """Insert, delete, replace and swap cost one each."""
    assert [distance("hold", other) for other in ("hold", "hlod", "hol", "holds", "hald", "")] == [0, 1, 1, 1, 1, 4]


def test_the_closest_word_is_found_or_none():
    """At most two edits, ignoring case; the first of equally close ones."""
    assert nearest("Aprove", ["approve", "unapprove"]) == "approve"
    assert nearest("xyz", ["approve"]) is None
    assert nearest("a", []) is None
    assert nearest("ab", ["aa", "bb"]) == "aa"


def test_the_cure_names_the_word_or_all_of_them():
    """Without a close word, everything that is known is listed."""
    assert did_you_mean("stpe", ["step", "name"]) == "did you mean step?"
    assert did_you_mean("other", ["step", "name"]) == "known: name, step"
    assert did_you_mean("other", []) == "none is known"


@given(WORDS, WORDS)
def test_a_distance_is_symmetric_and_bounded(one, other):
    """It is zero for equal words alone, the same both ways, and at most the longer word."""
    assert (distance(one, other) == 0) == (one == other)
    assert distance(one, other) == distance(other, one) <= max(len(one), len(other))
