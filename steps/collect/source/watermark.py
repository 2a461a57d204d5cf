"""Watermarks: the value of a column up to which a source has been read, as text that says its type. Pure."""

import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from steps.contract import StepError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def lateness(said: str | int) -> int | timedelta:
    """How far before its mark a source is read again: `1d`, `12h`, `30m`, or a number. Raises `StepError`."""
    if isinstance(said, int):
        return max(said, 0)
    found = re.fullmatch(r"(\d{1,9})\s*([smhdw]?)", str(said).strip())
    if found is None:
        raise StepError(f"late: {said!r} is no time", where="source", cure="write it as 30m, 12h, 1d or as a number")
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found[2] else int(found[1])


def written(mark: Any) -> str:
    """A watermark as text that says its type."""
    for kind, name in ((datetime, "time"), (date, "date")):
        if isinstance(mark, kind):
            return f"{name}:{mark.isoformat()}"
    name = "int" if isinstance(mark, int) else "number" if isinstance(mark, Decimal | float) else "text"
    return f"{name}:{mark}"


def parsed(mark: str) -> Any:
    """A watermark from its text, None from an empty one. Raises `StepError` where it is none."""
    kinds = {"time": datetime.fromisoformat, "date": date.fromisoformat, "int": int, "number": Decimal, "text": str}
    if not mark:
        return None
    name, _, value = mark.partition(":")
    try:
        return kinds[name](value)  # type: ignore[operator]
    except (KeyError, ValueError, ArithmeticError) as error:
        raise StepError(
            f"{mark!r} is no watermark", where="source", cure="give none, so that all rows are read"
        ) from error


def earlier(mark: Any, late: int | timedelta) -> Any:
    """The mark, less what may come late. Raises `StepError` where one can't be taken from the other."""
    if mark is None or not late:
        return mark
    if isinstance(mark, str) and isinstance(late, timedelta):
        with suppress(ValueError):
            found = datetime.fromisoformat(mark) - late
            return found.isoformat(mark[10]) if len(mark) > 10 else found.date().isoformat()
    elif isinstance(mark, date) and isinstance(late, timedelta):
        return mark - (late if isinstance(mark, datetime) else timedelta(days=-(-late // timedelta(days=1))))
    elif not isinstance(mark, str | date) and not isinstance(late, timedelta):
        return mark - late
    expected = "a number" if not isinstance(mark, str | date) else "a time like 1d"
    raise StepError(f"late: {late} can't be taken from the watermark {mark!r}", where="source", cure=f"give {expected}")


def later(mark: Any, other: Any) -> Any:
    """The greater of two watermarks, of which either may be None. Raises `StepError` where they have no order."""
    try:
        return max((one for one in (mark, other) if one is not None), default=None)
    except TypeError as error:
        what = f"the watermark was {mark!r} and is {other!r} now, which can't be compared"
        raise StepError(what, where="source", cure="give the column its former type, or none as the mark") from error
