"""Snapshots made by runs, as the runner does them: killed, done again, rerun, moved and forgotten."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from versioned import both, person_hash, says

from orchestrator.core.effects import Order
from orchestrator.core.report import Product
from steps import runner
from steps.contract import Context, Dataset
from steps.place import Place, write_whole
from steps.snapshot import Record, Table, opened
from steps.store import FolderStore


def order_of(name, last=None, **given):
    return Order(run=name, step="versioned:gather", given=given, target="home", last=last or {})


def run(root, name, last=None, **given):
    """The dataset of one run in this process, or None."""
    made = runner.execute(order_of(name, last, **given), Place(root / "work", name), FolderStore(root / "made"), root)
    return Dataset.model_validate(made.outputs["data"]) if isinstance(made, Product) else None


def killed(root, name, **given):
    """One run in a process of its own that is killed."""
    place = Place(root / "work", name)
    place.folder.mkdir(parents=True)
    write_whole(place.order, order_of(name, **given).model_dump_json())
    roots = os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())])
    command = [sys.executable, "-m", "steps.runner", "run", str(place.folder), "--artifacts", str(root / "made")]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": roots}, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL


def rows(root, data):
    return both(Context(root).path(data))


@pytest.mark.parametrize("die", ["before commit", "after commit"])
def test_a_run_that_dies_is_done_again(tmp_path, die):
    """Killed before its transaction or after it, or failed later, it published nothing; the last attempt counts."""
    killed(tmp_path, "c-000001/gather/1", count=30, die=die)
    assert run(tmp_path, "c-000001/gather/2", count=20, die="later") is None
    data = run(tmp_path, "c-000001/gather/3", count=12)
    assert len(rows(tmp_path, data)) == 12
    table = Table.open(str(tmp_path / "made" / "tables" / "home" / "gather"))
    assert len(table.ids(["c-000001"])) == 12
    assert not (Path(table.uri) / "_drafts").exists() or not list((Path(table.uri) / "_drafts").iterdir())


def test_cycles_follow_each_other(tmp_path):
    """The second dataset holds both cycles' rows; a rerun replaces its own; all read when the root was moved, and after
    a person has left, every one of them without that person.
    """
    first = run(tmp_path, "c-000001/gather/1")
    lost = run(tmp_path, "c-000002/gather/1", {"data": first.model_dump()}, count=20)
    second = run(tmp_path, "c-000002/gather/2", {"data": first.model_dump()}, count=15)
    assert [len(rows(tmp_path, data)) for data in (first, lost, second)] == [10, 30, 25]
    assert opened(Path(second.uri)).snapshot.cycles == ("c-000001", "c-000002")
    shutil.move(tmp_path / "made", tmp_path / "moved")
    moved = [data.model_copy(update={"uri": data.uri.replace("/made/", "/moved/")}) for data in (first, lost, second)]
    table = Table.open(str(tmp_path / "moved" / "tables" / "home" / "gather"))
    table.erase([person_hash("p1")], record=Record("alice", "she asked", "2026-01-02T03:04:05+00:00"))
    assert [len(rows(tmp_path, data)) for data in moved] == [8, 24, 20]
    assert not says(tmp_path, "<c-000002 says 16>")
