"""Durations and sizes as people write them in `ratchet.yaml`: `30s`, `24h`, `16GiB`. Pure."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BYTES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_FOLDED = {unit.casefold(): size for unit, size in _BYTES.items()}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
_LONGEST = 365 * 86_400 * 10.0


def read_duration(value: object) -> object:
    """`"90s"`, `"1.5h"`, `"2d"` (ms, s, m, h, d, w) to a `timedelta`; anything but text is passed on.

    Raises `ValueError` for text of another form, or of more than ten years.
    """
    if not isinstance(value, str):
        return value
    match = _AMOUNT.fullmatch(value)
    if match is None or match[2] not in _SECONDS:
        raise ValueError(
            f"{value!r} is not a duration: write a number and one of {', '.join(_SECONDS)}, like 30s or 24h"
        )
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > _LONGEST:
        raise ValueError(f"{value!r} is longer than ten years")
    return timedelta(seconds=seconds)


def write_duration(value: timedelta) -> str:
    """The shortest exact text that `read_duration` reads back: `timedelta(hours=24)` is `"1d"`."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit in ("w", "d", "h", "m", "s"):
        size = round(_SECONDS[unit] * 1000)
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def read_size(value: object) -> object:
    """`"16GiB"` or `"500MB"` to bytes; anything but text is passed on. Raises `ValueError` for text of another form."""
    if not isinstance(value, str):
        return value
    match = _AMOUNT.fullmatch(value)
    if match is None or match[2].casefold() not in _FOLDED:
        raise ValueError(f"{value!r} is not a size: write a number and a unit, like 512MiB or 16GiB")
    return round(float(match[1]) * _FOLDED[match[2].casefold()])


Duration = Annotated[timedelta, BeforeValidator(read_duration), PlainSerializer(write_duration)]
Size = Annotated[int, BeforeValidator(read_size)]
