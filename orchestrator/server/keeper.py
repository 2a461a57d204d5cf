"""Threads that a server lives by: each is started and stopped with it, and none dies unseen."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger("ratchet.server")
PATIENCE = 10.0
STUCK = 60.0  # seconds without a turn


class Keeper(Protocol):
    """Something that is started and stopped with the server. If it has a `fault`, that says why it has died."""

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self) -> None:
        """End; returns when it has, or after ten seconds."""


class Watched:
    """A keeper of one thread. `work(stop)` runs until the event is set; `beat` says that it still turns."""

    def __init__(
        self,
        name: str,
        work: Callable[["Watched"], None],
        wake: Callable[[], None] = lambda: None,
        *,
        patience: float = STUCK,
    ) -> None:
        self.name, self._work, self._wake, self._patience = name, work, wake, patience
        self.stopping = threading.Event()
        self._died: str | None = None
        self._beat = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"ratchet-{name}", daemon=True)

    @property
    def fault(self) -> str | None:
        """Why it is of no more use; None while it is."""
        return self._died

    @property
    def stuck(self) -> str | None:
        """That it has not turned for longer than it may."""
        still = time.monotonic() - self._beat
        return f"the {self.name} has not turned for {still:.0f} seconds" if still > self._patience else None

    def beat(self) -> bool:
        """It turns; whether it shall stop."""
        self._beat = time.monotonic()
        return self.stopping.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Tell it to end, and wait for that."""
        self.stopping.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        try:
            self._work(self)
        except BaseException as error:
            log.exception("the %s died", self.name)
            self._died = f"the {self.name} died: {type(error).__name__}"
        else:
            if not self.stopping.is_set():
                self._died = f"the {self.name} ended by itself"
