"""Label Studio: what goes out comes back as what its people said."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.report import ToLabel
from reviewers.corrections import Said
from reviewers.labelstudio import configuration, from_export, is_export, tasks

ROWS = (
    ToLabel(id="r1", text="정말 <재미>있다", label="bad", predicted="good", confidence=0.91, why="the model is sure"),
    ToLabel(id="r2", text="y\x00", label="so & so", predicted="good"),
    ToLabel(id="r3", text="z", label='"bad"'),
)
KEYS = "data row_id annotations result type value choices completed_by updated_at id was_cancelled"
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5),
    max_leaves=25,
)


def annotation(
    *choices: str, by: Any = 7, at: str | None = "2026-11-20T02:31:07.123456Z", **more: Any
) -> dict[str, Any]:
    """One as Label Studio 1.x exports it."""
    value = {"id": "x", "from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": list(choices)}}
    return {"id": 1, "completed_by": by, "result": [value], "was_cancelled": False, "updated_at": at} | more


def export(*annotations: dict[str, Any], row: Any = "r1") -> str:
    return json.dumps([{"id": 4, "data": {"row_id": row, "text": "x"}, "annotations": list(annotations)}])


def test_every_row_is_a_task_with_its_prediction() -> None:
    """And the label as it stands, to be read; signs that no file holds are left out."""
    first, second, third = json.loads(tasks(ROWS, {"r3": "good"}))
    assert first["data"] == {"row_id": "r1", "text": "정말 <재미>있다", "now": "Now bad: the model is sure"}
    assert first["predictions"][0]["score"] == 0.91
    assert first["predictions"][0]["result"][0]["value"] == {"choices": ["good"]}
    assert "score" not in second["predictions"][0]
    assert second["data"]["text"] == "y\ufffd"
    assert third == {"data": {"row_id": "r3", "text": "z", "now": "Now good"}}


def test_the_configuration_offers_every_label() -> None:
    """It is XML, whatever the labels hold, and names what the tasks hold."""
    view = ElementTree.fromstring(configuration(ROWS))  # noqa: S314 (our own)
    assert [one.get("value") for one in view.iter("Choice")] == ['"bad"', "bad", "good", "so & so"]
    assert view.find("Text").get("value") == "$text"


@settings(deadline=None)
@given(st.lists(st.sampled_from(["bad", "good"]), min_size=3, max_size=3))
def test_what_people_choose_comes_back(chosen: list[str]) -> None:
    """Each task annotated, as an export holds it."""
    out = json.loads(tasks(ROWS))
    for task, label in zip(out, chosen, strict=True):
        task["annotations"] = [annotation(label)]
    found = from_export(json.dumps(out))
    assert found.problems == ()
    assert found.said == tuple(
        Said(f"task {place}", row.id, label, "label-studio:7", "2026-11-20T02:31:07Z")
        for place, (row, label) in enumerate(zip(ROWS, chosen, strict=True), 1)
    )


def test_everybody_is_heard_the_newest_word_of_each() -> None:
    """Skipped and cancelled ones are nobody's word; times without a zone are UTC."""
    found = from_export(
        export(
            annotation("bad", by={"id": 8, "email": "eve@example.org"}, at="2026-11-20T03:00:00+01:00"),
            annotation("good", by=8, at="2026-11-20T01:00:00"),
            annotation("bad", at=None, created_at="2026-11-20T04:00:00Z"),
            annotation("good", by=9, was_cancelled=True),
            annotation(by=9),
            annotation("good", by=None, at="soon"),
            {"result": [{"type": "rating", "value": {"rating": 4}}]},
            {"result": None},
        )
    )
    assert [(one.label, one.by, one.at) for one in found.said] == [
        ("bad", "label-studio:8", "2026-11-20T02:00:00Z"),
        ("bad", "label-studio:7", "2026-11-20T04:00:00Z"),
        ("good", "label-studio", ""),
    ]
    assert "eve@example.org" not in repr(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "the export: it is no JSON"),
        ("{}", "the export: it is no list of tasks"),
        ("[3]", "task 1: it has no `data.row_id`, and is no row of ours"),
        (export(annotation("bad"), row=""), "task 1: it has no `data.row_id`"),
        (export(annotation("bad"), row=5), "task 1: it has no `data.row_id`"),
        ('[{"data": {"row_id": "r1"}, "label": "bad"}]', "task 1: it has no annotations"),
        (export(annotation("bad", "good")), "task 1: label-studio:7 chose 2 labels"),
        ("\ufeff[3]", "task 1: it has no"),
    ],
)
def test_what_can_not_be_read_is_named(text: str, problem: str) -> None:
    """With the place of its task, and the cure."""
    found = from_export(text)
    assert found.said == ()
    [told] = map(str, found.problems)
    assert told.startswith(problem)


@settings(deadline=None, max_examples=300)
@given(anything)
def test_no_export_whatever_raises(found: Any) -> None:
    """It is read or refused."""
    from_export(json.dumps(found))
    from_export(json.dumps([found]))


def test_an_export_is_told_from_a_table() -> None:
    """By how it begins."""
    assert is_export("\ufeff\n [")
    assert not is_export("id,label\n")
