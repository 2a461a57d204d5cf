"""Corrections: read, settled and recorded; twice is once, and no order counts."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from steps.contract import StepError
from steps.labels import corrections as c
from steps.labels.corrections import Correction, Known, Record, settle

LABELS = ("bad", "fine", "good")
IDS = tuple(f"{place:032x}" for place in range(3))
KNOWN = {row: Known(f"text {row}", "bad") for row in IDS[:2]}
AT = datetime(2030, 1, 1, tzinfo=UTC)


def word(label="good", was="bad", by="ann", minute=0, row=IDS[0]):
    return Correction(id=row, was=was, label=label, by=by, at=AT + timedelta(minutes=minute))


WORDS = st.lists(
    st.builds(
        word,
        label=st.sampled_from((*LABELS, "ugly")),
        was=st.sampled_from(LABELS),
        by=st.sampled_from(("ann", "bob", "cem")),
        minute=st.integers(0, 3),
        row=st.sampled_from(IDS),
    ),
    max_size=12,
)


def test_one_person_s_word_changes_a_label():
    """The diff says who, when, from and to."""
    found = settle([word()], KNOWN, LABELS)
    assert found.changes == ((IDS[0], f"text {IDS[0]}", "bad", "good", ("ann",), AT),)
    assert found.record.labels == {IDS[0]: "good"}
    assert found.refused == ()


def test_the_last_word_counts():
    """Of one person; also when the earlier one is handed in later."""
    for words in ([word("good"), word("fine", minute=1)], [word("fine", minute=1), word("good")]):
        assert settle(words, KNOWN, LABELS).record.labels == {IDS[0]: "fine"}
    taken_back = settle([word("good"), word("bad", was="good", minute=1)], KNOWN, LABELS)
    assert (taken_back.record.labels, taken_back.changes) == ({IDS[0]: "bad"}, ())


def test_two_who_disagree_leave_the_label_as_it_was():
    """A third decides; who confirms the label has a voice as well."""
    two = [word("good"), word("fine", by="bob")]
    found = settle(two, KNOWN, LABELS)
    assert (found.record.labels, found.changes, found.record.rows[0].disputed) == ({IDS[0]: "bad"}, (), True)
    found = settle([*two, word("fine", by="cem")], KNOWN, LABELS)
    assert (found.record.labels, found.changes[0].by) == ({IDS[0]: "fine"}, ("bob", "cem"))
    assert settle([word("good"), word("bad", by="bob")], KNOWN, LABELS).record.rows[0].disputed


def test_a_dispute_in_a_later_cycle_gives_the_label_back():
    """Ann's correction stood; Bob, who sees it, puts back what the source said."""
    before = settle([word()], KNOWN, LABELS).record
    now = {IDS[0]: Known("text", "good")}
    found = settle([word("bad", was="good", by="bob", minute=5)], now, LABELS, before)
    assert found.record.rows[0].disputed
    assert [(change.was, change.label) for change in found.changes] == [("good", "bad")]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (word(row=IDS[2]), "no row of the snapshot"),
        (word("goood"), "did you mean good"),
        (word(was="fine"), "it is labelled 'bad', not 'fine'"),
        (word("good", was="good"), "it is labelled 'bad', not 'good'"),
    ],
)
def test_what_can_t_be_applied_is_refused_alone(wrong, why):
    """With its id and the reason; the good ones beside it count."""
    found = settle([wrong, word(row=IDS[1])], KNOWN, LABELS)
    assert [(one.id, why in one.why) for one in found.refused] == [(wrong.id, True)]
    assert found.record.labels == {IDS[1]: "good"}


@given(WORDS, st.randoms())
@settings(deadline=None, max_examples=150)
def test_no_order_counts_and_twice_is_once(words, chance):
    """The same words in any order, any number of times, with or without their own record, make the same record."""
    found = settle(words, KNOWN, LABELS)
    again = [*words, *words]
    chance.shuffle(again)
    assert settle(again, KNOWN, LABELS) == found
    assert settle(again, KNOWN, LABELS, found.record).record == found.record
    stands = {row: Known(known.text, found.record.labels.get(row, known.label)) for row, known in KNOWN.items()}
    after = settle(words, stands, LABELS, found.record)
    assert (after.record, after.changes) == (found.record, ())


@given(WORDS, WORDS)
@settings(deadline=None, max_examples=80)
def test_nothing_said_is_lost_and_every_label_is_a_class(earlier, later):
    """What people said in one cycle is still there in the next, unless they said something newer."""
    before = settle(earlier, KNOWN, LABELS).record
    after = settle(later, KNOWN, LABELS, before).record
    newest = {(row.id, vote.by): vote.rank for row in after.rows for vote in row.votes}
    assert all(newest[row.id, vote.by] >= vote.rank for row in before.rows for vote in row.votes)
    assert set(after.labels.values()) <= set(LABELS)


def test_what_is_no_correction_is_said_one_by_one():
    """The rest is read."""
    good = word().model_dump(mode="json")
    bad = [
        {**good, "id": "x"},
        {**good, "at": "2030-01-01T00:00:00"},
        {**good, "more": 1},
        5,
        {**good, "was": "\ud800"},
    ]
    read, refused = c.parsed(json.dumps([good, *bad]))
    assert read == (word(),)
    assert len(refused) == len(bad)
    assert all(one.why for one in refused)
    for text in ("{", "{}", '"x"', "[" * 100_000):
        assert c.parsed(text)[0] == ()
        assert c.parsed(text)[1][0].id == ""
    assert c.parsed("") == ((), ())
    with pytest.raises(ValidationError):
        word(row="A" * 32)


@given(WORDS)
@settings(deadline=None, max_examples=30)
def test_a_record_is_what_was_written(tmp_path_factory, words):
    """Its bytes are the same for the same words, and hold no text of a row."""
    record = settle(words, KNOWN, LABELS).record
    folder = tmp_path_factory.mktemp("snapshot")
    (folder / c.FILE).write_bytes(c.written(record))
    assert c.read(folder) == record
    assert b"text" not in c.written(record)


def test_a_record_that_is_not_there_is_empty_and_a_broken_one_is_an_error(tmp_path):
    """With where and a cure."""
    assert c.read(tmp_path) == Record()
    (tmp_path / c.FILE).write_text('{"rows": [{"id": 1}]}')
    with pytest.raises(StepError, match="can't be read") as caught:
        c.read(tmp_path)
    assert caught.value.failure.cure


def test_an_erased_row_leaves_the_record():
    """Nothing of what was said about it stays."""
    record = settle([word(), word(row=IDS[1])], KNOWN, LABELS).record
    assert list(record.without([IDS[0], "other"]).labels) == [IDS[1]]


def test_a_record_is_laid_over_rows():
    """Of a table or a batch; other rows, and classes that are not there, stay as they are."""
    record = settle([word(), word("fine", row=IDS[1])], KNOWN, LABELS).record
    rows = pa.table({"id": [IDS[2], IDS[1], IDS[0]], "label": pa.array([0, 0, 0], pa.int32()), "text": ["c", "b", "a"]})
    for some in (rows, rows.to_batches()[0]):
        assert c.laid_over(some, record, LABELS).column("label").to_pylist() == [0, 1, 2]
    assert c.laid_over(rows, record, LABELS).schema == rows.schema
    assert c.laid_over(rows, record, ("bad", "good")).column("label").to_pylist() == [0, 0, 1]
    assert c.laid_over(rows, Record(), LABELS) is rows
