"""The API's calls about data: what snapshots hold, and what must leave them.

Law: whose rows are erased stands in the body alone: in no address, no answer, no log.
"""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field, JsonValue, model_validator

from orchestrator.erasure import Erasure, Rows, erase
from orchestrator.server.api import In, Who, pipeline_named, refusing, said
from orchestrator.server.errors import to_body
from orchestrator.server.shapes import Asked, Because

router = APIRouter()
Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]], Field(max_length=1000)]
Ids = Annotated[list[Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]], Field(max_length=1000)]


class ErasureAsked(Asked):
    """Rows must leave: of persons as the source calls them, by their ids, or by a text as it stood."""

    persons: Words = []
    ids: Ids = []
    texts: Words = []
    reason: Because
    dry_run: bool = Field(False, description="only say what would leave")

    @model_validator(mode="after")
    def _something(self) -> "ErasureAsked":
        if not (self.persons or self.ids or self.texts):
            raise ValueError("name persons, ids or texts")
        return self


class ErasureShown(BaseModel):
    """What left, or would leave with `dry_run`; `models`: who was trained on it. Other fields: see the steps' side."""

    model_config = {"extra": "allow"}
    done: bool
    rows: int
    holdout: int
    cycles: dict[str, int]
    models: list[dict[str, JsonValue]]
    notes: list[str]


@router.post(
    "/api/pipelines/{pipeline}/erasures", response_model=ErasureShown, responses=to_body(404, 409),
    summary="Have rows leave every snapshot",
)  # fmt: skip
def erasure(pipeline: str, asked: ErasureAsked, office: In, who: Who) -> Any:
    """For good, and on the record; 409 while a run of the target is at work."""
    who.needs("admin", "erase rows")
    found = pipeline_named(office, pipeline)
    rows = Rows(tuple(asked.persons), tuple(asked.ids), tuple(asked.texts))
    with refusing():
        return erase(office.app, found, rows, Erasure(who.person(), asked.reason, said()), dry=asked.dry_run)
