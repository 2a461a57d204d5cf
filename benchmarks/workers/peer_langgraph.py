"""LangGraph: a loop of one no-op node, checkpointed with durability="sync"."""

import sqlite3
import threading
import uuid
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from protocol import rows, serve, sqlite_file


class State(TypedDict):
    """What is checkpointed after each node."""

    at: int
    end: int


def saver(url: str) -> Any:
    """The checkpointer of this database, its tables made."""
    if url.startswith("sqlite"):
        from langgraph.checkpoint.sqlite import SqliteSaver

        link = sqlite3.connect(sqlite_file(url), check_same_thread=False)
        found: Any = SqliteSaver(link)
        found.setup()
        assert link.execute("PRAGMA synchronous").fetchone()[0] == 2
        return found
    import psycopg
    from langgraph.checkpoint.postgres import PostgresSaver
    from psycopg.rows import dict_row

    found = PostgresSaver(psycopg.connect(url, autocommit=True, prepare_threshold=0, row_factory=dict_row))
    found.setup()
    return found


def chain(body: Any, checkpointer: Any) -> Any:
    """A graph that runs `body` until `at` reaches `end`."""
    graph = StateGraph(State)
    graph.add_node("step", body)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: END if state["at"] >= state["end"] else "step", ["step", END])
    return graph.compile(checkpointer=checkpointer)


class Peer:
    """One process that invokes the graph; each cycle is a thread of its own."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._url = wanted["url"]
        self._saver = saver(self._url)
        self._graphs = [chain(lambda state: {"at": state["at"] + 1}, self._saver)]

    def facts(self) -> dict[str, Any]:
        if not self._url.startswith("sqlite"):
            return {}
        return {"journal_mode": self._saver.conn.execute("PRAGMA journal_mode").fetchone()[0]}

    def run(self, steps: int, cycles: int) -> None:
        while len(self._graphs) < cycles:
            own = self._saver if self._url.startswith("sqlite") else saver(self._url)
            self._graphs.append(chain(lambda state: {"at": state["at"] + 1}, own))
        threads = [threading.Thread(target=self._invoke, args=(graph, steps)) for graph in self._graphs[1:cycles]]
        for thread in threads:
            thread.start()
        self._invoke(self._graphs[0], steps)
        for thread in threads:
            thread.join()

    @staticmethod
    def _invoke(graph: Any, steps: int) -> None:
        settings = {"configurable": {"thread_id": str(uuid.uuid4())}, "recursion_limit": steps + 5}
        found = graph.invoke({"at": 0, "end": steps}, settings, durability="sync")
        assert found["at"] == steps

    def count(self) -> int:
        return rows(self._url, "checkpoints")


if __name__ == "__main__":
    serve(Peer)
