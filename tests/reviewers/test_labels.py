"""`labels.csv`: what is written reads back, and whatever editors and spreadsheets make of it is read or refused."""

import csv
import io
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.report import ToLabel
from reviewers.labels import LARGEST, LONGEST, Problem, classes, decoded, from_csv, to_csv

ROWS = (
    ToLabel(
        id="a1", text="정말 재미있다, 또 볼게요", label="negative", predicted="positive", confidence=0.91, why="likely"
    ),
    ToLabel(id="b2", text='He said "no".\nTwice.', label="positive", predicted="negative", confidence=0.5),
    ToLabel(id="c3", text="=SUM(A1:A9)", label="negative"),
)
TABLE = to_csv(ROWS)

plain = st.characters(exclude_categories=("Cs",))
names = st.text(string.ascii_letters + "=+-@'\" ,;1", min_size=1, max_size=8).filter(str.strip)
ids = st.lists(st.text(string.hexdigits.lower(), min_size=1, max_size=32), min_size=1, max_size=6, unique=True)
texts = (
    st.text(plain, max_size=60) | st.text("=+-@'\"\t\r\n ,;|\u2028\x00=", max_size=20) | st.just("x" * (LONGEST + 9))
)


@st.composite
def asked(draw: st.DrawFn) -> tuple[ToLabel, ...]:
    """Rows of a few classes."""
    known = draw(st.lists(names, min_size=1, max_size=4, unique_by=lambda name: " ".join(name.split()).casefold()))
    one_of = st.sampled_from(known)
    confidence = st.none() | st.floats(0, 1)
    return tuple(
        ToLabel(id=id, text=draw(texts), label=draw(one_of), predicted=draw(one_of | st.just("")),
                confidence=draw(confidence), why=draw(st.text(plain, max_size=20)))
        for id in draw(ids)
    )  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(asked())
def test_what_is_written_reads_back_as_nothing_changed(rows: tuple[ToLabel, ...]) -> None:
    """Every row, every label, no problem; whatever the texts hold."""
    read = from_csv(to_csv(rows), rows)
    assert read.problems == ()
    assert read.labels == {row.id: row.label for row in rows}


@settings(deadline=None, max_examples=200)
@given(asked(), st.data())
def test_what_a_spreadsheet_makes_of_it_reads_back_too(rows: tuple[ToLabel, ...], data: st.DataObject) -> None:
    """Other delimiters, quotes everywhere, CRLF, a byte order mark, another order of rows and columns, some deleted."""
    cells = list(csv.DictReader(io.StringIO(to_csv(rows), newline="")))
    kept = data.draw(st.permutations(cells))[: data.draw(st.integers(0, len(cells)))]
    columns = data.draw(st.permutations([*cells[0], "notes"]))
    out = io.StringIO()
    dialect = {"delimiter": data.draw(st.sampled_from(",;\t")), "quoting": data.draw(st.sampled_from([0, 1]))}
    writer = csv.DictWriter(out, [*columns], restval="mine", lineterminator="\r\n", **dialect)
    writer.writeheader()
    writer.writerows(kept)
    sent = decoded(("\ufeff" + out.getvalue().replace("\r\n", "\n").replace("\n", "\r\n")).encode())
    assert isinstance(sent, str)
    read = from_csv(sent, rows)
    assert read.problems == ()
    assert read.labels.keys() == {one["id"].removeprefix("'") for one in kept}
    assert all(read.labels[row.id] == row.label for row in rows if row.id in read.labels)


@settings(deadline=None, max_examples=300)
@given(asked())
def test_no_cell_is_a_formula(rows: tuple[ToLabel, ...]) -> None:
    """Nor begins with what a spreadsheet strips before it looks."""
    for cells in csv.reader(io.StringIO(to_csv(rows), newline="")):
        assert not any(cell.lstrip().startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20")) for cell in cells)


@settings(deadline=None, max_examples=500)
@given(st.text(max_size=200) | st.text('id,label;"\n\r\tabc123', max_size=80))
def test_no_text_whatever_raises_or_invents_a_row(text: str) -> None:
    """It is read or refused."""
    read = from_csv(text, ROWS)
    assert read.labels.keys() <= {row.id for row in ROWS}
    assert set(read.labels.values()) <= set(classes(ROWS))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise(data: bytes) -> None:
    """They are text, or a problem."""
    assert isinstance(decoded(data), str | Problem)


def test_the_table_is_read_easily() -> None:
    """One row a line, names in the first; a formula is none."""
    assert TABLE.splitlines()[:2] == [
        "id,text,label,predicted,confidence,why",
        'a1,"정말 재미있다, 또 볼게요",negative,positive,0.910,likely',
    ]
    assert "c3,'=SUM(A1:A9),negative,,," in TABLE


def test_labels_that_stand_by_now_are_written() -> None:
    """What is corrected already is not asked about as it was."""
    assert "c3,'=SUM(A1:A9),positive,,," in to_csv(ROWS, {"c3": "positive"})


@pytest.mark.parametrize("written", ["positive", "Positive", "  POSITIVE ", "'positive", "posi\u200btive"])
def test_capitals_and_spaces_name_the_same_label(written: str) -> None:
    """What is no name at all is a problem, with the likely one."""
    read = from_csv(f"id,label\na1,{written}\n", ROWS)
    if "\u200b" in written:
        assert [str(one) for one in read.problems] == [
            "line 2: `posi\u200btive` is no label here: did you mean positive?"
        ]
    else:
        assert read.labels == {"a1": "positive"}


def test_capitals_that_tell_labels_apart_are_kept() -> None:
    """`A` and `a` are two classes: neither is guessed."""
    rows = (ToLabel(id="1", text="x", label="Aa", predicted="aA"),)
    assert from_csv("id,label\n1,aA", rows).labels == {"1": "aA"}
    assert from_csv("id,label\n1,AA", rows).problems[0].what == "`AA` is no label here"


@pytest.mark.parametrize(
    ("table", "where", "what"),
    [
        ("id,label\na1,postive\n", "line 2", "`postive` is no label here"),
        ("id,label\na1,\n", "line 2", "it has no label"),
        ("id,label\na1\n", "line 2", "it has no label"),
        ("id,label\n\n\nz9,positive\n", "line 4", "`z9` is the id of no row that is asked about"),
        (f"id,label\n{'z' * 99},positive\n", "line 2", f"`{'z' * 60}…` is the id of no row that is asked about"),
        ("label,id\npositive\n", "line 2", "`` is the id of no row that is asked about"),
        ("id,text,label\na1,something else,positive\n", "line 2", "the text is not this row's own"),
        ("id,label\na1,positive\nc3,negative\na1,negative", "line 4", "the row of line 2 stands here once more"),
        ("a1,positive\n", "line 1", "no column is named id"),
        ("id,name\na1,positive\n", "line 1", "no column is named label"),
        ("id,label,label\na1,positive,negative\n", "line 1", "more than one column is named label"),
        ("", "line 1", "no column is named id"),
        ('id,label\nc3,negative\na1,"positive\nb2,negative\n', "line 3", "a quotation mark is not closed"),
        ('id,label\r\na1,"positive"x\r\n', "line 2", "a quotation mark is not closed"),
        ("sep=;\r\nid;label\r\na1;postive\r\n", "line 3", "`postive` is no label here"),
        ("x" * (LARGEST + 1), "line 1", "a table of 4,000,001 characters is not read"),
    ],
)
def test_what_can_not_be_read_is_named_with_its_line(table: str, where: str, what: str) -> None:
    """And what can be read of the other lines is."""
    [problem] = from_csv(table, ROWS).problems
    assert problem.where == where
    assert problem.what.startswith(what)
    assert problem.cure


def test_two_lines_that_differ_count_for_nothing() -> None:
    """Which one was meant nobody knows."""
    assert from_csv("id,label\na1,positive\na1,negative\nb2,negative", ROWS).labels == {"b2": "negative"}
    assert from_csv("id,label\na1,positive\na1,POSITIVE\n", ROWS) == ({"a1": "positive"}, ())


def test_a_quotation_mark_that_swallows_rows_is_no_deletion() -> None:
    """Nothing of the table counts, not even what stands above it."""
    assert from_csv('id,label\na1,positive\nb2,"negative\nc3,negative\n', ROWS).labels == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_what_spreadsheets_save_is_text(encoding: str) -> None:
    """A Korean Excel writes its own code page."""
    table = 'id,text,label\na1,"정말 재미있다, 또 볼게요",positive\n'
    sent = decoded(table.encode(encoding))
    assert isinstance(sent, str)
    assert from_csv(sent, ROWS) == ({"a1": "positive"}, ())


def test_what_is_no_text_is_a_problem() -> None:
    """A picture, say."""
    assert decoded(b"\x89PNG\r\n\xff\xff\xff") == ("line 1", "the file is no text in UTF-8", "save it as CSV in UTF-8")
    assert isinstance(decoded(b"\xff\xfe\x00"), Problem)


def test_a_label_that_no_row_shows_can_be_given_where_the_report_names_it():
    """The classes are the data's: a row may be the only one of its class, or its class may have gone from the rows."""
    assert "neutral" not in classes(ROWS)
    assert from_csv("id,label\na1,Neutral\n", ROWS, ["neutral"]) == ({"a1": "neutral"}, ())
    assert "neutral" in classes(ROWS, ["neutral"])
