"""Pictures that GitHub draws itself, by Mermaid: how far a cycle is, and charts of few points. Pure.

Laws:
- Nodes have names of ours; data stands only in labels, between quotation marks, without what could end one.
- What a colour says is written there too.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from orchestrator.core.model import Cycle, Run, Stage
from orchestrator.core.report import Chart
from reviewers.safe import drawn

MOST_POINTS = 20
MOST_LETTERS = 90
_LOOK = (
    '%%{init: {"xyChart": {"width": 700, "height": 300}, "themeVariables": '
    '{"xyChart": {"backgroundColor": "transparent", "plotColorPalette": "#0969da"}}}}%%'
)
_CLASSES = {
    "done": "fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "running": "fill:#ddf4ff,stroke:#0969da,color:#1f2328",
    "asks": "fill:#fff8c5,stroke:#9a6700,color:#1f2328,stroke-width:3px",
    "failed": "fill:#ffebe9,stroke:#d1242f,color:#1f2328",
    "waiting": "fill:#f6f8fa,stroke:#818b98,color:#59636e,stroke-dasharray:4 3",
}


def flowchart(cycle: Cycle) -> str:
    """Stages and gates in order, each with how far it is."""
    stages = cycle.pipeline.stages
    lines = [f"flowchart {'LR' if len(stages) <= 5 else 'TB'}"]
    nodes: list[str] = []
    for place, stage in enumerate(stages):
        kind, words = _stage(cycle, place)
        lines.append(f'    s{place}["{drawn(stage.name)}<br/>{words}"]:::{kind}')
        nodes.append(f"s{place}")
        if stage.gate is not None:
            kind, words = _gate(cycle, place, stage)
            lines.append(f'    g{place}{{{{"{words}"}}}}:::{kind}')
            nodes.append(f"g{place}")
    lines.append(f"    {' --> '.join(nodes)}")
    return "\n".join([*lines, *(f"    classDef {name} {style}" for name, style in _CLASSES.items())])


def _stage(cycle: Cycle, place: int) -> tuple[str, str]:
    run = cycle.runs[place] if place < len(cycle.runs) else None
    if run is None:
        return "waiting", "not started"
    again = f", attempt {run.attempt}" if run.attempt > 1 else ""
    kind, words = _run(cycle, run)
    return kind, f"{words}{again}"


def _run(cycle: Cycle, run: Run) -> tuple[str, str]:
    match run.shown:
        case "done":
            return "done", "✓ done"
        case "skipped":
            return "waiting", "nothing to do"
        case "failed":
            return "failed", "✗ failed"
    if cycle.state.ended:
        return "failed", "stopped"
    if cycle.following is not None:
        return "running", "stopping"
    return "running", "running"


def _gate(cycle: Cycle, place: int, stage: Stage) -> tuple[str, str]:
    """A gate is agreed once the next stage has begun, or the cycle is done."""
    if cycle.opening is not None and place == cycle.position:
        return "asks", f"review of {drawn(stage.name)}<br/>? asks now"
    if len(cycle.runs) > place + 1 or cycle.state == "done":
        return "done", f"review of {drawn(stage.name)}<br/>✓ agreed"
    if cycle.state == "rejected" and place == cycle.position:
        return "failed", f"review of {drawn(stage.name)}<br/>✗ rejected"
    return "waiting", f"review of {drawn(stage.name)}<br/>not yet"


def xychart(chart: Chart) -> str:
    """One series of few points; empty where Mermaid would draw something else than the chart says."""
    if len(chart.series) != 1 or not 1 < len(chart.series[0].points) <= MOST_POINTS:
        return ""
    points = chart.series[0].points
    ys = [float(y) for _, y in points]
    labels = [drawn(x if isinstance(x, str) else f"{x:g}", 24) or "-" for x, _ in points]
    numbers = [float(x) for x, _ in points if not isinstance(x, str)]
    uneven = bool(numbers) and chart.kind == "line" and not _even(numbers, len(points))
    if uneven or not _readable(labels) or not _drawable(ys):
        return ""
    low, high = _span(ys, chart.kind)
    axis = ", ".join(f'"{label}"' for label in labels)
    return "\n".join(
        [
            _LOOK,
            "xychart-beta",
            f'    x-axis "{drawn(chart.x) or " "}" [{axis}]',
            f'    y-axis "{drawn(chart.y) or " "}" {_plain(low)} --> {_plain(high)}',
            f"    {chart.kind} [{', '.join(map(_plain, ys))}]",
        ]
    )


def _readable(labels: Sequence[str]) -> bool:
    """Mermaid draws labels that are alike in one place, and long ones over each other."""
    return len(set(labels)) == len(labels) and sum(len(label) + 2 for label in labels) <= MOST_LETTERS


def _drawable(ys: Sequence[float]) -> bool:
    """Mermaid reads no exponents: numbers of an ordinary size, and far enough from each other."""
    range_ = max(ys) / 2 - min(ys) / 2
    return all(y == 0 or 1e-4 <= abs(y) < 1e12 for y in ys) and (range_ == 0 or range_ >= 1e-4)


def _even(numbers: Sequence[float], many: int) -> bool:
    steps = [after - before for before, after in pairwise(numbers)]
    return len(numbers) == many and all(math.isclose(step, steps[0], rel_tol=0.01) for step in steps)


def _span(ys: Sequence[float], kind: str) -> tuple[float, float]:
    low, high = min(ys), max(ys)
    if kind == "bar":
        low, high = min(0.0, low), max(0.0, high)
    room = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    return (low if kind == "bar" and low == 0 else low - room), (high if kind == "bar" and high == 0 else high + room)


def _plain(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
