"""Leakage: exact counts against Python's sets, and honest bounds where not all was looked at."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from rowsets import facts, metric, row, table, texts

from steps.validate import Checks, Overlap, Shared, leakage, validate

NAME = st.sampled_from(["", "a", "b", "c", "d", "é"])
ROWS = st.lists(st.tuples(st.sampled_from(["train", "holdout"]), NAME, NAME, NAME), max_size=40)


def some(rows):
    return table(
        row(f"text {k}", side=side, conversation=one, person=two, group=three, id=f"{k:032x}")
        for k, (side, one, two, three) in enumerate(rows)
    )


def sides(rows, all_train=None, all_holdout=None):
    whole = some(rows)
    parts = [whole.filter(pa.compute.equal(whole["side"], side)) for side in ("train", "holdout")]
    counts = [given or part.num_rows for given, part in zip((all_train, all_holdout), parts, strict=True)]
    return leakage.Sides(*parts, *counts)


@given(ROWS, st.integers(1, 7), st.randoms())
@settings(deadline=None, max_examples=60)
def test_what_both_sides_share_is_counted_exactly_in_any_batches_and_order(rows, size, chance):
    """As sets of Python count it; an empty name is none."""
    shuffled = list(rows)
    chance.shuffle(shuffled)
    overlap, whole = Overlap(), some(shuffled)
    for batch in whole.to_batches(max_chunksize=size):
        overlap.add(batch)
    expected = {}
    for place, key in enumerate(("conversation", "person", "group"), 1):
        trained = {one[place] for one in rows if one[0] == "train"}
        held = [one[place] for one in rows if one[0] == "holdout" and one[place]]
        if held:
            expected[key] = Shared(len(held), sum(name in trained for name in held))
    assert overlap.shared() == expected


def test_pending_keys_are_merged_without_losing_one(monkeypatch):
    """The bound on memory at 5 keys in place of a million: the counts stay the same."""
    monkeypatch.setattr("steps.validate.overlap._PENDING", 5)
    rows = [("train" if k % 3 else "holdout", "", f"p{k % 20}", "") for k in range(200)]
    overlap = Overlap()
    for batch in some(rows).to_batches(max_chunksize=4):
        overlap.add(batch)
    assert overlap.shared() == {"person": Shared(67, 67)}


def test_a_row_on_both_sides_fails_the_run():
    """One id in train and hold-out is a problem by default, with its count."""
    earlier = table(row(text, k % 2) for k, text in enumerate(texts(80, 1)))
    twin = next(one for one in earlier.to_pylist() if one["side"] == "train")
    new = table([{**twin, "side": "holdout", "arrived": "c-2"}])
    found = validate(facts(earlier, new), Checks())
    assert metric(found, "leaked_rows").value == 1
    assert any("learnt by heart" in said for said in found.problems)


def test_rows_counted_elsewhere_over_all_rows_are_taken_as_they_are():
    """An exact count needs no sample; without it, and with train rows left out, it is a lower bound."""
    rows = [("train", "", "", ""), ("holdout", "", "", "")]
    exact = leakage.same_rows(sides(rows, 1000, 500), 3)
    assert exact.sentences[0].startswith("3 of 500 hold-out rows also in train")
    assert (exact.metrics[1].value, exact.metrics[1].high) == (0.006, 0.006)
    sampled = leakage.same_rows(sides(rows, 1000, 500), None)
    assert sampled.sentences[0].endswith("as well among the 1 train row looked at.")
    assert sampled.metrics[1].high is None


def test_a_conversation_on_both_sides_warns_and_an_author_is_only_told():
    """By default a conversation must not be cut in two; an author may be, until a planner says otherwise."""
    rows = [("train", "talk", "ann", ""), ("holdout", "talk", "ann", ""), ("holdout", "other", "bob", "")]
    found = leakage.keys(sides(rows), None, Checks())
    assert [alarm.kind for alarm in found.alarms] == ["conversation"]
    assert found.sentences[1] == "50.0% of the hold-out rows are of an author that also has rows in train."
    strict = leakage.keys(sides(rows), None, Checks(apart=("person",)))
    assert [alarm.kind for alarm in strict.alarms] == ["person"]


def test_where_not_all_was_looked_at_a_share_is_a_lower_bound():
    """No upper end, and "at least"; exact counts of all rows are exact."""
    rows = [("train", "talk", "", ""), ("holdout", "talk", "", ""), ("holdout", "other", "", "")]
    part = leakage.keys(sides(rows, all_train=1000), None, Checks())
    assert part.sentences[0].startswith("At least 50.0%")
    assert part.metrics[0].high is None
    exact = leakage.keys(sides(rows, all_train=1000), {"conversation": Shared(10, 4)}, Checks())
    assert (exact.metrics[0].value, exact.metrics[0].low, exact.metrics[0].high) == (0.4, 0.4, 0.4)
    sampled = leakage.keys(sides(rows, all_holdout=1000), None, Checks())
    assert sampled.metrics[0].low < 0.5 < sampled.metrics[0].high


def test_near_duplicates_across_are_counted_shown_and_warned_of():
    """Ten hold-out rows differ from five train rows by a last character, and so from each other in pairs; five train
    rows differ from five others by a dot."""
    plain = texts(200, 1)
    rows = [row(text, side="train") for text in plain[:120]] + [row(text, side="holdout") for text in plain[120:]]
    rows += [row(text + end, side="holdout") for text in plain[:5] for end in ".!"]
    rows += [row(text + ".", side="train") for text in plain[20:25]]
    whole = table(rows)
    parts = [whole.filter(pa.compute.equal(whole["side"], side)) for side in ("train", "holdout")]
    both = leakage.Sides(*parts, parts[0].num_rows, parts[1].num_rows)
    found = leakage.near_duplicates(both, Checks(), 0)
    assert [line[:3] for line in found.tables[0].rows] == [
        ("train rows in train", 10, 125),
        ("hold-out rows in hold-out", 10, 90),
        ("hold-out rows in train", 10, 90),
    ]
    assert len(found.tables[1].rows) == 8
    assert [alarm.kind for alarm in found.alarms] == ["near_duplicates"]
    share = found.metrics[2]
    assert (share.name, share.value, share.low, share.high) == ("near_duplicates_across", *[round(10 / 90, 6)] * 3)
    held = leakage.near_duplicates(both._replace(all_train=1000), Checks(), 0).metrics[2]
    assert (held.low, held.high) == (round(10 / 90, 6), None)
    drawn = leakage.near_duplicates(both._replace(all_holdout=1000), Checks(), 0).metrics[2]
    assert drawn.low < 10 / 90 < drawn.high
