"""Virtual environments for the peers, made once under a cache folder. What can't be made is said, and skipped.

Law: nothing is installed into the environment that runs the benchmark.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

DEFAULT = Path("~/.cache/ratchet-bench").expanduser()
_DRIVER = "psycopg[binary]==3.3.9"
PEERS = {
    "dbos": ("dbos==3.4.0", _DRIVER),
    "langgraph": (
        "langgraph==1.2.22",
        "langgraph-checkpoint-sqlite==3.1.2",
        "langgraph-checkpoint-postgres==3.2.0",
        _DRIVER,
    ),
    "burr": ("burr==0.42.0",),
    "prefect": ("prefect==3.8.8", "fastapi==0.139.2"),
}
_INSTALL = 900  # seconds
_VERSIONS = """
import importlib.metadata as m, json, sys
print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))
"""


class Environment(NamedTuple):
    """A peer's interpreter, and what is installed for it."""

    python: Path
    versions: dict[str, str]


def ensure(peer: str, folder: Path) -> Environment | str:
    """The environment of this peer, made if need be; or why there is none."""
    place = folder / peer
    python, stamp = place / "bin" / "python", place / "installed.json"
    wanted = list(PEERS[peer])
    try:
        if not stamp.exists() or json.loads(stamp.read_text()) != wanted:
            print(f"making the environment of {peer} in {place} …", file=sys.stderr, flush=True)
            _make(place, wanted)
            stamp.write_text(json.dumps(wanted))
        return Environment(python, _versions(python, wanted))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        return " ".join(said.strip().splitlines()[-1:])[:300] or type(error).__name__


def _make(place: Path, wanted: list[str]) -> None:
    """Install these versions, or the nearest: of the same minor release, then any."""
    _call([sys.executable, "-m", "venv", "--clear", str(place)])
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    near = [_loosened(one) for one in wanted]
    for requirements in (wanted, near, [one.partition("=")[0] for one in wanted]):
        try:
            _call([*pip, *requirements])
        except subprocess.CalledProcessError:
            if requirements != wanted and requirements != near:
                raise
        else:
            return


def _loosened(requirement: str) -> str:
    name, _, version = requirement.partition("==")
    return f"{name}=={version.rpartition('.')[0]}.*"


def _versions(python: Path, wanted: list[str]) -> dict[str, str]:
    names = [one.partition("=")[0].partition("[")[0] for one in wanted]
    found: dict[str, str] = json.loads(_call([str(python), "-c", _VERSIONS, *names]))
    return found


def _call(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL).stdout


if __name__ == "__main__":
    for one in sys.argv[1:] or PEERS:
        print(one, ensure(one, DEFAULT))
