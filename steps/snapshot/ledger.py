"""What was erased from a table, and which file became which: `_ledger/<key>.json`, one file an erasure.

Laws: an entry is written before anything is done, and bars its persons and ids from then on; `files` grows before any
file goes, so that whoever finds a file gone finds here what it became; an entry is never removed. What it keeps of a
row is its id, of a person the keyed hash, of a text its id alone: enough to know them again, not to read them.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from steps.contract import StepError
from steps.snapshot.folder import Folder
from steps.snapshot.part import Part
from steps.snapshot.rows import HOLDOUT, Wanted

LEDGER = "_ledger"


class Record(NamedTuple):
    """Who asked for an erasure, why and when (ISO 8601)."""

    by: str
    reason: str
    at: str


class Replaced(NamedTuple):
    """One file's part in an erasure: what it was, what it became (None: nothing was left), and who left."""

    was: Part
    now: Part | None
    active: bool
    gone: int


class Entry(BaseModel):
    """One erasure. `found`: the ids of the rows that it took; `shown`: those of their texts as they were kept."""

    model_config = ConfigDict(frozen=True)
    key: str
    by: str
    reason: str
    at: str
    persons: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    files: tuple[Replaced, ...] = ()
    done: bool = False

    @property
    def wanted(self) -> Wanted:
        """What was asked for."""
        return Wanted(frozenset(self.persons), frozenset(self.ids), frozenset(self.texts))

    @property
    def rows(self) -> int:
        """Rows that left the table; those of files that were no longer part of it are not counted."""
        return sum(file.gone for file in self.files if file.active)

    @property
    def holdout(self) -> int:
        """Of them, rows of hold-outs."""
        return sum(file.gone for file in self.files if file.active and file.was.side == HOLDOUT)

    @property
    def cycles(self) -> dict[str, int]:
        """Of them, by the cycle that had brought them."""
        counts: dict[str, int] = {}
        for file in self.files:
            if file.active and file.gone:
                counts[file.was.arrived] = counts.get(file.was.arrived, 0) + file.gone
        return dict(sorted(counts.items()))


class Ledger:
    """The erasures of one table."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def entries(self) -> tuple[Entry, ...]:
        """All of them, in the order in which they were asked for. Raises `StepError` when one can't be read."""
        found = [self._read(name) for name in self._names()]
        return tuple(sorted(found, key=lambda entry: (entry.at, entry.key)))

    def mark(self) -> str:
        """Changes with every new erasure."""
        return sha256("\n".join(self._names()).encode()).hexdigest()[:16]

    def cycles(self) -> set[str]:
        """The cycles that erasures have taken rows of."""
        return {file.was.arrived for entry in self.entries() for file in entry.files}

    def begin(self, wanted: Wanted, record: Record) -> Entry:
        """The entry of this request: the one there is, or a new one that has done nothing yet."""
        asked = [*(sorted(one) for one in wanted), record.by, record.at]
        key = sha256(json.dumps(asked).encode()).hexdigest()[:16]
        if f"{LEDGER}/{key}.json" in self._names():
            return self._read(f"{LEDGER}/{key}.json")
        persons, ids, texts = (tuple(sorted(one)) for one in wanted)
        return self.write(Entry(key=key, persons=persons, ids=ids, texts=texts, **record._asdict()))

    def write(self, entry: Entry) -> Entry:
        """Write the entry, or what it has become."""
        self.folder.write(f"{LEDGER}/{entry.key}.json", entry.model_dump_json() + "\n")
        return entry

    def _names(self) -> list[str]:
        return [name for name in self.folder.names(LEDGER) if name.endswith(".json")]

    def _read(self, name: str) -> Entry:
        try:
            return Entry.model_validate_json(self.folder.read(name))
        except ValidationError as error:
            cure = "restore it from a backup: it says which files an erasure replaced"
            raise StepError("an entry of the ledger can't be read", where=self.folder.at(name), cure=cure) from error


def barred(entries: Iterable[Entry]) -> Wanted:
    """What may never come back: all that was asked for, and the ids of all that was found."""
    bars = Wanted()
    for entry in entries:
        bars = bars.and_also(entry.wanted).and_also(Wanted(ids=frozenset(entry.found)))
    return bars


def became(entries: Iterable[Entry]) -> Mapping[str, Part | None]:
    """For each file that an erasure replaced, by path: what it became, or None."""
    return {file.was.path: file.now for entry in entries for file in entry.files}


def followed(parts: Iterable[Part], became: Mapping[str, Part | None]) -> tuple[Part, ...]:
    """The parts as they are now, after every erasure that touched them."""
    now = []
    for part in parts:
        found: Part | None = part
        while found is not None and found.path in became:
            found = became[found.path]
        if found is not None:
            now.append(found)
    return tuple(now)
