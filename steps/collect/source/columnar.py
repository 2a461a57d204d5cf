"""Parquet and Arrow files: tables that know their types. Parquet is cut by row groups, Arrow is one part.

Laws: `line` is the row's number in the file, from 1. What is damaged costs its row group, or the rest of an Arrow file,
and is told as one `Bad`. A label that a Hugging Face dataset declares as a class is read by its name.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from steps.collect.source.array import bytes_of
from steps.collect.source.file import File, opened, said
from steps.collect.source.model import BATCH_BYTES, BATCH_ROWS, DAMAGED, MOST_ROW_BYTES, Bad, Columns, Taken
from steps.collect.source.shape import empty, sliced, taken, unusable

_BUFFER = 1 << 20
_SAMPLED = 1_000
_REPEATED = 16  # bytes of a row, up to which a column's dictionary is kept


class Groups(NamedTuple):
    """Row groups [first, last) of a parquet file; `line` is the number of the row before them, `size` as decoded."""

    file: File
    columns: Columns
    most: int
    first: int
    last: int
    line: int
    size: int

    @property
    def name(self) -> str:
        return f"{self.file.name}:{self.line + 1}" if self.first else self.file.name

    def read(self, batch_rows: int = BATCH_ROWS, batch_bytes: int = BATCH_BYTES) -> Iterator[Taken]:
        """See `Shard.read`."""
        with _parquet(self.file, self.columns.names()) as there:
            line = self.line
            for group in range(self.first, self.last):
                yield from self._group(there, group, line, batch_rows, batch_bytes)
                line += there.metadata.row_group(group).num_rows

    def _group(self, there: Any, group: int, line: int, batch_rows: int, batch_bytes: int) -> Iterator[Taken]:
        import pyarrow as pa

        names, end = self.columns.names(), line + there.metadata.row_group(group).num_rows
        each = max(1, min(batch_rows, batch_bytes // max(1, _width(there.metadata.row_group(group), names))))
        batches = there.iter_batches(batch_size=each, row_groups=[group], columns=names, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
            except (OSError, pa.ArrowException) as error:
                opened(self.file).close()
                reason = f"{DAMAGED}rows {line + 1:,} to {end:,} can't be read: {said(error)}"
                yield empty(self.columns, [Bad(self.file.name, line + 1, reason)])
                return
            if batch is None:
                return
            yield from _shaped(self, batch, there.schema_arrow, line, batch_rows, batch_bytes)
            line += batch.num_rows


class Batches(NamedTuple):
    """An Arrow IPC file or stream."""

    file: File
    columns: Columns
    most: int

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def size(self) -> int:
        return self.file.size

    def read(self, batch_rows: int = BATCH_ROWS, batch_bytes: int = BATCH_BYTES) -> Iterator[Taken]:
        """See `Shard.read`."""
        import pyarrow as pa

        with _arrow(self.file) as (arrow, batches):
            line = 0
            while True:
                try:
                    batch = next(batches, None)
                except (OSError, pa.ArrowException) as error:
                    reason = f"{DAMAGED}the rows from here on can't be read: {said(error)}"
                    yield empty(self.columns, [Bad(self.file.name, line + 1, reason)])
                    return
                if batch is None:
                    return
                yield from _shaped(self, batch.select(self.columns.names()), arrow, line, batch_rows, batch_bytes)
                line += batch.num_rows


def shards(file: File, columns: Columns, most_bytes: int, most: int = MOST_ROW_BYTES) -> list[Any]:
    """The file in parts of whole row groups, each of about `most_bytes` of wanted columns or one group."""
    if file.kind == "arrow":
        return [Batches(file, columns, most)]
    found: list[Groups] = []
    with _parquet(file) as there:
        line = 0
        for group in range(there.metadata.num_row_groups):
            about = there.metadata.row_group(group)
            size = _width(about, columns.names()) * about.num_rows
            last = found[-1] if found else None
            if last is not None and last.size + size <= most_bytes:
                found[-1] = last._replace(last=group + 1, size=last.size + size)
            else:
                found.append(Groups(file, columns, most, group, group + 1, line, size))
            line += about.num_rows
    return found


def arrow_schema(file: File) -> Any:
    """The file's Arrow schema."""
    if file.kind == "arrow":
        with _arrow(file) as (schema, _):
            return schema
    with _parquet(file) as there:
        return there.schema_arrow


def survey(file: File, columns: Columns, most: int = MOST_ROW_BYTES) -> list[str]:
    """What is wrong with the file, as its schema and first rows tell."""
    import pyarrow as pa

    if file.compression or file.encoding:
        return [
            f"a {file.kind} file is compressed inside and has no encoding; expected no {file.compression or 'encoding'}"
        ]
    try:
        there = arrow_schema(file)
    except (OSError, pa.ArrowException) as error:
        return [f"it can't be read: {said(error)}"]
    names = list(there.names)
    offered = ", ".join(map(repr, names))
    found = [f"there is no column {name!r}; there are {offered}" for name in columns.names() if name not in names]
    found += [f"there are several columns {name!r}" for name in columns.names() if names.count(name) > 1]
    found = found or _mistyped(there, columns)
    if found:
        return found
    for shard in shards(file, columns, 0, most)[:1]:
        return next((unusable(batch) for batch in shard.read(_SAMPLED)), [])
    return []


def kind_of(kind: Any) -> str:
    """`text`, `numbers`, `booleans`, `dates` or the type's own name: what a changed schema is told by."""
    import pyarrow.types as is_

    if is_.is_dictionary(kind):
        kind = kind.value_type
    if is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind):
        return "text"
    if is_.is_integer(kind) or is_.is_floating(kind) or is_.is_decimal(kind):
        return "numbers"
    if is_.is_boolean(kind):
        return "booleans"
    return "dates" if is_.is_timestamp(kind) or is_.is_date(kind) else str(kind)


def _mistyped(there: Any, columns: Columns) -> list[str]:
    rating = ("numbers, because positive_at_least and negative_at_most are given", ("numbers", "null"))
    stands = ("text, whole numbers or booleans", ("text", "numbers", "booleans", "null"))
    expected = {
        "text": ("text", ("text", "null")),
        "label": rating if columns.numeric else stands,
        "at": ("dates", ("dates", "text", "numbers", "null")),
    }
    found = []
    for role, name in columns.wanted().items():
        said_, kinds = expected.get(role, ("text or numbers", ("text", "numbers", "booleans", "null", "dates")))
        if kind_of(there.field(name).type) not in kinds:
            found.append(f"column {name!r} holds {there.field(name).type}, expected {said_}")
    return found


def _shaped(shard: Any, batch: Any, arrow: Any, line: int, batch_rows: int, batch_bytes: int) -> Iterator[Taken]:
    """The batch in slices that are short enough, as rows of the one schema."""
    import numpy as np
    import pyarrow as pa

    decoded = sum(_decoded(column) for column in batch.columns)
    each = batch_rows if decoded <= batch_bytes else max(1, min(batch_rows, batch.num_rows * batch_bytes // decoded))
    classes = _classes(arrow, shard.columns)
    for start in range(0, batch.num_rows, each):
        part = batch.slice(start, each)
        wanted = shard.columns.wanted()
        columns = [part.column(part.schema.get_field_index(name)) for name in wanted.values()]
        if classes:
            place = list(wanted).index("label")
            columns[place] = _named(columns[place], classes)
        lines = pa.array(np.arange(line + start + 1, line + start + part.num_rows + 1))
        table = pa.table([*columns, lines], names=[*wanted, "line"])
        yield from sliced(taken(shard.columns, table, shard.file.name, shard.most), batch_rows)


def _decoded(column: Any) -> int:
    """Bytes of a column without its dictionary."""
    import pyarrow.compute as pc

    lengths = bytes_of(column)
    return int(column.nbytes) if lengths is None else int(pc.sum(lengths).as_py() or 0)


def _classes(arrow: Any, columns: Columns) -> list[str]:
    """The names of the label's classes, where a Hugging Face dataset says so."""
    about = (arrow.metadata or {}).get(b"huggingface")
    if about is None or columns.numeric:
        return []
    try:
        feature = json.loads(about)["info"]["features"][columns.label]
        return list(feature["names"]) if feature.get("_type") == "ClassLabel" else []
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _named(codes: Any, classes: list[str]) -> Any:
    """Class numbers as names; -1 is no class, and a number beyond the names stays a number."""
    import pyarrow as pa

    names = [
        None if code is None or code < 0 else classes[code] if code < len(classes) else str(code)
        for code in codes.to_pylist()
    ]
    return pa.array(names, pa.string())


def _width(group: Any, names: list[str]) -> int:
    """Bytes of the wanted columns in one row of the group, on average, at least 1."""
    sizes = [group.column(place) for place in range(group.num_columns)]
    wanted = sum(one.total_uncompressed_size for one in sizes if one.path_in_schema.split(".")[0] in names)
    return max(1, int(wanted) // max(1, int(group.num_rows)))


def _repeated(metadata: Any, names: list[str]) -> list[str]:
    """The columns that are much shorter as a dictionary: decoded at once, a few long values might fill the memory."""
    found = []
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            if chunk.physical_type == "BYTE_ARRAY" and chunk.has_dictionary_page and chunk.path_in_schema in names:
                found += [chunk.path_in_schema] * (chunk.total_uncompressed_size <= _REPEATED * group.num_rows)
    return sorted(set(found))


@contextmanager
def _parquet(file: File, names: Sequence[str] = ()) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with opened(file) as raw:
        source = raw if "://" in file.path else file.path
        with pq.ParquetFile(source, pre_buffer=False, buffer_size=_BUFFER) as there:
            repeated = _repeated(there.metadata, list(names))
            if not repeated:
                yield there
                return
        with pq.ParquetFile(
            source, metadata=there.metadata, read_dictionary=repeated, pre_buffer=False, buffer_size=_BUFFER
        ) as there:
            yield there


@contextmanager
def _arrow(file: File) -> Iterator[tuple[Any, Iterator[Any]]]:
    import pyarrow as pa

    with opened(file) as raw:
        head = raw.read(6)
        raw.seek(0)
        if head == b"ARROW1":
            there = pa.ipc.open_file(pa.PythonFile(raw, "r"))
            yield there.schema, (there.get_batch(place) for place in range(there.num_record_batches))
        else:
            stream = pa.ipc.open_stream(pa.PythonFile(raw, "r"))
            yield stream.schema, iter(stream.read_next_batch, None)
