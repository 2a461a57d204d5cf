"""The nouns, frozen. One word, one meaning: see the table in `docs/design.md`.

Law: every noun is immutable, refuses unknown fields, and survives a round trip through JSON unchanged.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from orchestrator.core.effects import Order, Resources
from orchestrator.core.gate import Gate, Person, Review, Roster
from orchestrator.core.noun import Noun
from orchestrator.core.quantity import Duration
from orchestrator.core.report import Failure, Report
from orchestrator.core.schedule import Schedule

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
StepPath = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]
Source = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}\.[A-Za-z_]\w*$")]


class Retry(Noun):
    """How often a failed run is tried again unasked; the n-th wait is `backoff` × 2ⁿ⁻¹, and up to half as much more."""

    times: int = Field(0, ge=0, le=20)
    backoff: Duration = timedelta(seconds=30)


class Stage(Noun):
    """A place in the pipeline. Its gate is about its report, and stands before the next stage."""

    name: Name
    step: StepPath
    with_: dict[str, JsonValue] = Field({}, alias="with", description="parameters of the step")
    takes: dict[str, Source] = Field({}, description="input: stage.output")
    resources: Resources = Resources()
    executor: Literal["local", "ray", "kubeflow", "inline"] = "local"
    retry: Retry = Retry()
    gate: Gate | None = None


class Pipeline(Noun):
    """The definition: stages in order. `target` names what it deploys to; one cycle at a time owns a target."""

    name: Name
    stages: tuple[Stage, ...] = Field(min_length=1)
    overlap: Literal["queue", "skip", "supersede"] = "queue"
    target: str = Field("", pattern=r"^[A-Za-z0-9_.-]*$", description="deployment target; the pipeline's name if empty")
    schedule: Schedule | None = None
    groups: dict[str, tuple[str, ...]] = Field(
        {}, description="logins by @group, as the file said when the cycle began"
    )
    policies: dict[str, JsonValue] = Field({}, description="policies by name, as the file said when the cycle began")

    @property
    def owns(self) -> str:
        """The deployment target that a cycle of this pipeline leases."""
        return self.target or self.name

    def index(self, stage: str) -> int:
        """Where the stage stands. Raises `KeyError` for a name that is not in the pipeline."""
        for number, one in enumerate(self.stages):
            if one.name == stage:
                return number
        raise KeyError(stage)


class State(StrEnum):
    """Where a cycle is. `held` is a flag beside it."""

    QUEUED = "queued"
    RUNNING = "running"
    IN_REVIEW = "in_review"
    FAILED = "failed"
    DONE = "done"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def ended(self) -> bool:
        """Nothing follows any more. A failed cycle has not ended: it waits for a person."""
        return self in _ENDINGS


_ENDINGS = frozenset({State.DONE, State.REJECTED, State.CANCELLED, State.SKIPPED})


class Trigger(StrEnum):
    """Why a cycle began."""

    PLANNER = "planner"
    SCHEDULE = "schedule"
    DRIFT = "drift"
    API = "api"
    COMMAND_LINE = "command line"


class Run(Noun):
    """The current attempt at a stage. `wanted` lasts until its one `RunFinished`; `tries` counts unasked retries."""

    id: str
    stage: str
    attempt: int = Field(ge=1)
    state: Literal["wanted", "done", "failed"] = "wanted"
    tries: int = 0
    at: AwareDatetime
    due: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    digest: str = ""
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    failure: Failure | None = None

    @property
    def shown(self) -> Literal["running", "done", "failed", "skipped"]:
        """How it is called where people look: `skipped` where it found nothing to do."""
        if self.state == "failed" and self.failure is not None and self.failure.skip:
            return "skipped"
        return "running" if self.state == "wanted" else self.state


class Opening(Noun):
    """An open gate: the question about one digest, and what has been answered so far."""

    run: str
    stage: str
    digest: str
    at: AwareDatetime
    report: Report
    roster: Roster = Roster()
    reviews: tuple[Review, ...] = ()
    reminders: int = 0
    overdue: bool = Field(False, description="its deadline has passed")


class Following(Noun):
    """What follows once the run that is being stopped has stopped: a cancellation or a rerun."""

    kind: Literal["cancel", "rerun"]
    reason: str = ""
    stage: str = ""
    changes: dict[str, str] = {}


class Cycle(Noun):
    """One walk through a pipeline, with a frozen copy of its pipeline and parameters."""

    id: str = Field(pattern=r"^c-\d{6,}$")
    seq: int = Field(ge=1, description="how many events have been folded")
    pipeline: Pipeline
    params: dict[str, dict[str, str]] = Field({}, description="stage -> parameter -> value as typed")
    trigger: Trigger
    purpose: str = Field("", description="what whoever triggered it said")
    source: str = Field("", description="where the pipeline file was read")
    initiator: Person | None = None
    attended: bool = Field(False, description="a person sits at the terminal and may stand in for every clause")
    state: State
    held: str | None = Field(None, description="why it is held")
    reason: str = Field("", description="why it ended, failed or was skipped")
    position: int = 0
    attempts: dict[str, int] = {}
    runs: tuple[Run, ...] = Field((), description="the current run of each stage reached, in order")
    opening: Opening | None = None
    following: Following | None = None
    token: int | None = Field(None, description="fencing token of the lease on the target")
    last: dict[str, dict[str, JsonValue]] = Field({}, description="outputs by stage of the last cycle that was done")
    heard: tuple[str, ...] = Field((), description="ids of everything people said, counted or refused")
    began_at: AwareDatetime
    changed_at: AwareDatetime

    @property
    def stage(self) -> Stage:
        """The stage that the cycle is at."""
        return self.pipeline.stages[self.position]

    @property
    def run(self) -> Run | None:
        """The current run of the current stage; None before it began."""
        return self.runs[self.position] if len(self.runs) > self.position else None

    def order(self, run: Run) -> Order:
        """What an executor needs to start, find or stop the run."""
        stage = self.stage if self.stage.name == run.stage else self.pipeline.stages[self.pipeline.index(run.stage)]
        outputs = {one.stage: one.outputs for one in self.runs} if stage.takes else {}
        given: dict[str, JsonValue] = {**stage.with_, **self.params.get(stage.name, {})}
        for field, source in stage.takes.items():
            owner, _, output = source.partition(".")
            if output in outputs.get(owner, {}):
                given[field] = outputs[owner][output]
        return Order(
            run=run.id,
            step=stage.step,
            executor=stage.executor,
            given=given,
            resources=stage.resources,
            target=self.pipeline.owns,
            token=self.token or 0,
            last=self.last.get(stage.name, {}),
        )
