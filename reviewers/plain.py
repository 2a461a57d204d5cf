"""Data from anywhere as text that can do nothing: to be shown, in few characters. Pure."""

import math
import re
import unicodedata

_ACTIVE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # scripts and emoji need them, and they move nothing


def inert(text: str, most: int = 2000) -> str:
    """One line: control characters, direction marks and the like are written as escapes, and long text is cut."""
    spaced = re.sub(r"\s+", " ", text[: most + 1]).strip()
    safe = "".join(
        f"\\u{ord(c):04x}" if unicodedata.category(c) in _ACTIVE and c not in _JOINERS else c for c in spaced
    )
    return safe if len(safe) <= most else f"{safe[: most - 1]}…" if most else ""


def tame(text: str) -> str:
    """Text of many lines, whole: colours and what was written over are left out, what else could act on a terminal is
    written as escapes.
    """
    plain = re.sub(r"[^\n]*\r(?=[^\r\n])|\r+(?=\n|$)", "", re.sub(r"\x1b\[[0-9;]*m", "", text))
    return "".join(
        f"\\u{ord(c):04x}" if c not in "\n\t" and unicodedata.category(c) in _ACTIVE and c not in _JOINERS else c
        for c in plain
    )


def number(value: float) -> str:
    """Four significant digits, without an exponent where that is short: `0.8124`, `12,345`, `2e-05`."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e12:
        return f"{int(value):,}"
    if abs(value) >= 10_000:
        return f"{value:,.0f}" if abs(value) < 1e12 else f"{value:.3e}"
    return f"{value:.4g}"


def duration(seconds: float) -> str:
    """`45s`, `3m 05s`, `2h 07m`, `3d 4h`."""
    whole = max(0, round(min(seconds, 1e9)))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if not minutes:
        return f"{whole}s"
    if not hours:
        return f"{minutes}m {whole % 60:02d}s"
    return f"{hours}h {minutes % 60:02d}m" if not days else f"{days}d {hours % 24}h"
