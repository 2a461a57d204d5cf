"""The training loop: plain PyTorch, run by every worker. Ray says who is who in `train`; `learn` doesn't know of it.

Law: from the same settings the same weights, whether or not it was interrupted: randomness follows from the position,
and everything else is in the checkpoint.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from steps import classifier, snapshot
from steps.contract import StepError
from steps.finetune import schedule
from steps.finetune.work import MODEL, ROWS, VALIDATION, Work
from steps.life import Life

if TYPE_CHECKING:
    from torch import Tensor

_TELL_EVERY = 0.5
_WEIGHT_DECAY = 0.01
_CLIP = 1.0


class Settings(NamedTuple):
    """What decides the result."""

    start: str
    labels: tuple[str, ...]
    epochs: int
    learning_rate: float
    batch_size: int
    max_length: int
    train_layers: int | None
    warmup: float
    seed: int
    checkpoint_every: int


class Seat(NamedTuple):
    """Which of how many workers this is, what makes a model one of several copies, and whether anybody still waits."""

    rank: int = 0
    workers: int = 1
    device: Any = "cpu"
    wrap: Callable[[Any], Any] = lambda model: model
    wanted: Callable[[], bool] = lambda: True


def train(config: dict[str, Any]) -> None:
    """One Ray worker's part. `config`: `work`, a folder; `settings`, the fields of `Settings`; `threads`; `driver`.

    The driver is the life to end with, when it is on this machine: Ray lets a worker go on for seconds after it.

    What can't be helped by another attempt is written down as a failure and not raised.
    """
    import ray.train
    import torch
    from ray.train.torch import get_device, prepare_model

    torch.set_num_threads(config["threads"])
    here, work = ray.train.get_context(), Work(config["work"])
    driver = Life(*config["driver"]) if config["driver"] else None
    seat = Seat(
        rank=here.get_world_rank(),
        workers=here.get_world_size(),
        device=get_device(),
        wrap=prepare_model,
        wanted=lambda: driver is None or driver.alive,
    )
    try:
        learn(work, Settings(**config["settings"]), seat)
    except StepError as error:
        work.fail(**error.failure.model_dump())


def learn(work: Work, settings: Settings, seat: Seat) -> None:
    """Train on the rows in `work` from the last checkpoint on; the worker of rank 0 validates and writes the model."""
    import torch

    work.tell(done=0, total=0, note="loading the model")
    torch.manual_seed(settings.seed)
    model, tokenizer = classifier.load(settings.start, settings.labels)
    freeze(model, settings.train_layers)
    data = _Data(list(snapshot.read_rows(work.folder / ROWS)), tokenizer, classifier.length(model, settings.max_length))
    wrapped = seat.wrap(model)
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    optimiser = torch.optim.AdamW(trained.values(), lr=settings.learning_rate, weight_decay=_WEIGHT_DECAY)
    position, losses = _resume(work, trained, optimiser)
    total = schedule.steps(len(data.ids), settings.batch_size, settings.epochs, seat.workers)
    pace = _Pace(work, total, position)
    wrapped.train()
    for step, places in data.plan(settings, seat, position):
        if not seat.wanted():
            return
        torch.manual_seed(schedule.seed_at(settings.seed, step, seat.rank))
        for part in optimiser.param_groups:
            part["lr"] = settings.learning_rate * schedule.rate(step, total, settings.warmup)
        loss = _step(wrapped, trained, optimiser, data.batch(places, seat.device), seat.workers)
        losses.append(_finite(loss, step, settings))
        if seat.rank == 0:
            if (step + 1) % settings.checkpoint_every == 0 or step + 1 == total:
                work.save(step + 1, trained, optimiser.state_dict(), losses)
            pace.tell(step + 1, len(places) * seat.workers, losses)
    if seat.rank == 0:
        _finish(work, settings, model, tokenizer, losses, pace)


def freeze(model: Any, layers: int | None) -> None:
    """Leave the head and the top `layers` encoder layers trainable; None: everything. 0: the head alone.

    The encoder's layers are the longest list of modules in the model. What comes after them (a pooler) is trained with
    them; what comes before (the embeddings) is not.
    """
    import torch

    if layers is None:
        return
    for weight in model.base_model.parameters():
        weight.requires_grad = False
    lists = [(name, part) for name, part in model.base_model.named_modules() if isinstance(part, torch.nn.ModuleList)]
    if not lists or not layers:
        return
    name, stack = max(lists, key=lambda item: len(item[1]))
    for part in stack[max(0, len(stack) - layers) :]:
        part.requires_grad_(True)
    top = name.split(".")[0]
    children = [child for child, _ in model.base_model.named_children()]
    for child in children[children.index(top) + 1 :]:
        model.base_model.get_submodule(child).requires_grad_(True)


class _Data:
    """The rows as token ids, and their batches."""

    def __init__(self, rows: list[snapshot.Row], tokenizer: Any, length: int) -> None:
        self.tokenizer = tokenizer
        self.labels = [row.label for row in rows]
        self.ids = tokenizer([row.text for row in rows], truncation=True, max_length=length)["input_ids"]

    def plan(self, settings: Settings, seat: Seat, position: int) -> Iterator[tuple[int, list[int]]]:
        """(step, places of this worker's batch), from `position` on."""
        step = 0
        lengths = [len(ids) for ids in self.ids]
        for epoch in range(settings.epochs):
            cut = schedule.batches(lengths, settings.batch_size, seed=settings.seed, epoch=epoch, workers=seat.workers)
            for places in cut[seat.rank :: seat.workers]:
                if step >= position:
                    yield step, places
                step += 1

    def batch(self, places: list[int], device: Any) -> "dict[str, Tensor]":
        import torch

        padded = self.tokenizer.pad({"input_ids": [self.ids[place] for place in places]}, return_tensors="pt")
        found = {**padded, "labels": torch.tensor([self.labels[place] for place in places])}
        return {name: tensor.to(device) for name, tensor in found.items()}


def _step(model: Any, trained: Mapping[str, Any], optimiser: Any, batch: "dict[str, Tensor]", workers: int) -> float:
    """One optimiser step; the loss is the mean over all workers, so that all of them see a NaN together."""
    import torch

    labels = batch.pop("labels")
    loss = torch.nn.functional.cross_entropy(model(**batch).logits, labels)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(trained.values(), _CLIP)
    optimiser.step()
    found = loss.detach()
    if workers > 1:
        torch.distributed.all_reduce(found)
        found = found / workers
    return float(found)


def _finite(loss: float, step: int, settings: Settings) -> float:
    if not math.isfinite(loss):
        raise StepError(
            f"the loss became {loss} at step {step + 1}",
            where=f"learning_rate {settings.learning_rate:g}",
            cure=f"rerun with a smaller rate, for example learning_rate={settings.learning_rate / 5:g}",
        )
    return loss


def _resume(work: Work, trained: "dict[str, Tensor]", optimiser: Any) -> tuple[int, list[float]]:
    """Where to go on, with weights and optimiser as they were then; the beginning without a checkpoint."""
    import torch

    kept = work.restore()
    if kept is None:
        return 0, []
    with torch.no_grad():
        for name, weight in trained.items():
            weight.copy_(kept["weights"][name])
    optimiser.load_state_dict(kept["optimiser"])
    return kept["position"], kept["losses"]


class _Pace:
    """How fast it goes, said a few times a second."""

    def __init__(self, work: Work, total: int, began_at: int) -> None:
        self.work, self.total, self.began_at = work, total, began_at
        self.began = self.told = time.monotonic()
        self.samples = 0

    def tell(self, done: int, samples: int, losses: list[float]) -> None:
        now = time.monotonic()
        self.samples += samples
        if now - self.told >= _TELL_EVERY or done == self.total:
            self.told = now
            recent = losses[-20:]
            self.work.tell(done=done, total=self.total, rate=self.rate(), loss=sum(recent) / len(recent))

    def rate(self) -> float:
        """Samples per second of this attempt, over all workers."""
        return self.samples / max(1e-9, self.told - self.began)


def _finish(work: Work, settings: Settings, model: Any, tokenizer: Any, losses: list[float], pace: _Pace) -> None:
    """Validate, write the model, then say that it is complete."""
    work.tell(done=pace.total, total=pace.total, note="validating and writing the model")
    validation = list(snapshot.read_rows(work.folder / VALIDATION))
    model.eval().cpu()
    texts = [row.text for row in validation]
    found = classifier.predict(model, tokenizer, texts, max_length=settings.max_length).argmax(axis=1)
    right = int(sum(found[place] == row.label for place, row in enumerate(validation)))
    folder: Path = work.folder / MODEL
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    work.finish(
        losses=losses,
        rate=pace.rate(),
        began_at=pace.began_at,
        labels=settings.labels,
        validated=len(validation),
        right=right,
        revision=getattr(model.config, "_commit_hash", None),
    )
