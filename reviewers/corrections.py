"""Labels that reviewers corrected: what they are, how they add up, and the event that asks for them to count. Pure.

Laws:
- A correction says which row, from which label to which, by whom and when. They are a record: nothing is taken out.
- A label stands as more than half of those who said something about it say, by each one's last word; else as it came.
  The step decides by the same rule (`steps/labels/corrections.py`), and says where people differ.
- Whoever corrects asks for one rerun of the stage that asked, so that its gate is asked again about what it makes then.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from orchestrator.core.events import RerunAsked
from orchestrator.core.gate import Person
from orchestrator.core.model import Cycle, Opening, State
from orchestrator.core.report import ToLabel
from reviewers.labels import Classes, Problem

PARAMETER = "corrections"
"""What a step calls the parameter that takes them: a JSON list of objects with the fields of `Correction`."""


class Correction(NamedTuple):
    """What somebody said about a label: `was` as it was seen, the same as `label` where that is confirmed. `at` is
    ISO 8601 in UTC.
    """

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
    """Each row's label as it stands: as most people say, else as it came."""
    came: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    for one in corrections:
        came.setdefault(one.id, one.was)
        words.setdefault(one.id, {})[one.by] = one.label
    return {row.id: _agreed(words[row.id], came[row.id]) if row.id in words else row.label for row in rows}


def _agreed(words: Mapping[str, str], came: str) -> str:
    label, count = Counter(words.values()).most_common(1)[0]
    return label if 2 * count > len(words) else came


def changed(labels: Mapping[str, str], stood: Mapping[str, str], by: str, at: datetime) -> tuple[Correction, ...]:
    """The labels that are other than they stood; a row that is not there any more is none."""
    when = stamp(at)
    return tuple(
        Correction(row, was, labels[row], by, when) for row, was in stood.items() if labels.get(row, was) != was
    )


class Said(NamedTuple):
    """A label that somebody gives a row. `where` it stands, to be named if it can't be read; `by` and `at` are empty
    where whoever hands it in says it, and now.
    """

    where: str
    id: str
    label: str
    by: str = ""
    at: str = ""


def weighed(
    said: Iterable[Said],
    rows: Sequence[ToLabel],
    stood: Mapping[str, str],
    by: str = "",
    at: str = "",
    classes: Iterable[str] = (),
) -> tuple[tuple[Correction, ...], tuple[Problem, ...]]:
    """What of it can be read, the oldest first, those who agree with a label as it stood among them; and what can't."""
    known, names = {row.id for row in rows}, Classes(rows, classes)
    found: list[Correction] = []
    problems: list[Problem] = []
    for one in said:
        label = names.named(one.label)
        if one.id not in known:
            what = f"`{one.id[:60]}` is the id of no row that is asked about"
            problems.append(Problem(one.where, what, "take the ids from the newest export"))
        elif isinstance(label, tuple):
            problems.append(Problem(one.where, *label))
        else:
            found.append(Correction(one.id, stood[one.id], label, one.by or by, one.at or at))
    return tuple(sorted(found, key=lambda one: one.at)), tuple(problems)


def question(cycle: Cycle) -> Opening | None:
    """The open gate, if it asks about labels."""
    opening = cycle.opening
    return opening if opening is not None and opening.report.to_label else None


def closed(cycle: Cycle, opening: Opening) -> str:
    """Why labels of that opening can't be corrected any more, and the cure after an arrow; empty while they can: its
    gate is open, or the same stage is running again.
    """
    again = cycle.state is State.RUNNING and cycle.stage.name == opening.stage
    if again or (cycle.opening is not None and cycle.opening.stage == opening.stage):
        return ""
    if cycle.state.ended:
        return f"{cycle.id} is {cycle.state}, and its labels are what they are"
    state = cycle.state.value.replace("_", " ")
    what = f"the labels of {opening.run} are asked about no more: {cycle.id} is {state} at {cycle.stage.name}"
    return f"{what} → say `/rerun from={opening.stage}`, and correct what it asks about then"


def rerun(
    stage: str,
    before: Sequence[Correction],
    new: Sequence[Correction],
    *,
    id: str,
    by: Person,
    at: datetime,
    onto: int,
    evidence: str = "",
) -> RerunAsked:
    """The stage once more, with these corrections beside those that there are. `onto`: the cycle's `seq` when those
    were read, so that nobody else's are lost that come at the same moment.
    """
    changes = {PARAMETER: to_json(dict.fromkeys((*before, *new)))}
    return RerunAsked(at=at, id=id, by=by, stage=stage, changes=changes, onto=onto, evidence=evidence)


def asked(
    cycle: Cycle, said: Iterable[Said], *, id: str, by: Person, at: datetime
) -> tuple[RerunAsked | str, tuple[Problem, ...]]:
    """The rerun that these labels ask for, or why there is none; and what of them can't be read."""
    opening = question(cycle)
    if opening is None:
        state = cycle.state.value.replace("_", " ")
        return f"{cycle.id} is {state} at {cycle.stage.name}, and no gate that asks about labels is open", ()
    before = so_far(cycle, opening.stage)
    if before is None:
        return f"{opening.stage}.{PARAMETER} is set to something else → rerun it with {PARAMETER}=[] first", ()
    rows = opening.report.to_label
    new, problems = weighed(said, rows, standing(rows, before), by.login, stamp(at), opening.report.classes)
    if all(one.was == one.label for one in new):
        return "no label is another one than it stands: nothing changes", problems
    return rerun(opening.stage, before, new, id=id, by=by, at=at, onto=cycle.seq), problems


def smuggled(changes: Mapping[str, str]) -> str:
    """Why these parameters can't be set by whoever typed them; empty where they can. Corrections name who said them,
    and so are taken from those people alone. An empty list takes back what is set.
    """
    words = [key for key, value in changes.items() if key.rpartition(".")[2] == PARAMETER and from_json(value)]
    if not words:
        return ""
    return f"{words[0]} holds people's own words → edit labels.csv, or say `ratchet labels CYCLE --import FILE`"


def readable(key: str, value: str) -> str:
    """A parameter's value for people: corrections in a few words, `3 labels, by alice and bob`; others as they are."""
    found = from_json(value) if value and key.rpartition(".")[2] == PARAMETER else None
    if found is None:
        return value
    people = list(dict.fromkeys(one.by for one in found))
    names = " and ".join(filter(None, (", ".join(people[:-1]), *people[-1:])))
    count = len({one.id for one in found})
    return f"{count} label{'' if count == 1 else 's'}{f', by {names}' if names else ''}"
