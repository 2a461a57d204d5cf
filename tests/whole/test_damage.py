"""What was lost, swapped or altered on the disk between two commands or two stages."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from desk import Desk

STEPS = """
from steps.contract import Context, Dataset, Given, Made, Report, step

class Bytes(Given):
    letter: str = "a"

class Written(Made):
    data: Dataset

@step
def write(given: Bytes, context: Context) -> Written:
    data = context.make(Dataset, "data")
    (context.path(data) / "letters").write_text(given.letter * 100)
    return Written(data=data, report=Report(summary=f"100 times {given.letter}."))

class Taken(Given):
    data: Dataset

class Read(Made):
    letter: str

@step
def read(given: Taken, context: Context) -> Read:
    letter = (context.path(given.data) / "letters").read_text()[0]
    return Read(letter=letter, report=Report(summary=f"It reads {letter}."))
"""
PIPELINE = """
pipelines:
  letters:
    stages:
      - {name: write, step: "letters:write", gate: {require: ["1 of @anyone"]}}
      - {name: read, step: "letters:read", takes: {data: write.data}}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A user's folder whose first stage makes a file that the second reads."""
    made = Desk(tmp_path, PIPELINE)
    (tmp_path / "letters.py").write_text(STEPS)
    return made


@pytest.mark.parametrize("left", ["artifacts", "work"])
def test_what_another_database_left_is_not_taken_for_a_new_cycles_own(desk: Desk, left: str) -> None:
    """Without its database a cycle's name is free again; what lies under that name is not adopted but named."""
    desk.ratchet("run", "letters", "--yes")
    for file in (desk.folder / ".ratchet").glob("ratchet.db*"):
        file.unlink()
    shutil.rmtree(desk.folder / ".ratchet" / {"artifacts": "work", "work": "artifacts"}[left])
    for words in (("run", "letters", "--yes", "--set", "write.letter=b"), ("trigger", "letters")):
        said = desk.ratchet(*words, status=1).stderr
        assert f"{left}/c-000001 is there" in said
        assert "RATCHET_DATABASE_URL" in said
    assert desk.data("list") == []
    shutil.rmtree(desk.folder / ".ratchet" / left)
    assert "It reads b." in desk.ratchet("run", "letters", "--yes", "--set", "write.letter=b").stdout


def test_a_byte_altered_between_two_stages_stops_the_second(desk: Desk) -> None:
    """What was approved is what is read on: anything else fails in words, until the stage is made again."""
    terminal = desk.terminal("run", "letters")
    terminal.wait_for("1 of @anyone")
    file = desk.folder / ".ratchet/artifacts/c-000001/write/1/data/letters"
    file.write_text("b" + file.read_text()[1:])
    terminal.type("approve")
    terminal.wait_for("is corrupt: letters is not what was published")
    terminal.wait_for("read failed: type rerun")
    terminal.type("rerun from=write")
    terminal.wait_for("1 of @anyone")
    terminal.type("approve")
    assert terminal.end() == 0
    assert "It reads a." in terminal.seen


def test_a_database_file_that_is_none(desk: Desk) -> None:
    """Which file, why, and nothing is begun or overwritten."""
    desk.ratchet("run", "letters", "--yes")
    for file in (desk.folder / ".ratchet").glob("ratchet.db-*"):
        file.unlink()
    database = desk.folder / ".ratchet/ratchet.db"
    database.write_bytes(b"no database " * 1000)
    for words in (("list",), ("run", "letters", "--yes"), ("audit", "verify")):
        said = desk.ratchet(*words, status=1).stderr
        assert "ratchet.db" in said
        assert "not a database" in said
    assert database.read_bytes() == b"no database " * 1000


def test_the_database_is_one_file_once_a_cycle_has_ended(desk: Desk) -> None:
    """Whoever copies it then has copied everything."""
    desk.ratchet("run", "letters", "--yes")
    elsewhere = desk.folder / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(desk.folder / ".ratchet/ratchet.db", elsewhere)
    desk.env["RATCHET_DATABASE_URL"] = f"sqlite:///{elsewhere}/ratchet.db"
    assert desk.data("list")[0]["state"] == "done"
    desk.ratchet("audit", "verify")


def test_a_database_that_has_no_room_says_so(desk: Desk) -> None:
    """Where nothing can be written nothing begins, room is named, and the record is whole."""
    desk.ratchet("run", "letters", "--yes")
    command = [sys.executable, "-m", "orchestrator", "trigger", "letters"]
    done = subprocess.run(
        ["/bin/bash", "-c", 'ulimit -f 0; "$@"', "-", *command],
        cwd=desk.folder, env=desk.env, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stderr.startswith("error: ")
    assert "room" in done.stderr
    assert len(desk.data("list")) == 1
    desk.ratchet("audit", "verify")
