"""GitHub goes down, hangs up, slows us down, moves away: the end is the one that a peaceful day has."""

import re
from typing import Any

import pytest
from rig.emulator import Emulator
from rig.github import GitHub
from stage import STEPS, Begun, Stage, differences
from stage import stages as stages

from orchestrator.core.events import ReviewGiven
from orchestrator.core.gate import Review, Roster
from orchestrator.core.model import State

# Every kind of write that a whole cycle makes; the last test here holds the list to what was really sent.
WRITES = {
    "tree": ("POST", r"/git/trees$"),
    "commit": ("POST", r"/git/commits$"),
    "branch": ("POST", r"/git/refs$"),
    "push": ("PATCH", r"/git/refs/heads/"),
    "pull": ("POST", r"/pulls$"),
    "comment": ("POST", r"/issues/\d+/comments$"),
    "edit": ("PATCH", r"/issues/comments/\d+$"),
    "reaction": ("POST", r"/comments/\d+/reactions$"),
    "check": ("POST", r"/check-runs$"),
    "edited check": ("PATCH", r"/check-runs/\d+$"),
    "label": ("POST", r"/issues/\d+/labels$"),
    "old label": ("DELETE", r"/labels/"),
    "merge": ("PUT", r"/pulls/\d+/merge$"),
}

TOLD = (
    ("alice", "/aprove"),
    ("dave", "/rerun rows=150"),
    ("carol", "/approve"),
    ("alice", "/approve"),
    ("alice", "/approve {digest}"),
    ("bob", "/approve {digest}"),
)


def play(one: Stage, between: Any = lambda: None) -> None:
    """A cycle with a hint, a diff, a refusal, and two gates that agree."""
    one.begin(collect={"rows": "130"})
    between()
    for login, text in TOLD:
        opening = one.cycle().opening
        one.says(login, text.format(digest=opening.digest[:12] if opening else ""))
        between()
    assert one.cycle().state is State.DONE


@pytest.fixture(scope="module")
def peace(emulator: Emulator, github_apps: list, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a day without faults leaves, and every write that it took."""
    with GitHub(emulator, apps=github_apps) as github, pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("peace")
        patch.setenv("SMALL_LEDGER", str(folder / "ledger"))
        patch.setenv("PYTHONPATH", STEPS)
        one = Stage(github, folder)
        play(one)
        picture = one.picture()
        one.close()
        sent = [f"{each.call.method} {each.path}" for each in github.exchanges if each.call.method != "GET"]
    return picture | {"writes": set(sent)}


@pytest.mark.parametrize("kind", WRITES)
def test_github_goes_down_for_an_hour_at_each_write(
    stage: Begun, github: GitHub, peace: dict[str, Any], kind: str
) -> None:
    """The first write of a kind is not done; nothing answers for an hour. The next one is done and not answered, and
    again nothing answers. When GitHub is back, everything is there once, and the runs have waited for nothing.
    """
    one, (method, path) = stage(), WRITES[kind]
    for after in (False, True):
        github.fail_once(method, path, after=after, status=0)
    left = 2

    def between() -> None:
        nonlocal left
        while len(github.faults.once) < left:
            left -= 1
            github.down()
            one.wait(minutes=60)
            github.up()
            one.wait(minutes=10)

    play(one, between)
    assert not github.faults.once
    assert differences(peace, one.picture()) == []


def test_the_runs_wait_for_nothing_while_github_is_down(stage: Begun, github: GitHub) -> None:
    """Agreed to on the command line, say: the stage runs and its gate opens; it is shown when GitHub is back."""
    one = stage(second='"1 of bob"')
    one.begin()
    github.down()
    review = Review(id="tests:1", by=one.person("alice"), verdict="approve", about=one.digest, at=one.clock.now())
    roster = Roster(members={"alice": (review.by.id,)})
    one.desk.submit("c-000001", ReviewGiven(at=one.clock.now(), review=review, roster=roster))
    one.settle()
    assert one.runs() == ["c-000001/collect/1", "c-000001/learn/1"]
    assert one.cycle().state is State.IN_REVIEW
    assert len(one.posts("gate")) == 1
    github.up()
    one.wait(minutes=10)
    assert len(one.posts("gate")) == 2


def test_every_kind_of_write_was_interrupted(peace: dict[str, Any]) -> None:
    """No write of a whole cycle is missing above, and none is there that is never sent."""
    hit = {kind for kind, (method, path) in WRITES.items() for sent in peace["writes"] if _is(sent, method, path)}
    assert hit == set(WRITES)
    others = [sent for sent in peace["writes"] if not any(_is(sent, *one) for one in WRITES.values())]
    assert others == ["POST /app/installations/5001/access_tokens"]


def _is(sent: str, method: str, path: str) -> bool:
    return sent.startswith(f"{method} ") and re.search(path, sent) is not None
