"""What is to be said of new rows before anybody sees them: what people corrected, what checks find, what to look at.

Law: nothing here changes a row. Corrections are laid over the rows of the snapshot that is made next.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from steps.collect import whole
from steps.collect.gather import Gathered
from steps.collect.given import Collect
from steps.collect.whole import Counts
from steps.contract import Context, StepError
from steps.labels import corrections, proposed
from steps.labels import report as labelled
from steps.labels.corrections import Known, Record, Settled
from steps.snapshot import HOLDOUT, SIDES, TRAIN, Part, Row, relabel, rows_of
from steps.snapshot.folder import Folder
from steps.validate import Facts, Findings, Key, Overlap, Profile, Shared, Totals, validate

if TYPE_CHECKING:
    import pyarrow as pa

MOST_LOOKED_AT = 20_000  # new rows of a side, of which those worth a look are chosen
MOST_SAMPLED = 2_000


class Corrected(NamedTuple):
    """The corrections settled, the labels that they lay over the rows by id, what is counted with those labels, and
    what both sides have in common.
    """

    settled: Settled
    relabelled: Mapping[str, int]
    counts: Counts
    shared: Mapping[Key, Shared]


class Judged(NamedTuple):
    """`relabelled`: id to place of the label, for every row whose label people changed; `drawn`: some new rows."""

    findings: Findings
    labels: labelled.Parts
    settled: Settled
    relabelled: Mapping[str, int]
    drawn: tuple[Row, ...]
    warnings: tuple[str, ...]


def correct(given: Collect, home: Folder, parts: Sequence[Part], names: Sequence[str], before: Record) -> Corrected:
    """What people said about labels so far, and what is counted with it. Reads every row's label and keys."""
    record = before
    asked = {one.id for one in given.corrections} | {row.id for row in record.rows}
    rows = whole.find(home, parts, asked) if asked else {}
    record = record.without(row.id for row in record.rows if row.id not in rows)
    laid = {id_: label for id_, label in record.labels.items() if label in names}
    known = {id_: Known(text, laid.get(id_, names[label])) for id_, (text, label, _) in rows.items()}
    settled = corrections.settle(given.corrections, known, names, record)
    labels = {id_: names.index(label) for id_, label in settled.record.labels.items() if label in names}
    overlap = Overlap() if given.author or given.conversation or given.group else None
    counts = whole.count(home, parts, overlap)
    relabelled = {id_: label for id_, label in labels.items() if label != rows[id_][1]}
    for id_, label in relabelled.items():
        _, was, side = rows[id_]
        counts.classes[was, side] -= 1
        counts.classes[label, side] += 1
    return Corrected(settled, relabelled, counts, overlap.shared() if overlap else {})


def judge(
    given: Collect,
    context: Context,
    home: Folder,
    extra: Mapping[str, Any],
    found: Gathered,
    parts: Sequence[Part],
    corrected: Corrected,
) -> Judged:
    """Check the rows, and choose those worth a look. Raises `StepError` with every problem that must fail the run."""
    settled, relabelled = corrected.settled, corrected.relabelled
    facts = _facts(given, home, extra, found, parts, corrected)
    context.progress(0, None, "", "checking the rows")
    accepted = {"accept_schema": True} if given.accept_schema else {}
    findings = validate(facts, given.checks.model_copy(update=accepted))
    if findings.problems:
        listed = "".join(f"\n- {problem}" for problem in findings.problems)
        raise StepError(
            f"the rows do not pass their checks:{listed}",
            where="checks",
            cure="correct the source; if it is meant, rerun with accept_schema=true, or allow it in `checks.fail_on`",
        )
    look = proposed(_source_labels(home, found.parts), found.labels, context, most=given.look)
    rows = facts.new.select(list(Row._fields)).slice(0, MOST_SAMPLED).to_batches()
    told = labelled.parts(settled, look.to_label)
    warnings = (*findings.warnings, *told.warnings, *look.warnings)
    return Judged(findings, told, settled, relabelled, tuple(rows_of(rows[0])) if rows else (), warnings)


def _source_labels(home: Folder, parts: Sequence[Part]) -> list[Any]:
    """New rows of either side, with the labels that the source gave them."""
    return [whole.draw(home, [part for part in parts if part.side == side], MOST_LOOKED_AT) for side in SIDES]


def _facts(
    given: Collect,
    home: Folder,
    extra: Mapping[str, Any],
    found: Gathered,
    parts: Sequence[Part],
    corrected: Corrected,
) -> Facts:
    def drawn(some: Sequence[Part], most: int) -> "pa.Table":
        return relabel(whole.draw(home, some, most), corrected.relabelled)

    def of(side: str) -> list[Part]:
        return [part for part in parts if part.side == side]

    checks, labels = given.checks, found.labels
    most = max(checks.rows, checks.drift_rows, checks.near_rows)
    new = {side: [found.classes[name, side] for name in labels] for side in (TRAIN, HOLDOUT)}
    all_ = {side: [corrected.counts.classes[place, side] for place in range(len(labels))] for side in (TRAIN, HOLDOUT)}
    profile = extra.get("profile")
    return Facts(
        new=drawn(found.parts, most),
        train=drawn(of(TRAIN), most),
        holdout=drawn(of(HOLDOUT), most),
        labels=labels,
        totals=Totals(new[TRAIN], new[HOLDOUT], all_[TRAIN], all_[HOLDOUT]),
        earlier=Profile.model_validate(profile) if profile else None,
        now=datetime.now(UTC),
        shared=corrected.shared or None,
    )
