"""What one check has found, before it is put together. Pure."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from steps.contract import Chart, Metric, Series, Table
from steps.validate.intervals import Estimate
from steps.validate.settings import Kind


class Alarm(NamedTuple):
    """Something a planner must hear of; `kind` decides whether it fails the run."""

    kind: Kind
    said: str


class Part(NamedTuple):
    """One check's findings, one or more plain sentences always among them."""

    check: str
    sentences: tuple[str, ...]
    metrics: tuple[Metric, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    alarms: tuple[Alarm, ...] = ()


def counted(number: int, noun: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share as a planner reads it: 0.1234 is `12.3%`; what is not quite nothing or all is not rounded to it."""
    if 0 < share < 0.0005:
        return "less than 0.1%"
    if 0.9995 < share < 1:
        return "more than 99.9%"
    return f"{share:.1%}"


def estimated(name: str, found: Estimate, baseline: float, better: Literal["higher", "lower"]) -> Metric:
    """A metric with its interval."""
    value, low, high = (round(number, 6) for number in found)
    return Metric(name=name, value=value, low=low, high=high, baseline=round(baseline, 6), better=better)


def bars(title: str, x: str, y: str, series: Mapping[str, Iterable[tuple[str, float]]]) -> Chart:
    """A chart of shares as bars, in percent: each series by its name, as (name of the bar, share)."""
    drawn = tuple(
        Series(name=name, points=tuple((bar, round(share * 100, 2 if share < 0.01 else 1)) for bar, share in points))
        for name, points in series.items()
    )
    return Chart(title=title, kind="bar", x=x, y=y, series=drawn)
