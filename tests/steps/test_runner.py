"""The runner: from order.json to a product or a failure, whatever the step does and wherever it is killed."""

import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.core.effects import Order
from orchestrator.core.report import Failure, Product
from steps import runner
from steps.contract import Context
from steps.place import Place
from steps.store import open_store, verified

from chores import Numbers, double  # isort: skip

RUN = "c-000001/chores/1"


def place_for(root: Path, order: Order) -> Place:
    place = Place(root / "work", order.run)
    place.folder.mkdir(parents=True, exist_ok=True)
    place.order.write_text(order.model_dump_json())
    return place


def execute(root: Path, step: str, run: str = RUN, **given: object) -> Product | Failure:
    """A run in this process."""
    order = Order(run=run, step=step, given=given)
    return runner.execute(order, place_for(root, order), open_store(root / "made"), root / "made" / "targets")


def run_alone(root: Path, order: Order, *options: str) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own."""
    folder = place_for(root, order).folder
    roots = os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())])
    command = [sys.executable, "-m", "steps.runner", "run", str(folder), "--artifacts", str(root / "made"), *options]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": roots}, capture_output=True, text=True)


def test_a_step_is_a_plain_callable(tmp_path: Path) -> None:
    """No runner, no order: a step is called like any function."""
    made = double(Numbers(values=[1, 2]), Context(tmp_path))
    assert made.total == 6
    assert (Path(made.data.uri) / "1.txt").read_text() == "4"


def test_a_product_is_published_with_its_digests(tmp_path: Path) -> None:
    """Files, manifest and made.json appear together; the artifact says where it finally is, and what it is."""
    product = execute(tmp_path, "chores:double", values=[1, 2])
    assert isinstance(product, Product)
    folder = tmp_path / "made" / RUN
    data = product.outputs["data"]
    assert isinstance(data, dict)
    assert data["uri"] == str(folder / "data")
    assert [file.path for file in product.files] == ["data/0.txt", "data/1.txt"]
    assert Product.model_validate_json((folder / "made.json").read_text()) == product
    assert json.loads((folder / "manifest.json").read_text())["run"] == RUN
    assert verified(str(data["uri"]), str(data["digest"]), tmp_path) == folder / "data"
    assert sorted(entry.name for entry in folder.parent.iterdir()) == ["1"]


def test_a_published_run_is_adopted(tmp_path: Path) -> None:
    """Asked again, the runner makes nothing and says the same; the process exits 0."""
    order = Order(run=RUN, step="chores:double", given={"values": [1]})
    assert run_alone(tmp_path, order).returncode == 0
    before = (tmp_path / "made" / RUN / "made.json").stat().st_mtime_ns
    assert run_alone(tmp_path, order).returncode == 0
    assert (tmp_path / "made" / RUN / "made.json").stat().st_mtime_ns == before


def test_an_artifact_goes_from_stage_to_stage(tmp_path: Path) -> None:
    """A later step reads it, checked; handed on, it stays the one that was published."""
    first = execute(tmp_path, "chores:double", values=[1, 2])
    assert isinstance(first, Product)
    second = execute(tmp_path, "chores:read", "c-000001/read/1", data=first.outputs["data"])
    assert isinstance(second, Product)
    assert second.outputs == {"data": first.outputs["data"], "total": 6}
    assert second.files == ()


def test_a_corrupt_artifact_is_named(tmp_path: Path) -> None:
    """One changed byte in an input fails the run with the file's name, and trying again is known not to help."""
    first = execute(tmp_path, "chores:double", values=[1, 2])
    assert isinstance(first, Product)
    (tmp_path / "made" / RUN / "data" / "1.txt").write_text("5")
    failure = execute(tmp_path, "chores:read", "c-000001/read/1", data=first.outputs["data"])
    assert isinstance(failure, Failure)
    assert "1.txt is not what was published" in failure.what
    assert "rerun the stage that made it" in failure.cure
    assert not failure.retryable


@pytest.mark.parametrize(
    ("kind", "what", "cure", "retryable"),
    [
        ("StepError", "the rows are wrong", "mend them", True),
        ("MemoryError", "ran out of memory", "resources.memory", True),
        ("disk", "the disk is full while writing /data/model.bin", "free some space", True),
        ("read", "/no/such/file can't be read: No such file or directory", "check that the path", False),
        ("exit", "ended its process (exit 3)", "raise `StepError`", False),
        ("link", "data/link is a link", "write a copy", False),
        ("empty", "'data' is empty", "write its files", False),
        ("name", "can't be named '../outside'", "letters", False),
        ("none", "returned NoneType", "return its `Made`", False),
        ("ValueError", "ValueError: it does not add up", "correct the step", True),
    ],
)
def test_every_trouble_has_what_where_and_cure(
    tmp_path: Path, kind: str, what: str, cure: str, retryable: bool
) -> None:
    """Whatever a step raises becomes one sentence, the place, the cure; nothing half-made is left."""
    failure = execute(tmp_path, "chores:fail", kind=kind, path="/no/such/file")
    assert isinstance(failure, Failure)
    assert what in failure.what
    assert cure in failure.cure
    assert failure.retryable is retryable
    assert "chores" in failure.where
    assert Place(tmp_path / "work", RUN).read_failure() == failure
    assert list((tmp_path / "made" / RUN).parent.iterdir()) == []


def test_every_wrong_parameter_is_named_at_once(tmp_path: Path) -> None:
    """All fields that are wrong, what is wrong and where to correct it; nobody tries that again."""
    failure = execute(tmp_path, "chores:double", values=[], rate="fast", modus="up")
    assert isinstance(failure, Failure)
    for field in ("values:", "rate:", "modus:"):
        assert field in failure.what
    assert "stage chores, chores:double" in failure.where
    assert "`with:`" in failure.cure
    assert not failure.retryable


def test_text_from_a_comment_is_read(tmp_path: Path) -> None:
    """`/rerun values=[1,2] rate=1e-1` brings text; the step gets numbers."""
    product = execute(tmp_path, "chores:double", values="[1, 2]", rate="1e-1", note="null")
    assert isinstance(product, Product)
    assert product.outputs["total"] == 6


def test_a_failed_run_stays_failed(tmp_path: Path) -> None:
    """A run is one attempt: after a failure the same run is refused, exit 1, also where it might work now."""
    order = Order(run=RUN, step="chores:fail")
    first = run_alone(tmp_path, order)
    assert first.returncode == 1
    assert "Traceback" in first.stderr
    again = run_alone(tmp_path, order.model_copy(update={"step": "chores:double", "given": {"values": [1]}}))
    assert again.returncode == 1
    assert not (tmp_path / "made" / RUN).exists()


def test_a_terminated_run_says_so(tmp_path: Path) -> None:
    """SIGTERM ends a run with the failure `stopped`."""
    assert run_alone(tmp_path, Order(run=RUN, step="chores:fail", given={"kind": "stopped"})).returncode == 1
    failure = Place(tmp_path / "work", RUN).read_failure()
    assert failure is not None
    assert failure.what == "stopped"


def test_a_damaged_order_is_a_failure(tmp_path: Path) -> None:
    """An order.json that can't be understood fails the run and is named."""
    order = Order(run=RUN, step="chores:double")
    place_for(tmp_path, order).order.write_text("{")
    assert runner.run(Place(tmp_path / "work", RUN).folder, str(tmp_path / "made"), None) == 1
    failure = Place(tmp_path / "work", RUN).read_failure()
    assert failure is not None
    assert "order.json is damaged" in failure.what


def test_two_attempts_never_work_together(tmp_path: Path) -> None:
    """A runner that is started by hand while another attempt holds the stage's lock refuses."""
    import fcntl

    order = Order(run=RUN, step="chores:double", given={"values": [1]})
    place = place_for(tmp_path, order)
    with place.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run_alone(tmp_path, order).returncode == 1
    failure = place.read_failure()
    assert failure is not None
    assert "another attempt of this stage is still at work" in failure.what


def test_a_limit_on_file_sizes_reads_as_a_full_disk(tmp_path: Path) -> None:
    """A quota that ends a write is told like a full disk."""
    order = Order(run=RUN, step="chores:fail", given={"kind": "fill"})
    roots = os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())])
    command = f"ulimit -f 40; exec {sys.executable} -m steps.runner run {place_for(tmp_path, order).folder}"
    command += f" --artifacts {tmp_path / 'made'}"
    environment = os.environ | {"PYTHONPATH": roots}
    assert subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True).returncode == 1
    failure = Place(tmp_path / "work", RUN).read_failure()
    assert failure is not None
    assert "the disk is full" in failure.what


def _die_at(root: Path, order: Order, artifacts: str, event: int) -> bool:
    """Fork a runner that kills itself at its n-th look at the outside world. Returns whether it got that far."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(name: str, details: object) -> None:
            nonlocal seen
            if name == "open" or name.startswith(("os.", "shutil.")):
                seen += 1
                if seen == event:
                    os.kill(os.getpid(), signal.SIGKILL)

        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.addaudithook(count)
        os._exit(runner.run(Place(root / "work", order.run).folder, artifacts, None))
    _, ending = os.waitpid(child, 0)
    return os.WIFSIGNALED(ending)


@pytest.mark.parametrize("scheme", ["", "local://"])
def test_a_run_killed_anywhere_leaves_nothing_that_looks_finished(tmp_path: Path, scheme: str) -> None:
    """kill -9 at every file operation of the run: it is made or not made, and the next start finishes it.

    `local://` is treated as an object store, where the commit is the last object and not a rename.
    """
    order = Order(run=RUN, step="chores:double", given={"values": [1, 2]})
    execute(tmp_path / "warm", order.step, **order.given)  # what is imported once is no operation of the run
    for event in itertools.count(1):
        root = tmp_path / str(event)
        artifacts, folder = f"{scheme}{root / 'made'}", place_for(root, order).folder
        killed = _die_at(root, order, artifacts, event)
        if (found := open_store(artifacts).product(RUN)) is not None:
            _is_whole(found, root)
        assert killed or found is not None
        assert runner.run(folder, artifacts, None) == 0
        finished = open_store(artifacts).product(RUN)
        assert finished is not None
        _is_whole(finished, root)
        assert not list((root / "made").rglob("*.partial"))
        if not killed:
            break
    assert event > 20


def _is_whole(product: Product, root: Path) -> None:
    data = product.outputs["data"]
    assert isinstance(data, dict)
    folder = verified(str(data["uri"]), str(data["digest"]), root / "cache")
    assert sorted(file.name for file in folder.iterdir()) == ["0.txt", "1.txt"]
