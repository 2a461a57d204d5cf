"""Rows to label as a table that people edit, and back: `labels.csv`. Pure: the standard library and our nouns.

Laws:
- What is written reads back as nothing changed, whatever the texts hold.
- No cell is a formula to a spreadsheet: one that could be has an apostrophe before it, which is taken off again.
- Only the label of a row counts, and only where the row is surely the one that was asked about: a line whose id or text
  is not the row's own is a problem, with its number and the cure, and no correction.
- A row that was deleted is left as it is. A quotation mark that is not closed could swallow rows: nothing is read then.
- Whatever an editor or a spreadsheet does to the form is read: line ends, a byte order mark, other delimiters and
  encodings, more columns, another order, capitals and spaces.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from orchestrator.core.nearest import did_you_mean
from orchestrator.core.report import ToLabel

COLUMNS = ("id", "text", "label", "predicted", "confidence", "why")
LONGEST = 2000  # characters of a text: a label needs no more, and GitHub's editor opens a file of a megabyte
LARGEST = 4_000_000  # characters of a table that is read
_FORMULA = re.compile(r"\s*['=+\-@\uff1d\uff0b\uff0d\uff20]")  # full-width ones count in some countries' spreadsheets
_BAD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # GitHub shows no file with NUL
_DELIMITERS = ",;\t|"


class Problem(NamedTuple):
    """What can't be read in a table or an export: where (`line 7`), what is wrong, and the cure."""

    where: str
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.cure}"


class Read(NamedTuple):
    """The labels that a table gives, by id, spelt as they are known here; and what could not be read."""

    labels: dict[str, str]
    problems: tuple[Problem, ...] = ()


def classes(rows: Iterable[ToLabel], known: Iterable[str] = ()) -> tuple[str, ...]:
    """Every label that is known, sorted: those that the report names, and those that its rows show."""
    return tuple(sorted({*known, *(name for row in rows for name in (row.label, row.predicted) if name)}))


# To a table


def to_csv(rows: Iterable[ToLabel], labels: Mapping[str, str] | None = None) -> str:
    """The table, with a first line of names; `labels` are what stands by now, by id."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        label = (labels or {}).get(row.id, row.label)
        confidence = "" if row.confidence is None else f"{row.confidence:.3f}"
        cells = (row.id, shown(row.text), label, row.predicted, confidence, row.why)
        writer.writerow([_guarded(cell) for cell in cells])
    return out.getvalue()


def shown(text: str) -> str:
    """A text as it stands in the table: no sign that a file can't hold, one kind of line end, and not too long."""
    plain = _BAD.sub("\ufffd", re.sub(r"\r\n?", "\n", text))
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"


def _guarded(cell: str) -> str:
    plain = shown(cell)
    return f"'{plain}" if _FORMULA.match(plain) else plain


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


# From a table


def decoded(data: bytes) -> str | Problem:
    """The text of a file: UTF-8, what a spreadsheet calls Unicode, or what a Korean one writes."""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp949"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return Problem("line 1", "the file is no text in UTF-8", "save it as CSV in UTF-8")


def from_csv(text: str, rows: Sequence[ToLabel], known: Iterable[str] = ()) -> Read:
    """The labels that a table gives to these rows; `known` are labels beside those that the rows show."""
    if len(text) > LARGEST:
        return _nothing("line 1", f"a table of {len(text):,} characters is not read", "leave only the rows asked about")
    text = text.removeprefix("\ufeff")
    lines, first = _records(text)
    if isinstance(lines, Problem):
        return Read({}, (lines,))
    names = [name.strip().casefold() for name in lines[0][1]] if lines else []
    for name in ("id", "label"):
        if names.count(name) != 1:
            what = "no column" if name not in names else "more than one column"
            return _nothing(f"line {first}", f"{what} is named {name}", f"let the first line be {','.join(COLUMNS)}")
    return _Rows(rows, names, known).read(lines[1:])


def _nothing(where: str, what: str, cure: str) -> Read:
    return Read({}, (Problem(where, what, cure),))


def _records(text: str) -> tuple[list[tuple[int, list[str]]] | Problem, int]:
    """Each record with its first line's number, without blank ones; and the number of the first."""
    skipped = 0
    if found := re.match(r"sep=([,;\t|])\r?\n", text):  # a spreadsheet's own first line
        text, skipped = text[found.end() :], 1
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = found[1] if found else max(_DELIMITERS, key=lambda sign: (head.count(sign), sign == ","))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[tuple[int, list[str]]] = []
    line = 1 + skipped
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                records.append((line, cells))
            line = reader.line_num + 1 + skipped
    except csv.Error:
        what = "a quotation mark is not closed, or stands where none may, so that nothing below it can be read"
        return Problem(f"line {line}", what, 'write "" for a quotation mark within a quoted text'), line
    return records, records[0][0] if records else line


class _Rows:
    """The rows that were asked about, and the columns of one table."""

    def __init__(self, rows: Sequence[ToLabel], names: Sequence[str], known: Iterable[str]) -> None:
        self._rows = {_same(row.id): row for row in rows}
        self._classes = Classes(rows, known)
        self._names = names

    def read(self, records: Iterable[tuple[int, list[str]]]) -> Read:
        seen: dict[str, tuple[int, str]] = {}
        torn: set[str] = set()
        problems: list[Problem] = []
        for line, cells in records:
            given = {name: _bare(cell.strip()) for name, cell in zip(self._names, cells, strict=False)}
            read = self._line(given)
            if isinstance(read[0], str):
                problems.append(Problem(f"line {line}", *read))
                continue
            row, label = read
            first, other = seen.setdefault(row.id, (line, label))
            if other != label:
                torn.add(row.id)
                what = f"the row of line {first} stands here once more, with another label"
                problems.append(Problem(f"line {line}", what, "leave one of the two lines"))
        return Read({id: label for id, (_, label) in seen.items() if id not in torn}, tuple(problems))

    def _line(self, given: Mapping[str, str]) -> tuple[ToLabel, str] | tuple[str, str]:
        """The row of a line and its label, or what is wrong and the cure."""
        row = self._rows.get(_same(given.get("id", "")))
        if row is None:
            what = f"`{_cut(given.get('id', ''))}` is the id of no row that is asked about"
            return what, "change nothing but labels, or delete the line"
        if "text" in given and _same(given["text"]) != _same(row.text):
            what = "the text is not this row's own: it was changed, or lines were mixed up"
            return what, "leave the text as it is, and change nothing but labels"
        label = self._classes.named(given.get("label", ""))
        return label if isinstance(label, tuple) else (row, str(label))


class Classes:
    """The labels that are known, to be found by what people write."""

    def __init__(self, rows: Iterable[ToLabel], known: Iterable[str] = ()) -> None:
        self.names = classes(rows, known)
        self._exact = {_same(name): name for name in self.names}
        self._folded: dict[str, list[str]] = {}
        for name in self.names:
            self._folded.setdefault(_same(name).casefold(), []).append(name)

    def named(self, written: str) -> str | tuple[str, str]:
        """The label of that name, whatever its spaces and, where that names one alone, its capitals; or what is wrong
        with it, and the cure.
        """
        word = _same(written)
        if word in self._exact:
            return self._exact[word]
        near = self._folded.get(word.casefold(), [])
        if len(near) == 1:
            return near[0]
        if not word:
            return "it has no label", "write one, or delete the line to leave the row as it is"
        return f"`{_cut(word)}` is no label here", did_you_mean(word, self.names)


def _same(text: str) -> str:
    """What two writings of one text have in common."""
    return " ".join(unicodedata.normalize("NFC", shown(text)).split())


def _cut(word: str) -> str:
    return word if len(word) <= 60 else f"{word[:60]}…"
