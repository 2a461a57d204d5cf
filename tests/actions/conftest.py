"""What the tests of the actions share: a small server that speaks the API, and a way to run an action."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_server import SmallServer

sys.path.append(str(Path(__file__).parents[1] / "github"))  # `rig`, which installs node's packages once


@pytest.fixture
def small() -> Iterator[SmallServer]:
    """A server that listens on this machine, until the test is over."""
    with SmallServer() as one:
        yield one
