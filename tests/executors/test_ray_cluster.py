"""The embedded Ray when it dies: with everything on it, for good, and without harm to the next."""

import os
import signal
import threading
from pathlib import Path

import pytest
from house import House, finish

from orchestrator.core.report import Failure, Product
from orchestrator.executors.ray import RayExecutor
from steps.life import read_life


@pytest.mark.slow
def test_a_cluster_that_dies_takes_its_runs_along(tmp_path: Path) -> None:
    """After kill -9 of the head a run has failed and nothing of it is at work; the next attempt gets a new cluster."""
    house = House(tmp_path, lambda house: None)
    executor = RayExecutor(house.work, house.made)
    try:
        order = house.order(hold=house.pipe("hold"), ready=house.pipe("ready"))
        ended = threading.Event()
        executor.start(order, ended.set)
        house.hear("ready")
        head, run = read_life(executor.cluster.folder / "pid"), read_life(house.place(order).pid)
        assert head is not None
        assert run is not None
        os.kill(head.pid, signal.SIGKILL)
        assert ended.wait(60)
        assert isinstance(executor.look(order), Failure)
        assert not run.alive
        assert finish(executor, order) == executor.look(order)
        assert isinstance(finish(executor, house.order(2)), Product)
        assert house.starts() == 2
        again = read_life(executor.cluster.folder / "pid")
        assert again is not None
        assert again != head
    finally:
        executor.close()
    assert executor.cluster.url() is None


def test_a_cluster_that_can_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure quotes the head's last line, names the folder and has a cure; another attempt may work."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    (tmp_path / "broken" / "ray" / "scripts").mkdir(parents=True)
    (tmp_path / "broken" / "ray" / "__init__.py").write_text("raise SystemExit('no licence for Ray')")
    house = House(tmp_path, lambda house: None)
    executor = RayExecutor(house.work, house.made)
    found = finish(executor, house.order())
    executor.close()
    assert isinstance(found, Failure)
    assert "no licence for Ray" in found.what
    assert found.retryable
