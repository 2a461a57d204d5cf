"""Functions as runs: nothing but a call in a thread, under the same promises."""

import threading
from pathlib import Path

import pytest
from house import finish

from orchestrator.core.effects import Order
from orchestrator.core.report import Failure, Product, Report
from orchestrator.executors.inline import InlineExecutor
from orchestrator.ports import Busy, Running
from steps.contract import StepError

DONE = Product(report=Report(summary="Done."))


def order(attempt: int = 1, step: str = "body") -> Order:
    return Order(run=f"c-000001/stage/{attempt}", step=step)


def test_a_function_is_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is called once with the order, its result stays, and no file is written anywhere."""
    monkeypatch.chdir(tmp_path)
    seen: list[Order] = []

    def body(given: Order) -> Product:
        seen.append(given)
        return DONE

    executor = InlineExecutor({"body": body})
    assert finish(executor, order()) is DONE
    assert finish(executor, order()) is DONE
    assert seen == [order()]
    assert list(tmp_path.iterdir()) == []
    executor.close()


def test_attempts_of_functions_wait_for_each_other() -> None:
    """A later attempt is refused while the earlier is at work."""
    gate, ended = threading.Event(), threading.Event()

    def body(given: Order) -> Product:
        gate.wait()
        return DONE

    executor = InlineExecutor({"body": body})
    executor.start(order(), ended.set)
    assert isinstance(executor.look(order()), Running)
    with pytest.raises(Busy, match="c-000001/stage/1 is still at work"):
        executor.start(order(2), lambda: None)
    gate.set()
    assert ended.wait(60)
    assert finish(executor, order(2)) is DONE


def test_a_stopped_function_is_never_called() -> None:
    """Stopped before it was started, a run has failed for good."""
    executor = InlineExecutor({"body": lambda given: DONE})
    executor.stop(order())
    assert str(finish(executor, order())).startswith("stopped")


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (StepError("no rows", cure="add some"), "no rows"),
        (KeyError("x"), "KeyError: 'x'"),
        (SystemExit(2), "SystemExit: 2"),
    ],
)
def test_what_a_function_raises_is_a_failure(error: BaseException, what: str) -> None:
    """Whatever it raises, the run ends with a failure and the thread lives on."""

    def body(given: Order) -> Product:
        raise error

    executor = InlineExecutor({"body": body}, threads=1)
    for attempt in (1, 2):
        found = finish(executor, order(attempt))
        assert isinstance(found, Failure)
        assert found.what == what
        assert found.cure


def test_a_step_without_a_function_is_named() -> None:
    """Without folders only its functions can be run: the failure names those."""
    found = finish(InlineExecutor({"body": lambda given: DONE}), order(step="other"))
    assert isinstance(found, Failure)
    assert "no function for other" in found.what
    assert "body" in found.cure


def test_without_threads_a_function_works_in_the_thread_that_starts_it() -> None:
    """When `start` returns the run has ended, was called once, and has rung for everyone who started it."""
    seen: list[int] = []
    rung: list[str] = []

    def body(given: Order) -> Product:
        seen.append(threading.get_ident())
        return DONE

    executor = InlineExecutor({"body": body}, threads=0)
    executor.start(order(), lambda: rung.append("one"))
    executor.start(order(), lambda: rung.append("two"))
    assert executor.look(order()) is DONE
    assert seen == [threading.get_ident()]
    assert rung == ["one", "two"]
    executor.stop(order(2))
    executor.start(order(2), lambda: rung.append("three"))
    assert isinstance(executor.look(order(2)), Failure)
    assert len(seen) == 1
    executor.close()
