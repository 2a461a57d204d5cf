"""Finetune: a pretrained transformer learns the snapshot's classes, starting from the champion where there is one.

Law: a training that was killed goes on from its checkpoint in `context.scratch`, in this attempt or another; the model
says in `lineage.json` what it descends from, and in `rows.parquet` which rows it was shown.
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
from steps.contract import Context, Dataset, Given, Made, Model, StepError, step
from steps.finetune import cluster
from steps.finetune.report import Found, describe
from steps.finetune.selection import Chosen, choose
from steps.finetune.work import MODEL, ROWS, VALIDATION, Work, fingerprint

_FEWEST = 16


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
    """What the training starts from. `source` is for `classifier.load`; `seen`: the cycles whose rows it has learnt."""

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
    start = _start(given, context, labels)
    rows = list(snapshot.read(folder, snapshot.TRAIN))
    chosen = choose(rows, start.seen, replay=given.replay, most=given.max_rows, seed=given.seed)
    warnings = [*start.warnings, *_check(chosen, labels)]
    decided = given.model_dump(exclude={"data", "model", "start_from", "max_rows", "replay"})
    settings = {"start": start.source, "labels": labels, **decided}
    work = _work(context, settings, chosen, start)
    began = time.monotonic()
    if not work.result():
        work.forget()
        cluster.fit(work, settings, context.resources, lambda said: _show(said, context))
    minutes = (time.monotonic() - began) / 60
    model = context.make(Model, "model")
    shutil.copytree(work.folder / MODEL, context.path(model), dirs_exist_ok=True)
    snapshot.write_used(context.path(model), chosen.train, chosen.validation)
    seen = {row.arrived for row in rows} | set(start.seen)
    _write_lineage(context.path(model), given, context, start, {"cycles": sorted(seen), **work.result()})
    origin = "the champion" if start.champion else start.base
    return Finetuned(model=model, report=describe(Found(chosen, labels, origin, work.result(), minutes, warnings)))


def _start(given: Finetune, context: Context, labels: Sequence[str]) -> _Start:
    """The champion where there is one and it may be gone on from, otherwise the base model."""
    champion = deploy.current(context.target) if given.start_from == "champion" else None
    base = classifier.resolve(given.model)
    fresh = _Start(base, given.model, _revision(base), "", (), ())
    if champion is None:
        return fresh
    folder = context.path(champion)
    lineage = classifier.read_lineage(folder)
    if lineage.get("base") != given.model:
        why = f"training started from {given.model!r}: the champion descends from {lineage.get('base')!r}"
        return fresh._replace(warnings=(why,))
    seen = tuple(map(str, lineage.get("cycles", ())))
    known = len(lineage.get("labels", labels))
    grown = f"the champion tells {known} classes apart and the data have {len(labels)}: its head was drawn anew"
    warnings = (grown,) if known != len(labels) else ()
    return _Start(str(folder), given.model, str(lineage.get("revision") or ""), champion.digest, seen, warnings)


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


def _work(context: Context, settings: dict[str, Any], chosen: Chosen, start: _Start) -> Work:
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


def _write_lineage(folder: Path, given: Finetune, context: Context, start: _Start, found: dict[str, Any]) -> None:
    opened = snapshot.opened(context.path(given.data)).snapshot
    lineage = {
        "base": start.base,
        "revision": start.revision or found["revision"],
        "champion": start.champion or None,
        "data": given.data.digest,
        "snapshot": opened.model_dump(include={"digest", "table", "delta", "cycles"}),
        "cycle": context.run.split("/")[0],
        "cycles": found["cycles"],
        "run": context.run,
        "labels": found["labels"],
        "seed": given.seed,
        "max_length": given.max_length,
        "given": given.model_dump(mode="json", exclude={"data"}),
    }
    (folder / classifier.LINEAGE).write_text(json.dumps(lineage, indent=1, sort_keys=True) + "\n", "utf-8")
