"""What lies between reading and keeping: cleaned rows in files, each cut into buckets by the first bits of the id.

Law: every row lies in the one bucket that its id names, so that each bucket can be dealt with by itself, in memory that
depends on the bucket's size alone.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from steps.collect.clean import Kept

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

MOST_BUCKETS = 256
TEXTS = ("text", "label", "group", "source", "person", "conversation")


def schema() -> "pa.Schema":
    """The columns of a spilled row."""
    import pyarrow as pa

    kinds = [("id", pa.binary(16)), *((name, pa.string()) for name in TEXTS), ("at", pa.timestamp("us", "UTC"))]
    return pa.schema(kinds)


def buckets_for(size: int, each: int) -> int:
    """How many buckets so many bytes need for `each` to hold about so many: a power of two."""
    wanted = max(1, -(-size // each))
    return min(MOST_BUCKETS, 1 << (wanted - 1).bit_length())


def bounds(bucket: int, buckets: int) -> tuple[str, str]:
    """The lowest id of the bucket and the lowest above it, as hex; an empty end is no end."""
    width = 256 // buckets
    above = (bucket + 1) * width
    return f"{bucket * width:02x}", "" if above == 256 else f"{above:02x}"


def write(kept: Kept, folder: str, buckets: int) -> str:
    """Write the rows as one new file of one record batch a bucket; its path, or empty when there is no row."""
    import numpy as np
    import pyarrow as pa

    if not kept.ids:
        return ""
    fs, base = _open(folder)
    path = f"{base}/{uuid4().hex}.arrow"
    table = _table(kept)
    first = np.frombuffer(b"".join(one[:1] for one in kept.ids), dtype=np.uint8)
    place: NDArray[np.int64] = first.astype(np.int64) * buckets // 256
    order = np.argsort(place, kind="stable")
    cuts = np.searchsorted(place[order], np.arange(buckets + 1))
    arranged = table.take(pa.array(order))
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with fs.open(path, "wb") as file, pa.ipc.new_file(file, schema(), options=options) as writer:
        for low, high in pairwise(cuts.tolist()):
            part = arranged.slice(low, high - low).combine_chunks()
            writer.write_batch(part.to_batches()[0] if part.num_rows else _none())
    return path


def read(paths: Sequence[str], folder: str, bucket: int) -> "pa.Table":
    """All rows of one bucket."""
    import pyarrow as pa

    fs, _ = _open(folder)
    found = []
    for path in paths:
        with fs.open(path, "rb") as file, pa.ipc.open_file(file) as reader:
            found.append(reader.get_batch(bucket))
    return pa.Table.from_batches(found, schema())


def _table(kept: Kept) -> "pa.Table":
    import pyarrow as pa

    arrays = [pa.array(kept.ids, pa.binary(16))]
    arrays += [_array(kept.columns[name], schema().field(name).type) for name in (*TEXTS, "at")]
    return pa.table(arrays, schema=schema())


def _array(column: Any, kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    return column if isinstance(column, pa.Array) else pa.array(column, kind)


def _none() -> "pa.RecordBatch":
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema()], schema=schema())


def _open(folder: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    fs, base = url_to_fs(folder)
    return fs, str(base)
