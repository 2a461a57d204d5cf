"""Whole cycles in a pull request, each told from what people write to what they see."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rig.github import GitHub
from stage import Stage

from orchestrator.core.model import State

HERE = Path(__file__).parent
Begun = Callable[..., Stage]


@pytest.fixture
def stage(github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begun]:
    """Opens stages; each is closed in the end."""
    monkeypatch.setenv("SMALL_LEDGER", str(tmp_path / "ledger"))
    monkeypatch.setenv("PYTHONPATH", f"{HERE.parents[1]}:{HERE}")
    opened: list[Stage] = []

    def make(**how: object) -> Stage:
        opened.append(Stage(github, tmp_path, **how))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_a_planner_asks_reviewers_agree_and_the_model_is_merged(stage: Begun, github: GitHub) -> None:
    """One pull request, one status comment, a report for each gate, a check for each; merged in the end."""
    one = stage()
    cycle = one.begin()
    assert cycle.state is State.IN_REVIEW
    [pull] = github.pulls()
    assert pull["head"]["ref"] == "ratchet/c-000001"
    assert "cycles/c-000001/manifest.json" in github.files("ratchet/c-000001")
    assert len(one.posts("status")) == 1
    assert "120 new rows" in one.posts("gate")[0]

    comment = one.says("alice", "/approve looks right")
    assert github.reactions(comment) == ["eyes", "+1"]
    assert one.cycle().stage.name == "learn"
    digest = one.cycle().opening.digest
    one.says("alice", f"/approve {digest[:12]}")
    assert one.cycle().state is State.IN_REVIEW
    one.says("bob", f"/approve {digest}")

    assert one.cycle().state is State.DONE
    assert one.runs() == ["c-000001/collect/1", "c-000001/learn/1", "c-000001/ship/1"]
    [pull] = github.pulls()
    assert pull["merged_at"]
    assert "cycles/c-000001/reports/learn-1.md" in github.files("main")
    assert len(one.posts("status")) == 1
    checks = {check["name"]: check["conclusion"] for check in github.checks(pull["head"]["sha"])}
    assert checks == {"ratchet / collect": "success", "ratchet / learn": "success"}
