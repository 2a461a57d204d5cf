"""Servers, each with a folder and a database of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from premises import PIPELINES, STEPS, Premises

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a pipeline file and its steps, which is where everything happens."""
    (tmp_path / "server_sums.py").write_text(STEPS)
    (tmp_path / "ratchet.yaml").write_text(PIPELINES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{tmp_path}")
    return tmp_path


@pytest.fixture
def opened(folder: Path) -> Iterator[Callable[..., Premises]]:
    """Opens servers; SQLite in the folder unless told otherwise."""
    made: list[Premises] = []

    def again(environment: dict[str, str] | None = None, **more: Any) -> Premises:
        given = {"RATCHET_DATABASE_URL": f"sqlite:///{folder / 'ratchet.db'}", **(environment or {})}
        made.append(Premises(folder, given, **more))
        return made[-1]

    yield again
    for one in made:
        one.close()


@pytest.fixture
def here(opened: Callable[..., Premises]) -> Premises:
    """A server without authentication, on this machine alone."""
    return opened()


@pytest.fixture
def guarded(opened: Callable[..., Premises]) -> Premises:
    """A server with a token for each role."""
    from premises import KNOWN

    return opened({"RATCHET_TOKENS": KNOWN})
