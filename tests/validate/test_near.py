"""MinHash, its buckets and its verification, against sets of Python."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from steps.snapshot.rows import normalise
from steps.validate import near

TEXT = st.text(st.sampled_from("ab 가나ㅋ!é😀Ａ"), max_size=40)


def cut(texts):
    return near.cut([near.form(text) for text in texts])


def sets(text):
    shown = normalise(text)
    return {shown[k : k + near.PIECE] for k in range(max(1, len(shown) - near.PIECE + 1))}


def similarity(a, b):
    return len(sets(a) & sets(b)) / len(sets(a) | sets(b))


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8))
@settings(deadline=None, max_examples=80)
def test_the_similarity_is_that_of_sets(pairs):
    """Cut, hashed and counted by arrays, it is what Python's sets say."""
    some = [text for pair in pairs for text in pair]
    left = np.arange(0, len(some), 2)
    exact = near.jaccard(cut(some), left, left + 1)
    assert exact.tolist() == pytest.approx([similarity(a, b) for a, b in pairs])


@given(st.integers(0, 2**32), st.integers(20, 180), st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_the_share_of_equal_minima_estimates_the_similarity(words, kept, seed):
    """512 hash functions agree as often as that many tosses of a coin that shows the similarity would."""
    chance = random.Random(words)  # noqa: S311
    one, other = ("".join(chance.choices("가나다라마바사아자차카타파하", k=200)) for _ in range(2))
    pieces = cut([one, one[:kept] + other[kept:]])
    exact = float(near.jaccard(pieces, np.array([0]), np.array([1]))[0])
    signed = near.signatures(pieces, 512, seed)
    assert binomtest(int((signed[0] == signed[1]).sum()), 512, exact).pvalue > 1e-7


def test_the_estimate_is_not_biased():
    """Over 400 pairs the mean error is that of chance: four standard errors at most."""
    chance = random.Random(5)  # noqa: S311
    ones = ["".join(chance.choices("abcdefghij", k=120)) for _ in range(400)]
    others = [one[: chance.randrange(20, 110)] for one in ones]
    pieces = cut([*ones, *others])
    exact = near.jaccard(pieces, np.arange(400), np.arange(400, 800))
    signed = near.signatures(pieces, 64, 3)
    errors = (signed[:400] == signed[400:]).mean(axis=1) - exact
    assert abs(errors.mean()) < 4 * np.sqrt((exact * (1 - exact)).mean() / 64 / 400)


@given(st.floats(0.5, 1))
def test_bands_let_few_pairs_slip(wanted):
    """A pair that is just similar enough shares a bucket with a chance of 99.5 %; no more hashes are used than made."""
    bands, rows = near.banding(wanted)
    assert bands * rows <= near.HASHES
    assert 1 - (1 - wanted**rows) ** bands >= 0.995


@given(st.lists(st.tuples(TEXT, st.integers(0, 1)), max_size=30), st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_what_is_called_a_near_duplicate_is_one_and_equal_texts_are_found(rows, seed):
    """Each is verified; and of a few texts that normalise alike each finds one on each side where there is one."""
    some, side = [text for text, _ in rows], np.array([of for _, of in rows], np.int64)
    found = near.near_duplicates(some, side, 0.8, seed)
    for k, text in enumerate(some):
        for of in (0, 1):
            other = int(found.beside[k, of])
            if other >= 0:
                assert other != k
                assert side[other] == of
                assert similarity(text, some[other]) == pytest.approx(found.similarity[k, of])
                assert similarity(text, some[other]) >= 0.8
            elif len(rows) <= 9:
                assert not any(j != k and side[j] == of and sets(some[j]) == sets(text) for j in range(len(some)))


@pytest.mark.parametrize(("changed", "least", "most"), [(4, 295, 300), (10, 290, 300), (12, 0, 0), (20, 0, 0)])
def test_changed_copies_among_thousands_are_found_and_those_changed_too_far_are_not(changed, least, most):
    """300 texts of 100 characters stand on the other side with another end: of c changed characters (96 - c)/(96 + c)
    is common, 0.81 at 10 and 0.78 at 12."""
    chance = random.Random(2)  # noqa: S311
    some = ["".join(chance.choices("가나다라마바사아자차카타파하", k=100)) for _ in range(2000)]
    copies = [text[:-changed] + "".join(chance.choices("qwertyuiopasdfghjkl", k=changed)) for text in some[:300]]
    found = near.near_duplicates([*some, *copies], np.array([0] * 2000 + [1] * 300), 0.8, 0)
    assert least <= (found.beside[2000:, 0] == np.arange(300)).sum() <= most
    assert (found.beside[300:2000] < 0).all()


def test_each_of_a_small_group_finds_both_sides():
    """Twenty groups of nine near-copies, one of each in the hold-out: it finds train, and all of train find it."""
    chance = random.Random(3)  # noqa: S311
    groups = ["".join(chance.choices("가나다라마바사아자차카타파하", k=60)) for _ in range(20)]
    some = [f"{group}{k}" for group in groups for k in range(9)]
    found = near.near_duplicates(some, (np.arange(180) % 9 == 4).astype(np.int64), 0.8, 0)
    assert (found.beside[:, 0] >= 0).all()
    assert ((found.beside[:, 1] >= 0) == (np.arange(180) % 9 != 4)).all()


def test_thousands_of_the_same_text_cost_no_square():
    """30,000 texts of one template: each finds one on each side, without comparing all with all (4.5e8 pairs)."""
    some = [f"같은 말을 되풀이하는 아주 흔한 글 {k % 7}" for k in range(30_000)]
    found = near.near_duplicates(some, np.arange(30_000) % 2, 0.8, 0)
    assert (found.beside >= 0).all()


def test_texts_that_are_almost_similar_enough_are_given_up():
    """2,000 windows over one long text, each with 0.78 in common with the next: none found, after 17 candidates each
    at most (a text is at most twice in one comparison of neighbours)."""
    chance = random.Random(4)  # noqa: S311
    long = "".join(chance.choices("가나다라마바사아자차카타파하", k=2000 * 12 + 100))
    some = [long[k * 12 : k * 12 + 100] for k in range(2000)]
    found = near.near_duplicates(some, np.arange(2000) % 2, 0.8, 0)
    assert (found.beside < 0).all()
    assert 0 < found.tries.max() <= 17
