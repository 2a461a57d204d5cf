"""What finetune tells: from what, on what, how fast, and how the loss went. Pure."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from steps.contract import Chart, Metric, Report, Series, Table
from steps.finetune.selection import Chosen

_POINTS = 60


class Found(NamedTuple):
    """All that the report is made of."""

    chosen: Chosen
    labels: Sequence[str]
    origin: str
    result: dict[str, Any]
    minutes: float
    warnings: Sequence[str]


def describe(found: Found) -> Report:
    """The report."""
    losses: list[float] = found.result["losses"]
    rows, replayed = len(found.chosen.train), found.chosen.replayed
    tail = max(1, len(losses) // 20)
    first, last = sum(losses[:tail]) / tail, sum(losses[-tail:]) / tail
    validated = found.result["validated"]
    again = f", {replayed:,} of them from earlier cycles" if replayed else ""
    metrics = [
        Metric(name="rows", value=rows),
        Metric(name="replayed_rows", value=replayed),
        Metric(name="steps", value=len(losses)),
        Metric(name="minutes", value=round(found.minutes, 3), unit="min"),
        Metric(name="samples_per_second", value=round(found.result["rate"], 1), unit="1/s", better="higher"),
        Metric(name="first_loss", value=first, better="lower"),
        Metric(name="last_loss", value=last, better="lower"),
    ]
    if validated:
        metrics.append(Metric(name="validation_accuracy", value=found.result["right"] / validated, better="higher"))
    if found.result["began_at"]:
        metrics.append(Metric(name="resumed_at_step", value=found.result["began_at"]))
    return Report(
        summary=f"Trained from {found.origin} on {rows:,} texts{again}: "
        f"the loss went from {first:.3f} to {last:.3f} in {len(losses):,} steps.",
        metrics=tuple(metrics),
        tables=(_composition(found),),
        charts=(Chart(title="Loss", x="step", y="loss", series=(Series(name="training", points=_curve(losses)),)),),
        warnings=tuple(found.warnings),
    )


def _composition(found: Found) -> Table:
    """Rows by the cycle they came with, and class."""
    rows = found.chosen.train
    cycles = sorted({row.arrived for row in rows})
    counted = [
        [sum(row.arrived == c and row.label == k for row in rows) for k in range(len(found.labels))] for c in cycles
    ]
    body = tuple((cycle, *counts) for cycle, counts in zip(cycles, counted, strict=True))
    return Table(title="Rows trained on", columns=("arrived in", *found.labels), rows=body)


def _curve(losses: list[float]) -> tuple[tuple[float, float], ...]:
    """At most sixty points, each the mean of its stretch, at the stretch's last step."""
    width = -(-len(losses) // _POINTS)
    parts = [losses[i : i + width] for i in range(0, len(losses), width)]
    return tuple((float(min((i + 1) * width, len(losses))), sum(part) / len(part)) for i, part in enumerate(parts))
