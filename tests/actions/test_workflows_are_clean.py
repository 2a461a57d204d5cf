"""What GitHub's own validator and zizmor say of every workflow and action: nothing, and they do find a seeded fault."""

import subprocess
import sys
from pathlib import Path

import pytest
from act import committed
from composite import ACTIONS

from orchestrator.template import starter

RETRAIN, REVIEW, NIGHTLY, CHECK = (
    f".github/workflows/ratchet-{name}.yml" for name in ("retrain", "review", "nightly", "check")
)
ACTION = "gh_actions/retrain/action.yml"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with what `ratchet init` writes, and the actions."""
    for name, text in starter("octo/ratchet@" + "a" * 40).items():
        put(tmp_path / name, text)
    for path in ACTIONS.glob("*/action.yml"):
        put(tmp_path / "gh_actions" / path.relative_to(ACTIONS), path.read_text())
    committed(tmp_path)
    return tmp_path


def put(path: Path, text: str) -> None:
    """Write a file wherever it belongs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def seed(path: Path, was: str, is_: str) -> None:
    """Make a fault."""
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, is_))


def validator(folder: Path) -> str:
    """What GitHub's validator finds."""
    from rig.node import modules, node

    files = sorted(str(path) for path in folder.rglob("*.yml"))
    assert len(files) == 7
    call = [str(node()), str(Path(__file__).with_name("lint.mjs")), str(modules()), *files]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def zizmor(folder: Path) -> str:
    """What zizmor finds, without the network; empty where it has looked at all and found nothing."""
    call = [
        str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-progress", "--strict-collection",
        "--color=never", str(folder),
    ]  # fmt: skip
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, cwd=folder)
    assert done.stderr.count("completed") == 7, done.stderr
    return "" if done.returncode == 0 else done.stdout


def test_githubs_own_validator_finds_nothing(written: Path) -> None:
    """Events, types, expressions, cron, inputs: as GitHub will read them."""
    assert validator(written) == ""


def test_zizmor_finds_nothing(written: Path) -> None:
    """No injection, no moving reference, no permission too many, no secret left lying about."""
    assert zizmor(written) == ""


@pytest.mark.parametrize(
    ("file", "was", "is_", "told"),
    [
        (REVIEW, "[created]", "[creatd]", "creatd"),
        (REVIEW, "vars.RATCHET_SERVER !=", "var.RATCHET_SERVER !=", "var"),
        (NIGHTLY, "29 2 * * *", "99 2 * * *", "cron"),
        (RETRAIN, "type: choice", "type: choise", "choise"),
        (CHECK, "timeout-minutes", "timeout-minuets", "timeout-minuets"),
        (ACTION, "shell: bash", "", "shell"),
    ],
)
def test_githubs_own_validator_would_find_a_fault(written: Path, file: str, was: str, is_: str, told: str) -> None:
    """Each of these is seen: silence means something."""
    seed(written / file, was, is_)
    found = validator(written)
    assert file in found
    assert told in found


@pytest.mark.parametrize(
    ("file", "was", "is_", "told"),
    [
        (REVIEW, "# zizmor: ignore[dangerous-triggers]", "#", "dangerous-triggers"),
        (NIGHTLY, "@" + "a" * 40, "@v1", "unpinned-uses"),
        (RETRAIN, "permissions:\n      id-token: write", "permissions: write-all", "excessive-permissions"),
        (CHECK, "persist-credentials: false", "fetch-depth: 1", "artipacked"),
        (CHECK, "-m orchestrator check", "-m orchestrator check ${{ github.head_ref }}", "template-injection"),
        (ACTION, "__main__.py", "__main__.py ${{ inputs.reason }}", "template-injection"),
    ],
)
def test_zizmor_would_find_a_fault(written: Path, file: str, was: str, is_: str, told: str) -> None:
    """Each of these is seen: silence means something."""
    seed(written / file, was, is_)
    assert told in zizmor(written)
