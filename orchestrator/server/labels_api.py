"""The API's calls about labels: which rows are worth a look, and what the caller says about them."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from orchestrator import view
from orchestrator.core.events import RerunAsked
from orchestrator.core.gate import Person
from orchestrator.core.machine import NotNow
from orchestrator.core.model import Cycle
from orchestrator.parameters import problems
from orchestrator.server import shapes
from orchestrator.server.api import In, Who, cycle_named, said, whole_of
from orchestrator.server.errors import Refusal, answers, to_body
from orchestrator.server.office import Office
from orchestrator.server.shapes import Asked, Name
from reviewers import corrections

TRIES = 5  # while others say something about the same cycle at the same moment
router = APIRouter()


class LabelGiven(Asked):
    """The label that a row should have; with `annotator`, as somebody of Label Studio says."""

    id: Name
    label: Annotated[str, Field(max_length=500)]
    annotator: str = Field("", pattern=r"^(label-studio(:[0-9]{1,18})?)?$")


class LabelsGiven(Asked):
    """Labels that the caller gives to rows that the open gate asks about."""

    labels: list[LabelGiven] = Field(min_length=1, max_length=5000)


class LabelledRow(BaseModel):
    """A row whose label is worth a look, with the label as it stands."""

    id: str
    text: str
    label: str
    predicted: str
    confidence: float | None
    why: str


class Corrected(BaseModel):
    """What somebody said about a label: `was` as it was seen, and the same as `label` where that is confirmed."""

    id: str
    was: str
    label: str
    by: str
    at: str


class LabelsShown(BaseModel):
    """The rows that the open gate asks people to label (none where no gate asks), and what people said so far."""

    cycle: str
    stage: str | None
    run: str | None
    classes: list[str]
    rows: list[LabelledRow]
    corrections: list[Corrected]


@router.get("/api/cycles/{cycle}/labels", response_model=LabelsShown, responses=answers(404), summary="Labels")
def labels(cycle: str, office: In, who: Who) -> Any:
    """The rows that the open gate asks people to label, and what people said so far."""
    return view.labels(cycle_named(office, cycle))


@router.post(
    "/api/cycles/{cycle}/labels", response_model=shapes.Whole, response_model_exclude_unset=True,
    responses=to_body(404, 409), summary="Correct labels",
)  # fmt: skip
def correct(cycle: str, asked: LabelsGiven, office: In, who: Who) -> Any:
    """The stage that asked runs again with them; 409 with the reason where no gate asks, or nothing changes."""
    who.needs("reviewer", "correct labels")
    why = ""
    for _ in range(TRIES):
        found = cycle_named(office, cycle)
        answer = office.desk.submit(found.id, _rerun(office, found, asked, who.person()))
        if not isinstance(answer, NotNow):
            return whole_of(office, answer)
        why = answer.why
        if not answer.again:
            break
    raise Refusal(409, why, f"GET /api/cycles/{cycle}/labels says what is asked")


def _rerun(office: Office, cycle: Cycle, asked: LabelsGiven, by: Person) -> RerunAsked:
    """What the caller asks for, as the cycle is just now."""
    given = [
        corrections.Said(f"labels.{place}", one.id, one.label, one.annotator) for place, one in enumerate(asked.labels)
    ]
    where = f"GET /api/cycles/{cycle.id}/labels"
    event, unread = corrections.asked(cycle, given, id=said(), by=by, at=office.app.clock.now())
    if unread:
        raise Refusal(422, "\n".join(map(str, unread)), f"{where} lists rows and classes")
    if isinstance(event, str):
        what, _, cure = event.partition(" → ")
        raise Refusal(409, what, cure or f"{where} says what is asked")
    if wrong := problems(cycle.pipeline, cycle.params, event.stage, event.changes):
        raise Refusal(409, "\n".join(wrong), "let the step take `corrections`")
    return event
