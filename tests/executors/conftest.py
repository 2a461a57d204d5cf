"""Houses for executors, and the one embedded Ray."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from house import House

from orchestrator.executors.inline import InlineExecutor
from orchestrator.executors.local import LocalExecutor
from orchestrator.executors.ray import RayExecutor


@pytest.fixture(scope="module", autouse=True)
def importable_errands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs can import this folder, and Ray finds a home that is nobody's."""
    with pytest.MonkeyPatch.context() as patch:
        roots = [str(Path(__file__).parent), str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(roots))
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayExecutor]:
    """The module's one cluster: an embedded one."""
    executor = RayExecutor(tmp_path_factory.mktemp("ray"), tmp_path_factory.mktemp("ray-made"))
    try:
        executor.cluster.start()
        yield executor
    finally:
        executor.close()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, lambda house: LocalExecutor(house.work, house.made))
    yield house
    house.close()


def _ray(request: pytest.FixtureRequest) -> Callable[[House], Any]:
    address = request.getfixturevalue("embedded").cluster.url()
    return lambda house: RayExecutor(house.work, house.made, address)


@pytest.fixture(params=["local", "inline", "ray"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """One for every executor: whatever it is, the same is promised."""
    makes: dict[str, Callable[[House], Any]] = {
        "local": lambda house: LocalExecutor(house.work, house.made),
        "inline": lambda house: InlineExecutor(None, house.made, house.work),
    }
    kind: str = request.param
    house = House(tmp_path, makes[kind] if kind in makes else _ray(request))
    yield house
    house.close()
