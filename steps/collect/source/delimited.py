"""CSV, TSV and their like: RFC 4180 with any delimiter. Whole blocks go through pyarrow, what it refuses row by row.

Laws: `line` is the line of the file on which a row begins, exact also after line breaks in quotes. A block is cut where
a row ends: at a line's end with an even number of quotes before it, which is exact while each quote opens or closes a
field; where one does not, the block is read by the slow way, which takes a quote inside an unquoted field as it
stands. A row whose quotes don't fit is left out with each of its lines.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from steps.collect.source.encoding import misencoded
from steps.collect.source.feed import Feed, Line
from steps.collect.source.file import File, chunks, marked
from steps.collect.source.jsonl import check_start
from steps.collect.source.model import BATCH_BYTES, BATCH_ROWS, MOST_ROW_BYTES, Bad, Columns, Taken
from steps.collect.source.shape import empty, from_values, sliced, taken, unusable
from steps.collect.source.value import too_long
from steps.contract import StepError

_BLOCK = 4 << 20
_SAMPLE, _SAMPLED = 1 << 18, 1_000  # bytes and rows that a survey looks at
_DELIMITERS = ",\t;|"
_QUOTE, _LF, _CR = 34, 10, 13
_MANY = 1_000  # lines that are left out at once


class Table(NamedTuple):
    """The rows of a file that begin in [start, end); the first of them begins on `line`."""

    file: File
    columns: Columns
    most: int
    start: int
    end: int
    line: int
    header: tuple[str, ...]
    delimiter: str

    @property
    def name(self) -> str:
        return f"{self.file.name}:{self.line}" if self.start else self.file.name

    @property
    def size(self) -> int:
        return (self.end - self.start) * (4 if self.file.compression else 1)

    def read(self, batch_rows: int = BATCH_ROWS, batch_bytes: int = BATCH_BYTES) -> Iterator[Taken]:
        """See `Shard.read`."""
        csv.field_size_limit(max(csv.field_size_limit(), self.most + 1))
        if self.start:
            check_start(self.file, self.start)
        feed = Feed(chunks(self.file, self.start, self.end), self.line, self.most)
        if not self.start:
            _header(feed, self.most)
        reader = _Reader(self)
        for batch in reader.blocks(feed, max(min(batch_bytes, _BLOCK), 1)):
            yield from sliced(batch, batch_rows)


def shards(file: File, columns: Columns, most_bytes: int, most: int = MOST_ROW_BYTES) -> list[Table]:
    """The file in parts that begin where a row does; in one part where its bytes are compressed or recoded.

    A larger file is read once to find where rows begin; where a quote leaves that in doubt, it is one part.
    """
    csv.field_size_limit(max(csv.field_size_limit(), most + 1))
    feed = Feed(chunks(file), 1, most)
    header, delimiter = _head(feed, file, columns, most)
    for name in columns.names():
        if header.count(name) != 1:
            raise StepError(_unnamed(name, header), where=file.path, cure="correct the file, or the names in `with:`")
    edges = _edges(file, delimiter, most_bytes, most) if file.plain and file.size > most_bytes else []
    edges = [(start, line) for start, line in edges if line >= feed.line]
    starts = [(0, 1), *edges]
    ends = [start for start, _ in edges] + [file.size]
    return [
        Table(file, columns, most, start, end, line, header, delimiter)
        for (start, line), end in zip(starts, ends, strict=True)
    ]


def survey(file: File, columns: Columns, most: int = MOST_ROW_BYTES) -> list[str]:
    """What is wrong with the file, as far as its header and first rows tell."""
    csv.field_size_limit(max(csv.field_size_limit(), most + 1))
    feed = Feed(chunks(file), 1, most)
    feed.more(_SAMPLE)
    if not feed.left():
        return [f"it can't be read: {feed.damage}" if feed.damage else "it is empty"]
    sample = feed.peek()[:_SAMPLE]
    if wrong := misencoded(sample):
        return [wrong]
    if b"\r" in sample and b"\n" not in sample:
        return ["its lines end in CR alone, expected LF or CR LF; write it again with either"]
    header, delimiter = _head(feed, file, columns, most)
    if missing := [_unnamed(name, header) for name in columns.names() if header.count(name) != 1]:
        return missing
    reader = _Reader(Table(file, columns, most, 0, file.size, 1, header, delimiter))
    return unusable(reader.slowly(feed, len(feed.peek()), _SAMPLED))


def _unnamed(name: str, header: Sequence[str]) -> str:
    if name in header:
        return f"there are several columns {name!r}"
    return f"there is no column {name!r}; there are {', '.join(map(repr, header))}"


def _head(feed: Feed, file: File, columns: Columns, most: int) -> tuple[tuple[str, ...], str]:
    """The column names, and the delimiter: as given, or the one by which most of the wanted names are there.

    Raises `StepError` where there is no header.
    """
    text = _header(feed, most)
    if not text:
        reason = feed.damage or f"the file is empty, or its first line is longer than {most:,} bytes"
        raise StepError(f"there is no header: {reason}", where=file.path, cure="correct the file, or take it out")
    found = {}
    for delimiter in [file.delimiter] if file.delimiter else _DELIMITERS:
        try:
            found[delimiter] = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        except csv.Error:
            found[delimiter] = []
    names = columns.names()
    best = max(found, key=lambda one: (sum(name in found[one] for name in names), len(found[one])))
    return tuple(found[best]), best


def _header(feed: Feed, most: int) -> str:
    """The first row that is not blank; empty where there is none."""
    text, quotes = b"", 0
    while (not text.strip() or quotes % 2) and len(text) <= most and (line := feed.next_line()) is not None:
        text, quotes = text + line.data, quotes + line.quotes
    return text.decode(errors="surrogateescape").lstrip("\r\n")


def _edges(file: File, delimiter: str, most_bytes: int, most: int) -> list[tuple[int, int]]:
    """(offset, line) of the first row at or after each multiple of `most_bytes`; none where a quote is in doubt."""
    import numpy as np

    feed, found = Feed(chunks(file), 1, most), []
    at, goal = marked(file), most_bytes
    while feed.more(max(_BLOCK, feed.left() + 1)) or feed.left():
        ends = record_ends(feed.peek(), ord(delimiter))
        if ends is None or (not len(ends) and feed.left() > most):
            return []
        if not len(ends):
            break
        line, seen = feed.line, 0
        data = feed.take(int(ends[-1]))
        while (place := int(np.searchsorted(ends, goal - at))) < len(ends) and at + ends[place] < file.size:
            end = int(ends[place])
            line, seen = line + data.count(b"\n", seen, end), end
            found.append((at + end, line))
            goal = at + end + most_bytes
        at += len(data)
    return found


def record_ends(data: bytes, delimiter: int) -> Any:
    """Where rows end (exclusive offsets, an int array), or None where a quote stands where none may."""
    import numpy as np

    there = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(there == _LF)
    if _QUOTE not in data:
        return ends + 1
    quotes = np.flatnonzero(there == _QUOTE)
    ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    if not len(ends):
        return ends
    quotes = quotes[: np.searchsorted(quotes, ends[-1])]
    before, after = there[quotes[0::2] - 1], there[quotes[1::2] + 1]
    opens = (before == delimiter) | (before == _LF) | (before == _QUOTE) | (quotes[0::2] == 0)
    closes = (after == delimiter) | (after == _LF) | (after == _QUOTE) | (after == _CR)
    return ends + 1 if opens.all() and closes.all() else None


class _Record(NamedTuple):
    """One row: its fields, or what is bad about each of its lines."""

    line: int
    fields: list[str] | None
    bad: range
    reason: str


class _UnclosedError(Exception):
    """A quote is open where the file ends."""


class _LongError(Exception):
    """A row goes on and on."""


def _record(first: Line, feed: Feed, delimiter: str, most: int) -> _Record:
    """The row that begins with `first`; its other lines are taken from `feed`."""
    size, quotes = first.size, first.quotes

    def lines() -> Iterator[str]:
        nonlocal size, quotes
        yield first.data.decode(errors="surrogateescape")
        while (line := feed.next_line()) is not None:
            size, quotes = size + line.size, quotes + line.quotes
            if size > most:
                raise _LongError
            yield line.data.decode(errors="surrogateescape")
        raise _UnclosedError

    try:
        if size > most:
            raise _LongError
        return _Record(first.number, next(csv.reader(lines(), delimiter=delimiter, strict=True), []), range(0), "")
    except _LongError:
        skipped, closed = feed.skip_row(quotes) if quotes % 2 else (0, True)
        if closed:
            return _Record(first.number, None, range(first.number, first.number + 1), too_long(size + skipped, most))
        reason = f"a quote that is opened on line {first.number} is never closed"
    except _UnclosedError:
        reason = f"a quote that is opened on line {first.number} is never closed"
    except csv.Error as error:
        reason = f"it is no row of CSV: {error}"
    return _Record(first.number, None, range(first.number, max(feed.line, first.number + 1)), reason)


class _Reader:
    """From bytes to batches."""

    def __init__(self, table: Table) -> None:
        self.columns, self.most, self.source = table.columns, table.most, table.file.name
        self.delimiter, self.width = table.delimiter, len(table.header)
        self._places = [table.header.index(name) for name in self.columns.wanted().values()]

    def blocks(self, feed: Feed, block: int) -> Iterator[Taken]:
        """All that is left to read, in batches of about `block` bytes."""
        while feed.more(max(block, feed.left() + 1)) or feed.left():
            data = feed.peek()
            ends = record_ends(data, ord(self.delimiter))
            if feed.over and not feed.damage and not data.endswith(b"\n") and ends is not None:
                ends = record_ends(data + b"\n", ord(self.delimiter))
            if ends is None or (not len(ends) and (feed.over or feed.left() > self.most)):
                before = feed.line, feed.left()
                yield from self._some(feed, len(data))
                if feed.damage and before == (feed.line, feed.left()):
                    break
            elif len(ends):
                yield from self._block(feed, data[: int(ends[-1])], ends)
        if feed.damage:
            yield empty(self.columns, [Bad(self.source, feed.line, feed.damage)])

    def _block(self, feed: Feed, data: bytes, ends: Any) -> Iterator[Taken]:
        found = self._quick(data, ends, feed.line)
        if found is None:
            yield from self._some(feed, len(data))
        else:
            feed.take(len(data))
            yield found

    def _some(self, feed: Feed, size: int) -> Iterator[Taken]:
        """The rows that begin in the next `size` bytes, the slow way."""
        goal = feed.left() - size
        while feed.left() > goal and feed.left():
            here = feed.left()
            yield self.slowly(feed, here - goal, _MANY)
            if feed.left() == here:
                break

    def slowly(self, feed: Feed, size: int, rows: int) -> Taken:
        """At most `rows` rows, which begin in the next `size` bytes."""
        goal = feed.left() - size
        kept: list[tuple[int, list[str]]] = []
        bad: list[Bad] = []
        while len(kept) + len(bad) < rows and feed.left() > goal and (first := feed.next_line()) is not None:
            found = _record(first, feed, self.delimiter, self.most)
            if found.fields is None:
                bad += [Bad(self.source, line, found.reason) for line in found.bad]
            elif found.fields and len(found.fields) != self.width:
                reason = f"there are {len(found.fields)} fields, expected {self.width} as in the header"
                bad.append(Bad(self.source, found.line, reason))
            elif found.fields:
                kept.append((found.line, [found.fields[place] for place in self._places]))
        return from_values(self.columns, kept, self.source, self.most, bad)

    def _quick(self, data: bytes, ends: Any, line: int) -> Taken | None:
        """The rows by pyarrow's parser, or None where that is not certain to be the same."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.csv as pc

        starts = np.concatenate(([0], ends[:-1]))
        sizes = ends - starts
        if sizes.max(initial=0) > self.most or data.startswith(codecs.BOM_UTF8):  # pyarrow would take it for a mark
            return None
        there = np.frombuffer(data, np.uint8)
        blank = (sizes == 1) | ((sizes == 2) & (there[starts] == _CR))
        names = [str(place) for place in range(self.width)]
        wanted = [str(place) for place in self._places]
        try:
            table = pc.read_csv(
                pa.BufferReader(data),
                read_options=pc.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
                parse_options=pc.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
                convert_options=pc.ConvertOptions(
                    include_columns=list(dict.fromkeys(wanted)), column_types=dict.fromkeys(wanted, pa.string())
                ),
            )
        except pa.ArrowException:
            return None
        starts = starts[~blank]
        if table.num_rows != len(starts):
            return None
        feeds = np.flatnonzero(there == _LF)
        lines = np.searchsorted(feeds, starts) + line
        columns = [table.column(name) for name in wanted]
        found = pa.table([*columns, pa.array(lines)], names=[*self.columns.wanted(), "line"])
        return taken(self.columns, found, self.source, self.most)
