"""A machine's clock that is set back while a question is open."""

from argparse import Namespace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from desk import ROOT, Desk

from orchestrator import actions, session
from orchestrator.app import App, SystemClock
from orchestrator.audit import verify
from orchestrator.core.model import State


class SetBack(SystemClock):
    """A clock that is an hour behind."""

    def now(self) -> datetime:
        """An hour ago."""
        return super().now() - timedelta(hours=1)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_an_answer_counts_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    """Who answers has seen the question: a clock set back between the two does not make the answer older."""
    desk = Desk(tmp_path)
    terminal = desk.terminal("run", "sums")
    terminal.wait_for("1 of @anyone")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{tmp_path}")
    app = App({}, clock=SetBack())
    if elsewhere:
        actions.approve(Namespace(cycle="c-000001", digest=None, reason=None), app)
        assert terminal.end() == 0
    else:
        terminal.kill()
        arguments = Namespace(config="ratchet.yaml", pipeline="sums", set=None, yes=True, json=False)
        assert session.run(arguments, app).state is State.DONE
    assert list(verify(app.store)) == []
    assert desk.starts() == ["c-000001/add/1"]
    app.store.close()
