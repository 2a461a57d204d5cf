"""Leakage: what stands in the hold-out and also in train, so that measuring flatters the model. Pure.

By row (the same id), by near-duplicate, and by what rows have in common: conversation, person, group. Each is a share
of the hold-out rows. Where not all rows were looked at, the share is what was found among those that were: for
near-duplicates and keys that is a lower bound, and there is no upper end.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from steps.contract import Chart, Metric, Series, Table
from steps.validate import intervals, near, rows
from steps.validate.finding import Alarm, Part, counted, percent
from steps.validate.intervals import Estimate
from steps.validate.settings import Checks, Key, Kind

if TYPE_CHECKING:
    import pyarrow as pa

_NOUNS: dict[Key, str] = {"conversation": "conversation", "person": "author", "group": "group"}
_SHOWN = 8
_CHARACTERS = 120


class Sides(NamedTuple):
    """The rows looked at on both sides, and how many there are."""

    train: "pa.Table"
    holdout: "pa.Table"
    all_train: int
    all_holdout: int

    @property
    def whole(self) -> bool:
        """Whether all train rows were looked at: else a share of hold-out rows found there is a lower bound."""
        return self.train.num_rows >= self.all_train


def same_rows(sides: Sides) -> Part:
    """Hold-out rows whose id also stands in train: there must be none."""
    import pyarrow.compute as pc

    k = pc.sum(pc.is_in(sides.holdout["id"], value_set=sides.train["id"])).as_py() or 0
    if k:
        said = f"{counted(k, 'row')} of the hold-out also in train: what is measured there was learnt by heart."
    else:
        said = f"None of the {counted(sides.holdout.num_rows, 'hold-out row')} looked at stands in train as well."
    metrics = (
        _share("leaked_rows_share", _estimate(k, sides), sides),
        Metric(name="leaked_rows", value=k, better="lower"),
    )
    return Part("rows on both sides", (said,), metrics, alarms=(Alarm("leaked_rows", said),) if k else ())


def keys(sides: Sides, settings: Checks) -> Part:
    """Hold-out rows whose conversation, author or group also has rows in train."""
    import pyarrow.compute as pc

    said, metrics, alarms, bars = [], [], [], []
    names: tuple[Key, ...] = ("conversation", "person", "group")
    for key in names:
        column = sides.holdout[key]
        there = pc.and_kleene(pc.is_valid(column), pc.not_equal(column, ""))
        n = pc.sum(there).as_py() or 0
        if not n:
            continue
        known = pc.and_kleene(there, pc.is_in(column, value_set=pc.unique(sides.train[key])))
        k = pc.sum(known).as_py() or 0
        found = _estimate(k, sides, n)
        line = f"{_least(sides)}{percent(k / n)} of the hold-out rows are of {_a(_NOUNS[key])} that also has rows in train."
        said.append(line)
        metrics.append(_share(f"leaked_{key}s", found, sides))
        bars.append((_NOUNS[key], round(k / n, 4)))
        if key in settings.apart and found.low > settings.leak_from:
            alarms.append(Alarm(key, f"{line} Split by {_NOUNS[key]} to measure what is new."))
    if not bars:
        return Part("what both sides share", ("The rows name no conversation, author or group that could leak.",))
    chart = Chart(
        title="Hold-out rows of something that is also in train", kind="bar", x="shared", y="share of the hold-out",
        series=(Series(name="share", points=tuple(bars)),),
    )  # fmt: skip
    return Part("what both sides share", tuple(said), tuple(metrics), charts=(chart,), alarms=tuple(alarms))


def near_duplicates(sides: Sides, settings: Checks, seed: int) -> Part:
    """Near-duplicates within train, within the hold-out, and across."""
    import numpy as np

    holdout = rows.draw(sides.holdout, settings.near_rows // 2, seed)
    train = rows.draw(sides.train, settings.near_rows - holdout.num_rows, seed)
    seen = Sides(train, holdout, sides.all_train, sides.all_holdout)
    texts = [*rows.texts(train), *rows.texts(holdout)]
    side = (np.arange(len(texts)) >= train.num_rows).astype(np.int64)
    found = near.near_duplicates(texts, side, settings.similarity, seed)
    has = found.beside >= 0
    n, m = train.num_rows, holdout.num_rows
    counts = {
        "within train": (int((has[:, 0] & (side == 0)).sum()), n, n >= sides.all_train),
        "within the hold-out": (int((has[:, 1] & (side == 1)).sum()), m, m >= sides.all_holdout),
        "hold-out against train": (int((has[:, 0] & (side == 1)).sum()), m, seen.whole),
    }
    k, _, _ = counts["hold-out against train"]
    said = (
        f"{_least(seen)}{percent(k / max(1, m))} of the hold-out rows ({k:,} of {m:,} looked at, against {n:,} train rows) are "
        f"almost the same as a row in train (at least {settings.similarity:.0%} of their 5-letter pieces in common)."
    )
    names = ("near_duplicates_train", "near_duplicates_holdout", "near_duplicates_across")
    estimates = [
        Estimate(k / max(1, of), *_ends(k, of, whole and of >= total))
        for (k, of, whole), total in zip(
            counts.values(), (sides.all_train, sides.all_holdout, sides.all_holdout), strict=True
        )
    ]
    metrics = tuple(
        _bounded(name, found_, whole)
        for name, found_, (_, _, whole) in zip(names, estimates, counts.values(), strict=True)
    )
    lines = tuple(
        (where, k, of, round(e.value, 6), round(e.low, 6), round(e.high, 6) if whole else None)
        for (where, (k, of, whole)), e in zip(counts.items(), estimates, strict=True)
    )
    columns = ("near-duplicates", "rows", "of those looked at", "share", "low", "high")
    bars = tuple((where, round(k / max(1, of), 4)) for where, (k, of, _) in counts.items())
    chart = Chart(
        title="Rows with a near-duplicate",
        kind="bar",
        y="share of the rows",
        series=(Series(name="share", points=bars),),
    )
    big = estimates[2].low > settings.leak_from
    return Part(
        "near-duplicates", (said,), metrics,
        (Table(title="Near-duplicates", columns=columns, rows=lines), *_examples(found, texts, side)), (chart,),
        (Alarm("near_duplicates", said),) if big else (),
    )  # fmt: skip


def _examples(found: near.Near, texts: Sequence[str], side: "near.Integers") -> tuple[Table, ...]:
    """The least similar pairs across, which show best what counts as a near-duplicate."""
    across = [k for k in ((found.beside[:, 0] >= 0) & (side == 1)).nonzero()[0].tolist()]
    across.sort(key=lambda k: (found.similarity[k, 0], texts[k]))
    lines = tuple(
        (texts[k][:_CHARACTERS], texts[found.beside[k, 0]][:_CHARACTERS], round(float(found.similarity[k, 0]), 3))
        for k in across[:_SHOWN]
    )
    return (
        (
            Table(
                title="Near-duplicates across, for example",
                columns=("in the hold-out", "in train", "similarity"),
                rows=lines,
            ),
        )
        if lines
        else ()
    )


def _estimate(k: int, sides: Sides, n: int | None = None) -> Estimate:
    of = sides.holdout.num_rows if n is None else n
    return Estimate(k / of if of else 0.0, *_ends(k, of, sides.whole and sides.holdout.num_rows >= sides.all_holdout))


def _ends(k: int, n: int, counted_all: bool) -> tuple[float, float]:
    """The interval's ends: where all was looked at the share is exact."""
    found = intervals.wilson(k, n)
    return (found.value, found.value) if counted_all else (found.low, found.high)


def _share(name: str, found: Estimate, sides: Sides) -> Metric:
    return _bounded(name, found, sides.whole)


def _bounded(name: str, found: Estimate, whole: bool) -> Metric:
    high = round(found.high, 6) if whole else None
    return Metric(name=name, value=round(found.value, 6), low=round(found.low, 6), high=high, better="lower")


def _least(sides: Sides) -> str:
    return "" if sides.whole else "At least "


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
