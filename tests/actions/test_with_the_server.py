"""Actions and client against `ratchet serve` itself: what one sends is what the other takes."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from composite import ROOT, TOKEN, use

from orchestrator.client import Client, Refused

FILE = """
pipelines:
  sums:
    schedule: {cron: "17 2 * * *", when: {new_rows: 500}}
    stages:
      - {name: add, step: "sums:add", with: {values: [1, 2]}, gate: {require: ["1 of alice"]}}
  loose:
    stages:
      - {name: add, step: "sums:add"}
"""
STEPS = """
from steps.contract import Context, Given, Made, Report, step


class Numbers(Given):
    values: list[float] = [1.0]


class Sum(Made):
    total: float


@step
def add(given: Numbers, context: Context) -> Sum:
    return Sum(total=sum(given.values), report=Report(summary=f"The sum is {sum(given.values):g}."))
"""
ALICE = "alices-own-token"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`ratchet serve` in a folder of its own: an action's token is a planner's, and alice's a reviewer's."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "ratchet.yaml").write_text(FILE)
    (folder / "sums.py").write_text(STEPS)
    tokens = {"actions:planner": TOKEN, "alice:reviewer": ALICE}
    hashed = [f"{who}:{hashlib.sha256(token.encode()).hexdigest()}" for who, token in tokens.items()]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": f"{ROOT}:{folder}"}
    with subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "serve", "--port", "0"],
        cwd=folder, env=env | {"RATCHET_TOKENS": ",".join(hashed)}, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield line.split()[2]
        finally:
            process.terminate()
            process.communicate(timeout=60)


def client(server: str, token: str = ALICE) -> Client:
    """The client of somebody."""
    return Client(server, lambda: token)


def wait_for(server: str, name: str, state: str) -> dict[str, Any]:
    """The cycle, once it is in this state: looked at whenever the server tells that something happened."""
    asked = Request(f"{server}/api/events", headers={"Authorization": f"Bearer {ALICE}"})  # noqa: S310 - our own
    with urlopen(asked, timeout=60) as happening:  # noqa: S310
        found = client(server).cycle(name)
        while found["state"] != state:
            assert happening.readline()
            found = client(server).cycle(name)
    return found


def test_a_planner_asks_alice_approves_and_the_run_ends_well(server: str, tmp_path: Path) -> None:
    """The whole way: asked for, found again by a re-run, reviewed about its digest, done, and the action knows."""
    given = {"server": server, "token": TOKEN, "pipeline": "sums", "set": "add.values=[1,5]", "reason": "a recall"}
    begun = use("retrain", tmp_path, given)
    assert begun.code == 0, begun.printed
    name = begun.outputs["cycle"]
    found = wait_for(server, name, "in_review")
    assert (found["params"], found["purpose"]) == ({"add": {"values": "[1,5]"}}, "a recall")
    client(server).review(name, "approve", found["gate"]["digest"], reason="it adds up")
    again = use("retrain", tmp_path, given | {"wait": "ended"})
    assert (again.code, again.outputs["cycle"], again.outputs["state"]) == (0, name, "done"), again.printed
    assert client(server).events(name)
    assert [one["id"] for one in client(server).cycles(pipeline="sums", state="done", limit=1)] == [name]


def test_a_rejection_fails_the_run_with_its_reason(server: str, tmp_path: Path) -> None:
    """What alice says is what the planner reads."""
    given = {"server": server, "token": TOKEN, "pipeline": "sums", "idempotency-key": "another"}
    name = use("retrain", tmp_path, given).outputs["cycle"]
    found = wait_for(server, name, "in_review")
    client(server).command(name, "hold", reason="lunch")
    client(server).command(name, "unhold")
    client(server).review(name, "reject", found["gate"]["digest"], reason="two and two")
    ended = use("retrain", tmp_path, given | {"wait": "opened"})
    assert (ended.code, ended.outputs["state"]) == (1, "rejected")
    assert "two and two" in ended.printed


def test_a_night_is_asked_about(server: str, tmp_path: Path) -> None:
    """Each pipeline with a schedule has an answer; one without is asked for by name and begins once for a date."""
    night = use("nightly", tmp_path, {"server": server, "token": TOKEN})
    assert night.code == 0, night.printed
    assert "sums: " in night.printed
    named = {"server": server, "token": TOKEN, "pipeline": "loose", "date": "2026-11-20"}
    first, second = use("nightly", tmp_path, named), use("nightly", tmp_path, named)
    assert (first.code, first.outputs["started"], second.outputs["started"]) == (0, "1", "0"), second.printed
    assert first.outputs["cycles"] == second.outputs["cycles"]


def test_the_servers_words_reach_whoever_asked(server: str, tmp_path: Path) -> None:
    """Unknown pipelines, wrong values, strangers and roles: what is wrong, and the cure, as the server says it."""
    known = {"server": server, "token": TOKEN}
    for given, told in (
        ({"pipeline": "sum"}, "there is no pipeline sum: did you mean sums?"),
        ({"pipeline": "sums", "set": "add.valeus=3"}, "valeus"),
        ({"pipeline": "sums", "token": "a-strangers"}, "nobody has this token"),
    ):
        done = use("retrain", tmp_path, known | given)
        assert done.code == 1
        assert told in done.printed
    with pytest.raises(Refused, match="may not review"):
        client(server, TOKEN).review("c-000001", "approve", "a" * 64)
    with pytest.raises(Refused, match="connected to no GitHub repository"):
        client(server).relay("octo/reviews", 7, comment=1)
    assert [one["name"] for one in client(server).pipelines()] == ["sums", "loose"]
