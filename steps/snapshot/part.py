"""A part: one parquet file of a table, with the rows of one side of one cycle, sorted by id.

    arrived=<cycle>/side=<train|holdout>/<sha256 of the bytes>.<sum>.parquet

Laws: a part's name says what it holds, so that every reader can check it; `sum` adds up over parts, so that the same
rows have the same sum however they were spread over parts; the same rows give the same bytes, whatever batches they
came in. Writing and reading take the memory of one row group.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from steps.contract import StepError
from steps.snapshot.folder import Folder, sha256_of
from steps.snapshot.rows import BATCH, SIDES, Wanted, broken, schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

GROUP_ROWS = 32_768
GROUP_BYTES = 64 << 20  # of text
_MODULUS = 1 << 256
_NAME = re.compile(r"arrived=([A-Za-z0-9._-]+)/side=(train|holdout)/([0-9a-f]{64})\.([0-9a-f]{64})\.parquet")
_checked: set[tuple[str, int, int]] = set()  # (path, size, mtime) of the files that this process has verified


class Part(NamedTuple):
    """One file. `path` is relative to the table, `low` and `high` are its first and last id, `sum` see `sum_of`."""

    path: str
    sha256: str
    sum: str
    size: int
    rows: int
    arrived: str
    side: str
    low: str
    high: str


class Stage(NamedTuple):
    """Where the parts of one cycle are written before they are committed; travels to workers.

    `mark` names the erasures that were known when the stage was opened.
    """

    uri: str
    cycle: str
    mark: str


def write_part(stage: Stage, side: str, batches: "Iterable[pa.RecordBatch]") -> Part | None:
    """Write one file of rows whose ids rise strictly, all of one side; None when there are no rows.

    Columns that a part does not keep are ignored. Raises `ValueError` for a side that is none, for ids that do not rise
    and for a null where only `at` may be null.
    """
    import pyarrow.parquet as pq

    if side not in SIDES:
        raise ValueError(f"{side!r} is no side: {SIDES}")
    folder, kinds = Folder(stage.uri), schema(whole=False)
    low, high, rows, total = "", "", 0, 0
    with folder.draft() as draft:
        with pq.ParquetWriter(
            draft,
            kinds,
            compression="zstd",
            use_dictionary=["label", "group", "source", "person", "conversation"],
            write_statistics=["id", "at"],
        ) as writer:
            for group in _groups(batches, kinds):
                first, last = _checked_ids(group, high)
                low, high, rows = low or first, last, rows + group.num_rows
                total += sum_of(group, stage.cycle)
                writer.write_table(group, row_group_size=group.num_rows)
        if not rows:
            return None
        digest, size = sha256_of(draft), draft.stat().st_size
        added = f"{total % _MODULUS:064x}"
        path = f"arrived={stage.cycle}/side={side}/{digest}.{added}.parquet"
        folder.adopt(draft, path)
    return Part(path, digest, added, size, rows, stage.cycle, side, low, high)


def sum_of(rows: "pa.Table", arrived: str) -> int:
    """The sum, modulo 2^256, of the sha256 of every row: the length of each column's text, then the texts themselves.

    An additive multiset hash (Bellare and Micciancio 1997, AdHash): independent of order, and it adds up over parts.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [
        pc.fill_null(pc.cast(pc.cast(rows[name], pa.int64()) if name == "at" else rows[name], pa.string()), "")
        for name in ("text", "label", "group", "source", "id", "person", "conversation", "at")
    ]
    lengths = [pc.cast(pc.binary_length(column), pa.string()) for column in columns]
    whole = pc.binary_join_element_wise(
        *(pc.cast(column, pa.large_binary()) for column in (*lengths, *columns)),
        pa.scalar(arrived.encode(), pa.large_binary()),
        pa.scalar(b"\x1f", pa.large_binary()),
    )
    digests = b"".join(sha256(row).digest() for row in whole.to_pylist())
    words = np.frombuffer(digests, dtype=">u4").reshape(-1, 8).sum(axis=0, dtype=np.uint64)
    return sum(int(word) << 32 * (7 - place) for place, word in enumerate(words)) % _MODULUS


def added(sums: Iterable[str]) -> str:
    """The sum of several parts."""
    return f"{sum(int(one, 16) for one in sums) % _MODULUS:064x}"


def content_digest(labels: Sequence[str], parts: Iterable[Part], relabelled: Mapping[str, int] | None = None) -> str:
    """sha256 (hex) over the labels, for each side the number of rows and their sum, and what is laid over them."""
    listed = list(parts)
    sides = []
    for side in SIDES:
        own = [part for part in listed if part.side == side]
        sides.append([side, sum(part.rows for part in own), added(part.sum for part in own)])
    over = [sorted(relabelled.items())] if relabelled else []
    return sha256(json.dumps([list(labels), sides, *over], ensure_ascii=False).encode()).hexdigest()


def named(path: str, size: int, rows: int, low: str, high: str) -> Part | None:
    """The part whose name this is, or None when it is no part's."""
    found = _NAME.fullmatch(path)
    return found and Part(path, found[3], found[4], size, rows, found[1], found[2], low, high)


@contextlib.contextmanager
def opened(folder: Folder, part: Part) -> "Iterator[pq.ParquetFile]":
    """The file, once its bytes are what its name says. Raises `FileNotFoundError`, `StepError` naming the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with folder.near(part.path) as path:
        _verify(path, part, folder)
        try:
            with pq.ParquetFile(path) as file:
                yield file
        except (pa.ArrowException, ValueError, OSError) as error:
            raise broken(folder.at(part.path), error) from error


def _verify(path: Path, part: Part, folder: Folder) -> None:
    stat = path.stat()
    key = (str(path), stat.st_size, stat.st_mtime_ns)
    if not folder.remote and key in _checked:
        return
    if stat.st_size != part.size or sha256_of(path) != part.sha256:
        raise StepError(
            f"{part.path} is not what was published",
            where=folder.at(part.path),
            cure="restore it from a backup, or rerun the stage that made it",
        )
    if not folder.remote:
        _checked.add(key)


def batches_of(
    folder: Folder, part: Part, columns: Sequence[str], batch_rows: int = BATCH
) -> "Iterator[pa.RecordBatch]":
    """The part's rows, these columns in this order; `arrived` and `side` are filled in."""
    import pyarrow as pa

    inside = [name for name in columns if name not in ("arrived", "side")]
    with opened(folder, part) as file:
        for batch in file.iter_batches(batch_size=batch_rows, columns=inside):
            fixed = {"arrived": part.arrived, "side": part.side}
            arrays = [
                pa.repeat(fixed[name], batch.num_rows) if name in fixed else batch.column(name) for name in columns
            ]
            yield pa.record_batch(arrays, names=list(columns))


def ids_of(folder: Folder, part: Part, low: str, high: str) -> "pa.Array":
    """The part's ids from `low` on and below `high` (all to the end when that is empty), rising."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = [pa.array([], pa.string())]
    with opened(folder, part) as file:
        place = file.schema_arrow.get_field_index("id")
        for number in range(file.num_row_groups):
            there = file.metadata.row_group(number).column(place).statistics
            if there is not None and there.has_min_max and (there.max < low or (high and there.min >= high)):
                continue
            ids = file.read_row_group(number, columns=["id"])["id"]
            kept = pc.greater_equal(ids, low)
            found += ids.filter(pc.and_(kept, pc.less(ids, high)) if high else kept).chunks
    return pa.concat_arrays(found)


def holds(folder: Folder, part: Part, wanted: Wanted) -> bool:
    """Whether the part has a row with such a person or id."""
    import pyarrow as pa
    import pyarrow.compute as pc

    people = pa.array(sorted(wanted.persons - {""}), pa.string())
    ids = pa.array(sorted(wanted.ids | wanted.texts), pa.string())
    return any(
        pc.any(pc.or_(pc.is_in(batch.column("person"), people), pc.is_in(batch.column("id"), ids))).as_py()
        for batch in batches_of(folder, part, ("person", "id"))
    )


def _checked_ids(group: "pa.Table", before: str) -> tuple[str, str]:
    """First and last id of rows that may follow `before`. Raises `ValueError`."""
    import pyarrow.compute as pc

    if nulls := [name for name in group.column_names if name != "at" and group[name].null_count]:
        raise ValueError(f"null in {', '.join(nulls)}")
    ids = group["id"]
    first, last = ids[0].as_py(), ids[-1].as_py()
    if first <= before or not (len(ids) == 1 or pc.all(pc.less(ids.slice(0, len(ids) - 1), ids.slice(1))).as_py()):
        raise ValueError("ids must rise strictly within a part")
    return str(first), str(last)


def _groups(batches: "Iterable[pa.RecordBatch]", kinds: "pa.Schema") -> "Iterator[pa.Table]":
    """The rows in groups of `GROUP_ROWS`, fewer where their text exceeds `GROUP_BYTES`; the same for any batches."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        batch = batch.select(kinds.names).cast(kinds)
        ends = np.cumsum(pc.fill_null(pc.binary_length(batch.column("text")), 0).to_numpy(), dtype=np.int64)
        start, past = 0, 0
        while start < batch.num_rows:
            fitting = int(np.searchsorted(ends, past + GROUP_BYTES - size, side="right"))
            stop = min(start + GROUP_ROWS - rows, max(fitting, start + (not rows)), batch.num_rows)
            held.append(batch.slice(start, stop - start))
            rows, size, start = rows + stop - start, size + int(ends[stop - 1]) - past if stop else size, stop
            past = int(ends[stop - 1]) if stop else 0
            if rows == GROUP_ROWS or stop < batch.num_rows:
                yield pa.Table.from_batches(held, kinds).combine_chunks()
                held, rows, size = [], 0, 0
    if rows:
        yield pa.Table.from_batches(held, kinds).combine_chunks()
