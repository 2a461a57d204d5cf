"""What happened: past tense, frozen, each with its time. Pure.

Law: whatever people said carries an id, so that an echo is known as one.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from orchestrator.core.gate import Person, Review, Roster
from orchestrator.core.model import Pipeline, Trigger
from orchestrator.core.noun import Noun
from orchestrator.core.report import Failure, Product


class Saying(Noun):
    """Something that a person said. `evidence`: where it stands to be read, and the sha256 of the words."""

    at: AwareDatetime
    id: str
    by: Person
    evidence: str = ""


class Triggered(Noun):
    """Somebody or something asked for a cycle."""

    kind: Literal["triggered"] = "triggered"
    at: AwareDatetime
    cycle: str
    pipeline: Pipeline
    params: dict[str, dict[str, str]] = {}
    trigger: Trigger
    purpose: str = ""
    source: str = Field("", description="where the pipeline file was read: `ratchet.yaml at 1a2b3c of owner/name`")
    initiator: Person | None = None
    attended: bool = False
    key: str | None = Field(None, description="idempotency key: the same gives the same cycle again")


class LeaseGranted(Noun):
    """The cycle owns its deployment target; `last` is what the last cycle that was done left, by stage."""

    kind: Literal["lease_granted"] = "lease_granted"
    at: AwareDatetime
    token: int = Field(ge=1)
    last: dict[str, dict[str, JsonValue]] = {}


class LeaseRefused(Noun):
    """Another cycle owns the target, and the pipeline says `overlap: skip`."""

    kind: Literal["lease_refused"] = "lease_refused"
    at: AwareDatetime
    holder: str


class RunFinished(Noun):
    """The run has ended, well or badly. `chance` in [0, 1) spreads retries."""

    kind: Literal["run_finished"] = "run_finished"
    at: AwareDatetime
    run: str
    outcome: Product | Failure
    chance: float = Field(0.0, ge=0, lt=1)


class ReviewGiven(Noun):
    """Somebody gave a verdict; `roster` is who stood behind the gate's names at that moment."""

    kind: Literal["review_given"] = "review_given"
    at: AwareDatetime
    review: Review
    roster: Roster = Roster()


class ReviewWithdrawn(Saying):
    """Somebody took the verdict back."""

    kind: Literal["review_withdrawn"] = "review_withdrawn"


class RosterRead(Noun):
    """The lists behind the open gate's names were read again."""

    kind: Literal["roster_read"] = "roster_read"
    at: AwareDatetime
    roster: Roster


class TimePassed(Noun):
    """A moment that the open gate of `run` waited for has come."""

    kind: Literal["time_passed"] = "time_passed"
    at: AwareDatetime
    run: str
    purpose: Literal["remind", "deadline"]
    number: int = 0


class Held(Saying):
    """Somebody stopped the cycle from going on."""

    kind: Literal["held"] = "held"
    reason: str = ""


class Unheld(Saying):
    """Somebody let a held cycle go on."""

    kind: Literal["unheld"] = "unheld"


class RerunAsked(Saying):
    """Somebody wants the cycle to go back to a stage (the current one if empty), with other parameters."""

    kind: Literal["rerun_asked"] = "rerun_asked"
    stage: str = ""
    changes: dict[str, str] = Field({}, description="parameter, or stage.parameter, to the value as typed")
    onto: int | None = Field(
        None, description="how many events the changes build on: with others since, they would undo what those changed"
    )


class CancelAsked(Saying):
    """Somebody wants the cycle to end."""

    kind: Literal["cancel_asked"] = "cancel_asked"
    reason: str


class Refused(Saying):
    """Somebody said something that did not count, and why. It changes nothing and is kept on the record."""

    kind: Literal["refused"] = "refused"
    said: str
    why: str


class RolledBack(Saying):
    """Somebody made the target serve an earlier version again. It changes no cycle; the newest one keeps the record."""

    kind: Literal["rolled_back"] = "rolled_back"
    version: str
    was: str


class Delegated(Saying):
    """Somebody lets another one answer in the place of the first until then; naming oneself takes it back.

    It changes no cycle: whoever reads who stands behind a gate's names heeds it, in every cycle.
    """

    kind: Literal["delegated"] = "delegated"
    to: Person
    until: AwareDatetime


class Learnt(Noun):
    """A model that was trained on rows which were erased. `rows`: of its own training; 0 where it descends from one."""

    run: str
    version: str = Field("", description="as it was deployed; empty where it never was")
    deployed: bool = Field(False, description="it was the champion when the rows left")
    rows: int = Field(0, ge=0)


class Erased(Saying):
    """Rows left the snapshots of the pipeline, for good. Whose or which stands nowhere: only how many, and from where.

    It changes no cycle; the newest one keeps the record.
    """

    kind: Literal["erased"] = "erased"
    reason: str
    rows: int = Field(ge=0)
    holdout: int = Field(0, ge=0, description="of them in hold-outs")
    cycles: dict[str, int] = Field({}, description="rows by the cycle that had brought them")
    models: tuple[Learnt, ...] = ()
    tables: dict[str, int] = Field({}, description="the tables that were rewritten, and their versions from then on")


Said = ReviewGiven | ReviewWithdrawn | Held | Unheld | RerunAsked | CancelAsked | RolledBack | Delegated | Erased
Event = Annotated[
    Triggered | LeaseGranted | LeaseRefused | RunFinished | RosterRead | TimePassed | Refused | Said,
    Field(discriminator="kind"),
]
KEPT = (Refused, RolledBack, Delegated, Erased)
"""What changes no cycle, in whatever state it is, and is kept on the record."""
