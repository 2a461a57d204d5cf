"""What collect tells a planner: what is new, what was left out and why, what was replaced, and what the checks found.

Pure. Identifiers are counted by kind and never shown.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from steps.collect.gather import Gathered
from steps.collect.given import Collect
from steps.collect.judge import Judged
from steps.collect.whole import Counts
from steps.contract import Chart, Metric, Report, Sample, Series, Table
from steps.snapshot import HOLDOUT, SIDES, TRAIN, Snapshot

_LEFT_OUT = {
    "seen": "already in the last snapshot",
    "duplicates": "repeats a text of this reading",
    "contradicted": "same text with different labels",
    "middle": "rating between the thresholds",
    "empty": "no text",
    "unlabelled": "no usable label",
    "unreadable": "can't be read: see quarantine.csv in the dataset's folder",
    "erased": "erased before, and not taken again",
}
_FEW = 50
_RARE = 10
_MOST_GROUPS = 30
_MOST_SAMPLES = 12
_MOST_BAD = 10


class Found(NamedTuple):
    """All that the report is made of; `judged` is None where nothing was new."""

    given: Collect
    gathered: Gathered
    counts: Counts
    judged: Judged | None
    snapshot: Snapshot


def describe(found: Found) -> Report:
    """The report."""
    judged = found.judged
    told = Report(
        summary=_summary(found),
        metrics=_metrics(found),
        tables=tuple(_tables(found)),
        charts=_charts(found),
        samples=tuple(_samples(found)),
        warnings=tuple(_warnings(found)),
    )
    if judged is None:
        return told
    findings, corrected = judged.findings, judged.labels
    more = {
        "metrics": (*told.metrics, *findings.metrics, *corrected.metrics),
        "tables": (*told.tables, *corrected.tables, *findings.tables),
        "charts": (*told.charts, *findings.charts),
        "warnings": (*told.warnings, *judged.warnings),
        "to_label": corrected.to_label,
        "classes": tuple(found.gathered.labels) if corrected.to_label else (),
    }
    return told.model_copy(update=more)


def _summary(found: Found) -> str:
    gathered, counts = found.gathered, found.counts
    groups = sorted({name for name, _ in gathered.groups if name})
    where = f" from {', '.join(groups)}" if 0 < len(groups) <= 5 else ""
    new = f"{gathered.new:,} new texts{where}" if gathered.new else "Nothing is new"
    held = counts.rows(TRAIN) + counts.rows(HOLDOUT)
    said = [
        f"{new}; the snapshot now holds {held:,}: {counts.rows(TRAIN):,} to train on and {counts.rows(HOLDOUT):,} to "
        "measure with.",
    ]
    replaced = sum(gathered.identifiers.values())
    if replaced:
        said.append(f"{replaced:,} identifiers in {gathered.counts['changed']:,} texts were replaced by made-up ones.")
    if found.judged:
        said += [found.judged.labels.sentence] if found.judged.settled.record.rows else []
    return " ".join(said)


def _metrics(found: Found) -> tuple[Metric, ...]:
    counts, gathered = found.gathered.counts, found.gathered
    train, holdout = found.counts.rows(TRAIN), found.counts.rows(HOLDOUT)
    numbers: dict[str, float] = {
        "new_rows": gathered.new,
        "total_rows": train + holdout,
        "train_rows": train,
        "holdout_rows": holdout,
        "rows_read": counts["rows"],
        "rows_seen_before": counts["seen"],
        "rows_unreadable": counts["unreadable"],
        "rows_erased": counts["erased"],
        "duplicates": counts["duplicates"],
        "contradicted": counts["contradicted"],
        "identifiers_replaced": sum(gathered.identifiers.values()),
        "classes": len(gathered.labels),
    }
    speed = counts["rows"] / gathered.seconds if gathered.seconds else 0.0
    rate = Metric(name="rows_per_second", value=round(speed), unit="rows/s")
    return (*(Metric(name=name, value=value) for name, value in numbers.items()), *([rate] if speed else []))


def _tables(found: Found) -> Iterator[Table]:
    counts, gathered = found.gathered.counts, found.gathered
    left = tuple((why, counts[kind]) for kind, why in _LEFT_OUT.items() if counts[kind])
    if left:
        yield Table(title="Rows left out", columns=("why", "rows"), rows=left)
    if gathered.identifiers:
        rows = tuple(sorted(gathered.identifiers.items(), key=lambda one: (-one[1], one[0])))
        yield Table(title="Identifiers replaced", columns=("kind", "times"), rows=rows)
    if gathered.bad:
        rows_ = tuple((one.source, one.line, one.reason) for one in gathered.bad[:_MOST_BAD])
        title = f"Unreadable rows ({len(rows_)} of {counts['unreadable']:,})"
        yield Table(title=title, columns=("source", "line", "why"), rows=rows_)
    names = dict(enumerate(gathered.labels))
    whole = Counter({(names[place], side): n for (place, side), n in found.counts.classes.items()})
    yield _table("Classes", "class", gathered.labels, gathered.classes, whole)
    totals: Counter[str] = Counter()
    for (name, _), count in found.counts.groups.items():
        totals[name] += count
    if set(totals) != {""}:
        largest = [name for name, _ in sorted(totals.items(), key=lambda item: (-item[1], item[0]))]
        yield _table("Groups", "group", largest[:_MOST_GROUPS], gathered.groups, found.counts.groups)


def _table(
    title: str, by: str, names: Sequence[str], new: Mapping[tuple[str, str], int], whole: Mapping[tuple[str, str], int]
) -> Table:
    """New and all rows by class or group, on both sides of the split."""
    columns = (by, "new to train on", "new to measure with", "all to train on", "all to measure with")
    rows = tuple(
        (name, *(counted.get((name, side), 0) for counted in (new, whole) for side in SIDES)) for name in names
    )
    return Table(title=title, columns=columns, rows=rows)


def _charts(found: Found) -> tuple[Chart, ...]:
    """How the snapshot grew, from the second cycle on."""
    arrived = found.counts.cycles
    if len(arrived) < 2:
        return ()
    series = (Series(name="texts", points=tuple(sorted(arrived.items()))),)
    return (Chart(title="Texts by cycle", kind="bar", x="cycle", y="texts", series=series),)


def _samples(found: Found) -> Iterator[Sample]:
    """Two new texts of each class and group: those with the smallest ids, which is as good as drawn at random."""
    shown: Counter[tuple[int, str]] = Counter()
    for row in found.judged.drawn if found.judged else ():
        shown[row.label, row.group] += 1
        if shown[row.label, row.group] <= 2 and sum(min(2, one) for one in shown.values()) <= _MOST_SAMPLES:
            note = " · ".join(filter(None, (found.gathered.labels[row.label], row.group)))
            yield Sample(text=row.text, note=note)


def _warnings(found: Found) -> Iterator[str]:
    classes, counts = found.counts.classes, found.gathered.counts
    if found.given.privacy.off:
        yield "identifiers were left in the texts: `privacy.off` is set"
    for place, name in enumerate(found.gathered.labels):
        if classes[place, HOLDOUT] < _FEW:
            yield f"only {classes[place, HOLDOUT]} texts of class {name!r} to measure with: its figures will be rough"
    most = max(classes[place, TRAIN] for place, _ in enumerate(found.gathered.labels))
    for place, name in enumerate(found.gathered.labels):
        if classes[place, TRAIN] * _RARE < most:
            times = most // max(1, classes[place, TRAIN])
            yield f"class {name!r} is {times} times rarer than the largest"
    bad = {"contradicted": "carry different labels in different rows", "unlabelled": "have no usable label"}
    for kind, what in bad.items():
        if counts[kind] * 100 > counts["rows"]:
            yield f"{counts[kind]:,} of {counts['rows']:,} rows {what}"
    if counts["damaged"]:
        yield f"{counts['damaged']:,} files are damaged: what stands behind the damage could not be read"
    if counts["unreadable"]:
        yield f"{counts['unreadable']:,} rows can't be read and were left out"
