"""Labels from reviewers: which rows are worth a person's look, and what becomes of what people say about them.

`sample` bounds the rows that are looked at, the `champion` is asked about them, `worth` chooses, `corrections` settles
what people handed in, `agreement` says how far they agree, `report` shows it all.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from steps.contract import Context, ToLabel

__all__ = ["Proposed", "proposed"]


class Proposed(NamedTuple):
    """The rows to label, the worthiest first, and what a planner should know about the choice."""

    to_label: tuple[ToLabel, ...]
    warnings: tuple[str, ...] = ()


def proposed(
    batches: Iterable[Any], labels: Sequence[str], context: Context, *, most: int = 60, seed: int = 0
) -> Proposed:
    """Choose among new rows: pyarrow batches or tables with `id`, `text`, `label` (place in `labels`), `group`, `side`.

    Give the labels of the source, before corrections: then a rerun with corrections asks about the same rows. Never a
    failure for want of a champion.
    """
    from steps.labels import champion, sample, worth

    rows = sample.sampled(batches, seed=seed) if most else []
    opinion = champion.asked([row.text for row in rows], labels, context)
    found = worth.chosen(rows, labels, opinion.p, most=most, seed=seed)
    return Proposed(found, (opinion.warning,) if opinion.warning else ())
