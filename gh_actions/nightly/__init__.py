"""Ask the server which schedules are due, and let those begin: a nudge, as the server has a clock of its own."""

import re
from datetime import UTC, datetime
from typing import Any

from gh_actions.toolkit import Action, cell, link
from orchestrator.trouble import Trouble

INPUTS = ("server", "pipeline", "date", "token", "audience")
OUTPUTS = ("cycles", "started")


def run(action: Action) -> int:
    """0 whether something began or not; a date begins a pipeline's cycle once."""
    date = action.input("date") or f"{datetime.now(UTC):%Y-%m-%d}"
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        raise Trouble("input date is no date", "write one like 2026-11-20, or leave it out", code=2)
    key = f"nightly/{date}/{action.repository}"[:150]
    plans = action.client().plan(action.input("pipeline"), trigger=True, key=key)
    cycles = [str(plan["cycle"]) for plan in plans if plan.get("cycle")]
    began = sum(bool(plan.get("cycle") and plan.get("due")) for plan in plans)
    for plan in plans:
        action.say(_sentence(plan))
    if not plans:
        action.annotate("warning", "no pipeline of the server's ratchet.yaml has a schedule: nothing will ever begin")
    action.output("cycles", " ".join(cycles))
    action.output("started", str(began))
    rows = [("Pipeline", "Cycle", "Why", "Next"), *(_row(plan) for plan in plans)]
    action.summarise(f"Ratchet, {date}: {began} of {len(plans)} began", rows)
    return 0


def _sentence(plan: dict[str, Any]) -> str:
    when = "began" if plan.get("due") else "began before"
    what = f"{plan['cycle']} {when}" if plan.get("cycle") else "skipped"
    next_ = f"; next: {plan['next']}" if plan.get("next") else ""
    return f"{plan.get('pipeline')}: {what}: {plan.get('reason') or 'no reason is given'}{next_}"


def _row(plan: dict[str, Any]) -> tuple[str, ...]:
    cycle = link(str(plan["cycle"]), str(plan.get("url") or "")) if plan.get("cycle") else "skipped"
    return (
        cell(str(plan.get("pipeline"))),
        cycle,
        cell(str(plan.get("reason") or "")),
        cell(str(plan.get("next") or "")),
    )
