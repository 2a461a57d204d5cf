"""What is typed in a comment, and what of it is read."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reviewers import commands
from reviewers.commands import (
    COMMAND,
    Approve,
    Cancel,
    Delegate,
    Help,
    Hold,
    Misread,
    Reject,
    Rerun,
    Rollback,
    Status,
    Unapprove,
    Unhold,
    parse,
    tidy,
)

DIGEST = "a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d0a1b2"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/approve", Approve()),
        ("/Approve", Approve()),
        ("  /approve", Approve()),
        ("/approve.\n\n/approve", Approve()),
        ("looks good\n/approve", Approve()),
        ("/approve thanks, it's fine", Approve(note="thanks, it's fine")),
        ("/approve a1b2c3d4", Approve(digest="a1b2c3d4")),
        ("/approve A1B2C3D4 well done", Approve(digest="a1b2c3d4", note="well done")),
        (f"/approve sha256:{DIGEST}", Approve(digest=DIGEST)),
        ("/approve `a1b2c3d4`", Approve(digest="a1b2c3d4")),
        ("/approve facade looks good", Approve(note="facade looks good")),
        ("/approve 2 thumbs up", Approve(note="2 thumbs up")),
        ("/approve <!-- hidden -->", Approve()),
        ("/unapprove", Unapprove()),
        ("/unapprove I saw a bug", Unapprove(reason="I saw a bug")),
        ("/reject it doesn't know Korean", Reject(reason="it doesn't know Korean")),
        ("/rerun", Rerun()),
        ("/rerun from=finetune learning_rate=2e-5", Rerun(from_stage="finetune", changes={"learning_rate": "2e-5"})),
        ('/rerun finetune.note="two words"', Rerun(changes={"finetune.note": "two words"})),
        ("/hold", Hold()),
        ("/hold don't ship before Monday", Hold(reason="don't ship before Monday")),
        ("/unhold", Unhold()),
        ("/cancel wrong data", Cancel(reason="wrong data")),
        ("/rollback", Rollback()),
        ("/rollback v17", Rollback(version="v17")),
        ("/status please", Status()),
        ("/help", Help()),
        ("/delegate @bob until=2026-12-24", Delegate(to="bob", until="2026-12-24")),
        ("/delegate bob until=3d", Delegate(to="bob", until="3d")),
        ("/delegate bob until=2026-12-24T18:00:00Z", Delegate(to="bob", until="2026-12-24T18:00:00Z")),
        ("/delegate bob until=2026-12-24T18:00+05:30", Delegate(to="bob", until="2026-12-24T18:00+05:30")),
    ],
)
def test_each_verb_is_read(text, command):
    """Every verb reads its own words, in any case, on any line."""
    assert [one for one in parse(text) if not isinstance(one, Misread)] == [command]


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("/reject", "reason is missing", "/reject reason"),
        ("/reject\nbecause", "reason is missing", "same line"),
        ("/cancel <!-- why -->", "reason is missing", "/cancel reason"),
        ("/rerun lr", "lr is not key=value", "key=value"),
        ("/rerun lr = 3", "lr is not key=value", "no space"),
        ("/rerun 1x=3", "1x=3 is not key=value", "key=value"),
        ("/rerun lr=1 lr=2", "lr is given twice", "leave one"),
        ("/rerun from=a from=b", "from is given twice", "leave one"),
        ("/rerun from=", "from has no value", "from=value"),
        ('/rerun note="open', "quotation mark is not closed", "close it"),
        ("/rerun " + "x" * 99, "x…", "key=value"),
        ("/approve a1b2c3d", "a1b2c3d is not a digest", "copy the digest"),
        ("/approve " + "a" * 65 + "1", "is not a digest", "copy the digest"),
        ("/approve sha256:xyz", "is not a digest", "copy the digest"),
        ("/rollback the last one", "the last one is not a version", "/rollback [version]"),
        ("/delegate", "nobody is named", "@user"),
        ("/delegate bob", "until= is missing", "until=3d"),
        ("/delegate b--b until=3d", "nobody is named", "@user"),
        ("/delegate bob until=soon", "until=soon is not a time", "until=3d"),
        ("/delegate bob until=2030-01-01T00:00:00+23:59:59.999999", "is not a time", "until=3d"),
        ("/delegate bob until=9999-12-31T23:59:59-14:00", "is not a time", "until=3d"),
        ("/delegate bob until=3d for=ever", "for is not known", "/delegate"),
        ("/aprove", "/aprove is not a command", "/approve [digest] [note]"),
        ("/approve!", "/approve! is not a command", "/approve"),
        ("/hlod", "/hlod is not a command", "/hold"),
        ("> he said\n/approve", "belongs to the quote", "empty line"),
    ],
)
def test_what_is_wrong_is_said_with_its_cure(text, what, hint):
    """A line that was meant as a command and is none yields one `Misread` and no command."""
    (misread,) = parse(text)
    assert isinstance(misread, Misread)
    assert what in misread.what
    assert hint in misread.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "approve",
        "I would /approve this",
        "/usr/bin/x",
        "/cc @x",
        "/",
        "//approve",
        "/ approve",
        "- /approve",
        "1. /approve",
        "# /approve",
        "/approve\n===",
        "/approve\n---",
        "> /approve",
        "> > /approve",
        "> he said\n/cc @x",
        "- > said\n  > /approve",
        "    /approve",
        "\t/approve",
        "```\n/approve\n```",
        "~~~\n/approve",
        "`\n/approve\n`",
        "a `b\n/approve` c",
        "<!--\n/approve\n-->",
        "text <!--\n/approve\n-->",
        "<!-- open\n\n/approve",
        "<div>\n/approve\n</div>",
        "<details>\n\n/approve\n\n</details>",
        "<pre>\n\n/approve\n\n</pre>",
        "see <code>\n/approve\n</code>",
        "see <a href='x'>\n/approve</a>",
        "[a\n/approve](x)",
        "[a](\n/approve\n)",
        "![a\n/approve](x)",
        "[a]:\n/approve",
        "/approve | b\n--- | ---\n/approve | c",
        "a | b\n--- | ---\n/approve | c",
        "\\/approve",
        "**/approve**",
    ],
)
def test_what_is_not_the_writers_own_line_is_not_read(text):
    """Quotes, code, HTML, links, images, tables, headings, paths and other bots' words yield nothing at all."""
    assert parse(text) == ()


def test_a_line_below_something_hidden_is_read():
    """What was opened and closed again hides nothing below it, nor does a closing tag that nobody opened."""
    for before in (
        "> quote",
        "```\ncode\n```",
        "<details>x</details>",
        "<!-- x -->",
        "</pre>",
        "<br>",
        "see <code>a</code>",
    ):
        assert parse(f"{before}\n\n/approve") == (Approve(),), before
    assert parse("- one\n- two\n/approve") == (Approve(),)


def test_the_line_of_a_misread_is_the_line_in_the_comment():
    """Lines count from 1 in the text as typed, whatever ends them."""
    for newline in ("\n", "\r\n", "\r"):
        (misread,) = parse(newline.join(("one", "", "> two", "", "three", "/aprove")))
        assert misread.line == 6


def test_more_than_five_commands_are_refused_together():
    """Five run; with a sixth none does, and one answer says so and where."""
    assert parse("\n".join(["/status"] * 5)) == (Status(),) * 5
    (misread,) = parse("\n".join(["/status"] * 6))
    assert isinstance(misread, Misread)
    assert misread.line == 6
    assert "at most 5" in misread.what


def test_an_endless_comment_is_not_read():
    """Text longer than any comment can be is answered without reading it."""
    (misread,) = parse("/approve\n" * 10_000)
    assert isinstance(misread, Misread)
    assert "characters" in misread.what


def test_every_form_is_a_command_or_needs_its_argument():
    """The forms that people are shown are the verbs that are read."""
    for verb, form in commands.FORMS.items():
        assert form.startswith(f"/{verb}")
        assert all(one.kind == verb if not isinstance(one, Misread) else one.hint for one in parse(f"/{verb}"))


PIECES = st.sampled_from(
    [*(f"/{verb}" for verb in commands.FORMS), *"\n\n\r\t >`~<[]()!-=#*_|\\\"'&:;\0\x0b\x85\u2028\u3000\ud800/", "\n\n",
     "```", "~~~", "<!--", "-->", "<pre>", "</pre>", "a=b", "from=x", DIGEST[:8], "    ", "[a]: ", "http://[",
     "until=3d", "é"]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))


@given(TEXTS)
def test_no_text_raises_and_every_command_reads_back(text):
    """Whatever is typed, the answer is a tuple of values, and each command printed and typed again is itself."""
    for one in parse(text):
        if isinstance(one, Misread):
            assert one.what
            assert one.hint
            assert 1 <= one.line <= len(re.split(r"\r\n?|\n", text))
        else:
            assert parse(str(one)) == (one,)
            assert COMMAND.validate_json(one.model_dump_json()) == one


@given(TEXTS)
@example("/approve")
def test_a_quote_is_never_read(text):
    """The same text with `> ` before each line yields nothing."""
    assert parse("> " + re.sub(r"(\r\n?|\n)", r"\1> ", text)) == ()


@given(TEXTS)
@example("```\n/approve")
def test_a_fence_is_never_read(text):
    """The same text between fences longer than its own yields nothing."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 3)
    assert parse(f"{fence}\n{text}\n{fence}") == ()


WORDS = st.text(max_size=30).map(tidy)
SOME = WORDS.filter(bool)
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,9}", fullmatch=True).filter(lambda key: key != "from")
LOGINS = st.from_regex(r"[a-z0-9](-?[a-z0-9]){0,9}", fullmatch=True)
TYPED = st.one_of(
    st.builds(Approve, digest=st.from_regex(r"[0-9a-f]{8,64}", fullmatch=True), note=WORDS),
    st.builds(Unapprove, reason=WORDS),
    st.builds(Reject, reason=SOME),
    st.builds(Rerun, from_stage=WORDS, changes=st.dictionaries(KEYS, SOME, max_size=4)),
    st.builds(Hold, reason=WORDS),
    st.builds(Unhold, reason=WORDS),
    st.builds(Cancel, reason=SOME),
    st.builds(Rollback, version=st.from_regex(r"([A-Za-z0-9][A-Za-z0-9._-]{0,9})?", fullmatch=True)),
    st.builds(Delegate, to=LOGINS, until=st.sampled_from(["3d", "2026-12-24", "2026-12-24 10:00"])),
    st.just(Status()),
    st.just(Help()),
)


@given(TYPED)
def test_a_printed_command_reads_back_as_itself(command):
    """Printing and parsing are inverse, so an answer may be shown as the line that gives it."""
    assert parse(str(command)) == (command,)
