"""JSON lines: one object a line. A block goes through pyarrow's parser, and line by line where that refuses it.

Law: both ways give the same rows. pyarrow's is taken only where each line begins with `{` and ends with `}` and there
are as many objects as lines: between two documents of a valid stream only, a `}` is followed by a line's end and a `{`.
"""

import io
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from steps.collect.source.encoding import misencoded
from steps.collect.source.feed import Feed, Line
from steps.collect.source.file import File, chunks, gone, opened
from steps.collect.source.model import BATCH_BYTES, BATCH_ROWS, MOST_ROW_BYTES, Bad, Columns, Taken
from steps.collect.source.shape import empty, from_values, sliced, taken, unusable
from steps.collect.source.value import too_long

_GUESSED = 20  # lines of a block by which its types are guessed
_BLOCK = 4 << 20
_SCAN = 8 << 20
_SAMPLE, _SAMPLED = 1 << 18, 1_000  # bytes and lines that a survey looks at


class Lines(NamedTuple):
    """The lines of a file that begin in [start, end); the first of them has the number `line`."""

    file: File
    columns: Columns
    most: int
    start: int
    end: int
    line: int

    @property
    def name(self) -> str:
        return f"{self.file.name}:{self.line}" if self.start else self.file.name

    @property
    def size(self) -> int:
        return (self.end - self.start) * (4 if self.file.compression else 1)

    def read(self, batch_rows: int = BATCH_ROWS, batch_bytes: int = BATCH_BYTES) -> Iterator[Taken]:
        """See `Shard.read`."""
        if self.start:
            check_start(self.file, self.start)
        feed = Feed(chunks(self.file, self.start, self.end), self.line, self.most)
        reader = Reader(self.columns, self.file.name, self.most)
        for batch in _blocks(feed, reader, max(min(batch_bytes, _BLOCK), 1)):
            yield from sliced(batch, batch_rows)


def shards(file: File, columns: Columns, most_bytes: int, most: int = MOST_ROW_BYTES) -> list[Lines]:
    """The file in parts that begin at a line's start; in one part where its bytes are compressed or recoded.

    A larger file is read once to count its lines, so that each part knows its own numbers.
    """
    if not file.plain or file.size <= most_bytes:
        return [Lines(file, columns, most, 0, file.size, 1)]
    edges = [(0, 1), *_edges(file, most_bytes)]
    ends = [start for start, _ in edges[1:]] + [file.size]
    return [Lines(file, columns, most, start, end, line) for (start, line), end in zip(edges, ends, strict=True)]


def survey(file: File, columns: Columns, most: int = MOST_ROW_BYTES) -> list[str]:
    """What is wrong with the file, as far as its first lines tell."""
    feed = Feed(chunks(file), 1, most)
    feed.more(_SAMPLE)
    if not feed.left():
        return [f"it can't be read: {feed.damage}" if feed.damage else "it is empty"]
    wrong = misencoded(feed.peek()[:_SAMPLE])
    if wrong:
        return [wrong]
    lines: list[Line] = []
    while len(lines) < _SAMPLED and feed.left() and (line := feed.next_line()) is not None:
        lines.append(line)
    reader = Reader(columns, file.name, most)
    found = [row for line in lines if isinstance(row := reader.one(line), dict)]
    if found and (missing := _missing({name for row in found for name in row}, columns)):
        return missing
    return unusable(reader.lines(lines))


def _missing(names: set[str], columns: Columns) -> list[str]:
    offered = ", ".join(map(repr, sorted(names)))
    return [f"there is no column {name!r}; there are {offered}" for name in columns.names() if name not in names]


def check_start(file: File, start: int) -> None:
    """Raises a retryable `StepError` where no line begins at `start` any more."""
    with opened(file) as raw:
        raw.seek(start - 1)
        if raw.read(1) != b"\n":
            raise gone(file, "its lines stand elsewhere than when it was listed")


def _edges(file: File, most_bytes: int) -> Iterator[tuple[int, int]]:
    """(offset, line number) of the first line at or after each multiple of `most_bytes`."""
    with opened(file) as raw:
        at, line, goal = 0, 1, most_bytes
        while at < file.size and (data := raw.read(min(_SCAN, file.size - at))):
            seen = 0
            while (end := data.find(b"\n", max(seen, goal - 1 - at))) >= 0 and at + end + 1 < file.size:
                line += data.count(b"\n", seen, end + 1)
                seen = end + 1
                yield at + seen, line
                goal = at + seen + most_bytes
            line += data.count(b"\n", seen)
            at += len(data)


def _blocks(feed: Feed, reader: "Reader", block: int) -> Iterator[Taken]:
    while feed.more(max(block, feed.left() + 1)) or feed.left():
        data = feed.peek()
        size = len(data) if feed.over and not feed.damage else data.rfind(b"\n") + 1
        if size:
            first = feed.line
            yield reader.block(feed.take(size), first)
        elif feed.over:
            break
        elif feed.left() > reader.most and (line := feed.next_line()) is not None:
            yield reader.lines([line])
    if feed.damage:
        yield empty(reader.columns, [Bad(reader.source, feed.line, feed.damage)])


class Reader:
    """From lines to batches. What the last block's types were is tried first with the next."""

    def __init__(self, columns: Columns, source: str, most: int) -> None:
        self.columns, self.source, self.most = columns, source, most
        self._wanted = columns.wanted()
        self._twice: set[str] = set()
        self._decode = json.JSONDecoder(object_pairs_hook=self._object).decode
        self._types: list[tuple[str, Any]] = []

    def block(self, data: bytes, first: int) -> Taken:
        """The batch of whole lines, of which the first has the number `first`."""
        table = self._quick(data, first)
        if table is not None:
            return taken(self.columns, table, self.source, self.most)
        return self.lines([Line(number, part, len(part), 0) for number, part in enumerate(io.BytesIO(data), first)])

    def lines(self, lines: Sequence[Line]) -> Taken:
        """The batch of these lines, one by one."""
        rows: list[tuple[int, list[Any]]] = []
        bad: list[Bad] = []
        for line in lines:
            found = self.one(line)
            if isinstance(found, Bad):
                bad.append(found)
            elif found is not None:
                rows.append((line.number, [found.get(name) for name in self._wanted.values()]))
        return from_values(self.columns, rows, self.source, self.most, bad)

    def one(self, line: Line) -> dict[str, Any] | Bad | None:
        """The line's object; None where it is blank."""
        if line.size > self.most:
            return Bad(self.source, line.number, too_long(line.size, self.most))
        text = line.data.decode(errors="surrogateescape").strip(" \t\r\n")
        if not text:
            return None
        try:
            row = self._decode(text)
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else f"it is not JSON: {error}"
            return Bad(self.source, line.number, reason)
        if not isinstance(row, dict):
            return Bad(self.source, line.number, f'it is {_kind(row)}, expected an object like {{"text": …}}')
        twice = sorted(self._twice.intersection(self._wanted.values()))
        return Bad(self.source, line.number, f"there are several {twice[0]!r}") if twice else row

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """The outermost object comes last, so that what is left in `_twice` is about it."""
        made = dict(pairs)
        self._twice = set()
        if len(made) < len(pairs):
            names = [name for name, _ in pairs]
            self._twice = {name for name in made if names.count(name) > 1}
        return made

    def _quick(self, data: bytes, first: int) -> Any:
        """The block as a table by pyarrow's parser, or None where that is not certain to be the same."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.json as pj

        count = data.count(b"\n") + (not data.endswith(b"\n"))
        between = data.count(b"}\n{") + data.count(b"}\r\n{")
        if not data.startswith(b"{") or between != count - 1 or not data[-3:].rstrip(b"\r\n").endswith(b"}"):
            return None
        if len(data) > self.most and _longest(data) > self.most:
            return None
        read = pj.ReadOptions(use_threads=False, block_size=len(data) + 1)
        for types in self._tries(data, first):
            parse = pj.ParseOptions(explicit_schema=pa.schema(types), unexpected_field_behavior="ignore")
            try:
                table = pj.read_json(pa.BufferReader(data), read_options=read, parse_options=parse)
            except pa.ArrowException:
                continue
            if table.num_rows != count:
                return None
            self._types = types
            columns = [table.column(name) for name in self._wanted.values()]
            return pa.table([*columns, pa.array(np.arange(first, first + count))], names=[*self._wanted, "line"])
        return None

    def _tries(self, data: bytes, first: int) -> Iterator[list[tuple[str, Any]]]:
        """The types of the block before, then those that this block's first lines have; none where they differ."""
        if self._types:
            yield self._types
        types = self._guess(data, first)
        if types and types != self._types:
            yield types

    def _guess(self, data: bytes, first: int) -> list[tuple[str, Any]]:
        import pyarrow as pa

        lines = enumerate(islice(io.BytesIO(data), _GUESSED), first)
        found = [self.one(Line(number, part, len(part), 0)) for number, part in lines]
        kinds = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}
        strict: dict[str | None, set[type]] = {self.columns.text: {str}, self.columns.at: {str, int}}
        types = []
        for name in self.columns.names():
            there = {type(row[name]) for row in found if isinstance(row, dict) and row.get(name) is not None}
            if self.columns.numeric and name == self.columns.label and there <= {int, float}:
                types.append((name, pa.float64()))
            elif len(there) > 1 or not there <= strict.get(name, set(kinds)):
                return []
            else:
                types.append((name, kinds[there.pop()] if there else pa.string()))
        return types


def _longest(data: bytes) -> int:
    import numpy as np

    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    return int(np.diff(ends, prepend=-1, append=len(data)).max())


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "text", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")
