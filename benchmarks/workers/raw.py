"""The control: what a durable transition costs the database itself, with nothing around it.

A transition is BEGIN (IMMEDIATE); UPDATE run … WHERE version = ?; INSERT event; COMMIT. `threads`: each cycle has its
own connection and thread. `batch`: the transitions of all cycles share one commit, which is the physical limit.
"""

import sqlite3
import threading
from typing import Any

from protocol import rows, serve, sqlite_file

_BODY = "y" * 100


class Lite:
    """One connection to SQLite, WAL, synchronous=FULL."""

    def __init__(self, url: str) -> None:
        self.link = sqlite3.connect(sqlite_file(url), isolation_level=None, timeout=60, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self.link.execute(f"PRAGMA {pragma}")
        self.link.execute("CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY, version INTEGER, state TEXT)")
        self.link.execute("CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, run INTEGER, body TEXT)")

    def facts(self) -> dict[str, Any]:
        journal = self.link.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = self.link.execute("PRAGMA synchronous").fetchone()[0]
        assert (journal, synchronous) == ("wal", 2)
        return {"sqlite": sqlite3.sqlite_version, "journal_mode": journal, "synchronous": synchronous}

    def add(self) -> int:
        return int(self.link.execute("INSERT INTO run (version, state) VALUES (0, '') RETURNING id").fetchone()[0])

    def transit(self, runs: list[int], version: int) -> None:
        execute = self.link.execute
        execute("BEGIN IMMEDIATE")
        for run in runs:
            done = execute("UPDATE run SET version=?, state='x' WHERE id=? AND version=?", (version + 1, run, version))
            assert done.rowcount == 1
            execute("INSERT INTO event (run, body) VALUES (?, ?)", (run, _BODY))
        execute("COMMIT")


class Postgres:
    """One connection to PostgreSQL, synchronous_commit=on, fsync=on."""

    def __init__(self, url: str) -> None:
        import psycopg

        self.link = psycopg.connect(url)
        with self.link.transaction():
            self.link.execute("SELECT pg_advisory_xact_lock(1)")
            self.link.execute("CREATE TABLE IF NOT EXISTS run (id SERIAL PRIMARY KEY, version INTEGER, state TEXT)")
            self.link.execute("CREATE TABLE IF NOT EXISTS event (id SERIAL PRIMARY KEY, run INTEGER, body TEXT)")

    def facts(self) -> dict[str, Any]:
        names = ("server_version", "synchronous_commit", "fsync")
        found = {name: self._one(f"SHOW {name}") for name in names}
        assert (found["synchronous_commit"], found["fsync"]) == ("on", "on")
        return {"postgres": found.pop("server_version"), **found}

    def _one(self, query: str) -> Any:
        with self.link.transaction():
            found = self.link.execute(query).fetchone()  # type: ignore[arg-type]
        return found[0] if found else None

    def add(self) -> int:
        return int(self._one("INSERT INTO run (version, state) VALUES (0, '') RETURNING id"))

    def transit(self, runs: list[int], version: int) -> None:
        cursor = self.link.cursor()
        for run in runs:
            cursor.execute(
                "UPDATE run SET version=%s, state='x' WHERE id=%s AND version=%s", (version + 1, run, version)
            )
            assert cursor.rowcount == 1
            cursor.execute("INSERT INTO event (run, body) VALUES (%s, %s)", (run, _BODY))
        self.link.commit()


class Raw:
    """Transitions in a loop."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._url, self._mode = wanted["url"], wanted.get("mode", "one")
        self._open = Lite if self._url.startswith("sqlite") else Postgres
        self._links = [self._open(self._url)]

    def facts(self) -> dict[str, Any]:
        return self._links[0].facts()

    def run(self, steps: int, cycles: int) -> None:
        first = self._links[0]
        runs = [first.add() for _ in range(cycles)]
        if self._mode == "threads":
            while len(self._links) < cycles:
                self._links.append(self._open(self._url))
            pairs = zip(self._links, runs, strict=False)
            threads = [threading.Thread(target=self._walk, args=(link, [run], steps)) for link, run in pairs]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        elif self._mode == "batch":
            self._walk(first, runs, steps)
        else:
            for run in runs:
                self._walk(first, [run], steps)

    def count(self) -> int:
        return rows(self._url, "event")

    @staticmethod
    def _walk(link: Lite | Postgres, runs: list[int], steps: int) -> None:
        for version in range(steps):
            link.transit(runs, version)


if __name__ == "__main__":
    serve(Raw)
