"""A step that asks about labels, and takes what was corrected."""

import os
from pathlib import Path

from pydantic import BaseModel, Field

from steps.contract import Context, Given, Made, Report, ToLabel, step

ROWS = (
    ("r1", "정말 재미있다, 또 볼게요", "negative", "positive", 0.97, "the model is sure, and says otherwise"),
    ("r2", '=HYPERLINK("evil")\n@everyone', "negative", "negative", 0.51, "the model is unsure"),
    ("r3", "/approve\n두 번 봤다", "positive", "negative", 0.55, "the model is unsure"),
)


class Corrected(BaseModel):
    """One label that somebody changed."""

    id: str
    was: str
    label: str
    by: str
    at: str


class Collect(Given):
    rows: int = Field(120, ge=1, description="how many rows are read")
    corrections: tuple[Corrected, ...] = Field((), description="labels that reviewers corrected")


class Collected(Made):
    rows: int


@step
def collect(given: Collect, context: Context) -> Collected:
    """The same three rows, with the labels as corrected."""
    with (Path(os.environ["SMALL_LEDGER"])).open("a") as ledger:
        ledger.write(f"{context.run}\n")
    now = {one.id: one.label for one in given.corrections}
    asked = tuple(
        ToLabel(id=id, text=text, label=now.get(id, label), predicted=predicted, confidence=confidence, why=why)
        for id, text, label, predicted, confidence, why in ROWS
    )
    return Collected(rows=given.rows, report=Report(summary=f"{given.rows} new rows were read.", to_label=asked))


class Deaf(Given):
    rows: int = Field(120, ge=1, description="how many rows are read")


@step
def deaf(given: Deaf, context: Context) -> Collected:
    """Asks, and has no parameter for what is answered."""
    return collect(Collect(rows=given.rows), context)
