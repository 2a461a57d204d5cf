"""The workflows that `ratchet init` writes, run for real by act: every event, and every hostile text."""

import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from act import Repository, committed
from composite import HOSTILE, ROOT, TOKEN
from small_server import SmallServer

NAIVE = """
on: issue_comment
jobs:
  naive:
    runs-on: ubuntu-latest
    steps:
      - run: echo "${{ github.event.comment.body }}"
"""


@pytest.fixture
def repository(small: SmallServer, tmp_path: Path) -> Iterator[Repository]:
    """A repository after `ratchet init`; whoever asks the network for anything is found out at the end."""
    with SmallServer() as network:
        yield Repository(tmp_path, small, network)
        assert network.asked == []


def comment(body: str) -> dict[str, Any]:
    """Somebody writes on pull request 7."""
    return {
        "action": "created",
        "issue": {"number": 7, "title": body, "body": body, "pull_request": {"url": "https://x.invalid"}},
        "comment": {"id": 123, "body": body, "user": {"login": "mallory", "type": "User"}},
        "repository": {"full_name": "octo/reviews"},
    }


def relayed(small: SmallServer) -> list[dict[str, Any]]:
    """The ids that the server was told, without the repository that act makes up."""
    return [{key: one.body[key] for key in one.body if key != "repository"} for one in small.of("/github/relay")]


def untouched(repository: Repository) -> bool:
    """The file that a hostile text would make is not there."""
    return not (repository.home / "pwned").exists()


def test_a_planner_fills_in_the_form(small: SmallServer, repository: Repository) -> None:
    """workflow_dispatch: the form reaches the server, signed by GitHub's word, and the link is in the summary."""
    pull = {"number": 7, "url": "https://github.example/octo/reviews/pull/7"}
    small.says("GET /api/cycles/c-000001", (200, {"state": "running", "pull_request": pull}))
    form = {"pipeline": "sentiment", "set": "finetune.epochs=3", "reason": "a recall", "wait": "opened"}
    done = repository.act("ratchet-retrain", "workflow_dispatch", inputs=form)
    assert (done.code, done.jobs) == (0, 1), done.printed
    (asked,) = small.of("/api/cycles")
    assert asked.token == "identity-1"  # noqa: S105 - what the small server gives
    body = {name: asked.body[name] for name in ("pipeline", "set", "reason")}
    assert body == {"pipeline": "sentiment", "set": {"finetune.epochs": "3"}, "reason": "a recall"}
    assert f'Pull request | <a href="{pull["url"]}">' in done.printed
    (identity,) = small.of("/oidc")
    assert identity.path.endswith(f"audience={small.url.replace(':', '%3A').replace('/', '%2F')}")
    assert TOKEN not in done.printed
    assert "identity-1" not in done.printed


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_form_does_nothing(small: SmallServer, repository: Repository, text: str) -> None:
    """What is typed into a form is on the record as it was typed, and nowhere else."""
    text = text.replace("\r", "").replace("\n", " ")  # a form's field has one line
    form = {"pipeline": "sentiment", "reason": text, "wait": "none"}
    done = repository.act("ratchet-retrain", "workflow_dispatch", inputs=form)
    assert (done.code, done.jobs) == (0, 1), done.printed
    assert [one.body["reason"] for one in small.of("/api/cycles")] == [text.strip()]
    assert untouched(repository)
    assert "PWNED=" not in done.printed.replace(text, "")


def test_a_night_comes_by_itself(small: SmallServer, repository: Repository) -> None:
    """schedule: no form, no payload; what did not begin is said with its reason."""
    plans = [{"pipeline": "sentiment", "due": False, "reason": "only 12 rows are new (needed: 500)"}]
    small.says("POST /api/plan", (200, {"plans": plans}))
    done = repository.act("ratchet-nightly", "schedule")
    assert (done.code, done.jobs) == (0, 1), done.printed
    assert small.of("/api/plan")[0].body["pipeline"] is None
    assert "sentiment: skipped: only 12 rows are new (needed: 500)" in done.printed


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_comment_is_a_number(small: SmallServer, repository: Repository, text: str) -> None:
    """issue_comment: the server is told which comment; no word of it is run, sent or printed."""
    done = repository.act("ratchet-review", "issue_comment", payload=comment(text))
    assert (done.code, done.jobs) == (0, 1), done.printed
    assert relayed(small) == [{"issue": 7, "comment": 123}]
    assert untouched(repository)
    assert "PWNED" not in done.printed
    assert text not in done.printed
    assert not any(text.encode() in one.raw for one in small.asked)


def test_the_same_comment_breaks_into_a_naive_workflow(repository: Repository) -> None:
    """That the texts are hostile: a workflow that puts the comment into its script runs what the comment says."""
    (repository.folder / ".github/workflows/naive.yml").write_text(NAIVE)
    done = repository.act("naive", "issue_comment", payload=comment(HOSTILE[0]))
    assert "PWNED=" in done.printed
    repository.act("naive", "issue_comment", payload=comment(HOSTILE[1]))
    assert not untouched(repository)


def review(branch: str, fork: str = "") -> dict[str, Any]:
    """Somebody approves with GitHub's own button."""
    head = {"ref": branch, "repo": {"full_name": fork or "octo/reviews"}}
    pull = {"number": 8, "head": head}
    return {"action": "submitted", "pull_request": pull, "review": {"id": 9, "body": "fine"}}


@pytest.mark.parametrize(
    ("event", "payload", "told"),
    [
        ("pull_request_review", review("ratchet/c-000001"), [{"issue": 8, "review": 9}]),
        ("pull_request_review", review("feature"), []),
        ("pull_request_review", review("ratchet/c-000001", fork="mallory/reviews"), []),
        ("issue_comment", {"issue": {"number": 7}, "comment": {"id": 1, "body": "on an issue"}}, []),
    ],
)
def test_what_is_no_cycles_starts_no_job(
    small: SmallServer, repository: Repository, event: str, payload: Any, told: list[Any]
) -> None:
    """A review of a cycle's branch is told; one of another branch or of a fork, and talk on issues, cost nothing."""
    env = {"GITHUB_REPOSITORY": "octo/reviews"}
    done = repository.act("ratchet-review", event, payload=payload, env=env)
    assert done.code == 0, done.printed
    assert (relayed(small), done.jobs) == (told, len(told))


def test_before_a_server_is_named(small: SmallServer, repository: Repository) -> None:
    """Comments start nothing; who asks for a retrain is told which variable is missing, and where to set it."""
    assert repository.act("ratchet-review", "issue_comment", payload=comment("hm"), variables={}).jobs == 0
    form = {"pipeline": "sentiment", "wait": "none"}
    done = repository.act("ratchet-retrain", "workflow_dispatch", inputs=form, variables={})
    assert done.code == 1
    assert "set the repository's variable RATCHET_SERVER" in done.printed
    assert small.asked == []


def test_a_pull_request_has_its_file_checked(repository: Repository, tmp_path: Path) -> None:
    """pull_request: Ratchet is installed at the pinned commit, from git, and proves ratchet.yaml; a fault is red."""
    pin = source(tmp_path / "ratchet")
    repository.init(f"octo/ratchet@{pin}")
    env = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/ratchet.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/octo/ratchet",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # as pip reads it: without isolation
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "RUNNER_TEMP": str(tmp_path / "temp"),
    }
    done = repository.act("ratchet-check", "pull_request", payload={}, env=env, pin=pin)
    assert (done.code, done.jobs) == (0, 1), done.printed
    assert "ratchet.yaml: all is well" in done.printed
    file = repository.folder / "ratchet.yaml"
    file.write_text(file.read_text().replace("epochs: 2", "epochs: many"))
    done = repository.act("ratchet-check", "pull_request", payload={}, env=env, pin=pin)
    assert done.code == 1
    assert "epochs" in done.printed


def source(folder: Path) -> str:
    """All of Ratchet's source as a repository of one commit: its id."""
    shutil.rmtree(folder)
    leave = shutil.ignore_patterns("__pycache__", "node_modules")
    for one in ("orchestrator", "steps", "reviewers", "gh_actions"):
        shutil.copytree(ROOT / one, folder / one, ignore=leave)
    for one in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / one, folder / one)
    return committed(folder)


def test_act_is_the_one_beside_this_python() -> None:
    """The tests above run with the act that `make install` installs."""
    assert Path(sys.executable).with_name("act").exists()
