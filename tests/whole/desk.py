"""One user's folder and terminal: real processes, a real pseudo-terminal, steps of a few lines."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

STEPS = '''
"""Steps of a few lines, which leave a trace of every start."""
import os
import time
from pathlib import Path

from pydantic import Field

from steps.contract import Context, Given, Made, Metric, NothingNew, Report, StepError, step


class Numbers(Given):
    values: list[float] = Field(description="what is added", max_length=9)
    wait_for: str = Field("", description="a file without which it does not end")
    fail_without: str = Field("", description="a file without which it fails")
    nothing_without: str = Field("", description="a file without which there is nothing to do")


class Sum(Made):
    total: float


@step
def add(given: Numbers, context: Context) -> Sum:
    with Path("starts.txt").open("a") as file:
        file.write(f"{context.run} {os.getpid()}\\n")
    if given.fail_without and not Path(given.fail_without).exists():
        raise StepError("the till is shut", where=given.fail_without, cure="open it")
    if given.nothing_without and not Path(given.nothing_without).exists():
        raise NothingNew("no number is new", cure="wait for one")
    context.progress(1, 2, "sums")
    while given.wait_for and not Path(given.wait_for).exists():
        time.sleep(0.01)
    total = sum(given.values)
    metrics = (Metric(name="total", value=total),)
    return Sum(total=total, report=Report(summary=f"The sum is {total:g}.", metrics=metrics))


class Factor(Given):
    number: float = Field(description="what is multiplied")
    by: float = Field(2, gt=0, le=100, description="how often")


@step
def times(given: Factor, context: Context) -> Sum:
    total = given.number * given.by
    return Sum(total=total, report=Report(summary=f"The product is {total:g}."))
'''

PIPELINE = """
pipelines:
  sums:
    stages:
      - name: add
        step: sums:add
        with: {values: [1, 2, 3]}
        gate: {require: ["1 of @anyone"]}
      - name: times
        step: sums:times
        takes: {number: add.total}
"""


class Terminal:
    """A process with a pseudo-terminal: what it prints can be read, and something typed."""

    def __init__(self, command: list[str], folder: Path, env: dict[str, str]) -> None:
        self.pid, self._handle = pty.fork()
        if self.pid == 0:  # pragma: no cover - the child becomes the command
            os.chdir(folder)
            os.execve(command[0], command, env)
        termios.tcsetwinsize(self._handle, (40, 100))
        self.seen = ""
        self._heard = 0

    def wait_for(self, text: str, seconds: float = PATIENCE) -> str:
        """All that was printed, once `text` is in what came since the last call."""
        end = time.monotonic() + seconds
        while (found := self.seen.find(text, self._heard)) < 0:
            ready, _, _ = select.select([self._handle], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{text!r} never came; what came was:\n{self.seen}"
            try:
                self.seen += os.read(self._handle, 65_536).decode()
            except OSError as closed:
                raise AssertionError(f"{text!r} never came; what came was:\n{self.seen}") from closed
        self._heard = found + len(text)
        return self.seen

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._handle, f"{line}\n".encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.write(self._handle, b"\x03")

    def kill(self) -> None:
        """kill -9, and nothing else of it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def end(self) -> int:
        """The exit status, once it has ended by itself."""
        while True:
            try:
                chunk = os.read(self._handle, 65_536)
            except OSError:
                break
            if not chunk:
                break
            self.seen += chunk.decode()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Desk:
    """A folder with a ratchet.yaml, and the commands that a user types in it."""

    def __init__(self, folder: Path, pipeline: str = PIPELINE) -> None:
        self.folder = folder
        (folder / "sums.py").write_text(STEPS)
        (folder / "ratchet.yaml").write_text(pipeline)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RATCHET_")}
        self.env = {**kept, "PYTHONPATH": f"{ROOT}:{folder}", "HOME": str(folder), "TERM": "xterm"}

    def ratchet(self, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Type a command and wait for it; it must end with `status`, and never shows a traceback."""
        command = [sys.executable, "-m", "orchestrator", *words]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stdout + done.stderr
        assert done.returncode == status, f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    def data(self, *words: str) -> Any:
        """What a command prints with --json."""
        return json.loads(self.ratchet(*words, "--json").stdout)

    def terminal(self, *words: str) -> Terminal:
        """Type a command and stay at the terminal."""
        return Terminal([sys.executable, "-m", "orchestrator", *words], self.folder, self.env)

    def starts(self) -> list[str]:
        """The runs that began their work, in order."""
        path = self.folder / "starts.txt"
        return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []
