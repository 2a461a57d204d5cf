"""What a row is, when two rows are the same, and how rows become columns and back. Also one plain file of rows.

A row's id is the first 128 bits of the sha256 of its normalised text, as 32 hex digits: among 20 million texts two
share one by chance with a probability below 1e-24.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from steps.contract import StepError

if TYPE_CHECKING:
    import pyarrow as pa

TRAIN, HOLDOUT = "train", "holdout"
SIDES = (TRAIN, HOLDOUT)
COLUMNS = ("text", "label", "group", "source", "arrived", "id", "person", "conversation", "at")
BATCH = 16_384


class Row(NamedTuple):
    """One labelled text.

    `label`: place in the dataset's labels. `source`: the file or table that it came from. `arrived`: the cycle that
    brought it. `person` and `conversation`: keyed hashes, empty where there is none. `at`: when it was written.
    """

    text: str
    label: int
    group: str
    source: str
    arrived: str
    id: str
    person: str = ""
    conversation: str = ""
    at: datetime | None = None


class Wanted(NamedTuple):
    """What is to be erased: rows of these persons, with these ids, or whose text has one of these ids as it stands."""

    persons: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.persons or self.ids or self.texts)

    def and_also(self, other: "Wanted") -> "Wanted":
        """Both."""
        return Wanted(*(one | two for one, two in zip(self, other, strict=True)))


def normalise(text: str) -> str:
    """The form in which two texts count as the same: NFKC, case folded, runs of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def identity(text: str) -> str:
    """The id of a text: 32 hex digits of the sha256 of its normalised form."""
    return sha256(normalise(text).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def portion(identity: str, salt: str) -> float:
    """A number in [0, 1) that depends on the text and the salt alone, so that order and repetition change nothing."""
    return int(sha256(f"{salt}:{identity}".encode()).hexdigest()[:13], 16) / 16**13


def schema(*, whole: bool = True) -> "pa.Schema":
    """The columns of rows; those of a table's file (not `whole`) lack `arrived`, which its folder says."""
    import pyarrow as pa

    kinds = {"label": pa.int32(), "at": pa.timestamp("us", "UTC")}
    fields = [pa.field(name, kinds.get(name, pa.string())) for name in COLUMNS if whole or name != "arrived"]
    return pa.schema(fields)


def columns_of(rows: Iterable[Row], batch_rows: int = BATCH) -> "Iterator[pa.RecordBatch]":
    """Rows as record batches of all columns, in their order."""
    kinds, held = schema(), list[Row]()
    for row in rows:
        held.append(row)
        if len(held) == batch_rows:
            yield _batch(held, kinds)
            held = []
    if held:
        yield _batch(held, kinds)


def _batch(rows: list[Row], kinds: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    arrays = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), kinds, strict=True)]
    return pa.record_batch(arrays, schema=kinds)


def rows_of(batch: "pa.RecordBatch") -> Iterator[Row]:
    """The rows of a batch that has all columns, in any order."""
    columns = [batch.column(name).to_pylist() for name in COLUMNS]
    return map(Row._make, zip(*columns, strict=True))


def write_rows(path: Path, unordered: Iterable[Row]) -> None:
    """Write one plain file of rows, ordered by id; it appears whole or not at all."""
    import pyarrow.parquet as pq

    rows = sorted(unordered, key=lambda row: row.id)
    beside = path.with_name(f"{path.name}.part")
    with pq.ParquetWriter(beside, schema(), compression="zstd") as writer:
        for batch in columns_of(rows):
            writer.write_batch(batch)
    beside.replace(path)


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of one plain file. Raises `StepError` when it is not what `write_rows` wrote."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH, columns=list(COLUMNS)):
                yield from rows_of(batch)
    except (OSError, pa.ArrowException, ValueError, TypeError, KeyError) as error:
        raise broken(str(path), error) from error


def broken(where: str, error: Exception | str) -> StepError:
    """A part of a dataset can't be read: which, and why."""
    return StepError(
        f"the dataset can't be read: {' '.join(str(error).split())[:200]}",
        where=where,
        cure="give a dataset that the collect step made, or run the collect stage again",
    )
