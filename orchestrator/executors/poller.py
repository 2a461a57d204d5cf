"""One thread that asks after things whose end nobody announces.

Law: `wake` is called once for each `add`, at most about a second after the end; with nothing to ask after, it sleeps.
"""

import threading
from collections.abc import Callable

_FIRST = 0.05  # seconds
_LAST = 1.0


class Poller:
    """Asks `has_ended(name)` more and more seldom; starts its thread with the first name."""

    def __init__(self, has_ended: Callable[[str], bool]) -> None:
        self._has_ended = has_ended
        self._changed = threading.Condition()
        self._wakes: dict[str, list[Callable[[], None]]] = {}
        self._pause = _FIRST
        self._begun = False
        self._closed = False

    def add(self, name: str, wake: Callable[[], None]) -> None:
        """Call `wake` when `name` has ended."""
        with self._changed:
            self._wakes.setdefault(name, []).append(wake)
            self._pause = _FIRST
            if not self._begun:
                self._begun = True
                threading.Thread(target=self._ask, name="poller", daemon=True).start()
            self._changed.notify()

    def close(self) -> None:
        """Ask no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _ask(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._wakes)
                self._changed.wait(self._pause)
                if self._closed:
                    return
                self._pause = min(self._pause * 1.5, _LAST)
                names = list(self._wakes)
            for name in names:
                if self._ended(name):
                    with self._changed:
                        wakes = self._wakes.pop(name, [])
                    for wake in wakes:
                        wake()

    def _ended(self, name: str) -> bool:
        try:
            return self._has_ended(name)
        except Exception:  # what can't be asked now is asked again
            return False
