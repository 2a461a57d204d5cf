"""A step that does what a test asks of it: tells when it is there, waits, reads, fails. Imported by the runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from pydantic import Field

from steps.contract import Context, Dataset, Given, Made, Report, StepError, step


class Errand(Given):
    """What to do, in this order."""

    tally: str = Field("", description="a file that gets a line for each start")
    ready: str = Field("", description="a named pipe that is told when the step is there")
    hold: str = Field("", description="a named pipe to wait for")
    read: str = Field("", description="a file to read")
    say: str = Field("", description="a line for the log")
    hoard: int = Field(0, ge=0, description="bytes of memory to take")
    fill: int = Field(0, ge=0, description="bytes of disk to take")
    child: str = Field("", description="a named pipe that is told the pid of a child that flees into its own session")
    fork: bool = Field(False, description="leave a forked child behind that waits for ever")
    refuse: str = Field("", description="a StepError to raise")
    die: int = Field(0, description="a signal for itself")


class Ran(Made):
    """What an errand brings."""

    data: Dataset


@step
def errand(given: Errand, context: Context) -> Ran:
    """Do it."""
    data = context.make(Dataset, "data")
    (context.path(data) / "words.txt").write_text(given.say or "words")
    if given.tally:
        with Path(given.tally).open("a") as tally:
            tally.write(f"{context.run}\n")
    context.progress(1, 2, "errands")
    if given.say:
        sys.stderr.write(f"{given.say}\n")
    _leave_behind(given)
    if given.ready:
        Path(given.ready).write_text("ready")
    if given.fill:
        (context.path(data) / "filling.bin").write_bytes(bytes(given.fill))
    if given.hold and not given.hoard:
        Path(given.hold).read_text()
    if given.read:
        Path(given.read).read_text()
    if given.hoard:
        hoarded = bytearray(b"x") * given.hoard
        Path(given.hold).read_text()
        del hoarded
    if given.refuse:
        raise StepError(given.refuse, where="the errand", cure="ask for something else")
    if given.die:
        os.kill(os.getpid(), given.die)
    return Ran(data=data, report=Report(summary="The errand is done."))


def _leave_behind(given: Errand) -> None:
    if given.fork and os.fork() == 0:
        signal.pause()
    if given.child:
        command = [sys.executable, "-c", "import signal; signal.pause()"]
        child = subprocess.Popen(command, start_new_session=True)
        Path(given.child).write_text(str(child.pid))
