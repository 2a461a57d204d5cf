"""What single values mean: labels, ratings, instants, and the reasons why a value is none of them. Pure.

- A whole number is a label without a fraction, `true` and `false` are lower case, a blank label is none, and a number
  with a fraction is none either unless it is a rating.
- A date without a zone is UTC; a bare number is a Unix time in seconds, milliseconds or microseconds, by its size.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

_DAY = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})\.?(?=$|[T ])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 40  # characters of a value that a reason quotes


def too_long(size: int, most: int) -> str:
    """The reason of a row that is longer than anybody wrote."""
    return f"the row holds {size:,} bytes, more than {most:,}"


def word(value: Any) -> str | None:
    """A label's or group's name, None where there is none."""
    if value is None or isinstance(value, str):
        return value if value is None or value.strip() else None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | Decimal):
        return str(int(value)) if math.isfinite(value) and value == int(value) else None
    return str(value)


def rating(value: Any) -> float | None:
    """A rating; None for a blank and for NaN. Raises `ValueError` for what is not a finite number."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str) and "_" in value:
        raise ValueError(value)
    number = float(value)
    if math.isinf(number):
        raise ValueError(value)
    return None if math.isnan(number) else number


def moment(value: Any) -> datetime | None:
    """The instant that a value names, in UTC; None for a blank. Raises `ValueError` or `OverflowError` otherwise."""
    if value is None or isinstance(value, datetime):
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool):
        raise ValueError(value)
    if isinstance(value, int | float | Decimal):
        return _unix(float(value)) if not isinstance(value, int) else _unix(value)
    text = str(value).strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        if re.fullmatch(r"-?\d{9,17}(\.\d+)?", text):
            return _unix(float(text))
        found = datetime.fromisoformat(_DAY.sub(lambda day: "{}-{:0>2}-{:0>2}".format(*day.groups()), text, count=1))
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _unix(value: float) -> datetime:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(value)
    size = abs(value)
    scale = 1_000_000 if size < 1e11 else 1_000 if size < 1e14 else 1
    return _EPOCH + timedelta(microseconds=round(value * scale))


def plain(role: str, value: Any, name: str, numeric: bool) -> Any:
    """The value as its role's type. Raises `ValueError` with the reason."""
    kind = type(value).__name__
    if role == "at":
        try:
            return moment(value)
        except (ValueError, OverflowError, TypeError) as error:
            raise ValueError(f"column {name!r}: {quoted(value)} is no date") from error
    if value is None:
        return None
    if isinstance(value, Mapping | list | tuple | set):
        raise ValueError(f"column {name!r} holds {'an object' if isinstance(value, Mapping) else 'a list'}")
    if isinstance(value, bytes | bytearray | memoryview):
        raise ValueError(f"column {name!r} holds bytes, expected text")
    if role == "text" and not isinstance(value, str):
        raise ValueError(f"column {name!r} holds {kind}, expected text")
    if isinstance(value, str):
        if not _is_unicode(value):
            raise ValueError(f"column {name!r} holds {_no_character(value)}")
        return value
    return repr(float(value)) if role == "label" and numeric else word(value)


def is_utf8(value: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_character(value: str) -> str:
    """What the lone surrogates in a text are: bytes that could not be decoded, or half a pair."""
    escaped = any("\udc80" <= one <= "\udcff" for one in value)
    return "bytes that are not UTF-8" if escaped else "half a surrogate pair, which is no character"


def shown(value: Any) -> Any:
    """An Arrow scalar as a Python value, or as text where Python has none."""
    try:
        return value.as_py()
    except (ValueError, OverflowError):
        return str(value)


def quoted(value: Any) -> str:
    """A value's shape, as a reason quotes it: `four` is `xxxx`, 2020-13-45 is 9999-99-99. It may be somebody's."""
    text = repr(re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "9", str(value))))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
