"""What evaluate tells: better, worse or unclear in a sentence, then by whom, by age, by group, by class. Pure."""

from typing import TYPE_CHECKING

from steps import statistics
from steps.contract import Chart, Metric, Report, Sample, Series, Table, Verdict
from steps.evaluate.compared import Answers, Compared, gain
from steps.statistics import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHOWN = 4
_GAIN = ("candidate", "gain", "low", "high")


def describe(compared: Compared, verdict: Verdict) -> Report:
    """The report."""
    found = gain(compared, compared.rival)
    words = {"PASS": "No worse than", "BLOCK": "Worse than", "INCONCLUSIVE": "Can't tell from"}[verdict.verdict]
    if verdict.verdict == "PASS" and found.low > 0:
        words = "Better than"
    right = float(compared.candidate.right.mean())
    summary = (
        f"{words} {compared.rival_name}: {right:.1%} of {len(compared.rows):,} texts right, {found.value:+.1%} "
        f"(95 % interval {found.low:+.1%} to {found.high:+.1%})."
    )
    warnings = [*compared.warnings, *([found.how] if "because" in found.how else [])]
    return Report(
        summary=summary,
        metrics=_metrics(compared, found),
        tables=(_rivals(compared), *_slices(compared), _classes(compared)),
        charts=_charts(compared),
        samples=_samples(compared),
        warnings=tuple(warnings),
    )


def _metrics(compared: Compared, found: Interval) -> tuple[Metric, ...]:
    share, classes = statistics.share(compared.candidate.right), len(compared.labels)
    old = float(compared.rival.right.mean())
    f1 = statistics.macro_f1(compared.truth, compared.candidate.said, classes)
    old_f1 = statistics.macro_f1(compared.truth, compared.rival.said, classes)
    metrics = [
        Metric(name="accuracy", value=share.value, low=share.low, high=share.high, baseline=old, better="higher"),
        Metric(name="macro_f1", value=f1, baseline=old_f1, better="higher"),
        _metric("accuracy_gain", found),
        Metric(name="rows", value=len(compared.rows)),
        _metric("gain_over_majority", gain(compared, compared.majority)),
    ]
    if compared.untrained:
        metrics.append(_metric("gain_over_untrained", gain(compared, compared.untrained)))
    if compared.champion:
        metrics += [_metric(f"gain_on_{name}", gain(compared, compared.rival, of)) for name, of in _ages(compared)]
    return tuple(metrics)


def _metric(name: str, found: Interval) -> Metric:
    return Metric(name=name, value=found.value, low=found.low, high=found.high, baseline=0, better="higher")


def _ages(compared: Compared) -> "list[tuple[str, NDArray[np.bool_]]]":
    """`new`: rows of the latest cycle; `old`: of those before. Only what there is."""
    import numpy as np

    latest = max(row.arrived for row in compared.rows)
    new = np.array([row.arrived == latest for row in compared.rows])
    return [(name, of) for name, of in (("new", new), ("old", ~new)) if of.any()]


def _rivals(compared: Compared) -> Table:
    named = (
        ("the champion", compared.champion),
        ("a majority vote", compared.majority),
        ("an untrained head", compared.untrained),
    )
    rows = [_line(name, compared, rival, None) for name, rival in named if rival is not None]
    return Table(title="Candidate against", columns=("against", "rows", "its accuracy", *_GAIN), rows=tuple(rows))


def _line(
    name: str, compared: Compared, rival: Answers, of: "NDArray[np.bool_] | None"
) -> tuple[str | int | float, ...]:
    found = gain(compared, rival, of)
    old, new = (a.right if of is None else a.right[of] for a in (rival, compared.candidate))
    figures = (float(old.mean()), float(new.mean()), found.value, found.low, found.high)
    return (name, len(new), *(round(figure, 4) for figure in figures))


def _groups(compared: Compared) -> "list[tuple[str, NDArray[np.bool_]]]":
    import numpy as np

    groups = np.array([row.group for row in compared.rows])
    names = sorted(set(groups.tolist()), key=lambda name: (-int((groups == name).sum()), name))
    return [(name or "(none)", groups == name) for name in names[:30]] if len(names) > 1 else []


def _slices(compared: Compared) -> tuple[Table, ...]:
    """Gained on the new, kept on the old: by the age of the rows and by group."""
    words = {"new": "arrived in this cycle", "old": "arrived before"}
    columns = ("rows that", "rows", "champion" if compared.champion else "majority vote", *_GAIN)
    tables = []
    for title, parts in (("By age", [(words[n], of) for n, of in _ages(compared)]), ("By group", _groups(compared))):
        if len(parts) > 1:
            rows = tuple(_line(name, compared, compared.rival, of) for name, of in parts)
            tables.append(Table(title=f"{title}, against {compared.rival_name}", columns=columns, rows=rows))
    return tuple(tables)


def _classes(compared: Compared) -> Table:
    new, old = (
        statistics.class_scores(compared.truth, answers.said, len(compared.labels))
        for answers in (compared.candidate, compared.rival)
    )
    columns = ("class", "rows", "precision", "recall", "F1", f"F1 of {compared.rival_name}")
    rows = tuple(
        (name, n.support, round(n.precision, 4), round(n.recall, 4), round(n.f1, 4), round(o.f1, 4))
        for name, n, o in zip(compared.labels, new, old, strict=True)
    )
    return Table(title="By class", columns=columns, rows=rows)


def _charts(compared: Compared) -> tuple[Chart, ...]:
    parts = _groups(compared) or [(name, of) for name, of in _ages(compared)]
    pairs = ((compared.rival_name, compared.rival), ("the candidate", compared.candidate))
    series = tuple(Series(name=n, points=tuple((g, float(a.right[of].mean())) for g, of in parts)) for n, a in pairs)
    return (Chart(title="Accuracy by group", kind="bar", x="group", y="accuracy", series=series),)


def _samples(compared: Compared) -> tuple[Sample, ...]:
    """What it now gets right, and what it now gets wrong: the surest answers first."""
    now, before = compared.candidate.right, compared.rival.right
    samples = []
    for note, places in (("now right", now & ~before), ("now wrong", ~now & before)):
        sure = sorted(places.nonzero()[0].tolist(), key=lambda place: -float(compared.candidate.confidence[place]))
        for place in sure[:_SHOWN]:
            row = compared.rows[place]
            named = (
                compared.labels[compared.candidate.said[place]]
                if compared.candidate.said[place] >= 0
                else "another class"
            )
            about = f"{note}: {named}" + ("" if now[place] else f", is {compared.labels[row.label]}")
            samples.append(Sample(text=row.text, note=" · ".join(filter(None, (about, row.group)))))
    return tuple(samples)
