"""A cycle as others see it: plain data for `--json` and the API. Pure."""

from collections.abc import Mapping
from typing import Any

from orchestrator.core.course import decision
from orchestrator.core.model import Cycle, Run
from reviewers.corrections import question, so_far, standing
from reviewers.labels import classes


def brief(cycle: Cycle) -> dict[str, Any]:
    """One line of a list."""
    return {
        "id": cycle.id,
        "pipeline": cycle.pipeline.name,
        "state": cycle.state.value,
        "held": cycle.held,
        "stage": cycle.stage.name,
        "reason": cycle.reason,
        "trigger": cycle.trigger.value,
        "initiator": cycle.initiator.login if cycle.initiator else None,
        "began_at": cycle.began_at.isoformat(),
        "changed_at": cycle.changed_at.isoformat(),
    }


def whole(cycle: Cycle) -> dict[str, Any]:
    """Everything about one cycle: stages with their runs, the open gate, the reviews."""
    runs = {run.stage: run for run in cycle.runs}
    return {
        **brief(cycle),
        "purpose": cycle.purpose,
        "params": cycle.params,
        "stages": [_stage(stage.name, stage.step, runs.get(stage.name)) for stage in cycle.pipeline.stages],
        "gate": _gate(cycle),
    }


def _stage(name: str, step: str, run: Run | None) -> dict[str, Any]:
    about: dict[str, Any] = {"name": name, "step": step, "state": "waiting"}
    if run is None:
        return about
    return about | {
        "state": run.shown,
        "run": run.id,
        "attempt": run.attempt,
        "began_at": run.at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "digest": run.digest or None,
        "outputs": run.outputs,
        "failure": run.failure.model_dump(mode="json") if run.failure else None,
    }


def _gate(cycle: Cycle) -> Mapping[str, Any] | None:
    said, opening = decision(cycle), cycle.opening
    if said is None or opening is None:
        return None
    return {
        "stage": opening.stage,
        "run": opening.run,
        "digest": opening.digest,
        "opened_at": opening.at.isoformat(),
        "clauses": [
            {"clause": seat.clause, "met": not seat.missing, "filled_by": list(seat.filled_by), "missing": seat.missing}
            for seat in said.seats
        ],
        "unmet": said.unmet,
        "report": opening.report.model_dump(mode="json"),
        "reviews": [review.model_dump(mode="json") for review in opening.reviews],
    }


def labels(cycle: Cycle) -> dict[str, Any]:
    """The rows that the open gate asks people to label, as they stand, and what was corrected so far."""
    opening = question(cycle)
    corrected = next((name for name in reversed(cycle.params) if so_far(cycle, name)), None)
    stage = opening.stage if opening is not None else corrected
    so = so_far(cycle, stage) or () if stage is not None else ()
    rows = opening.report.to_label if opening is not None else ()
    stood = standing(rows, so)
    return {
        "cycle": cycle.id,
        "stage": stage,
        "run": opening.run if opening is not None else None,
        "classes": list(classes(rows, opening.report.classes if opening is not None else ())),
        "rows": [{**row.model_dump(mode="json"), "label": stood[row.id]} for row in rows],
        "corrections": [one._asdict() for one in so],
    }
