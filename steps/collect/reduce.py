"""One bucket of cleaned rows becomes rows to keep: each text once, none that is known, each on its side of the split.

Law: what is kept depends on the rows alone, never on their order, their number, or the bucket's width. Equal texts are
one row, for which the smallest of them stands; a text that comes with two labels counts for neither.
"""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from steps import snapshot
from steps.collect import spill
from steps.snapshot import HOLDOUT, TRAIN, Part, Stage, Table, Wanted, write_part

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

MOST_GROUPS = 1_000  # counted by name in one bucket; the rest is counted together


class Task(NamedTuple):
    """Everything about a reduction but the bucket's number. `cycles`: the lineage whose rows are known; `barred`:
    who and what was erased; `dry`: count, and write nothing.
    """

    files: tuple[str, ...]
    folder: str
    buckets: int
    stage: Stage
    cycles: tuple[str, ...]
    labels: tuple[str, ...]
    holdout: float
    salt: str
    split_by: str
    barred: Wanted
    dry: bool = False


class Reduced(NamedTuple):
    """The files of one bucket, and what became of its rows. `classes`, `groups`: (name, side) to rows."""

    parts: tuple[Part, ...]
    counts: Counter[str]
    classes: Counter[tuple[str, str]]
    groups: Counter[tuple[str, str]]


def reduce(task: Task, bucket: int) -> Reduced:
    """Deal with one bucket: read it, choose, write at most one file for each side."""
    counts: Counter[str] = Counter()
    rows = spill.read(task.files, task.folder, bucket)
    rows = _forget(rows, task.barred, counts)
    rows = _distinct(rows, counts)
    rows = _unknown(rows, task, bucket, counts)
    sides = _sides(rows, task)
    parts: list[Part | None] = []
    classes, groups = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for side in (TRAIN, HOLDOUT):
        own = rows.filter(sides == (side == HOLDOUT))
        if own.num_rows:
            parts.append(None if task.dry else _write(own, task, side))
            classes.update({(name, side): n for name, n in _counted(own, "label").items()})
            groups.update({(name, side): n for name, n in _few(_counted(own, "group")).items()})
    return Reduced(tuple(part for part in parts if part is not None), counts, classes, groups)


def _forget(rows: "pa.Table", barred: Wanted, counts: Counter[str]) -> "pa.Table":
    """Rows that were erased do not come back from a source that still has them."""
    import pyarrow as pa

    if not barred or not rows.num_rows:
        return rows
    forbidden = barred.ids | barred.texts
    left = [
        person not in barred.persons and one.hex() not in forbidden and snapshot.identity(text) not in forbidden
        for person, one, text in zip(*(rows[name].to_pylist() for name in ("person", "id", "text")), strict=True)
    ]
    counts["erased"] = left.count(False)
    return rows.filter(pa.array(left))


def _distinct(rows: "pa.Table", counts: Counter[str]) -> "pa.Table":
    """The rows by id, each text once."""
    import numpy as np
    import pyarrow as pa

    if not rows.num_rows:
        return rows
    ids = np.array(_hex(rows), dtype="S32")
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    new = np.concatenate(([True], ids[1:] != ids[:-1]))
    starts = np.flatnonzero(new)
    lengths = np.diff(np.append(starts, len(ids)))
    chosen = order[starts]
    keep = np.ones(len(starts), dtype=bool)
    several = np.flatnonzero(lengths > 1)
    counts["duplicates"] = len(ids) - len(starts)
    if len(several):
        places = np.concatenate([order[starts[run] : starts[run] + lengths[run]] for run in several])
        dealt = _settle(rows.take(pa.array(places)), lengths[several])
        for run, (which, agreed) in zip(several.tolist(), dealt, strict=True):
            chosen[run] = order[starts[run] + which]
            keep[run] = agreed
        counts["contradicted"] = int((~keep).sum())
    return rows.take(pa.array(chosen[keep])).combine_chunks()


def _settle(rows: "pa.Table", lengths: "NDArray[np.int64]") -> list[tuple[int, bool]]:
    """For each run of equal texts: which of them stands for all, and whether they agree on the label."""
    names = ("text", "group", "source", "person", "conversation")
    at = [moment.timestamp() if moment is not None else -1.0 for moment in rows["at"].to_pylist()]
    keys = list(zip(*(rows[name].to_pylist() for name in names), at, strict=True))
    labels = rows["label"].to_pylist()
    found, start = [], 0
    for length in lengths.tolist():
        run = range(start, start + length)
        which = min(run, key=lambda place: keys[place]) - start
        found.append((which, len(set(labels[start : start + length])) == 1))
        start += length
    return found


def _unknown(rows: "pa.Table", task: Task, bucket: int, counts: Counter[str]) -> "pa.Table":
    """The rows that no cycle of the lineage has."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not rows.num_rows or not task.cycles:
        return rows
    known = Table.open(task.stage.uri).ids(task.cycles, *spill.bounds(bucket, task.buckets))
    seen = pc.is_in(pa.array(_hex(rows), pa.string()), value_set=known)
    counts["seen"] = pc.sum(seen).as_py()
    return rows.filter(pc.invert(seen))


def _sides(rows: "pa.Table", task: Task) -> "NDArray[np.bool_]":
    """True where a row is kept for measuring. What belongs together by `split_by` stays on one side."""
    import numpy as np

    ids = _hex(rows)
    keys = ids if task.split_by == "row" else rows[task.split_by].to_pylist()
    aside = [
        snapshot.portion(key or one, task.salt) < task.holdout for key, one in zip(keys, ids, strict=True)
    ]  # a row that belongs to nothing goes by itself
    return np.array(aside, dtype=bool)


def _write(rows: "pa.Table", task: Task, side: str) -> Part | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    label = pc.index_in(rows["label"], value_set=pa.array(task.labels)).cast(pa.int32())
    columns = {name: rows[name] for name in ("text", "group", "source", "person", "conversation", "at")}
    table = pa.table({"id": pa.array(_hex(rows), pa.string()), "label": label, **columns})
    return write_part(task.stage, side, table.to_batches())


def _counted(rows: "pa.Table", name: str) -> dict[str, int]:
    return {one["values"]: one["counts"] for one in rows[name].combine_chunks().value_counts().to_pylist()}


def _few(counted: Mapping[str, int]) -> dict[str, int]:
    """The largest groups by name; what is left over is counted as `…`."""
    largest = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    found = dict(largest[:MOST_GROUPS])
    rest = sum(count for _, count in largest[MOST_GROUPS:])
    return found | ({"…": rest} if rest else {})


def _hex(rows: "pa.Table") -> list[str]:
    return [one.hex() for one in rows["id"].to_pylist()]
