"""`python -m steps.runner count`: how many rows are new, with nothing changed and nothing run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.effects import Order

ROOTS = os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())])


def counted(folder: Path, step: str = "chores:gather", last: int = 0, **given: Any) -> dict[str, Any]:
    """The runner's answer, with artifacts and work below the folder."""
    order = Order(run="c-000000/collect/1", step=step, given=given, target="words", last={"total": last})
    command = [sys.executable, "-m", "steps.runner", "count", str(folder / "work"), "--artifacts", str(folder / "made")]
    environment = os.environ | {"PYTHONPATH": ROOTS, "TMPDIR": str(folder / "tmp")}
    (folder / "tmp").mkdir(exist_ok=True)
    done = subprocess.run(command, env=environment, input=order.model_dump_json(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def arrivals(tmp_path: Path) -> Path:
    """A folder in which three files have arrived."""
    folder = tmp_path / "arrivals"
    folder.mkdir()
    for name in "abc":
        (folder / name).touch()
    return folder


def test_rows_are_counted_against_the_last_cycle_and_nothing_is_left(tmp_path: Path, arrivals: Path) -> None:
    """What the counter writes and prints is not seen; no artifact, no work folder, no target comes of it."""
    assert counted(tmp_path, arrivals=str(arrivals)) == {"rows": 3}
    assert counted(tmp_path, arrivals=str(arrivals), last=2) == {"rows": 1}
    assert {one.name for one in tmp_path.iterdir()} <= {"arrivals", "tmp", "made", "work"}
    assert [one for one in tmp_path.rglob("*") if one.is_file() and one.parent != arrivals] == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_nothing_new_is_a_number_too(tmp_path: Path, arrivals: Path) -> None:
    """A counter may say it as its step does."""
    assert counted(tmp_path, arrivals=str(arrivals), last=3, least=1) == {"rows": 0}


@pytest.mark.parametrize(
    ("step", "given", "why"),
    [
        ("chores:double", {"values": [1]}, "chores:double has no counter of new rows"),
        ("chores:gather", {"arrivals": "/nowhere"}, "/nowhere can't be read: No such file or directory"),
        ("chores:gather", {"arrivals": "."}, "the counter of chores:gather returned -"),
        ("chores:gather", {}, "wrong parameters: arrivals: Field required"),
        ("chores:nothing", {}, "has no step 'nothing'"),
    ],
)
def test_why_they_cannot_be_counted_is_said(tmp_path: Path, step: str, given: dict[str, str], why: str) -> None:
    """In a user's words; it is an answer, and no failure of anything."""
    assert why in counted(tmp_path, step, last=10_000, **given)["why"]
