"""The API's calls about labels: which rows are worth a look, and what the caller says about them."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from orchestrator import view
from orchestrator.parameters import problems
from orchestrator.server import shapes
from orchestrator.server.api import In, Who, cycle_named, said, submit, whole_of
from orchestrator.server.errors import Refusal, answers, to_body
from orchestrator.server.shapes import Asked, Name
from reviewers import corrections

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
    found, by, now = cycle_named(office, cycle), who.person(), office.app.clock.now()
    given = [
        corrections.Said(f"labels.{place}", one.id, one.label, one.annotator) for place, one in enumerate(asked.labels)
    ]
    event, unread = corrections.asked(found, given, id=said(), by=by, at=now)
    if unread:
        raise Refusal(422, "\n".join(map(str, unread)), f"GET /api/cycles/{found.id}/labels lists rows and classes")
    if isinstance(event, str):
        what, _, cure = event.partition(" → ")
        raise Refusal(409, what, cure or f"GET /api/cycles/{found.id}/labels says what is asked")
    if wrong := problems(found.pipeline, found.params, event.stage, event.changes):
        raise Refusal(409, "\n".join(wrong), "let the step take `corrections`")
    return whole_of(office, submit(office, found, event))
