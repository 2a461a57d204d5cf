"""Snapshots: the rows that models are trained and measured on, as versions of a table.

A dataset's folder names the parts of a Delta table that it consists of (`dataset.py`); parts are plain parquet files,
one partition a cycle (`part.py`, `table.py`); rows that have to be forgotten leave every version (`erase.py`,
`ledger.py`, `erasure.py`).
"""

from steps.snapshot.dataset import (
    LABELS,
    SNAPSHOT,
    Opened,
    Snapshot,
    batches,
    opened,
    publish,
    read,
    read_labels,
    relabel,
    table_of,
    write,
)
from steps.snapshot.folder import Folder
from steps.snapshot.ledger import Record
from steps.snapshot.lineage import USED, write_used
from steps.snapshot.part import Part, Stage, batches_of, ids_of, write_part
from steps.snapshot.rows import (
    COLUMNS,
    HOLDOUT,
    SIDES,
    TRAIN,
    Row,
    Wanted,
    columns_of,
    identity,
    normalise,
    portion,
    read_rows,
    rows_of,
    schema,
    write_rows,
)
from steps.snapshot.table import Table, Version

__all__ = [
    "COLUMNS", "HOLDOUT", "LABELS", "SIDES", "SNAPSHOT", "TRAIN", "USED", "Folder", "Opened", "Part", "Record", "Row",
    "Snapshot", "Stage", "Table", "Version", "Wanted", "batches", "batches_of", "columns_of", "identity", "ids_of",
    "normalise", "opened", "portion", "publish", "read", "read_labels", "read_rows", "relabel", "rows_of", "schema",
    "table_of", "write", "write_part", "write_rows", "write_used",
]  # fmt: skip
