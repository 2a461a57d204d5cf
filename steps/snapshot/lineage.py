"""From a model back to its rows: `rows.parquet` in the model's folder names every row that it was shown.

Columns: `id` (16 bytes), `arrived` (the cycle that brought the row) and `trained` (false: validated with only). No text
and no person: the snapshot has those, for as long as it may.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.snapshot.rows import Row, broken

if TYPE_CHECKING:
    import pyarrow as pa

USED = "rows.parquet"
LINEAGE = "lineage.json"
_BATCH = 65_536


def write_used(folder: Path, train: Iterable[Row], validation: Iterable[Row]) -> None:
    """Write the rows that a model was shown into its folder, ordered by id: the same rows give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = sorted([(row.id, row.arrived, True) for row in train] + [(row.id, row.arrived, False) for row in validation])
    table = pa.table(
        {
            "id": pa.array([bytes.fromhex(row[0]) for row in rows], pa.binary(16)),
            "arrived": pa.array([row[1] for row in rows], pa.string()),
            "trained": pa.array([row[2] for row in rows], pa.bool_()),
        }
    )
    beside = folder / f".{USED}.part"
    pq.write_table(table, beside, compression="zstd", use_dictionary=["arrived"])
    beside.replace(folder / USED)


def count_trained(path: Path, ids: "pa.Array") -> int:
    """How many of these ids (a `binary(16)` array) the model of this `rows.parquet` was trained on."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH, columns=["id", "trained"]):
                found += pc.sum(pc.and_(pc.is_in(batch.column("id"), ids), batch.column("trained"))).as_py() or 0
    except (OSError, pa.ArrowException, ValueError) as error:
        raise broken(str(path), error) from error
    return found


def lineage(folder: Path) -> dict[str, Any]:
    """What a model descends from: its `lineage.json`, and how many rows of which cycle it was trained on.

    Raises `StepError` for a folder that is no model of finetune's.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    said = read_lineage(folder)
    try:
        table = pq.read_table(folder / USED)
        learnt = table.filter(table["trained"])
        counts = sorted(pc.value_counts(learnt["arrived"]).to_pylist(), key=lambda one: str(one["values"]))
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise broken(str(folder / USED), error) from error
    return {
        **{name: said.get(name) for name in ("run", "base", "champion", "cycles", "data", "snapshot")},
        "trained": learnt.num_rows,
        "validated": table.num_rows - learnt.num_rows,
        "rows": {one["values"]: one["counts"] for one in counts},
    }


def read_lineage(folder: Path) -> Mapping[str, Any]:
    """The model's `lineage.json`. Raises `StepError`."""
    try:
        found = json.loads((folder / LINEAGE).read_bytes())
        if not isinstance(found, dict):
            raise ValueError("it is no object")
    except (OSError, ValueError) as error:
        raise broken(str(folder / LINEAGE), error) from error
    return found
