"""What rows of both sides have in common, counted exactly over all rows, batch by batch.

Memory follows the number of different conversations, authors and groups, not the rows: 16 bytes each and side.
Two of a million keys are taken for one another with a probability of 3e-8 (64-bit hashes).
"""

from typing import TYPE_CHECKING, NamedTuple, get_args

from steps.snapshot.rows import HOLDOUT
from steps.validate import rows
from steps.validate.settings import Key

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

KEYS: tuple[Key, ...] = get_args(Key)
_PENDING = 1_000_000


class Shared(NamedTuple):
    """Hold-out rows that name a key at all, and how many of them name one that train has too."""

    rows: int
    leaked: int


class Counts(NamedTuple):
    """Distinct hashed keys, ascending, with the rows of each."""

    hashed: "NDArray[np.uint64]"
    rows: "NDArray[np.int64]"


class Overlap:
    """Add every batch of rows once, in any order; then `shared` says what leaks, for `Facts.shared`."""

    def __init__(self) -> None:
        self._found: dict[tuple[Key, bool], list[Counts]] = {(key, of): [] for key in KEYS for of in (True, False)}

    def add(self, batch: "pa.Table | pa.RecordBatch") -> None:
        """Count one batch with the columns `side`, `conversation`, `person` and `group`."""
        import pyarrow as pa
        import pyarrow.compute as pc

        table = rows.plain(pa.table({name: batch[name] for name in ("side", *KEYS)}))
        held = pc.equal(table["side"], HOLDOUT)
        for (key, of), found in self._found.items():
            found.append(_counts(table[key].filter(held if of else pc.invert(held))))
            if sum(len(counts.hashed) for counts in found[1:]) > _PENDING:
                found[:] = [_merged(found)]

    def shared(self) -> dict[Key, Shared]:
        """For each key that the hold-out names at all."""
        import numpy as np

        told: dict[Key, Shared] = {}
        for key in KEYS:
            held, trained = _merged(self._found[key, True]), _merged(self._found[key, False])
            if len(held.hashed):
                leaked = np.isin(held.hashed, trained.hashed, assume_unique=True)
                told[key] = Shared(int(held.rows.sum()), int(held.rows[leaked].sum()))
        return told


def _counts(column: "pa.ChunkedArray") -> Counts:
    """The keys of a column but the empty ones."""
    import numpy as np

    tallies = column.value_counts()
    pairs = [(name, count) for name, count in zip(*(tallies.field(k).to_pylist() for k in (0, 1)), strict=True) if name]
    hashed = rows.hashes([name for name, _ in pairs], 0)
    return Counts(hashed, np.array([count for _, count in pairs], np.int64))


def _merged(found: list[Counts]) -> Counts:
    import numpy as np

    if not found:
        return Counts(np.empty(0, np.uint64), np.empty(0, np.int64))
    hashed, places = np.unique(np.concatenate([counts.hashed for counts in found]), return_inverse=True)
    totals = np.zeros(len(hashed), np.int64)
    np.add.at(totals, places, np.concatenate([counts.rows for counts in found]))
    return Counts(hashed, totals)
