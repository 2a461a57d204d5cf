"""DBOS: a workflow of no-op steps. `wal` sets the SQLite file to write-ahead logging, which DBOS does not by itself."""

import os
import sqlite3
from typing import Any

from dbos import DBOS, DBOSConfig
from protocol import rows, serve, sqlite_file


@DBOS.step()
def noop(number: int) -> int:
    return number


@DBOS.workflow()
def chain(steps: int) -> int:
    for number in range(steps):
        noop(number)
    return steps


def launch(url: str, *, wal: bool = False) -> None:
    """DBOS on this database, its polling as it ships."""
    if wal:
        with sqlite3.connect(sqlite_file(url)) as link:
            link.execute("PRAGMA journal_mode=WAL")
    os.environ.pop("DBOS_SYSTEM_DATABASE_URL", None)
    settings = DBOSConfig(name="bench", system_database_url=url, log_level="ERROR", run_admin_server=False)
    DBOS(config=settings)
    DBOS.launch()


class Peer:
    """One process that runs workflows."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._url = wanted["url"]
        launch(self._url, wal=wanted.get("wal", False))

    def facts(self) -> dict[str, Any]:
        if not self._url.startswith("sqlite"):
            return {}
        with sqlite3.connect(sqlite_file(self._url)) as link:
            return {"journal_mode": link.execute("PRAGMA journal_mode").fetchone()[0]}

    def run(self, steps: int, cycles: int) -> None:
        if cycles == 1:
            assert chain(steps) == steps
            return
        begun = [DBOS.start_workflow(chain, steps) for _ in range(cycles)]
        assert [one.get_result(polling_interval_sec=0.01) for one in begun] == [steps] * cycles

    def count(self) -> int:
        return rows(self._url, "operation_outputs" if self._url.startswith("sqlite") else "dbos.operation_outputs")

    def close(self) -> None:
        DBOS.destroy()


if __name__ == "__main__":
    serve(Peer)
