"""A measured program as a child process: started, asked, and ended."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WORKERS = Path(__file__).parent / "workers"
ROOT = Path(__file__).parent.parent
PATIENCE = 180.0  # seconds for any one answer


class Silent(Exception):
    """The program ended, or did not answer: its last words."""


def command(worker: str, config: Mapping[str, Any], python: Path | str = sys.executable) -> list[str]:
    """How a worker is started."""
    return [str(python), str(WORKERS / f"{worker}.py"), json.dumps(dict(config))]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, with what `orchestrator` needs to be found, and no bytecode to be compiled twice."""
    return os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""} | dict(more or {})


class Contender:
    """A worker under way. `label` is what tables call it."""

    def __init__(
        self,
        label: str,
        worker: str,
        config: Mapping[str, Any],
        log: Path,
        python: Path | str = sys.executable,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.label, self._log = label, log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command(worker, config, python),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment(env),
                cwd=log.parent,
            )
        self.facts: dict[str, Any] = {}
        try:
            self.facts = self._answer(PATIENCE)["ready"]
        except Silent:
            self.close()
            raise

    def ask(self, do: str, *, patience: float = PATIENCE, **more: Any) -> Any:
        """The answer. Raises `Silent`."""
        assert self.process.stdin is not None
        try:
            print(json.dumps({"do": do, **more}), file=self.process.stdin, flush=True)
        except OSError:
            raise Silent(self.last_words()) from None
        return self._answer(patience)["answer"]

    def _answer(self, patience: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        timer = threading.Timer(patience, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            raise Silent(self.last_words())
        found: dict[str, Any] = json.loads(line)
        return found

    def last_words(self) -> str:
        """The last line that it wrote to stderr."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it ended without a word"

    def close(self) -> None:
        """End it."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
