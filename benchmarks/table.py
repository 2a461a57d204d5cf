"""Markdown tables."""

from collections.abc import Sequence

from benchmarks.ratio import Spread


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; the first column is text, the others are aligned to the right."""
    lines = [columns, ["---", *("---:" for _ in columns[1:])], *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def spread(value: Spread, digits: int = 2, scale: float = 1.0) -> str:
    """`1.83 [1.81..1.96]`."""
    median, low, high = (f"{one * scale:,.{digits}f}" for one in value)
    return f"{median} [{low}..{high}]"


def judged(value: float, goal: float, *, least: bool = False, unit: str = "") -> str:
    """The goal, and whether it was reached."""
    reached = value >= goal if least else value <= goal
    return f"{'≥' if least else '≤'} {goal:,g}{unit} {'✓' if reached else '✗'}"
