"""Whatever data hold, GitHub shows them as they are and does nothing."""

import pytest
from github_reads import ACTS, FRAGMENTS, HOSTILE, WHOLE, acts, rendered
from hypothesis import given
from hypothesis import strategies as st

from reviewers.commands import parse
from reviewers.plain import inert
from reviewers.safe import BREAK, block, bold, code, drawn, line, mention, prose, text, xml

PLACES = ("{}", "- {}", "> {}", "### {}", "1. {}", "x {} x", "| {} | x |\n| --- | --- |\n| x | {} |", "<sub>{}</sub>")


def shown(data, most=2000):
    """What is to be seen of the data."""
    return inert(data.replace(BREAK, ""), most)


def seen(tokens):
    """The text of tokens, as people see it."""
    return [one.content.replace(BREAK, "") for one in tokens if one.type in ("text", "code_inline")]


@given(HOSTILE)
def test_data_are_one_run_of_the_same_text(data):
    """No escape is seen, nothing is lost, nothing is linked, and no command is read."""
    found = rendered(text(data))
    assert [one.type for one in found] == (["paragraph_open", "text", "paragraph_close"] if shown(data) else [])
    assert seen(found) == ([shown(data)] if shown(data) else [])
    assert acts(text(data)) == []
    assert parse(text(data)) == ()


@given(HOSTILE, st.sampled_from(PLACES))
def test_data_stay_text_wherever_they_stand(data, place):
    """A list, a quote, a heading, a table cell, HTML: the same tokens as an innocent word makes there."""
    for safe in (text, code):
        made, plain = safe(data), (text if _code(data) == "text" else safe)("word")
        if shown(data):
            found = [one.type for one in rendered(place.replace("{}", made))]
            wanted = [one.type for one in rendered(place.replace("{}", plain))]
            assert [_kind(one) for one in found] == [_kind(one) for one in wanted]
        assert acts(place.replace("{}", made)) == []
        assert parse(place.replace("{}", made)) == ()


def _code(data):
    """What `code` makes of the data."""
    return "text" if "|" in shown(data, 200) or "`" * 9 in shown(data, 200) else "code_inline"


def _kind(named):
    return "text" if named == "code_inline" else named


@given(HOSTILE)
def test_code_shows_the_same_as_a_code_span(data):
    """Backticks of any number are shown; a pipe makes it text, which is as inert."""
    found = rendered(code(data))
    if shown(data, 200):
        assert [one.type for one in found] == [
            "paragraph_open",
            _code(data),
            "paragraph_close",
        ]
    assert "".join(seen(found)) == shown(data, 200)


@given(HOSTILE)
def test_bold_is_bold_and_text(data):
    """One strong element with one text, or nothing."""
    kinds = [one.type for one in rendered(bold(data)) if one.type not in ("paragraph_open", "paragraph_close", "text")]
    assert kinds == (["strong_open", "strong_close"] if shown(data) else [])
    assert acts(bold(data)) == []


@given(HOSTILE)
def test_prose_puts_names_into_code_and_the_rest_into_text(data):
    """`@acme/ml` in a sentence is read by people, and pings nobody."""
    found = rendered(prose(data))
    assert {one.type for one in found} <= {"paragraph_open", "text", "code_inline", "paragraph_close"}
    assert "".join(seen(found)).replace("`", "") == shown(data).replace("`", "")
    assert acts(prose(data)) == []
    assert parse(prose(data)) == ()


def test_prose_reads_well():
    """Names and what stands between backticks are code spans, the rest is text."""
    assert prose("1 more of @acme/ml: say `/unhold` it") == "1 more of `@acme/ml`: say `/unhold` it"
    assert prose("@acme/ml cannot be read") == "`@acme/ml` cannot be read"


@given(HOSTILE, st.sampled_from(["", "diff"]))
def test_a_block_holds_its_lines(data, kind):
    """Nothing gets out of a code block, and a command in it is none."""
    found = rendered(block(data, kind))
    assert [one.type for one in found] == ["fence"]
    assert found[0].info == kind
    assert parse(block(data, kind)) == ()


def test_a_block_of_backticks_ends_where_we_say():
    """GitHub counts to 255, so that no run in a block is long."""
    assert block("x\n" + "`" * 300 + "\ny") == f"{'`' * 9}\nx\n{'`' * 8}…\ny\n{'`' * 9}"


def test_a_block_keeps_lines_and_indents():
    """A diff is read by its first column."""
    assert block("- a: 1\n+ a: 2\n  x\n\nend", "diff") == "```diff\n- a: 1\n+ a: 2\n  x\n\nend\n```"


@given(HOSTILE)
def test_a_title_holds_nothing_that_acts(data):
    """Where no Markdown is read, the text itself is broken, and is one line."""
    made = line(data, 100)
    assert made.replace(BREAK, "") == shown(data, 100)
    assert "\n" not in made
    assert [kind for kind, pattern in ACTS.items() if pattern.search(made)] == []


@given(HOSTILE)
def test_safe_text_may_be_made_safe_again(data):
    """The breaks of a title are not shown by a second reading."""
    assert line(line(data, 500)) == line(data, 500) or len(shown(data, 501)) > 500


@given(HOSTILE)
def test_a_label_in_a_diagram_cannot_end(data):
    """No quotation mark, bracket, semicolon, comment or arrow gets into Mermaid."""
    made = drawn(data)
    assert not set(made) & set("\"'`[]{}<>;#&|\\\n@")
    assert "%%" not in made
    assert "--" not in made
    assert len(made) <= 60


@given(HOSTILE)
def test_text_in_a_drawing_is_text(data):
    """It neither ends a tag nor an attribute."""
    assert not set(xml(data)) & set("<>\"'")


def test_every_special_character_alone_is_text():
    """Each punctuation character of ASCII, alone, twice and before a word, at the beginning of a line."""
    for character in map(chr, range(0x21, 0x7F)):
        for data in (character, character * 3, f"{character} x", f"{character}x", f"1{character} x", f"x {character}"):
            assert seen(rendered(text(data))) == [data]
            assert [one.type for one in rendered(text(data))] == ["paragraph_open", "text", "paragraph_close"]


@pytest.mark.parametrize("data", [*FRAGMENTS, *WHOLE])
def test_no_fragment_acts_in_any_place(data):
    """Each known trick, alone, in each place."""
    for place in PLACES:
        for safe in (text, code, prose, bold):
            assert acts(place.replace("{}", safe(data))) == []
            assert parse(place.replace("{}", safe(data))) == ()


def test_what_is_looked_for_is_found_in_raw_text():
    """The search itself works: untreated, the same fragments act."""
    found = {kind for data in FRAGMENTS for kind, _ in acts(f"x {data}")}
    assert found == set(ACTS)


def test_only_names_are_mentioned():
    """A login and a team ping; whatever else looks like one pings nobody."""
    assert [mention(who) for who in ("alice", "@acme/ml", "a-b", "@Acme/m_l.x")] == [
        "@alice",
        "@acme/ml",
        "@a-b",
        "@Acme/m_l.x",
    ]
    for who in ("@acme/ml @everyone", "a b", "a--b", "", "acme/", "x" * 200, "a\n@everyone"):
        assert acts(mention(who)) == []


def test_a_long_text_is_cut_where_it_says():
    """65,537 characters become as many as there is room for."""
    assert seen(rendered(text("x" * 65_537))) == [f"{'x' * 1999}…"]
    assert len(block("x\n" * 65_537)) < 21_000
