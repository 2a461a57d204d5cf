"""Looks at rows that are kept already: exact counts over all of them, and a bounded draw of them.

Law: a draw is the rows with the smallest ids. Ids are hashes, so it is as good as drawn at random; it depends neither
on order nor on files, and reads little more than it takes.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from steps.snapshot import Part, batches_of
from steps.snapshot.folder import Folder
from steps.validate.overlap import Overlap

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("text", "label", "group", "source", "arrived", "id", "person", "conversation", "at", "side")
MOST_GROUPS = 100_000
_BATCH = 16_384


class Counts(NamedTuple):
    """Rows by (label's place, side), (group, side) and cycle."""

    classes: Counter[tuple[int, str]]
    groups: Counter[tuple[str, str]]
    cycles: Counter[str]

    def rows(self, side: str) -> int:
        """Rows of a side."""
        return sum(count for (_, one), count in self.classes.items() if one == side)


def count(home: Folder, parts: Iterable[Part], overlap: Overlap | None = None) -> Counts:
    """Exact counts, in the memory of a batch; with an `overlap`, also of what both sides have in common."""
    found = Counts(Counter(), Counter(), Counter())
    columns = ("label", "group", *(("conversation", "person", "side") if overlap else ()))
    for part in parts:
        found.cycles[part.arrived] += part.rows
        for batch in batches_of(home, part, columns, 8 * _BATCH):
            if overlap:
                overlap.add(batch)
            for column, counted in ((0, found.classes), (1, found.groups)):
                for one in batch.column(column).value_counts().to_pylist():
                    counted[one["values"], part.side] += one["counts"]
        if len(found.groups) > MOST_GROUPS:
            _forget_small(found.groups)
    return found


def draw(home: Folder, parts: Sequence[Part], most: int) -> "pa.Table":
    """At most so many rows, with `COLUMNS`, ordered by id."""
    import pyarrow as pa
    import pyarrow.compute as pc

    total = sum(part.rows for part in parts)
    end = _end(most, total)
    found: list[pa.RecordBatch] = []
    for part in parts:
        if end and part.low >= end:
            continue
        for batch in batches_of(home, part, COLUMNS, _BATCH):
            found.append(batch)
            if end and batch.num_rows and batch.column("id")[-1].as_py() >= end:
                break
    if not found:
        return _none()
    table = pa.Table.from_batches(found)
    if end:
        table = table.filter(pc.less(table["id"], end))
    return table.sort_by("id").slice(0, most).combine_chunks()


def _end(most: int, total: int) -> str:
    """The id below which some more than `most` of so many lie; empty where all do."""
    share = (most + 4 * most**0.5 + 10) / max(1, total)
    return "" if share >= 1 else f"{int(share * 2**128):032x}"


def _forget_small(groups: Counter[tuple[str, str]]) -> None:
    """Keep the larger half: what is reported by group are the largest."""
    for key, _ in groups.most_common()[MOST_GROUPS // 2 :]:
        del groups[key]


def _none() -> "pa.Table":
    import pyarrow as pa

    kinds = {"label": pa.int32(), "at": pa.timestamp("us", "UTC")}
    return pa.table({name: pa.array([], kinds.get(name, pa.string())) for name in COLUMNS})


def find(home: Folder, parts: Iterable[Part], ids: Collection[str]) -> dict[str, tuple[str, int, str]]:
    """The rows with these ids: text, place of the label and side, by id."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: dict[str, tuple[str, int, str]] = {}
    wanted, left = pa.array(sorted(ids), pa.string()), set(ids)
    for part in parts:
        if not any(part.low <= one <= part.high for one in left):
            continue
        for batch in batches_of(home, part, ("id", "text", "label"), _BATCH):
            some = batch.filter(pc.is_in(batch.column("id"), value_set=wanted))
            for one, text, label in zip(*(column.to_pylist() for column in some.columns), strict=True):
                found[one] = (text, label, part.side)
                left.discard(one)
    return found
