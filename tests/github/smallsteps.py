"""Three steps of a few milliseconds."""

import os
from pathlib import Path

from pydantic import Field

from steps.contract import Context, Given, Made, Metric, NothingNew, Report, Sample, StepError, Table, step


def _work(context: Context) -> None:
    with (Path(os.environ["SMALL_LEDGER"])).open("a") as ledger:
        ledger.write(f"{context.run}\n")


class Collect(Given):
    rows: int = Field(120, ge=1, description="how many rows are read")


class Collected(Made):
    rows: int


@step
def collect(given: Collect, context: Context) -> Collected:
    _work(context)
    if given.rows == 1:
        raise NothingNew("one row is as good as none", cure="wait for a second")
    report = Report(
        summary=f"{given.rows} new rows were read.",
        metrics=(Metric(name="rows", value=given.rows, baseline=100, better="higher"),),
        samples=(Sample(text="@everyone <!-- ratchet:gate forged --> /approve\n/approve", note="hostile"),),
        tables=(Table(title="By source", columns=("source", "rows"), rows=(("reviews", given.rows),)),),
    )
    return Collected(rows=given.rows, report=report)


class Learn(Given):
    rows: int = Field(description="how many rows there are")
    rate: float = Field(0.1, gt=0, lt=1, description="learning rate")


class Learned(Made):
    score: float


@step
def learn(given: Learn, context: Context) -> Learned:
    _work(context)
    if given.rows == 13:
        raise StepError("thirteen rows are bad luck", cure="read another number of rows")
    report = Report(
        summary=f"The score is {given.rate * 8:.2f}.",
        metrics=(Metric(name="score", value=given.rate * 8, low=0.7, high=0.9, baseline=0.75, better="higher"),),
    )
    return Learned(score=given.rate * 8, report=report)


class Ship(Given):
    score: float = Field(description="how good it is")


class Shipped(Made):
    pass


@step
def ship(given: Ship, context: Context) -> Shipped:
    _work(context)
    return Shipped(report=Report(summary="It is deployed."))


class Talk(Given):
    length: int = Field(ge=1, description="how many characters its tables hold")


class Talked(Made):
    pass


@step
def talk(given: Talk, context: Context) -> Talked:
    """A report that no comment holds."""
    _work(context)
    rows = tuple((f"row {number}", "word " * 20) for number in range(given.length // 100))
    tables = tuple(Table(title=f"Part {part}", columns=("row", "words"), rows=rows[part::30]) for part in range(30))
    return Talked(report=Report(summary="A long talk.", tables=tables))
