"""What people are told outside the review room: a gate that opened, a reminder, a failure, an ending. Pure.

Laws:
- A notice has a key that is the same whoever makes it, and however often: what was told once is not told again.
- What data, steps and people wrote can do nothing in a chat or a mail: it mentions nobody, links nowhere, is no markup
  and begins no line.
- Title and text together have at most 1,400 characters, so that a late one can say so within 1,500; a link is
  written whole or not at all.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from orchestrator.core.gate import Clause, Gate, decide
from orchestrator.core.model import Cycle, Opening, State
from orchestrator.core.noun import Noun
from reviewers.plain import inert

MOST = 1500
PATIENCE = timedelta(minutes=1)  # how long a policy may think before people are told of its gate

Kind = Literal["opened", "reminder", "overdue", "failed", "held", "ended"]
Level = Literal["info", "success", "warning", "failure"]

_TIMED_OUT = "nobody closed the gate of "  # how the core begins the reason of a hold that nobody asked for
_LINK = re.compile(r"https?://[^\s<>|*`\\\[\]()]{1,200}")
_ACTS = re.compile(
    r"[<>&*`~|\[\]\\@#]"  # mentions, channels, links, HTML, emphasis, code, tables, headings
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis; within a word it is none
    r"|:(?=\S)"  # addresses and :emoji:
)
_DOMAIN = re.compile(r"(?<=\w)\.(?=[^\W\d_])")
_ROLES = {
    "@write": "the people who may write to the repository",
    "@maintain": "the repository's maintainers",
    "@admin": "the repository's administrators",
    "@anyone": "whoever may write to the repository",
}
_ENDINGS: dict[State, tuple[Level, str]] = {
    State.DONE: ("success", "done"),
    State.REJECTED: ("warning", "rejected"),
    State.CANCELLED: ("warning", "cancelled"),
    State.SKIPPED: ("info", "skipped"),
}


class Notice(Noun):
    """One thing that people are told about a cycle. `key` names it for ever."""

    key: str = Field(min_length=1, max_length=200)
    cycle: str
    kind: Kind
    level: Level
    title: str
    text: str


def disarmed(text: str, most: int) -> str:
    """One line that no chat, mail program or Markdown acts upon: look-alikes stand for the characters that could."""
    wide = _ACTS.sub(lambda found: chr(ord(found[0]) + 0xFEE0), inert(text, most))
    return _DOMAIN.sub("\u2024", wide)


def undecided(cycle: Cycle, now: datetime) -> bool:
    """Whether the open gate asks a policy first, which may close it at any moment, so that nobody is told of it yet."""
    opening, gate = cycle.opening, cycle.stage.gate
    if opening is None or gate is None or gate.policy is None or gate.require:
        return False
    return now < opening.at + PATIENCE and all(review.authority != "policy" for review in opening.reviews)


def due(cycle: Cycle, now: datetime, *, link: str = "", hold: str = "") -> tuple[Notice, ...]:
    """Everything that people should have been told of the cycle as it is, the oldest first; of reminders, the newest.

    `link`: where the cycle is reviewed. `hold`: the id under which the hold was said; without it, its words stand for
    it, and the same words said again at the same run are no news.
    """
    if cycle.state.ended:
        return (_ended(cycle, link),)
    found = [_failed(cycle, link)] if cycle.state is State.FAILED else []
    opening, gate = cycle.opening, cycle.stage.gate
    if opening is not None and gate is not None:
        if not undecided(cycle, now):
            found.append(_opened(cycle, opening, gate, link))
        if opening.reminders:
            found.append(_reminder(cycle, opening, gate, link))
        if opening.overdue:
            found.append(_overdue(cycle, opening, gate, link))
    if cycle.held is not None and not (opening and opening.overdue and cycle.held.startswith(_TIMED_OUT)):
        found.append(_held(cycle, cycle.held, hold, link))
    return tuple(found)


def _opened(cycle: Cycle, opening: Opening, gate: Gate, link: str) -> Notice:
    return _notice(
        cycle, f"{opening.run} opened {opening.digest[:16]}", "opened", "info", f"{opening.stage} waits for an answer",
        [*_asked(cycle, opening, gate, "Asked"), *_found(opening), _decides(cycle), _until(opening, gate),
         _began(cycle)],
        "Answer here", link,
    )  # fmt: skip


def _reminder(cycle: Cycle, opening: Opening, gate: Gate, link: str) -> Notice:
    number = opening.reminders
    return _notice(
        cycle, f"{opening.run} reminder {number}", "reminder", "warning",
        f"{opening.stage} still waits for an answer (reminder {number})",
        [*_asked(cycle, opening, gate, "Still needed"), f"It has waited since {_when(opening.at)}.", *_found(opening),
         _until(opening, gate), _began(cycle)],
        "Answer here", link,
    )  # fmt: skip


def _overdue(cycle: Cycle, opening: Opening, gate: Gate, link: str) -> Notice:
    return _notice(
        cycle, f"{opening.run} overdue", "overdue", "warning", f"{opening.stage} was not answered in time",
        ["It is held: nothing goes on until it is answered and somebody lifts the hold.",
         *_asked(cycle, opening, gate, "Still needed"), f"It has waited since {_when(opening.at)}.", *_found(opening),
         _began(cycle)],
        "Answer here", link,
    )  # fmt: skip


def _failed(cycle: Cycle, link: str) -> Notice:
    run = cycle.run.id if cycle.run else cycle.id
    return _notice(
        cycle, f"{run} failed", "failed", "failure", f"{cycle.stage.name} failed",
        [f"Somebody has to decide: try {cycle.stage.name} again (rerun), or end this (cancel).",
         f"What happened: {disarmed(cycle.reason, 500)}", _began(cycle)],
        "Decide here", link,
    )  # fmt: skip


def _held(cycle: Cycle, held: str, hold: str, link: str) -> Notice:
    place = cycle.run.id if cycle.run else cycle.id
    name = hashlib.sha256((hold or f"{place} {held}").encode()).hexdigest()[:16]
    return _notice(
        cycle, f"{cycle.id} held {name}", "held", "warning", "held",
        [f"Nothing new begins until somebody lifts the hold. Held by {disarmed(held, 300)}", _began(cycle)],
        "See it here", link,
    )  # fmt: skip


def _ended(cycle: Cycle, link: str) -> Notice:
    level, word = _ENDINGS[cycle.state]
    count = len(cycle.pipeline.stages)
    stages = "Its one stage is done." if count == 1 else f"All {count} stages are done."
    why = stages if cycle.state is State.DONE else f"Why: {disarmed(cycle.reason, 500) or 'nobody said'}"
    return _notice(
        cycle, f"{cycle.id} {word}", "ended", level, word,
        [why, "" if cycle.state is State.DONE else "Nothing more of it begins.", _began(cycle)], "See it here", link,
    )  # fmt: skip


def _notice(
    cycle: Cycle, key: str, kind: Kind, level: Level, title: str, lines: Iterable[str], ask: str, link: str
) -> Notice:
    last = f"{ask}: {link}" if _LINK.fullmatch(link) else ""
    text = "\n".join(line for line in (*lines, last) if line)
    full = f"{cycle.pipeline.name} {cycle.id}: {title}"
    return Notice(key=key, cycle=cycle.id, kind=kind, level=level, title=full, text=text)


# Sentences


def _asked(cycle: Cycle, opening: Opening, gate: Gate, word: str) -> list[str]:
    """Who is asked and has not answered, and what the policy said if it was asked first."""
    said = decide(gate, opening.reviews, opening.roster, cycle.initiator, attended=cycle.attended)
    lacking = {seat.clause: seat.missing for seat in said.seats if seat.missing}
    policy = lacking.get(f"policy {gate.policy}", "")
    clauses = (*gate.require, *gate.otherwise) if policy else gate.require
    names = [_who(clause) for clause in clauses if str(clause) in lacking]
    shown = "; ".join(names[:3]) + (f"; and {len(names) - 3} more" if len(names) > 3 else "")
    barred = ""
    if gate.bars_initiator and cycle.initiator is not None:
        barred = f" {disarmed(cycle.initiator.login, 40)}, who started it, does not count."
    asked = f"{word}: {shown}.{barred}" if shown else "Nobody else is needed."
    return [asked, f"P{disarmed(policy[1:], 120)}" if policy else ""]


def _who(clause: Clause) -> str:
    name = _ROLES.get(clause.who) or disarmed(clause.who.lstrip("@"), 40)
    return f"{clause.count} of {name}" if clause.kind == "quorum" and clause.who.startswith("@") else name


def _found(opening: Opening) -> list[str]:
    """The first sentence of the report's summary, and how many warnings there are."""
    report = opening.report
    sentence = re.split(r"(?<=[.!?])\s", report.summary.strip(), maxsplit=1)[0]
    count = len(report.warnings)
    warned = f"The report has {count} warning{'s' if count > 1 else ''}." if count else ""
    return [f"What {opening.stage} found: {disarmed(sentence, 180)}", warned]


def _decides(cycle: Cycle) -> str:
    rest = cycle.pipeline.stages[cycle.position + 1 :]
    return (
        f"The answer decides whether {rest[0].name if rest else 'it is accepted as done'}{' begins' if rest else ''}."
    )


def _until(opening: Opening, gate: Gate) -> str:
    if gate.deadline is None:
        return ""
    then = {"hold": "held", "reject": "rejected"}[gate.deadline.then]
    return f"Without an answer by {_when(opening.at + gate.deadline.after)} it is {then}."


def _began(cycle: Cycle) -> str:
    by = f" by {disarmed(cycle.initiator.login, 40)}" if cycle.initiator else f" by the {cycle.trigger.value}"
    why = f": {disarmed(cycle.purpose, 100)}" if cycle.purpose else "."
    return f"Started {_when(cycle.began_at)}{by}{why}"


def _when(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
