"""Collect: labelled text from files becomes a snapshot, split into train and hold-out.

Law: the same rows in any order, any number of times, give the same snapshot. A text is new once: what the last done
cycle's snapshot holds is not new, keeps its label and stays on its side of the split. A text that comes with two
labels counts for neither.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

from pydantic import Field, model_validator

from steps import snapshot
from steps.collect import label as labels
from steps.collect import source
from steps.collect.report import Found, describe
from steps.contract import Context, Dataset, Given, Made, StepError, step
from steps.snapshot import Row


class Collect(Given):
    """Where the rows are and what they mean."""

    source: str | tuple[str, ...] = Field(
        description="files as a glob or a list of globs: parquet, CSV, JSONL", min_length=1
    )
    text: str = Field("text", description="the column with the text", min_length=1)
    label: str = Field("label", description="the column with the label or rating", min_length=1)
    group: str | None = Field(None, description="a column to report by: a domain, a product, a language", min_length=1)
    positive_at_least: float | None = Field(None, description="ratings from here up are positive", allow_inf_nan=False)
    negative_at_most: float | None = Field(
        None, description="ratings from here down are negative; between the two a row is dropped", allow_inf_nan=False
    )
    holdout: float = Field(0.2, description="share of the texts kept for measuring", ge=0.01, le=0.5)
    salt: str = Field("ratchet", description="another salt gives another split of new texts", max_length=100)

    @model_validator(mode="after")
    def _thresholds(self) -> Self:
        if (self.positive_at_least is None) != (self.negative_at_most is None):
            raise ValueError("positive_at_least and negative_at_most belong together: give both, or neither")
        if (self.positive_at_least or 0) <= (self.negative_at_most or 0) and self.numeric:
            raise ValueError("positive_at_least must be greater than negative_at_most")
        return self

    @property
    def numeric(self) -> bool:
        """Whether the label is a rating."""
        return self.positive_at_least is not None


class Collected(Made):
    """The snapshot, all rows to date."""

    data: Dataset


class _Fresh(NamedTuple):
    """A new text, before its class has a number. The smallest of equal texts stands for all, whatever their order."""

    text: str
    group: str
    source: str
    label: str


@step
def collect(given: Collect, context: Context) -> Collected:
    """Read, label, check, deduplicate, split and add to what the last done cycle had."""
    globs = (given.source,) if isinstance(given.source, str) else given.source
    columns = source.Columns(given.text, given.label, given.group, given.numeric)
    paths = source.find(globs)
    problems = source.survey(paths, columns)
    if problems:
        raise StepError(
            _listed(problems), where=f"{len(paths)} files", cure="correct the files, or the column names in `with:`"
        )
    counts: Counter[str] = Counter()
    earlier = _earlier(context)
    records = _records(paths, columns, counts, context)
    fresh = _distinct(records, labels.rule(given.positive_at_least, given.negative_at_most), counts)
    known = {row.id for rows in earlier.rows for row in rows}
    counts["seen"] = sum(identity in known for identity in fresh)
    fresh = {identity: row for identity, row in fresh.items() if identity not in known}
    names = _names(given, earlier, fresh, counts)
    cycle = context.run.split("/")[0]
    new = [Row(f.text, names.index(f.label), f.group, f.source, cycle, identity) for identity, f in fresh.items()]
    aside = {row.id for row in new if snapshot.portion(row.id, given.salt) < given.holdout}
    train = [*earlier.rows[0], *(row for row in new if row.id not in aside)]
    holdout = [*earlier.rows[1], *(row for row in new if row.id in aside)]
    _check(names, train, holdout)
    data = context.make(Dataset, "data")
    snapshot.write(context.path(data), names, train, holdout)
    found = Found(labels=names, new=new, aside=aside, train=train, holdout=holdout, counts=counts, files=len(paths))
    return Collected(data=data, report=describe(found))


class _Earlier(NamedTuple):
    labels: tuple[str, ...]
    rows: tuple[list[Row], list[Row]]


def _earlier(context: Context) -> _Earlier:
    before = context.previous(Dataset, "data")
    if before is None:
        return _Earlier((), ([], []))
    folder = context.path(before)
    rows = tuple(list(snapshot.read(folder, name)) for name in (snapshot.TRAIN, snapshot.HOLDOUT))
    return _Earlier(snapshot.read_labels(folder), (rows[0], rows[1]))


def _records(
    paths: list[Any], columns: source.Columns, counts: Counter[str], context: Context
) -> Iterator[tuple[str, source.Record]]:
    for place, path in enumerate(paths, 1):
        for batch in source.read(path, columns):
            yield from ((path.name, record) for record in batch)
            counts["rows"] += len(batch)
            context.progress(counts["rows"], None, "rows", f"reading {path.name} ({place} of {len(paths)} files)")


def _distinct(
    records: Iterator[tuple[str, source.Record]], rule: Callable[[Any], str | None], counts: Counter[str]
) -> dict[str, _Fresh]:
    """The usable rows by id, each text once; `counts` says what became of the others."""
    found: dict[str, _Fresh] = {}
    contradicted: set[str] = set()
    for name, (text, value, group) in records:
        if not isinstance(text, str) or not text.strip():
            counts["empty"] += 1
            continue
        try:
            label = rule(value)
        except labels.UnusableError:
            counts["unlabelled"] += 1
            continue
        if label is None:
            counts["middle"] += 1
            continue
        identity = snapshot.identity(text)
        row = _Fresh(text.strip(), "" if group is None else str(group), name, label)
        if identity in found:
            counts["duplicates"] += 1
            if found[identity].label != label:
                contradicted.add(identity)
            row = min(row, found[identity])
        found[identity] = row
    counts["contradicted"] = len(contradicted)
    return {identity: row for identity, row in found.items() if identity not in contradicted}


def _names(given: Collect, earlier: _Earlier, fresh: dict[str, _Fresh], counts: Counter[str]) -> tuple[str, ...]:
    """The classes. Raises `StepError` when there is nothing new, or when the labels are no classes."""
    if not fresh:
        raise _nothing(counts)
    first = (labels.NEGATIVE, labels.POSITIVE) if given.numeric else ()
    names = labels.names(earlier.labels or first, (row.label for row in fresh.values()))
    if len(names) > labels.MOST_CLASSES:
        raise StepError(
            f"{len(names):,} different labels: that is no set of classes",
            where=f"column {given.label!r}",
            cure="name the column of the class, or give positive_at_least and negative_at_most for a rating",
        )
    return names


def _nothing(counts: Counter[str]) -> StepError:
    if not counts["rows"]:
        return StepError("the files hold no rows", where="source", cure="add rows, or correct `source`")
    if counts["seen"]:
        return StepError(
            f"no new rows: all {counts['seen']:,} usable texts are in the last snapshot",
            where="source",
            cure="add new files to the source, then run again",
        )
    kinds = ("middle", "empty", "unlabelled", "contradicted")
    lost = ", ".join(f"{counts[kind]:,} {kind}" for kind in kinds if counts[kind])
    return StepError(
        f"none of {counts['rows']:,} rows can be used: {lost}",
        where="source",
        cure="correct the labels or the thresholds",
    )


def _check(names: tuple[str, ...], train: list[Row], holdout: list[Row]) -> None:
    """A classifier needs two classes to learn and something to be measured on."""
    learnt = {row.label for row in train}
    if len(learnt) < 2:
        only = ", ".join(repr(names[label]) for label in learnt) or "no row"
        raise StepError(
            f"the training rows hold one class only: {only}",
            where="train",
            cure="add rows of another class, or correct the thresholds",
        )
    if not holdout:
        raise StepError(
            f"none of {len(train):,} rows fell into hold-out", where="hold-out", cure="add rows, or raise `holdout`"
        )


def _listed(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    return f"{len(problems)} problems with the data:\n" + "\n".join(f"- {problem}" for problem in problems)
