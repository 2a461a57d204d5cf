"""The work of a kill storm: it says when it begins and when it has ended, in a file that survives everybody."""

import os
import time
from pathlib import Path

SECONDS = 0.05


def errand(log: str, number: int) -> None:
    """50 ms of work; `begin NUMBER PID TIME` and `end NUMBER PID TIME` (monotonic clock) are appended to the log."""
    _say(log, "begin", number)
    time.sleep(SECONDS)
    _say(log, "end", number)


def _say(log: str, what: str, number: int) -> None:
    with Path(log).open("ab", buffering=0) as file:  # one write: nobody's line is torn
        file.write(f"{what} {number} {os.getpid()} {time.monotonic()}\n".encode())
