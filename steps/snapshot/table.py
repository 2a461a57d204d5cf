"""A versioned table of rows on Delta Lake, one partition a cycle. The only file that knows deltalake.

    <table>/_delta_log/  arrived=<cycle>/side=<side>/<part>.parquet  _ledger/  _drafts/

Laws: a partition is replaced by one transaction or stays as it was; parts that were written and not committed are seen
by nobody; a part is never changed, only replaced by way of the ledger; what is barred is not committed.
"""

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from steps.contract import StepError
from steps.place import sync
from steps.snapshot.folder import Folder
from steps.snapshot.ledger import Entry, Ledger, Record, barred, became, followed
from steps.snapshot.part import Part, Stage, holds, ids_of, named
from steps.snapshot.rows import Wanted, schema

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

_CYCLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PARTITIONS = ["arrived", "side"]
_FOREVER = "interval 36500 days"
_CONFIGURATION = {  # what is kept is decided by the ledger, not by age
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": _FOREVER,
    "delta.deletedFileRetentionDuration": _FOREVER,
}
_SAYS = "ratchet"


class Version(NamedTuple):
    """One transaction: `what` is created, cycle or erasure; `rows` and `files` are those that it added."""

    version: int
    at: float
    what: str
    cycle: str
    rows: int
    files: int


class Table:
    """One table, by path or fsspec URL. One that isn't there is empty, and appears with the first commit.

    It obeys the ledger in `_ledger` two folders above too, which bars for all tables of an artifact root: those that
    there will be as well. `reach` is told each point at which a crash may leave something half done; tests crash there.
    """

    def __init__(self, uri: str, reach: Callable[[str], None] = lambda point: None) -> None:
        self.folder = Folder(uri)
        self.uri = self.folder.uri
        self.ledger = Ledger(self.folder)
        self._above = Ledger(Folder(self.uri.rpartition("/")[0].rpartition("/")[0]))
        self.reach = reach
        self._handle: DeltaTable | None = None

    @classmethod
    def open(cls, uri: str) -> "Table":
        """The table at a path or URL."""
        return cls(uri)

    def stage(self, cycle: str) -> Stage:
        """Where the cycle's parts are written. What an attempt that died has left there is swept away.

        Ask `barred` after this: what is barred later is noticed by `commit`. Raises `ValueError` for a cycle that can't
        be a folder's name.
        """
        if not _CYCLE.fullmatch(cycle):
            raise ValueError(f"{cycle!r} can't name a partition")
        known = {part.path for part in self.active()} | self._superseded()
        known |= {part.path for part in became(self.ledger.entries()).values() if part is not None}
        for name in self.folder.names(f"arrived={cycle}"):
            if name not in known:
                self.folder.remove(name)
        return Stage(self.uri, cycle, self._mark())

    def commit(self, stage: Stage, parts: Iterable[Part | None]) -> int:
        """Make the partition of the stage's cycle these parts and nothing else; the table's new version.

        Raises `StepError` when rows were erased since the stage was opened, a part is gone, or one holds rows that are
        barred. Nothing is changed then; only if rows are erased while the transaction runs, which a lock prevents on
        one machine, the partition is emptied again.
        """
        new = {part.path: part for part in parts if part is not None}
        if wrong := [part.path for part in new.values() if part.arrived != stage.cycle]:
            raise ValueError(f"{wrong[0]} is no part of {stage.cycle}")
        with self.folder.lock():
            self._unchanged(stage, new.values())
            old = {part.path: part for part in self.active() if part.arrived == stage.cycle}
            self.reach("before commit")
            added = [part for path, part in new.items() if path not in old]
            removed = [part for path, part in old.items() if path not in new]
            said = {"what": "cycle", "cycle": stage.cycle, "rows": sum(part.rows for part in new.values())}
            version = self.transact(added, removed, said)
            self.reach("after commit")
            if self._mark() != stage.mark:
                self.transact([], list(new.values()), {"what": "cycle", "cycle": stage.cycle, "rows": 0})
                raise _erased(stage)
        return version

    def _unchanged(self, stage: Stage, parts: Iterable[Part]) -> None:
        if self._mark() != stage.mark:
            raise _erased(stage)
        bars = self.barred()
        for part in parts:
            where = self.folder.at(part.path)
            if self.folder.size(part.path) != part.size:
                raise StepError(f"{part.path} is gone", where=where, cure="run the stage again", retryable=True)
            if bars and holds(self.folder, part, bars):
                cure = "leave out what `Table.barred()` names, then run the stage again"
                raise StepError(f"{part.path} holds rows that were erased", where=where, cure=cure)

    def files(self, cycles: Collection[str] | None = None) -> tuple[Part, ...]:
        """The parts of these cycles (None: of all), as they are now, sorted by cycle, side and first id."""
        parts = followed(self.active(), became(self.ledger.entries()))
        kept = {part for part in parts if cycles is None or part.arrived in cycles}
        return tuple(sorted(kept, key=lambda part: (part.arrived, part.side, part.low, part.path)))

    def ids(self, cycles: Collection[str], low: str = "", high: str = "") -> "pa.Array":
        """The ids of these cycles' rows from `low` on and below `high` (empty: to the end), rising. A string array.

        Reads the id column alone, and of it the row groups that the range touches.
        """
        import pyarrow as pa

        touched = [part for part in self.files(cycles) if part.high >= low and (not high or part.low < high)]
        return pa.concat_arrays(
            [pa.array([], pa.string()), *(ids_of(self.folder, part, low, high) for part in touched)]
        ).sort()

    def barred(self) -> Wanted:
        """Whom and what an erasure has barred: such rows are not taken again."""
        return barred((*self.ledger.entries(), *self._above.entries()))

    def _mark(self) -> str:
        return self.ledger.mark() + self._above.mark()

    def erase(
        self,
        persons: Collection[str] = (),
        ids: Collection[str] = (),
        *,
        record: Record,
        texts: Collection[str] = (),
    ) -> Entry:
        """Rows of these persons (keyed hashes), with these ids, or with a text of these ids leave every file.

        Done again with the same request it finishes what was begun, and does nothing more.
        """
        from steps.snapshot.erase import erase

        return erase(self, Wanted(frozenset(persons), frozenset(ids), frozenset(texts)), record)

    def history(self) -> tuple[Version, ...]:
        """Every transaction, the newest first."""
        delta = self._delta()
        return tuple(map(_version, delta.history())) if delta is not None else ()

    @property
    def version(self) -> int:
        """The number of the last transaction; -1 when there is no table."""
        delta = self._delta()
        return -1 if delta is None else int(delta.version())

    def transact(self, added: Sequence[Part], removed: Sequence[Part], said: Mapping[str, Any]) -> int:
        """One transaction. The table's version, a new one if there was anything to do."""
        from deltalake import CommitProperties

        delta = self._delta() or self._created()
        if added or removed:
            actions = [*map(_removing, removed), *map(_adding, added)]
            told = CommitProperties(custom_metadata={_SAYS: json.dumps({**said, "files": len(added)})})
            with self._understood():
                delta.create_write_transaction(actions, "append", delta.schema(), _PARTITIONS, commit_properties=told)
            self._keep()
        return self.version

    def _keep(self) -> None:
        """The log survives a power failure too: deltalake leaves its files to the system."""
        if not self.folder.remote:
            log = Path(self.uri, "_delta_log")
            sync(log / f"{self.version:020}.json")
            sync(log)

    def active(self) -> tuple[Part, ...]:
        """The parts that Delta Lake knows, whatever the ledger says."""
        import pyarrow as pa

        delta = self._delta()
        if delta is None:
            return ()
        actions = pa.table(delta.get_add_actions(flatten=True))
        names = ("path", "size_bytes", "num_records", "min.id", "max.id")
        if not actions.num_rows:
            return ()
        rows = zip(*(actions[name].to_pylist() for name in names), strict=True)
        return tuple(part for row in rows if (part := named(*row)) is not None)

    def _superseded(self) -> set[str]:
        """The files of replaced partitions that are still there."""
        delta = self._delta()
        if delta is None:
            return set()
        return set(delta.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False))

    def _delta(self) -> "DeltaTable | None":
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        with self._understood():
            try:
                if self._handle is None:
                    self._handle = DeltaTable(self.uri, storage_options=_options(self.uri))
                else:
                    self._handle.update_incremental()
            except TableNotFoundError:
                return None
            return self._handle

    def _created(self) -> "DeltaTable":
        import pyarrow as pa
        from deltalake import DeltaTable

        kinds = schema().append(pa.field("side", pa.string()))
        if not self.folder.remote:
            Path(self.uri).mkdir(parents=True, exist_ok=True)
        with self._understood():
            self._handle = DeltaTable.create(
                self.uri,
                kinds,
                mode="ignore",
                partition_by=_PARTITIONS,
                configuration=_CONFIGURATION,
                storage_options=_options(self.uri),
            )
        return self._handle

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        from deltalake.exceptions import DeltaError

        try:
            yield
        except (DeltaError, OSError, ValueError) as error:
            cure = "check the folder or bucket and who may write there; a table needs a folder, s3://, gs:// or abfs://"
            what = f"the table can't be used: {' '.join(str(error).split())[:300]}"
            raise StepError(what, where=self.uri, cure=cure, retryable=True) from error


def _options(uri: str) -> dict[str, str]:
    """What the environment does not say by itself; deltalake reads AWS_…, GOOGLE_… and AZURE_… there."""
    plain = uri.startswith("s3") and os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    return {"AWS_ALLOW_HTTP": "true"} if plain else {}


def _partition(part: Part) -> dict[str, str | None]:
    return {"arrived": part.arrived, "side": part.side}


def _adding(part: Part) -> Any:
    from deltalake.transaction import AddAction

    bounds = {"minValues": {"id": part.low}, "maxValues": {"id": part.high}, "nullCount": {"id": 0}}
    stats = json.dumps({"numRecords": part.rows, **bounds})
    return AddAction(part.path, part.size, _partition(part), int(time.time() * 1000), True, stats)


def _removing(part: Part) -> Any:
    from deltalake.transaction import RemoveAction

    return RemoveAction(part.path, True, int(time.time() * 1000), part.size, _partition(part))


def _version(commit: Mapping[str, Any]) -> Version:
    said = json.loads(commit.get(_SAYS, "{}"))
    what = said.get("what", "created" if commit["version"] == 0 else str(commit.get("operation", "")).lower())
    at = commit["timestamp"] / 1000
    return Version(commit["version"], at, what, said.get("cycle", ""), said.get("rows", 0), said.get("files", 0))


def _erased(stage: Stage) -> StepError:
    return StepError(
        f"rows were erased while {stage.cycle} was being collected: they may be among what it read",
        where=stage.uri,
        cure="run the stage again: it leaves them out",
        retryable=True,
    )
