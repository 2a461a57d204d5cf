"""Sources of rows: files, SQL, Hugging Face datasets, the serving log."""

from steps.collect.source.former import Record, find, read, survey
from steps.collect.source.model import SCHEMA, Bad, Columns, Shard, Source, Taken, schema
from steps.collect.source.opening import open_source

__all__ = [
    "SCHEMA", "Bad", "Columns", "Record", "Shard", "Source", "Taken", "find", "open_source", "read", "schema", "survey",
]  # fmt: skip
