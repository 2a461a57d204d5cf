"""Whatever goes wrong wherever: requests that fail before or after they were done, servers that die without a word."""

import random
from typing import Any

import pytest
from rig.github import GitHub
from stage import Begun, Stage, differences
from stage import stages as stages
from test_stories_faults import TOLD, WRITES
from test_stories_faults import peace as peace
from test_stories_many import die

from orchestrator.core.model import State

READS = [("GET", path) for path in ("/comments", "/reviews", "/permission", "/teams", "/git/", "/pulls", "/users")]


def trouble(one: Stage, chance: random.Random) -> None:
    """One to three requests to come will fail."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        method, path = chance.choice([*WRITES.values(), *READS])
        one.github.fail_once(method, path, after=chance.random() < 0.5, status=chance.choice((0, 500, 502, 503)))


def recover(one: Stage) -> None:
    """Time passes, more than any wait; then nothing fails any more."""
    for _ in range(4):
        one.wait(minutes=20)
    one.github.faults.once.clear()
    one.wait(minutes=10)


@pytest.mark.parametrize("seed", [20, 48])
def test_the_end_is_the_same_whatever_happens_on_the_way(
    stage: Begun, github: GitHub, peace: dict[str, Any], seed: int
) -> None:
    """One of everything, the same record, as on a day without faults."""
    one, chance = stage(), random.Random(seed)  # noqa: S311 (a story, not a secret)
    trouble(one, chance)
    one.begin(collect={"rows": "130"})
    recover(one)
    for number, (login, text) in enumerate(TOLD):
        opening = one.cycle().opening
        trouble(one, chance)
        github.as_(login).comment(one.pull, text.format(digest=opening.digest[:12] if opening else ""))
        if chance.random() < 0.7:
            die(one, after=chance.randrange(1, 25))
            one.open(f"server {number}")
        recover(one)
    assert one.cycle().state is State.DONE
    assert differences(peace, one.picture()) == []
