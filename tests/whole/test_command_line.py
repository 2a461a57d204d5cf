"""The command line itself: light, clear about what is wrong, and never a traceback."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from desk import ROOT, Desk

from orchestrator.cli import parser

HEAVY = ("torch", "transformers", "ray", "kfp", "pandas", "numpy", "pyarrow", "alembic", "scipy")
LIGHT = [
    ["--help"],
    ["run", "--help"],
    ["list"],
    ["list", "--json"],
    ["show", "c-000001"],
    ["labels", "c-000001"],
    ["logs", "c-000001"],
    ["approve", "c-000001"],
    ["reject", "c-000001", "--reason", "x"],
    ["hold", "c-000001"],
    ["unhold", "c-000001"],
    ["cancel", "c-000001", "--reason", "x"],
    ["rerun", "c-000001"],
    ["audit", "verify"],
    ["schema"],
    ["check"],
    ["init", "new"],
    ["trigger", "sums"],
]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A user's folder with the pipeline `sums`."""
    return Desk(tmp_path)


@pytest.mark.parametrize("words", LIGHT, ids=" ".join)
def test_no_command_that_needs_no_model_imports_what_learns(desk: Desk, words: list[str]) -> None:
    """The reason why `ratchet --help` answers at once."""
    probe = (
        "import os, sys\n"
        "from orchestrator import cli\n"
        f"heavy = lambda: [name for name in {HEAVY} if name in sys.modules]\n"
        "os._exit = lambda code: print(heavy(), file=sys.stderr, flush=True)\n"
        f"cli.main({words!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=desk.folder, env=desk.env, capture_output=True, text=True, timeout=60
    )
    assert done.stderr.strip().splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, ""),
        (["dance"], 2, "invalid choice: 'dance'"),
        (["run"], 2, "PIPELINE"),
        (["run", "sum"], 2, "did you mean sums"),
        (["run", "sums", "--set", "add.values"], 2, "write --set stage.key=value"),
        (["run", "sums", "--set", "ad.values=1"], 2, "did you mean add"),
        (["run", "sums", "--set", "times.by=many"], 1, "by"),
        (["run", "sums", "--set", "times.by=101"], 1, "100"),
        (["run", "sums", "--set", "times.bye=3"], 1, "did you mean by"),
        (["run", "sums", "--set", "times.number=3"], 1, "times.number is what add.total makes"),
        (["show", "c-000009"], 2, "see `ratchet list`"),
        (["logs", "c-000009"], 2, "see `ratchet list`"),
        (["reject", "c-000001"], 2, "--reason"),
        (["check", "--config", "absent.yaml"], 1, "ratchet init"),
        (["run", "sums", "--config", "absent.yaml"], 2, "ratchet init"),
        (["rollback", "sums"], 1, "nothing"),
        (["query", "sums", "hello"], 1, "nothing is deployed"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_call_is_told_what_and_how_to_cure_it(desk: Desk, words: list[str], status: int, said: str) -> None:
    """Errors go to stderr, with 2 for a wrong call and 1 for a failure, and nothing is begun."""
    done = desk.ratchet(*words, status=status)
    assert said in done.stderr
    assert not said or done.stderr.startswith("error: ")
    assert desk.data("list") == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "RATCHET_DATABASE_URL"),
        ("what is this", "no database URL"),
        ("oracle://x/y", "no database URL"),
        ("sqlite:////dev/null/x.db", "/dev/null"),
    ],
)
def test_a_database_that_is_not_there(desk: Desk, url: str, said: str) -> None:
    """Which one, why, and what to look at."""
    desk.env["RATCHET_DATABASE_URL"] = url
    assert said in desk.ratchet("list", status=1).stderr


def test_every_problem_of_the_file_at_once(desk: Desk) -> None:
    """`check` names line, problem and cure of each, before anything runs."""
    (desk.folder / "ratchet.yaml").write_text(
        """\
pipelines:
  sums:
    stages:
      - name: add
        step: sums:ad
      - name: times
        step: sums:times
        takes: {number: add.total}
        gate: {require: ["3 of alice"]}
        retry: {tims: 2}
"""
    )
    said = desk.ratchet("check", status=1).stderr
    for line in (9, 10):
        assert f"ratchet.yaml:{line}: " in said
    desk.ratchet("run", "sums", "--yes", status=1)
    assert desk.data("list") == []


def test_init_writes_a_file_that_check_likes_and_overwrites_nothing(desk: Desk) -> None:
    """The first file is right as it stands; a second `init` keeps what is there."""
    desk.ratchet("init", "new")
    assert "all is well" in desk.ratchet("check", "--config", "new/ratchet.yaml").stdout
    (desk.folder / "new/ratchet.yaml").write_text("mine")
    assert "--force" in desk.ratchet("init", "new", status=1).stderr
    assert (desk.folder / "new/ratchet.yaml").read_text() == "mine"
    desk.ratchet("init", "new", "--force")


def test_what_the_readme_says_of_commands_exists() -> None:
    """Each `ratchet WORD` in the README is a command."""
    known = set(parser()._subparsers._group_actions[0].choices)  # type: ignore[union-attr]
    said = set(re.findall(r"`ratchet ([a-z]+)\b", (ROOT / "README.md").read_text()))
    assert said
    assert said <= known
