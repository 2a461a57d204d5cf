"""The schema: what it was inferred from keeps to it, and every change since is told with a count."""

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rowsets import NOW, facts, metric, row, rows_of, table, texts

from steps.validate import Checks, Profile, schema, validate
from steps.validate.profile import Pinned

LABELS = ("negative", "positive")
SOME = st.one_of(st.just(""), st.text(max_size=12))
ROWS = st.lists(
    st.builds(
        row,
        st.one_of(st.none(), SOME),
        st.sampled_from([0, 1, None]),
        group=SOME,
        person=SOME,
        conversation=st.one_of(st.none(), SOME),
        at=st.one_of(st.none(), st.datetimes(max_value=NOW.replace(tzinfo=None), timezones=st.just(dt.UTC))),
    ),
    max_size=12,
)


def breaches(new, first=None):
    pinned = schema.infer(
        first if first is not None else table(row(t, k % 2) for k, t in enumerate(texts(30, 1))), LABELS, NOW
    )
    return {(found.column, found.rule): found for found in schema.breaches(new, LABELS, pinned)}


@given(ROWS)
@settings(deadline=None, max_examples=40)
def test_what_a_schema_was_inferred_from_keeps_to_it(rows):
    """Whatever is missing or empty; also after a way through JSON."""
    some = table(rows)
    pinned = Pinned.model_validate_json(schema.infer(some, LABELS, NOW).model_dump_json())
    assert schema.breaches(some, LABELS, pinned) == ()
    assert {column.name for column in pinned.columns} == set(some.column_names) - {"arrived", "id", "side"}


def test_each_rule_that_is_broken_is_counted_with_an_example():
    """A missing text, one of thousands of characters, a class that nobody reviewed, a date from before films."""
    bad = [
        row("good and short"), row(None, id="0" * 32), row("", id="1" * 32), row("x" * 5000), row("third class", 2),
        row("number without a name", 7), row("old", at=dt.datetime(1850, 1, 1, tzinfo=dt.UTC)),
    ]  # fmt: skip
    pinned = schema.infer(table(row(t, k % 2) for k, t in enumerate(texts(30, 1))), LABELS, NOW)
    found = {(one.column, one.rule): one for one in schema.breaches(table(bad), (*LABELS, "neutral"), pinned)}
    assert {key: one.rows for key, one in found.items()} == {
        ("text", "a value is missing"): 2,
        ("text", "more than 360 characters"): 1,
        ("label", "not one of negative, positive"): 2,
        ("at", "before 2004-12-31"): 1,
    }
    assert found["label", "not one of negative, positive"].example == "neutral"


def test_a_column_that_comes_goes_or_changes_its_type_is_named():
    """A schema that changed overnight."""
    good = table([row("a text", 1)])
    assert list(breaches(good.drop_columns(["group"]))) == [("group", "the column is missing")]
    assert list(breaches(good.append_column("stars", pa.array([3])))) == [("stars", "the column is new")]
    numbers = good.set_column(good.column_names.index("source"), "source", pa.array([7]))
    assert list(breaches(numbers)) == [("source", "the type is int64 and was string")]


def test_a_column_that_was_full_and_is_empty_is_a_breach():
    """A group for every row, and from one night to the next none: empty counts as missing."""
    first = table(row(t, k % 2, group=f"film {k % 3}") for k, t in enumerate(texts(30, 1)))
    found = breaches(table([row("a text", 1), row("another", 0, group="film 1")]), first)
    assert {key: one.rows for key, one in found.items()} == {("group", "a value is missing"): 1}


@pytest.mark.parametrize(("accept", "problems"), [(False, 1), (True, 0)])
def test_a_pinned_schema_stays_until_a_planner_accepts_another(accept, problems):
    """A new class fails the night, again the next night, and passes once it is accepted."""
    earlier, quick = rows_of(texts(60, 1), "c-1"), Checks(permutations=19, accept_schema=accept)
    first = validate(facts(earlier.slice(0, 0), earlier), Checks(permutations=19))
    assert first.problems == ()
    new = table([row(text, k % 3, arrived="c-2") for k, text in enumerate(texts(60, 2))])
    names = ("negative", "positive", "neutral")
    profile = Profile.model_validate_json(first.profile.model_dump_json())
    found = validate(facts(earlier, new, names, profile), quick)
    assert len(found.problems) == problems
    assert metric(found, "schema_breaches").value == problems
    assert (found.profile.pinned == first.profile.pinned) is not accept
    if problems:
        assert "not one of negative, positive in 20 rows, for example 'neutral'" in found.problems[0]
        assert "accept_schema" in found.problems[0]
