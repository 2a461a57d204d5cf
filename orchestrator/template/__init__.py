"""What `ratchet init` writes: a first ratchet.yaml, and the four workflows that go with it.

Law: the workflows use the actions of the commit that this code is of, wherever that commit can be known; a tag that
could be moved is the last resort.
"""

import json
import os
import re
import subprocess
from importlib.metadata import Distribution, PackageNotFoundError
from importlib.resources import files
from pathlib import Path

from orchestrator.trouble import Trouble

ACTIONS = "ratchet-cl/ratchet"
WORKFLOWS = ("retrain", "review", "nightly", "check")
SOURCE = Path(__file__).parents[2]


def starter(actions: str = "") -> dict[str, str]:
    """The content of each file by its path in the user's folder; `actions` is `owner/name@commit`."""
    repository, _, commit = (actions or pin()).partition("@")
    folder = files(__name__)
    written = {"ratchet.yaml": folder.joinpath("ratchet.yaml").read_text(encoding="utf-8")}
    for name in WORKFLOWS:
        text = folder.joinpath(f"ratchet-{name}.yaml").read_text(encoding="utf-8")
        filled = text.replace("OWNER/REPOSITORY", repository).replace("COMMIT", commit)
        written[f".github/workflows/ratchet-{name}.yml"] = filled
    return written


def pin() -> str:
    """`owner/name@commit` of the actions: RATCHET_ACTIONS, else the commit that was installed or checked out, else the
    release's tag. Raises `Trouble` where RATCHET_ACTIONS can't be read.
    """
    told = os.environ.get("RATCHET_ACTIONS", "").strip()
    if told and not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+@[A-Za-z0-9][A-Za-z0-9._-]*", told):
        raise Trouble("RATCHET_ACTIONS names no commit of a repository", "write owner/name@commit", code=2)
    return told or f"{ACTIONS}@{_installed() or _checked_out() or _tag()}"


def _distribution() -> Distribution | None:
    try:
        return Distribution.from_name("ratchet-cl")
    except PackageNotFoundError:
        return None


def _installed() -> str:
    """The commit that pip was given (PEP 610)."""
    found = _distribution()
    told = json.loads((found and found.read_text("direct_url.json")) or "{}")
    return _commit(str(told.get("vcs_info", {}).get("commit_id", "")))


def _checked_out() -> str:
    """The commit of the source that this runs from; not of a repository that happens to be around a `.venv`."""
    if not ((SOURCE / ".git").exists() and (SOURCE / "gh_actions/retrain/action.yml").exists()):
        return ""
    try:
        asked = ["git", "-C", str(SOURCE), "rev-parse", "HEAD"]
        return _commit(subprocess.run(asked, capture_output=True, text=True, timeout=10).stdout.strip())
    except (OSError, subprocess.SubprocessError):
        return ""


def _commit(text: str) -> str:
    return text if re.fullmatch(r"[0-9a-f]{40}", text) else ""


def _tag() -> str:
    found = _distribution()
    return f"v{found.version}" if found else "main"
