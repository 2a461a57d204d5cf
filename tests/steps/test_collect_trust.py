"""What a planner may rely on: nobody is recognisable, people's words about labels count, who is erased stays away."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tiny import parquet

from steps import snapshot
from steps.collect import Collect, collect
from steps.contract import Context, StepError
from steps.private import pseudonym
from steps.secret import KEY
from steps.snapshot import HOLDOUT, TRAIN, Record, Table

CHECKS = {"rows": 2000, "near_rows": 2000, "drift_rows": 1000, "permutations": 19}
SECRET = "a key of sixteen bytes or more"  # noqa: S105 - it guards nothing
AT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv(KEY, SECRET)


def run(folder, cycle=1, last=None, **settings):
    context = Context(
        folder / f"out{cycle}", run=f"c-{cycle:06}/collect/1", last=last and last.model_dump(),
        tables=str(folder / "tables"), target=folder / "target",
    )  # fmt: skip
    given = Collect(source=str(folder / "*.parquet"), author="author", checks=CHECKS, **{"look": 0, **settings})
    made = collect(given, context)
    rows = [row for side in (TRAIN, HOLDOUT) for row in snapshot.read(Path(made.data.uri), side)]
    return made, rows


def reviews(path, rows=120, start=0):
    return parquet(
        path,
        text=[
            f"review {i}: a {'lovely' if i % 2 else 'dreadful'} film about thing {i * 7}"
            for i in range(start, start + rows)
        ],
        label=["good" if i % 2 else "bad" for i in range(start, start + rows)],
        author=[f"reviewer-{i % 10}" for i in range(start, start + rows)],
    )


def tables(made):
    return {table.title: table.rows for table in made.report.tables}


def corrections(*said):
    return [{"id": id_, "was": was, "label": label, "by": by, "at": AT} for id_, was, label, by in said]


def test_nothing_that_is_written_identifies_anybody(tmp_path):
    """Not the table's files, not the report, not what is kept beside: neither identifiers nor authors nor the key."""
    secrets = ["010-2345-6789", "kim.minsu@naver.com", "900101-1234568", "김민수"]
    parquet(
        tmp_path / "a.parquet",
        text=[f"number {i}: 저는 {secrets[3]}입니다, {secrets[i % 3]} 로 연락 주세요" for i in range(60)],
        label=["good" if i % 2 else "bad" for i in range(60)],
        author=["kim.minsu.the.author"] * 60,
    )
    made, rows = run(tmp_path, look=20)
    assert len(rows) == 60
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "a.parquet")
    shown = "".join(row.text for row in rows) + made.report.model_dump_json() + written.decode("utf-8", "replace")
    for one in (*secrets, "kim.minsu.the.author", SECRET):
        assert one not in shown, one
    assert dict(tables(made)["Identifiers replaced"])["name"] >= 60
    assert {row.person for row in rows} == {pseudonym("kim.minsu.the.author", SECRET.encode(), "person")}


def test_a_correction_is_laid_over_the_row_and_shown_as_a_diff(tmp_path):
    """Who, when, from, to; the digest is another one, the row's label is the person's, in later snapshots too."""
    reviews(tmp_path / "a.parquet")
    first, before = run(tmp_path)
    digest = snapshot.opened(Path(first.data.uri)).snapshot.digest
    wrong = next(row for row in before if row.label == 0)
    again, after = run(tmp_path, corrections=corrections((wrong.id, "bad", "good", "alice")))
    assert next(row.label for row in after if row.id == wrong.id) == 1
    assert [row for row in after if row.id != wrong.id] == [row for row in before if row.id != wrong.id]
    who, when, was, label, text = tables(again)["Corrected labels"][0]
    assert (who, when, was, label) == ("alice", "2026-11-24 00:00 UTC", "bad", "good")
    assert text.startswith(wrong.text[:20])
    assert snapshot.opened(Path(again.data.uri)).snapshot.digest != digest
    reviews(tmp_path / "b.parquet", 20, 500)
    _, later = run(tmp_path, 2, again)
    assert next(row.label for row in later if row.id == wrong.id) == 1
    assert len(later) == 140


def test_reviewers_who_disagree_change_nothing_and_are_shown(tmp_path):
    """The source's label stands, the row is listed as disputed, agreement is told; what can't be applied is refused."""
    reviews(tmp_path / "a.parquet")
    _, before = run(tmp_path)
    one, two = [row for row in before if row.label == 0][:2]
    said = [
        (one.id, "bad", "good", "alice"), (one.id, "bad", "bad", "bob"),
        (two.id, "bad", "good", "alice"), (two.id, "bad", "good", "bob"),
        ("f" * 32, "bad", "good", "alice"), (one.id, "bad", "splendid", "carol"),
    ]  # fmt: skip
    made, after = run(tmp_path, corrections=corrections(*said))
    labels = {row.id: row.label for row in after}
    assert (labels[one.id], labels[two.id]) == (0, 1)
    assert len(tables(made)["Disputed labels"]) == 1
    assert next(metric.value for metric in made.report.metrics if metric.name == "label_agreement") == 0.5
    assert sum("refused" in warning for warning in made.report.warnings) == 2


def test_rows_worth_a_look_travel_in_the_report(tmp_path):
    """With their ids, labels and the reason; a label that contradicts its text is among them."""
    reviews(tmp_path / "a.parquet", 400)
    numbers = range(9000, 9020)
    parquet(
        tmp_path / "b.parquet",
        text=[f"review {i}: a {'lovely' if i % 2 else 'dreadful'} film about thing {i % 2800}" for i in numbers],
        label=["bad" if i % 2 else "good" for i in numbers],
        author=["x"] * 20,
    )
    made, rows = run(tmp_path, look=10)
    asked = made.report.to_label
    assert 0 < len(asked) <= 10
    assert {one.id for one in asked} <= {row.id for row in rows}
    wrong = [one for one in asked if one.text.startswith("review 90")]
    assert wrong
    assert all("mislabelled" in one.why for one in wrong)


def test_a_file_that_is_cut_off_is_told(tmp_path):
    """What came before the damage is kept, and that there is no more is a warning."""
    lines = "".join(
        f'{{"text": "review {i} of this", "label": "{"good" if i % 2 else "bad"}"}}\n' for i in range(9_000)
    )
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-2_000])
    made = collect(
        Collect(source=str(tmp_path / "*.gz"), look=0, checks=CHECKS),
        Context(tmp_path / "out", run="c-000001/collect/1", target=tmp_path / "target"),
    )
    metrics = {metric.name: metric.value for metric in made.report.metrics}
    assert 1_000 < metrics["new_rows"] < 9_000
    assert any("1 files are damaged" in warning for warning in made.report.warnings)


def test_who_was_erased_does_not_come_back(tmp_path):
    """The rows leave the snapshot that holds them, and a source that still has them gives them to nobody."""
    reviews(tmp_path / "a.parquet")
    first, before = run(tmp_path)
    person = pseudonym("reviewer-3", SECRET.encode(), "person")
    gone = [row for row in before if row.person == person]
    assert len(gone) == 12
    table = Table.open(str(tmp_path / "tables/collect"))
    table.erase([person], record=Record("alice", "asked by the reviewer", AT.isoformat()))
    left = [row for side in (TRAIN, HOLDOUT) for row in snapshot.read(Path(first.data.uri), side)]
    assert sorted(left) == sorted(row for row in before if row.person != person)
    reviews(tmp_path / "a.parquet", 130)
    made, after = run(tmp_path, 2, first)
    assert len(after) == 117
    assert not [row for row in after if row.person == person]
    assert next(metric.value for metric in made.report.metrics if metric.name == "rows_erased") == 13


def test_another_key_overnight_is_told(tmp_path, monkeypatch):
    """Texts are known under any key; that nobody can be linked any more is a warning."""
    reviews(tmp_path / "a.parquet")
    first, _ = run(tmp_path)
    monkeypatch.setenv(KEY, "another key of sixteen bytes")
    reviews(tmp_path / "b.parquet", 130)
    second, rows = run(tmp_path, 2, first)
    assert len(rows) == 130
    assert any("the privacy key is" in warning for warning in second.report.warnings)


def test_a_schema_that_changed_overnight_fails_until_it_is_accepted(tmp_path):
    """A class that nobody has seen is a question; nothing is published of the run that asks it."""
    reviews(tmp_path / "a.parquet")
    first, _ = run(tmp_path)
    parquet(tmp_path / "b.parquet", text=[f"odd {i}" for i in range(30)], label=["mixed"] * 30, author=["x"] * 30)
    with pytest.raises(StepError, match="not one of bad, good") as caught:
        run(tmp_path, 2, first)
    assert "accept_schema=true" in caught.value.failure.cure
    made, rows = run(tmp_path, 2, first, accept_schema=True)
    assert len(rows) == 150
    assert snapshot.read_labels(Path(made.data.uri)) == ("bad", "good", "mixed")
