"""The inbox's slot: many deliveries in one transaction, so that each waits for one sync to disk and not for all.

Laws: a delivery that was answered is on disk; what is stored twice is stored once.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from orchestrator.store import Store, Unavailable

log = logging.getLogger("ratchet.server.inbox")
MOST = 500  # deliveries in one transaction
PATIENCE = 5.0  # seconds that a database may be away before the sender is told


class Letter(NamedTuple):
    """A delivery to be stored."""

    source: str
    delivery: str
    body: bytes
    received_at: int


class _Waiting(NamedTuple):
    letter: Letter
    answer: "asyncio.Future[bool]"
    since: float


def receive_all(store: Store, letters: Sequence[Letter]) -> list[bool]:
    """Store them in one transaction; of each, whether it is new."""

    def body(cursor: Any) -> list[bool]:
        new = [store.run(cursor, "inbox_insert", **letter._asdict()).fetchone() is not None for letter in letters]
        store.notify(cursor)
        return new

    return store.transaction(body)


class Mailbox:
    """One thread that writes for all who deliver. `told` is called after each transaction that stored something new."""

    def __init__(self, store: Store, told: Callable[[], None] = lambda: None) -> None:
        self._store = (
            Store(store.database) if store.notifies else store
        )  # SQLite has one writer, and it is taken in turn
        self._own = store.notifies
        self._told = told
        self._bell = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="ratchet-inbox", daemon=True)
        self.fault: str | None = None

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is waiting, and end."""
        with self._bell:
            self._stopping = True
            self._bell.notify()
        self._thread.join(PATIENCE * 2)

    async def put(self, letter: Letter) -> bool:
        """Whether it is new; it is on disk then. Raises `Unavailable`."""
        waiting = _Waiting(letter, asyncio.get_running_loop().create_future(), time.monotonic())
        with self._bell:
            if self._stopping or self.fault is not None:
                raise Unavailable(RuntimeError("the server is stopping"))
            self._waiting.append(waiting)
            self._bell.notify()
        return await waiting.answer

    def _work(self) -> None:
        try:
            while True:
                with self._bell:
                    while not self._waiting and not self._stopping:
                        self._bell.wait()
                    if not self._waiting:
                        return
                    group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                self._write(group)
        except BaseException as error:
            self.fault = f"the inbox's thread died: {error}"
            raise

    def _write(self, group: list[_Waiting]) -> None:
        while True:
            try:
                new = receive_all(self._store, [one.letter for one in group])
            except Unavailable as error:
                late = time.monotonic() - PATIENCE
                if self._stopping or any(one.since < late for one in group):
                    log.warning("%d deliveries were not stored, and their senders are told so: %s", len(group), error)
                    _answer(group, [error] * len(group))
                    return
                time.sleep(0.05)
            else:
                _answer(group, new)
                if any(new):
                    self._told()
                return


def _answer(group: Sequence[_Waiting], answers: Sequence[bool | Unavailable]) -> None:
    """Each its own, in one call to the loop that they all wait in."""

    def tell() -> None:
        for one, answer in zip(group, answers, strict=True):
            if one.answer.done():
                continue
            if isinstance(answer, Unavailable):
                one.answer.set_exception(answer)
            else:
                one.answer.set_result(answer)

    loop = group[0].answer.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(tell)
