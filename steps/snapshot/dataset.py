"""A dataset's folder: `snapshot.json`, which names the parts that it consists of, and `labels.json`.

Laws: a snapshot is immutable: it names each of its files with its digest, and its content by a digest that does not
depend on how the rows were spread over files. A row stands in exactly one part, hence on one side of the split, and
once in hold-out it stays there. A file that an erasure replaced is followed by the ledger, and in no other way.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from steps.contract import Context, Dataset, StepError
from steps.snapshot.folder import Folder
from steps.snapshot.ledger import Ledger, became, followed
from steps.snapshot.part import Part, Stage, batches_of, content_digest, ids_of, write_part
from steps.snapshot.rows import BATCH, COLUMNS, HOLDOUT, SIDES, TRAIN, Row, broken, columns_of, rows_of
from steps.snapshot.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

    T = TypeVar("T", pa.RecordBatch, pa.Table)

SNAPSHOT, LABELS = "snapshot.json", "labels.json"
_ROOT = 3  # a published artifact is <root>/<cycle>/<stage>/<attempt>/<name>
_AT_ONCE = 1_000_000  # ids that are compared at a time


class Snapshot(BaseModel):
    """What a dataset consists of. `relabelled`: the labels, by id, that people have put in the place of the source's:
    they are laid over the rows wherever these are read, so that no partition has to be written again.
    """

    model_config = ConfigDict(frozen=True)
    table: str
    delta: int
    cycles: tuple[str, ...]
    labels: tuple[str, ...]
    digest: str
    files: tuple[Part, ...]
    relabelled: Mapping[str, int] = {}
    extra: Mapping[str, Any] = {}

    def rows(self, side: str) -> int:
        """Rows of a side as they were published."""
        return sum(part.rows for part in self.files if part.side == side)


class Opened(BaseModel):
    """A snapshot with its table found. `parts` are its files as they are now, `erased` the rows that have left it."""

    model_config = ConfigDict(frozen=True)
    snapshot: Snapshot
    uri: str
    parts: tuple[Part, ...]

    @property
    def erased(self) -> int:
        """Rows that have left since it was published."""
        return sum(part.rows for part in self.snapshot.files) - sum(part.rows for part in self.parts)

    def rows(self, side: str) -> int:
        """Rows of a side now."""
        return sum(part.rows for part in self.parts if part.side == side)


def table_of(context: Context, before: Dataset | None = None) -> Table:
    """The table that a stage's snapshots live in: that of the one `before`, or the stage's own below `tables`."""
    if before is not None:
        return Table(opened(context.path(before)).uri)
    return Table(f"{context.tables.rstrip('/')}/{context.stage}")


def publish(
    folder: Path,
    table: Table,
    cycles: Sequence[str],
    labels: Sequence[str],
    extra: Mapping[str, Any] | None = None,
    relabelled: Mapping[str, int] | None = None,
) -> Snapshot:
    """Write the dataset that consists of these cycles' rows into `folder`. Raises `StepError` when a row stands twice.

    Memory: a million ids.
    """
    parts = table.files(cycles)
    _complete(table, cycles, parts)
    _disjoint(table.folder, parts)
    found = Snapshot(
        table=_location(folder, table.folder),
        delta=table.version,
        cycles=tuple(cycles),
        labels=tuple(labels),
        digest=content_digest(labels, parts, relabelled or {}),
        files=parts,
        relabelled=dict(sorted((relabelled or {}).items())),
        extra=dict(extra or {}),
    )
    _write(folder, found)
    return found


def write(folder: Path, labels: Sequence[str], train: Iterable[Row], holdout: Iterable[Row]) -> Snapshot:
    """Write a small dataset whose parts lie in the folder itself: nothing can be erased from it once published."""
    home, parts = Folder(str(folder)), []
    for side, rows in ((TRAIN, train), (HOLDOUT, holdout)):
        ordered = sorted(rows, key=lambda row: (row.arrived, row.id))
        for arrived, own in groupby(ordered, key=lambda row: row.arrived):
            parts.append(write_part(Stage(home.uri, arrived, ""), side, columns_of(own)))
    home.clear_drafts()
    there = tuple(part for part in parts if part is not None)
    cycles = tuple(sorted({part.arrived for part in there}))
    _disjoint(home, there)
    digest = content_digest(labels, there)
    found = Snapshot(table=".", delta=-1, cycles=cycles, labels=tuple(labels), digest=digest, files=there)
    _write(folder, found)
    return found


def opened(folder: Path) -> Opened:
    """The dataset's snapshot, its table and its files as they are now. Raises `StepError` when it is none."""
    try:
        found = Snapshot.model_validate_json((folder / SNAPSHOT).read_bytes())
    except (OSError, ValidationError) as error:
        raise broken(str(folder / SNAPSHOT), error) from error
    uri = found.table if "://" in found.table else os.path.normpath(folder.absolute() / found.table)
    entries = Ledger(Folder(uri)).entries()
    return Opened(snapshot=found, uri=uri, parts=followed(found.files, became(entries)))


def batches(
    folder: Path, side: str, columns: Sequence[str] = COLUMNS, batch_rows: int = BATCH
) -> "Iterator[pa.RecordBatch]":
    """The rows of a side in the memory of one row group: these of `COLUMNS` (or `side`), in this order.

    Raises `StepError` naming the file that is missing or is not what was published.
    """
    found = opened(folder)
    home = Folder(found.uri)
    over = found.snapshot.relabelled if "label" in columns else {}
    asked = [*columns, *(["id"] if over and "id" not in columns else [])]
    for part in found.parts:
        if part.side == side:
            for batch in _now(home, part, asked, batch_rows):
                yield relabel(batch, over).select(list(columns)) if over else batch


def relabel(rows: "T", over: Mapping[str, int]) -> "T":
    """Record batch or table with the labels that `over` gives to some ids. It has the columns `id` and `label`."""
    import pyarrow as pa

    ids = rows.column("id").to_pylist()
    if not any(one in over for one in ids):
        return rows
    pairs = zip(ids, rows.column("label").to_pylist(), strict=True)
    labels = pa.array([over.get(one, label) for one, label in pairs], pa.int32())
    return rows.set_column(rows.schema.get_field_index("label"), "label", labels)


def _now(home: Folder, part: Part, columns: Sequence[str], batch_rows: int) -> "Iterator[pa.RecordBatch]":
    """The part's rows; or those of what it has become, when an erasure went by after the snapshot was opened."""
    try:
        yield from batches_of(home, part, columns, batch_rows)
    except FileNotFoundError as error:
        now = followed([part], became(Ledger(home).entries()))
        if now == (part,):
            cure = "restore the table from a backup, or run the collect stage again"
            raise StepError(f"{part.path} is missing", where=home.at(part.path), cure=cure) from error
        for one in now:
            yield from batches_of(home, one, columns, batch_rows)
    except OSError as error:
        raise broken(home.at(part.path), error) from error


def read(folder: Path, side: str) -> Iterator[Row]:
    """The rows of a side. Raises `StepError` naming the file that is missing or is not what was published."""
    if side not in SIDES:
        raise ValueError(f"{side!r} is no side: {SIDES}")
    for batch in batches(folder, side):
        yield from rows_of(batch)


def read_labels(folder: Path) -> tuple[str, ...]:
    """The names of the classes, in the order of the `label` column."""
    try:
        said = json.loads((folder / LABELS).read_text("utf-8"))
        return tuple(map(str, said["labels"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise broken(str(folder / LABELS), error) from error


def _write(folder: Path, found: Snapshot) -> None:
    (folder / LABELS).write_text(json.dumps({"labels": list(found.labels)}, ensure_ascii=False) + "\n", "utf-8")
    (folder / SNAPSHOT).write_text(found.model_dump_json() + "\n", "utf-8")


def _location(folder: Path, home: Folder) -> str:
    """Relative where the table lies below the artifact root, so that this can be moved as a whole."""
    here = folder.absolute()
    root = here.parents[min(_ROOT, len(here.parents) - 1)]
    if home.remote or not Path(home.uri).is_relative_to(root):
        return home.uri
    return Path(os.path.relpath(home.uri, here)).as_posix()


def _complete(table: Table, cycles: Sequence[str], parts: Iterable[Part]) -> None:
    """Raise `StepError` when a cycle's partition isn't there; one whose every row was erased needs none."""
    there = {part.arrived for part in parts} | table.ledger.cycles()
    if missing := sorted(set(cycles) - there):
        cure = "restore the table from a backup, or start anew without the last snapshot"
        raise StepError(f"the table has no rows of {', '.join(missing)}", where=table.uri, cure=cure)


def _disjoint(home: Folder, parts: Sequence[Part]) -> None:
    """Raise `StepError` when an id stands in two parts: the ids are compared range by range."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ranges = max(1, -(-sum(part.rows for part in parts) // _AT_ONCE))
    bounds = ["", *(f"{(place << 128) // ranges:032x}" for place in range(1, ranges)), ""]
    for low, high in pairwise(bounds):
        touched = [part for part in parts if part.high >= low and (not high or part.low < high)]
        ids = pa.chunked_array([ids_of(home, part, low, high) for part in touched], pa.string())
        if pc.count_distinct(ids).as_py() != len(ids):
            counts = pc.value_counts(ids)
            twice = next(row["values"].as_py() for row in counts if row["counts"].as_py() > 1)
            raise StepError(f"the row {twice} stands twice", where=home.uri, cure="run the collect stage again")
