"""Evaluate: is the candidate better than the champion, than a majority vote, than its own untrained self?

Law: everybody answers the same hold-out rows, and every difference is paired by row and comes with its 95 % interval.
The verdict is data; the gate decides.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import Field

from steps import classifier, deploy, snapshot, statistics
from steps.contract import Artifact, Context, Dataset, Given, Made, Model, StepError, Verdict, step
from steps.evaluate.compared import Answers, Compared, gain
from steps.evaluate.report import describe
from steps.snapshot import Row, portion
from steps.statistics import Interval

_FEW = 100


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


@step
def evaluate(given: Evaluate, context: Context) -> Evaluated:
    """Ask all of them, compare, conclude."""
    compared = _compare(given, context)
    verdict = conclude(gain(compared, compared.rival), given.margin, compared.rival_name)
    predictions = context.make(Artifact, "predictions")
    _keep(compared, context.path(predictions))
    return Evaluated(verdict=verdict, predictions=predictions, report=describe(compared, verdict))


def conclude(found: Interval, margin: float, rival: str) -> Verdict:
    """PASS if even the low end loses no more than the margin, BLOCK if even the high end does, else INCONCLUSIVE."""
    figures = f"{found.value:+.1%} against {rival}, 95 % interval {found.low:+.1%} to {found.high:+.1%}"
    because = f"{figures}, margin {margin:.1%}"
    if found.low >= -margin:
        return Verdict(verdict="PASS", because=f"accuracy is no worse: {because}")
    if found.high < -margin:
        return Verdict(verdict="BLOCK", because=f"accuracy is worse: {because}")
    return Verdict(verdict="INCONCLUSIVE", because=f"too few rows to tell: {because}")


def _compare(given: Evaluate, context: Context) -> Compared:
    classifier.quiet()
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

    def ask(place: int, name: str, source: str, classes: Sequence[str] | None = None) -> Answers:
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
    majority = Answers(said, np.ones(len(rows), dtype=np.float32), said == truth)
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
) -> Answers:
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
    return Answers(said, found.max(axis=1), said == np.array([row.label for row in rows]))


def _place(labels: Sequence[str], name: str) -> int:
    return labels.index(name) if name in labels else -1


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
