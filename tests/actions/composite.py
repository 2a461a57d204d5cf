"""A composite action run as GitHub runs one: `env` and `run` of its action.yml, in bash, from another folder."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ACTIONS = ROOT / "gh_actions"
NAMES = ("retrain", "review", "nightly")
TOKEN = "a-token-that-nobody-may-see"  # noqa: S105 - a server of this machine takes any

HOSTILE = (
    '/approve"; echo PWNED=$(id -un) #',
    "$(touch $PWNED)",
    "`touch $PWNED`",
    "'; touch $PWNED; '",
    "fine\n::set-output name=cycle::pwned\n::add-mask::e\n##[error]pwned",
    "::stop-commands::pwned",
    "x\r\ncycle=pwned\nstate<<E\npwned\nE",
    "| a | b |\n\n# pwned <script>alert(1)</script> ![x](http://x.invalid) @everyone",
    "\u202egnp.exe \u2066 \x1b[31m \x00".replace("\x00", ""),
    "../../etc/passwd",
    "${{ github.token }}",
)


@dataclass
class Outcome:
    """What an action left: its exit code, what it printed, its outputs and its summary."""

    code: int
    printed: str
    outputs: dict[str, str]
    summary: str


def described(name: str) -> dict[str, Any]:
    """The action's action.yml."""
    return yaml.safe_load((ACTIONS / name / "action.yml").read_text(encoding="utf-8"))


def use(name: str, folder: Path, given: dict[str, str], env: dict[str, str] | None = None, python: str = "") -> Outcome:
    """Use the action once with these inputs, as `folder` is the workspace."""
    about = described(name)
    (step,) = about["runs"]["steps"]
    given = {key: one.get("default", "") for key, one in about["inputs"].items()} | given
    for file in ("output", "summary"):
        (folder / file).write_text("")
    surroundings = {
        "PATH": f"{python}:{os.environ['PATH']}" if python else os.environ["PATH"],
        "GITHUB_ACTION_PATH": str(ACTIONS / name),
        "GITHUB_REPOSITORY": "octo/reviews",
        "GITHUB_RUN_ID": "77",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "RATCHET_PAUSE": "0.01",
        "PWNED": str(folder / "pwned"),
    }
    inputs = {key: re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value) for key, value in step["env"].items()}
    filled = {key: given[match[1]] for key, match in inputs.items() if match}
    bash = shutil.which("bash") or "bash"
    done = subprocess.run(
        [bash, "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=folder, env=surroundings | filled | (env or {}), capture_output=True, timeout=60,
    )  # fmt: skip
    printed = (done.stdout + done.stderr).decode()
    lines = (folder / "output").read_text().splitlines()
    outputs = dict(line.split("=", 1) for line in lines)
    return Outcome(done.returncode, printed, outputs, (folder / "summary").read_text())


def commands(printed: str) -> list[str]:
    """The lines that GitHub's runner takes for commands: `::name::` at the start, `##[name]` anywhere."""
    return [line for line in printed.splitlines() if line.lstrip().startswith("::") or "##[" in line]
