"""Collect, on real files."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tiny import parquet

from steps import snapshot
from steps.collect import Collect, collect
from steps.contract import Context, StepError

TEXTS = [f"text number {i}" for i in range(200)]
RATINGS = [(-2.0, 0.0, 2.5, 1.0)[i % 4] for i in range(200)]
RATED = {"label": "rating", "positive_at_least": 1.0, "negative_at_most": -1.0}


def context(folder, cycle=1, last=None):
    return Context(folder / f"out{cycle}", run=f"c-{cycle:06}/collect/1", last=last)


def run(folder, source, cycle=1, last=None, **settings):
    made = collect(Collect(source=source, **settings), context(folder, cycle, last and last.model_dump()))
    return made, {name: list(snapshot.read(Path(made.data.uri), name)) for name in (snapshot.TRAIN, snapshot.HOLDOUT)}


def failure(folder, source, cycle=1, last=None, **settings):
    with pytest.raises(StepError) as caught:
        run(folder, source, cycle, last, **settings)
    assert caught.value.failure.cure
    return str(caught.value.failure)


def metric(made, name):
    return next(metric.value for metric in made.report.metrics if metric.name == name)


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


def labelled(path, pairs):
    return jsonl(path, [{"text": text, "label": label} for text, label in pairs])


def test_a_snapshot_has_what_its_law_says(tmp_path):
    """Each text on one side of the split, labels by the thresholds, the middle dropped and counted."""
    source = str(parquet(tmp_path / "a.parquet", text=TEXTS, rating=RATINGS, domain=["films"] * 200))
    made, rows = run(tmp_path, source, group="domain", **RATED)
    train, holdout = rows[snapshot.TRAIN], rows[snapshot.HOLDOUT]
    assert snapshot.read_labels(Path(made.data.uri)) == ("negative", "positive")
    assert {row.text: row.label for row in train + holdout} == {
        text: int(rating > 0) for text, rating in zip(TEXTS, RATINGS, strict=True) if rating
    }
    assert not {row.id for row in train} & {row.id for row in holdout}
    assert 15 <= len(holdout) <= 45
    first = train[0]
    assert (first.group, first.source, first.arrived) == ("films", "a.parquet", "c-000001")
    assert first.id == snapshot.identity(first.text)
    metrics = {metric.name: metric.value for metric in made.report.metrics}
    assert metrics["new_rows"] == 150
    assert metrics["rows_read"] == 200
    left = next(table for table in made.report.tables if table.title == "Rows left out")
    assert left.rows == (("rating between the thresholds", 50),)
    assert {sample.note for sample in made.report.samples} == {"negative · films", "positive · films"}


def test_every_kind_of_file_gives_the_same_snapshot(tmp_path):
    """Parquet, CSV (also with line breaks and commas in the text) and JSONL are read alike."""
    texts = [f'line one, {i}\nline "two"' for i in range(60)]
    labels = ["yes" if i % 2 else "no" for i in range(60)]
    parquet(tmp_path / "a.parquet", text=texts, label=labels)
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(texts, labels, strict=True)])
    labelled(tmp_path / "a.jsonl", zip(texts, labels, strict=True))
    found = []
    for cycle, suffix in enumerate(("parquet", "csv", "jsonl"), 1):
        _, rows = run(tmp_path, str(tmp_path / f"a.{suffix}"), cycle)
        found.append([(row.text, row.label, row.id) for side in rows.values() for row in side])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 60


@given(st.lists(st.tuples(st.sampled_from(TEXTS), st.sampled_from(["a", "b"])), min_size=30), st.randoms())
@settings(max_examples=8, deadline=None)
def test_order_and_repetition_change_nothing(tmp_path_factory, pairs, chance):
    """The same rows shuffled, repeated and spread over files give the same bytes."""
    folder = tmp_path_factory.mktemp("order")
    pairs = [*pairs, *((f"sure {i}", "ab"[i % 2]) for i in range(60))]
    one, other = folder / "one", folder / "other"
    one.mkdir()
    other.mkdir()
    labelled(one / "x1.jsonl", pairs)
    again = [*pairs, *chance.sample(pairs, 10)]
    chance.shuffle(again)
    labelled(other / "x1.jsonl", again[::2])
    labelled(other / "x2.jsonl", again[1::2])
    found = []
    for place in (one, other):
        _, rows = run(place, str(place / "x*.jsonl"), look=0)
        found.append({side: {(row.text, row.label, row.id) for row in some} for side, some in rows.items()})
    assert found[0] == found[1]


def test_a_text_with_two_labels_counts_for_neither(tmp_path):
    """Case, blanks and Unicode forms aside, equal texts are one; a contradiction drops it and is told."""
    pairs = [(text, "ab"[i % 2]) for i, text in enumerate(TEXTS)]
    pairs += [("Text  Number 0 ", "a"), ("\uff34\uff25\uff38\uff34 number 1", "a")]
    made, rows = run(tmp_path, labelled(tmp_path / "a.jsonl", pairs))
    texts = {row.text for side in rows.values() for row in side}
    assert len(texts) == 199
    assert "text number 1" not in texts
    metrics = {metric.name: metric.value for metric in made.report.metrics}
    assert (metrics["duplicates"], metrics["contradicted"]) == (2, 1)


def test_what_the_last_cycle_has_seen_is_not_new(tmp_path):
    """A second cycle adds its own rows; earlier ones keep label, side and cycle, whatever is asked now."""
    old = [(text, "ab"[i % 2]) for i, text in enumerate(TEXTS)]
    first, before = run(tmp_path, labelled(tmp_path / "a1.jsonl", old))
    labelled(tmp_path / "a2.jsonl", [("text number 0", "b"), *((f"later {i}", "abc"[i % 3]) for i in range(90))])
    second, after = run(tmp_path, str(tmp_path / "a*.jsonl"), 2, first, holdout=0.5, salt="another", accept_schema=True)
    for name, rows in before.items():
        assert [row for row in after[name] if row.arrived == "c-000001"] == rows
    assert snapshot.read_labels(Path(second.data.uri)) == ("a", "b", "c")
    metrics = {metric.name: metric.value for metric in second.report.metrics}
    assert (metrics["new_rows"], metrics["total_rows"]) == (90, 290)
    assert second.report.charts[0].series[0].points == (("c-000001", 200.0), ("c-000002", 90.0))


def test_every_problem_is_told_at_once(tmp_path):
    """Each with its file, what was expected and what there is."""
    parquet(tmp_path / "good.parquet", text=TEXTS, rating=RATINGS)
    parquet(tmp_path / "named.parquet", review=TEXTS, rating=RATINGS)
    parquet(tmp_path / "typed.parquet", text=RATINGS, rating=TEXTS)
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "good.parquet").read_bytes()[:500])
    (tmp_path / "head.csv").write_text("text,stars\na,1\n")
    (tmp_path / "broken.jsonl").write_text("not json\n")
    (tmp_path / "twice.csv").write_text("text,rating,text\na,1,b\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "book.xlsx").write_bytes(b"PK")
    told = failure(tmp_path, str(tmp_path / "*.*"), **RATED)
    assert "good.parquet" not in told
    for expected in (
        "named.parquet: there is no column 'text'; there are 'review', 'rating'",
        "typed.parquet: column 'text' holds double, expected text",
        "typed.parquet: column 'rating' holds string, expected numbers",
        "cut.parquet: it can't be read",
        "head.csv: there is no column 'rating'; there are 'text', 'stars'",
        "broken.jsonl: it can't be read: line 1: it is not JSON",
        "twice.csv: there are several columns 'text'",
        "empty.csv: it is empty",
        "book.xlsx: .xlsx is not a kind of file that can be read",
    ):
        assert expected in told


def test_what_breaks_in_the_middle_is_kept_apart_and_told(tmp_path):
    """A line that is not JSON, a CSV row with too few fields, bytes that are not UTF-8: counted, and told by line."""
    pairs = [{"text": text, "label": "ab"[i % 2]} for i, text in enumerate(TEXTS)]
    source = jsonl(tmp_path / "a.jsonl", pairs)
    Path(source).write_text(Path(source).read_text() + "{half\n")
    made, rows = run(tmp_path, source)
    assert sum(map(len, rows.values())) == 200
    assert metric(made, "rows_unreadable") == 1
    kept = (Path(made.data.uri) / "quarantine.csv").read_text().splitlines()
    assert kept[0] == "source,line,reason"
    assert "a.jsonl,201," in kept[1]
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"{text},b\n" for text in TEXTS) + "lost\n")
    (tmp_path / "latin.csv").write_bytes(
        ("text,label\nsure,a\n" + "fine enough,b\n" * 200 + "café,a\n").encode("latin-1")
    )
    made, _ = run(tmp_path, [source, str(tmp_path / "*.csv")], 2, most_unreadable=0.5)
    listed = (Path(made.data.uri) / "quarantine.csv").read_text()
    assert "a.csv,202," in listed
    assert "latin.csv,203," in listed
    assert metric(made, "rows_unreadable") == 3
    assert any("3 rows can't be read" in warning for warning in made.report.warnings)


def test_too_many_unreadable_rows_fail_the_run(tmp_path):
    """With how many, how many may be, the first of them and the cure; nothing is published."""
    source = jsonl(tmp_path / "a.jsonl", [{"text": text, "label": "ab"[i % 2]} for i, text in enumerate(TEXTS)])
    Path(source).write_text(Path(source).read_text() + "{half\n" * 10)
    told = failure(tmp_path, source)
    assert "10 of 210 rows can't be read, and at most 1.0% may be" in told
    assert "a.jsonl, line 201" in told
    assert not (tmp_path / "out1/data").exists()


def test_nothing_to_learn_from_is_said(tmp_path):
    """No file, no row, no usable row, one class, nothing new: each in its own words."""
    assert "no file matches" in failure(tmp_path, str(tmp_path / "nothing*.csv"))
    (tmp_path / "empty.csv").write_text("text,label\n")
    assert "holds no rows" in failure(tmp_path, str(tmp_path / "empty.csv"))
    middle = str(parquet(tmp_path / "middle.parquet", text=["a", " ", "c"], rating=[0.0, 2.0, float("nan")]))
    assert "1 middle, 1 empty, 1 unlabelled" in failure(tmp_path, middle, **RATED)
    one = labelled(tmp_path / "one.jsonl", [(text, "a") for text in TEXTS])
    assert "one class only: 'a'" in failure(tmp_path, one)
    both = labelled(tmp_path / "both.jsonl", [(text, "ab"[i % 2]) for i, text in enumerate(TEXTS)])
    first, _ = run(tmp_path, both)
    assert "nothing in the source has changed" in failure(tmp_path, both, 2, first)
    labelled(tmp_path / "both.jsonl", [(text, "ab"[i % 2]) for i, text in enumerate(TEXTS[::-1], 1)])
    assert "no new rows: all 200" in failure(tmp_path, both, 2, first)


def test_a_number_that_is_no_class_is_refused(tmp_path):
    """A column with thousands of different labels is a rating without thresholds."""
    pairs = [(f"text {i}", str(i)) for i in range(1_500)]
    assert "that is no set of classes" in failure(tmp_path, labelled(tmp_path / "a.jsonl", pairs))


def test_labels_as_they_stand_have_one_name_each(tmp_path):
    """1, 1.0 and "1" are the class "1"; true is "true"; null and fractions are no label."""
    values = [1, 1.0, "1 ", True, "true", None, 0.5] * 20
    made, rows = run(tmp_path, labelled(tmp_path / "a.jsonl", [(f"t {i}", value) for i, value in enumerate(values)]))
    assert snapshot.read_labels(Path(made.data.uri)) == ("1", "true")
    assert sum(map(len, rows.values())) == 100
    assert any("no usable label" in warning for warning in made.report.warnings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"positive_at_least": 1.0},
        {"positive_at_least": 1.0, "negative_at_most": 1.0},
        {"holdout": 0.0},
        {"holdout": 0.9},
        {"positive_at_least": float("nan"), "negative_at_most": 0.0},
        {"unknown": 1},
    ],
)
def test_settings_are_bounded(wrong):
    """What makes no sense is refused before anything is read."""
    with pytest.raises(ValidationError):
        Collect(source="x.csv", **wrong)


def test_a_rare_class_is_warned_about(tmp_path):
    """Few rows to measure a class with, and a class ten times rarer than another, are said."""
    pairs = [(text, "b" if i % 20 else "a") for i, text in enumerate(TEXTS)]
    made, _ = run(tmp_path, labelled(tmp_path / "a.jsonl", pairs))
    assert any("of class 'a' to measure with" in warning for warning in made.report.warnings)
    assert any("class 'a' is" in warning and "rarer" in warning for warning in made.report.warnings)
