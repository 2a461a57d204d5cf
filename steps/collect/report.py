"""What collect tells a planner: what is new, what was left out and why, and what the data look like now. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from steps.contract import Chart, Metric, Report, Sample, Series, Table
from steps.snapshot import Row

_LEFT_OUT = {
    "seen": "already in the last snapshot",
    "duplicates": "repeats a text of this reading",
    "contradicted": "same text with different labels",
    "middle": "rating between the thresholds",
    "empty": "no text",
    "unlabelled": "no usable label",
}
_FEW = 50
_RARE = 10
_MOST_GROUPS = 30
_MOST_SAMPLES = 12


class Found(NamedTuple):
    """All that the report is made of. `aside` holds the ids of new rows that went to hold-out."""

    labels: Sequence[str]
    new: Sequence[Row]
    aside: set[str]
    train: Sequence[Row]
    holdout: Sequence[Row]
    counts: Counter[str]
    files: int


def describe(found: Found) -> Report:
    """The report."""
    new, total = len(found.new), len(found.train) + len(found.holdout)
    groups = sorted({row.group for row in found.new if row.group})
    where = f" from {', '.join(groups)}" if 0 < len(groups) <= 5 else ""
    summary = (
        f"{new:,} new texts{where} in {found.files} files; the snapshot now holds {total:,}: "
        f"{len(found.train):,} to train on and {len(found.holdout):,} to measure with."
    )
    return Report(
        summary=summary,
        metrics=_metrics(found, new, total),
        tables=_tables(found),
        charts=_charts(found),
        samples=_samples(found),
        warnings=_warnings(found),
    )


def _metrics(found: Found, new: int, total: int) -> tuple[Metric, ...]:
    numbers = {
        "new_rows": new,
        "total_rows": total,
        "train_rows": len(found.train),
        "holdout_rows": len(found.holdout),
        "rows_read": found.counts["rows"],
        "rows_seen_before": found.counts["seen"],
        "duplicates": found.counts["duplicates"],
        "contradicted": found.counts["contradicted"],
        "classes": len(found.labels),
    }
    return tuple(Metric(name=name, value=value) for name, value in numbers.items())


def _tables(found: Found) -> tuple[Table, ...]:
    left = tuple((why, found.counts[kind]) for kind, why in _LEFT_OUT.items() if found.counts[kind])
    tables = [Table(title="Rows left out", columns=("why", "rows"), rows=left)] if left else []
    tables.append(_table(found, "class", lambda row: found.labels[row.label], found.labels))
    groups = Counter(row.group for row in (*found.train, *found.holdout))
    if set(groups) != {""}:
        largest = [name for name, _ in sorted(groups.items(), key=lambda item: (-item[1], item[0]))]
        tables.append(_table(found, "group", lambda row: row.group, largest[:_MOST_GROUPS]))
    return tuple(tables)


def _table(found: Found, by: str, of: Callable[[Row], str], names: Sequence[str]) -> Table:
    """New and all rows by class or group, on both sides of the split."""
    counted = (
        Counter(of(row) for row in found.new if row.id not in found.aside),
        Counter(of(row) for row in found.new if row.id in found.aside),
        Counter(map(of, found.train)),
        Counter(map(of, found.holdout)),
    )
    columns = (by, "new to train on", "new to measure with", "all to train on", "all to measure with")
    title = {"class": "Classes", "group": "Groups"}[by]
    return Table(title=title, columns=columns, rows=tuple((name, *(c[name] for c in counted)) for name in names))


def _charts(found: Found) -> tuple[Chart, ...]:
    """How the snapshot grew, from the second cycle on."""
    arrived = Counter(row.arrived for row in (*found.train, *found.holdout))
    if len(arrived) < 2:
        return ()
    points = tuple(sorted(arrived.items()))
    return (
        Chart(title="Texts by cycle", kind="bar", x="cycle", y="texts", series=(Series(name="texts", points=points),)),
    )


def _samples(found: Found) -> tuple[Sample, ...]:
    """Two new texts of each class and group: those with the smallest ids, which is as good as drawn at random."""
    shown: Counter[tuple[int, str]] = Counter()
    samples: list[Sample] = []
    for row in sorted(found.new, key=lambda row: row.id):
        shown[row.label, row.group] += 1
        if shown[row.label, row.group] <= 2 and len(samples) < _MOST_SAMPLES:
            note = " · ".join(filter(None, (found.labels[row.label], row.group)))
            samples.append(Sample(text=row.text, note=note))
    return tuple(samples)


def _warnings(found: Found) -> tuple[str, ...]:
    warnings = []
    measured, learnt = (Counter(row.label for row in rows) for rows in (found.holdout, found.train))
    for place, name in enumerate(found.labels):
        if measured[place] < _FEW:
            warnings.append(
                f"only {measured[place]} texts of class {name!r} to measure with: its figures will be rough"
            )
    most = max(learnt.values())
    warnings += [
        f"class {name!r} is {most // max(1, learnt[place])} times rarer than the largest"
        for place, name in enumerate(found.labels)
        if learnt[place] * _RARE < most
    ]
    bad = {"contradicted": "carry different labels in different rows", "unlabelled": "have no usable label"}
    for kind, what in bad.items():
        if found.counts[kind] * 100 > found.counts["rows"]:
            warnings.append(f"{found.counts[kind]:,} of {found.counts['rows']:,} rows {what}")
    return tuple(warnings)
