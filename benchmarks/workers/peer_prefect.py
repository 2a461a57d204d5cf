"""Prefect: a flow of no-op tasks, on a server that the process starts for itself ("ephemeral")."""

import os
import time
from pathlib import Path
from typing import Any

from protocol import config, rows, serve, sqlite_file

_FOLDER = Path(sqlite_file(config()["url"])).parent
os.environ |= {
    "PREFECT_HOME": str(_FOLDER / "home"),
    "PREFECT_API_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:///" + sqlite_file(config()["url"]),
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "DO_NOT_TRACK": "1",
}
os.environ.pop("PREFECT_API_URL", None)

from prefect import flow, task  # noqa: E402 - it reads its settings when it is imported


@task
def noop(number: int) -> int:
    return number


@flow
def chain(steps: int) -> int:
    for number in range(steps):
        noop(number)
    return steps


class Peer:
    """One process that runs flows, one after another."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._url = wanted["url"]

    def facts(self) -> dict[str, Any]:
        return {}

    def run(self, steps: int, cycles: int) -> None:
        for _ in range(cycles):
            assert chain(steps) == steps

    def count(self) -> int:
        """Its tasks are recorded some time after they ran."""
        found, until = -1, time.monotonic() + 30
        while (now := rows(self._url, "task_run")) != found and time.monotonic() < until:
            found = now
            time.sleep(3)
        return found


if __name__ == "__main__":
    serve(Peer)
