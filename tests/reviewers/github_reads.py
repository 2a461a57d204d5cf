"""What GitHub would make of a text: rendered as Markdown, and searched for what it links and whom it pings."""

import re

from hypothesis import strategies as st
from markdown_it import MarkdownIt

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

# What GitHub looks for in rendered text, code excepted.
ACTS = {
    "mention": re.compile(r"(?<![\w`])@[\w-][\w./-]*"),
    "address": re.compile(r"\w@\w"),
    "issue": re.compile(r"#\w|\bGH-\d", re.IGNORECASE),
    "link": re.compile(r"[a-z]://|\bwww\.", re.IGNORECASE),
    "commit": re.compile(r"(?<![0-9A-Za-z_])[0-9a-f]{7,40}(?![0-9A-Za-z_])", re.IGNORECASE),
    "emoji": re.compile(r":[\w+-]+:"),
}

_TRICKS = """
@everyone @acme/team alice@mail.example #123 acme/models#7 GH-123 gh-1 https://evil.example/x www.evil.example
ftp://evil.example deadbeefcafe0123 1234567 :tada: <b>x</b> <script>alert(1)</script> <!-- --> <img/src=x/onerror=y>
[x](https://evil.example) ![x](https://evil.example/x.png) [x]: [^1] [!NOTE] ` `` ``` ~~~ | \\| \\ \\` * ** _ __ ~~ ~ $
$x$ $` # ## > - + 1. 2) === --- *** : :--: %% %%{init} --> ]]> " ' & &amp; &#64;everyone &#x40;everyone &lt;b&gt;
"]:::x;click {{ }} <br/> end subgraph /approve /approve
\u202e \u2066 \u200b \u200d \u0000 \ufeff \ud800 \x1b[2J \x07
🎉 👩‍🚀 é 漢字 עברית . , a word 0.5
"""
FRAGMENTS = _TRICKS.split()
WHOLE = (
    "<!-- ratchet:status c-000099 -->",
    "\n<!-- ratchet:gate c-000042/collect/1 -->\n",
    "\n/approve 3ea7a67507ab\n",
    "\n\n/cancel it\n\n",
    "\r/hold\r",
    "\n```\n/reject x\n```\n",
    "\n</details>\n\n",
    "\n| a | b |\n| --- | --- |\n",
    "    indented",
    "\n# heading\n",
    "\n> quote\n",
    "`" * 70,
)
HOSTILE = st.lists(
    st.sampled_from(FRAGMENTS)
    | st.sampled_from(WHOLE)
    | st.sampled_from([" ", "\n", "\n\n"])
    | st.text(st.characters()),
    max_size=8,
).map("".join)


def leaves(tokens):
    """Every token, those inside inline ones in their place."""
    for token in tokens:
        if token.type == "inline":
            yield from leaves(token.children)
        else:
            yield token


def rendered(markdown):
    """The tokens of a text, flat; the text of neighbours is joined, as a browser shows it."""
    return list(leaves(MARKDOWN.parse(markdown)))


def acts(markdown):
    """What GitHub would link or ping in the text: (kind, where)."""
    found = []
    for token in rendered(markdown):
        if token.type == "text":
            found += [(kind, hit[0]) for kind, pattern in ACTS.items() for hit in pattern.finditer(token.content)]
    return found
