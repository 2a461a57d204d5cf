"""What comes next for a cycle, as far as the facts allow: runs, gates, retries and endings. Pure.

Laws:
- `settle` is the one place that decides what follows; every event ends in it, or changes nothing that it looks at.
- A step that finds nothing to do, at whatever stage, ends the cycle as skipped; it is not tried again.
- Nothing follows while a run is wanted, and, but for an ending that somebody asked for, while the cycle is held.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from orchestrator.core.effects import AskReview, Effect, ReleaseLease, StartRun, StopRun, TakeLease, Wake
from orchestrator.core.gate import Decision, decide
from orchestrator.core.model import Cycle, Following, Opening, Pipeline, Run, State
from orchestrator.core.report import Product

Effects = tuple[Effect, ...]


class Folded(NamedTuple):
    """The cycle after the event, and what has to be done."""

    cycle: Cycle
    effects: Effects


def decision(cycle: Cycle) -> Decision | None:
    """What the open gate says now; None where no gate is open."""
    gate, opening = cycle.stage.gate, cycle.opening
    if gate is None or opening is None:
        return None
    return decide(gate, opening.reviews, opening.roster, cycle.initiator, attended=cycle.attended)


def open_gate(cycle: Cycle, run: Run, product: Product, at: datetime) -> Folded:
    opening = Opening(run=run.id, stage=run.stage, digest=run.digest, at=at, report=product.report)
    effects: list[Effect] = [AskReview(cycle=cycle.id, run=run.id)]
    deadline = cycle.stage.gate.deadline if cycle.stage.gate else None
    if deadline is not None:
        effects.append(Wake(cycle=cycle.id, run=run.id, purpose="deadline", at=at + deadline.after))
        if deadline.remind is not None:
            effects.append(Wake(cycle=cycle.id, run=run.id, purpose="remind", at=at + deadline.remind))
    return Folded(cycle.but(state=State.IN_REVIEW, opening=opening), tuple(effects))


def follow(cycle: Cycle, following: Following, at: datetime) -> Folded:
    """Do it now, or stop the run first and do it when that has stopped."""
    run = cycle.run
    cycle = cycle.but(following=following)
    if run is not None and run.state == "wanted":
        return Folded(cycle, (StopRun(order=cycle.order(run)),))
    return settle(cycle, at)


def beyond_review(pipeline: Pipeline, start: str, changes: Mapping[str, str]) -> str:
    """Why these changes, in a rerun from `start`, would go unreviewed; empty where somebody is still asked.

    A change to a stage is reviewed by a gate that is asked again before it, or by one behind it that stands before
    another stage. Where no gate stands before the stage at all, nobody has agreed to anything yet.
    """
    gates = [number for number, stage in enumerate(pipeline.stages) if stage.gate is not None]
    begin, last = pipeline.index(start), len(pipeline.stages) - 1
    for key in changes:
        name = key.rpartition(".")[0] or start
        place = next((n for n, stage in enumerate(pipeline.stages) if stage.name == name), begin)
        before = [gate for gate in gates if gate < place]
        if before and before[-1] < begin and not any(place <= gate < last for gate in gates):
            agreed = pipeline.stages[before[-1]].name
            return (
                f"{key} can't be changed behind the last review: rerun from={agreed}, so that it is asked about again"
            )
    return ""


def settle(cycle: Cycle, at: datetime, chance: float = 0.0) -> Folded:
    """Go on as far as the facts allow: the one place that decides what comes next."""
    if cycle.run is not None and cycle.run.state == "wanted":
        return Folded(cycle, ())
    if cycle.following is not None and (cycle.held is None or cycle.following.kind == "cancel"):
        return _do_following(cycle, cycle.following, at)
    if cycle.held is not None:
        return Folded(cycle, ())
    match cycle.state:
        case State.QUEUED if cycle.token is not None:
            return _start(cycle, at)
        case State.RUNNING if cycle.run is not None and cycle.run.state == "done":
            return _onward(cycle, at)
        case State.RUNNING if cycle.run is not None and cycle.run.state == "failed":
            return _after_failure(cycle, cycle.run, at, chance)
        case State.IN_REVIEW:
            return _close_gate(cycle, at)
    return Folded(cycle, ())


def _do_following(cycle: Cycle, following: Following, at: datetime) -> Folded:
    if following.kind == "cancel":
        return end(cycle.but(following=None), State.CANCELLED, following.reason)
    position = cycle.pipeline.index(following.stage)
    params = {name: dict(values) for name, values in cycle.params.items()}
    for key, value in following.changes.items():
        stage, dot, field = key.rpartition(".")
        params.setdefault(stage if dot else following.stage, {})[field] = value
    back = cycle.but(
        following=None, opening=None, params=params, position=position, runs=cycle.runs[:position], reason=""
    )
    if cycle.state is State.FAILED:
        again = TakeLease(cycle=cycle.id, target=cycle.pipeline.owns, overlap="queue")
        return Folded(back.but(state=State.QUEUED, token=None), (again,))
    return _start(back, at)


def _close_gate(cycle: Cycle, at: datetime) -> Folded:
    said = decision(cycle)
    if said is None or said.verdict == "wait":
        return Folded(cycle, ())
    if said.verdict == "reject":
        return end(cycle, State.REJECTED, said.unmet)
    if said.verdict == "change" and said.by is not None:
        following = Following(kind="rerun", stage=cycle.stage.name, changes=said.by.changes)
        return _do_following(cycle, following, at)
    return _onward(cycle.but(opening=None), at)


def _onward(cycle: Cycle, at: datetime) -> Folded:
    if cycle.position + 1 == len(cycle.pipeline.stages):
        return end(cycle, State.DONE, "")
    return _start(cycle.but(position=cycle.position + 1), at)


def _start(cycle: Cycle, at: datetime, tries: int = 0, due: datetime | None = None) -> Folded:
    stage = cycle.stage
    attempt = cycle.attempts.get(stage.name, 0) + 1
    run = Run(id=f"{cycle.id}/{stage.name}/{attempt}", stage=stage.name, attempt=attempt, tries=tries, at=at, due=due)
    begun = cycle.but(
        state=State.RUNNING,
        attempts={**cycle.attempts, stage.name: attempt},
        runs=(*cycle.runs[: cycle.position], run),
        reason="",
    )
    return Folded(begun, (StartRun(order=begun.order(run), at=due),))


def _after_failure(cycle: Cycle, run: Run, at: datetime, chance: float) -> Folded:
    retry, failure = cycle.stage.retry, run.failure
    if failure is not None and failure.skip:
        return end(cycle, State.SKIPPED, str(failure))
    if failure is not None and failure.retryable and run.tries < retry.times:
        wait = retry.backoff.total_seconds() * 2**run.tries * (1 + chance / 2)
        return _start(cycle, at, run.tries + 1, at + timedelta(seconds=wait))
    return Folded(cycle.but(state=State.FAILED, reason=str(failure)), ())


def end(cycle: Cycle, state: State, reason: str) -> Folded:
    """The lease is given back even where none is known of: whoever queues behind this cycle asks again at once."""
    ended = cycle.but(state=state, reason=reason, opening=None, held=None)
    return Folded(ended, (ReleaseLease(cycle=cycle.id, target=cycle.pipeline.owns, token=cycle.token or 0),))


def replace_run(cycle: Cycle, run: Run) -> Cycle:
    return cycle.but(runs=(*cycle.runs[: cycle.position], run))
