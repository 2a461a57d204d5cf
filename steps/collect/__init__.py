"""Collect: labelled text from files, tables and logs becomes the next version of a snapshot that reviewers can trust.

Laws:
- The same rows in any order, any number of times, give the same snapshot. A text is new once: what the last done
  cycle's snapshot holds is not new, keeps its label and stays on its side of the split. A text that comes with two
  labels counts for neither. A cycle that was not done gives its rows back.
- What identifies somebody is replaced before anything is written.
- Nothing is published of what fails a check; the rows of a run that ends half-way are in no snapshot.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from steps import secret, snapshot
from steps.collect import whole
from steps.collect.clean import Rules
from steps.collect.gather import Gathered, Plan, gather
from steps.collect.given import Collect, Collected
from steps.collect.judge import correct, judge
from steps.collect.keep import another_key, extra_of, keep_beside, mark_of
from steps.collect.report import Found, describe
from steps.collect.source import Source, open_source
from steps.contract import Context, Dataset, NothingNew, StepError, counted_by, step
from steps.labels import corrections
from steps.labels.corrections import Record
from steps.snapshot import HOLDOUT, TRAIN, Opened, Table
from steps.snapshot.dataset import table_of

__all__ = ["Collect", "Collected", "collect", "count_new"]

_SHARD = 32 * 2**20  # bytes of a source that one worker deals with at a time


class Before(NamedTuple):
    """What the last done cycle left, and the table that it lives in."""

    dataset: Dataset | None
    snapshot: Opened | None
    table: Table

    @property
    def cycles(self) -> tuple[str, ...]:
        """The lineage."""
        return self.snapshot.snapshot.cycles if self.snapshot else ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that are known."""
        return self.snapshot.snapshot.labels if self.snapshot else ()

    @property
    def extra(self) -> Mapping[str, Any]:
        """What was kept beside the rows."""
        return self.snapshot.snapshot.extra if self.snapshot else {}

    def record(self, context: Context) -> Record:
        """What people said about labels so far."""
        return corrections.read(context.path(self.dataset)) if self.dataset else Record()


def count_new(given: Collect, context: Context) -> int:
    """How many rows would be new just now. Nothing is kept."""
    before = _before(context)
    source = _source(given, before)
    return gather(_plan(given, context, before, source, dry=True), context).new


@step
@counted_by(count_new)
def collect(given: Collect, context: Context) -> Collected:
    """Read, label, de-identify, deduplicate, split, check, and add to what the last done cycle had."""
    before = _before(context)
    source = _source(given, before)
    plan = _plan(given, context, before, source)
    found = gather(plan, context)
    if not found.new:
        return _nothing(given, context, before, found, source)
    home, cycle = before.table.folder, plan.stage.cycle
    parts = (*before.table.files(before.cycles), *found.parts)
    corrected = correct(given, home, parts, found.labels, before.record(context))
    counts = corrected.counts
    _check(found.labels, counts)
    judged = judge(given, context, home, before.extra, found, parts, corrected)
    judged = judged._replace(warnings=(*another_key(before.extra, plan.rules.key), *judged.warnings))
    before.table.commit(plan.stage, found.parts)
    data = context.make(Dataset, "data")
    folder = context.path(data)
    extra = extra_of(given, before.extra, plan.rules.key, source, judged)
    cycles = (*before.cycles, cycle)
    published = snapshot.publish(folder, before.table, cycles, found.labels, extra, judged.relabelled)
    keep_beside(folder, found, judged)
    return Collected(data=data, report=describe(Found(given, found, counts, judged, published)))


def _before(context: Context) -> Before:
    dataset = context.previous(Dataset, "data")
    opened = snapshot.opened(context.path(dataset)) if dataset is not None else None
    return Before(dataset, opened, table_of(context, dataset))


def _source(given: Collect, before: Before) -> Source:
    """The source, surveyed. Raises `StepError` with every problem that it has."""
    source = open_source(given.source, given.columns, since=mark_of(given, before.extra))
    problems = source.survey()
    if problems:
        cure = "correct the source, or the column names in `with:`"
        raise StepError(_listed(problems), where="source", cure=cure)
    return source


def _plan(given: Collect, context: Context, before: Before, source: Source, *, dry: bool = False) -> Plan:
    key, _ = secret.privacy_key(context)
    cycle = context.run.split("/")[0]
    table = before.table
    return Plan(
        shards=source.shards(_SHARD),
        rules=Rules(given.privacy, key, given.numeric, given.positive_at_least, given.negative_at_most),
        stage=snapshot.Stage(table.uri, cycle, table.ledger.mark()) if dry else table.stage(cycle),
        cycles=before.cycles,
        held=sum(part.rows for part in before.snapshot.parts) if before.snapshot else 0,
        known=before.labels,
        holdout=given.holdout,
        salt=given.salt,
        split_by=given.split_by,
        barred=table.barred(),
        engine=given.engine,
        batch_rows=given.batch_rows,
        most_unreadable=given.most_unreadable,
        dry=dry,
    )


def _nothing(given: Collect, context: Context, before: Before, found: Gathered, source: Source) -> Collected:
    """There is no new row: the cycle is skipped, or goes on with the last snapshot. Raises `StepError`."""
    counts = found.counts
    usable = counts["rows"] - sum(counts[kind] for kind in ("middle", "empty", "unlabelled"))
    if before.snapshot is None or (counts["rows"] and not usable):
        raise _useless(counts)
    why = f"no new rows: all {counts['seen']:,} usable texts are in the last snapshot"
    if not counts["rows"]:
        why = "no new rows: nothing in the source has changed since the last snapshot"
    elif not counts["seen"]:
        why = f"no new rows: none of {counts['rows']:,} is kept"
    if given.when_nothing_new == "skip":
        raise NothingNew(why, where="source", cure="add new rows to the source, then run again")
    data = context.make(Dataset, "data")
    extra = dict(before.extra)
    folder, over = context.path(data), before.snapshot.snapshot.relabelled
    published = snapshot.publish(folder, before.table, before.cycles, before.labels, extra, over)
    (folder / corrections.FILE).write_bytes(corrections.written(before.record(context)))
    counted = whole.count(before.table.folder, published.files)
    return Collected(data=data, report=describe(Found(given, found, counted, None, published)))


def _useless(counts: Mapping[str, int]) -> StepError:
    if not counts["rows"]:
        return StepError("the source holds no rows", where="source", cure="add rows, or correct `source`")
    kinds = ("middle", "empty", "unlabelled", "contradicted")
    lost = ", ".join(f"{counts[kind]:,} {kind}" for kind in kinds if counts[kind])
    return StepError(
        f"none of {counts['rows']:,} rows can be used: {lost}",
        where="source",
        cure="correct the labels or the thresholds",
    )


def _check(names: tuple[str, ...], counts: whole.Counts) -> None:
    """A classifier needs two classes to learn and something to be measured on."""
    learnt = [name for place, name in enumerate(names) if counts.classes[place, TRAIN]]
    if len(learnt) < 2:
        only = ", ".join(map(repr, learnt)) or "no row"
        raise StepError(
            f"the training rows hold one class only: {only}",
            where="train",
            cure="add rows of another class, or correct the thresholds",
        )
    if not counts.rows(HOLDOUT):
        raise StepError(
            f"none of {counts.rows(TRAIN):,} rows fell into hold-out",
            where="hold-out",
            cure="add rows, or raise `holdout`",
        )


def _listed(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    return f"{len(problems)} problems with the data:\n" + "\n".join(f"- {problem}" for problem in problems)
