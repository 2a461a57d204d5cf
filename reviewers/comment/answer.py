"""What is said to somebody who wrote a command: counted, refused or misread, and the cure. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Literal

from orchestrator.core.model import Cycle
from orchestrator.core.noun import Noun
from reviewers.commands import FORMS
from reviewers.comment.page import marker, page, table
from reviewers.corrections import Correction, readable
from reviewers.safe import block, code, inert_line, prose, text

MOST_LABELS = 50
MARKS = {"counted": "✅", "refused": "❌", "misread": "😕"}

_MEANS = {
    "approve": ("agree; with the digest, to exactly that result", "whoever is asked"),
    "unapprove": ("take your answer back", "whoever gave it"),
    "reject": ("end the cycle: what it made is not wanted", "whoever is asked"),
    "rerun": (
        "do a stage again, with other values if you give any; later answers become void",
        "whoever may write, is asked, or started it",
    ),
    "hold": ("start nothing more", "whoever may write, is asked, or started it"),
    "unhold": ("go on", "maintainers, whoever is asked, or holds it"),
    "cancel": ("stop what runs, and end the cycle", "maintainers, whoever is asked, or started it"),
    "rollback": ("deploy the version before, or the one you name", "maintainers"),
    "delegate": ("let somebody answer in your place until then", "whoever is asked"),
    "status": ("say where the cycle is", "anybody"),
    "help": ("show this list", "anybody"),
}
ROLES = {verb: role for verb, (_, role) in _MEANS.items()}
"""Who may say it, in words: see `reviewers/rights.py`."""


class Line(Noun):
    """The answer to one command: whether it counted, what was said, what follows, and what to do where it did not.

    `block` is Markdown of ours, such as `help_text()`, `changes_diff(...)` or the status.
    """

    kind: Literal["counted", "refused", "misread"]
    said: str = ""
    what: str
    cure: str = ""
    block: str = ""


def answer(about: str, login: str, lines: Sequence[Line]) -> str:
    """The reply to the comment with the id `about`, which `login` wrote."""
    blocks = [f"Answer to {code(login)}:" if login else ""]
    for one in lines:
        said = f"{code(one.said, 100)}: " if one.said else ""
        cure = f" → {prose(one.cure, 1000)}" if one.cure else ""
        blocks += [f"{MARKS[one.kind]} {said}{prose(one.what)}{cure}", one.block]
    return page(marker("answer", about), blocks)


def help_text(roles: Mapping[str, str] = ROLES) -> str:
    """Every command, what it does, and who may say it."""
    rows = [[code(FORMS[verb]), means, text(roles.get(verb, role))] for verb, (means, role) in _MEANS.items()]
    return table(["write", "to", "who may"], rows)


def changes_diff(cycle: Cycle, stage: str, changes: Mapping[str, str]) -> str:
    """What a rerun changes, as a diff: `parameter` of `stage` (the current one if empty), or `stage.parameter`."""
    if not changes:
        return "Nothing is changed: the same parameters again."
    lines: list[str] = []
    for owner, pairs in _owned(changes, stage or cycle.stage.name).items():
        lines.append(f"@@ {inert_line(owner, 80)} @@")
        for key, typed in pairs.items():
            old, value = (readable(key, one) for one in (_before(cycle, owner, key), typed))
            lines += [f"- {inert_line(key, 80)}: {inert_line(old, 300)}"] if old else []
            lines.append(f"+ {inert_line(key, 80)}: {inert_line(value, 300)}")
    return block("\n".join(lines), "diff")


def labels_diff(corrections: Sequence[Correction], texts: Mapping[str, str]) -> str:
    """Labels that somebody changed, as a diff: for each the text, the label that it had and the one that it gets."""
    lines: list[str] = []
    for one in corrections[:MOST_LABELS]:
        lines.append(f"@@ {inert_line(texts.get(one.id, one.id), 120) or '(empty)'} @@")
        lines += [f"- {inert_line(one.was, 80)}", f"+ {inert_line(one.label, 80)}"]
    more = len(corrections) - MOST_LABELS
    shown = block("\n".join(lines), "diff")
    return f"{shown}\n\n… and {more:,} more labels" if more > 0 else shown


def _owned(changes: Mapping[str, str], stage: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for key, value in changes.items():
        owner, dot, field = key.rpartition(".")
        found.setdefault(owner if dot else stage, {})[field] = value
    return found


def _before(cycle: Cycle, stage: str, key: str) -> str:
    """The value until now; empty where it is the step's own default."""
    if key in cycle.params.get(stage, {}):
        return cycle.params[stage][key]
    written = next((one.with_ for one in cycle.pipeline.stages if one.name == stage), {})
    value = written.get(key)
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
