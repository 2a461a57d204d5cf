"""Which new rows are most worth a person's look, and why. Pure.

Three reasons, each with a share of the places:

- probably mislabelled: confident learning suspects the label (see `confident`), or the champion is sure of another;
- uncertain: the two likeliest classes lie close together ("margin sampling": Settles 2009, section 3.1);
- rare: a class in a group with far fewer rows than the others have.

Half of each share goes to hold-out rows first, though they are fewer: what is wrong there misleads every comparison at
the gate and averages out in none, while training forgives some wrong labels. The price, which planners should know:
rows are chosen by what models think, so correcting hold-out rows favours models that think alike. It stays small, since
few rows are shown, and people decide.

Probabilities are out of sample: the champion's, because the rows are new to it, averaged with a cross-fitted model's;
that model's alone where no champion was asked, or it does not know the label.

Laws: no more than `most` rows; no two of them near-equal; the order of the rows changes nothing; where no model can
tell the classes apart better than chance, nothing is called mislabelled or uncertain.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from steps.contract import ToLabel
from steps.labels import confident, crossfit
from steps.labels.diverse import Chosen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST = 60
HOLDOUT = "holdout"
_SHARES = {"mislabelled": 0.5, "uncertain": 0.3, "rare": 0.2}
_SURE = 0.9  # from here the champion's word stands against the label
_TORN = 0.3  # two classes nearer than this are no decision
_FEWEST = 10  # rows of a class that confident learning needs to know its threshold
_RARER = 10  # a slice is rare when an even spread would give it this many times its rows
_LONGEST = 1_000  # characters of a text that are shown


class Candidate(NamedTuple):
    """A new row: its label is a place in the list of classes, its side `train` or `holdout`."""

    id: str
    text: str
    label: int
    group: str
    side: str


class _Views(NamedTuple):
    """What the models make of the rows: probabilities n × classes, and where the champion was heard."""

    p: "Floats"
    champion: "Floats"
    heard: "NDArray[np.bool_]"


def chosen(
    rows: Sequence[Candidate],
    labels: Sequence[str],
    champion: "NDArray[np.float32] | None" = None,
    *,
    most: int = MOST,
    seed: int = 0,
) -> tuple[ToLabel, ...]:
    """At most `most` rows, the worthiest first: the mislabelled before the uncertain before the rare, hold-out first.

    `champion`: n × classes in the order of `rows` and `labels`; a row of NaN was not asked about, a column of zeros is
    a class that the champion does not know. Of rows with one id the first by text and label counts.
    """
    import numpy as np

    order = sorted(range(len(rows)), key=lambda i: rows[i])
    order = [i for place, i in enumerate(order) if place == 0 or rows[order[place - 1]].id != rows[i].id]
    if not order or most < 1:
        return ()
    sorted_rows = [rows[i] for i in order]
    given = np.array([row.label for row in sorted_rows], dtype=np.int_)
    found = crossfit.vectors([row.text for row in sorted_rows])
    ids = [row.id for row in sorted_rows]
    simple = crossfit.probabilities(found, given, ids, len(labels), seed)
    views = _views(given, simple, None if champion is None else np.asarray(champion, dtype=np.float64)[order])
    worth = _worth(sorted_rows, given, views)
    aside = np.array([row.side == HOLDOUT for row in sorted_rows])
    picked = _picked(worth, aside, Chosen(crossfit.rarities(found)), most)
    return tuple(_shown(place, why, sorted_rows, labels, views) for place, why in picked)


def _views(given: "NDArray[np.int_]", simple: "Floats", champion: "Floats | None") -> _Views:
    import numpy as np

    if champion is None:
        return _Views(simple, np.full_like(simple, np.nan), np.zeros(len(given), dtype=np.bool_))
    asked = ~np.isnan(champion).any(axis=1)
    known = np.atleast_1d((champion[asked] > 0).any(axis=0))
    heard = np.asarray(asked & known[given], dtype=np.bool_)
    return _Views(np.where(heard[:, None], (simple + np.nan_to_num(champion)) / 2, simple), champion, heard)


def telling(given: "NDArray[np.int_]", p: "Floats") -> bool:
    """Whether the likeliest class says more than chance: balanced accuracy two standard errors above 1 / classes."""
    import numpy as np

    counts = np.bincount(given, minlength=p.shape[1])
    there = counts > 0
    classes = int(there.sum())
    if classes < 2:
        return False
    right = np.bincount(given, weights=p.argmax(axis=1) == given, minlength=p.shape[1])
    spread = np.sqrt((1 / classes) * (1 - 1 / classes) * (1 / counts[there]).sum()) / classes
    return bool((right[there] / counts[there]).mean() - 1 / classes > 2 * spread)


def _worth(rows: Sequence[Candidate], given: "NDArray[np.int_]", views: _Views) -> dict[str, "Floats"]:
    """For each reason n values in [0, 1]; 0 where it does not hold."""
    import numpy as np

    none = np.zeros(len(rows))
    worth = {"mislabelled": none, "uncertain": none, "rare": _rarity(rows)}
    if telling(given, views.p):
        enough = np.bincount(given, minlength=views.p.shape[1])[given] >= _FEWEST
        margin = confident.margins(given, views.p)
        counted = confident.mislabelled(given, views.p) & (margin > 0)  # a likelier class, not only a confident one
        worth["mislabelled"] = np.where(counted & enough | _contradicted(given, views), (1 + margin) / 2, 0)
        two = np.sort(views.p, axis=1)[:, -2:]
        apart = two[:, 1] - two[:, 0]
        worth["uncertain"] = np.where(apart < _TORN, 1 - apart, 0)
    return worth


def _contradicted(given: "NDArray[np.int_]", views: _Views) -> "NDArray[np.bool_]":
    import numpy as np

    champion = np.nan_to_num(views.champion)
    return np.asarray(
        views.heard & (champion.argmax(axis=1) != given) & (champion.max(axis=1) >= _SURE), dtype=np.bool_
    )


def _rarity(rows: Sequence[Candidate]) -> "Floats":
    """How rare a row's slice is; the slice's second row counts half, its third a third, so that every slice is seen."""
    import numpy as np

    counts = Counter((row.label, row.group) for row in rows)
    even = len(rows) / len(counts)
    seen: Counter[tuple[int, str]] = Counter()
    found = np.zeros(len(rows))
    for place, row in enumerate(rows):
        slice_ = (row.label, row.group)
        seen[slice_] += 1
        found[place] = max(0.0, 1 - _RARER * counts[slice_] / even) / seen[slice_]
    return found


def _picked(worth: dict[str, "Floats"], aside: "NDArray[np.bool_]", so_far: Chosen, most: int) -> list[tuple[int, str]]:
    """Places and reasons. What one reason leaves free goes to the others, in the order of the reasons."""
    import numpy as np

    found: dict[str, list[int]] = {why: [] for why in _SHARES}
    left = most
    for why, share in (*_SHARES.items(), *((why, 1.0) for why in _SHARES)):
        count = min(left, int(np.ceil(share * most)))
        first = so_far.add(np.where(aside, worth[why], 0), (count + 1) // 2)
        rest = so_far.add(worth[why], count - len(first))
        found[why] += [*first, *rest]
        left -= len(first) + len(rest)
    ordered = {why: sorted(places, key=lambda i: (not aside[i], -worth[why][i], i)) for why, places in found.items()}
    return [(place, why) for why, places in ordered.items() for place in places]


def _shown(place: int, why: str, rows: Sequence[Candidate], labels: Sequence[str], views: _Views) -> ToLabel:
    row, p = rows[place], views.p[place]
    if why == "mislabelled" and views.heard[place] and p.argmax() == row.label:
        p = views.champion[place]  # it alone is sure of another
    order = [int(i) for i in p.argsort()[::-1]]
    first, second = order[0], order[min(1, len(order) - 1)]
    who = "the champion and a simple model" if views.heard[place] else "a simple model"
    named, other = labels[first], labels[second]
    said = {
        "mislabelled": f"probably mislabelled: {who} would say {named} ({_percent(p[first])}), {labels[row.label]} is "
        f"given {_percent(p[row.label])}",
        "uncertain": f"uncertain: {who} can't decide between {named} ({_percent(p[first])}) and {other} "
        f"({_percent(p[second])})",
        "rare": f"rare: {_slice(row, rows)} of {len(rows):,} rows looked at are {labels[row.label]}"
        + (f" in {row.group}" if row.group else ""),
    }[why]
    note = "; models are measured with this row" if row.side == HOLDOUT else ""
    text = row.text if len(row.text) <= _LONGEST else f"{row.text[: _LONGEST - 1]}…"
    return ToLabel(
        id=row.id, text=text, label=labels[row.label], predicted=named, confidence=round(float(p[first]), 4),
        why=said + note,
    )  # fmt: skip


def _slice(row: Candidate, rows: Sequence[Candidate]) -> int:
    return sum((one.label, one.group) == (row.label, row.group) for one in rows)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
