"""Labels over the API, and by `ratchet labels` against a server."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from premises import KNOWN, PIPELINES, TOKENS, WORDS, Premises
from test_server_remote import type_ as type_


@pytest.fixture(autouse=True)
def words(folder: Path) -> None:
    """A pipeline whose first gate asks about two labels."""
    (folder / "ratchet.yaml").write_text(PIPELINES + WORDS.lstrip("\n"))


@pytest.fixture
def server(opened: Callable[..., Premises]) -> Premises:
    """With people of every role."""
    return opened({"RATCHET_TOKENS": KNOWN})


def asking(server: Premises) -> str:
    """A cycle whose gate asks about two labels."""
    return server.begun("words", role="admin")


def give(server: Premises, cycle: str, *labels: dict[str, str], role: str = "reviewer", status: int = 200) -> Any:
    path = f"/api/cycles/{cycle}/labels"
    return server.call("POST", path, role=role, status=status, json={"labels": list(labels)})


def test_a_reviewer_corrects_a_label(server: Premises) -> None:
    """By the caller; the stage runs again, and its gate asks anew about what it makes then."""
    made = asking(server)
    shown = server.call("GET", f"/api/cycles/{made}/labels", role="viewer")
    assert (shown["stage"], shown["classes"], shown["corrections"]) == ("words", ["bad", "good"], [])
    assert [(row["id"], row["label"]) for row in shown["rows"]] == [("r1", "bad"), ("r2", "good")]
    give(server, made, {"id": "r1", "label": " GOOD"})
    server.until(made, "in_review", role="viewer")
    after = server.call("GET", f"/api/cycles/{made}/labels", role="viewer")
    assert after["run"] == f"{made}/words/2"
    assert after["rows"][0]["label"] == "good"
    assert [{**one, "at": ""} for one in after["corrections"]] == [
        {"id": "r1", "was": "bad", "label": "good", "by": "reviewer1", "at": ""}
    ]
    [event] = [one["event"] for one in server.call("GET", f"/api/cycles/{made}/events", role="viewer")
               if one["event"]["kind"] == "rerun_asked"]  # fmt: skip
    assert event["by"]["login"] == "reviewer1"


def test_what_does_not_count_says_why(server: Premises) -> None:
    """409 where it is not asked or changes nothing, 422 for what can't be read, 403 for a planner."""
    made = asking(server)
    good = {"id": "r1", "label": "good"}
    assert "may not correct labels" in give(server, made, good, role="planner", status=403)["error"]["what"]
    wrong = give(server, made, good, {"id": "r1", "label": "goood"}, {"id": "r9", "label": "good"}, status=422)
    assert "labels.1: `goood` is no label here: did you mean good?" in wrong["error"]["what"]
    assert "labels.2: `r9` is the id of no row" in wrong["error"]["what"]
    assert "nothing changes" in give(server, made, {"id": "r1", "label": "bad"}, status=409)["error"]["what"]
    give(server, made, {**good, "annotator": "alice"}, status=422)
    give(server, "c-000099", good, status=404)
    other = server.begun(role="admin")
    assert "no gate that asks about labels" in give(server, other, good, status=409)["error"]["what"]
    shown = server.call("GET", f"/api/cycles/{other}/labels", role="viewer")
    assert (shown["stage"], shown["run"], shown["rows"]) == (None, None, [])


def test_of_two_who_correct_at_the_same_moment_nobody_is_lost(server: Premises) -> None:
    """Each builds on what is there: whoever comes second is told so, and the first one's words stand."""
    made = asking(server)
    given = {"reviewer": {"id": "r1", "label": "good"}, "admin": {"id": "r2", "label": "bad"}}

    def say(role: str) -> int:
        headers = {"authorization": f"Bearer {TOKENS[role]}"}
        path = f"/api/cycles/{made}/labels"
        return server.http.request("POST", path, headers=headers, json={"labels": [given[role]]}).status_code

    with ThreadPoolExecutor(2) as both:
        told = dict(zip(given, both.map(say, given), strict=True))
    assert sorted(told.values()) in ([200, 200], [200, 409])
    server.until(made, "in_review", role="viewer")
    said = server.call("GET", f"/api/cycles/{made}/labels", role="viewer")["corrections"]
    assert {one["id"] for one in said} == {given[role]["id"] for role, status in told.items() if status == 200}


def test_what_others_said_is_set_by_nobody(server: Premises) -> None:
    """Neither in a rerun nor when a cycle begins: words are their people's own."""
    made = asking(server)
    words = json.dumps([{"id": "r1", "was": "bad", "label": "good", "by": "bob", "at": "2026-11-20T00:00:00Z"}])
    asked = {"command": "rerun", "set": {"corrections": words}}
    told = server.call("POST", f"/api/cycles/{made}/commands", role="admin", status=422, json=asked)
    assert "people's own words" in told["error"]["what"]
    begun = {"pipeline": "words", "set": {"words.corrections": words}}
    assert "own words" in server.call("POST", "/api/cycles", role="admin", status=422, json=begun)["error"]["what"]


def test_the_command_line_writes_a_table_and_hands_it_in(type_: Any, tmp_path: Path) -> None:
    """The same words as without a server; a label that can't be read is named, and keeps nothing else back."""
    made = asking(type_.server)
    table = tmp_path / "labels.csv"
    assert "정말 <재미>있다" in type_("labels", made)
    type_("labels", made, "--csv", str(table))
    text = table.read_text()
    assert "'=SUM(A1)" in text
    table.write_text(text.replace("bad,good", "good,good").replace("good,,", "so-so,,"))
    told = type_("labels", made, "--import", str(table), role="reviewer")
    assert "✓ 정말 <재미>있다: bad → good" in told
    assert "✗ line 3: `so-so` is no label here" in told
    type_.server.until(made, "in_review", role="viewer")
    assert "corrected so far: 1 label, by reviewer1" in type_("labels", made)
    again = type_("labels", made, "--import", str(table), status=1)
    assert "no label was corrected" in again


def test_a_label_that_stands_so_already_is_handed_in_by_nobody(type_: Any, tmp_path: Path) -> None:
    """The table as it was written; a cycle whose gate asks nothing has none to write."""
    made = asking(type_.server)
    table = tmp_path / "labels.csv"
    table.write_text(type_("labels", made, "--csv", "-"))
    assert "nothing changes" in type_("labels", made, "--import", str(table))
    other = type_.server.begun(role="admin")
    assert "no gate of" in type_("labels", other)
    assert "asks about labels now" in type_("labels", other, "--csv", str(table), status=1)


def test_label_studio_goes_there_and_back(type_: Any, tmp_path: Path) -> None:
    """Its people's words are theirs, and whoever hands them in asks for the rerun."""
    made = asking(type_.server)
    file = tmp_path / "tasks.json"
    assert "tasks.json.xml" in type_("labels", made, "--label-studio", str(file))
    tasks = json.loads(file.read_text())
    for task, label in zip(tasks, ("good", "good"), strict=True):
        chosen = {"type": "choices", "value": {"choices": [label]}}
        task["annotations"] = [{"completed_by": 7, "result": [chosen], "updated_at": "2026-11-20T02:31:07Z"}]
    file.write_text(json.dumps(tasks))
    done = json.loads(type_("labels", made, "--import", str(file), "--json", role="reviewer"))
    assert done["corrections"] == [{"id": "r1", "was": "bad", "label": "good", "by": "label-studio:7"}]
    type_.server.until(made, "in_review", role="viewer")
    said = json.loads(type_("labels", made, "--json"))["corrections"]
    assert [(one["id"], one["by"]) for one in said] == [("r1", "label-studio:7"), ("r2", "label-studio:7")]
