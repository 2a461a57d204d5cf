"""The floor of an approval: one process commits and rings, another wakes and commits. `role`: `engine` or `approver`.

SQLite: a transaction, then a UNIX datagram. PostgreSQL: NOTIFY in the transaction, LISTEN.
"""

import contextlib
import socket
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from protocol import serve, sqlite_file


class Bare:
    """Both ends: `approve` writes a row and rings; who is woken claims it, durably, and remembers when."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._url = wanted["url"]
        self._lite = self._url.startswith("sqlite")
        self._begun: dict[str, float] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._bell = str(Path(sqlite_file(self._url)).parent / "bell") if self._lite else ""
        self._link = self._open()
        if wanted["role"] == "engine":
            with contextlib.suppress(Exception):
                self._execute("CREATE TABLE asked (cycle TEXT PRIMARY KEY, state TEXT)")
            if self._lite:
                self._socket.bind(self._bell)
            ready = threading.Event()
            threading.Thread(target=self._listen, args=(ready,), daemon=True).start()
            ready.wait()

    def facts(self) -> dict[str, Any]:
        return {}

    def _open(self) -> Any:
        if self._lite:
            link = sqlite3.connect(sqlite_file(self._url), isolation_level=None, timeout=20, check_same_thread=False)
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                link.execute(f"PRAGMA {pragma}")
            return link
        import psycopg

        return psycopg.connect(self._url, autocommit=True)

    def _execute(self, *statements: str, cycle: str = "") -> None:
        cursor = self._link.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self._lite else "BEGIN")
        for one in statements:
            cursor.execute(one, (cycle,) if "?" in one or "%s" in one else ())
        cursor.execute("COMMIT")

    def approve(self, cycle: str, digest: str) -> tuple[float, float]:
        start = time.monotonic()
        if self._lite:
            self._execute("INSERT INTO asked VALUES (?, 'asked')", cycle=cycle)
            self._socket.sendto(cycle.encode(), self._bell)
        else:
            self._execute("INSERT INTO asked VALUES (%s, 'asked')", f"NOTIFY bell, '{cycle}'", cycle=cycle)
        return start, time.monotonic()

    def _listen(self, ready: threading.Event) -> None:
        if self._lite:
            ready.set()
            while True:
                self._claim(self._socket.recv(100).decode())
        listening = self._open()
        listening.execute("LISTEN bell")
        ready.set()
        for one in listening.notifies():
            self._claim(one.payload)

    def _claim(self, cycle: str) -> None:
        mark = "?" if self._lite else "%s"
        self._execute(f"UPDATE asked SET state = 'begun' WHERE cycle = {mark} AND state = 'asked'", cycle=cycle)  # noqa: S608
        self._begun[cycle] = time.monotonic()

    def begun(self, cycle: str) -> float | None:
        return self._begun.get(cycle)

    def run(self, steps: int, cycles: int) -> None:
        raise NotImplementedError("it only rings")

    def count(self) -> int:
        return len(self._begun)


def _make(wanted: dict[str, Any]) -> Bare:
    global made
    made = Bare(wanted)
    return made


if __name__ == "__main__":
    made: Bare
    serve(
        _make,
        begun=lambda cycle: made.begun(cycle),
        approve=lambda cycle, digest: made.approve(cycle, digest),
    )
