"""Drift of the texts: whether new ones can be told from the earlier rows of the snapshot, and by which words. Pure.

Everything is measured on the rows themselves, new and earlier ones by the same code (shift.py has classes and
lengths): nothing of an erased row can linger in what drift is measured against.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from steps.contract import Chart, Metric, Series, Table
from steps.validate import domain, words
from steps.validate.finding import Alarm, Part, estimated, percent
from steps.validate.profile import Night
from steps.validate.settings import Checks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST = 50
_SHOWN = 10
_DRAWN = 6
_NOTABLE = 3.0  # standard errors: among thousands of words two are no news
_SIZES = ((0.55, "hardly any"), (0.65, "some"), (0.8, "clear"))


class Compared(NamedTuple):
    """New and earlier texts and, for each, a random bit that depends on the row's id alone."""

    new: Sequence[str]
    earlier: Sequence[str]
    new_fold: "NDArray[np.bool_]"
    earlier_fold: "NDArray[np.bool_]"


def texts(rows: Compared, nights: Sequence[Night], now: datetime, settings: Checks, seed: int) -> Part:
    """Whether new texts can be told from earlier ones."""
    import numpy as np

    new = np.arange(len(rows.new) + len(rows.earlier)) < len(rows.new)
    fold = np.concatenate([rows.new_fold, rows.earlier_fold])
    told = domain.tell([*rows.new, *rows.earlier], new, fold, settings.permutations, seed)
    if told is None:
        return Part("drift of the texts", ("Drift of the texts was not measured: too many rows have the same id.",))
    counts = told.p <= settings.significance
    said = (
        f"Shown one new and one earlier text, a simple classifier finds the new one {percent(told.auc.value)} of the "
        f"time (50% is guessing; 95 % interval {percent(told.auc.low)} to {percent(told.auc.high)}; "
        f"p = {told.p:.3g}): {_size(told.auc.value) if counts else 'no'} drift."
    )
    metrics = (estimated("drift_auc", told.auc, 0.5, "lower"), Metric(name="drift_p", value=round(told.p, 6)))
    alarms = (Alarm("drift", said),) if counts and told.auc.low > settings.drift_from else ()
    return Part("drift of the texts", (said,), metrics, charts=(_chart(told, nights, now),), alarms=alarms)


def _size(area: float) -> str:
    return next((word for most, word in _SIZES if area < most), "strong")


def _chart(told: domain.Told, nights: Sequence[Night], now: datetime) -> Chart:
    """Over nights from the second one on; the first beside what shuffled rows give."""
    past = [(f"{night.at:%Y-%m-%d}", night.auc) for night in nights if night.auc is not None]
    if past:
        points = (*past, (f"{now:%Y-%m-%d}", round(told.auc.value, 4)))
        guessing = Series(name="guessing", points=tuple((at, 0.5) for at, _ in points))
        series = (Series(name="new told from earlier", points=points), guessing)
        return Chart(title="Drift of the texts by night", x="night", y="AUC", series=series)
    top = told.chance[min(len(told.chance) - 1, int(0.95 * len(told.chance)))]
    bars = (("guessing", 0.5), ("shuffled rows, 95 % below", round(top, 3)), ("new rows", round(told.auc.value, 3)))
    return Chart(title="Drift of the texts", kind="bar", y="AUC", series=(Series(name="AUC", points=bars),))


def vocabulary(rows: Compared, settings: Checks) -> Part:
    """How many words are unknown, against how many would be; and the words by which new texts differ."""
    inside, outside = (
        [text for text, bit in zip(rows.earlier, rows.earlier_fold, strict=True) if bit == one] for one in (True, False)
    )
    found = words.unknown(rows.new, outside, inside)
    told = words.telling(rows.new, rows.earlier)
    came = [word for word in told[:_SHOWN] if word.z >= _NOTABLE]
    went = [word for word in told[: -_SHOWN - 1 : -1] if word.z <= -_NOTABLE]
    said = (
        f"{percent(found.new.value)} of the words in new texts are in none of {len(inside):,} earlier ones, where "
        f"{percent(found.expected.value)} would be expected: {found.more.value * 100:+.1f} points "
        f"(95 % interval {found.more.low * 100:+.1f} to {found.more.high * 100:+.1f})."
    )
    said += f" Words that came: {', '.join(word.word[:20] for word in came[:5])}." if came else ""
    metrics = (
        estimated("new_words", found.new, found.expected.value, "lower"),
        estimated("new_words_gain", found.more, 0.0, "lower"),
    )
    tables, charts = _telling(came, went)
    alarms = (Alarm("new_words", said),) if found.more.low > settings.shift_from else ()
    return Part("unknown words", (said,), metrics, tables, charts, alarms)


def _telling(
    came: Sequence[words.Telling], went: Sequence[words.Telling]
) -> tuple[tuple[Table, ...], tuple[Chart, ...]]:
    """The words as a table and a picture; neither where no word is notable."""
    lines = tuple(
        (w.word[:40], round(w.new * 10_000, 1), round(w.earlier * 10_000, 1), round(w.z, 1)) for w in (*came, *went)
    )
    columns = ("word", "in 10,000 new words", "in 10,000 earlier words", "standard errors")
    drawn = tuple((w.word[:20], round(w.z, 1)) for w in (*came[:_DRAWN], *went[:_DRAWN]))
    if not lines:
        return (), ()
    title = "Words that came (up) and went (down)"
    series = (Series(name="log-odds ratio", points=drawn),)
    chart = Chart(title=title, kind="bar", x="word", y="standard errors", series=series)
    return (Table(title="Words that came and went", columns=columns, rows=lines),), (chart,)
