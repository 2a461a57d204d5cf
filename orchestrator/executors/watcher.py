"""One thread that sleeps until a process ends: any process, own child or not. Linux (pidfd).

Law: `wake` is called once for each `add` that returned True: soon after the process has ended, for which nothing is
polled, or when it is in doubt, which is asked now and then.
"""

import os
import selectors
import threading
import time
from collections.abc import Callable

from steps.life import Life


class Watcher:
    """Waits on the pidfds of processes; starts its thread with the first. Asks for doubts every `pulse` seconds."""

    def __init__(self, pulse: float) -> None:
        self._pulse = pulse
        self._lock = threading.Lock()
        self._selector: selectors.BaseSelector | None = None
        self._bell: tuple[int, int] = (-1, -1)
        self._closed = False

    def add(self, life: Life, wake: Callable[[], None], doubtful: Callable[[], bool]) -> bool:
        """Call `wake` when that process has ended or is `doubtful`. False, and no call, when it has ended already."""
        try:
            handle = os.pidfd_open(life.pid)
        except ProcessLookupError:
            return False
        with self._lock:
            if not life.alive or self._closed:  # looked at after the pidfd was had: it can't be a later process's
                os.close(handle)
                return False
            self._ready().register(handle, selectors.EVENT_READ, (wake, doubtful))
            os.write(self._bell[1], b"!")
        return True

    def close(self) -> None:
        """Stop watching; no `wake` is called any more."""
        with self._lock:
            self._closed = True
            if self._selector is not None:
                os.write(self._bell[1], b"!")

    def _ready(self) -> selectors.BaseSelector:
        if self._selector is None:
            self._bell = os.pipe()
            self._selector = selectors.DefaultSelector()
            self._selector.register(self._bell[0], selectors.EVENT_READ)
            threading.Thread(target=self._watch, args=(self._selector,), name="watcher", daemon=True).start()
        return self._selector

    def _watch(self, selector: selectors.BaseSelector) -> None:
        due = time.monotonic() + self._pulse
        while True:
            ready = {key.fd for key, _ in selector.select(max(0.0, due - time.monotonic()))}
            asking = time.monotonic() >= due
            if asking:
                due = time.monotonic() + self._pulse
            with self._lock:
                if self._closed:
                    self._tear_down(selector)
                    return
                if self._bell[0] in ready:
                    os.read(self._bell[0], 65536)
                watched = [key for key in selector.get_map().values() if key.data is not None]
                woken = [key for key in watched if key.fd in ready or (asking and key.data[1]())]
                for key in woken:
                    selector.unregister(key.fd)
            for key in woken:
                os.close(key.fd)
                key.data[0]()

    def _tear_down(self, selector: selectors.BaseSelector) -> None:
        for key in list(selector.get_map().values()):
            os.close(key.fd)
        os.close(self._bell[1])
        selector.close()
