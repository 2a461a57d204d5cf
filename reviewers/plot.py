"""A chart as lines of text: curves in braille dots, bars in blocks. Pure.

Law: every line is as wide as it says, whatever the numbers; a chart without points says so.
"""

import math
from itertools import pairwise
from typing import NamedTuple

from orchestrator.core.report import Chart, Series
from reviewers.plain import inert, number

HEIGHT = 8  # lines of a curve, four dots each
MOST_BARS = 20
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # braille bits by row and column of a cell
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Span(NamedTuple):
    """Some text, and the number of the series that it belongs to, if any."""

    text: str
    series: int | None = None


Line = list[Span]


def plot(chart: Chart, width: int) -> list[Line]:
    """The chart in at most `width` columns."""
    if not any(series.points for series in chart.series):
        return [[Span("(no points)")]]
    lines = _bars(chart, width) if chart.kind == "bar" else _curves(chart, width)
    named = [Span(f"● {inert(series.name, 30)}  ", place) for place, series in enumerate(chart.series)]
    return [*lines, named] if len(chart.series) > 1 else lines


def _curves(chart: Chart, width: int) -> list[Line]:
    points = [_numbered(series) for series in chart.series]
    xs = [x for row in points for x, _ in row]
    ys = [y for row in points for _, y in row]
    low, high = min(ys), max(ys)
    labels = [number(high), *[""] * (HEIGHT - 2), number(low)]
    margin = max(map(len, labels))
    columns = max(8, width - margin - 2)
    cells: list[list[tuple[int, int | None]]] = [[(0, None)] * columns for _ in range(HEIGHT)]
    for place, row in enumerate(points):
        for x, y in _dense([(_share(x, min(xs), max(xs)), _share(y, low, high)) for x, y in row], columns * 2):
            column, line = round(x * (columns * 2 - 1)), round((1 - y) * (HEIGHT * 4 - 1))
            bits, _ = cells[line // 4][column // 2]
            cells[line // 4][column // 2] = (bits | _DOTS[line % 4][column % 2], place)
    drawn: list[Line] = [
        [
            Span(f"{label:>{margin}} {'┤' if label else '│'}"),
            *(Span(chr(0x2800 + bits) if bits else " ", place) for bits, place in row),
        ]
        for label, row in zip(labels, cells, strict=True)
    ]
    return [*drawn, _axis(chart, margin, columns)]


def _axis(chart: Chart, margin: int, columns: int) -> Line:
    """The first and last x below the curve, and what x is between them."""
    ends = [point[0] for series in chart.series for point in series.points]
    numbers = [end for end in ends if not isinstance(end, str)]
    first, last = (min(numbers), max(numbers)) if numbers else (ends[0], ends[-1])
    left, right = (inert(end, 12) if isinstance(end, str) else number(end) for end in (first, last))
    room = max(0, columns - len(left) - len(right))
    return [Span(" " * (margin + 2) + left + inert(chart.x, room).center(room) + right)]


def _bars(chart: Chart, width: int) -> list[Line]:
    rows = [(place, str(x), y) for place, series in enumerate(chart.series) for x, y in series.points]
    shown = rows[:MOST_BARS]
    names = [inert(name, 24) for _, name, _ in shown]
    margin, digits = max(map(len, names)), max(len(number(y)) for _, _, y in shown)
    most = max(abs(y) for _, _, y in shown) or 1.0
    columns = max(4, width - margin - digits - 2)
    lines = [
        [Span(f"{name:>{margin}} "), Span(_bar(abs(y) / most, columns), place), Span(f" {number(y):>{digits}}")]
        for name, (place, _, y) in zip(names, shown, strict=True)
    ]
    return lines if len(rows) <= MOST_BARS else [*lines, [Span(f"… and {len(rows) - MOST_BARS} more")]]


def _bar(share: float, columns: int) -> str:
    eighths = round(share * columns * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[part] if part else "")).ljust(columns)


def _numbered(series: Series) -> list[tuple[float, float]]:
    """The points with numbers for x: words stand one apart, in the order they come."""
    return [(float(place) if isinstance(x, str) else float(x), y) for place, (x, y) in enumerate(series.points)]


def _share(value: float, low: float, high: float) -> float:
    """Where the value lies between the ends, from 0 to 1; in the middle when they are the same."""
    span = high / 2 - low / 2  # halves, so that the largest numbers don't overflow
    return min(1.0, max(0.0, (value / 2 - low / 2) / span)) if span > 0 and math.isfinite(span) else 0.5


def _dense(points: list[tuple[float, float]], steps: int) -> list[tuple[float, float]]:
    """The points and those on the line between neighbours, one for each dot."""
    found = points[:1]
    for (x0, y0), (x1, y1) in pairwise(points):
        count = max(1, math.ceil(max(abs(x1 - x0) * steps, abs(y1 - y0) * HEIGHT * 4)))
        found += [(x0 + (x1 - x0) * k / count, y0 + (y1 - y0) * k / count) for k in range(1, count + 1)]
    return found
