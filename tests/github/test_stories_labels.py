"""Labels that reviewers correct in the pull request's own file, each told from what they commit to what they see."""

import csv
import io
import json
from typing import Any

import pytest
from rig.github import GitHub
from stage import STAGES, Begun, Stage
from stage import stages as stages

from orchestrator.core.events import RerunAsked
from orchestrator.core.model import State

FILE = "cycles/c-000001/labels.csv"
BRANCH = "ratchet/c-000001"
LABELLING = STAGES.replace("smallsteps:collect", "labelsteps:collect")


@pytest.fixture
def one(stage: Begun) -> Stage:
    """A cycle whose first gate asks about three labels."""
    made = stage(pipeline=LABELLING, second='"1 of bob"')
    made.begin()
    return made


def table(github: GitHub) -> str:
    """The file as it is on the branch."""
    return github.files(BRANCH)[FILE].decode()


def labels(text: str) -> dict[str, str]:
    return {row["id"]: row["label"] for row in csv.DictReader(io.StringIO(text))}


def with_label(text: str, **changes: str) -> str:
    """The table with other labels, as one would write them in an editor."""
    rows = list(csv.reader(io.StringIO(text)))
    out = io.StringIO()
    place = rows[0].index("label")
    csv.writer(out).writerows([*row[:place], changes.get(row[0], row[place]), *row[place + 1 :]] for row in rows)
    return out.getvalue()


def edits(one: Stage, login: str, **changes: str) -> str:
    """Somebody changes labels in GitHub's editor, and it is heard; how the answer is found."""
    sha = one.github.as_(login).write(BRANCH, FILE, with_label(table(one.github), **changes))
    one.settle()
    return f"k{sha[:12]}"


def corrections(one: Stage) -> list[dict[str, Any]]:
    """What the stage was given."""
    found: list[dict[str, Any]] = json.loads(one.cycle().params.get("collect", {}).get("corrections", "[]"))
    return found


def test_a_reviewer_corrects_labels_in_the_editor(one: Stage, github: GitHub) -> None:
    """The stage runs again with the corrections, its gate is asked anew, and the file shows what stands now."""
    assert labels(table(github)) == {"r1": "negative", "r2": "negative", "r3": "positive"}
    assert f"edit/{BRANCH}/{FILE}" in one.posts("gate")[0]
    before = one.digest
    about = edits(one, "alice", r1="positive")
    assert one.cycle().state is State.IN_REVIEW
    assert one.runs() == ["c-000001/collect/1", "c-000001/collect/2"]
    [made] = corrections(one)
    assert made | {"at": ""} == {"id": "r1", "was": "negative", "label": "positive", "by": "alice", "at": ""}
    [answer] = one.answers(about)
    assert "One label is corrected" in answer
    assert "- negative\n+ positive" in answer
    assert one.digest != before
    assert labels(table(github))["r1"] == "positive"
    [event] = [event for event in one.record() if isinstance(event, RerunAsked)]
    assert event.by == one.person("alice")
    assert event.stage == "collect"
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert github.pulls()[0]["merged_at"]
