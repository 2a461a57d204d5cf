"""Bad input: a named problem or a row left out with its line and reason, and everything else is still read."""

import gzip
import json
import random
import tracemalloc
from datetime import UTC, datetime

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written import KINDS, PACKED, bytes_of, read, read_file, row

from steps.collect.source import Columns, open_source
from steps.contract import StepError

COLUMNS = Columns("text", "label")
HUGE = 10 << 20


def problems(path, columns=COLUMNS, **given):
    """What a survey says, without the folder."""
    found = open_source({"files": str(path), **given}, columns).survey()
    return [problem.rsplit("/", 1)[-1] for problem in found]


def texts(found):
    return [one[0] for one in found.rows]


def test_other_encodings_are_named_and_can_be_given(tmp_path):
    """CP949 and UTF-16 with a mark are told with the cure, and the cure works."""
    rows = [f"평점 {i}이라니, 이건 명작이다" for i in range(50)]
    csv = "text,label\n" + "".join(f'"{text}",a\n' for text in rows)
    jsonl = "".join(json.dumps({"text": text, "label": "a"}, ensure_ascii=False) + "\n" for text in rows)
    for kind, data in (("csv", csv), ("jsonl", jsonl)):
        for encoding, said in (
            ("cp949", "it is CP949"),
            ("utf-16", "it is UTF-16"),
            ("utf-16-le", "every other byte is NUL"),
        ):
            path = tmp_path / f"{encoding}.{kind}"
            path.write_bytes(data.encode(encoding))
            (problem,) = problems(path)
            assert said in problem
            assert f"`encoding: {encoding}" in problem
            assert texts(read_file(path, COLUMNS, encoding=encoding)) == rows
        (tmp_path / f"utf-8-sig.{kind}").write_bytes(data.encode("utf-8-sig"))
        assert texts(read_file(tmp_path / f"utf-8-sig.{kind}", COLUMNS)) == rows


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("most", [1 << 30, 200])
def test_single_bad_lines_are_left_out(tmp_path, kind, most):
    """Wrong bytes and NULs among good lines: each is told with its line; the encoding is not blamed."""
    path = tmp_path / f"a.{kind}"
    good = [row("좋아요 " * 3, who=str(i)) for i in range(100)]
    lines = bytes_of(kind, good, **({"end": "\n"} if kind == "csv" else {})).split(b"\n")
    lines[20] = lines[20].replace("요".encode(), b"\xbf\xe4", 1).replace(b"\\uc694", b"\xbf\xe4", 1)
    lines[40] = (
        lines[40].replace("요".encode(), b"\0" if kind == "csv" else b"\\u0000", 1).replace(b"\\uc694", b"\\u0000", 1)
    )
    path.write_bytes(b"\n".join(lines))
    found = read_file(path, COLUMNS, most)
    assert len(found.rows) == 98
    assert [(bad.source, bad.line) for bad in found.bad] == [(f"a.{kind}", 21), (f"a.{kind}", 41)]
    assert "not UTF-8" in found.bad[0].reason
    assert "NUL" in found.bad[1].reason


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_ten_megabytes_costs_no_memory(tmp_path, kind):
    """It is left out with its size, and reading takes less memory than it has bytes."""
    path = tmp_path / f"a.{kind}"
    rows = [row("a"), row("x" * HUGE), row("b"), row("a line of thirty-two characters\n" * (HUGE // 32)), row("c")]
    path.write_bytes(bytes_of(kind, rows, **({"row_group_size": 1} if kind in ("parquet", "arrow") else {})))
    del rows
    (tmp_path / f"warm.{kind}").write_bytes(bytes_of(kind, [row("a")]))
    read_file(tmp_path / f"warm.{kind}", COLUMNS)  # what is imported counts for nothing
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    found = read_file(path, COLUMNS, batch_bytes=1 << 18)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert texts(found) == ["a", "b", "c"]
    assert len(found.bad) == 2
    assert all("bytes, more than 1,048,576" in bad.reason and ": 10" not in bad.reason for bad in found.bad)
    assert pa.total_allocated_bytes() - before < 1 << 20
    if kind in ("csv", "tsv", "jsonl"):
        assert peak < HUGE


def test_long_values_that_repeat_are_not_decoded_at_once(tmp_path):
    """A dictionary holds two long texts once; ten thousand rows of them come in small batches, or not at all."""
    path = tmp_path / "a.parquet"
    texts = pa.DictionaryArray.from_arrays(pa.array([0, 1] * 5_000), pa.array(["x" * HUGE, "y" * 900_000]))
    pq.write_table(pa.table({"text": texts, "label": ["a"] * 10_000}), path)
    (shard,) = open_source(str(path), COLUMNS).shards(1 << 30)
    rows = bad = 0
    for batch in shard.read(batch_bytes=64 << 20):
        assert pa.total_allocated_bytes() < 400 << 20
        rows, bad = rows + batch.rows.num_rows, bad + len(batch.bad)
        if rows > 100:
            break
    assert bad in range(rows - 10, rows + 10)


def test_the_bound_of_a_row_can_be_set(tmp_path):
    """A row of exactly so many bytes is taken, one more is not."""
    path = tmp_path / "a.jsonl"
    lines = [b'{"text":"' + b"x" * n + b'","label":"a"}\n' for n in (10, 11)]
    path.write_bytes(b"".join(lines))
    found = read_file(path, COLUMNS, most_row_bytes=len(lines[0]))
    assert (len(found.rows), [bad.line for bad in found.bad]) == (1, [2])


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_file_cut_in_the_middle_keeps_what_comes_before(tmp_path, kind, suffix):
    """The rows before the cut are rows; the rest is one bad row that says so."""
    chance = random.Random(1)  # noqa: S311 - it only has to be hard to compress
    rows = [row(f"{chance.random()}") for _ in range(5_000)]
    path = tmp_path / f"a.{kind}.{suffix}"
    whole = PACKED[suffix](bytes_of(kind, rows))
    path.write_bytes(whole[: len(whole) * 9 // 10])
    found = read_file(path, Columns("text", "label", "topic", author="who", conversation="talk", at="when"))
    assert 100 < len(found.rows) < 5_000
    assert found.rows == rows[: len(found.rows)]
    (bad,) = found.bad
    assert bad.rest
    assert "nothing after can be read" in bad.reason
    assert bad.line == len(found.rows) + (2 if kind == "csv" else 1)
    path.write_bytes(whole[:20])
    assert "damaged" in problems(path)[0]


def test_damaged_bytes_in_gzip_are_told(tmp_path):
    """A checksum that does not fit is the last bad row: the rows before it can't be vouched for, and are told."""
    whole = bytearray(gzip.compress(bytes_of("jsonl", [row("a"), row("b")])))
    whole[-6] ^= 1
    (tmp_path / "a.jsonl.gz").write_bytes(whole)
    found = read_file(tmp_path / "a.jsonl.gz", COLUMNS)
    assert [bad.rest for bad in found.bad] == [True]


def test_a_broken_parquet_file_is_told(tmp_path):
    """A footer by the survey, a page by the reader, which goes on with the next row group."""
    path = tmp_path / "a.parquet"
    rows = [row(f"text {i}") for i in range(300)]
    whole = bytes_of("parquet", rows, row_group_size=100, compression="none", use_dictionary=False)
    path.write_bytes(whole[:-20])
    assert "it can't be read" in problems(path)[0]
    at = pq.ParquetFile(pa.BufferReader(whole)).metadata.row_group(1).column(0).data_page_offset
    path.write_bytes(whole[:at] + b"\xff" * 30 + whole[at + 30 :])
    found = read_file(path, COLUMNS)
    assert texts(found) == [f"text {i}" for i in (*range(100), *range(200, 300))]
    (bad,) = found.bad
    assert (bad.line, bad.rest) == (101, True)
    assert "rows 101 to 200 can't be read" in bad.reason


def test_a_broken_arrow_file_keeps_what_comes_before(tmp_path):
    """The batches before the cut are read, the rest is one bad row."""
    whole = bytes_of("arrow", [row(f"text {i}") for i in range(300)], row_group_size=100)
    (tmp_path / "a.arrow").write_bytes(whole[: len(whole) * 3 // 4])
    found = read_file(tmp_path / "a.arrow", COLUMNS)
    assert len(found.rows) == 200
    assert [(bad.line, bad.rest) for bad in found.bad] == [(201, True)]


def test_parquet_text_that_is_not_utf8(tmp_path):
    """The file says it is text; the rows where it is not are left out."""
    raw = pa.array([b"fine", b"\xbf\xe4", None, b"good"]).view(pa.string())
    pq.write_table(pa.table({"text": raw, "label": ["a"] * 4}), tmp_path / "a.parquet")
    found = read_file(tmp_path / "a.parquet", COLUMNS)
    assert texts(found) == ["fine", "", "good"]
    assert [(bad.line, bad.reason) for bad in found.bad] == [(2, "column 'text' holds bytes that are not UTF-8")]


def test_csv_rows_with_other_numbers_of_fields(tmp_path):
    """Too many and too few are left out with their line, also after line breaks in quotes and blank lines."""
    (tmp_path / "a.csv").write_text('text,label\n"a\nb",1\n\nc\nd,1,2\n"e",2\n')
    found = read_file(tmp_path / "a.csv", COLUMNS)
    assert found.places == [("a.csv", 2), ("a.csv", 7)]
    assert [(bad.line, bad.reason) for bad in found.bad] == [
        (5, "there are 1 fields, expected 2 as in the header"),
        (6, "there are 3 fields, expected 2 as in the header"),
    ]


def test_quotes_that_do_not_fit(tmp_path):
    """A quote inside an unquoted field is a character; one that closes too early, or never, costs its lines alone."""
    path = tmp_path / "a.csv"
    path.write_text('text,label\n5" disk,1\n"a"b,1\nfine,2\n')
    found = read_file(path, COLUMNS)
    assert texts(found) == ['5" disk', "fine"]
    assert [bad.line for bad in found.bad] == [3]
    path.write_text('text,label\nfine,1\n"never,1\nc,1\n')
    found = read_file(path, COLUMNS)
    assert texts(found) == ["fine"]
    assert [bad.line for bad in found.bad] == [3, 4]
    assert "line 3 is never closed" in found.bad[0].reason


def test_json_that_is_no_row(tmp_path):
    """Not JSON, no object, a key twice, half a surrogate, lists and objects where values belong: each in its words."""
    lines = [
        '{"text": "fine", "label": "a"}', "not json", "[1, 2]", "null", '{"text": "x", "text": "y", "label": "a"}',
        '{"text": "\\ud800", "label": "a"}', '{"text": "x", "label": ["a"]}', '{"text": "x", "label": {"a": 1}}',
        '{"text": 5, "label": "a"}', "", "[" * 100_000, '{"text": "fine too", "label": 1}{"text": "b", "label": 2}',
        '{"text": "fine", "label": "b", "more": {"text": 1, "text": 2}}', '{"text": "x", "label": "a"',
    ]  # fmt: skip
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    found = read_file(tmp_path / "a.jsonl", COLUMNS)
    assert texts(found) == ["fine", "fine"]
    told = {bad.line: bad.reason for bad in found.bad}
    assert sorted(told) == [2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14]
    for line, said in (
        (2, "it is not JSON"), (3, "it is a list"), (4, "it is null"), (5, "several 'text'"), (6, "surrogate"),
        (7, "column 'label' holds a list"), (8, "column 'label' holds an object"), (9, "holds int, expected text"),
        (11, "nested too deeply"), (12, "it is not JSON"), (14, "it is not JSON"),
    ):  # fmt: skip
        assert said in told[line]


def test_ratings_and_dates_that_are_none(tmp_path):
    """They cost their row, with the value in the reason; dates in the future are kept, for validation to judge."""
    columns = Columns("text", "label", numeric=True, at="when")
    rows = [
        ("a", "4", "2020-01-01"),
        ("b", "four", ""),
        ("c", "5", "2020-13-45"),
        ("d", "1", "9999-01-01"),
        ("e", "inf", ""),
    ]
    (tmp_path / "a.csv").write_text("text,label,when\n" + "".join(",".join(one) + "\n" for one in rows))
    found = read_file(tmp_path / "a.csv", columns)
    assert [(one[0], one[1], one[5]) for one in found.rows] == [
        ("a", 4.0, datetime(2020, 1, 1, tzinfo=UTC)), ("d", 1.0, datetime(9999, 1, 1, tzinfo=UTC)),
    ]  # fmt: skip
    assert [(bad.line, bad.reason) for bad in found.bad] == [
        (3, "column 'label': 'xxxx' is no rating"),
        (4, "column 'when': '9999-99-99' is no date"),
        (6, "column 'label': 'xxx' is no rating"),
    ]


def test_a_schema_that_changed_is_told_by_file_and_column(tmp_path):
    """A column that is missing, twice or of another type than in the file before; a list where a label belongs."""
    for name, table in {
        "1": {"text": ["a"], "label": ["x"]}, "2": {"text": ["a"], "label": [1]},
        "3": {"text": ["a"], "label": [["x"]]}, "4": {"body": ["a"], "label": ["x"]},
    }.items():  # fmt: skip
        pq.write_table(pa.table(table), tmp_path / f"{name}.parquet")
    pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 3, ["text", "label", "text"]), tmp_path / "5.parquet")
    (tmp_path / "6.jsonl").write_text('{"body": "a", "label": 1}\n')
    (tmp_path / "7.csv").write_text("text,label,text\na,b,c\n")
    (tmp_path / "8.csv").write_bytes(b"text,label\ra,b\r")
    (tmp_path / "9.csv").write_text("")
    (tmp_path / "a.parquet.gz").write_bytes(b"x")
    (tmp_path / "b.xlsx").write_bytes(b"x")
    assert problems(tmp_path / "[12].parquet") == [
        f"2.parquet: column 'label' holds numbers, but text in {tmp_path / '1.parquet'}".rsplit("/", 1)[-1]
    ]
    told = problems(tmp_path / "[3-9a-z]*")
    for said in (
        "3.parquet: column 'label' holds list<element: string>, expected text, whole numbers or booleans",
        "4.parquet: there is no column 'text'; there are 'body', 'label'",
        "5.parquet: there are several columns 'text'",
        "6.jsonl: there is no column 'text'; there are 'body', 'label'",
        "7.csv: there are several columns 'text'",
        "8.csv: its lines end in CR alone",
        "9.csv: it is empty",
        "a.parquet.gz: a parquet file is compressed inside",
        "b.xlsx: .xlsx is not a kind of file that can be read",
    ):
        assert any(said in one for one in told), said
    assert len(told) == 9


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_vanishes_may_be_tried_again(kind):
    """Gone, shrunk or replaced after it was listed: a retryable error that names the file."""
    fs = fsspec.filesystem("memory")
    path = f"/vanish-{kind}/a.{kind}"
    whole = bytes_of(kind, [row(f"text {i}") for i in range(100)])
    fs.pipe(path, whole)
    shards = open_source(f"memory:/{path}", COLUMNS).shards(500)
    for change in (lambda: fs.pipe(path, whole[:-1]), lambda: fs.rm(path)):
        change()
        with pytest.raises(StepError) as caught:
            list(shards[-1].read())
        assert caught.value.failure.retryable
        assert path in caught.value.failure.where


def test_lines_that_move_are_noticed(tmp_path):
    """A file rewritten with as many bytes: a part that no longer begins with a line is not read."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(bytes_of("jsonl", [row("aaaa"), row("bbbb")]))
    first, second = open_source(str(path), COLUMNS).shards(1)
    path.write_bytes(bytes_of("jsonl", [row("aa"), row("bbbbbb")]))
    assert len(list(first.read())) == 1
    with pytest.raises(StepError, match="stand elsewhere") as caught:
        list(second.read())
    assert caught.value.failure.retryable


def test_lines_appended_meanwhile_are_left_for_the_next_time(tmp_path):
    """What was not there when the file was listed is not read."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(bytes_of("jsonl", [row("a")]))
    source = open_source(str(path), COLUMNS)
    with path.open("ab") as file:
        file.write(bytes_of("jsonl", [row("b")]))
    assert texts(read(source)) == ["a"]


@given(st.binary(max_size=300), st.sampled_from(["csv", "jsonl"]), st.integers(1, 100), st.integers(1, 50))
@settings(max_examples=300)
def test_no_bytes_break_a_reader(tmp_path_factory, data, kind, most, size):
    """Whatever a file holds, it is read to its end, and how it is cut changes neither rows nor what is bad."""
    path = tmp_path_factory.mktemp("bytes") / f"a.{kind}"
    head = b"text,label\n" if kind == "csv" else b""
    path.write_bytes(head + data.replace(b"\x01", b'"').replace(b"\x02", b"\n").replace(b"\x03", b","))
    source = open_source(str(path), COLUMNS)
    found = read(source, 1 << 30)
    again = read(source, most, 3, size)
    assert (found.rows, found.places) == (again.rows, again.places)
    assert [bad.line for bad in found.bad] == [bad.line for bad in again.bad]
