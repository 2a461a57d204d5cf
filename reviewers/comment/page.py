"""What every text that we post is made of: a hidden marker, whole blocks, times and tables. Pure.

Laws:
- The first line is our marker, by which the text is found again; a marker anywhere else is data.
- No text is longer than `LIMIT`: blocks that don't fit are left out whole, and the rest is linked.
- Times are absolute, so that a text changes only when what it tells has changed.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pydantic import Field

from orchestrator.core.noun import Noun

LIMIT = 60_000

_MARKER = re.compile(r"<!-- ratchet:([a-z]+) ([A-Za-z0-9_./:-]+) -->[ \t]*\r?(?:\n|$)")


class Links(Noun):
    """Where things are, as URLs; empty where there is no such thing."""

    pull: str = ""
    server: str = Field("", description="the cycle's page on our server")
    branch: str = Field("", description="its folder on its branch, where people look at files")
    raw: str = Field("", description="the same folder, where pictures are loaded from")
    labels: str = Field("", description="where its labels.csv is edited")
    workflow_run: str = Field("", description="the run of a workflow that asked for the cycle")


def marker(kind: str, key: str) -> str:
    """`<!-- ratchet:status c-000042 -->`. Raises `ValueError` for a kind or key that could not be read back."""
    made = f"<!-- ratchet:{kind} {key} -->"
    if read_marker(made) != (kind, key):
        raise ValueError(f"{kind!r} {key!r} can't be a marker: use letters, digits and ./:-_")
    return made


def read_marker(body: str) -> tuple[str, str] | None:
    """(kind, key) of the marker on the first line; None where there is none."""
    found = _MARKER.match(body)
    return (found[1], found[2]) if found else None


def page(head: str, blocks: Iterable[str], *, rest: str = "", limit: int = LIMIT) -> str:
    """The head, then as many whole blocks as fit. `rest` is a URL of what has all of them."""
    more = f"*This is not all: the rest is in {link('the report', rest)}.*"
    parts, room = ([head] if head else []), limit - len(head) - len(more) - 4
    for one in filter(None, blocks):
        room -= len(one) + 2
        if room < 0:
            parts.append(more)
            break
        parts.append(one)
    return "\n\n".join(parts)


def link(words: str, url: str) -> str:
    """Our words as a link; the words alone where there is no address, or one that is none."""
    return f"[{words}]({url})" if re.fullmatch(r"https?://[^\s()<>\[\]\\`]+", url) else words


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """A Markdown table of cells that are safe already; `right` are the columns of numbers."""
    rule = ["---:" if place in right else "---" for place in range(len(columns))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows))


def folded(words: str, inside: str, *, opened: bool = False) -> str:
    """A part that is opened by a click on `words`, which are safe already and hold no Markdown."""
    return f"<details{' open' if opened else ''}>\n<summary>{words}</summary>\n\n{inside}\n\n</details>"


def small(*notes: str) -> str:
    """Small print, on one line."""
    return f"<sub>{' · '.join(filter(None, notes))}</sub>"


def when(at: datetime) -> str:
    """`2026-11-20 02:31 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def several(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))
