"""Stories: what a seed says happens to a few cycles, and how that ends when nobody is killed. Pure.

The teller walks the core's own fold and answers for everybody in it: executors, reviewers, the lease, the clock. What
it decides on the way is the script, by which the real processes then play; where it arrives is what they must reach.
Law: nothing in a story depends on who is faster. People speak only where a cycle waits for them.
"""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from orchestrator.core.course import beyond_review
from orchestrator.core.events import (
    CancelAsked,
    Event,
    Held,
    LeaseGranted,
    Refused,
    RerunAsked,
    ReviewGiven,
    ReviewWithdrawn,
    RunFinished,
    TimePassed,
    Triggered,
    Unheld,
)
from orchestrator.core.gate import Clause, Deadline, Gate, Person, Review, Roster, Verdict
from orchestrator.core.machine import NotNow, advance
from orchestrator.core.model import Cycle, Pipeline, Retry, Stage, State, Trigger
from orchestrator.core.report import Failure, Product, Report

PEOPLE = {name: Person(id=f"test:{name}", login=name) for name in ("alice", "bob", "carol", "eve")}
ROSTER = Roster(members={"alice": ("test:alice",), "@team": ("test:alice", "test:bob", "test:carol")})
STOPPED = Failure(what="stopped", retryable=False)
FAILED = Failure(what="it failed", retryable=True)
FATAL = Failure(what="it can't be done", retryable=False)
BLOCK = "block"  # works until it is stopped
DIE = "die"  # ends without a word
_START = datetime(2030, 1, 1, tzinfo=UTC)
_MOST = 4  # attempts at a stage, unasked retries aside, before people give in

Action = tuple[str, ...]
Script = dict[str, list[Action]]


class Tale(NamedTuple):
    """A story: its pipelines, what every run comes to, what is said where, and the cycles and events in the end."""

    seed: int
    pipelines: tuple[Pipeline, ...]
    plan: dict[str, str]
    script: Script
    cycles: tuple[dict[str, Any], ...]
    events: tuple[list[tuple[str, str]], ...]


def product(run: str) -> Product:
    """What a run that succeeds leaves."""
    return Product(outputs={"out": run}, report=Report(summary=f"did {run}"))


def outcome(run: str, kind: str) -> Product | Failure:
    """What the run comes to when it ends by itself."""
    return {"fail": FAILED, "fatal": FATAL, DIE: FAILED}.get(kind) or product(run)


def scene(cycle: Cycle, plan: dict[str, str]) -> str:
    """Where the cycle stands and waits for people; empty where it goes on by itself."""
    run = cycle.run
    match cycle.state:
        case State.IN_REVIEW if cycle.opening is not None and run is not None:
            return f"{'overdue' if cycle.opening.overdue else 'review'} {run.id}"
        case State.FAILED if run is not None:
            return f"failed {run.id}"
        case State.RUNNING if run is not None and run.state == "wanted" and cycle.following is None:
            return f"running {run.id}" if plan.get(run.id) == BLOCK else ""
    return ""


def said(action: Action, name: str, cycle: Cycle, at: datetime) -> Event:
    """The event that an action at a scene is; `name` makes it known when it is heard again."""
    by = PEOPLE[action[1]] if len(action) > 1 and action[1] in PEOPLE else PEOPLE["alice"]
    digest = cycle.opening.digest if cycle.opening is not None else ""
    match action[0]:
        case "hold":
            return Held(at=at, id=name, by=by, reason="wait")
        case "unhold":
            return Unheld(at=at, id=name, by=by)
        case "cancel":
            return CancelAsked(at=at, id=name, by=by, reason="enough")
        case "rerun":
            changes = {"again": name}
            allowed = not beyond_review(cycle.pipeline, action[2], changes)
            return RerunAsked(at=at, id=name, by=by, stage=action[2], changes=changes if allowed else {})
        case "withdraw":
            return ReviewWithdrawn(at=at, id=name, by=by)
        case "stale":
            action, digest = ("approve", action[1]), "0" * 64
    review = Review(
        id=name, by=by, verdict=Verdict(action[0]), about=digest, at=at, reason="why not", changes={"changed": name}
    )
    return ReviewGiven(at=at, review=review, roster=ROSTER)


def told(event: Event) -> tuple[str, str]:
    """An event as far as it does not depend on the time of day."""
    name = event.review.id if isinstance(event, ReviewGiven) else getattr(event, "id", "")
    return event.kind, name or getattr(event, "run", "")


def plain(cycle: Cycle, plan: dict[str, str]) -> dict[str, Any]:
    """A cycle as far as it does not depend on the time of day, nor on how exactly a run died."""
    whole = cycle.model_dump(mode="json", exclude={"pipeline", "began_at", "changed_at", "seq", "runs"})
    dead = {run.id for run in cycle.runs if plan.get(run.id) == DIE}
    why = [run.failure.what if run.failure is not None and run.id not in dead else "" for run in cycle.runs]
    runs = [
        (run.id, run.tries, run.state, run.digest, run.outputs, what) for run, what in zip(cycle.runs, why, strict=True)
    ]
    return {**whole, "runs": runs}


class Teller:
    """Tells one story."""

    def __init__(self, seed: int, *, processes: bool) -> None:
        self._seed, self._processes = seed, processes
        self._chance = random.Random(seed)  # noqa: S311 - a story, not a secret
        self._now = _START
        self._plan: dict[str, str] = {}
        self._script: Script = {}
        self._events: list[list[tuple[str, str]]] = []
        self._tokens: Counter[str] = Counter()
        self._last: dict[str, dict[str, Any]] = {}
        self._doomed: set[int] = set()

    def tell(self) -> Tale:
        """The whole story."""
        chance = self._chance
        shared = chance.random() < 0.6
        count = chance.choice((1, 1, 2, 2, 3))
        pipelines = tuple(self._pipeline("" if shared else f"t{number}") for number in range(count))
        cycles = []
        for number, pipeline in enumerate(pipelines):
            following = [n for n in range(number + 1, count) if shared and n not in self._doomed]
            cycles.append(plain(self._walk(number, pipeline, following), self._plan))
        return Tale(self._seed, pipelines, self._plan, self._script, tuple(cycles), tuple(self._events))

    def _pipeline(self, target: str) -> Pipeline:
        chance = self._chance
        stages = [self._stage(number) for number in range(chance.randint(1, 4))]
        return Pipeline(name="tale", stages=tuple(stages), target=target)

    def _stage(self, number: int) -> Stage:
        chance = self._chance
        gate = None
        if chance.random() < 0.6:
            clauses = chance.choice(("1 of @team", "2 of @team", "must alice", "1 of @team and must alice"))
            deadline = None
            if chance.random() < 0.15:
                then = chance.choice(("reject", "hold"))
                deadline = Deadline(after=timedelta(milliseconds=5), remind=timedelta(milliseconds=2), then=then)  # type: ignore[arg-type]
            gate = Gate(require=tuple(_clause(text) for text in clauses.split(" and ")), deadline=deadline)
        retry = Retry(times=chance.choice((0, 0, 1, 2)), backoff=timedelta(milliseconds=1))
        takes = {"given": f"s{number - 1}.out"} if number else {}
        executor = "local" if self._processes else "inline"
        return Stage(name=f"s{number}", step="tale:step", takes=takes, retry=retry, gate=gate, executor=executor)  # type: ignore[arg-type]

    def _walk(self, number: int, pipeline: Pipeline, following: Sequence[int]) -> Cycle:
        name = f"c-{number + 1:06d}"
        self._events.append([])
        begun = Triggered(at=self._tick(), cycle=name, pipeline=pipeline, trigger=Trigger.API, key=f"story {number}")
        cycle = self._fold(None, begun)
        if number in self._doomed:
            return self._fold(cycle, said(("cancel",), f"doom {name}", cycle, self._tick()))
        token = 0
        while not cycle.state.ended:
            place = scene(cycle, self._plan)
            if cycle.state is State.QUEUED:
                if not token:
                    self._tokens[pipeline.owns] += 1
                    token = self._tokens[pipeline.owns]
                last = self._last.get(pipeline.owns, {})
                cycle = self._fold(cycle, LeaseGranted(at=self._tick(), token=token, last=last))
            elif place:
                cycle = self._speak(cycle, place, following)
            else:
                cycle = self._run(cycle)
        if cycle.state is State.DONE:
            self._last[pipeline.owns] = {run.stage: run.outputs for run in cycle.runs}
        return cycle

    def _run(self, cycle: Cycle) -> Cycle:
        run = cycle.run
        assert run is not None
        if run.id not in self._plan:
            kinds = ["ok"] * 12 + ["fail"] * 3 + ["fatal", BLOCK] + ([DIE] if self._processes else [])
            kind = self._chance.choice(kinds) if run.attempt <= _MOST else "ok"
            self._plan[run.id] = kind
            if kind == BLOCK:
                return cycle  # it waits for people now
        ended: Product | Failure = outcome(run.id, self._plan[run.id])
        if cycle.following is not None:
            ended = STOPPED
        return self._fold(cycle, RunFinished(at=self._tick(), run=run.id, outcome=ended))

    def _speak(self, cycle: Cycle, place: str, following: Sequence[int]) -> Cycle:
        """Decide what is said here, and say it."""
        actions = self._actions(cycle, place)
        for other in following:
            if actions and other not in self._doomed and self._chance.random() < 0.05:
                self._doomed.add(other)
                actions.insert(0, ("doom", str(other)))
        self._script[place] = actions
        if not actions:
            assert cycle.opening is not None
            passed = TimePassed(at=self._tick(), run=cycle.opening.run, purpose="deadline")
            return self._fold(cycle, passed)
        for number, action in enumerate(actions):
            if action[0] != "doom":
                cycle = self._fold(cycle, said(action, f"{place} {number}", cycle, self._tick()))
        return cycle

    def _actions(self, cycle: Cycle, place: str) -> list[Action]:
        chance, (kind, _) = self._chance, place.split(" ")
        tired = sum(cycle.attempts.values()) > _MOST * len(cycle.pipeline.stages)
        again: Action = ("rerun", "bob", chance.choice(cycle.pipeline.stages[: cycle.position + 1]).name)
        if kind in {"running", "failed"}:
            return [again if not tired and chance.random() < 0.75 else ("cancel", "bob")]
        gate = cycle.stage.gate
        assert gate is not None
        if gate.deadline is not None and kind == "review":
            return []
        agreed: list[Action] = [("approve", name) for name in ("alice", "bob")]
        if cycle.held is not None:
            agreed.append(("unhold", "carol"))
        if tired:
            return _closing(cycle, agreed)
        ends: list[list[Action]] = [agreed] * 8 + [
            [("stale", "alice"), ("approve", "eve"), *agreed],
            [("approve", "alice"), ("withdraw", "alice"), ("withdraw", "bob"), *agreed],
            [("hold", "bob"), *agreed, ("unhold", "bob")],
            [("reject", "alice"), ("unhold", "carol")],
            [("change", "alice"), ("unhold", "carol")],
            [("unhold", "carol"), again],
            [("cancel", "bob")],
        ]
        return _closing(cycle, list(chance.choice(ends)))

    def _tick(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def _fold(self, cycle: Cycle | None, event: Event) -> Cycle:
        folded = advance(cycle, event)
        if not isinstance(folded, NotNow):
            self._events[-1].append(told(event))
            return folded.cycle
        assert cycle is not None
        assert not folded.echo, folded
        by = event.review.by if isinstance(event, ReviewGiven) else event.by  # type: ignore[union-attr]
        return self._fold(cycle, Refused(at=event.at, id=told(event)[1], by=by, said="", why=folded.why))


def _closing(cycle: Cycle, actions: list[Action]) -> list[Action]:
    """What is said once the gate has closed is said to no open gate, and who is faster would matter: leave it out."""
    kept: list[Action] = []
    at = cycle.changed_at
    for number, action in enumerate(actions):
        kept.append(action)
        at += timedelta(microseconds=1)
        folded = advance(cycle, said(action, f"try {number}", cycle, at))
        if not isinstance(folded, NotNow):
            cycle = folded.cycle
        if cycle.state is not State.IN_REVIEW:
            break
    return kept


def _clause(text: str) -> Clause:
    kind, _, who = text.partition(" ")
    return Clause(kind="must", who=who) if kind == "must" else Clause(kind="quorum", count=int(kind), who="@team")


def tell(seed: int, *, processes: bool) -> Tale:
    """The story of a seed. `processes`: its steps are processes of the machine, and may die without a word."""
    return Teller(seed, processes=processes).tell()
