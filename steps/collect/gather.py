"""All new rows of a source, from shards to files of a partition that nobody sees yet.

Law: memory depends on the batch and the bucket, never on how many rows there are; whatever is written besides the
partition's files is gone when this returns, however it returns.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4

from steps.cluster import external
from steps.collect import label as labels
from steps.collect import spill
from steps.collect.clean import Rules, clean
from steps.collect.flow import Engine, Workers, workers
from steps.collect.reduce import Reduced, Task, reduce
from steps.collect.source import Bad, Shard
from steps.contract import Context, StepError
from steps.snapshot import Part, Stage, Wanted

MOST_BAD = 10_000  # rows in quarantine that are told one by one
MOST_LABELS = 10_000  # different ones that are heard of before they are refused
_BUCKET = 48 * 2**20  # bytes of rows that are sorted at a time
_LEAST = 2**20
_ID = 64  # bytes of an id that is compared


class Plan(NamedTuple):
    """What is to be gathered. `cycles`: the lineage, `held`: its rows; `stage`: where the partition's files go."""

    shards: Sequence[Shard]
    rules: Rules
    stage: Stage
    cycles: tuple[str, ...]
    held: int
    known: tuple[str, ...]
    holdout: float
    salt: str
    split_by: str
    barred: Wanted
    engine: Engine
    batch_rows: int
    most_unreadable: float
    dry: bool = False


class Gathered(NamedTuple):
    """What was found. `classes` and `groups` count new rows by (name, side); `seconds` is for reading alone."""

    parts: tuple[Part, ...]
    labels: tuple[str, ...]
    counts: Counter[str]
    identifiers: Counter[str]
    classes: Counter[tuple[str, str]]
    groups: Counter[tuple[str, str]]
    bad: tuple[Bad, ...]
    seconds: float
    by: str

    @property
    def new(self) -> int:
        """How many rows are new."""
        return sum(self.classes.values())


class _Read(NamedTuple):
    """What a worker says of one batch."""

    path: str
    counts: Counter[str]
    identifiers: Counter[str]
    labels: Counter[str]
    bad: tuple[Bad, ...]


def gather(plan: Plan, context: Context) -> Gathered:
    """Read, clean, choose, write. Raises `StepError` where the source can't be read or too little of it."""
    size = sum(shard.size for shard in plan.shards)
    buckets = spill.buckets_for(size + _ID * plan.held, _room(context, _BUCKET))
    began = time.monotonic()
    with _spilled(plan, context) as folder, workers(plan.engine, size, context.resources) as who:
        read = _Reading(plan, context, began)
        for said in who.each(plan.shards, partial(_read, plan.rules, folder, buckets, plan.batch_rows)):
            read.take(said)
        read.check()
        seconds = time.monotonic() - began
        reduced = _reduced(plan, read, folder, buckets, who, context)
        return Gathered(
            tuple(part for one in reduced for part in one.parts),
            read.names(reduced),
            sum((one.counts for one in reduced), read.counts),
            read.identifiers,
            sum((one.classes for one in reduced), Counter[tuple[str, str]]()),
            sum((one.groups for one in reduced), Counter[tuple[str, str]]()),
            tuple(read.bad),
            seconds,
            who.name,
        )


class _Reading:
    """What is known so far of the rows that were read."""

    def __init__(self, plan: Plan, context: Context, began: float) -> None:
        self._plan, self._context, self._began = plan, context, began
        self.files: list[str] = []
        self.counts: Counter[str] = Counter()
        self.identifiers: Counter[str] = Counter()
        self.labels: Counter[str] = Counter()
        self.bad: list[Bad] = []

    def take(self, said: _Read) -> None:
        """Hear of one batch, and tell how far this is."""
        self.files += [said.path] if said.path else []
        self.counts += said.counts
        self.identifiers += said.identifiers
        self.labels += said.labels
        self.bad += said.bad[: MOST_BAD - len(self.bad)]
        if len(self.labels) > MOST_LABELS:
            self.names(())
        rows = self.counts["rows"]
        speed = rows / max(1e-9, time.monotonic() - self._began)
        self._context.progress(rows, None, "rows", f"reading, {speed:,.0f} rows/s")

    def check(self) -> None:
        """Raises `StepError` where too many rows could not be read."""
        lost, rows = self.counts["unreadable"], self.counts["rows"] + self.counts["unreadable"]
        if lost > self._plan.most_unreadable * rows:
            examples = "".join(f"\n- {one.source}, line {one.line}: {one.reason}" for one in self.bad[:5])
            allowed = f"at most {self._plan.most_unreadable:.1%} may be"
            raise StepError(
                f"{lost:,} of {rows:,} rows can't be read, and {allowed}:{examples}",
                where="source",
                cure="correct the rows, or raise `most_unreadable` if they may be left out",
            )

    def names(self, reduced: Sequence[Reduced]) -> tuple[str, ...]:
        """The classes: those known, then those that rows came with. Raises `StepError` where they are no classes."""
        plan = self._plan
        first = plan.known or ((labels.NEGATIVE, labels.POSITIVE) if plan.rules.numeric else ())
        kept = {name for one in reduced for name, _ in one.classes} if reduced else set(self.labels)
        found = labels.names(first, kept)
        if len(found) > labels.MOST_CLASSES:
            raise StepError(
                f"{len(found):,} different labels: that is no set of classes",
                where="label",
                cure="name the column of the class, or give positive_at_least and negative_at_most for a rating",
            )
        return found


def _reduced(plan: Plan, read: _Reading, folder: str, buckets: int, who: Workers, context: Context) -> list[Reduced]:
    """All buckets. Once more where a class has come that no row is left of: it is no class."""
    names = read.names(())
    found = _reduce_all(plan, read, folder, buckets, who, context, names)
    settled = read.names(found)
    if found and settled != names:
        found = _reduce_all(plan, read, folder, buckets, who, context, settled)
    return found


def _reduce_all(
    plan: Plan, read: _Reading, folder: str, buckets: int, who: Workers, context: Context, names: tuple[str, ...]
) -> list[Reduced]:
    task = Task(
        tuple(read.files), folder, buckets, plan.stage, plan.cycles, names, plan.holdout, plan.salt, plan.split_by,
        plan.barred, plan.dry,
    )  # fmt: skip
    found = []
    for one in who.each(range(buckets) if read.files else (), partial(_reduce, task)):
        found.append(one)
        context.progress(len(found), buckets, "parts", "comparing with what is known")
    return found


def _read(rules: Rules, folder: str, buckets: int, batch_rows: int, shard: Shard) -> Iterator[_Read]:
    for taken in shard.read(batch_rows):
        kept = clean(taken.rows, rules)
        kept.counts["unreadable"] = len(taken.bad)
        kept.counts["damaged"] = sum(one.rest for one in taken.bad)
        path = spill.write(kept, folder, buckets)
        yield _Read(path, kept.counts, kept.identifiers, kept.labels, tuple(taken.bad[:MOST_BAD]))


def _reduce(task: Task, bucket: int) -> Iterator[Reduced]:
    yield reduce(task, bucket)


def _room(context: Context, most: int) -> int:
    """Bytes for one thing that is held in memory: a thirtieth of what the stage may use."""
    memory = context.resources.get("memory")
    return most if not memory else max(_LEAST, min(most, int(memory) // 30))


@contextmanager
def _spilled(plan: Plan, context: Context) -> Iterator[str]:
    """A folder where every worker can write: beside the table's data, and for a count, which may go on beside a run, in
    one of its own. What dead runs left is swept out; the table has one run at a time.
    """
    from fsspec.core import url_to_fs

    if plan.dry:
        root = f"{plan.stage.uri}/_count-{uuid4().hex}" if external() else str(context.folder / "spill")
    else:
        root = f"{plan.stage.uri}/_spill"
    fs, base = url_to_fs(root)
    _sweep(fs, base)
    folder = f"{root}/{context.run.replace('/', '-')}"
    fs.makedirs(url_to_fs(folder)[1], exist_ok=True)
    try:
        yield folder
    finally:
        _sweep(fs, base)


def _sweep(fs: Any, base: str) -> None:
    if fs.exists(base):
        fs.rm(base, recursive=True)
