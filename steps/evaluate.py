"""Evaluate: is the candidate better than the champion, than a majority vote, than its own untrained self?

Law: everybody answers the same hold-out rows, and every difference is paired by row and comes with its 95 % interval.
The verdict is data; the gate decides.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from steps import classifier, deploy, snapshot, statistics
from steps.contract import (
    Artifact,
    Chart,
    Context,
    Dataset,
    Given,
    Made,
    Metric,
    Model,
    Report,
    Sample,
    Series,
    StepError,
    Table,
    Verdict,
    step,
)
from steps.snapshot import Row, portion
from steps.statistics import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FEW = 100
_SHOWN = 4


class Evaluate(Given):
    """What is compared, on how many rows, and how much worse still counts as no worse."""

    data: Dataset
    candidate: Model
    margin: float = Field(0.01, description="a loss of accuracy that is accepted: 0.01 is one point", ge=0, le=0.5)
    max_rows: int = Field(2_000, description="most hold-out rows that are answered", ge=20, le=1_000_000)
    seed: int = Field(0, description="of the rows drawn, the untrained head and the bootstrap", ge=0, le=2**31 - 1)


class Evaluated(Made):
    """The verdict, and every row's outcome so that later comparisons can be paired."""

    verdict: Verdict
    predictions: Artifact


class _Answers(NamedTuple):
    """What a model said to the rows: class by place in the dataset's labels (-1: a class the dataset doesn't have)."""

    said: "NDArray[np.int_]"
    confidence: "NDArray[np.float32]"
    right: "NDArray[np.bool_]"


class Compared(NamedTuple):
    """All that the report is made of; `majority` is the class that a majority vote of the training rows names."""

    rows: Sequence[Row]
    labels: Sequence[str]
    truth: "NDArray[np.int_]"
    candidate: _Answers
    champion: _Answers | None
    untrained: _Answers | None
    majority: _Answers
    margin: float
    seed: int
    warnings: Sequence[str]

    @property
    def rival(self) -> _Answers:
        """Whom the verdict is about: the champion, or a majority vote where there is none."""
        return self.champion or self.majority

    @property
    def rival_name(self) -> str:
        """In words."""
        return "the champion" if self.champion else "a majority vote"


@step
def evaluate(given: Evaluate, context: Context) -> Evaluated:
    """Ask all of them, compare, conclude."""
    compared = _compare(given, context)
    verdict = conclude(_gain(compared, compared.rival), given.margin, compared.rival_name)
    predictions = context.make(Artifact, "predictions")
    _keep(compared, context.path(predictions))
    return Evaluated(verdict=verdict, predictions=predictions, report=_report(compared, verdict))


def conclude(gain: Interval, margin: float, rival: str) -> Verdict:
    """PASS if even the low end loses no more than the margin, BLOCK if even the high end loses more, else INCONCLUSIVE."""
    found = f"{gain.value:+.1%} against {rival}, 95 % interval {gain.low:+.1%} to {gain.high:+.1%}, margin {margin:.1%}"
    if gain.low >= -margin:
        return Verdict(verdict="PASS", because=f"accuracy is no worse: {found}")
    if gain.high < -margin:
        return Verdict(verdict="BLOCK", because=f"accuracy is worse: {found}")
    return Verdict(verdict="INCONCLUSIVE", because=f"too few rows to tell: {found}")


def _compare(given: Evaluate, context: Context) -> Compared:
    import numpy as np

    folder = context.path(given.data)
    labels = snapshot.read_labels(folder)
    rows = _draw(list(snapshot.read(folder, snapshot.HOLDOUT)), given)
    truth = np.array([row.label for row in rows])
    candidate = context.path(given.candidate)
    champion = deploy.current(context.target)
    lineage = classifier.read_lineage(candidate)
    parts = 2 + (champion is not None)
    warnings = [f"only {len(rows)} rows to measure with: expect wide intervals"] if len(rows) < _FEW else []

    def ask(place: int, name: str, source: str, classes: Sequence[str] | None = None) -> _Answers:
        def told(done: int) -> None:
            context.progress(place * len(rows) + done, parts * len(rows), "rows", f"asking {name}")

        length = int(classifier.read_lineage(Path(source)).get("max_length") or lineage.get("max_length") or 128)
        return _ask(source, classes, rows, labels, length, told, given.seed)

    answers = ask(0, "the candidate", str(candidate))
    rival = ask(2, "the champion", str(context.path(champion))) if champion else None
    untrained = None
    try:
        base = lineage.get("base") or ""
        untrained = ask(1, "an untrained head", classifier.resolve(str(base)), labels) if base else None
    except StepError as error:
        warnings.append(f"not compared with an untrained head: {error.failure}")
    vote = statistics.majority(np.array([row.label for row in snapshot.read(folder, snapshot.TRAIN)]))
    said = np.full(len(rows), vote)
    majority = _Answers(said, np.ones(len(rows), dtype=np.float32), said == truth)
    return Compared(rows, labels, truth, answers, rival, untrained, majority, given.margin, given.seed, warnings)


def _draw(rows: list[Row], given: Evaluate) -> list[Row]:
    """The rows that are answered: the same for the same seed, whatever their order."""
    if not rows:
        raise StepError(
            "there is no row to measure with", where=given.data.uri, cure="raise `holdout` of the collect stage"
        )
    return sorted(rows, key=lambda row: portion(row.id, f"evaluate:{given.seed}"))[: given.max_rows]


def _ask(
    source: str,
    classes: Sequence[str] | None,
    rows: Sequence[Row],
    labels: Sequence[str],
    length: int,
    told: Callable[[int], None],
    seed: int,
) -> _Answers:
    """A model's answers; with `classes` it is given a fresh head, drawn by the seed. Classes are matched by name."""
    import numpy as np
    import torch

    torch.manual_seed(seed)
    model, tokenizer = classifier.load(source, classes, fresh=classes is not None)
    found = classifier.predict(model, tokenizer, [row.text for row in rows], max_length=length, told=told)
    if not np.isfinite(found).all():
        raise StepError("the model answers NaN", where=source, cure="rerun finetune with a smaller learning_rate")
    places = np.array([_place(labels, str(model.config.id2label[k])) for k in range(found.shape[1])])
    said = places[found.argmax(axis=1)]
    return _Answers(said, found.max(axis=1), said == np.array([row.label for row in rows]))


def _place(labels: Sequence[str], name: str) -> int:
    return labels.index(name) if name in labels else -1


def _gain(compared: Compared, rival: _Answers, of: "NDArray[np.bool_] | None" = None) -> Interval:
    """The candidate's accuracy less the rival's, on all rows or on those of a mask."""
    new, old = compared.candidate.right, rival.right
    return statistics.paired_gain(*((new, old) if of is None else (new[of], old[of])), seed=compared.seed)


def _keep(compared: Compared, folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, candidate = compared.rows, compared.candidate
    names = [*compared.labels, None]
    table = {
        "id": [row.id for row in rows],
        "label": [names[row.label] for row in rows],
        "group": [row.group for row in rows],
        "arrived": [row.arrived for row in rows],
        "candidate": [names[place] for place in candidate.said],
        "confidence": candidate.confidence,
        "candidate_right": candidate.right,
        "champion_right": pa.array(compared.champion.right if compared.champion else [None] * len(rows), pa.bool_()),
    }
    pq.write_table(pa.table(table), folder / "predictions.parquet", compression="zstd")


def _report(compared: Compared, verdict: Verdict) -> Report:
    gain = _gain(compared, compared.rival)
    words = {"PASS": "No worse than", "BLOCK": "Worse than", "INCONCLUSIVE": "Can't tell from"}[verdict.verdict]
    if verdict.verdict == "PASS" and gain.low > 0:
        words = "Better than"
    right = float(compared.candidate.right.mean())
    summary = (
        f"{words} {compared.rival_name}: {right:.1%} of {len(compared.rows):,} texts right, {gain.value:+.1%} "
        f"(95 % interval {gain.low:+.1%} to {gain.high:+.1%})."
    )
    warnings = [*compared.warnings, *([gain.how] if "because" in gain.how else [])]
    return Report(
        summary=summary,
        metrics=_metrics(compared, gain),
        tables=(_rivals(compared), *_slices(compared), _classes(compared)),
        charts=_charts(compared),
        samples=_samples(compared),
        warnings=tuple(warnings),
    )


def _metrics(compared: Compared, gain: Interval) -> tuple[Metric, ...]:
    share, classes = statistics.share(compared.candidate.right), len(compared.labels)
    old = float(compared.rival.right.mean())
    f1 = statistics.macro_f1(compared.truth, compared.candidate.said, classes)
    old_f1 = statistics.macro_f1(compared.truth, compared.rival.said, classes)
    metrics = [
        Metric(name="accuracy", value=share.value, low=share.low, high=share.high, baseline=old, better="higher"),
        Metric(name="macro_f1", value=f1, baseline=old_f1, better="higher"),
        _metric("accuracy_gain", gain),
        Metric(name="rows", value=len(compared.rows)),
        _metric("gain_over_majority", _gain(compared, compared.majority)),
    ]
    if compared.untrained:
        metrics.append(_metric("gain_over_untrained", _gain(compared, compared.untrained)))
    if compared.champion:
        metrics += [_metric(f"gain_on_{name}", _gain(compared, compared.rival, of)) for name, of in _ages(compared)]
    return tuple(metrics)


def _metric(name: str, gain: Interval) -> Metric:
    return Metric(name=name, value=gain.value, low=gain.low, high=gain.high, baseline=0, better="higher")


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
    return Table(title="Candidate against", columns=("against", *_COLUMNS), rows=tuple(rows))


_COLUMNS = ("rows", "its accuracy", "candidate", "gain", "low", "high")


def _line(
    name: str, compared: Compared, rival: _Answers, of: "NDArray[np.bool_] | None"
) -> tuple[str | int | float, ...]:
    gain = _gain(compared, rival, of)
    old, new = (a.right if of is None else a.right[of] for a in (rival, compared.candidate))
    figures = (float(old.mean()), float(new.mean()), gain.value, gain.low, gain.high)
    return (name, len(new), *(round(figure, 4) for figure in figures))


def _groups(compared: Compared) -> "list[tuple[str, NDArray[np.bool_]]]":
    import numpy as np

    groups = np.array([row.group for row in compared.rows])
    names = sorted(set(groups.tolist()), key=lambda name: (-int((groups == name).sum()), name))
    return [(name or "(none)", groups == name) for name in names[:30]] if len(names) > 1 else []


def _slices(compared: Compared) -> tuple[Table, ...]:
    """Gained on the new, kept on the old: by the age of the rows and by group."""
    words = {"new": "arrived in this cycle", "old": "arrived before"}
    columns = (f"{'its' if compared.champion else 'majority'} accuracy",)
    columns = ("rows", *columns, *_COLUMNS[2:])
    tables = []
    for title, parts in (("By age", [(words[n], of) for n, of in _ages(compared)]), ("By group", _groups(compared))):
        if len(parts) > 1:
            rows = tuple(_line(name, compared, compared.rival, of) for name, of in parts)
            tables.append(
                Table(title=f"{title}, against {compared.rival_name}", columns=("rows that", *columns), rows=rows)
            )
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
