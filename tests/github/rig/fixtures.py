"""A GitHub for each test; the process behind it is shared."""

from collections.abc import Iterator

import pytest

from .callers import App
from .emulator import Emulator
from .github import GitHub
from .seed import apps


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """The session's one node process: 0.1 s to start, 5 ms to forget everything."""
    with Emulator() as one:
        yield one


@pytest.fixture(scope="session")
def github_apps() -> list[App]:
    """The Apps' keys, made once: RSA takes its time."""
    return apps()


@pytest.fixture
def github(emulator: Emulator, github_apps: list[App]) -> Iterator[GitHub]:
    """A fresh GitHub: acme/models with a README, people, teams and our App. See rig/__init__.py."""
    with GitHub(emulator, apps=github_apps) as one:
        yield one
