"""An embedded Ray: one head on this machine, on loopback, that outlives the engine and is found again.

Laws: one folder has at most one cluster at work, whoever asks and however often they crash; `stop` ends what this
folder's cluster started and nothing else of Ray on the machine (`ray stop` would end all). Ray's token mode is off in
every process of it, since its parts disagree about the default.
"""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.executors.processes import end, launcher
from orchestrator.executors.workplace import inherited, quoted
from steps.contract import StepError
from steps.life import read_life
from steps.place import write_whole

_MARK = "RATCHET_RAY"
_START = 120.0  # seconds for a head to answer: 4 on a quiet machine
_GRACE = 1.0  # seconds: nothing on it is worth more, and its parts wait for each other
_PORTS = (
    "port", "dashboard-port", "ray-client-server-port", "dashboard-agent-listen-port", "dashboard-agent-grpc-port",
    "metrics-export-port", "node-manager-port", "object-manager-port", "runtime-env-agent-port",
)  # fmt: skip


class Cluster:
    """The cluster of a folder. Its sockets live in a short temporary folder: their names may have 107 characters."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = folder / "cluster.json"
        self.log = folder / "head.log"

    def url(self) -> str | None:
        """The address for submissions, if the cluster is at work."""
        life = read_life(self.folder / "pid")
        return str(self._read()["url"]) if life is not None and life.alive else None

    def start(self) -> str:
        """The address for submissions; starts the cluster unless it is at work. Raises `StepError`, `OSError`."""
        with self._alone():
            url = self.url()
            if url is None:
                self._sweep()
                url = self._spawn()
            self._await(url)
        return url

    def stop(self) -> None:
        """End the cluster and everything on it."""
        if self.folder.is_dir():
            with self._alone():
                self._sweep()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _sweep(self) -> None:
        end([self.folder], _GRACE, _MARK)
        if self.record.exists():
            shutil.rmtree(self._read()["temp"], ignore_errors=True)
        (self.folder / "pid").unlink(missing_ok=True)

    def _spawn(self) -> str:
        ports = _free_ports()
        temp = tempfile.mkdtemp(prefix="ray-")
        url = f"http://127.0.0.1:{ports['dashboard-port']}"
        write_whole(self.record, json.dumps({"url": url, "temp": temp}))
        with self.log.open("wb") as log:
            subprocess.Popen(
                launcher(self.folder, _command(ports, temp)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,
            )
        return url

    def _environment(self) -> dict[str, str]:
        found = inherited(os.environ)
        found.pop("RAY_ADDRESS", None)
        return found | {
            "RAY_AUTH_MODE": "disabled",
            "RAY_USAGE_STATS_ENABLED": "0",
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONPATH": python_path(),
            _MARK: str(self.folder),
        }

    def _await(self, url: str) -> None:
        until = time.monotonic() + _START
        begun = time.monotonic()
        while not _answers(f"{url}/api/jobs/"):
            life = read_life(self.folder / "pid")
            dead = not life.alive if life is not None else time.monotonic() - begun > 5
            if dead or time.monotonic() > until:
                cure = f"read {self.log}, or give the address of a cluster"
                what = "the embedded Ray ended while it started" if dead else "the embedded Ray does not answer"
                what = f"{what}: {quoted(self.log.read_text(errors='replace'), 1)}"
                raise StepError(what, where=str(self.folder), cure=cure, retryable=True)
            time.sleep(0.05)

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.record.read_text())
        return found


def python_path() -> str:
    """Where the engine finds modules, the user's included: the working directory, then PYTHONPATH."""
    return os.pathsep.join(dict.fromkeys([str(Path.cwd()), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]))


def _command(ports: dict[str, int], temp: str) -> list[str]:
    return [
        sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--node-ip-address=127.0.0.1",
        "--dashboard-host=127.0.0.1", "--include-dashboard=true", "--disable-usage-stats", f"--temp-dir={temp}",
        "--min-worker-port=0", "--max-worker-port=0",
        *(f"--{name}={port}" for name, port in ports.items()),
    ]  # fmt: skip


def _free_ports() -> dict[str, int]:
    sockets = {name: socket.socket() for name in _PORTS}
    try:
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in sockets.items()}
    finally:
        for one in sockets.values():
            one.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
