"""Data from anywhere as Markdown that can do nothing on GitHub: no mention, link, picture, HTML or command. Pure.

Laws:
- `text` is one run of text wherever it stands: in a paragraph, a list, a table cell, a quote, a heading or HTML. It
  shows `inert` of the data, with zero-width spaces alone where GitHub would make a link or a mention.
- `code` shows the same as a code span, in which GitHub links and mentions nothing.
- A live mention is made by `mention` alone, from a login or team that has a login's form.

GitHub looks for links and mentions in the text that it has rendered: no escape helps, the pattern must not be there.
https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
"""

import re

from reviewers.plain import inert

BREAK = "\u200b"  # seen by nobody; it ends a word for GitHub
LONGEST = 2000
MANY = "`" * 9  # GitHub reads no code span of more than 80

_SPECIAL = re.compile(r"[\\`*_\[\]<>&~|$^\"{}]")
_FIRST = re.compile(r"^(?:[#+\-=:/]|\d+(?=[.)]))")
_LINKED = re.compile(
    r"@(?=\S)"  # a mention, a team, an address, a commit of somebody's
    r"|#(?=\w)"  # an issue, also of another repository
    r"|(?<=[A-Za-z])-(?=\d)|(?<=GHSA)-"  # GH-123, CVE-2026-1, a tracker's
    r"|:(?=//|[\w+-]+:)"  # an address; an emoji by its name
    r"|(?<=www)(?=\.)"
    r"|[0-9a-f]{6}(?=[0-9a-f])",  # a commit
    re.IGNORECASE,
)
_NAME = re.compile(r"`([^`\s](?:[^`]*[^`\s])?)`|(@[A-Za-z0-9][A-Za-z0-9_./-]*)")
_WHO = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9])*(?:/[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_DRAWN = re.compile(r"[^\w .,()/+:=%-]|%(?=%)|-(?=-)")


def line(text: str, most: int = LONGEST) -> str:
    """One line for a place that reads no Markdown, such as a title: nothing in it is a link or a mention."""
    return _unlinked(_shown(text, most))


def _shown(data: str, most: int) -> str:
    return inert(data.replace(BREAK, ""), most)


def text(data: str, most: int = LONGEST) -> str:
    """The data as one run of text; empty for blank data."""
    return _marked(line(data, most))


def _unlinked(shown: str) -> str:
    return _LINKED.sub(lambda found: f"{found[0]}{BREAK}", shown)


def _marked(shown: str) -> str:
    special = _SPECIAL.sub(lambda found: _entity(found[0]), shown)
    first = _FIRST.match(special)
    if first is None:
        return special
    end = first.end() if first[0][0].isdigit() else 0
    return f"{special[:end]}{_entity(special[end])}{special[end + 1 :]}"


def _entity(character: str) -> str:
    return f"&#{ord(character)};"


def bold(data: str, most: int = LONGEST) -> str:
    """The data as bold text, at the beginning of a line or after a space."""
    shown = text(data, most)
    return f"**{shown}**" if shown else ""


def code(data: str, most: int = 200) -> str:
    """The data as a code span; as text where readers differ about code: pipes in tables, very many backticks."""
    shown = _shown(data, most)
    if "|" in shown or MANY in shown or not shown:
        return text(data, most)
    tick = _longer_than(shown, 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{tick}{pad}{shown}{pad}{tick}"


def prose(data: str, most: int = LONGEST) -> str:
    """The data as text in which `@names`, and what stands between backticks, are code spans."""
    shown = _shown(data, most)
    parts, end = [], 0
    for found in _NAME.finditer(shown):
        between = _inner(shown[end : found.start()], first=not end) or (BREAK if end else "")
        parts += [between, code(found[1] or found[2])]
        end = found.end()
    return "".join([*parts, _inner(shown[end:], first=not end)])


def _inner(shown: str, *, first: bool) -> str:
    return _marked(_unlinked(shown)) if first else _SPECIAL.sub(lambda found: _entity(found[0]), _unlinked(shown))


def block(data: str, kind: str = "", most: int = 20_000) -> str:
    """Lines of data as a code block, in which very many backticks are fewer. `kind` is ours: `diff`, `mermaid`."""
    shown = re.sub(f"{MANY}+", f"{MANY[1:]}…", "\n".join(inert_line(one) for one in data[:most].split("\n")))
    fence = _longer_than(shown, 3)
    return f"{fence}{kind}\n{shown}\n{fence}"


def inert_line(data: str, most: int = LONGEST) -> str:
    """One line that keeps its indent."""
    shown = inert(data, most)
    indent = len(data) - len(data.lstrip(" "))
    return f"{' ' * min(indent, 20)}{shown}" if shown else ""


def _longer_than(shown: str, least: int) -> str:
    longest = max(map(len, re.findall(r"`+", shown)), default=0)
    return "`" * max(least, longest + 1)


def drawn(data: str, most: int = 60) -> str:
    """Text for a label in a Mermaid diagram, between quotation marks: what could end the label is left out."""
    return inert(_DRAWN.sub(" ", inert(data, most)), most)


def xml(data: str, most: int = 80) -> str:
    """Text between tags or in an attribute of XML."""
    shown = inert(data, most)
    return re.sub(r"[<>&\"']", lambda found: _entity(found[0]), shown)


def mention(who: str) -> str:
    """A live mention of a login or a team, which pings; text that pings nobody for anything else."""
    name = who.removeprefix("@")
    return f"@{name}" if _WHO.fullmatch(name) and len(name) <= 140 else prose(who)
