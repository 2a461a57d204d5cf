"""Cycles, pipelines and models as the API shows them. Pure but for `model`, which reads the target's pointer."""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator import view
from orchestrator.core.events import ReviewGiven, RunFinished
from orchestrator.core.model import Cycle, Pipeline
from orchestrator.core.report import Product
from orchestrator.core.schedule import following
from orchestrator.journal import Recorded

_ID = re.compile(r"c-[0-9]{6,18}")


def is_id(name: str) -> bool:
    """Whether a cycle may have this name."""
    return _ID.fullmatch(name) is not None


def brief(cycle: Cycle, url: str) -> dict[str, Any]:
    """One line of a list."""
    return {**view.brief(cycle), "url": url}


def whole(cycle: Cycle, url: str, record: Iterable[Recorded]) -> dict[str, Any]:
    """Everything about one cycle, with the reports of its current runs and all reviews that counted."""
    reports, reviews = {}, []
    for one in record:
        event = one.event
        if isinstance(event, ReviewGiven):
            reviews.append(event.review)
        elif isinstance(event, RunFinished) and isinstance(event.outcome, Product):
            reports[event.run] = event.outcome.report
    about = view.whole(cycle)
    stages = [{**stage, "report": reports.get(stage.get("run", ""))} for stage in about["stages"]]
    runs = [
        {
            "id": run.id, "stage": run.stage, "attempt": run.attempt, "digest": run.digest or None,
            "state": run.shown,
        }
        for run in cycle.runs
    ]  # fmt: skip
    return {**about, "url": url, "source": cycle.source, "stages": stages, "runs": runs, "reviews": reviews}


def recorded(one: Recorded) -> dict[str, Any]:
    """An event of the record."""
    return {"cycle": one.cycle, "seq": one.seq, "event": json.loads(one.event.model_dump_json()), "hash": one.hash}


def pipeline(one: Pipeline, source: str, now: datetime) -> dict[str, Any]:
    """A pipeline of the file."""
    schedule = None
    if one.schedule is not None:
        said = {"cron": one.schedule.cron, "timezone": one.schedule.timezone, "when": one.schedule.when}
        schedule = {**said, "next": following(one.schedule, now)}
    stages = [stage.name for stage in one.stages]
    about = {"name": one.name, "stages": stages, "target": one.owns, "overlap": one.overlap}
    return {**about, "schedule": schedule, "source": source}


def model(one: Pipeline, target: Path) -> dict[str, Any]:
    """What the pipeline's target serves."""
    from steps.contract import StepError
    from steps.deploy.target import pointer

    about: dict[str, Any] = {"pipeline": one.name, "target": one.owns, "version": None}
    try:
        now = pointer(target)
    except StepError as error:
        return {**about, "problem": error.failure.what}
    if now is None or not now.version:
        return about
    return {**about, **now.model_dump(include={"version", "digest", "cycle", "run", "history"})}
