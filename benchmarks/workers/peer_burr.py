"""Burr: a loop of one no-op action, its state kept by SQLitePersister after each."""

import sqlite3
import threading
import uuid
from typing import Any

from burr.core import ApplicationBuilder, State, action, expr
from burr.core.persistence import SQLitePersister
from protocol import rows, serve, sqlite_file


@action(reads=["at"], writes=["at"])
def step(state: State) -> State:
    return state.update(at=state["at"] + 1)


@action(reads=["at"], writes=["at"])
def last(state: State) -> State:
    return state.update(at=state["at"] + 1)


class Peer:
    """One process that runs applications; each cycle is one, with a connection of its own."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._url = wanted["url"]
        self._kept = [self._persister()]

    def _persister(self) -> SQLitePersister:
        settings = {"check_same_thread": False, "timeout": 60}
        found = SQLitePersister(db_path=sqlite_file(self._url), table_name="kept", connect_kwargs=settings)
        found.initialize()
        return found

    def facts(self) -> dict[str, Any]:
        with sqlite3.connect(sqlite_file(self._url)) as link:
            return {name: link.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}

    def run(self, steps: int, cycles: int) -> None:
        while len(self._kept) < cycles:
            self._kept.append(self._persister())
        threads = [threading.Thread(target=self._walk, args=(kept, steps)) for kept in self._kept[1:cycles]]
        for thread in threads:
            thread.start()
        self._walk(self._kept[0], steps)
        for thread in threads:
            thread.join()

    @staticmethod
    def _walk(kept: SQLitePersister, steps: int) -> None:
        application = (
            ApplicationBuilder()
            .with_actions(step=step, last=last)
            .with_transitions(("step", "last", expr(f"at >= {steps - 1}")), ("step", "step"))
            .with_state(at=0)
            .with_entrypoint("step")
            .with_identifiers(app_id=str(uuid.uuid4()), partition_key="bench")
            .with_state_persister(kept)
            .build()
        )
        _, _, state = application.run(halt_after=["last"])
        assert state["at"] == steps

    def count(self) -> int:
        return rows(self._url, "kept")


if __name__ == "__main__":
    serve(Peer)
