"""Wakes engines in other processes the moment there is something to do. A lost ring costs one short poll, never work.

On PostgreSQL a ring is a NOTIFY inside the transaction (see `journal`); on SQLite it is an empty datagram to every
socket in a folder that belongs to the database file.
"""

import contextlib
import hashlib
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

CHANNEL = "ratchet"


class Bell:
    """Rings other processes, and, once `hang` was called, calls back when another process rings."""

    def __init__(self, database: Engine) -> None:
        self._url = database.url
        self._postgres = database.dialect.name == "postgresql"
        self._stop = threading.Event()
        self._own: Path | None = None
        self._socket: socket.socket | None = None
        self._sender: socket.socket | None = None
        self._link: Any = None
        self._wake: Callable[[], None] = lambda: None

    def ring(self) -> None:
        """Wake every engine that hangs on the same SQLite file, ours too. On PostgreSQL the commit itself did it."""
        if self._postgres:
            return
        self._wake()
        with contextlib.suppress(OSError):
            if self._sender is None:
                self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._sender.setblocking(False)
            for path in self._folder.iterdir():
                if path != self._own:
                    self._send(self._sender, path)

    @staticmethod
    def _send(sender: socket.socket, path: Path) -> None:
        try:
            sender.sendto(b"", str(path))
        except ConnectionRefusedError:  # its engine is gone
            path.unlink(missing_ok=True)
        except OSError:  # its queue is full: it will wake anyhow
            pass

    def hang(self, wake: Callable[[], None]) -> None:
        """Call `wake` from a thread of its own whenever another process rings, until `close`."""
        self._wake = wake
        listen = self._listen_postgres if self._postgres else self._listen_socket
        if not self._postgres:
            self._bind()
        threading.Thread(target=listen, args=(wake,), name="ratchet-bell", daemon=True).start()

    def close(self) -> None:
        """Hang no more."""
        self._stop.set()
        if self._own is not None:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"", str(self._own))
            self._own.unlink(missing_ok=True)
        if self._link is not None:
            with contextlib.suppress(Exception):
                self._link.close()

    @cached_property
    def _folder(self) -> Path:
        """Of this user and this database file; short, since a socket's path may have 107 bytes at most."""
        name = hashlib.sha256(str(Path(self._url.database or "").resolve()).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"ratchet-{os.getuid()}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to somebody else")
        return folder

    def _bind(self) -> None:
        with contextlib.suppress(OSError):  # without a bell the short poll still finds everything
            self._own = self._folder / f"{os.getpid()}-{id(self):x}"
            self._own.unlink(missing_ok=True)
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.bind(str(self._own))

    def _listen_socket(self, wake: Callable[[], None]) -> None:
        if self._socket is None:
            return
        while True:
            self._socket.recv(1)
            if self._stop.is_set():
                self._socket.close()
                return
            wake()

    def _listen_postgres(self, wake: Callable[[], None]) -> None:
        import psycopg

        address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not self._stop.is_set():
            try:
                with psycopg.connect(address, autocommit=True, connect_timeout=10) as self._link:
                    self._link.execute(f"LISTEN {CHANNEL}")
                    wake()  # whatever was rung before we listened
                    for _ in self._link.notifies():
                        wake()
            except (psycopg.Error, OSError):
                self._stop.wait(0.25)
