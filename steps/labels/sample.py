"""The new rows that are looked at: a bounded number, drawn the same way whatever order they come in. Pure.

Ids are digests, so that the smallest of them, counted from a place that the seed gives, are as good as drawn by lot.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from steps.labels.worth import HOLDOUT, Candidate

MOST = 20_000
"""Rows that are looked at: about six seconds of two cores."""
_LONGEST = 2_000  # characters of a text that are kept


def sampled(batches: Iterable[Any], *, most: int = MOST, seed: int = 0) -> list[Candidate]:
    """At most `most` rows of pyarrow batches or tables with `id`, `text`, `label`, `group` and `side`, hold-out first.

    Hold-out rows get half of the places, and those that training leaves free. Memory: `most` rows and one batch.
    """
    start = sha256(str(seed).encode()).hexdigest()
    kept: dict[bool, list[tuple[str, Candidate]]] = {True: [], False: []}
    cuts = {True: "2", False: "2"}  # above every key
    for batch in batches:
        for aside in (True, False):
            kept[aside] += _below(batch, aside, start, cuts[aside])
            if len(kept[aside]) > 2 * most:
                kept[aside] = sorted(kept[aside])[:most]
                cuts[aside] = kept[aside][-1][0] if most else ""
    measured, taught = (sorted(kept[aside])[:most] for aside in (True, False))
    first = measured[: max(most // 2, most - len(taught))]
    return [row for _, row in (*first, *taught[: most - len(first)])]


def _below(batch: Any, aside: bool, start: str, cut: str) -> list[tuple[str, Candidate]]:
    """The batch's rows of one side whose key comes before `cut`, each with its key."""
    import pyarrow.compute as pc

    ids = batch.column("id")
    keys = pc.binary_join_element_wise(pc.if_else(pc.less(ids, start), "1", "0"), ids, "")
    side = pc.equal(batch.column("side"), HOLDOUT)
    mask = pc.and_(side if aside else pc.invert(side), pc.less(keys, cut))
    found = batch.filter(mask)
    texts = pc.utf8_slice_codeunits(found.column("text"), 0, _LONGEST)
    columns = (found.column("id"), texts, *(found.column(name) for name in ("label", "group", "side")))
    rows = map(Candidate._make, zip(*(column.to_pylist() for column in columns), strict=True))
    return list(zip(keys.filter(mask).to_pylist(), rows, strict=True))
