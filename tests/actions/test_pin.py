"""Which commit of the actions `ratchet init` pins: the one that is installed, as far as that can be known."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from act import committed
from composite import ROOT

COMMIT = "c" * 40
ASK = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from orchestrator.template import pin; from orchestrator.trouble import Trouble\n"
    "try: print(pin())\n"
    "except Trouble as trouble: print(trouble)"
)


def installed(folder: Path, direct_url: object = None) -> Path:
    """What pip leaves: the code, and where it came from if that was not an index."""
    for one in ("orchestrator/__init__.py", "orchestrator/trouble.py", "orchestrator/template/__init__.py"):
        (folder / one).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / one, folder / one)
    about = folder / "ratchet_cl-0.3.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ratchet-cl\nVersion: 0.3.1\n")
    if direct_url is not None:
        (about / "direct_url.json").write_text(json.dumps(direct_url))
    return folder


def pinned(folder: Path, told: str = "") -> str:
    """What the code in this folder pins."""
    call = [sys.executable, "-I", "-S", "-c", ASK, str(folder)]
    found = subprocess.run(call, env={"RATCHET_ACTIONS": told, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    return found.stdout.strip() or found.stderr


def test_what_was_installed_from_git_is_pinned_to_its_commit(tmp_path: Path) -> None:
    """pip notes the commit; an editable install or a file has none."""
    of_git = {"url": "https://github.com/ratchet-cl/ratchet", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}
    assert pinned(installed(tmp_path / "a", of_git)) == f"ratchet-cl/ratchet@{COMMIT}"
    assert pinned(installed(tmp_path / "b", {"url": "file:///x", "dir_info": {}})) == "ratchet-cl/ratchet@v0.3.1"


def test_a_release_is_pinned_to_its_tag(tmp_path: Path) -> None:
    """A wheel from an index does not know its commit."""
    assert pinned(installed(tmp_path)) == "ratchet-cl/ratchet@v0.3.1"


def test_a_checkout_is_pinned_to_its_head(tmp_path: Path) -> None:
    """Whoever works on Ratchet itself gets the commit that they work on."""
    (installed(tmp_path) / "gh_actions/retrain").mkdir(parents=True)
    (tmp_path / "gh_actions/retrain/action.yml").write_text("")
    head = committed(tmp_path)
    assert pinned(tmp_path) == f"ratchet-cl/ratchet@{head}"


def test_somebody_elses_commit_is_not_ours(tmp_path: Path) -> None:
    """A virtual environment inside a repository says nothing about Ratchet."""
    site = installed(tmp_path / ".venv/site-packages")
    committed(tmp_path)
    assert pinned(site) == "ratchet-cl/ratchet@v0.3.1"
    shutil.move(tmp_path / ".git", site / ".git")
    assert pinned(site) == "ratchet-cl/ratchet@v0.3.1"


@pytest.mark.parametrize("told", ["octo/ratchet@" + COMMIT, "octo/ratchet@v9"])
def test_what_is_told_is_done(tmp_path: Path, told: str) -> None:
    """RATCHET_ACTIONS: a fork, a mirror, a reviewed commit."""
    assert pinned(installed(tmp_path), told) == told


@pytest.mark.parametrize("told", ["octo/ratchet", "@v1", "octo/ratchet@v1\n  evil: yes", "octo/rat chet@v1", "o/r@-x"])
def test_what_names_no_commit_is_refused(tmp_path: Path, told: str) -> None:
    """It would be written into a workflow."""
    assert "write owner/name@commit" in pinned(installed(tmp_path), told)
