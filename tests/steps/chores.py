"""Steps for the runner's own tests: plain, typed, and some that are wrong on purpose."""

import signal
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from steps.contract import (
    Artifact,
    Context,
    Dataset,
    Given,
    Made,
    Model,
    NothingNew,
    Report,
    StepError,
    counted_by,
    step,
)


class Numbers(Given):
    """Numbers to double."""

    values: list[int] = Field(description="whole numbers", min_length=1)
    rate: float = Field(0.5, gt=0, le=1, description="how fast, from 0 to 1")
    mode: Literal["up", "down"] = "up"
    note: str | None = None


class Doubled(Made):
    """Twice as much."""

    data: Dataset
    total: int


@step
def double(given: Numbers, context: Context) -> Doubled:
    """Write each number doubled, in a file of its own."""
    data = context.make(Dataset, "data")
    for place, value in enumerate(given.values):
        (context.path(data) / f"{place}.txt").write_text(str(2 * value))
    context.progress(len(given.values), len(given.values), "numbers")
    return Doubled(data=data, total=2 * sum(given.values), report=Report(summary="Doubled."))


class Wired(Given):
    """What another stage made."""

    data: Dataset
    model: Model | None = None
    anything: Artifact | int = 0


@step
def read(given: Wired, context: Context) -> Doubled:
    """Double what the artifact's files say, and hand the artifact on."""
    files = sorted(context.path(given.data).iterdir())
    return Doubled(data=given.data, total=sum(int(file.read_text()) for file in files), report=Report(summary="Read."))


class Folder(Given):
    """Where files arrive."""

    arrivals: str
    least: int = 0


def unread(given: Folder, context: Context) -> int:
    """How many files no cycle has read; it leaves a trace in every folder that it is given."""
    print("counting")  # noqa: T201 - steps do
    (context.folder / "trace").touch()
    context.make(Dataset, "data")
    found = len(list(Path(given.arrivals).iterdir())) - int(context.last.get("total", 0))
    if given.least and found < given.least:
        raise NothingNew("no file is new")
    return found


@step
@counted_by(unread)
def gather(given: Folder, context: Context) -> Doubled:
    """Read what has arrived."""
    raise StepError("it must only be counted")


class Trouble(Given):
    """What shall go wrong."""

    kind: str = "ValueError"
    path: str = ""

    @model_validator(mode="after")
    def _known(self) -> "Trouble":
        if self.kind == "nothing":
            raise ValueError("nothing is no trouble")
        return self


@step
def fail(given: Trouble, context: Context) -> Doubled:
    """Fail in the asked way."""
    match given.kind:
        case "StepError":
            raise StepError("the rows are wrong", cure="mend them", retryable=True)
        case "MemoryError":
            raise MemoryError
        case "disk":
            raise OSError(28, "No space left on device", "/data/model.bin")
        case "fill":
            (context.scratch / "filling.bin").write_bytes(bytes(100_000))
        case "read":
            Path(given.path).read_text()
        case "exit":
            raise SystemExit(3)
        case "stopped":
            signal.raise_signal(signal.SIGTERM)
        case "link":
            made = context.make(Dataset, "data")
            (context.path(made) / "link").symlink_to(given.path)
        case "empty":
            data = context.make(Dataset, "data")
            return Doubled(data=data, total=0, report=Report(summary="Nothing."))
        case "name":
            context.make(Dataset, "../outside")
        case "none":
            return None  # type: ignore[return-value]
        case _:
            raise ValueError("it does not\nadd up")
    return Doubled(data=Dataset(uri="/elsewhere"), total=0, report=Report(summary="Odd."))


def unannotated(given, context):  # type: ignore[no-untyped-def]
    """Not a step: nobody knows what it takes."""
