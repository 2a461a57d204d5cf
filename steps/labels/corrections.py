"""What people said about labels: read, checked, settled, and recorded beside the snapshot. Pure.

    corrections.json   {"rows": [{"id": …, "original": "bad", "votes": [{"was": …, "label": …, "by": …, "at": …}]}]}

The record holds ids, labels, logins and times, and no text: erasing a person's rows is to leave out their ids
(`without`). It goes from each snapshot to the next, and adds up: the label of a row follows from the original label and
each person's last word about it, so order and repetition change nothing.

Laws:
- A row's label changes where more than half of those who labelled it agree on another. Where two people disagree the
  original stands, and the row is shown as disputed.
- A person's last word counts (by its time, then its label); who repeats the label as it was has confirmed it.
- Rows of earlier cycles can be corrected as well, if their ids are known. Their partitions are not written again, and
  snapshots already made keep their labels: whoever reads the new snapshot lays `Record.labels` over its rows.
- What can't be applied is refused, one by one, and changes nothing.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from orchestrator.core.nearest import did_you_mean
from steps.contract import StepError, sayable

FILE = "corrections.json"


class Vote(BaseModel):
    """One person's word about a row: the label as that person saw it, and the label it should have."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    was: str = Field(max_length=500)
    label: str = Field(max_length=500, description="the same as `was` confirms it")
    by: str = Field(min_length=1, max_length=200, description="login")
    at: AwareDatetime

    @property
    def rank(self) -> tuple[datetime, str, str]:
        """What decides which of one person's words is the last."""
        return self.at, self.label, self.was


class Correction(Vote):
    """A vote with the row that it is about."""

    id: str = Field(pattern="^([0-9a-f]{32}|[0-9a-f]{64})$", description="the row's id in the snapshot")


class Labelled(BaseModel):
    """All that people said about one row; votes are ordered by login, one a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    original: str = Field(description="the label that the source gave")
    votes: tuple[Vote, ...]

    @property
    def label(self) -> str:
        """The label that more than half of the people gave; the original where there is none."""
        name, count = Counter(vote.label for vote in self.votes).most_common(1)[0]
        return name if 2 * count > len(self.votes) else self.original

    @property
    def disputed(self) -> bool:
        """Whether people differ so much that the original stands."""
        return all(2 * count <= len(self.votes) for count in Counter(vote.label for vote in self.votes).values())


class Record(BaseModel):
    """Everything people said, by row; ordered by id."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: tuple[Labelled, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """The label of every row that somebody labelled, by id: to be laid over the rows of the snapshot."""
        return {row.id: row.label for row in self.rows}

    def without(self, ids: Iterable[str]) -> "Record":
        """The record without those rows, which a person's erasure asks for."""
        gone = set(ids)
        return Record(rows=tuple(row for row in self.rows if row.id not in gone))


class Known(NamedTuple):
    """A row as it stands before the corrections: its text and its label's name."""

    text: str
    label: str


class Refused(NamedTuple):
    """A correction that was not applied."""

    id: str
    why: str


class Change(NamedTuple):
    """A row whose label is another now: who said so, and when for the last time."""

    id: str
    text: str
    was: str
    label: str
    by: tuple[str, ...]
    at: datetime


class Settled(NamedTuple):
    """What became of the corrections: the record with them, the rows whose labels change, and what was refused."""

    record: Record
    changes: tuple[Change, ...] = ()
    refused: tuple[Refused, ...] = ()


def parsed(text: str) -> tuple[tuple[Correction, ...], tuple[Refused, ...]]:
    """The corrections in a JSON list, and what in it is none. What is no list is refused whole, under the id `""`."""
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError) as error:
        return (), (Refused("", f"the corrections are not JSON: {error}"),)
    if not isinstance(found, list):
        return (), (Refused("", "the corrections are not a JSON list"),)
    good, bad = [], []
    for one in found:
        try:
            good.append(Correction.model_validate_json(json.dumps(one)))
        except ValidationError as error:
            name = str(one.get("id", "")) if isinstance(one, dict) else ""
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "a correction"
            bad.append(Refused(sayable(name)[:64], f"{sayable(where)}: {first['msg']}"))
    return tuple(good), tuple(bad)


def settle(
    corrections: Iterable[Correction],
    known: Mapping[str, Known],
    labels: Sequence[str],
    before: Record | None = None,
) -> Settled:
    """Check each correction, add the good ones to the record, and say which labels are others than `known` says.

    `known` holds at least the rows that are corrected, those of earlier cycles too. A correction that the record holds,
    or that its author has replaced since, is neither added nor refused.
    """
    rows = {row.id: _Row(row.original, {vote.by: vote for vote in row.votes}) for row in (before or Record()).rows}
    refused = []
    for one in sorted(set(corrections), key=lambda one: (one.id, one.rank, one.by)):
        why = _why_not(one, known, labels, rows.get(one.id))
        if why:
            refused.append(Refused(one.id, why))
        else:
            rows.setdefault(one.id, _Row(known[one.id].label, {})).add(one)
    whole = tuple(
        Labelled(id=id_, original=row.original, votes=tuple(row.votes[by] for by in sorted(row.votes)))
        for id_, row in sorted(rows.items())
    )
    return Settled(Record(rows=whole), _changes(whole, known), tuple(refused))


class _Row:
    """What is said about a row while it is settled. `said`: every label with its time, those taken back as well."""

    def __init__(self, original: str, votes: dict[str, Vote]) -> None:
        self.original, self.votes = original, votes
        self.said = [(vote.rank, vote.label) for vote in votes.values()]

    def add(self, one: Correction) -> None:
        if one.by not in self.votes or self.votes[one.by].rank < one.rank:
            self.votes[one.by] = Vote(was=one.was, label=one.label, by=one.by, at=one.at)
            self.said.append((one.rank, one.label))

    def seen(self, one: Correction) -> bool:
        """Whether the label can have stood so when the person looked: as it came, or as somebody had said before."""
        earlier = (label for rank, label in self.said if rank < one.rank)
        return one.was == self.original or one.was in earlier or self.has(one)

    def has(self, one: Correction) -> bool:
        """Whether the person has said this or something newer already."""
        return one.by in self.votes and self.votes[one.by].rank >= one.rank


def _why_not(one: Correction, known: Mapping[str, Known], labels: Sequence[str], row: _Row | None) -> str:
    """Why a correction can't be applied; empty if it can."""
    if one.id not in known:
        return "no row of the snapshot has this id: it may have been deleted since"
    if one.label not in labels:
        return f"{one.label[:80]!r} is no class: {did_you_mean(one.label[:80], labels)}"
    if not (row or _Row(known[one.id].label, {})).seen(one):
        now = row.original if row else known[one.id].label
        return f"it is labelled {now!r}, not {one.was[:80]!r}: look at it again"
    return ""


def _changes(rows: Iterable[Labelled], known: Mapping[str, Known]) -> tuple[Change, ...]:
    found = []
    for row in rows:
        if row.id in known and known[row.id].label != row.label:
            said = [vote for vote in row.votes if vote.label == row.label] or list(row.votes)
            at = max(vote.at for vote in said)
            found.append(
                Change(row.id, known[row.id].text, known[row.id].label, row.label, tuple(v.by for v in said), at)
            )
    return tuple(found)


def laid_over(rows: Any, record: Record, labels: Sequence[str]) -> Any:
    """The rows, a pyarrow table or batch with `id` and `label` (place in `labels`), with the record's labels.

    A row without a record, and a class that `labels` lacks, stay as they are.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    places = {id_: labels.index(name) for id_, name in record.labels.items() if name in labels}
    if not places:
        return rows
    column = rows.schema.get_field_index("label")
    kind = rows.schema.field(column).type
    found = pc.index_in(rows.column("id"), value_set=pa.array(list(places), pa.string()))
    new = pc.take(pa.array(list(places.values()), kind), found)
    return rows.set_column(column, rows.schema.field(column), pc.coalesce(new, rows.column(column)))


def read(folder: Path) -> Record:
    """The record beside a snapshot; an empty one where there is none. Raises `StepError` if it can't be read."""
    path = folder / FILE
    try:
        return Record.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Record()
    except (OSError, ValidationError) as error:
        what = f"the record of corrected labels can't be read: {' '.join(str(error).split())[:200]}"
        raise StepError(what, where=str(path), cure="run the collect stage of that cycle again") from error


def written(record: Record) -> bytes:
    """The record as the bytes of `corrections.json`: the same record, the same bytes."""
    return (json.dumps(record.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n").encode()
