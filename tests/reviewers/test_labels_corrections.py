"""Corrections: how people's words about labels add up, and the rerun that they ask for."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentiment import ALICE, at_collect

from orchestrator.core.events import RerunAsked
from orchestrator.core.model import Cycle, Following, Opening, State
from orchestrator.core.report import Report, ToLabel
from reviewers.corrections import (
    Correction,
    Said,
    asked,
    changed,
    closed,
    from_json,
    question,
    readable,
    rerun,
    smuggled,
    so_far,
    standing,
    to_json,
    weighed,
)

AT = datetime(2026, 11, 20, 2, 31, tzinfo=UTC)
ROWS = (ToLabel(id="r1", text="x", label="bad", predicted="good"), ToLabel(id="r2", text="y", label="good"))
LABELS = st.sampled_from(["bad", "good", "so-so"])
WORDS = st.builds(Correction, st.sampled_from(["r1", "r2", "r9"]), LABELS, LABELS, st.sampled_from("abc"), st.just("t"))


def cycle_asking(rows: tuple[ToLabel, ...] = ROWS, **params: dict[str, str]) -> Cycle:
    """At the gate of collect, whose report asks about labels."""
    cycle = at_collect().cycle
    opening = cycle.opening
    assert opening is not None
    return cycle.but(opening=opening.but(report=Report(summary="x", to_label=rows)), params=params)


def said(by: str, was: str, label: str, row: str = "r1") -> Correction:
    return Correction(row, was, label, by, "2026-11-20T02:31:00Z")


@given(st.lists(WORDS, max_size=6).map(tuple))
def test_the_parameter_reads_back(words: tuple[Correction, ...]) -> None:
    """As the step is given it."""
    assert from_json(to_json(words)) == words


@pytest.mark.parametrize(
    "text", ["{", "7", '["x"]', '[{"id": "r1"}]', "[[1,2,3,4,5]]", '[{"id":1,"was":"","label":"","by":"","at":""}]']
)
def test_something_else_is_no_list_of_corrections(text: str) -> None:
    """And is shown to people as it is."""
    assert from_json(text) is None
    assert readable("collect.corrections", text) == text


@settings(deadline=None)
@given(st.lists(WORDS, max_size=8))
def test_a_label_stands_as_the_step_settles_it(words: list[Correction]) -> None:
    """More than half of the people, each one's last word; else as it came. The rule is the step's own."""
    from steps.labels.corrections import Labelled, Vote

    stood = standing(ROWS, words)
    for row in ROWS:
        own = [one for one in words if one.id == row.id]
        votes = {one.by: Vote(was=one.was, label=one.label, by=one.by, at=AT) for one in own}
        came = own[0].was if own else row.label
        labelled = Labelled(id=row.id, original=came, votes=tuple(votes.values()))
        assert stood[row.id] == (labelled.label if votes else row.label)


def test_two_who_differ_leave_the_label_as_it_came() -> None:
    """And a third decides; whoever takes it back has a word all the same."""
    words = [said("alice", "bad", "good")]
    assert standing(ROWS, words)["r1"] == "good"
    words.append(said("bob", "good", "bad"))
    assert standing(ROWS, words)["r1"] == "bad"
    words.append(said("carol", "bad", "good"))
    assert standing(ROWS, words)["r1"] == "good"
    words.append(said("alice", "good", "bad"))
    assert standing(ROWS, words)["r1"] == "bad"


def test_only_what_differs_is_a_correction() -> None:
    """A row that is not there any more, or says the same, is none."""
    assert changed({"r1": "good", "r9": "good"}, {"r1": "bad", "r2": "good"}, "alice", AT) == (
        said("alice", "bad", "good"),
    )


def test_labels_that_are_said_are_weighed() -> None:
    """In the order of their times; who agrees is kept, what can't be read is named."""
    words = (
        Said("one", "r1", "Good", "label-studio:7", "2026-01-02T00:00:00Z"),
        Said("two", "r2", "good", "label-studio:8", "2026-01-01T00:00:00Z"),
        Said("three", "r9", "good"),
        Said("four", "r1", "goood"),
    )
    found, problems = weighed(words, ROWS, {"r1": "bad", "r2": "good"}, "alice", "2026-01-03T00:00:00Z")
    assert found == (
        Correction("r2", "good", "good", "label-studio:8", "2026-01-01T00:00:00Z"),
        Correction("r1", "bad", "good", "label-studio:7", "2026-01-02T00:00:00Z"),
    )
    assert [str(one) for one in problems] == [
        "three: `r9` is the id of no row that is asked about: take the ids from the newest export",
        "four: `goood` is no label here: did you mean good?",
    ]


def test_labels_ask_for_one_rerun_with_all_that_was_said() -> None:
    """The gate's own stage, by whoever says it."""
    before = said("bob", "good", "bad", "r2")
    cycle = cycle_asking(collect={"corrections": to_json([before])})
    event, problems = asked(cycle, [Said("", "r1", "good")], id="api:1", by=ALICE, at=AT)
    assert isinstance(event, RerunAsked)
    assert (event.stage, event.by, event.id, problems) == ("collect", ALICE, "api:1", ())
    assert from_json(event.changes["corrections"]) == (before, said("alice", "bad", "good"))
    assert event.onto == cycle.seq
    once = rerun("collect", (before,), (before,), id="x", by=ALICE, at=AT, onto=1)
    assert once.changes == {"corrections": to_json([before])}


def test_nobody_types_what_others_said() -> None:
    """Corrections name their people: as a parameter only none of them can be set."""
    words = to_json([said("bob", "bad", "good")])
    for key in ("corrections", "collect.corrections"):
        assert smuggled({"rate": "1", key: words}).startswith(f"{key} holds people's own words → edit labels.csv")
    for value in ("[]", "", "three", '["a"]'):
        assert smuggled({"corrections": value}) == ""
    assert smuggled({"notes": words}) == ""


@pytest.mark.parametrize(
    ("change", "label", "why"),
    [
        ({"opening": None, "state": State.RUNNING}, "good", "c-000042 is running at collect, and no gate that asks"),
        ({"params": {"collect": {"corrections": "?"}}}, "good", "collect.corrections is set to something else"),
        ({}, "bad", "no label is another one than it stands: nothing changes"),
        ({}, "?", "no label is another one than it stands: nothing changes"),
    ],
)  # fmt: skip
def test_labels_that_ask_for_no_rerun_say_why(change: dict[str, Any], label: str, why: str) -> None:
    """No gate that asks, a parameter that is something else, nothing new."""
    event, problems = asked(cycle_asking().but(**change), [Said("x", "r1", label)], id="x", by=ALICE, at=AT)
    assert isinstance(event, str)
    assert event.startswith(why)
    assert bool(problems) == (label == "?")


def test_a_gate_without_rows_asks_nothing() -> None:
    """Its report has none."""
    assert question(cycle_asking(())) is None
    assert question(cycle_asking()) is not None


def test_what_was_corrected_so_far_is_found_wherever_it_is() -> None:
    """Set for the cycle, written in the file, or in a rerun that waits for a run to stop."""
    one = said("alice", "bad", "good")
    cycle = cycle_asking()
    assert so_far(cycle, "collect") == ()
    assert so_far(cycle, "nowhere") == ()
    assert so_far(cycle_asking(collect={"corrections": to_json([one])}), "collect") == (one,)
    for with_ in ({"corrections": to_json([one])}, {"corrections": [one._asdict()]}):
        first = cycle.pipeline.stages[0].but(with_=with_)
        written = cycle.but(pipeline=cycle.pipeline.but(stages=(first, *cycle.pipeline.stages[1:])))
        assert so_far(written, "collect") == (one,)
    for key in ("corrections", "collect.corrections"):
        following = Following(kind="rerun", stage="collect", changes={key: to_json([one])})
        assert so_far(cycle.but(following=following), "collect") == (one,)
    other = Following(kind="rerun", stage="finetune", changes={"corrections": to_json([one])})
    assert so_far(cycle.but(following=other), "collect") == ()
    assert so_far(cycle.but(following=Following(kind="cancel")), "collect") == ()


def test_labels_may_be_corrected_until_the_cycle_goes_on() -> None:
    """While the gate is open, and while the stage runs again."""
    cycle = cycle_asking()
    opening = cycle.opening
    assert isinstance(opening, Opening)
    assert closed(cycle, opening) == ""
    assert closed(cycle.but(opening=None, state=State.RUNNING), opening) == ""
    onward = cycle.but(opening=None, state=State.RUNNING, position=1)
    assert "is running at finetune → say `/rerun from=collect`" in closed(onward, opening)
    assert "is failed at collect" in closed(cycle.but(opening=None, state=State.FAILED), opening)
    assert "its labels are what they are" in closed(cycle.but(opening=None, state=State.DONE), opening)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "0 labels"),
        ([said("alice", "bad", "good")], "1 label, by alice"),
        ([said("alice", "bad", "good"), said("bob", "good", "bad")], "1 label, by alice and bob"),
        ([said("a", "x", "y"), said("b", "x", "y", "r2"), said("c", "x", "y")], "2 labels, by a, b and c"),
    ],
)  # fmt: skip
def test_people_read_corrections_in_a_few_words(words: list[Correction], told: str) -> None:
    """Wherever parameters are shown; others are shown as they are."""
    assert readable("collect.corrections", to_json(words)) == readable("corrections", to_json(words)) == told
    assert readable("corrections", "") == ""
    assert readable("rate", "[]") == "[]"
