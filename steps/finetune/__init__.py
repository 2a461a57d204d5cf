"""Finetune: a pretrained transformer learns the snapshot's classes, starting from the champion where there is one.

Law: a training that was killed goes on from its checkpoint in `context.scratch`, in this attempt or another; the model
says in `lineage.json` what it descends from.
"""

import json
import shutil
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from steps import classifier, deploy, snapshot
from steps.contract import Chart, Context, Dataset, Given, Made, Metric, Model, Report, Series, StepError, Table, step
from steps.finetune import cluster
from steps.finetune.selection import Chosen, choose
from steps.finetune.work import MODEL, ROWS, VALIDATION, Work, fingerprint

_FEWEST = 16
_POINTS = 60


class Finetune(Given):
    """What is learnt, from where, how long."""

    data: Dataset
    model: str = Field(
        description="the pretrained model: a hub name, a folder, or package:NAME/sub/folder in an installed package",
        min_length=1,
        max_length=500,
    )
    start_from: Literal["champion", "base"] = Field(
        "champion", description="champion: go on from what is deployed, if anything is"
    )
    epochs: int = Field(2, description="how often each row is seen", ge=1, le=100)
    learning_rate: float = Field(2e-5, description="the highest, after warm-up", gt=0, le=1)
    batch_size: int = Field(32, description="rows of a step on each worker", ge=1, le=4096)
    max_length: int = Field(128, description="tokens of a text that are read", ge=4, le=8192)
    train_layers: int | None = Field(
        None, description="how many top encoder layers learn; 0: the head alone; empty: all", ge=0, le=1000
    )
    max_rows: int | None = Field(None, description="most rows to train on", ge=_FEWEST)
    replay: float = Field(
        0.5, description="share of the rows that come from earlier cycles, against forgetting", ge=0, le=0.9
    )
    warmup: float = Field(0.1, description="share of the steps in which the learning rate rises", ge=0, le=0.5)
    seed: int = Field(0, description="of everything drawn", ge=0, le=2**31 - 1)
    checkpoint_every: int = Field(50, description="steps between two checkpoints", ge=1, le=100_000)


class Finetuned(Made):
    """The candidate."""

    model: Model


class _Start(NamedTuple):
    """What the training starts from. `seen`: the cycles whose rows it has learnt. `source` is what `classifier.load` takes."""

    source: str
    base: str
    revision: str
    champion: str
    seen: tuple[str, ...]
    warnings: tuple[str, ...]


@step
def finetune(given: Finetune, context: Context) -> Finetuned:
    """Choose rows, train on them in Ray, hand over the model."""
    folder = context.path(given.data)
    labels = snapshot.read_labels(folder)
    start = _start(given, context)
    rows = list(snapshot.read(folder, snapshot.TRAIN))
    chosen = choose(rows, start.seen, replay=given.replay, most=given.max_rows, seed=given.seed)
    warnings = [*start.warnings, *_check(chosen, labels)]
    settings = {
        "start": start.source,
        "labels": labels,
        **given.model_dump(exclude={"data", "model", "start_from", "max_rows", "replay"}),
    }
    work = _work(context, settings, chosen, start, labels)
    resumed = (work.restore() or {}).get("position", 0)
    began = time.monotonic()
    if not work.result():
        work.forget()
        cluster.fit(work, settings, context.resources, lambda said: _show(said, context))
    result = work.result()
    learnt = sorted({row.arrived for row in rows} | set(start.seen))
    lineage = {
        "base": start.base,
        "revision": start.revision or result["revision"],
        "champion": start.champion or None,
        "data": given.data.digest,
        "cycle": context.run.split("/")[0],
        "run": context.run,
        "cycles": learnt,
        "seed": given.seed,
        "max_length": given.max_length,
        "given": given.model_dump(mode="json", exclude={"data"}),
    }
    model = context.make(Model, "model")
    _hand_over(work, context.path(model), lineage)
    found = _Found(chosen, labels, start, result, resumed, (time.monotonic() - began) / 60, warnings)
    return Finetuned(model=model, report=_report(found))


def _start(given: Finetune, context: Context) -> _Start:
    """The champion where there is one and it may be gone on from, otherwise the base model."""
    champion = deploy.current(context.target) if given.start_from == "champion" else None
    base = classifier.resolve(given.model)
    fresh = _Start(base, given.model, _revision(base), "", (), ())
    if champion is None:
        return fresh
    folder = context.path(champion)
    lineage = classifier.read_lineage(folder)
    if lineage.get("base") != given.model:
        why = f"the champion descends from {lineage.get('base')!r} and not from {given.model!r}: training started from the latter"
        return fresh._replace(warnings=(why,))
    seen = tuple(map(str, lineage.get("cycles", ())))
    return _Start(str(folder), given.model, str(lineage.get("revision") or ""), champion.digest, seen, ())


def _revision(source: str) -> str:
    """sha256 (hex) over a folder's weights; empty for a hub name, whose commit is known once it is loaded."""
    digest = sha256()
    weights = sorted(Path(source).glob("*.safetensors")) + sorted(Path(source).glob("*.bin"))
    for path in weights:
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest() if weights else ""


def _check(chosen: Chosen, labels: Sequence[str]) -> list[str]:
    """Raises `StepError` for too few rows; the warnings otherwise."""
    if len(chosen.train) < _FEWEST:
        raise StepError(
            f"{len(chosen.train)} rows are too few to train on: at least {_FEWEST} are needed",
            where="data",
            cure="collect more rows, or raise max_rows",
        )
    there = {row.label for row in chosen.train}
    return [f"class {name!r} has no row to train on" for place, name in enumerate(labels) if place not in there]


def _work(context: Context, settings: dict[str, Any], chosen: Chosen, start: _Start, labels: Sequence[str]) -> Work:
    """The training's folder with its rows in it."""
    ids = sha256("\n".join(row.id for row in (*chosen.train, *chosen.validation)).encode()).hexdigest()
    workers = context.resources.get("workers") or 1
    mark = fingerprint(
        {**settings, "workers": workers, "rows": ids, "start": start.champion or start.revision or start.source}
    )
    work = Work(context.scratch.resolve() / mark)
    work.folder.mkdir(parents=True, exist_ok=True)
    snapshot.write_rows(work.folder / ROWS, chosen.train)
    snapshot.write_rows(work.folder / VALIDATION, chosen.validation)
    return work


def _show(said: dict[str, Any], context: Context) -> None:
    note = str(said.get("note", ""))
    if "loss" in said:
        note = f"loss {said['loss']:.3f}, {said['rate']:.0f} texts/s"
    context.progress(said.get("done", 0), said.get("total") or None, "steps", note or "starting Ray")


def _hand_over(work: Work, folder: Path, lineage: dict[str, Any]) -> None:
    shutil.copytree(work.folder / MODEL, folder, dirs_exist_ok=True)
    (folder / classifier.LINEAGE).write_text(json.dumps(lineage, indent=1, sort_keys=True) + "\n", "utf-8")


class _Found(NamedTuple):
    chosen: Chosen
    labels: Sequence[str]
    start: _Start
    result: dict[str, Any]
    resumed: int
    minutes: float
    warnings: Sequence[str]


def _report(found: _Found) -> Report:
    losses: list[float] = found.result["losses"]
    rows, replayed = len(found.chosen.train), found.chosen.replayed
    tail = max(1, len(losses) // 20)
    first, last = sum(losses[:tail]) / tail, sum(losses[-tail:]) / tail
    validated = found.result["validated"]
    origin = "the champion" if found.start.champion else found.start.base
    again = f", {replayed:,} of them from earlier cycles" if replayed else ""
    metrics = [
        Metric(name="rows", value=rows),
        Metric(name="replayed_rows", value=replayed),
        Metric(name="steps", value=len(losses)),
        Metric(name="minutes", value=round(found.minutes, 3), unit="min"),
        Metric(name="samples_per_second", value=round(found.result["rate"], 1), unit="1/s", better="higher"),
        Metric(name="first_loss", value=first, better="lower"),
        Metric(name="last_loss", value=last, better="lower"),
    ]
    if validated:
        metrics.append(Metric(name="validation_accuracy", value=found.result["right"] / validated, better="higher"))
    if found.resumed:
        metrics.append(Metric(name="resumed_at_step", value=found.resumed))
    return Report(
        summary=f"Trained from {origin} on {rows:,} texts{again}: the loss went from {first:.3f} to {last:.3f} in {len(losses):,} steps.",
        metrics=tuple(metrics),
        tables=(_composition(found),),
        charts=(Chart(title="Loss", x="step", y="loss", series=(Series(name="training", points=_curve(losses)),)),),
        warnings=tuple(found.warnings),
    )


def _composition(found: _Found) -> Table:
    """Rows by the cycle they came with, and class."""
    rows = found.chosen.train
    cycles = sorted({row.arrived for row in rows})
    counted = [
        [sum(row.arrived == c and row.label == k for row in rows) for k in range(len(found.labels))] for c in cycles
    ]
    body = tuple((cycle, *counts) for cycle, counts in zip(cycles, counted, strict=True))
    return Table(title="Rows trained on", columns=("arrived in", *found.labels), rows=body)


def _curve(losses: list[float]) -> tuple[tuple[float, float], ...]:
    """At most sixty points, each the mean of its stretch, at the stretch's last step."""
    width = -(-len(losses) // _POINTS)
    parts = [losses[i : i + width] for i in range(0, len(losses), width)]
    return tuple((float(min((i + 1) * width, len(losses))), sum(part) / len(part)) for i, part in enumerate(parts))
