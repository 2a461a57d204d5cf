"""Sources of files: every kind gives the same rows, each once, wherever it is cut."""

import os
import pickle
from datetime import UTC, datetime

import fsspec
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from written import COLUMNS, KINDS, PACKED, bytes_of, read_file, row

from steps.collect.source import Columns, open_source
from steps.contract import StepError

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["", " ", '"', 'say "hi"', "a,b", "a\tb", "line\nline", "line\r\nline", "cr\rcr", "한국어\n", "}\n{", "\ufeffx"]
)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)) | st.none()  # noqa: DTZ001
ROWS = st.lists(st.tuples(TEXTS, st.sampled_from(["a", "b", "1"]), TEXTS, TEXTS, TEXTS, MOMENTS), max_size=25)


@given(ROWS, st.sampled_from(KINDS), st.integers(1, 400), st.integers(1, 7), st.integers(1, 300), st.integers(1, 9))
@settings(max_examples=300)
@example([row('a"', topic="")], "csv", 1, 1, 1, 1)
def test_every_row_comes_back_once_wherever_it_is_cut(tmp_path_factory, rows, kind, most, batch, size, group):
    """Any rows, any kind, parts and batches of any size: the same rows in order, places rising, nothing bad."""
    path = tmp_path_factory.mktemp("cut") / f"a.{kind}"
    more = {"row_group_size": group} if kind in ("parquet", "arrow") else {}
    path.write_bytes(bytes_of(kind, rows, **more))
    if not rows and kind == "jsonl":
        return
    found = read_file(path, most_bytes=most, batch_rows=batch, batch_bytes=size)
    assert found.rows == rows
    assert found.bad == []
    assert [name for name, _ in found.places] == [path.name] * len(rows)
    numbers = [line for _, line in found.places]
    assert numbers == sorted(set(numbers))


@given(ROWS.filter(len), st.sampled_from(["csv", "tsv", "jsonl"]), st.integers(1, 400), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=150)
def test_a_row_is_where_its_line_says(tmp_path_factory, rows, kind, most, end):
    """The file from a row's line on, with its header, begins with that row."""
    folder = tmp_path_factory.mktemp("line")
    data = bytes_of(kind, rows, **({"end": end} if kind != "jsonl" else {}))
    (folder / f"a.{kind}").write_bytes(data)
    lines = data.split(b"\n")
    head = [] if kind == "jsonl" else [lines[0]]
    found = read_file(folder / f"a.{kind}", most_bytes=most)
    for place in {0, len(rows) // 2, len(rows) - 1}:
        rest = folder / f"rest{place}.{kind}"
        rest.write_bytes(b"\n".join([*head, *lines[found.places[place][1] - 1 :]]))
        assert read_file(rest).rows == rows[place:]


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("suffix", [*PACKED, "zst"])
def test_compressed_files_are_read_alike(tmp_path, kind, suffix):
    """gzip, bzip2, xz and zstandard, also of several members."""
    rows = [row(f'text {i}\n"{i}"', "ab"[i % 2]) for i in range(3_000)]
    data = bytes_of(kind, rows)
    pack = PACKED.get(suffix) or (lambda plain: pa.compress(plain, "zstd", asbytes=True))
    (tmp_path / f"a.{kind}.{suffix}").write_bytes(pack(data[:5_000]) + pack(data[5_000:]))
    assert read_file(tmp_path / f"a.{kind}.{suffix}", batch_rows=100, batch_bytes=9_999).rows == rows


@pytest.mark.parametrize("kind", KINDS)
def test_any_fsspec_store_will_do(kind):
    """The same rows from a store that is no disk; names are those below the glob's fixed part."""
    rows = [row(f"text {i}") for i in range(500)]
    fs = fsspec.filesystem("memory")
    for day in ("01", "02"):
        fs.pipe(f"/bucket-{kind}/day/{day}/part.{kind}", bytes_of(kind, rows))
    found = read_file(f"memory://bucket-{kind}/day/*/part.{kind}", most_bytes=2_000)
    assert found.rows == rows * 2
    assert {name for name, _ in found.places} == {f"01/part.{kind}", f"02/part.{kind}"}


def test_shards_travel_and_small_files_travel_together(tmp_path):
    """A shard is read in another process as it is here; many small files are few shards."""
    for i in range(10):
        (tmp_path / f"{i}.jsonl").write_bytes(bytes_of("jsonl", [row(f"text {i}")]))
    source = open_source(str(tmp_path / "*.jsonl"), COLUMNS)
    shards = source.shards(350)
    assert 1 < len(shards) < 10
    assert all(shard.size <= 350 for shard in shards)
    sent = pickle.loads(pickle.dumps(shards))  # noqa: S301 - our own
    texts = [text for shard in sent for batch in shard.read() for text in batch.rows.column("text").to_pylist()]
    assert texts == [f"text {i}" for i in range(10)]


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path):
    """From a mark on: files that are new, longer or newer, and no other; a mark that can't be read is none."""
    texts = lambda source: sorted(  # noqa: E731
        text for shard in source.shards(350) for one in shard.read() for text in one.rows.column("text").to_pylist()
    )
    for name in "abc":
        (tmp_path / f"{name}.jsonl").write_bytes(bytes_of("jsonl", [row(f"text {name}")]))
    mark = open_source(str(tmp_path / "*.jsonl"), COLUMNS).mark()
    assert texts(open_source(str(tmp_path / "*.jsonl"), COLUMNS, since=mark)) == []
    (tmp_path / "d.jsonl").write_bytes(bytes_of("jsonl", [row("text d")]))
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(bytes_of("jsonl", [row("text a2")]))
    os.utime(tmp_path / "b.jsonl", ns=(1, 1))
    later = open_source(str(tmp_path / "*.jsonl"), COLUMNS, since=mark)
    assert texts(later) == ["text a", "text a2", "text b", "text d"]
    assert texts(open_source(str(tmp_path / "*.jsonl"), COLUMNS, since=later.mark())) == []
    assert len(texts(open_source(str(tmp_path / "*.jsonl"), COLUMNS, since="{nonsense"))) == 5


def test_a_store_that_knows_no_age_is_read_again(tmp_path):
    """What can't be known to be unchanged is read."""
    with fsspec.open("memory://stamps/a.jsonl", "wb") as file:
        file.write(bytes_of("jsonl", [row("text")]))
    source = open_source("memory://stamps/*.jsonl", COLUMNS)
    assert len(open_source("memory://stamps/*.jsonl", COLUMNS, since=source.mark()).shards(350)) == 1


def test_labels_and_dates_mean_the_same_in_every_kind(tmp_path):
    """Whole numbers, booleans, blanks; dates with and without zones, Unix times, other separators."""
    path = tmp_path / "a.jsonl"
    labels = ["1", "1.0", "true", '"x "', "null", '" "', "0.5"]
    dates = ['"2020-01-02"', '"2020-01-02T09:00:00+09:00"', "1577923200", "1577923200000", '"2020.1.2"', '""', "null"]
    path.write_text("".join(f'{{"text":"t","label":{a},"when":{b}}}\n' for a, b in zip(labels, dates, strict=True)))
    found = read_file(path, Columns("text", "label", at="when"))
    assert [one[1] for one in found.rows] == ["1", "1", "true", "x ", None, None, None]
    assert [one[5] for one in found.rows] == [datetime(2020, 1, 2, tzinfo=UTC)] * 5 + [None] * 2
    rated = tmp_path / "b.csv"
    rated.write_text("text,label\na,4\nb,4.5\nc,\nd,nan\n")
    assert [one[1] for one in read_file(rated, Columns("text", "label", numeric=True)).rows] == [4.0, 4.5, None, None]


def test_one_column_may_mean_two_things(tmp_path):
    """The author may be the group."""
    columns = Columns("text", "label", "who", author="who")
    for kind in KINDS:
        (tmp_path / f"a.{kind}").write_bytes(bytes_of(kind, [row("x", who="me")]))
        found = read_file(tmp_path / f"a.{kind}", columns)
        assert found.rows == [("x", "a", "me", "me", "", None)]


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    """By the names that are wanted; or as it is given."""
    (tmp_path / "a.csv").write_text(
        delimiter.join(["text", "n", "label"]) + "\n" + delimiter.join(["a", "1", "b"]) + "\n"
    )
    columns = Columns("text", "label")
    assert read_file(tmp_path / "a.csv", columns).rows == [("a", "b", "", "", "", None)]
    assert read_file(tmp_path / "a.csv", columns, delimiter=delimiter).rows == [("a", "b", "", "", "", None)]


def test_a_source_says_what_it_may_have(tmp_path):
    """Unknown keys, delimiters that are none and globs without files are refused in words."""
    for wrong in ({"file": "x"}, {"files": "x", "sep": ","}, {"files": "x", "delimiter": "ab"}, "nothing*.csv", {},
                  {"files": []}, {"files": "x", "encoding": "klingon"}, {"files": "x", "delimiter": 5}):  # fmt: skip
        with pytest.raises(StepError) as caught:
            open_source(wrong, COLUMNS)
        assert caught.value.failure.cure
    with pytest.raises(StepError, match="store can't be reached"):
        open_source("nowhere://x/*.csv", COLUMNS)
