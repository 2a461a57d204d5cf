"""The commands that only look: list, show, logs, audit, schema, query."""

import subprocess
import sys
from argparse import Namespace
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from orchestrator.actions import Answer, configuration, cycle_of, pipeline_of
from orchestrator.app import App
from orchestrator.core.events import Erased
from orchestrator.core.model import Cycle, Run, State
from orchestrator.ports import Running
from orchestrator.trouble import Trouble
from orchestrator.view import brief, whole
from reviewers.plain import duration, inert, tame

_MARKS = {"done": "✓", "running": "▶", "failed": "✗", "skipped": "–", "waiting": "·"}


def cycles(arguments: Namespace, app: App) -> Answer:
    """The newest cycles first."""
    found = app.journal.cycles(arguments.pipeline, limit=arguments.limit)
    if not found:
        of = f" of {inert(arguments.pipeline, 80)}" if arguments.pipeline else ""
        return [], f"no cycle{of} yet: begin one with `ratchet run {arguments.pipeline or 'PIPELINE'}`"
    rows = [("cycle", "pipeline", "state", "stage", "progress", "changed")]
    now = app.clock.now()
    for cycle in found:
        state = f"{cycle.state.value}, held" if cycle.held else cycle.state.value
        rows.append(
            (cycle.id, cycle.pipeline.name, state, cycle.stage.name, _progress(app, cycle), _ago(now, cycle.changed_at))
        )
    return [brief(cycle) for cycle in found], _columns(rows)


def show(arguments: Namespace, app: App) -> Answer:
    """One cycle: stages, the open gate with what is missing, and its report."""
    cycle = cycle_of(app, arguments.cycle)
    data = whole(cycle)
    lines = [
        f"{cycle.id}: {cycle.pipeline.name}, {cycle.state.value}"
        + (f", held ({inert(cycle.held)})" if cycle.held else "")
    ]
    if cycle.purpose:
        lines.append(f"  why: {inert(cycle.purpose)}")
    if cycle.reason:
        lines.append(f"  {inert(cycle.reason)}")
    for stage in data["stages"]:
        digest = f"  {stage['digest'][:12]}" if stage.get("digest") else ""
        moving = f"  {_progress(app, cycle)}" if stage["state"] == "running" else ""
        lines.append(f"  {_MARKS[stage['state']]} {stage['name']:<12}{digest}{moving}".rstrip())
    events = (one.event for one in app.journal.events(cycle.id))
    lines += [_erased(event) for event in events if isinstance(event, Erased)]
    gate = data["gate"]
    if gate is not None:
        lines.append(f"  gate of {gate['stage']}, about {gate['digest'][:12]}:")
        lines += [
            f"    {'✓' if one['met'] else '·'} {one['clause']}  {inert(one['missing'])}".rstrip()
            for one in gate["clauses"]
        ]
    text = "\n".join(lines)
    report = cycle.opening.report if cycle.opening else None
    shown = arguments.report or (cycle.opening.stage if cycle.opening else "")
    if arguments.report:
        run = next((one for one in cycle.runs if one.stage == arguments.report), None)
        report = app.journal.report(run.id) if run else None
        if report is None:
            raise Trouble(
                f"{cycle.id} has no report of {arguments.report} yet", f"see `ratchet show {cycle.id}`", code=2
            )
        data["report"] = report.model_dump(mode="json")
    if report is not None:
        from reviewers.text import render, report_view

        text += f"\n\n{shown}:\n{render(report_view(report), colour=sys.stdout.isatty())}".rstrip()
    return data, text


def _erased(event: Erased) -> str:
    where = ", ".join(sorted(event.cycles)) or "no cycle"
    when = f"{event.at:%Y-%m-%d %H:%M}"
    return f"  {when} {inert(event.by.login, 80)} erased {event.rows} rows of {where}: {inert(event.reason, 300)}"


def logs(arguments: Namespace, app: App) -> Answer:
    """What the run of a stage has printed."""
    cycle = cycle_of(app, arguments.cycle)
    stage = arguments.stage or (cycle.run.stage if cycle.run else "")
    run = next((one for one in cycle.runs if one.stage == stage), None)
    if run is None:
        reached = ", ".join(one.stage for one in cycle.runs) or "none"
        raise Trouble(f"{cycle.id} has no run of {stage or 'any stage'} yet", f"stages reached: {reached}", code=2)
    path = app.work / run.id / "log.txt"
    try:
        text = path.read_text(errors="replace")
    except OSError:
        raise Trouble(f"{run.id} has left no log on this machine", f"look where it ran, in {path}") from None
    said = tame(text).rstrip("\n")
    return {"run": run.id, "path": str(path), "text": text}, said or f"{run.id} has printed nothing"


def audit(arguments: Namespace, app: App) -> Answer:
    """Verify the record. Raises `Trouble` with the first altered row of each cycle."""
    from orchestrator.audit import verify

    found = list(verify(app.store))
    if found:
        raise Trouble("the record was altered: " + "\n".join(found), "restore the database from a backup")
    return {"verified": True}, "the record is whole: every event is linked, and every cycle is the fold of its events"


def schema(arguments: Namespace) -> Answer:
    """JSON Schema of ratchet.yaml."""
    import json

    from orchestrator.outline import outline

    data = outline()
    return data, json.dumps(data, indent=2)


def query(arguments: Namespace, app: App) -> Answer:
    """Ask the deployed model."""
    target = app.target(pipeline_of(configuration(arguments.config), arguments.pipeline))
    command = [sys.executable, "-m", "steps.deploy", "query", str(target), "--", *arguments.text]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Trouble(done.stderr.strip().removeprefix("error: ") or f"the query ended with {done.returncode}")
    return {"answer": done.stdout.strip().splitlines()}, done.stdout.strip()


def ending(app: App, cycle: Cycle) -> str:
    """What a person may want after a cycle has ended here."""
    text = StringIO()
    name, why = cycle.pipeline.name, f": {inert(cycle.reason)}" if cycle.reason else ""
    if cycle.state is State.FAILED:  # why was said a moment ago
        print(f"\n{cycle.id} has failed at {cycle.stage.name}", file=text)
    else:
        print(f"\n{cycle.id} is {cycle.state.value}{why}", file=text)
    if cycle.state is State.SKIPPED:
        return text.getvalue().rstrip()
    print(f"  reports   ratchet show {cycle.id} --report STAGE", file=text)
    print(f"  artifacts {app.artifacts}/{cycle.id}", file=text)
    pointer = app.target(cycle.pipeline) / "current.json"
    if cycle.state is State.DONE and pointer.exists():
        print(f"  model     {pointer.parent}", file=text)
        print(f'  ask it    ratchet query {name} "What a lovely day"', file=text)
    elif cycle.state is State.FAILED:
        print(f"  log       ratchet logs {cycle.id}", file=text)
        print(
            f"  go on     ratchet run {name}   (tries {cycle.stage.name} again)\n"
            f"  or end it ratchet cancel {cycle.id} --reason TEXT",
            file=text,
        )
    return text.getvalue().rstrip()


def _progress(app: App, cycle: Cycle) -> str:
    run = cycle.run
    if cycle.state is not State.RUNNING or run is None or run.state != "wanted":
        return f"{sum(one.state == 'done' for one in cycle.runs)}/{len(cycle.pipeline.stages)} stages"
    return _moving(app, cycle, run)


def _moving(app: App, cycle: Cycle, run: Run) -> str:
    """How far a run is, as far as this machine can tell."""
    from pydantic import ValidationError

    from orchestrator.ports import Progress

    try:
        found = Running(progress=Progress.model_validate_json((app.work / run.id / "progress.json").read_bytes()))
    except (OSError, ValidationError):
        return "running"
    progress = found.progress
    if progress is None or not progress.total:
        return "running"
    return f"{100 * progress.done / progress.total:.0f} % of {progress.total:g} {progress.unit}".strip()


def _ago(now: datetime, then: datetime) -> str:
    seconds = (now - then.astimezone(UTC)).total_seconds()
    return f"{duration(max(0.0, seconds))} ago"


def _columns(rows: list[tuple[Any, ...]]) -> str:
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
