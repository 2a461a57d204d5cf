"""Statistics of the new rows by column, class, source and language, and what is odd about them. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from steps.contract import Metric, Table
from steps.validate import language, rows
from steps.validate.finding import Alarm, Part, bars, counted, percent

if TYPE_CHECKING:
    import pyarrow as pa

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_MOST_SOURCES = 30
_MOST_CLASSES = 8
_LEAST_SHARE = 0.001
_AHEAD = timedelta(days=1)  # a clock elsewhere may be in tomorrow


def columns(new: "pa.Table") -> Part:
    """Each column: its type, how many values are missing or empty, and how many differ."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lines, blank = [], 0
    for name in new.column_names:
        column = new[name]
        words = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        empty = pc.sum(pc.equal(pc.utf8_trim_whitespace(column), "")).as_py() or 0 if words else None
        lines.append((name, str(column.type), column.null_count, empty, pc.count_distinct(column).as_py()))
        blank += column.null_count + (empty or 0) if name == "text" else 0
    said = f"{counted(new.num_rows, 'new row')} looked at; {counted(blank, 'text')} of them empty."
    titles = ("column", "type", "missing", "empty", "different")
    share = Metric(name="empty_texts", value=round(blank / max(1, new.num_rows), 6), better="lower")
    metrics = (Metric(name="rows_looked_at", value=new.num_rows), share)
    return Part(
        "columns", (said,), metrics, (Table(title="Columns of the new rows", columns=titles, rows=tuple(lines)),)
    )


def classes(new: "pa.Table", names: Sequence[str], counts: Sequence[int], all_counts: Sequence[int]) -> Part:
    """Each class: exact rows, and the length of its new texts. Zero or one class is an alarm."""
    import numpy as np

    lengths = np.array([len(text) for text in rows.texts(new)])
    labels = np.array([-1 if label is None else label for label in new["label"].to_pylist()])
    whole = max(1, sum(all_counts))
    lines = []
    for place, name in enumerate(names):
        of = lengths[labels == place]
        spread = [round(float(q)) for q in np.quantile(of, (0.05, 0.5, 0.95))] if len(of) else [None] * 3
        lines.append((name, counts[place], all_counts[place], round(all_counts[place] / whole, 4), *spread))
    titles = ("class", "new rows", "all rows", "share of all", "5 % have at most", "half", "95 % (characters)")
    metrics = (
        Metric(name="classes_with_rows", value=sum(count > 0 for count in all_counts)),
        Metric(name="largest_class_share", value=round(max(all_counts, default=0) / whole, 6), better="lower"),
        Metric(name="smallest_class_rows", value=min(all_counts, default=0), better="higher"),
    )
    said, alarms = _balance(names, all_counts)
    table = Table(title="Classes and the length of their texts", columns=titles, rows=tuple(lines))
    return Part("balance of the classes", (said,), metrics, (table,), alarms=alarms)


def _balance(names: Sequence[str], counts: Sequence[int]) -> tuple[str, tuple[Alarm, ...]]:
    there = [place for place, count in enumerate(counts) if count]
    if len(there) < 2:
        what = f"rows of {names[there[0]]!r} only" if there else "no rows of any class"
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
    tables = tuple(
        _by(new, column, title, names)
        for column, title in (("source", "Sources of the new rows"), ("group", "Groups of the new rows"))
        if any(new[column].to_pylist())
    )
    number = len(set(new["source"].to_pylist()))
    return Part("sources", (f"The new rows looked at come from {counted(number, 'source')}.",), tables=tables)


def _by(new: "pa.Table", column: str, title: str, names: Sequence[str]) -> Table:
    pairs = Counter(zip((value or "" for value in new[column].to_pylist()), new["label"].to_pylist(), strict=True))
    found: Counter[str] = Counter()
    for (name, _), count in pairs.items():
        found[name] += count
    shown = range(len(names[:_MOST_CLASSES]))
    lines = tuple(
        (name or "(none)", found[name], *(round(pairs[name, k] / found[name], 4) for k in shown))
        for name in sorted(found, key=lambda name: (-found[name], name))[:_MOST_SOURCES]
    )
    return Table(title=title, columns=(column, "rows looked at", *(f"share {names[k]}" for k in shown)), rows=lines)


def languages(new: "pa.Table", earlier: "pa.Table") -> tuple[Part, dict[str, float]]:
    """The languages of new texts and of earlier ones, and the shares of the new ones."""
    now, before = language.shares(rows.texts(new)), language.shares(rows.texts(earlier))
    names = [n for n in language.LANGUAGES if max(now.get(n, 0.0), before.get(n, 0.0)) >= _LEAST_SHARE]
    most = next(iter(now), language.NONE)
    said = f"{percent(now.get(most, 0.0))} of the new texts are {language.said(most)}"
    said += f"; of the earlier ones it was {percent(before.get(most, 0.0))}." if before else "."
    series = {"earlier": before, "new": now} if before else {"new": now}
    shares = {kind: [(name, of.get(name, 0.0)) for name in names] for kind, of in series.items()}
    charts = (bars("Languages of the texts", "language", "% of the texts", shares),) if len(names) > 1 else ()
    lines = tuple((n, round(now.get(n, 0.0), 4), round(before.get(n, 0.0), 4) if before else None) for n in names)
    table = Table(title="Languages of the texts", columns=("language", "share of new", "share of earlier"), rows=lines)
    metric = Metric(
        name="main_language_share",
        value=round(now.get(most, 0.0), 6),
        baseline=round(before.get(most, 0.0), 6) if before else None,
    )
    return Part("language", (said,), (metric,), (table,), charts), now


def dates(new: "pa.Table", now: datetime) -> Part:
    """The first and last date, how many have none, and how many are in the future (by more than a day)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = new["at"]
    ends: dict[str, Any] = pc.min_max(column).as_py()
    metrics = (Metric(name="undated_rows", value=column.null_count, better="lower"),)
    if ends["min"] is None:
        return Part("dates", ("The new rows have no dates.",), (Metric(name="future_dates", value=0), *metrics))
    limit = pa.scalar(now + _AHEAD, pa.timestamp("us", tz="UTC")).cast(column.type)
    ahead = pc.sum(pc.greater(column, limit)).as_py() or 0
    said = f"The new rows date from {ends['min']:%Y-%m-%d} to {ends['max']:%Y-%m-%d}"
    said += f"; {counted(column.null_count, 'row')} without a date." if column.null_count else "."
    until = f"up to {ends['max']:%Y-%m-%d}: a clock or the reading of dates is wrong"
    told = f"{counted(ahead, 'new row')} dated in the future, {until}."
    first = Metric(name="future_dates", value=ahead, better="lower")
    alarms = (Alarm("dates", told),) if ahead else ()
    return Part("dates", (said, told) if ahead else (said,), (first, *metrics), alarms=alarms)


def spread(new: "pa.Table") -> tuple[float, ...]:
    """The quantiles of the new texts' characters that a profile keeps; none without rows."""
    import numpy as np

    found = [len(text) for text in rows.texts(new)]
    return tuple(float(q) for q in np.quantile(found, QUANTILES)) if found else ()
