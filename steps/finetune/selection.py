"""Which rows are trained on, and which are only looked at while training. Pure.

Law: a validation row is never trained on, in this cycle or another: its side depends on its text alone.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from steps.snapshot import Row, portion

_VALIDATION = 0.05
_MOST_VALIDATION = 500


class Chosen(NamedTuple):
    """Rows to train on, rows to validate with, and how many of the first the starting model has seen before."""

    train: list[Row]
    validation: list[Row]
    replayed: int


def choose(rows: Sequence[Row], seen: Collection[str], *, replay: float, most: int | None, seed: int) -> Chosen:
    """Every row of cycles that are not in `seen`, and of the others so many that they are the share `replay` of all.

    At most `most` rows; what has to be left out is drawn by `seed`. With nothing new, the others are all there is.
    """
    validation = [row for row in rows if portion(row.id, "validation") < _VALIDATION]
    rest = [row for row in rows if portion(row.id, "validation") >= _VALIDATION]
    new = [row for row in rest if row.arrived not in seen]
    old = [row for row in rest if row.arrived in seen]
    room = len(rest) if most is None else most
    fresh = _draw(new, len(new) if most is None else max(round(most * (1 - replay)), most - len(old)), seed)
    wanted = round(len(fresh) * replay / (1 - replay)) if new else room
    again = _draw(old, min(room - len(fresh), wanted), seed)
    return Chosen([*fresh, *again], _draw(validation, _MOST_VALIDATION, seed), len(again))


def _draw(rows: Iterable[Row], most: int, seed: int) -> list[Row]:
    """At most so many, drawn without replacement; the same rows for the same seed, whatever their order."""
    return sorted(rows, key=lambda row: portion(row.id, f"draw:{seed}"))[:most]
