"""What the report says about labels: those that were corrected, how far people agree, and the rows to look at. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from steps.contract import Metric, Table, ToLabel
from steps.labels.agreement import Agreement, agreement, kappa, sentence
from steps.labels.corrections import Labelled, Settled

_MOST = 100  # rows of a table
_CUT = 80  # characters of a text in a table


class Parts(NamedTuple):
    """What goes into the report of the step that takes corrections; `sentence` belongs to its summary."""

    sentence: str
    metrics: tuple[Metric, ...]
    tables: tuple[Table, ...]
    warnings: tuple[str, ...]
    to_label: tuple[ToLabel, ...]


def parts(settled: Settled, proposed: Sequence[ToLabel] = (), seed: int = 0) -> Parts:
    """All that there is to say. `proposed`: what `worth.chosen` gave for the labels of the source, so that a rerun with
    corrections asks about the same rows; they are shown here with the labels that stand by now.
    """
    rows = settled.record.rows
    found = agreement([{vote.by: vote.label for vote in row.votes} for row in rows], seed)
    pairs = [(row.original, vote.label) for row in rows for vote in row.votes]
    kept = sum(a == b for a, b in pairs)
    disputed = [row for row in rows if row.disputed]
    tables = [_corrected(settled), _disputed(disputed, settled), _agreement(found, kept, pairs)]
    return Parts(
        sentence=sentence(found, kept, len(pairs)),
        metrics=_metrics(settled, found, len(disputed)),
        tables=tuple(table for table in tables if table.rows),
        warnings=_warnings(settled),
        to_label=tuple(_standing(one, {row.id: row for row in rows}) for one in proposed),
    )


def _metrics(settled: Settled, found: Agreement | None, disputed: int) -> tuple[Metric, ...]:
    counts = {"labels_corrected": len(settled.changes), "labels_disputed": disputed}
    metrics = [Metric(name=name, value=value, unit="rows") for name, value in counts.items()]
    if found is not None:
        metrics.append(Metric(name="label_agreement", value=round(found.raw, 4), better="higher"))
        if found.alpha is not None:
            low, high = (None if end is None else round(end, 4) for end in (found.low, found.high))
            value = round(found.alpha, 4)
            metrics.append(Metric(name="label_agreement_alpha", value=value, low=low, high=high, better="higher"))
    return tuple(metrics)


def _corrected(settled: Settled) -> Table:
    """The diff: who, when, from, to, and the text's beginning."""
    rows = tuple(
        (", ".join(change.by), f"{change.at:%Y-%m-%d %H:%M %Z}".strip(), change.was, change.label, _cut(change.text))
        for change in settled.changes[:_MOST]
    )
    return Table(
        title=_titled("Corrected labels", settled.changes), columns=("who", "when", "from", "to", "text"), rows=rows
    )


def _disputed(disputed: Sequence[Labelled], settled: Settled) -> Table:
    """Rows on which people differ: what each said, and the label that stands."""
    rows = tuple((row.id[:12], _said(row), row.label) for row in disputed[:_MOST])
    return Table(title=_titled("Disputed labels", disputed), columns=("row", "who says what", "stands"), rows=rows)


def _agreement(found: Agreement | None, kept: int, pairs: Sequence[tuple[str, str]]) -> Table:
    rows = []
    if found is not None:
        ends = "" if found.low is None or found.high is None else f"{found.low:.2f} to {found.high:.2f}"
        rows.append(
            ("reviewers with each other", found.rows, _two(found.raw), _two(found.kappa), _two(found.alpha), ends)
        )
    if pairs:
        count = len(pairs)
        rows.append(("reviewers with the source", count, _two(kept / count), _two(kappa(pairs)), None, ""))
    columns = ("who", "rows or votes", "agree", "Cohen's kappa", "Krippendorff's alpha", "95 % interval")
    return Table(title="Agreement on labels", columns=columns, rows=tuple(rows))


def _warnings(settled: Settled) -> tuple[str, ...]:
    shown = [f"correction of {one.id[:12] or 'labels'} refused: {one.why}" for one in settled.refused[:10]]
    more = len(settled.refused) - len(shown)
    return (*shown, *([f"{more:,} more corrections refused"] if more else ()))


def _standing(one: ToLabel, rows: dict[str, Labelled]) -> ToLabel:
    row = rows.get(one.id)
    if row is None:
        return one
    word = "disputed" if row.disputed else "corrected" if row.label != row.original else "confirmed"
    return one.model_copy(update={"label": row.label, "why": f"{word}: {_said(row)}; {one.why}"})


def _said(row: Labelled) -> str:
    return ", ".join(f"{vote.by} says {vote.label}" for vote in row.votes)


def _titled(title: str, rows: Sequence[object]) -> str:
    return title if len(rows) <= _MOST else f"{title} (the first {_MOST} of {len(rows):,})"


def _cut(text: str) -> str:
    plain = " ".join(text[: 4 * _CUT].split())
    return plain if len(plain) <= _CUT else f"{plain[: _CUT - 1]}…"


def _two(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
