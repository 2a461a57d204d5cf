"""The readers that collect used before it ran on Ray Data: parquet, CSV and JSONL, one file after another.

Law: `survey` finds every problem of every file before a row is used; `read` gives each row as (text, label, group).
"""

import csv
import glob
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from steps.collect.source.model import Columns
from steps.contract import StepError

Record = tuple[Any, Any, Any]
_KINDS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_BATCH = 8_192


def find(globs: Sequence[str]) -> list[Path]:
    """Every file that a glob names, each once, by path. Raises `StepError` naming each glob that names none."""
    found = {pattern: sorted(filter(Path.is_file, map(Path, glob.glob(pattern, recursive=True)))) for pattern in globs}  # noqa: PTH207
    empty = [pattern for pattern, paths in found.items() if not paths]
    if empty:
        raise StepError(
            f"no file matches {', '.join(map(repr, empty))}",
            where=str(Path.cwd()),
            cure="correct `source`: globs are relative to the folder that ratchet runs in",
        )
    return sorted({path for paths in found.values() for path in paths})


def survey(paths: Iterable[Path], columns: Columns) -> list[str]:
    """Every problem of every file, one sentence each: which file, which column, what was expected, what there is."""
    return [f"{path}: {problem}" for path in paths for problem in _problems(path, columns)]


def read(path: Path, columns: Columns) -> Iterator[list[Record]]:
    """The file's rows in batches. Raises `StepError` where the file can't be read to its end."""
    import pyarrow as pa

    readers = {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl}
    try:
        yield from readers[_KINDS[path.suffix.lower()]](path, columns)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise StepError(
            f"the file can't be read: {_line(error)}",
            where=str(path),
            cure="write the file again, or take it out of `source`",
        ) from error


def _names(columns: Columns) -> list[str]:
    return [name for name in (columns.text, columns.label, columns.group) if name is not None]


def _problems(path: Path, columns: Columns) -> list[str]:
    import pyarrow as pa

    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        return [f"{path.suffix or 'no suffix'} is not a kind of file that can be read; expected {', '.join(_KINDS)}"]
    try:
        there = _schema(path, kind)
    except (OSError, pa.ArrowException, ValueError) as error:
        return [f"it can't be read: {_line(error)}"]
    if not there:
        return ["it is empty"]
    names = [name for name, _ in there]
    offered = ", ".join(map(repr, names))
    found = [f"there is no column {name!r}; there are {offered}" for name in _names(columns) if name not in names]
    found += [f"there are several columns {name!r}" for name in _names(columns) if names.count(name) > 1]
    return found + (_mistyped(dict(there), columns) if kind == "parquet" else [])


def _mistyped(there: dict[str, Any], columns: Columns) -> list[str]:
    import pyarrow.types as is_

    def wrong(name: str, expected: str) -> str:
        return f"column {name!r} holds {there[name]}, expected {expected}"

    def textual(kind: Any) -> bool:
        if is_.is_dictionary(kind):
            kind = kind.value_type
        return bool(is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind))

    def number(kind: Any) -> bool:
        return bool(is_.is_integer(kind) or is_.is_floating(kind) or is_.is_decimal(kind))

    found = []
    if columns.text in there and not textual(there[columns.text]):
        found.append(wrong(columns.text, "text"))
    if columns.label in there:
        kind = there[columns.label]
        if columns.numeric and not number(kind):
            found.append(wrong(columns.label, "numbers, because positive_at_least and negative_at_most are given"))
        if not columns.numeric and not (number(kind) or textual(kind) or is_.is_boolean(kind)):
            found.append(wrong(columns.label, "text, whole numbers or booleans"))
    return found


def _schema(path: Path, kind: str) -> list[tuple[str, Any]]:
    """Column names in file order, each with its Arrow type where the file itself knows it."""
    if kind == "parquet":
        import pyarrow.parquet as pq

        return [(field.name, field.type) for field in pq.read_schema(path)]
    with path.open(encoding="utf-8-sig", newline="") as file:
        if kind == "csv":
            return [(name, None) for name in next(csv.reader(file), [])]
        first = next((line for line in file if line.strip()), "")
    return [(name, None) for name in _object(first, 1)] if first else []


def _parquet(path: Path, columns: Columns) -> Iterator[list[Record]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BATCH, columns=_names(columns)):
            yield _records([batch.column(name).to_pylist() for name in _names(columns)])


def _csv(path: Path, columns: Columns) -> Iterator[list[Record]]:
    """Everything is read as text: pyarrow would guess a column's type from the first block and fail in the second."""
    import pyarrow as pa
    import pyarrow.csv as pc

    names = _names(columns)
    convert = pc.ConvertOptions(include_columns=names, column_types=dict.fromkeys(names, pa.string()))
    with pc.open_csv(path, parse_options=pc.ParseOptions(newlines_in_values=True), convert_options=convert) as reader:
        for batch in reader:
            yield _records([batch.column(name).to_pylist() for name in names])


def _jsonl(path: Path, columns: Columns) -> Iterator[list[Record]]:
    batch: list[Record] = []
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                row = _object(line, number)
                batch.append(
                    (row.get(columns.text), row.get(columns.label), row.get(columns.group) if columns.group else "")
                )
            if len(batch) >= _BATCH:
                yield batch
                batch = []
    yield batch


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(f'line {number} is {type(row).__name__}, expected an object like {{"text": …}}')
    return row


def _records(columns: list[list[Any]]) -> list[Record]:
    if len(columns) == 2:
        columns.append([""] * len(columns[0]))
    return list(zip(*columns, strict=True))


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
