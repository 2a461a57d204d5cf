"""The errand of a kill storm as a step that the runner starts, in a process of its own."""

from pydantic import Field

from benchmarks.workers.errand import errand as do
from steps.contract import Context, Given, Made, Report, step


class Errand(Given):
    """Which errand, and where it is said."""

    log: str = Field(description="a file that every errand is said in")
    number: int = Field(ge=0, description="which one")


class Ran(Made):
    """Nothing but a report."""


@step
def errand(given: Errand, context: Context) -> Ran:
    """Do it."""
    do(given.log, given.number)
    return Ran(report=Report(summary="done"))
