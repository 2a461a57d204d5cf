"""Has a deployment target serve an earlier version again: in a process of its own, since it imports what learns."""

import json
import subprocess
import sys
from pathlib import Path

from orchestrator.trouble import Trouble

PATIENCE = 60.0  # seconds; going back copies nothing


def swap(target: Path, version: str, said: str) -> tuple[str, str]:
    """The version that the target serves from now on (the one before, if none is named), and the one that it served.
    `said` names who asked where: twice is once. Raises `Trouble` where there is nothing to go back to.
    """
    words = [version] if version else []
    command = [sys.executable, "-m", "steps.deploy", "rollback", str(target), *words, "--run", said]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise Trouble(f"the rollback did not end within {PATIENCE:.0f} s", "look whether the target is there") from None
    if done.returncode != 0:
        raise Trouble(done.stderr.strip().removeprefix("error: ") or f"the rollback ended with {done.returncode}")
    swapped = json.loads(done.stdout)
    return swapped["version"], swapped["previous"]
