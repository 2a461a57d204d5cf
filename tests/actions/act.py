"""Workflows run for real: `act` on this machine itself, without containers, without the network, in an empty home."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composite import ROOT, TOKEN
from small_server import SmallServer

PIN = "a" * 40
NEEDED = ("orchestrator/__init__.py", "orchestrator/client.py", "orchestrator/trouble.py")


@dataclass
class Ran:
    """A finished workflow: whether it went well, and all that it printed."""

    code: int
    printed: str

    @property
    def jobs(self) -> int:
        """How many jobs ran to their end."""
        return self.printed.count("🏁")


def git(folder: Path, *words: str) -> str:
    """git in a folder, as somebody whom no configuration knows."""
    who = ["-c", "user.name=alice", "-c", "user.email=alice@users.invalid", "-c", "init.defaultBranch=main"]
    call = [shutil.which("git") or "git", "-C", str(folder), *who, *words]
    return subprocess.run(call, check=True, capture_output=True, text=True).stdout.strip()


def committed(folder: Path) -> str:
    """The folder as a repository with one commit: its id."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all of it")
    return git(folder, "rev-parse", "HEAD")


class Repository:
    """A user's repository as `ratchet init` leaves it, and the actions that its workflows use, in bare folders."""

    def __init__(self, folder: Path, server: SmallServer, network: SmallServer) -> None:
        self.folder, self.home, self.actions = folder / "reviews", folder / "home", folder / "ratchet"
        self.server, self.network = server, network
        self.home.mkdir()
        shutil.copytree(ROOT / "gh_actions", self.actions / "gh_actions", ignore=shutil.ignore_patterns("__pycache__"))
        (self.actions / "orchestrator").mkdir()
        for file in NEEDED:
            shutil.copy(ROOT / file, self.actions / file)
        self.init(f"octo/ratchet@{PIN}")

    def init(self, actions: str) -> None:
        """`ratchet init`, its workflows pinned to this commit of the actions."""
        call = [sys.executable, "-m", "orchestrator", "init", str(self.folder), "--force"]
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "RATCHET_ACTIONS": actions}
        subprocess.run(call, check=True, capture_output=True, env=env)
        shutil.rmtree(self.folder / ".git", ignore_errors=True)
        committed(self.folder)

    def act(
        self, workflow: str, event: str, *, payload: Any = None, inputs: dict[str, str] | None = None,
        env: dict[str, str] | None = None, variables: dict[str, str] | None = None, pin: str = PIN,
    ) -> Ran:  # fmt: skip
        """Let this event happen to one workflow."""
        variables = {"RATCHET_SERVER": self.server.url} if variables is None else variables
        given = {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.server.url}/oidc?v=1",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN,
            "RATCHET_PAUSE": "0.01",
            "PWNED": str(self.home / "pwned"),
        }
        options = [f"--env={name}={value}" for name, value in (given | (env or {})).items()]
        options += [f"--var={name}={value}" for name, value in variables.items()]
        options += [f"--input={name}={value}" for name, value in (inputs or {}).items()]
        if payload is not None:
            (self.home / "event.json").write_text(json.dumps(payload))
            options.append(f"--eventpath={self.home / 'event.json'}")
        return self._run(event, f".github/workflows/{workflow}.yml", options, pin)

    def _run(self, event: str, workflow: str, options: list[str], pin: str) -> Ran:
        call = [
            str(Path(sys.executable).with_name("act")), event, "-W", workflow, "-P", "ubuntu-latest=-self-hosted",
            "--local-repository", f"octo/ratchet@{pin}={self.actions}", "--no-cache-server", *options,
        ]  # fmt: skip
        outside = {f"{name}_proxy": self.network.url for name in ("http", "https")} | {"no_proxy": "127.0.0.1"}
        outside["ACT_DISABLE_VERSION_CHECK"] = "1"  # else act asks its makers for news
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {"PATH": path, "HOME": str(self.home), "TMPDIR": str(self.home)} | outside
        done = subprocess.run(call, cwd=self.folder, env=env, capture_output=True, timeout=200)
        return Ran(done.returncode, (done.stdout + done.stderr).decode())
