"""`ratchet check`, where a repository is configured: whether it lets us in, and who is behind the names in gates."""

import os
import subprocess
import sys
from pathlib import Path

from rig.github import GitHub

HERE = Path(__file__).parent
PIPELINE = """
pipelines:
  words:
    stages:
      - name: collect
        step: smallsteps:collect
        gate:
          require:
            - 1 of alice
            - 1 of nobody-at-all
            - 1 of @acme/nowhere
            - 3 of @acme/ml
            - 1 of @write
"""


def check(github: GitHub, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`ratchet check` there."""
    (folder / "ratchet.yaml").write_text(PIPELINE)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RATCHET_", "GITHUB_"))}
    env = kept | {
        "PYTHONPATH": f"{HERE.parents[1]}:{HERE}",
        "RATCHET_GITHUB_REPOSITORY": "acme/models",
        "RATCHET_GITHUB_APP_ID": str(github.app_id),
        "RATCHET_GITHUB_APP_PRIVATE_KEY": github.private_key,
        "RATCHET_GITHUB_WEBHOOK_SECRETS": "s",
        "GITHUB_API_URL": github.url,
        **more,
    }
    command = [sys.executable, "-m", "orchestrator", "check"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_names_behind_which_nobody_stands_are_told_with_their_lines(github: GitHub, tmp_path: Path) -> None:
    """A login that nobody has, a team that can't be seen, a team that is too small; and nothing is written."""
    done = check(github, tmp_path)
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert [line.split(": ")[0] for line in told] == ["error", *(f"ratchet.yaml:{number}" for number in (11, 12))]
    assert "ratchet.yaml:10: the gate of collect asks nobody-at-all: nobody on GitHub has the login" in told[0]
    assert "there is no such team" in told[1]
    assert "asks 3 of @acme/ml, and only 2 can answer there" in told[2]
    assert [one.name for one in tmp_path.iterdir()] == ["ratchet.yaml"]


def test_a_repository_that_can_t_be_used_is_one_problem(github: GitHub, tmp_path: Path) -> None:
    """What, why and the cure; without the token."""
    no_app = {"RATCHET_GITHUB_APP_ID": "", "RATCHET_GITHUB_APP_PRIVATE_KEY": ""}
    done = check(github, tmp_path, RATCHET_GITHUB_TOKEN=f"ghp_{'x' * 36}", **no_app)
    assert done.returncode == 1
    assert "acme/models on GitHub can't be used" in done.stderr
    assert "RATCHET_GITHUB_TOKEN" in done.stderr
    assert "xxxx" not in done.stderr
