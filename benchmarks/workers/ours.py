"""Ratchet through its public API, with the settings of production: one engine, one journal, steps as functions."""

import itertools
import sys
from typing import Any

from protocol import rows, serve

from orchestrator.app import SystemClock
from orchestrator.core.effects import Order
from orchestrator.core.model import Pipeline, Stage, Trigger
from orchestrator.core.report import Product, Report
from orchestrator.engine import Engine
from orchestrator.executors.inline import InlineExecutor
from orchestrator.owner import me
from orchestrator.schema import open_database
from orchestrator.store import Store

_NOTHING = Product(report=Report(summary="nothing"))


class Ours:
    """An engine that runs cycles of no-op steps in this process."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._url = wanted["url"]
        self.store = Store(open_database(self._url))
        self._done = itertools.count(1)
        self._bodies = 0
        self._executor = InlineExecutor({"bench:noop": self._noop}, threads=0)
        self.engine = Engine(self.store, {"inline": self._executor}, [], SystemClock(), owner=me())

    def _noop(self, order: Order) -> Product:
        self._bodies = next(self._done)
        return _NOTHING

    def facts(self) -> dict[str, Any]:
        link = self.store.database.raw_connection()
        cursor = link.cursor()

        def one(query: str) -> Any:
            cursor.execute(query)
            return cursor.fetchone()[0]

        if self._url.startswith("sqlite"):
            found = (one("PRAGMA journal_mode"), one("PRAGMA synchronous"))
            assert found == ("wal", 2), found
        else:
            found = (one("SHOW synchronous_commit"), one("SHOW fsync"))
            assert found == ("on", "on"), found
        link.close()
        return {}

    def run(self, steps: int, cycles: int) -> None:
        stages = tuple(Stage(name=f"s{number}", step="bench:noop", executor="inline") for number in range(steps))
        pipeline = Pipeline(name="bench", stages=stages)
        target = self._bodies + steps * cycles
        trigger = self.engine.desk.trigger
        begun = [
            trigger(pipeline.model_copy(update={"target": f"t{number}"}), Trigger.API)[0].id for number in range(cycles)
        ]
        self.engine.run(lambda: self._bodies >= target and all(self._ended(cycle) for cycle in begun))

    def _ended(self, cycle: str) -> bool:
        return self.engine.journal.cycle(cycle).state.ended

    def count(self) -> int:
        return rows(self._url, "events")

    def close(self) -> None:
        """Let go of everything, as an application that ends."""
        self.engine.close()
        self._executor.close()
        self.store.close()


def profile(steps: int, cycles: int = 1) -> None:
    """cProfile of one run, on stderr. cProfile sees the engine's own thread alone."""
    import cProfile
    import pstats

    seen = cProfile.Profile()
    seen.runcall(ours.run, steps, cycles)
    pstats.Stats(seen, stream=sys.stderr).sort_stats("tottime").print_stats(45)


def _make(wanted: dict[str, Any]) -> Ours:
    global ours
    ours = Ours(wanted)
    return ours


if __name__ == "__main__":
    ours: Ours
    serve(_make, profile=profile)
