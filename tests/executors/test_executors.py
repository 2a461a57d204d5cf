"""One contract for every executor: a run id is started once, found again, fenced, and ends with a result."""

import os
import signal
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from house import House, finish

from orchestrator.core.report import Failure, Product
from orchestrator.executors.inline import InlineExecutor
from orchestrator.executors.ray import RayExecutor
from orchestrator.ports import Busy, Running
from steps.life import read_life


def test_a_run_started_twice_runs_once(house: House) -> None:
    """Whoever asks however often, the step is called once, everyone is woken, and its product stays."""
    executor, order = house.executor(), house.order(hold=house.pipe("hold"), ready=house.pipe("ready"))
    first, second = threading.Event(), threading.Event()
    executor.start(order, first.set)
    executor.start(order, second.set)
    house.hear("ready")
    assert isinstance(executor.look(order), Running)
    house.release()
    assert first.wait(60)
    assert second.wait(60)
    product = executor.look(order)
    assert isinstance(product, Product)
    assert product.files[0].path == "data/words.txt"
    assert finish(executor, order) == product
    assert house.starts() == 1


def test_a_run_is_adopted_by_another_executor(house: House) -> None:
    """Whoever comes after the caller's death finds the run by its id, and is woken when it ends."""
    order = house.order(hold=house.pipe("hold"), ready=house.pipe("ready"))
    house.executor().start(order, lambda: None)
    house.hear("ready")
    ended = threading.Event()
    second = house.executor()
    second.start(order, ended.set)
    found = second.look(order)
    assert isinstance(found, Running)
    assert found.progress is not None
    assert found.progress.total == 2
    house.release()
    assert ended.wait(60)
    assert isinstance(second.look(order), Product)
    assert house.starts() == 1


def test_a_finished_run_is_adopted(house: House) -> None:
    """What was published before a restart is not made again."""
    order = house.order()
    product = finish(house.executor(), order)
    assert isinstance(product, Product)
    assert finish(house.executor(), order) == product
    assert house.starts() == 1


def test_a_later_attempt_waits_for_the_earlier(house: House) -> None:
    """No two attempts of one stage ever work at the same time, also not of two engines."""
    first, second = house.order(hold=house.pipe("hold"), ready=house.pipe("ready")), house.order(2)
    executor = house.executor()
    ended = threading.Event()
    executor.start(first, ended.set)
    house.hear("ready")
    with pytest.raises(Busy, match=f"{first.run} is still at work"):
        executor.start(second, lambda: None)
    with pytest.raises(Busy, match=f"{first.run} is still at work"):
        house.executor().start(second, lambda: None)
    house.release()
    assert ended.wait(60)
    _end(house, executor, first)
    assert isinstance(finish(executor, second), Product)


def _end(house: House, executor: object, order: object) -> None:
    """The product is there an instant before the process has ended; a later attempt may start after that."""
    life = read_life(house.place(order).pid)  # type: ignore[arg-type]
    if life is not None and life.alive:
        handle = os.pidfd_open(life.pid)
        with suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, handle, os.WEXITED | os.WNOWAIT)
        os.close(handle)


def test_a_stopped_run_never_starts_again(house: House) -> None:
    """`stop` returns when nothing is at work any more, may be said twice, and is remembered."""
    executor, order = house.executor(), house.order(hold=house.pipe("hold"), ready=house.pipe("ready"))
    ended = threading.Event()
    executor.start(order, ended.set)
    house.hear("ready")
    stopping = threading.Thread(target=executor.stop, args=(order,))
    stopping.start()
    if isinstance(executor, InlineExecutor):
        house.release()  # a thread can't be killed: it ends by itself
    stopping.join()
    executor.stop(order)
    assert ended.wait(60)
    assert not isinstance(executor.look(order), Running)
    life = read_life(house.place(order).pid)
    assert life is None or not life.alive
    found = finish(house.executor(), order)
    assert isinstance(found, Product) if isinstance(executor, InlineExecutor) else str(found).startswith("stopped")
    assert house.starts() == 1


def test_a_run_stopped_before_its_start_never_starts(house: House) -> None:
    """A start that comes after the stop refuses, whoever says it."""
    order = house.order()
    house.executor().stop(order)
    found = finish(house.executor(), order)
    assert isinstance(found, Failure)
    assert found.what == "stopped"
    assert not found.retryable
    assert house.starts() == 0


def test_a_run_that_was_never_started_is_not_running(house: House) -> None:
    """Asked about a run that nobody began, an executor says so."""
    found = house.executor().look(house.order())
    assert isinstance(found, Failure)
    assert "never started" in found.what


def test_a_missing_step_is_named(house: House) -> None:
    """An unknown module fails the run with its name and a cure; trying again can't help."""
    found = finish(house.executor(), house.order(step="nowhere.to.be:found"))
    assert isinstance(found, Failure)
    assert "'nowhere'" in found.what
    assert found.cure
    assert not found.retryable


def test_an_unreadable_input_is_named(house: House, tmp_path: Path) -> None:
    """A file that can't be read fails the run with its path, the step's own line and a cure."""
    found = finish(house.executor(), house.order(read=str(tmp_path / "gone.csv")))
    assert isinstance(found, Failure)
    assert str(tmp_path / "gone.csv") in found.what
    assert "errands.py:" in found.where
    assert "check that the path" in found.cure


def test_a_step_says_its_own_failure(house: House) -> None:
    """A `StepError` reaches the planner word for word."""
    found = finish(house.executor(), house.order(refuse="there are no rows"))
    assert found == Failure(
        what="there are no rows", where="the errand", cure="ask for something else", retryable=False
    )


def test_a_work_root_that_is_no_folder_fails_the_run(house: House) -> None:
    """Where the machine refuses, the run fails and says where; the caller is woken."""
    house.work.write_text("in the way")
    found = finish(house.executor(), house.order())
    assert isinstance(found, Failure)
    assert str(house.work) in found.where
    assert found.cure


def test_a_killed_run_is_a_failure_for_good(house: House) -> None:
    """After kill -9 the run has failed, with the last lines of its log; a new attempt may start at once."""
    executor = house.executor()
    if isinstance(executor, InlineExecutor):
        assert isinstance(finish(executor, house.order()), Product)  # it dies with us: nobody is left to be asked
        return
    order = house.order(hold=house.pipe("hold"), ready=house.pipe("ready"), say="half-way through")
    ended = threading.Event()
    executor.start(order, ended.set)
    house.hear("ready")
    life = read_life(house.place(order).pid)
    assert life is not None
    os.kill(life.pid, signal.SIGKILL)
    assert ended.wait(60)
    found = executor.look(order)
    assert isinstance(found, Failure)
    assert "half-way through" in found.what
    assert found.retryable
    assert finish(house.executor(), order) == found
    assert not (house.made / order.run).exists()
    assert isinstance(finish(executor, house.order(2)), Product)
    assert house.starts() == 2


def test_the_embedded_cluster_is_found_again(embedded: RayExecutor) -> None:
    """Another engine with the same work root finds the running cluster instead of starting a second."""
    pid = (embedded.cluster.folder / "pid").read_text()
    again = RayExecutor(embedded.work_root, embedded.artifacts)
    assert again.cluster.start() == embedded.cluster.url()
    assert (again.cluster.folder / "pid").read_text() == pid


def test_a_run_of_another_ratchet_on_the_cluster_is_not_adopted(embedded: RayExecutor, tmp_path: Path) -> None:
    """Two installations may count their cycles alike: what belongs to another artifact root is refused, and named."""
    address = embedded.cluster.url()
    order = House(tmp_path, lambda house: None).order()
    assert isinstance(finish(RayExecutor(tmp_path / "one", tmp_path / "made", address), order), Product)
    found = finish(RayExecutor(tmp_path / "two", tmp_path / "other", address), order)
    assert isinstance(found, Failure)
    assert str(tmp_path / "made") in found.what


def test_a_frozen_run_on_a_cluster_is_ended(embedded: RayExecutor, tmp_path: Path) -> None:
    """Where Ray says for ever that a run is at work, its heartbeat says that it is not."""
    house, address = House(tmp_path, lambda house: None), embedded.cluster.url()
    order = house.order(hold=house.pipe("hold"), ready=house.pipe("ready"))
    RayExecutor(house.work, house.made, address).start(order, lambda: None)
    house.hear("ready")
    life = read_life(house.place(order).pid)
    assert life is not None
    os.kill(life.pid, signal.SIGSTOP)
    found = RayExecutor(house.work, house.made, address, stale=timedelta(0)).look(order)
    assert isinstance(found, Failure)
    assert "no sign of life" in found.what
    assert not life.alive


def test_a_cluster_that_is_not_there_fails_the_start(tmp_path: Path) -> None:
    """A wrong address fails the run with the reason; another attempt may find it."""
    order = House(tmp_path, lambda house: None).order()
    found = finish(RayExecutor(tmp_path / "work", tmp_path / "made", "http://127.0.0.1:9"), order)
    assert isinstance(found, Failure)
    assert found.retryable
