"""What a dataset's folder holds: `train.parquet`, `holdout.parquet` and `labels.json`.

Law: a row stands in exactly one of the two files, and once in hold-out it stays there: nothing is measured on what was
trained on. Columns: `text`, `label` (place in `labels.json`), `group`, `source` (the file it came from), `arrived`
(the cycle that brought it) and `id` (sha256 of the normalised text, hex).
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, cast

from steps.contract import StepError

TRAIN, HOLDOUT, LABELS = "train.parquet", "holdout.parquet", "labels.json"
COLUMNS = ("text", "label", "group", "source", "arrived", "id")
_BATCH = 16_384


class Row(NamedTuple):
    """One labelled text."""

    text: str
    label: int
    group: str
    source: str
    arrived: str
    id: str


def normalise(text: str) -> str:
    """The form in which two texts count as the same: NFKC, case folded, runs of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def identity(text: str) -> str:
    """sha256 (hex) of the normalised text."""
    return sha256(normalise(text).encode("utf-8", "surrogatepass")).hexdigest()


def portion(identity: str, salt: str) -> float:
    """A number in [0, 1) that depends on the text and the salt alone, so that order and repetition change nothing."""
    return int(sha256(f"{salt}:{identity}".encode()).hexdigest()[:13], 16) / 16**13


def write(folder: Path, labels: Sequence[str], train: Iterable[Row], holdout: Iterable[Row]) -> None:
    """Write a whole snapshot; rows are ordered by id, so that the same rows give the same bytes."""
    for name, rows in ((TRAIN, train), (HOLDOUT, holdout)):
        write_rows(folder / name, rows)
    (folder / LABELS).write_text(json.dumps({"labels": list(labels)}, ensure_ascii=False) + "\n", "utf-8")


def read(folder: Path, name: str) -> Iterator[Row]:
    """The rows of `train.parquet` or `holdout.parquet`. Raises `StepError` when the file is not what `write` wrote."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(folder / name) as file:
            for batch in file.iter_batches(batch_size=_BATCH, columns=list(COLUMNS)):
                yield from map(Row._make, zip(*(column.to_pylist() for column in batch.columns), strict=True))
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        raise _broken(folder / name, error) from error


def read_labels(folder: Path) -> tuple[str, ...]:
    """The names of the classes, in the order of the `label` column."""
    try:
        return tuple(map(str, cast("dict[str, list[str]]", json.loads((folder / LABELS).read_text("utf-8")))["labels"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(folder / LABELS, error) from error


def write_rows(path: Path, unordered: Iterable[Row]) -> None:
    """Write one file of rows, ordered by id; it appears whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = [pa.int32() if name == "label" else pa.string() for name in COLUMNS]
    schema = pa.schema(list(zip(COLUMNS, kinds, strict=True)))
    rows = sorted(unordered, key=lambda row: row.id)
    beside = path.with_name(f"{path.name}.part")
    with pq.ParquetWriter(beside, schema, compression="zstd") as writer:
        for start in range(0, len(rows), _BATCH):
            columns = zip(*rows[start : start + _BATCH], strict=True)
            arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    beside.replace(path)


def _broken(path: Path, error: Exception) -> StepError:
    return StepError(
        f"the dataset can't be read: {' '.join(str(error).split())[:200]}",
        where=str(path),
        cure="give a dataset that the collect step made, or run the collect stage again",
    )
