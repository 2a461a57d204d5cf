"""An engine with cycles that wait at a gate, and their approver in another process: `role` says which."""

import threading
import time
import uuid
from datetime import timedelta
from typing import Any

from protocol import serve

from orchestrator.app import SystemClock
from orchestrator.core.effects import Order
from orchestrator.core.events import ReviewGiven
from orchestrator.core.gate import Clause, Deadline, Gate, Person, Review, Roster, Verdict
from orchestrator.core.model import Pipeline, Stage, State, Trigger
from orchestrator.core.report import Product, Report
from orchestrator.desk import Desk
from orchestrator.engine import Engine
from orchestrator.executors.inline import InlineExecutor
from orchestrator.journal import Journal
from orchestrator.owner import me
from orchestrator.schema import open_database
from orchestrator.store import Store

_NOTHING = Product(report=Report(summary="nothing"))
_GATE = Gate(
    require=(Clause(kind="quorum", count=1, who="@anyone"),),
    deadline=Deadline(after=timedelta(hours=24), remind=timedelta(hours=8)),
)
_STAGES = (
    Stage(name="first", step="bench:noop", executor="inline", gate=_GATE),
    Stage(name="second", step="bench:begun", executor="inline"),
)


class Waiting:
    """An engine; `wait_at_gates` gives it cycles, after which it runs in a thread of its own."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._begun: dict[str, float] = {}
        executor = InlineExecutor({"bench:noop": lambda order: _NOTHING, "bench:begun": self._begin})
        store = Store(open_database(wanted["url"]))
        self._engine = Engine(store, {"inline": executor}, [], SystemClock(), owner=me())

    def facts(self) -> dict[str, Any]:
        return {}

    def _begin(self, order: Order) -> Product:
        self._begun[order.run.split("/")[0]] = time.monotonic()
        return _NOTHING

    def wait_at_gates(self, count: int) -> list[tuple[str, str]]:
        """So many new cycles, all in review: (cycle, digest)."""
        pipeline = Pipeline(name="bench", stages=_STAGES)
        trigger, cycle = self._engine.desk.trigger, self._engine.journal.cycle
        begun = [trigger(pipeline.model_copy(update={"target": f"t{n}"}), Trigger.API)[0].id for n in range(count)]
        waiting: dict[str, str] = {}

        def all_wait() -> bool:
            while len(waiting) < count:
                found = cycle(begun[len(waiting)])
                if found.state is not State.IN_REVIEW or found.opening is None:
                    return False
                waiting[found.id] = found.opening.digest
            return True

        self._engine.run(all_wait)
        threading.Thread(target=self._engine.run, args=(lambda: False,), daemon=True).start()
        return list(waiting.items())

    def begun(self, cycle: str) -> float | None:
        """When (monotonic clock) the cycle's second run began."""
        return self._begun.get(cycle)

    def run(self, steps: int, cycles: int) -> None:
        raise NotImplementedError("it only waits")

    def count(self) -> int:
        return len(self._begun)


class Approver:
    """A process that is no engine, such as a web server: it hands reviews in."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._clock = SystemClock()
        self._desk = Desk(Journal(Store(open_database(wanted["url"]))), self._clock)
        self._by = Person(id="bench", login="bench")

    def facts(self) -> dict[str, Any]:
        return {}

    def approve(self, cycle: str, digest: str) -> tuple[float, float]:
        """When (monotonic clock) the approval was begun, and when it was durable."""
        start, now = time.monotonic(), self._clock.now()
        review = Review(id=str(uuid.uuid4()), by=self._by, verdict=Verdict.APPROVE, about=digest, at=now)
        roster = Roster(members={"@anyone": (self._by.id,)}, uncounted=("@anyone",))
        after = self._desk.submit(cycle, ReviewGiven(at=now, review=review, roster=roster))
        assert getattr(after, "state", None) is State.RUNNING, after
        return start, time.monotonic()

    def run(self, steps: int, cycles: int) -> None:
        raise NotImplementedError("it only approves")

    def count(self) -> int:
        return 0


def _make(wanted: dict[str, Any]) -> Waiting | Approver:
    global made
    made = Waiting(wanted) if wanted["role"] == "engine" else Approver(wanted)
    return made


if __name__ == "__main__":
    made: Any
    serve(
        _make,
        wait_at_gates=lambda count: made.wait_at_gates(count),
        begun=lambda cycle: made.begun(cycle),
        approve=lambda cycle, digest: made.approve(cycle, digest),
    )
