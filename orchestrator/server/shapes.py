"""Bodies and answers of the API, as `/openapi.json` describes them."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from orchestrator.core.gate import Review
from orchestrator.core.model import State, Trigger
from orchestrator.core.report import Failure, Report
from orchestrator.core.schedule import When


def _integral(given: Any) -> Any:
    """To JSON, 1.0 is an integer."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


Name = Annotated[str, Field(max_length=200)]
Reason = Annotated[str, Field(max_length=4000)]
Because = Annotated[str, Field(min_length=1, max_length=4000, pattern=r"\S")]
Id = Annotated[int, BeforeValidator(_integral), Field(ge=1, lt=2**53)]
Digest = Annotated[
    str, Field(pattern=r"^[0-9a-fA-F]{8,64}$", description="the digest, or at least 8 of its first signs")
]
Changes = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=200)], Annotated[str, Field(max_length=4000)] | bool | int | float
    ]
    | list[Annotated[str, Field(pattern=r"^[^=]+=", max_length=4200)]],
    Field(description='parameters: {"stage.key": value}, or ["stage.key=value"]', max_length=100),
]


def pairs(changes: Any) -> list[str]:
    """`key=value` texts, from either form; values as one would type them."""
    if isinstance(changes, dict):
        return [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in changes.items()]
    return list(changes or [])


class Asked(BaseModel):
    """A body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, strict=True)


class TriggerAsked(Asked):
    """A cycle is wanted."""

    pipeline: Name
    set: Changes = Field(default_factory=dict)
    reason: Reason = ""
    idempotency_key: str | None = Field(
        None, pattern=r"^[ -~]{1,200}$", description="the same key gives the same cycle again"
    )


class ApproveAsked(Asked):
    """It may go on."""

    verdict: Literal["approve"]
    about: Digest
    reason: Reason = ""


class RejectAsked(Asked):
    """It ends here."""

    verdict: Literal["reject"]
    about: Digest
    reason: Because


class ChangeAsked(Asked):
    """The stage is to be run again, with these parameters."""

    verdict: Literal["change"]
    about: Digest
    reason: Reason = ""
    set: Changes = Field(default_factory=dict)


ReviewAsked = Annotated[ApproveAsked | RejectAsked | ChangeAsked, Field(discriminator="verdict")]


class HoldAsked(Asked):
    """Keep the cycle from going on."""

    command: Literal["hold"]
    reason: Reason = ""


class UnholdAsked(Asked):
    """Let a held cycle go on."""

    command: Literal["unhold"]


class CancelCommand(Asked):
    """End the cycle."""

    command: Literal["cancel"]
    reason: Because


class RerunCommand(Asked):
    """Go back to a stage, the current one if none is named, with other parameters if any are given."""

    command: Literal["rerun"]
    stage: Name = Field("", alias="from")
    set: Changes = Field(default_factory=dict)


class UnapproveAsked(Asked):
    """Take one's review of the open gate back."""

    command: Literal["unapprove"]


CommandAsked = Annotated[
    HoldAsked | UnholdAsked | CancelCommand | RerunCommand | UnapproveAsked, Field(discriminator="command")
]


class RollbackAsked(Asked):
    """An earlier version shall answer again: the one before, if none is named."""

    version: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")


class PlanAsked(Asked):
    """Is a cycle due? With `trigger` it is begun if so. `key` names one time of a pipeline that has no schedule."""

    pipeline: Name | None = None
    trigger: bool = False
    key: str | None = Field(None, pattern=r"^[ -~]{0,150}$")


class RelayAsked(Asked):
    """Look sooner: ids only, the truth is read again."""

    repository: str = Field(max_length=255)
    issue: Id
    comment: Id | None = None
    review: Id | None = None


class Begun(BaseModel):
    """The cycle of a trigger."""

    id: str
    state: State
    url: str


class Brief(BaseModel):
    """A cycle in a list."""

    id: str
    pipeline: str
    state: State
    held: str | None
    stage: str
    reason: str
    trigger: Trigger
    initiator: str | None
    began_at: datetime
    changed_at: datetime
    url: str


class StageShown(BaseModel):
    """A stage and its current run, if it was reached."""

    name: str
    step: str
    state: Literal["waiting", "running", "done", "failed", "skipped"]
    run: str | None = None
    attempt: int | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    digest: str | None = None
    outputs: dict[str, JsonValue] = {}
    failure: Failure | None = None
    report: Report | None = None


class ClauseShown(BaseModel):
    """A clause of the open gate, and what it lacks."""

    clause: str
    met: bool
    filled_by: list[str]
    missing: str


class GateShown(BaseModel):
    """The open gate: what it is about, and what is missing."""

    stage: str
    run: str
    digest: str
    opened_at: datetime
    clauses: list[ClauseShown]
    unmet: str
    report: Report
    reviews: list[Review]


class RunShown(BaseModel):
    """A run: one attempt at a stage."""

    id: str
    stage: str
    state: Literal["running", "done", "failed", "skipped"]
    attempt: int
    digest: str | None


class PullShown(BaseModel):
    """The cycle's pull request."""

    number: int
    url: str


class Whole(Brief):
    """Everything about one cycle. `reviews` are all that counted, those of closed gates too; `pull_request` is null
    until it is open, and not there on a server without GitHub.
    """

    purpose: str
    source: str
    params: dict[str, dict[str, str]]
    stages: list[StageShown]
    runs: list[RunShown]
    gate: GateShown | None
    reviews: list[Review]
    pull_request: PullShown | None = None


class Recorded(BaseModel):
    """An event as it stands on the record, with the hash that links it."""

    cycle: str
    seq: int
    event: dict[str, JsonValue]
    hash: str


class ScheduleShown(BaseModel):
    """A schedule and its next time."""

    cron: str
    timezone: str
    when: When
    next: datetime | None


class PipelineShown(BaseModel):
    """A pipeline as the file says now."""

    name: str
    stages: list[str]
    target: str
    overlap: Literal["queue", "skip", "supersede"]
    schedule: ScheduleShown | None
    source: str


class ModelShown(BaseModel):
    """What a pipeline's target serves; without a version nothing is deployed, or `problem` says what is wrong."""

    pipeline: str
    target: str
    version: str | None
    digest: str | None = None
    cycle: str | None = None
    run: str | None = None
    history: list[str] = []
    problem: str = ""


class RolledBackTo(BaseModel):
    """The version that answers again, and the one that did."""

    pipeline: str
    version: str
    previous: str


class Plan(BaseModel):
    """Whether a cycle is due, and why or why not; the cycle, if there is one for this time already or now."""

    pipeline: str
    due: bool
    reason: str
    cycle: str | None = None
    url: str | None = None
    next: datetime | None = None
    new_rows: int | None = Field(None, description="what was counted for this time; null where it was not, or can't be")


class Plans(BaseModel):
    """One answer for each pipeline that was asked about."""

    plans: list[Plan]


class Stored(BaseModel):
    """It is kept, and looked at soon."""

    stored: bool


class Healthy(BaseModel):
    """The process answers."""

    ok: bool
