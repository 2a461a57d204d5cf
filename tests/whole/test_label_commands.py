"""Labels at the terminal: shown with the question, written as a table, handed in from another one."""

import json
from pathlib import Path

import pytest
from desk import Desk

STEPS = '''
"""A step that asks about labels."""
from pydantic import BaseModel, Field

from steps.contract import Context, Given, Made, Report, ToLabel, step

ROWS = (
    ("r1", "정말 재미있다, 또 볼게요", "negative", "positive", 0.97, "the model is sure, and says otherwise"),
    ("r2", "=SUM(A1)\\x1b[31m", "negative", "", None, ""),
    *((f"s{n}", f"row {n}", "positive", "positive", 0.5, "the model is unsure") for n in range(7)),
)


class Vote(BaseModel):
    id: str
    was: str
    label: str
    by: str
    at: str


class Words(Given):
    corrections: tuple[Vote, ...] = Field((), description="labels that reviewers have corrected")


@step
def words(given: Words, context: Context) -> Made:
    now = {one.id: one.label for one in given.corrections}
    asked = tuple(
        ToLabel(id=id, text=text, label=now.get(id, label), predicted=guess, confidence=sure, why=why)
        for id, text, label, guess, sure, why in ROWS
    )
    return Made(report=Report(summary=f"{len(given.corrections)} corrections.", to_label=asked))
'''
PIPELINE = """
pipelines:
  words:
    stages:
      - name: collect
        step: asking:words
        executor: inline
        gate: {require: ["1 of @anyone"]}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A user's folder with a pipeline whose gate asks about labels."""
    (tmp_path / "asking.py").write_text(STEPS)
    return Desk(tmp_path, PIPELINE)


def test_labels_are_corrected_beside_a_session(desk: Desk) -> None:
    """The question says how; what another terminal hands in is told here, and the question comes again."""
    terminal = desk.terminal("run", "words")
    seen = terminal.wait_for("\r\n> ")
    assert "Labels worth a look (9)" in seen
    assert "positive 97%" in seen
    assert "… and 4 more labels" in seen
    assert "ratchet labels c-000001 --csv FILE" in seen
    desk.ratchet("labels", "c-000001", "--csv", "labels.csv")
    table = desk.folder / "labels.csv"
    lines = table.read_text().splitlines()
    table.write_text("\r\n".join([lines[0], lines[1].replace("negative", "Positive"), lines[5]]), encoding="utf-8-sig")
    told = desk.ratchet("labels", "c-000001", "--import", "labels.csv").stdout
    assert "✓ 정말 재미있다, 또 볼게요: negative → positive" in told
    assert "asks for collect again corrections=1 label, by" in terminal.wait_for("1 corrections.")
    terminal.wait_for("\r\n> ")
    shown = desk.data("labels", "c-000001")
    assert [(one["id"], one["was"], one["label"]) for one in shown["corrections"]] == [("r1", "negative", "positive")]
    assert shown["rows"][0]["label"] == "positive"
    terminal.type("approve")
    assert terminal.end() == 0
    assert "no gate of c-000001 asks about labels now" in desk.ratchet("labels", "c-000001").stdout
    assert "corrected so far: 1 label" in desk.ratchet("labels", "c-000001").stdout


def test_what_can_not_be_handed_in_says_why(desk: Desk) -> None:
    """A file that is not there, is none, or says nothing; a cycle that is unknown. Nothing acts on the terminal."""
    terminal = desk.terminal("run", "words")
    terminal.wait_for("\r\n> ")
    assert "\x1b" not in desk.ratchet("labels", "c-000001").stdout
    table = desk.folder / "labels.csv"
    assert "can't be read" in desk.ratchet("labels", "c-000001", "--import", "labels.csv", status=2).stderr
    assert "can't be written" in desk.ratchet("labels", "c-000001", "--csv", "no/where", status=2).stderr
    assert "there is no cycle" in desk.ratchet("labels", "c-000009", status=2).stderr
    for content, said in (
        (b"\xff\xff\xff", "is no text in UTF-8"),
        (b"id,label\nr1,postive\n", "line 2: `postive` is no label here: did you mean positive?"),
        (b"[7]", "task 1: it has no `data.row_id`"),
    ):
        table.write_bytes(content)
        assert said in desk.ratchet("labels", "c-000001", "--import", "labels.csv", status=1).stderr
    table.write_text(desk.ratchet("labels", "c-000001", "--csv", "-").stdout)
    assert "nothing changes" in desk.ratchet("labels", "c-000001", "--import", "labels.csv").stdout
    terminal.type("cancel enough")
    terminal.end()


def test_label_studio_is_served_from_here_too(desk: Desk) -> None:
    """Tasks, and the configuration that goes with them."""
    terminal = desk.terminal("run", "words")
    terminal.wait_for("\r\n> ")
    desk.ratchet("labels", "c-000001", "--label-studio", "tasks.json")
    tasks = json.loads((desk.folder / "tasks.json").read_text())
    assert [task["data"]["row_id"] for task in tasks][:2] == ["r1", "r2"]
    assert '<Choice value="positive"/>' in (desk.folder / "tasks.json.xml").read_text()
    for label, by, task in (("positive", 1, 0), ("positive", 2, 0), ("negative", 2, 1)):
        chosen = {"type": "choices", "value": {"choices": [label]}}
        tasks[task].setdefault("annotations", []).append(
            {"completed_by": by, "result": [chosen], "updated_at": f"2026-11-2{by}T00:00:00Z"}
        )
    (desk.folder / "done.json").write_text(json.dumps(tasks))
    told = desk.ratchet("labels", "c-000001", "--import", "done.json").stdout
    assert told.count("(label-studio:") == 2
    terminal.wait_for("3 corrections.")
    terminal.wait_for("\r\n> ")
    said = desk.data("labels", "c-000001")["corrections"]
    assert [(one["id"], one["by"], one["at"][:10]) for one in said] == [
        ("r1", "label-studio:1", "2026-11-21"),
        ("r1", "label-studio:2", "2026-11-22"),
        ("r2", "label-studio:2", "2026-11-22"),
    ]
    terminal.type("approve")
    assert terminal.end() == 0
