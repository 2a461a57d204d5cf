"""A chart as a small SVG file: readable on light and dark pages, without scripts, fonts or links. Pure.

Laws:
- The same chart gives the same bytes.
- Series differ in more than colour: lines in their dashes, bars by their place and the legend's order.
- Text from data is escaped; numbers that are too large for a picture are drawn at its edge.
"""

import math
from collections.abc import Sequence

from orchestrator.core.report import Chart, Series
from reviewers.plain import number
from reviewers.safe import xml

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 72, 16, 48, 68
MOST_SERIES = 8
MOST_POINTS = 500
MOST_BARS = 60
MOST_LABEL = 80
_HUGE, _TINY = 1e12, 1e-9
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "1 5", "12 4", "4 2", "6 6")
_LIGHT = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#9a6700", "#cf222e", "#0a7d91", "#59636e")
_DARK = ("#4493f8", "#f0883e", "#3fb950", "#ab7df8", "#d29922", "#f85149", "#39c5cf", "#9198a1")


def svg(chart: Chart) -> str:
    """The whole file."""
    shown = [series for series in chart.series if series.points][:MOST_SERIES]
    inside = ['<text class="t" x="360" y="170" text-anchor="middle">no points</text>']
    if shown:
        inside = _bars(shown) if chart.kind == "bar" else _lines(shown)
        inside += _names(chart, shown)
    return "\n".join([_head(chart), *inside, "</svg>", ""])


def _head(chart: Chart) -> str:
    colours = "".join(f".c{k}{{stroke:{c};fill:{c}}}" for k, c in enumerate(_LIGHT))
    dark = "".join(f".c{k}{{stroke:{c};fill:{c}}}" for k, c in enumerate(_DARK))
    style = (
        "text{font:12px system-ui,sans-serif;fill:#59636e}.t{font-size:15px;font-weight:600;fill:#1f2328}"
        ".g{stroke:#d1d9e0;stroke-width:1}.l{fill:none;stroke-width:2}"
        f"{colours}text{{stroke:none}}.l{{fill:none}}"
        f"@media(prefers-color-scheme:dark){{text{{fill:#9198a1}}.t{{fill:#f0f6fc}}.g{{stroke:#3d444d}}{dark}"
        "text{stroke:none}.l{fill:none}}"
    )
    unit = f", {chart.y}" if chart.y and chart.y.casefold() != chart.title.casefold() else ""
    title = xml(f"{chart.title}{unit}", 90)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{title}">\n<style>{style}</style>\n<text class="t" x="16" y="24">{title}</text>'
    )


def _names(chart: Chart, shown: Sequence[Series]) -> list[str]:
    """The axes' names and, for more than one series, the legend."""
    found = [
        f'<text x="{(LEFT + WIDTH - RIGHT) // 2}" y="{HEIGHT - 34}" text-anchor="middle">{xml(chart.x, 60)}</text>',
    ]
    step = (WIDTH - LEFT - RIGHT) // max(1, len(shown))
    for place, series in enumerate(shown if len(shown) > 1 else ()):
        x = LEFT + place * step
        dash = f' stroke-dasharray="{_DASHES[place]}"' if chart.kind == "line" and _DASHES[place] else ""
        width = 3 if chart.kind == "line" else 10
        found += [
            f'<line class="c{place}" x1="{x}" y1="{HEIGHT - 12}" x2="{x + 24}" y2="{HEIGHT - 12}" '
            f'stroke-width="{width}"{dash}/>',
            f'<text x="{x + 30}" y="{HEIGHT - 8}">{xml(series.name, max(4, step // 8))}</text>',
        ]
    return found


def _lines(shown: Sequence[Series]) -> list[str]:
    rows = [_numbered(series) for series in shown]
    xs = [x for row in rows for x, _ in row]
    ys = [y for row in rows for _, y in row]
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    low, high, ticks = _round(low, high)
    found = _grid(low, high, ticks)
    for place, row in enumerate(rows):
        dash = f' stroke-dasharray="{_DASHES[place]}"' if _DASHES[place] else ""
        points = " ".join(f"{_across(x, left, right):.1f},{_up(y, low, high):.1f}" for x, y in row)
        if len(row) == 1:
            across, _, up = points.partition(",")
            found.append(f'<circle class="c{place}" cx="{across}" cy="{up}" r="4"/>')
        else:
            found.append(f'<polyline class="c{place} l" points="{points}"{dash}/>')
    first, last = shown[0].points[0][0], shown[0].points[-1][0]
    words = all(isinstance(x, str) for x in (first, last))
    ends = (str(first), str(last)) if words else (number(left), number(right))
    for x, anchor, end in ((LEFT, "start", ends[0]), (WIDTH - RIGHT, "end", ends[1])):
        found.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="{anchor}">{xml(end, 30)}</text>')
    return found


def _bars(shown: Sequence[Series]) -> list[str]:
    """Groups of bars: a group for each name of x, in the order in which they come."""
    all_names = list(dict.fromkeys(str(x) for series in shown for x, _ in series.points))
    names = all_names[: MOST_BARS // len(shown)]
    ys = [y for series in shown for x, y in series.points if str(x) in names]
    low, high, ticks = _round(min(0.0, *ys), max(0.0, *ys))
    found = _grid(low, high, ticks)
    step = (WIDTH - LEFT - RIGHT) / len(names)
    wide = step * 0.8 / len(shown)
    zero = _up(0.0, low, high)
    for place, series in enumerate(shown):
        for x, y in series.points:
            if str(x) in names:
                at = LEFT + step * (names.index(str(x)) + 0.1) + wide * place
                end = _up(y, low, high)
                found.append(
                    f'<rect class="c{place}" x="{at:.1f}" y="{min(zero, end):.1f}" width="{max(1.0, wide - 2):.1f}" '
                    f'height="{max(0.5, abs(end - zero)):.1f}"><title>{xml(series.name)}: {number(y)}</title></rect>'
                )
                if wide >= 28:
                    found.append(
                        f'<text x="{at + wide / 2 - 1:.1f}" y="{min(zero, end) - 4:.1f}" text-anchor="middle">'
                        f"{number(y)}</text>"
                    )
    return [*found, *_groups(names, step), *_left_out(all_names[len(names) :])]


def _groups(names: Sequence[str], step: float) -> list[str]:
    """The names of the groups; of crowded ones every n-th."""
    every = math.ceil(MOST_LABEL / step) if step < MOST_LABEL / 2 else 1
    return [
        f'<text x="{LEFT + step * (place + 0.5):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
        f"{xml(names[place], int(step * every / 7))}</text>"
        for place in range(0, len(names), every)
    ]


def _left_out(names: Sequence[str]) -> list[str]:
    said = f'<text x="{WIDTH - RIGHT}" y="24" text-anchor="end">and {len(names)} more groups</text>'
    return [said] if names else []


def _round(low: float, high: float) -> tuple[float, float, list[float]]:
    """Ends around the numbers, and round numbers from one to the other; as they are where they are out of all size."""
    if not high > low or max(abs(low), abs(high)) > _HUGE or high - low < _TINY:
        return low, high, [low, high] if high > low else [low]
    size = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(k * size for k in (1, 2, 2.5, 5, 10) if (high - low) / (k * size) <= 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, last * step, [k * step for k in range(first, last + 1)]


def _grid(low: float, high: float, ticks: Sequence[float]) -> list[str]:
    """A line across for each tick, with its number."""
    found = []
    for value in ticks:
        y = _up(value, low, high)
        found += [
            f'<line class="g" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>',
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_tick(value)}</text>',
        ]
    return found


def _tick(value: float) -> str:
    return said if len(said := number(value)) <= 9 else f"{value:.2g}"


def _numbered(series: Series) -> list[tuple[float, float]]:
    """Points with numbers for x; words stand one apart. Of very many every n-th is drawn."""
    every = -(-len(series.points) // MOST_POINTS)
    points = [
        (float(place) if isinstance(x, str) else float(x), float(y)) for place, (x, y) in enumerate(series.points)
    ]
    return points[::every]


def _across(x: float, left: float, right: float) -> float:
    return LEFT + _share(x, left, right) * (WIDTH - LEFT - RIGHT)


def _up(y: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - _share(y, low, high) * (HEIGHT - TOP - BOTTOM)


def _share(value: float, low: float, high: float) -> float:
    """Where the value lies between the ends, from 0 to 1; in the middle when they are the same."""
    span = high / 2 - low / 2  # halves, so that the largest numbers don't overflow
    return min(1.0, max(0.0, (value / 2 - low / 2) / span)) if span > 0 and math.isfinite(span) else 0.5
