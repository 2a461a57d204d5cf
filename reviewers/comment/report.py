"""A report as blocks of Markdown: summary and warnings first, then numbers, tables, pictures and samples. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from orchestrator.core.report import Cell, Chart, Metric, Report, Sample, Table, ToLabel
from reviewers.comment.mermaid import xychart
from reviewers.comment.page import folded, link, table
from reviewers.plain import number
from reviewers.safe import block, bold, text

MOST_COLUMNS = 20
WORDS, SENTENCE = 200, 600  # characters of a cell; in a table of two columns the second may be a sentence


class Space(NamedTuple):
    """How much of a report is shown, and where its pictures are: as files, and as raw files to look at."""

    rows: int = 20
    samples: int = 12
    charts: str = ""
    raw: str = ""
    name: str = ""
    drawn: bool = True


def summary(report: Report) -> str:
    """One or two sentences, in bold."""
    return bold(report.summary)


def warnings(report: Report, space: Space) -> str:
    """What to beware of, in a box; empty when there is nothing."""
    if not report.warnings:
        return ""
    shown = [f"> - {text(one, 500) or '(empty)'}" for one in report.warnings[: space.rows]]
    return "\n".join(
        ["> [!WARNING]", *shown, *(f"> - {one}" for one in _more(report.warnings, space.rows, "warnings"))]
    )


def body(report: Report, space: Space) -> list[str]:
    """Everything but the summary and the warnings."""
    blocks = [metrics(report.metrics, space)] if report.metrics else []
    for place, chart in enumerate(report.charts, 1):
        blocks.append(picture(chart, place, space))
    blocks += [grid(one, space) for one in report.tables]
    if report.to_label:
        blocks.append(_to_label(report.to_label, space))
    if report.samples:
        blocks.append(_samples(report.samples, space))
    return blocks


def metrics(found: Sequence[Metric], space: Space) -> str:
    """A row for each: value, interval, what it is compared with, and whether the change is for the better."""
    columns = ["", "value", "95 % interval", "compared with", "change"]
    rows = [
        (
            text(one.name.replace("_", " "), 60),
            f"**{_figure(one.value, one.unit)}**",
            "" if one.low is None or one.high is None else f"{number(one.low)} to {number(one.high)}",
            "" if one.baseline is None else number(one.baseline),
            change(one),
        )
        for one in found[: 2 * space.rows]
    ]
    kept = [place for place in range(5) if place < 2 or any(row[place] for row in rows)]
    shown = table([columns[k] for k in kept], [[row[k] for k in kept] for row in rows], right=range(1, len(kept)))
    return "\n\n".join([shown, *_more(found, 2 * space.rows, "numbers")])


def _figure(value: float, unit: str) -> str:
    return f"{number(value)} {text(unit, 20)}".rstrip()


def change(metric: Metric) -> str:
    """How far from the baseline, and in words whether that is good; `unclear` where the interval holds zero."""
    if metric.baseline is None:
        return ""
    difference = metric.value - metric.baseline
    said = f"{'+' if difference > 0 else ''}{number(difference)}"
    if not difference or metric.better is None:
        return said if difference else "the same"
    low, high = metric.low, metric.high
    if low is not None and high is not None and low <= metric.baseline <= high:
        return f"{said} ⚪ unclear"
    good = (difference > 0) == (metric.better == "higher")
    return f"{said} {'🟢 better' if good else '🔴 worse'}"


def grid(found: Table, space: Space) -> str:
    """A table with its title; the last rows of a long one are counted. Empty without a column."""
    places = range(min(MOST_COLUMNS, len(found.columns)))
    if not places:
        return ""
    most = SENTENCE if len(places) <= 2 else WORDS
    rows = [[cell(row[k], most) if k < len(row) else "" for k in places] for row in found.rows[: space.rows]]
    right = [k for k in places if all(_numeric(row[k]) for row in found.rows if k < len(row))]
    shown = table([text(found.columns[k], 60) for k in places], rows, right=right)
    heading = text(found.title, 200)
    more = [*_more(found.rows, space.rows, "rows"), *_more(found.columns, MOST_COLUMNS, "columns")]
    return "\n\n".join([*([f"#### {heading}"] if heading else []), shown, *more])


def _numeric(value: Cell) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def cell(value: Cell, most: int = WORDS) -> str:
    """One cell, safe in a table; of a text at most so many characters."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case str():
            return text(value, most)
    return number(value)


def picture(chart: Chart, place: int, space: Space) -> str:
    """The chart drawn by Mermaid where that can show it, otherwise the drawing on the branch, or a link to it."""
    name = text(chart.title, 200) or "Chart"
    drawn = xychart(chart) if space.drawn else ""
    if drawn:
        return f"#### {name}\n\n{block(drawn, 'mermaid')}"
    file = f"{space.name}-{place}.svg"
    if space.raw:
        return link(f"![{name}]({space.raw}/{file})", f"{space.charts}/{file}")
    where = link("the drawing of this chart", f"{space.charts}/{file}")
    return f"#### {name}\n\n📈 See {where}."


def _samples(samples: Sequence[Sample], space: Space) -> str:
    lines = [f"- {text(one.text, 300) or '(empty)'}{_note(one)}" for one in samples[: space.samples]]
    return folded(f"Samples ({len(samples):,})", "\n".join([*lines, *_more(samples, space.samples, "samples")]))


def _to_label(rows: Sequence[ToLabel], space: Space) -> str:
    """The rows whose labels are worth a look, the worthiest first."""
    cells = [
        [text(one.text, 200) or "(empty)", text(one.label, 60), _guess(one), text(one.why, 200)]
        for one in rows[: space.rows]
    ]
    kept = [place for place in range(4) if place < 2 or any(row[place] for row in cells)]
    names = ("text", "label", "the model says", "why it is shown")
    shown = table([names[k] for k in kept], [[row[k] for k in kept] for row in cells])
    words = f"Labels worth a look ({len(rows):,})"
    return folded(words, "\n\n".join([shown, *_more(rows, space.rows, "rows")]))


def _guess(row: ToLabel) -> str:
    """What a model would say, and how surely."""
    sure = f" ({row.confidence:.0%})" if row.predicted and row.confidence is not None else ""
    return f"{text(row.predicted, 60)}{sure}"


def _note(sample: Sample) -> str:
    note = text(sample.note, 200)
    return f"<br>*{note}*" if note else ""


def _more(items: Sequence[object], shown: int, what: str) -> list[str]:
    return [f"… and {len(items) - shown:,} more {what}"] if len(items) > shown else []
