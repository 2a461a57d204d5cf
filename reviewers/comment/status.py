"""The one comment that is edited in place: where the cycle is, what it waits for, and what to do about it. Pure."""

from collections.abc import Sequence
from datetime import datetime

from orchestrator.core.course import decision
from orchestrator.core.gate import Seat
from orchestrator.core.model import Cycle, Opening, Run, State
from reviewers.comment.gate import report_link
from reviewers.comment.mermaid import flowchart
from reviewers.comment.page import Links, folded, link, marker, page, small, table, when
from reviewers.comment.words import (
    SHOWN,
    clause_words,
    failure_words,
    headline_words,
    missing_words,
    onward,
    review_words,
)
from reviewers.plain import duration
from reviewers.safe import block, code, text

LABELS = {
    "ratchet": ("5319e7", "A cycle of Ratchet"),
    "ratchet:queued": ("d4c5f9", "Waits for its turn"),
    "ratchet:running": ("1d76db", "A stage is running"),
    "ratchet:in review": ("fbca04", "Waits for people to agree"),
    "ratchet:held": ("e99695", "On hold: nothing starts"),
    "ratchet:failed": ("d93f0b", "A stage failed: somebody must say what next"),
    "ratchet:done": ("0e8a16", "Every stage finished, and every gate agreed"),
    "ratchet:rejected": ("b60205", "Ended: somebody said no"),
    "ratchet:cancelled": ("cccccc", "Ended: somebody cancelled it"),
    "ratchet:skipped": ("eeeeee", "Ended: there was nothing for it to do"),
}
"""Every label that we set: its colour and what it means."""


def labels(cycle: Cycle) -> set[str]:
    """The labels of the cycle's pull request now: a subset of `LABELS`."""
    found = {"ratchet", f"ratchet:{cycle.state.value.replace('_', ' ')}"}
    return found | {"ratchet:held"} if cycle.held is not None else found


def status(cycle: Cycle, links: Links, now: datetime, *, head: str = "") -> str:
    """The status comment. `head` is the newest hash of the cycle's record; `now` tells only what has passed."""
    blocks = [
        f"### {headline_words(cycle)}",
        _cure(cycle, now),
        block(flowchart(cycle), "mermaid"),
        *_gate(cycle, now),
        folded("Every stage so far", _runs(cycle, links)) if cycle.runs else "",
        _links(links),
        _print(cycle, head),
    ]
    return page(marker("status", cycle.id), blocks, rest=links.server)


def _cure(cycle: Cycle, now: datetime) -> str:
    """What is wrong, and what to do about it."""
    if cycle.held is not None and not cycle.state.ended:
        return "Nothing more starts until somebody says `/unhold`. Answers are still taken."
    run = cycle.run
    if cycle.state is State.FAILED and run is not None and run.failure is not None:
        return (
            f"> [!CAUTION]\n> {failure_words(run.failure)}\n\n"
            f"Say `/rerun` to try {code(run.stage)} again, `/rerun key=value` to try it with another value, "
            "or `/cancel reason` to end the cycle."
        )
    if cycle.state is State.RUNNING and run is not None and run.tries:
        again = f"on {when(run.due)}" if run.due and now < run.due else "now"
        return f"It failed before, and is tried again {again}, without anybody being asked."
    return ""


def _gate(cycle: Cycle, now: datetime) -> list[str]:
    opening, said = cycle.opening, decision(cycle)
    if opening is None or said is None:
        return []
    blocks = ["#### Who has agreed", _seats(said.seats), _barred(cycle)] if said.seats else []
    if said.verdict == "wait":
        blocks += [
            f"To agree, so that {onward(cycle, opening.stage)}, write this line in a comment:",
            block(f"/approve {opening.digest[:SHOWN]}"),
        ]
    if opening.reviews:
        blocks += ["#### Answers so far", "\n".join(f"- {review_words(one)}" for one in opening.reviews[-50:])]
    return [*blocks, _deadline(cycle, opening, now)]


def _barred(cycle: Cycle) -> str:
    """Who does not count, if the gate says so beside its clauses."""
    gate, by = cycle.stage.gate, cycle.initiator
    if gate is None or not gate.bars_initiator or by is None:
        return ""
    return f"{code(by.login)} started this cycle, and does not count here."


def _seats(seats: Sequence[Seat]) -> str:
    """The clauses of the gate: met or not, by whom, and what is missing."""
    policy = next((place for place, one in enumerate(seats) if one.clause.startswith("policy ")), len(seats))
    agreed = policy < len(seats) and not seats[policy].missing
    rows = [_seat(one, needless=agreed and place > policy) for place, one in enumerate(seats)]
    return table(["", "asked", "agreed", "missing"], rows)


def _seat(seat: Seat, *, needless: bool) -> list[str]:
    who = ", ".join(code(one) for one in seat.filled_by)
    if seat.clause.startswith("policy ") and not seat.missing:
        who = "yes"
    if seat.clause == "not_initiator":
        return ["☑️\u00a0rule", "whoever started the cycle does not count", "", ""]
    if needless and seat.missing:
        return ["➖\u00a0not\u00a0needed", clause_words(seat.clause), who, ""]
    if " says no" in seat.missing:
        return ["❌\u00a0no", clause_words(seat.clause), "", "says no: its answer is below"]
    mark = "⏳\u00a0open" if seat.missing else "✅\u00a0met"
    return [mark, clause_words(seat.clause), who, missing_words(seat.missing)]


def _deadline(cycle: Cycle, opening: Opening, now: datetime) -> str:
    """What happens next if nobody answers."""
    deadline = cycle.stage.gate.deadline if cycle.stage.gate else None
    if deadline is None:
        return ""
    ends = opening.at + deadline.after
    if opening.overdue or now >= ends:
        return f"⏰ The deadline passed on {when(ends)}."
    then = "ends" if deadline.then == "reject" else "is put on hold"
    said = f"⏰ Without agreement the cycle {then} on {when(ends)}."
    if deadline.remind is None:
        return said
    reminder = opening.at + deadline.remind * (opening.reminders + 1)
    return f"{said} The next reminder is on {when(reminder)}." if now <= reminder < ends else said


def _runs(cycle: Cycle, links: Links) -> str:
    return table(["stage", "attempt", "began", "took", "is", "digest"], [_run(cycle, run, links) for run in cycle.runs])


def _run(cycle: Cycle, run: Run, links: Links) -> list[str]:
    took = duration((run.ended_at - run.at).total_seconds()) if run.ended_at else ""
    gated = cycle.pipeline.stages[cycle.pipeline.index(run.stage)].gate is not None
    state = "nothing to do" if run.shown == "skipped" else str(run.shown)
    if gated and run.state == "done":
        state = f"{state}, {link('report', report_link(links, run.id))}" if report_link(links, run.id) else state
    digest = code(run.digest[:SHOWN]) if run.digest else ""
    return [code(run.stage), str(run.attempt), when(run.at), took, state, digest]


def _links(links: Links) -> str:
    found = [
        link(words, url)
        for words, url in (
            ("The cycle's page", links.server),
            ("Reports and digests", links.branch),
            ("The workflow run that started it", links.workflow_run),
        )
        if url
    ]
    return " · ".join(found)


def _print(cycle: Cycle, head: str) -> str:
    return small(
        f"{text(cycle.id)}, {text(cycle.pipeline.name)}",
        f"last change {when(cycle.changed_at)}",
        f"event {cycle.seq}",
        f"record {code(head[:SHOWN])}" if head else "",
        "say `/help` for what may be said here",
    )
