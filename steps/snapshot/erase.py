"""Erasure from one table: rows leave every file of it, whichever version it belongs to.

    begin: the entry stands in the ledger, and bars     ->  scan: files without the rows are written beside
    decide: the entry says which file became which      ->  one transaction of the table, then the old files go

Laws: a reader sees the table as before until an entry is decided, and as after from then on; killed anywhere and done
again, it finishes, and so does the next erasure, whatever it is about; when it returns, no file of the table holds such
a row: none that is committed, superseded, written and not committed, or half-written.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from steps.snapshot.folder import DRAFTS
from steps.snapshot.ledger import Entry, Record, Replaced, became
from steps.snapshot.part import Part, Stage, batches_of, named, write_part
from steps.snapshot.rows import BATCH, Wanted, identity

if TYPE_CHECKING:
    import pyarrow as pa

    from steps.snapshot.table import Table

_COLUMNS = ("text", "label", "group", "source", "id", "person", "conversation", "at")
_EVERY = ("", "g")  # before and behind every id: what is known of a file that the table doesn't know


class Taken(NamedTuple):
    """The rows of one file that a request takes. `shown`: the ids of their texts as they were kept."""

    part: Part
    ids: tuple[str, ...]
    shown: tuple[str, ...]


def erase(table: "Table", wanted: Wanted, record: Record) -> Entry:
    """Do it, or finish it. The entry says what became of which file. Raises `StepError` for a file that is damaged."""
    with table.folder.lock():
        key = table.ledger.begin(wanted, record).key
        table.reach("begun")
        entries = sorted(table.ledger.entries(), key=lambda entry: (entry.key == key, entry.at))
        return [entry if entry.done else _finished(table, entry) for entry in entries][-1]


def look(table: "Table", wanted: Wanted) -> tuple[Taken, ...]:
    """What a request would take of the files that the table consists of; nothing is changed."""
    found = (_taken(table, part, wanted) for part in table.files())
    return tuple(taken for taken in found if taken.ids)


def _finished(table: "Table", entry: Entry) -> Entry:
    while True:
        _apply(table, entry)
        found = _replaced(table, entry)
        if not found:
            table.folder.clear_drafts()
            return table.ledger.write(entry.model_copy(update={"done": True}))
        taken = [one for one, _ in found]
        entry = table.ledger.write(
            entry.model_copy(
                update={
                    "files": (*entry.files, *(file for _, file in found)),
                    "found": tuple(sorted({*entry.found}.union(*(one.ids for one in taken)))),
                    "shown": tuple(sorted({*entry.shown}.union(*(one.shown for one in taken)))),
                }
            )
        )
        table.reach("decided")


def _apply(table: "Table", entry: Entry) -> None:
    """Carry out what is decided: the table's transaction, then the old files."""
    replaced = {file.was.path: file for file in entry.files}
    if not replaced:
        return
    active = {part.path: part for part in table.active()}
    removed = [part for path, part in active.items() if path in replaced]
    added = {file.now for part in removed if (file := replaced[part.path]).now and file.now.path not in active}
    gone = sum(replaced[part.path].gone for part in removed)
    table.transact([part for part in added if part], removed, {"what": "erasure", "rows": -gone})
    table.reach("replaced")
    for path in replaced:
        table.folder.remove(path)
        table.reach("removed")


def _replaced(table: "Table", entry: Entry) -> list[tuple[Taken, Replaced]]:
    """Every file that holds such rows, each written anew without them. Nothing refers to the new files yet."""
    wanted = entry.wanted.and_also(Wanted(ids=frozenset(entry.found)))
    active = {part.path: part for part in table.active()}
    gone = became(table.ledger.entries())
    found = []
    for path in table.folder.names():
        part = active.get(path) or named(path, table.folder.size(path) or 0, 0, *_EVERY)
        if part is None or path.startswith(DRAFTS) or path in gone:
            continue
        taken = _taken(table, part, wanted)
        if taken.ids:
            now = write_part(Stage(table.uri, part.arrived, ""), part.side, _rest(table, taken))
            table.reach("written")
            found.append((taken, Replaced(part, now, path in active, len(taken.ids))))
    return found


def _taken(table: "Table", part: Part, wanted: Wanted) -> Taken:
    """What is wanted of a part. Texts are read of files that hold such rows; where only ids are wanted, nothing is read
    of the files that can't hold them.
    """
    by_id = wanted.ids | wanted.texts
    if not wanted.persons and not wanted.texts and not any(part.low <= one <= part.high for one in by_id):
        return Taken(part, (), ())
    looked = ("id", "person", "text") if wanted.texts else ("id", "person")
    if not any(_mask(batch, wanted, by_id).true_count for batch in batches_of(table.folder, part, looked, BATCH)):
        return Taken(part, (), ())
    ids: list[str] = []
    shown: list[str] = []
    for batch in batches_of(table.folder, part, ("id", "person", "text"), BATCH):
        leaving = batch.filter(_mask(batch, wanted, by_id))
        ids += leaving.column("id").to_pylist()
        shown += map(identity, leaving.column("text").to_pylist())
    return Taken(part, tuple(ids), tuple(shown))


def _mask(batch: "pa.RecordBatch", wanted: Wanted, by_id: frozenset[str]) -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = pc.or_(
        pc.is_in(batch.column("id"), pa.array(sorted(by_id), pa.string())),
        pc.is_in(batch.column("person"), pa.array(sorted(wanted.persons - {""}), pa.string())),
    )
    if wanted.texts:
        same = [identity(text) in wanted.texts for text in batch.column("text").to_pylist()]
        mask = pc.or_(mask, pa.array(same, pa.bool_()))
    return mask


def _rest(table: "Table", taken: Taken) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa
    import pyarrow.compute as pc

    leaving = pa.array(taken.ids, pa.string())
    for batch in batches_of(table.folder, taken.part, _COLUMNS):
        yield batch.filter(pc.invert(pc.is_in(batch.column("id"), leaving)))
