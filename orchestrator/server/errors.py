"""Answers that say no: what, and the cure, in one form for every status."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Said(BaseModel):
    """What is wrong, and what to do about it."""

    model_config = ConfigDict(extra="forbid")
    what: str
    cure: str


class Problem(BaseModel):
    """The body of every answer that is none of success."""

    model_config = ConfigDict(extra="forbid")
    error: Said


class Refusal(Exception):
    """The request is answered with this status, and changes nothing."""

    def __init__(self, status: int, what: str, cure: str = "", *, headers: dict[str, str] | None = None) -> None:
        super().__init__(what)
        self.status, self.what, self.cure, self.headers = status, what, cure, headers


MEANINGS = {
    400: "The request can't be read",
    401: "Nobody is known by this bearer token, or there is none",
    403: "The caller may not do this",
    404: "There is no such thing",
    405: "Not done with this method",
    408: "The body did not come in time",
    409: "It does not count just now; the reason is told",
    413: "The body is too large",
    422: "The request says something that can't be used",
    503: "The database, GitHub or the pipeline file can't be used just now",
}


def body(what: str, cure: str = "") -> dict[str, Any]:
    """The JSON of an answer that says no."""
    return {"error": {"what": what, "cure": cure}}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Descriptions of these answers, for `/openapi.json`. Every call may answer 401, 403, 422 and 503."""
    told = sorted({*statuses, 401, 403, 422, 503})
    return {status: {"model": Problem, "description": MEANINGS[status]} for status in told}


def to_body(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for a call that has a body."""
    return answers(400, 408, 413, *statuses)
