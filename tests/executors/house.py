"""A house for an executor: roots of its own, pipes to talk with its runs, orders that no other test has."""

import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator.core.effects import Order
from orchestrator.core.report import Failure, Product
from orchestrator.executors.inline import InlineExecutor
from orchestrator.executors.local import LocalExecutor
from orchestrator.ports import Executor, Running
from steps.place import Place

_cycles = itertools.count(1)


class House:
    """Where the executors of one test live."""

    def __init__(self, root: Path, make: Callable[["House"], Any]) -> None:
        self.root = root
        self.work = root / "work"
        self.made = root / "made"
        self.tally = root / "tally"
        self.cycle = f"c-{os.getpid()}-{next(_cycles)}"
        self._make = make
        self._built: list[Any] = []

    def executor(self) -> Executor:
        """A new executor object on the same roots, as after a restart of the engine."""
        self._built.append(self._make(self))
        built: Executor = self._built[-1]
        return built

    def order(self, attempt: int = 1, *, step: str = "errands:errand", **given: Any) -> Order:
        run = f"{self.cycle}/errand/{attempt}"
        resources = given.pop("resources", {})
        return Order(run=run, step=step, given={"tally": str(self.tally)} | given, resources=resources)

    def pipe(self, name: str) -> str:
        path = self.root / name
        if not path.exists():
            os.mkfifo(path)
        return str(path)

    def hear(self, name: str) -> str:
        """Wait until a run says something through the pipe."""
        return Path(self.pipe(name)).read_text()

    def release(self, name: str = "hold") -> None:
        """Let a run go on that waits at the pipe."""
        Path(self.pipe(name)).write_text("go")

    def place(self, order: Order) -> Place:
        return Place(self.work, order.run)

    def starts(self) -> int:
        return len(self.tally.read_text().splitlines()) if self.tally.exists() else 0

    def close(self) -> None:
        for built in self._built:
            if isinstance(built, LocalExecutor | InlineExecutor):
                built.close()


def finish(executor: Executor, order: Order) -> Product | Failure:
    """Start the run (or adopt it) and wait to be woken."""
    ended = threading.Event()
    executor.start(order, ended.set)
    assert ended.wait(120), "nobody was woken"
    found = executor.look(order)
    assert not isinstance(found, Running)
    return found
