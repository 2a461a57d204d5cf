"""Statistics of the new rows by column, class, source and language, and what is odd about them. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from steps.contract import Chart, Metric, Series, Table
from steps.validate import language, rows
from steps.validate.finding import Alarm, Part, counted, percent

if TYPE_CHECKING:
    import pyarrow as pa

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_SHOWN = 30
_AHEAD = timedelta(days=1)  # a clock elsewhere may be in tomorrow
_FEW = 50


def columns(new: "pa.Table") -> Part:
    """Each column: its type, how many values are missing or empty, and how many differ."""
    import pyarrow.compute as pc

    lines = []
    for field in new.schema:
        column = new[field.name]
        words = str(field.type) in ("string", "large_string")
        empty = pc.sum(pc.equal(pc.utf8_trim_whitespace(column), "")).as_py() if words else None
        lines.append((field.name, str(field.type), column.null_count, empty, pc.count_distinct(column).as_py()))
    blank = next((line[2] + (line[3] or 0) for line in lines if line[0] == "text"), 0)
    said = f"{counted(new.num_rows, 'new row')} looked at; {counted(blank, 'text')} of them empty."
    table = Table(
        title="Columns of the new rows", columns=("column", "type", "missing", "empty", "different"), rows=tuple(lines)
    )
    share = Metric(name="empty_texts", value=round(blank / max(1, new.num_rows), 6), better="lower")
    return Part("columns", (said,), (Metric(name="rows_looked_at", value=new.num_rows), share), (table,))


def classes(new: "pa.Table", names: Sequence[str], counts: Sequence[int], all_counts: Sequence[int]) -> Part:
    """Each class: exact rows, and the length of its new texts. Zero or one class is an alarm."""
    import numpy as np

    texts, labels = rows.texts(new), new["label"].to_pylist()
    lines = []
    for place, name in enumerate(names):
        of = [len(text) for text, label in zip(texts, labels, strict=True) if label == place]
        spread = [round(float(q)) for q in np.quantile(of, (0.05, 0.5, 0.95))] if of else [None] * 3
        share = round(all_counts[place] / max(1, sum(all_counts)), 4)
        lines.append((name, counts[place], all_counts[place], share, *spread))
    titles = ("class", "new rows", "all rows", "share of all", "5 % have at most", "half", "95 % (characters)")
    table = Table(title="Classes and the length of their texts", columns=titles, rows=tuple(lines))
    there = [place for place, count in enumerate(all_counts) if count]
    whole = max(1, sum(all_counts))
    metrics = (
        Metric(name="classes_with_rows", value=len(there)),
        Metric(name="largest_class_share", value=round(max(all_counts, default=0) / whole, 6), better="lower"),
        Metric(name="smallest_class_rows", value=min(all_counts, default=0), better="higher"),
    )
    said, alarms = _balance(names, all_counts, there)
    return Part("balance of the classes", (said,), metrics, (table,), alarms=alarms)


def _balance(names: Sequence[str], counts: Sequence[int], there: Sequence[int]) -> tuple[str, tuple[Alarm, ...]]:
    if len(there) < 2:
        what = f"only {names[there[0]]!r}" if there else "no class"
        said = f"The snapshot holds {what}: a model needs texts of at least two classes to learn anything."
        return said, (Alarm("classes", said),)
    most = max(there, key=lambda place: counts[place])
    least = min(range(len(names)), key=lambda place: counts[place])
    said = (
        f"The largest class, {names[most]!r}, has {percent(counts[most] / sum(counts))} of all rows; the smallest, "
        f"{names[least]!r}, {counted(counts[least], 'row')}."
    )
    return said, ()


def sources(new: "pa.Table", names: Sequence[str]) -> Part:
    """Each source and each group: how many of the rows looked at, and how their classes are shared out."""
    labels = new["label"].to_pylist()
    tables = []
    for column, title in (("source", "Sources of the new rows"), ("group", "Groups of the new rows")):
        found: Counter[str] = Counter(value or "" for value in new[column].to_pylist())
        if set(found) <= {""}:
            continue
        pairs = Counter(zip(new[column].to_pylist(), labels, strict=True))
        top = sorted(found, key=lambda name: (-found[name], name))[:_SHOWN]
        lines = tuple(
            (name or "(none)", found[name], *(round(pairs[name, k] / found[name], 4) for k in range(len(names[:8]))))
            for name in top
        )
        tables.append(
            Table(title=title, columns=(column, "rows looked at", *(f"share {n}" for n in names[:8])), rows=lines)
        )
    number = len(set(new["source"].to_pylist()))
    return Part("sources", (f"The new rows looked at come from {counted(number, 'source')}.",), tables=tuple(tables))


def languages(new: "pa.Table", earlier: "pa.Table") -> tuple[Part, dict[str, float]]:
    """The languages of new texts and of earlier ones."""
    now, before = language.shares(rows.texts(new)), language.shares(rows.texts(earlier))
    names = [name for name in language.LANGUAGES if now.get(name) or before.get(name)]
    most = next(iter(now), language.NONE)
    said = f"{percent(now.get(most, 0))} of the new texts are {_of(most)}"
    said += f", {percent(before.get(most, 0))} of the earlier ones were." if before else "."
    series = [("earlier", before)] * bool(before) + [("new", now)]
    charts = tuple(
        Chart(title="Languages", kind="bar", x="language", y="share", series=tuple(
            Series(name=kind, points=tuple((name, round(of.get(name, 0.0), 4)) for name in names)) for kind, of in series
        ))
        for _ in names[1:2]
    )  # fmt: skip
    lines = tuple(
        (name, round(now.get(name, 0.0), 4), round(before[name], 4) if name in before else None) for name in names
    )
    table = Table(title="Languages of the texts", columns=("language", "share of new", "share of earlier"), rows=lines)
    metric = Metric(name="main_language_share", value=round(now.get(most, 0.0), 6), baseline=before.get(most))
    return Part("language", (said,), (metric,), (table,), charts), now


def _of(name: str) -> str:
    return {
        language.LATIN: "in Latin script",
        language.OTHER: "in other languages",
        language.NONE: "without letters",
    }.get(name, f"in {name}")


def dates(new: "pa.Table", now: datetime) -> Part:
    """The first and last date, how many have none, and how many are in the future (more than a day)."""
    import pyarrow.compute as pc

    column = new["at"]
    ends = pc.min_max(column).as_py()
    if ends["min"] is None:
        return Part("dates", ("The new rows have no dates.",))
    ahead = pc.sum(pc.greater(column, _scalar(now + _AHEAD, column.type))).as_py() or 0
    said = f"The new rows date from {ends['min']:%Y-%m-%d} to {ends['max']:%Y-%m-%d}"
    said += f"; {counted(column.null_count, 'row')} without a date" if column.null_count else ""
    told = f"{counted(ahead, 'new row')} dated in the future, up to {ends['max']:%Y-%m-%d}: a clock or a date format is wrong."
    metrics = (
        Metric(name="future_dates", value=ahead, better="lower"),
        Metric(name="undated", value=column.null_count),
    )
    alarms = (Alarm("dates", told),) if ahead else ()
    return Part("dates", (f"{said}.", *([told] if ahead else [])), metrics, alarms=alarms)


def _scalar(value: datetime, kind: "pa.DataType") -> "pa.Scalar":
    import pyarrow as pa

    return pa.scalar(value, pa.timestamp("us", tz="UTC")).cast(kind)


def spread(new: "pa.Table") -> tuple[float, ...]:
    """The quantiles of the new texts' characters that a profile keeps; none without rows."""
    import numpy as np

    found = [len(text) for text in rows.texts(new)]
    return tuple(float(q) for q in np.quantile(found, QUANTILES)) if found else ()
