"""The rows worth a look: bounded, different from each other, in no order's debt, and the right ones."""

import random
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.contract import Context
from steps.labels import crossfit, proposed
from steps.labels.diverse import NEAR, Chosen
from steps.labels.sample import sampled
from steps.labels.worth import Candidate, chosen, telling

LABELS = ("bad", "good")
WORDS = {0: ("awful", "sad", "poor", "ugly"), 1: ("lovely", "great", "happy", "fine")}


def rows(count: int, *, wrong: int = 0, seed: int = 0, group: str = "") -> list[Candidate]:
    """Texts in which two of eight words decide; the first `wrong` carry the other label. Every fourth is held out."""
    chance = random.Random(seed)  # noqa: S311 - test data
    found = []
    for place in range(count):
        label = place % 2
        words = [
            *chance.sample(WORDS[label], 2),
            *("".join(chance.choices("bcdfghjklmnpqrstvwxz", k=6)) for _ in range(4)),
        ]
        chance.shuffle(words)
        text = " ".join(words)
        side = "holdout" if place % 4 == 3 else "train"
        given = 1 - label if place < wrong else label
        found.append(Candidate(sha256(text.encode()).hexdigest()[:32], text, given, group, side))
    return found


def likeness(shown, many) -> float:
    """The greatest likeness between two texts that are shown, among those that were looked at."""
    texts = {row.id: row.text for row in many}
    vectors = crossfit.rarities(crossfit.vectors(list(texts.values())))
    some = vectors[[list(texts).index(one.id) for one in shown]]
    near = (some @ some.T).toarray()
    np.fill_diagonal(near, 0)
    return float(near.max())


def test_wrong_labels_come_first():
    """Of 400 rows 12 have a wrong label: most are shown, before all others, each with what it should be."""
    many = rows(400, wrong=12)
    shown = chosen(many, LABELS, most=40)
    wrong = {row.id for row in many[:12]}
    assert len(wrong & {one.id for one in shown if one.why.startswith("probably mislabelled")}) >= 10
    assert len(wrong & {one.id for one in shown[:12]}) >= 9
    for one in shown:
        if one.id in wrong:
            assert one.why.startswith("probably mislabelled: a simple model would say")
            assert {one.label, one.predicted} == set(LABELS)
            assert one.confidence > 0.5


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=15)
def test_who_is_called_mislabelled_would_be_called_otherwise(seed):
    """Whatever the champion says: the class that is named is never the one that the row has."""
    many = rows(80, wrong=8)
    champion = np.random.default_rng(seed).dirichlet([0.3, 0.3, 0.3], len(many)).astype(np.float32)
    shown = chosen(many, ("bad", "good", "other"), champion, most=40)
    named = [one for one in shown if one.why.startswith("probably mislabelled")]
    assert all(one.predicted != one.label for one in named)


def test_hold_out_has_half_of_the_places():
    """Three of twelve wrong rows are held out: of six places they get three, and are said to be measured with."""
    many = rows(400, wrong=12)
    shown = chosen(many, LABELS, most=12)[:6]
    measured = [one for one in shown if "models are measured with this row" in one.why]
    assert {one.id for one in measured} == {row.id for row in many[:12] if row.side == "holdout"}


@given(st.integers(0, 60), st.integers(0, 25), st.integers(0, 3), st.randoms())
@settings(deadline=None, max_examples=10)
def test_the_choice_is_bounded_diverse_and_has_no_order(count, most, seed, chance):
    """Whatever the number of rows; with a champion as well; rows handed in twice are one."""
    many = [*rows(count, wrong=3, seed=seed), *rows(count // 8, group="rare", seed=seed + 10)]
    champion = np.random.default_rng(seed).dirichlet([1, 1], len(many)).astype(np.float32)
    champion[::5] = np.nan
    for opinion in (None, champion):
        shown = chosen(many, LABELS, opinion, most=most, seed=seed)
        order = [*chance.sample(range(len(many)), len(many)), *range(len(many))]
        mixed = None if opinion is None else opinion[order]
        assert chosen([many[i] for i in order], LABELS, mixed, most=most, seed=seed) == shown
        assert len(shown) <= most
        assert len({one.id for one in shown}) == len(shown)
        assert len(shown) < 2 or likeness(shown, many) < NEAR


def test_near_equal_texts_are_shown_once():
    """Forty rows that differ by a number, all labelled wrongly."""
    many = rows(300)
    alike = [
        Candidate(f"{place:032x}", f"a lovely, great, happy and fine afternoon {place}", 0, "", "train")
        for place in range(40)
    ]
    shown = chosen([*many, *alike[:6]], LABELS, most=30)
    assert sum(one.text.startswith("a lovely") for one in shown) == 1


def test_the_champion_is_heard():
    """It is sure of another label than a row has, where the simple model knows nothing"""
    many = rows(200)
    champion = np.array([[0.97, 0.03] if row.label == 0 else [0.03, 0.97] for row in many], dtype=np.float32)
    champion[10] = champion[10][::-1]
    champion[21] = [0.5, 0.5]
    shown = {one.id: one for one in chosen(many, LABELS, champion, most=40)}
    first = shown[many[10].id]
    assert first.why.startswith("probably mislabelled: the champion")
    assert first.predicted != first.label


def test_a_class_that_the_champion_lacks_is_not_held_against_a_row():
    """Its column is zero: such rows are judged by the simple model alone."""
    many = [row._replace(label=2) if row.label else row for row in rows(200)]
    champion = np.tile(np.array([0.99, 0.01, 0], dtype=np.float32), (len(many), 1))
    shown = chosen(many, ("bad", "fine", "good"), champion, most=20)
    assert not [
        one for one in shown if one.why.startswith("probably") and "the champion" in one.why and one.label == "good"
    ]


def test_rare_slices_are_seen():
    """Three rows of one class in a group, among hundreds: all slices that are rare get a place, with the count."""
    many = rows(400, group="films")
    few = [row._replace(group="books") for row in rows(6, seed=5) if row.label == 1]
    shown = chosen([*many, *few], LABELS, most=20)
    rare = [one for one in shown if one.why.startswith("rare: 3 of 403 rows looked at are good in books")]
    assert {one.id for one in rare} == {row.id for row in few}


def test_labels_that_no_model_can_tell_are_not_called_wrong():
    """Labels by chance: nobody is suspected; nor where there is one class, one row or none."""
    chance = random.Random(1)  # noqa: S311 - test data
    many = [row._replace(label=chance.randrange(2)) for row in rows(120)]
    assert not [one for one in chosen(many, LABELS) if not one.why.startswith("rare")]
    assert not chosen([row._replace(label=0) for row in many], ("bad",))
    assert chosen([], LABELS) == ()
    assert chosen(many[:1], LABELS) == ()
    assert chosen(rows(200, wrong=5), LABELS, most=0) == ()


def test_telling_is_better_than_chance():
    """A model that always says the larger class tells nothing, however often it is right."""
    given_ = np.array([0] * 95 + [1] * 5)
    assert not telling(given_, np.tile([0.9, 0.1], (100, 1)))
    assert telling(given_, np.where(given_[:, None] == [0, 1], 0.9, 0.1))


def test_long_texts_of_one_language_are_not_near_equal():
    """Their letters are, their words are not: 40 texts of 200 words from a thousand."""
    chance = random.Random(2)  # noqa: S311 - test data
    words = ["".join(chance.choices("eeeettaaoinshrdlu", k=chance.randrange(2, 9))) for _ in range(1_000)]
    texts = [" ".join(chance.choices(words, k=200)) for _ in range(40)]
    counts = crossfit.vectors(texts)
    found = Chosen(crossfit.rarities(counts)).add(np.full(40, 0.5), 40)
    assert len(found) == 40
    assert (counts[0] @ counts[1].T).toarray()[0, 0] > NEAR


def test_a_long_text_is_cut():
    """Ten megabytes are neither read nor shown."""
    many = [
        row._replace(text=row.text + " x" * 5_000_000) if place == 0 else row for place, row in enumerate(rows(100))
    ]
    shown = chosen([row._replace(group="one") if place == 0 else row for place, row in enumerate(many)], LABELS)
    assert max(len(one.text) for one in shown) == 1_000


def test_probabilities_are_out_of_sample():
    """A row's own label changes its probabilities in no way, since no row of its fold was learnt from."""
    many = rows(60)
    vectors, ids = crossfit.vectors([row.text for row in many]), [row.id for row in many]
    labels = np.array([row.label for row in many])
    before = crossfit.probabilities(vectors, labels, ids, 2)
    labels[7] = 1 - labels[7]
    after = crossfit.probabilities(vectors, labels, ids, 2)
    same = np.array([crossfit.fold(one, 0) == crossfit.fold(ids[7], 0) for one in ids])
    assert (before[same] == after[same]).all()
    assert (before[~same] != after[~same]).any()
    assert before.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("classes", [3, crossfit.MOST_CLASSES + 1])
def test_more_classes_have_probabilities_as_well(classes):
    """They add up to one, also of a class with one row; too many are all alike."""
    many = rows(90)
    given_ = np.array([place % 3 for place in range(90)])
    given_[0] = classes - 1
    p = crossfit.probabilities(crossfit.vectors([row.text for row in many]), given_, [row.id for row in many], classes)
    assert p.sum(axis=1) == pytest.approx(1)
    assert (p.std() == pytest.approx(0)) == (classes > crossfit.MOST_CLASSES)


def test_a_worthless_row_is_never_chosen():
    """Nor one without a single n-gram twice."""
    far = Chosen(crossfit.vectors(["alpha", "beta", "gamma", ""]))
    assert far.add(np.array([0.0, 0.5, 0.9, 0.0]), 4) == [2, 1]
    assert far.add(np.array([0.0, 0.5, 0.9, 0.1]), 4) == [3]
    assert far.places == [2, 1, 3]


def table(many: list[Candidate]) -> pa.Table:
    columns = dict(zip(Candidate._fields, map(list, zip(*many, strict=True)), strict=True))
    return pa.table({**columns, "label": pa.array(columns["label"], pa.int32()), "more": [0] * len(many)})


@given(st.integers(1, 12), st.integers(0, 20), st.randoms())
@settings(deadline=None, max_examples=30)
def test_a_draw_is_bounded_and_has_no_order(size, most, chance):
    """Batches of any size in any order draw the same rows; hold-out rows come first and have half of the places."""
    many = rows(30)
    found = sampled(table(many).to_batches(max_chunksize=size), most=most)
    assert sampled([table(chance.sample(many, len(many)))], most=most) == found
    assert len(found) == min(most, len(many))
    assert set(found) <= set(many)
    measured = [row.side == "holdout" for row in found]
    assert measured == sorted(measured, reverse=True)
    assert sum(measured) == min(7, max(most // 2, most - 23))


def test_another_seed_draws_others():
    """And all rows where there is room for all."""
    many = [table(rows(200))]
    assert sampled(many, most=20, seed=1) != sampled(many, most=20, seed=2)
    assert set(sampled(many)) == set(rows(200))


def test_what_is_proposed_needs_no_champion(tmp_path):
    """Nothing was deployed: no warning, and the simple model's choice."""
    many = rows(200, wrong=4)
    found = proposed([table(many)], LABELS, Context(tmp_path), most=8)
    assert found == (chosen(many, LABELS, most=8), ())
    assert proposed([table(many)], LABELS, Context(tmp_path), most=0) == ((), ())
