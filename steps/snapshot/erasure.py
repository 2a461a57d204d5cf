"""Forgetting rows wherever they are kept: tables with all their versions, and the working copies of trainings.

Laws: the same request again finishes what was begun and does nothing more; what is asked of no one target is barred for
all tables, also those that there will be; where rows can't be removed, because what was published was approved as it
is, the answer says so.
"""

import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from steps.snapshot.erase import look
from steps.snapshot.folder import Folder
from steps.snapshot.ledger import Ledger, Record
from steps.snapshot.rows import HOLDOUT, Row, Wanted, identity, read_rows, write_rows
from steps.snapshot.table import Table
from steps.snapshot.uses import Gone, Uses, as_data, find_uses

TABLES = "tables"
_FIRST = "_delta_log/00000000000000000000.json"
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Said = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Request(BaseModel):
    """Whose rows, or which, are to be forgotten; who asks, why and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    persons: tuple[Hash, ...] = Field((), description="keyed hashes of people, as in the column `person`")
    ids: tuple[Hash, ...] = Field((), description="ids of rows")
    texts: tuple[Said, ...] = Field((), description="texts, as they stood or as they were de-identified")
    by: Said
    reason: Said
    at: AwareDatetime

    @model_validator(mode="after")
    def _something(self) -> "Request":
        if not (self.persons or self.ids or self.texts):
            raise ValueError("name persons, ids or texts")
        return self

    @property
    def wanted(self) -> Wanted:
        """The same, with no text in it."""
        return Wanted(frozenset(self.persons), frozenset(self.ids), frozenset(map(identity, self.texts)))

    @property
    def record(self) -> Record:
        """Who, why and when."""
        return Record(self.by, self.reason, self.at.astimezone(UTC).isoformat())


class Count:
    """What left one table, or would leave it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cycles: Counter[str] = Counter()
        self.holdout = self.files = 0
        self.version = -1
        self.ids: set[str] = set()
        self.shown: set[str] = set()


def tables_below(root: str, target: str | None = None) -> list[Table]:
    """The tables of a target (None: of all) below an artifact root."""
    home = Folder(root)
    under = f"{TABLES}/{target or '*'}"
    names = [*home.glob(f"{under}/*/{_FIRST}"), *home.glob(f"{under}/{_FIRST}")]
    return [Table(home.at(name.removesuffix(f"/{_FIRST}"))) for name in names]


def erase_everywhere(
    root: str, request: Request, *, target: str | None = None, work: Path | None = None, dry: bool = False
) -> dict[str, Any]:
    """Do it (or only say what would be done), and say where the rows were used. The answer of `erase`, for JSON."""
    home = Folder(root)
    above = None if dry or target else Ledger(Folder(home.at(TABLES)))
    bars = above.begin(request.wanted, request.record) if above else None
    counts = [
        _planned(table, request, home) if dry else _done(table, request, home) for table in tables_below(root, target)
    ]
    if above and bars and not bars.done:
        found = sorted(frozenset[str]().union(*(one.ids for one in counts)))
        above.write(bars.model_copy(update={"found": tuple(found), "done": True}))
    wanted = request.wanted
    ids = frozenset[str]().union(wanted.ids, wanted.texts, *(one.ids for one in counts))
    shown = frozenset[str]().union(wanted.texts, *(one.shown for one in counts))
    wanted = wanted._replace(ids=ids, texts=wanted.texts)
    scratch = _scratch(work, wanted, dry=dry) if work is not None else []
    targets = str(work / "targets") if home.remote and work is not None else home.at("targets")
    uses = find_uses(root, targets, Gone(ids, shown))
    cycles: Counter[str] = sum((one.cycles for one in counts), Counter[str]())
    return {
        "done": not dry,
        "rows": cycles.total(),
        "cycles": dict(sorted(cycles.items())),
        "holdout": sum(one.holdout for one in counts),
        "tables": [
            {"table": one.name, "rows": one.cycles.total(), "version": one.version, "files": one.files}
            for one in counts
        ],
        **as_data(uses),
        "scratch": scratch,
        "notes": _notes(uses, cycles.total()),
    }


def _done(table: Table, request: Request, home: Folder) -> Count:
    wanted = request.wanted
    entry = table.erase(wanted.persons, wanted.ids, texts=wanted.texts, record=request.record)
    count = Count(_named(table, home))
    count.cycles.update(entry.cycles)
    count.holdout, count.version = entry.holdout, table.version
    count.files = sum(file.active for file in entry.files)
    count.ids.update(entry.found)
    count.shown.update(entry.shown)
    return count


def _planned(table: Table, request: Request, home: Folder) -> Count:
    count = Count(_named(table, home))
    count.version = table.version
    for taken in look(table, request.wanted):
        count.cycles[taken.part.arrived] += len(taken.ids)
        count.holdout += len(taken.ids) if taken.part.side == HOLDOUT else 0
        count.files += 1
        count.ids.update(taken.ids)
        count.shown.update(taken.shown)
    return count


def _named(table: Table, home: Folder) -> str:
    return table.uri.removeprefix(f"{home.uri}/")


def _scratch(work: Path, wanted: Wanted, *, dry: bool) -> list[dict[str, Any]]:
    """Rewrite the plain files of rows that trainings keep, and remove what collects have spilled."""
    found: Counter[str] = Counter()
    for path in sorted(work.glob("*/*/scratch/*/*.parquet")):
        if path.name not in ("train.parquet", "validation.parquet"):
            continue
        rows = list(read_rows(path))
        kept = [row for row in rows if not _leaves(row, wanted)]
        if len(kept) < len(rows):
            found[str(path.parent)] += len(rows) - len(kept)
            if not dry:
                write_rows(path, kept)
    if not dry:
        for spill in work.glob("*/*/scratch/spill"):
            shutil.rmtree(spill, ignore_errors=True)
    return [{"folder": folder, "rows": rows} for folder, rows in sorted(found.items())]


def _leaves(row: Row, wanted: Wanted) -> bool:
    if row.id in wanted.ids or (row.person and row.person in wanted.persons):
        return True
    return bool(wanted.texts) and identity(row.text) in wanted.texts


def _notes(uses: Uses, rows: int) -> list[str]:
    """What a planner has to know, in whole sentences."""
    notes = [] if rows else ["No table held such a row; from now on none is taken either."]
    if uses.models:
        names = ", ".join(model.version or model.run for model in uses.models)
        deployed = [model.version or model.run for model in uses.models if model.deployed]
        notes.append(f"Models can't forget: {names} learnt these rows; only a training without them is free of them.")
        if deployed:
            notes.append(f"{', '.join(deployed)} is deployed now: start a cycle with start_from=base to replace it.")
    if uses.predictions:
        notes.append("Published predictions name the ids of these rows and their classes, but no text and no person.")
    if uses.samples:
        runs = ", ".join(one.run for one in uses.samples)
        notes.append(
            f"Reports of {runs} show these texts and can't be changed: what was approved stays as it was, here, in the "
            "record, and in the pull request's comments and files."
        )
    if uses.kept:
        runs = ", ".join(one.run for one in uses.kept)
        notes.append(f"The datasets of {runs} hold the rows themselves: remove those runs' folders to forget them.")
    if uses.silent:
        notes.append(f"The models of {', '.join(uses.silent)} don't say which rows they learnt.")
    return notes


def history(root: str, target: str | None = None) -> dict[str, Any]:
    """Every table's versions and erasures, for JSON."""
    return {"tables": [_history(table, Folder(root)) for table in tables_below(root, target)]}


def _history(table: Table, home: Folder) -> dict[str, Any]:
    parts = table.files()
    versions = [
        {**version._asdict(), "at": datetime.fromtimestamp(version.at, UTC).isoformat()} for version in table.history()
    ]
    erasures = [
        {
            **{name: getattr(entry, name) for name in ("at", "by", "reason", "rows", "holdout", "cycles", "done")},
            "persons": len(entry.persons),
            "ids": len(entry.ids),
            "texts": len(entry.texts),
        }
        for entry in table.ledger.entries()
    ]
    rows, size = sum(part.rows for part in parts), sum(part.size for part in parts)
    return {"table": _named(table, home), "rows": rows, "size": size, "versions": versions, "erasures": erasures}
