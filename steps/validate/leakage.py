"""Leakage: what stands in the hold-out and also in train, so that measuring flatters the model. Pure.

By row (the same id), by near-duplicate, and by what rows have in common: conversation, author, group. Each is a share
of the hold-out rows. Where not all train rows were looked at, it is what was found against those that were: a lower
bound, and then its metric has no `high`, so that a policy on `.high` says no rather than guesses.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from steps.contract import Metric, Table
from steps.validate import intervals, near, rows
from steps.validate.finding import Alarm, Part, bars, counted, percent
from steps.validate.overlap import KEYS, Overlap, Shared
from steps.validate.settings import Checks, Key

if TYPE_CHECKING:
    import pyarrow as pa

NOUNS: Mapping[Key, str] = {"conversation": "conversation", "person": "author", "group": "group"}
_EXAMPLES = 8
_CHARACTERS = 120
_NAMES = ("train", "holdout", "across")
_WHERE = ("train rows in train", "hold-out rows in hold-out", "hold-out rows in train")


class Sides(NamedTuple):
    """The rows looked at on both sides, and how many there are."""

    train: "pa.Table"
    holdout: "pa.Table"
    all_train: int
    all_holdout: int

    @property
    def all_of_train(self) -> bool:
        """Whether no train row was left out."""
        return bool(self.train.num_rows >= self.all_train)

    @property
    def all_of_holdout(self) -> bool:
        """Whether no hold-out row was left out."""
        return bool(self.holdout.num_rows >= self.all_holdout)


class Found(NamedTuple):
    """k of n rows looked at; `all_rows` says whether that is all of them, `all_others` whether they were held against
    all of those that could be like them."""

    k: int
    n: int
    all_rows: bool
    all_others: bool = True

    @property
    def share(self) -> float:
        """k of n."""
        return self.k / self.n if self.n else 0.0

    @property
    def ends(self) -> tuple[float, float | None]:
        """The share's interval: Wilson's for a sample, the share itself for all rows; a lower bound has no high end."""
        low, high = (self.share,) * 2 if self.all_rows else intervals.wilson(self.k, self.n)[1:]
        return low, high if self.all_others else None

    @property
    def at_least(self) -> str:
        """What a sentence about the share begins with."""
        return "" if self.all_others else "At least "

    def metric(self, name: str) -> Metric:
        """The share as a metric."""
        low, high = (None if end is None else round(end, 6) for end in self.ends)
        return Metric(name=name, value=round(self.share, 6), low=low, high=high, better="lower")


def same_rows(sides: Sides, exact: int | None) -> Part:
    """Hold-out rows whose id also stands in train: there must be none. `exact` is counted over all rows."""
    import pyarrow.compute as pc

    if exact is None:
        k = pc.sum(pc.is_in(sides.holdout["id"], value_set=sides.train["id"])).as_py() or 0
        found = Found(k, sides.holdout.num_rows, sides.all_of_holdout, sides.all_of_train)
    else:
        found = Found(exact, sides.all_holdout, all_rows=True)
    them = counted(found.n, "hold-out row")
    against = "" if found.all_others else f" among the {counted(sides.train.num_rows, 'train row')} looked at"
    said = f"None of {them} stands in train as well{against}."
    if found.k:
        said = f"{found.at_least}{found.k:,} of {them} also in train: what is measured there was learnt by heart."
    metrics = (Metric(name="leaked_rows", value=found.k, better="lower"), found.metric("leaked_rows_share"))
    return Part("rows on both sides", (said,), metrics, alarms=(Alarm("leaked_rows", said),) if found.k else ())


def keys(sides: Sides, exact: Mapping[Key, Shared] | None, settings: Checks) -> Part:
    """Hold-out rows whose conversation, author or group also has rows in train; `exact` counts are of all rows."""
    said, metrics, alarms, drawn = [], [], [], []
    for key, found in _shared(sides, exact).items():
        noun = NOUNS[key]
        line = (
            f"{found.at_least}{percent(found.share)} of the hold-out rows are of {'an' if key == 'person' else 'a'} "
            f"{noun} that also has rows in train."
        )
        said.append(line)
        metrics.append(found.metric(f"leaked_{key}s"))
        drawn.append((noun, found.share))
        if key in settings.apart and found.ends[0] > settings.leak_from:
            alarms.append(Alarm(key, f"{line} Measured that way a model looks better than it is on a new {noun}."))
    if not said:
        return Part("what both sides share", ("The hold-out rows name no conversation, author or group.",))
    chart = bars("Hold-out rows whose … is also in train", "", "% of the hold-out rows", {"share": drawn})
    return Part("what both sides share", tuple(said), tuple(metrics), charts=(chart,), alarms=tuple(alarms))


def _shared(sides: Sides, exact: Mapping[Key, Shared] | None) -> dict[Key, Found]:
    counts = exact
    if counts is None:
        overlap = Overlap()
        for table in (sides.train, sides.holdout):
            overlap.add(table)
        counts = overlap.shared()
    whole = exact is not None
    return {
        key: Found(counts[key].leaked, counts[key].rows, whole or sides.all_of_holdout, whole or sides.all_of_train)
        for key in KEYS
        if key in counts
    }


def near_duplicates(sides: Sides, settings: Checks, seed: int) -> Part:
    """Near-duplicates within train, within the hold-out, and of hold-out rows in train."""
    holdout = rows.draw(sides.holdout, settings.near_rows // 2, seed)
    train = rows.draw(sides.train, settings.near_rows - holdout.num_rows, seed)
    seen = Sides(train, holdout, sides.all_train, sides.all_holdout)
    texts = [*rows.texts(train), *rows.texts(holdout)]
    pairs, found = _paired(seen, texts, settings, seed)
    across = found[2]
    said = (
        f"{across.at_least}{percent(across.share)} of the hold-out rows ({across.k:,} of {across.n:,} looked at, "
        f"against {train.num_rows:,} train rows) are almost the same as a row in train: {settings.similarity:.0%} or "
        "more of their pieces of five letters are common."
    )
    drawn = [(where, one.share) for where, one in zip(_WHERE, found, strict=True)]
    return Part(
        "near-duplicates",
        (said,),
        tuple(one.metric(f"near_duplicates_{name}") for name, one in zip(_NAMES, found, strict=True)),
        (_table(found), *_examples(pairs, texts, train.num_rows)),
        (bars("Rows with a near-duplicate", "", "% of the rows", {"share": drawn}),),
        (Alarm("near_duplicates", said),) if across.ends[0] > settings.leak_from else (),
    )


def _paired(seen: Sides, texts: Sequence[str], settings: Checks, seed: int) -> tuple[near.Near, tuple[Found, ...]]:
    """The near-duplicates of train's texts followed by the hold-out's, and how many there are of each of `_WHERE`."""
    import numpy as np

    n, m = seen.train.num_rows, seen.holdout.num_rows
    pairs = near.near_duplicates(texts, (np.arange(n + m) >= n).astype(np.int64), settings.similarity, seed)
    has = pairs.beside >= 0
    return pairs, (
        Found(int(has[:n, 0].sum()), n, seen.all_of_train, seen.all_of_train),
        Found(int(has[n:, 1].sum()), m, seen.all_of_holdout, seen.all_of_holdout),
        Found(int(has[n:, 0].sum()), m, seen.all_of_holdout, seen.all_of_train),
    )


def _table(found: Sequence[Found]) -> Table:
    lines = tuple(
        (where, one.k, one.n, *(None if figure is None else round(figure, 6) for figure in (one.share, *one.ends)))
        for where, one in zip(_WHERE, found, strict=True)
    )
    return Table(title="Near-duplicates", columns=("of", "rows", "looked at", "share", "low", "high"), rows=lines)


def _examples(pairs: near.Near, texts: Sequence[str], train: int) -> tuple[Table, ...]:
    """The least similar pairs across, which show best what counts as a near-duplicate."""
    across = [k for k in range(train, len(texts)) if pairs.beside[k, 0] >= 0]
    across.sort(key=lambda k: (pairs.similarity[k, 0], texts[k]))
    lines = tuple(
        (texts[k][:_CHARACTERS], texts[pairs.beside[k, 0]][:_CHARACTERS], round(float(pairs.similarity[k, 0]), 3))
        for k in across[:_EXAMPLES]
    )
    columns = ("in the hold-out", "in train", "similarity")
    return (Table(title="Near-duplicates across, for example", columns=columns, rows=lines),) if lines else ()
