"""Which lines of a comment are its writer's own words. Pure.

Law: a line is read only where Markdown shows it as one: not in quotes, code, HTML, HTML comments, links, images, tables
or headings. Where that is in doubt, it is not read.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_HIDES = r"a|blockquote|cite|code|del|details|h[1-6]|kbd|pre|q|s|samp|strike|summary|table|template|tt"
_TAG = re.compile(rf"<(/?)({_HIDES})(?![A-Za-z0-9-])", re.IGNORECASE)
_ODD = re.compile(
    r"[^\S\n\t]|[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]"
)  # blank to Python but not to Markdown, or unprintable
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def _slash(state: StateInline, silent: bool) -> bool:
    """Inline rule: a slash that begins a line, outside links, becomes a token that carries its line."""
    begins = state.src.rfind("\n", 0, state.pos) + 1
    if silent or state.src[state.pos] != "/" or state.linkLevel or state.src[begins : state.pos].strip():
        return False
    token = state.push("slash", "", 0)
    ends = state.src.find("\n", state.pos)
    token.content = state.src[state.pos : ends if ends >= 0 else None]
    token.meta = {"line": state.src.count("\n", 0, begins)}
    state.pos += 1
    return True


_MARKDOWN = MarkdownIt("commonmark").enable("table")
_MARKDOWN.inline.ruler.before("text", "slash", _slash)


def slash_lines(text: str) -> list[tuple[int, str, bool]]:
    """(line from 1, the line, whether it continues a quote) for each line that begins with a slash and may be read."""
    text = _ODD.sub(" ", re.sub(r"\r\n?", "\n", text))
    source = text.split("\n")
    found: list[tuple[int, str, bool]] = []
    quotes, hidden, parent = 0, 0, ""
    for token in _MARKDOWN.parse(text):
        quotes += token.nesting if token.type.startswith("blockquote") else 0
        hidden = max(0, hidden + _tags(token))
        if token.type == "inline" and parent == "paragraph_open":
            for child in token.children or ():
                hidden = max(0, hidden + _tags(child))
                if child.type == "slash" and not hidden and token.map:
                    number = token.map[0] + child.meta["line"]
                    if source[number].lstrip().startswith("/"):
                        found.append((number + 1, child.content, quotes > 0))
        parent = token.type
    return found


def _tags(token: Token) -> int:
    """How many more elements that hide their text are open after this token."""
    if token.type not in ("html_block", "html_inline"):
        return 0
    return sum(-1 if closing else 1 for closing, _ in _TAG.findall(_COMMENT.sub("", token.content)))
