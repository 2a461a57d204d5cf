"""A report and its question as text for a terminal: the answer first, then the numbers, then the pictures. Pure.

Law: nothing in a report can move the cursor, colour the screen, turn the writing round or fill the screen: text goes
through `inert` into `Text`, which reads no markup, and rows, samples and warnings are counted.
"""

import io
from collections.abc import Iterable, Sequence
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from orchestrator.core.report import Cell, Chart, Metric, Report, Sample, Table, ToLabel
from reviewers.commands import FORMS
from reviewers.plain import inert, number
from reviewers.plot import plot

MOST_ROWS = 20
MOST_SAMPLES = 5
MOST_LABELS = 5
WORDS, SENTENCE = 80, 500  # characters of a cell; in a table of two columns the second may be a sentence
COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")

_MEANS = {
    "approve": "this goes on",
    "unapprove": "take your approval back",
    "reject": "this ends here",
    "rerun": "again, with other values if you give any",
    "hold": "start nothing more",
    "unhold": "go on",
    "cancel": "stop what runs, and end it",
    "status": "show where it stands, and what is asked",
    "help": "this list",
}


def render(what: RenderableType, *, width: int = 100, colour: bool = False) -> str:
    """The text of it, each line ended; with escape sequences for colour if wanted."""
    out = io.StringIO()
    system: Literal["standard"] | None = "standard" if colour else None
    screen = Console(
        file=out, width=width, color_system=system, force_terminal=colour, legacy_windows=False, _environ={}
    )  # the environment is the caller's to read
    screen.print(what)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def report_view(report: Report, *, width: int = 100) -> RenderableType:
    """Summary, warnings, metrics, tables, charts, samples."""
    parts: list[RenderableType] = [Text(inert(report.summary), style="bold")]
    parts += [Text(f"! {inert(warning, 500)}", style="yellow") for warning in report.warnings[:MOST_ROWS]]
    parts += _more(report.warnings, MOST_ROWS, "warnings")
    if report.metrics:
        parts += [Text(), _metrics(report.metrics)]
    for table in report.tables:
        parts += [Text(), Text(inert(table.title, 200), style="bold"), _table(table)]
    for chart in report.charts:
        parts += [Text(), _chart(chart, min(width, 78) - 4)]
    if report.to_label:
        count = f"Labels worth a look ({len(report.to_label):,})"
        parts += [Text(), Text(count, style="bold"), labels_view(report.to_label, width=width)]
    if report.samples:
        parts += [Text(), Text("Samples", style="bold"), *map(_sample, report.samples[:MOST_SAMPLES])]
        parts += _more(report.samples, MOST_SAMPLES, "samples")
    return Group(*parts)


def question_view(
    cycle: str, stage: str, report: Report, *, digest: str = "", asks: Sequence[str] = (), width: int = 100
) -> RenderableType:
    """The report, who is asked, and what may be answered."""
    parts: list[RenderableType] = [
        Rule(Text(f"{inert(cycle, 40)} · {inert(stage, 80)}"), style="cyan", align="left"),
        Padding(report_view(report, width=width - 2), (1, 0, 1, 2)),
    ]
    about = f" about {inert(digest, 64)[:12]}" if digest else ""
    parts.append(Text(f"Your answer{about}?", style="bold cyan"))
    parts += [Text(f"  asked: {inert(ask, 300)}") for ask in asks]
    if report.to_label:
        name = inert(cycle, 40)
        parts.append(Text(f"  labels: `ratchet labels {name} --csv FILE`, and `--import FILE` once you have edited it"))
    parts.append(Text("  approve · reject REASON · rerun [key=value]… · hold · cancel REASON · help", style="dim"))
    return Group(*parts)


def labels_view(rows: Sequence[ToLabel], *, most: int = MOST_LABELS, width: int = 100) -> RenderableType:
    """The rows whose labels are worth a look, a line for each: the text, what it is, and what the model says."""
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("text", "label", "the model says", "why it is shown"):
        grid.add_column(name, no_wrap=True)
    said = [(Text(inert(row.label, 24)), _guess(row)) for row in rows[:most]]
    labels = max([len("label"), *(label.cell_len for label, _ in said)])
    guesses = max([len("the model says"), *(guess.cell_len for _, guess in said)])
    left = max(40, width - labels - guesses - 9)  # three columns' space between four
    for row, cells in zip(rows, said, strict=False):
        grid.add_row(_cut(row.text, left * 3 // 5), *cells, _cut(row.why, left * 2 // 5, "dim"))
    return Group(grid, *_more(rows, most, "labels"))


def _guess(row: ToLabel) -> Text:
    """What a model would say, and how surely; coloured where it is another label."""
    sure = f" {row.confidence:.0%}" if row.predicted and row.confidence is not None else ""
    return Text(f"{inert(row.predicted, 24)}{sure}", style="yellow" if row.predicted not in ("", row.label) else "")


def _cut(text: str, width: int, style: str = "") -> Text:
    shown = Text(inert(text, 200), style=style)
    shown.truncate(width, overflow="ellipsis")
    return shown


def help_view() -> RenderableType:
    """Every form that is read at a terminal, and what it does, a line for each."""
    lines = [Text("What may be typed, with or without the slash:", style="bold")]
    width = max(len(FORMS[verb]) for verb in _MEANS)
    lines += [Text(f"  {FORMS[verb]:<{width}}  {means}") for verb, means in _MEANS.items()]
    return Group(*lines, Text("Ctrl-C leaves, and loses nothing: `ratchet run` comes back.", style="dim"))


def _more(items: Sequence[object], shown: int, what: str) -> list[RenderableType]:
    return [Text(f"… and {len(items) - shown} more {what}", style="dim")] if len(items) > shown else []


def _metrics(metrics: Sequence[Metric]) -> Grid:
    """One row a metric: value, interval, baseline and how far from it, coloured by whether that is better."""
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    grid.add_column("")
    for head in ("value", "95 % interval", "compared with", "change"):
        grid.add_column(head, justify="right")
    for metric in metrics[: 2 * MOST_ROWS]:
        unit = f" {inert(metric.unit, 12)}" if metric.unit else ""
        between = "" if metric.low is None or metric.high is None else f"{number(metric.low)} … {number(metric.high)}"
        against = "" if metric.baseline is None else number(metric.baseline)
        cells = (f"{number(metric.value)}{unit}", between, against)
        grid.add_row(Text(inert(metric.name, 40)), *map(Text, cells), _change(metric))
    return grid


def _change(metric: Metric) -> Text:
    if metric.baseline is None:
        return Text()
    change = metric.value - metric.baseline
    said = f"{'+' if change > 0 else ''}{number(change)}"
    if not change or metric.better is None:
        return Text(said)
    if metric.baseline == 0 and metric.low is not None and metric.high is not None and metric.low <= 0 <= metric.high:
        return Text(f"{said} unclear", style="yellow")  # a difference whose interval holds zero
    good = (change > 0) == (metric.better == "higher")
    return Text(f"{said} {'better' if good else 'worse'}", style="green" if good else "red")


def _table(table: Table) -> RenderableType:
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in table.rows if place < len(row)]
        numeric = all(cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool)) for cell in cells)
        grid.add_column(Text(inert(column, 40)), justify="right" if numeric else "left")
    most = SENTENCE if len(table.columns) <= 2 else WORDS
    for row in table.rows[:MOST_ROWS]:
        grid.add_row(*(Text(_cell(cell, most)) for cell in row[: len(table.columns)]))
    return Group(grid, *_more(table.rows, MOST_ROWS, "rows"))


def _cell(cell: Cell, most: int) -> str:
    match cell:
        case None:
            return "-"
        case bool():
            return "yes" if cell else "no"
        case str():
            return inert(cell, most)
    return number(cell)


def _chart(chart: Chart, width: int) -> RenderableType:
    lines: Iterable[Text] = (
        Text.assemble(
            *((span.text, "" if span.series is None else COLOURS[span.series % len(COLOURS)]) for span in line)
        )
        for line in plot(chart, width)
    )
    unit = f" ({inert(chart.y, 40)})" if chart.y else ""
    return Group(
        Text(f"{inert(chart.title, 200)}{unit}", style="bold"), *(Padding(line, (0, 0, 0, 2)) for line in lines)
    )


def _sample(sample: Sample) -> RenderableType:
    note = f"  {inert(sample.note, 200)}" if sample.note else ""
    return Text.assemble(f"  “{inert(sample.text, 240)}”", (note, "dim"))
