"""Ratchet in a kill storm: one cycle of errands, and whoever starts this again continues it.

With `"executor": "inline"` steps are functions and die with the engine, as they do in the peers; with `"local"` each is
a process of its own, which a later engine adopts.
"""

import sys
from pathlib import Path
from typing import Any

from errand import errand as do
from protocol import config, sqlite_file

from orchestrator.app import SystemClock
from orchestrator.core.effects import Order
from orchestrator.core.model import Pipeline, Stage, Trigger
from orchestrator.core.report import Product, Report
from orchestrator.engine import Engine
from orchestrator.executors.inline import InlineExecutor
from orchestrator.executors.local import LocalExecutor
from orchestrator.owner import me
from orchestrator.ports import Executor
from orchestrator.schema import open_database
from orchestrator.store import Store


def _inline(order: Order) -> Product:
    do(str(order.given["log"]), int(str(order.given["number"])))
    return Product(report=Report(summary="done"))


def main() -> None:
    """Until the one cycle is done."""
    wanted = config()
    executor = _executor(wanted)
    engine = Engine(Store(open_database(wanted["url"])), {wanted["executor"]: executor}, [], SystemClock(), owner=me())
    stages = tuple(
        Stage(
            name=f"s{number}",
            step="benchmarks.workers.storm_step:errand",
            executor=wanted["executor"],
            with_={"log": wanted["log"], "number": number},
        )
        for number in range(wanted["steps"])
    )
    cycle, _ = engine.desk.trigger(Pipeline(name="storm", stages=stages), Trigger.API, key="storm")
    end: list[str] = []

    def ended() -> bool:
        found = engine.journal.cycle(cycle.id)
        if found.state.ended or found.state == "failed":
            end.append(f"{found.state} {found.reason}".strip())
        return bool(end)

    engine.run(ended)
    engine.close()
    sys.exit(0 if end == ["done"] else f"the cycle ended as {end}")


def _executor(wanted: dict[str, Any]) -> Executor:
    if wanted["executor"] == "inline":
        return InlineExecutor({"benchmarks.workers.storm_step:errand": _inline})
    folder = Path(wanted["log"]).parent
    assert sqlite_file(wanted["url"])
    return LocalExecutor(folder / "work", folder / "artifacts")


if __name__ == "__main__":
    main()
