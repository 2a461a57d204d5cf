"""Labels that reviewers corrected: what they are, how they add up, and the event that asks for them to count. Pure.

Laws:
- A correction says which row, from which label to which, by whom and when; nobody's is lost by another's.
- One person's newer word about a row replaces that person's older one; whoever goes back to where they began has said
  nothing. Where several people differ the newest stands, and all are kept, so that agreement can be measured.
- Whoever corrects asks for one rerun of the stage that asked, so that its gate is asked again about what it makes then.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from orchestrator.core.events import RerunAsked
from orchestrator.core.gate import Person
from orchestrator.core.model import Cycle, Opening, State
from orchestrator.core.report import ToLabel

PARAMETER = "corrections"
"""What a step calls the parameter that takes them: a JSON list of objects with the fields of `Correction`."""


class Correction(NamedTuple):
    """One label that somebody changed. `at` is ISO 8601 in UTC."""

    id: str
    was: str
    label: str
    by: str
    at: str


def stamp(at: datetime) -> str:
    """`2026-11-24T02:31:07Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def to_json(corrections: Iterable[Correction]) -> str:
    """As the step's parameter, on one line."""
    return json.dumps([one._asdict() for one in corrections], ensure_ascii=False)


def from_json(text: str) -> tuple[Correction, ...] | None:
    """What the parameter says; None for what is no list of corrections."""
    try:
        found = json.loads(text or "[]")
        made = tuple(Correction(*(one[name] for name in Correction._fields)) for one in found)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return made if all(isinstance(value, str) for one in made for value in one) else None


def so_far(cycle: Cycle, stage: str) -> tuple[Correction, ...] | None:
    """What is corrected already at this stage, also by a rerun that waits for a run to stop; None where the parameter
    holds something else.
    """
    said = cycle.params.get(stage, {}).get(PARAMETER)
    following = cycle.following
    if following is not None and following.kind == "rerun":
        own = following.changes.get(PARAMETER) if following.stage == stage else None
        said = following.changes.get(f"{stage}.{PARAMETER}", own if own is not None else said)
    if said is None:
        written = next((one.with_.get(PARAMETER) for one in cycle.pipeline.stages if one.name == stage), None)
        said = written if isinstance(written, str) else json.dumps(written or [])
    return from_json(said)


def standing(rows: Iterable[ToLabel], corrections: Iterable[Correction]) -> dict[str, str]:
    """Each row's label as it stands: corrected by the newest word about it, else as the report says."""
    found = {row.id: row.label for row in rows}
    return found | {one.id: one.label for one in corrections if one.id in found}


def merged(before: Iterable[Correction], new: Iterable[Correction]) -> tuple[Correction, ...]:
    """Both, the newest last."""
    found = {(one.id, one.by): one for one in before}
    for one in new:
        older = found.pop((one.id, one.by), None)
        since = one if older is None else one._replace(was=older.was)
        if since.was != since.label:
            found[one.id, one.by] = since
    return tuple(found.values())


def changed(labels: Mapping[str, str], stood: Mapping[str, str], by: str, at: datetime) -> tuple[Correction, ...]:
    """The labels that are other than they stood; a row that is not there any more is none."""
    when = stamp(at)
    return tuple(
        Correction(row, was, labels[row], by, when) for row, was in stood.items() if labels.get(row, was) != was
    )


def question(cycle: Cycle) -> Opening | None:
    """The open gate, if it asks about labels."""
    opening = cycle.opening
    return opening if opening is not None and opening.report.to_label else None


def closed(cycle: Cycle, opening: Opening) -> str:
    """Why labels of that opening can't be corrected any more; empty while they can: its gate is open, or the same
    stage is running again.
    """
    again = cycle.state is State.RUNNING and cycle.stage.name == opening.stage
    if again or (cycle.opening is not None and cycle.opening.stage == opening.stage):
        return ""
    if cycle.state.ended:
        return f"{cycle.id} is {cycle.state}, and its labels are what they are"
    return f"the labels of {opening.run} are asked about no more: {cycle.id} is {cycle.state} at {cycle.stage.name}"


def rerun(
    stage: str,
    before: Sequence[Correction],
    new: Sequence[Correction],
    *,
    id: str,
    by: Person,
    at: datetime,
    evidence: str = "",
) -> RerunAsked:
    """The stage once more, with these corrections beside those that there are."""
    changes = {PARAMETER: to_json(merged(before, new))}
    return RerunAsked(at=at, id=id, by=by, stage=stage, changes=changes, evidence=evidence)


def readable(key: str, value: str) -> str:
    """A parameter's value for people: corrections in a few words, `3 labels, by alice and bob`; others as they are."""
    found = from_json(value) if value and key.rpartition(".")[2] == PARAMETER else None
    if found is None:
        return value
    people = list(dict.fromkeys(one.by for one in found))
    names = " and ".join(filter(None, (", ".join(people[:-1]), *people[-1:])))
    count = len({one.id for one in found})
    return f"{count} label{'' if count == 1 else 's'}{f', by {names}' if names else ''}"
