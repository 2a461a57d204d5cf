"""Sources of rows: files, SQL, Hugging Face datasets, the serving log."""

from steps.collect.source.model import DAMAGED, SCHEMA, Bad, Columns, Shard, Source, Taken, schema
from steps.collect.source.opening import open_source

__all__ = ["DAMAGED", "SCHEMA", "Bad", "Columns", "Shard", "Source", "Taken", "open_source", "schema"]
