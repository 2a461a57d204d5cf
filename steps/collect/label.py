"""From what a column says to a class: two thresholds on a rating, or the label as it stands. Pure."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

MOST_CLASSES = 1_000
NEGATIVE, POSITIVE = "negative", "positive"


class UnusableError(ValueError):
    """A value that is no label."""


def by_rating(value: Any, positive_at_least: float, negative_at_most: float) -> str | None:
    """`positive`, `negative`, or None for the middle. Raises `UnusableError` for what is not a finite number."""
    try:
        rating = float(value)
    except (TypeError, ValueError) as error:
        raise UnusableError(value) from error
    if not math.isfinite(rating):
        raise UnusableError(value)
    if rating >= positive_at_least:
        return POSITIVE
    return NEGATIVE if rating <= negative_at_most else None


def as_it_stands(value: Any) -> str:
    """The label's name: text without blanks at its ends, a whole number without a fraction, `true` or `false`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | str) and str(value).strip():
        return str(value).strip()
    raise UnusableError(value)


def rule(positive_at_least: float | None, negative_at_most: float | None) -> Callable[[Any], str | None]:
    """The rule that these settings mean."""
    if positive_at_least is None or negative_at_most is None:
        return as_it_stands
    return lambda value: by_rating(value, positive_at_least, negative_at_most)


def names(earlier: Sequence[str], new: Iterable[str]) -> tuple[str, ...]:
    """The classes in order: those known keep their place, so that a model's outputs keep their meaning."""
    return (*earlier, *sorted(set(new) - set(earlier)))
