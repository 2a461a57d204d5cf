"""Group commit: many threads submit, one at a time writes for all that wait, in one transaction.

While one transaction is being synced to disk the next entries gather; the thread that gets the pen then writes them
together, so that the cost of a sync is shared without a thread or a delay of its own.
"""

import threading
import time
from collections.abc import Callable, Sequence

from orchestrator.core.machine import NotNow
from orchestrator.journal import Committed, Entry
from orchestrator.store import Unavailable

Answers = list[Committed | NotNow]


class _Ticket:
    """Some entries, and in the end their answers or the error that befell them."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.answers: Answers | None = None
        self.error: Exception | None = None


class Commits:
    """`write(entries)` for any number of threads; `commit` is what writes a whole group."""

    def __init__(self, commit: Callable[[Sequence[Entry]], Answers]) -> None:
        self._commit = commit
        self._waiting: list[_Ticket] = []
        self._gather = threading.Lock()
        self._pen = threading.Lock()

    def write(self, entries: Sequence[Entry], patience: float = 30.0) -> Answers:
        """The answers, in order. While the database is away it tries again for `patience` seconds, then raises
        `Unavailable`; what is submitted again after that does no harm.
        """
        wait, end = 0.02, time.monotonic() + patience
        while True:
            ticket = self._once(entries)
            if ticket.error is None and ticket.answers is not None:
                return ticket.answers
            if not isinstance(ticket.error, Unavailable) or time.monotonic() + wait > end:
                raise ticket.error or AssertionError("a ticket without answers")
            time.sleep(wait)
            wait = min(wait * 2, 1.0)

    def _once(self, entries: Sequence[Entry]) -> _Ticket:
        ticket = _Ticket(entries)
        with self._gather:
            self._waiting.append(ticket)
        with self._pen:
            if ticket.answers is None and ticket.error is None:
                with self._gather:
                    group, self._waiting = self._waiting, []
                self._write(group)
        return ticket

    def _write(self, group: list[_Ticket]) -> None:
        try:
            answers = self._commit([entry for ticket in group for entry in ticket.entries])
        except Exception as error:
            if len(group) == 1 or isinstance(error, Unavailable):
                for ticket in group:
                    ticket.error = error
                return
            for ticket in group:  # one of them is at fault: each for itself
                self._write([ticket])
            return
        except BaseException as error:  # this thread is told to end; the others need not
            for ticket in group:
                ticket.error = Unavailable(error)
            raise
        for ticket in group:
            count = len(ticket.entries)
            ticket.answers, answers = answers[:count], answers[count:]
