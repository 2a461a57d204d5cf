"""What the tests of the actions share: a small server that speaks the API, a GitHub, and a way to run an action."""

from collections.abc import Iterator

import pytest
from rig.fixtures import emulator, github, github_apps
from small_server import SmallServer

__all__ = ["emulator", "github", "github_apps"]


@pytest.fixture
def small() -> Iterator[SmallServer]:
    """A server that listens on this machine, until the test is over."""
    with SmallServer() as one:
        yield one
