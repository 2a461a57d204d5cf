"""The parts put together: what a planner is shown, what warns and what fails. Pure."""

from collections.abc import Iterable, Sequence

from steps.contract import Table
from steps.validate.finding import Alarm, Part
from steps.validate.settings import Kind


def table(parts: Iterable[Part]) -> Table:
    """Every sentence under its check."""
    lines = tuple((part.check, said) for part in parts for said in part.sentences)
    return Table(title="What the checks say", columns=("check", "finding"), rows=lines)


def sorted_alarms(parts: Iterable[Part], fail_on: Sequence[Kind]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Problems, which fail the run, and warnings."""
    alarms: list[Alarm] = [alarm for part in parts for alarm in part.alarms]
    problems = tuple(alarm.said for alarm in alarms if alarm.kind in fail_on)
    return problems, tuple(alarm.said for alarm in alarms if alarm.kind not in fail_on)
