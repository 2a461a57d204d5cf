"""Rows drawn from tables, whatever their order. Pure.

Law: the same rows in any order give the same sample in the same order, which depends on their ids and the seed alone.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


def draw(table: "pa.Table", most: int, seed: int) -> "pa.Table":
    """At most that many rows: those whose hashed ids are smallest, ordered by that hash."""
    import numpy as np
    import pyarrow.compute as pc

    ordered = table.take(pc.sort_indices(table, sort_keys=[(name, "ascending") for name in ("id", "side", "text")]))
    places = hashes(ordered["id"].to_pylist(), seed)
    return ordered.take(np.argsort(places, kind="stable")[:most])


def plain(table: "pa.Table") -> "pa.Table":
    """The table with every kind of string that readers give (large, views, dictionaries) as `string`."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if kind != field.type or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            table = table.set_column(place, field.name, table[field.name].cast(kind).cast(pa.string()))
    return table


def hashes(ids: Sequence[str | None], seed: int) -> "NDArray[np.uint64]":
    """A 64-bit number for each id, uniform and independent between seeds."""
    import numpy as np

    key = seed.to_bytes(8, "little", signed=True)
    digests = b"".join(blake2b((id or "").encode(), digest_size=8, key=key).digest() for id in ids)
    return np.frombuffer(digests, np.uint64)


def texts(table: "pa.Table") -> list[str]:
    """The texts, a missing one as an empty one."""
    return [text or "" for text in table["text"].to_pylist()]


def earlier(table: "pa.Table", new: "pa.Table") -> "pa.Table":
    """The rows that did not arrive with the new ones."""
    import pyarrow.compute as pc

    return table.filter(pc.invert(pc.is_in(table["arrived"], value_set=pc.unique(new["arrived"]))))


def joined(*tables: "pa.Table") -> "pa.Table":
    """All rows under one another."""
    import pyarrow as pa

    return pa.concat_tables(tables, promote_options="permissive")
