"""Erasure from one table: rows leave every file of it, whichever version it belongs to.

    begin: the entry stands in the ledger, and bars     ->  scan: files without the rows are written beside
    decide: the entry says which file became which      ->  one transaction of the table, then the old files go

Laws: a reader sees the table as before until an entry is decided, and as after from then on; killed anywhere and done
again, it finishes; when it returns no file of the table, committed, superseded or half-written, holds such a row.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from steps.snapshot.folder import DRAFTS
from steps.snapshot.ledger import Entry, Record, Replaced, Wanted, became, without
from steps.snapshot.part import Part, Stage, batches_of, ids_of, named, write_part
from steps.snapshot.rows import BATCH, identity

if TYPE_CHECKING:
    import pyarrow as pa

    from steps.snapshot.table import Table

_COLUMNS = ("text", "label", "group", "source", "id", "person", "conversation", "at")


class Found(NamedTuple):
    """What a request would take: rows by file, and their ids."""

    part: Part
    ids: tuple[str, ...]


def erase(table: "Table", wanted: Wanted, record: Record) -> Entry:
    """Do it, or finish it. The entry says what became of which file."""
    with table.folder.lock():
        entry = table.ledger.begin(wanted, record)
        table.reach("begun")
        while not entry.done:
            _apply(table, entry)
            if found := _replaced(table, without(entry.wanted, entry.found)):
                files, ids = (
                    (*entry.files, *(one for one, _ in found)),
                    {*entry.found}.union(*(ids for _, ids in found)),
                )
                entry = table.ledger.write(entry.model_copy(update={"files": files, "found": tuple(sorted(ids))}))
                table.reach("decided")
            else:
                table.folder.clear_drafts()
                entry = table.ledger.write(entry.model_copy(update={"done": True}))
    return entry


def look(table: "Table", wanted: Wanted) -> Iterator[Found]:
    """The rows of the table's own files that a request would take; nothing is changed."""
    for part in table.files():
        if ids := _matching(table, part, wanted):
            yield Found(part, ids)


def _apply(table: "Table", entry: Entry) -> None:
    """Carry out what is decided: the table's transaction, then the old files."""
    replaced = {file.was.path: file for file in entry.files}
    if not replaced:
        return
    removed = [part for part in table.active() if part.path in replaced]
    there = {part.path for part in table.active()}
    now = {file.now for part in removed if (file := replaced[part.path]).now is not None}
    added = [part for part in now if part is not None and part.path not in there]
    table.transact(
        added, removed, {"what": "erasure", "cycle": "", "rows": -sum(replaced[p.path].gone for p in removed)}
    )
    table.reach("replaced")
    for path in replaced:
        table.folder.remove(path)
        table.reach("removed")


def _replaced(table: "Table", wanted: Wanted) -> list[tuple[Replaced, tuple[str, ...]]]:
    """Every file that holds such rows, each written anew without them. Nothing refers to the new files yet."""
    active = {part.path: part for part in table.active()}
    known = became(table.ledger.entries())
    found = []
    for path in table.folder.names():
        part = active.get(path) or named(path, table.folder.size(path) or 0, 0, "", "g")
        if part is None or path.startswith(DRAFTS) or path in known:
            continue
        ids = _matching(table, part, wanted)
        if not ids:
            continue
        gone = frozenset(ids)
        now = write_part(Stage(table.uri, part.arrived, ""), part.side, _rest(table, part, gone))
        table.reach("written")
        found.append((Replaced(part, now, path in active, len(ids)), ids))
    return found


def _matching(table: "Table", part: Part, wanted: Wanted) -> tuple[str, ...]:
    """Ids of the part's rows that are wanted, rising."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not wanted.persons and not wanted.texts:
        near = [one for one in wanted.ids if part.low <= one <= part.high]
        if not near:
            return ()
        ids = ids_of(table.folder, part, min(near), "")
        return tuple(ids.filter(pc.is_in(ids, pa.array(near, pa.string()))).to_pylist())
    columns = ["id", "person", *(["text"] if wanted.texts else [])]
    found: list[str] = []
    for batch in batches_of(table.folder, part, columns, BATCH):
        found += batch.column("id").filter(_mask(batch, wanted)).to_pylist()
    return tuple(found)


def _mask(batch: "pa.RecordBatch", wanted: Wanted) -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = pc.or_(
        pc.is_in(batch.column("id"), pa.array(sorted(wanted.ids | wanted.texts), pa.string())),
        pc.is_in(batch.column("person"), pa.array(sorted(wanted.persons - {""}), pa.string())),
    )
    if wanted.texts:
        same = [identity(text) in wanted.texts for text in batch.column("text").to_pylist()]
        mask = pc.or_(mask, pa.array(same, pa.bool_()))
    return mask


def _rest(table: "Table", part: Part, gone: frozenset[str]) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa
    import pyarrow.compute as pc

    leaving = pa.array(sorted(gone), pa.string())
    for batch in batches_of(table.folder, part, _COLUMNS):
        yield batch.filter(pc.invert(pc.is_in(batch.column("id"), leaving)))
