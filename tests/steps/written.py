"""Rows written to files of every kind, and read back from any source."""

import bz2
import csv
import gzip
import io
import json
import lzma
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from steps.collect.source import Bad, Columns, open_source, schema

COLUMNS = Columns("text", "label", "topic", author="who", conversation="talk", at="when")
NAMES = ("text", "label", "topic", "who", "talk", "when")
KINDS = ("parquet", "arrow", "csv", "tsv", "jsonl")
PACKED = {"gz": gzip.compress, "bz2": partial(bz2.compress, compresslevel=1), "xz": lzma.compress}


class Read(NamedTuple):
    """What came back: rows as tuples of the schema without source and line; their places; what was bad."""

    rows: list[tuple]
    places: list[tuple[str, int]]
    bad: list[Bad]


def row(text, label="a", topic="t", who="w", talk="k", when=datetime(2020, 1, 2, tzinfo=UTC)):
    """One row, in the order of `NAMES`."""
    return (text, label, topic, who, talk, when)


def bytes_of(kind, rows, **more):
    """The rows as a file's bytes."""
    if kind in ("parquet", "arrow"):
        columns = list(zip(*rows, strict=True)) or [[] for _ in NAMES]
        types = [pa.string()] * 5 + [pa.timestamp("us", "UTC")]
        table = pa.table([pa.array(column, kind) for column, kind in zip(columns, types, strict=True)], names=NAMES)
        sink = pa.BufferOutputStream()
        if kind == "parquet":
            pq.write_table(table, sink, **more)
        else:
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table, **({"max_chunksize": more["row_group_size"]} if more else {}))
        return sink.getvalue().to_pybytes()
    said = [[*one[:5], one[5].isoformat() if one[5] else None] for one in rows]
    if kind == "jsonl":
        return "".join(
            json.dumps(dict(zip(NAMES, one, strict=True)), ensure_ascii=len(one[0] or "") % 2 == 0) + "\n"
            for one in said
        ).encode()
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if "end" in more else csv.QUOTE_MINIMAL  # a lone CR is not quoted by the minimum
    csv.writer(
        file, quoting=quoting, delimiter="\t" if kind == "tsv" else ",", lineterminator=more.get("end", "\r\n")
    ).writerows([NAMES, *said])
    return file.getvalue().encode()


def read(source, most_bytes=1 << 30, batch_rows=8_192, batch_bytes=8 << 20, numeric=False):
    """Everything that a source's shards give, after every batch was held to the schema."""
    found = Read([], [], [])
    for shard in source.shards(most_bytes):
        for batch in shard.read(batch_rows, batch_bytes):
            assert batch.rows.schema == schema(numeric)
            assert batch.rows.num_rows <= batch_rows
            batch.rows.validate(full=True)
            columns = [column.to_pylist() for column in batch.rows.columns]
            found.rows.extend(zip(*columns[:6], strict=True))
            found.places.extend(zip(*columns[6:], strict=True))
            found.bad.extend(batch.bad)
    return found


def read_file(path, columns=COLUMNS, most_bytes=1 << 30, batch_rows=8_192, batch_bytes=8 << 20, **given):
    """Everything in the files of a glob, which a survey finds nothing wrong with."""
    most = given.pop("most_row_bytes", 1 << 20)
    source = open_source({"files": str(path), **given} if given else str(path), columns, most_row_bytes=most)
    assert source.survey() == []
    return read(source, most_bytes, batch_rows, batch_bytes, columns.numeric)
