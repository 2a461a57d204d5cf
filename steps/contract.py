"""What a step is: a typed function from `Given` and `Context` to `Made`, in a folder.

    @step
    def double(given: Numbers, context: Context) -> Doubled: ...

It stays a plain callable: `double(Numbers(values=[1]), Context(tmp))`. Where it runs (this process, a subprocess, a
Ray job, a pod) is nobody's business but the runner's.
"""

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.core.report import Cell, Chart, Failure, Metric, Report, Sample, Series, Table, ToLabel

__all__ = [
    "Artifact", "Cell", "Chart", "Context", "Dataset", "Given", "Made", "Metric", "Model", "NothingNew", "Report",
    "Sample", "Series", "StepError", "Table", "ToLabel", "Verdict", "counted_by", "step",
]  # fmt: skip


class Given(BaseModel):
    """What a step is given. Describe and bound every field: people may change them in a comment or a form."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Made(BaseModel):
    """What a step has made: its outputs as fields, and always a report."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
    report: Report


class Artifact(BaseModel):
    """A folder of files that a run published: where it is, and the sha256 over its manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    uri: str = Field(description="a folder under the artifact root: a path or an fsspec URL")
    digest: str = Field("", description="sha256 over the folder's sorted manifest; filled in when it is published")


class Dataset(Artifact):
    """Rows, split into train and hold-out."""


class Model(Artifact):
    """A transformers folder: config, tokenizer, safetensors."""


class Verdict(BaseModel):
    """What an evaluation concludes, as data for the gate."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    verdict: str = Field(pattern="^(PASS|BLOCK|INCONCLUSIVE)$")
    because: str


class StepError(Exception):
    """A step can't go on: what, where, and the cure, in a user's words. `retryable` says whether again may help."""

    def __init__(self, what: str, *, where: str = "", cure: str = "", retryable: bool = False) -> None:
        super().__init__(what)
        said = {"what": sayable(what), "where": sayable(where), "cure": sayable(cure)}
        self.failure = Failure(**said, retryable=retryable)


class NothingNew(StepError):
    """There is nothing to do: the cycle ends as skipped, with this as its reason, and nobody is asked anything."""

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        super().__init__(what, where=where, cure=cure)
        self.failure = self.failure.model_copy(update={"skip": True})


def sayable(text: str) -> str:
    """The text as Unicode: a file name that is none holds lone surrogates, which are written as escapes."""
    return text.encode(errors="backslashreplace").decode()


A = TypeVar("A", bound=Artifact)
G = TypeVar("G", bound=Given)
M = TypeVar("M", bound=Made)
S = TypeVar("S", bound=Callable[..., Made])

COUNT = "count_new"  # the attribute of a step that holds its counter

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_SAID_EVERY = 0.1  # seconds between two writes of the progress: a step may speak for every batch


class Context:
    """What a step may ask of its surroundings.

    `folder` is where it writes artifacts (one sub-folder each); they are published when the step returns and vanish
    when it does not. `scratch` survives retries and reruns of the stage within the cycle: checkpoints go there.
    `target` is the deployment target's folder, `token` the fencing token of the cycle's lease on it. `last` holds
    this stage's outputs in the last cycle that was done. `work` is the run's own folder, where progress is shown;
    without one nobody is listening. `cache` keeps what was downloaded from an artifact root that is not a folder.
    `tables` is the folder or URL of the target's tables, which outlive cycles: see `steps.snapshot`.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        run: str = "c-000000/step/1",
        scratch: Path | str | None = None,
        target: Path | str | None = None,
        token: int = 0,
        last: Mapping[str, Any] | None = None,
        resources: Mapping[str, Any] | None = None,
        work: Path | str | None = None,
        cache: Path | str | None = None,
        tables: str | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.run = run
        self.scratch = Path(scratch) if scratch else self.folder / "scratch"
        self.target = Path(target) if target else self.folder / "target"
        self.token = token
        self.last = dict(last or {})
        self.resources = dict(resources or {})
        self.work = Path(work) if work else None
        self.cache = Path(cache) if cache else self.folder / "cache"
        self.tables = tables or str(self.folder / "tables")
        self._said = 0.0

    @property
    def stage(self) -> str:
        """The stage's name: `finetune` of `c-000042/finetune/2`."""
        return self.run.split("/")[-2] if "/" in self.run else self.run

    def progress(self, done: float, total: float | None = None, unit: str = "", note: str = "") -> None:
        """Say how far the step is; cheap enough to call for every batch (at most ten of them a second are written)."""
        now = time.monotonic()
        if self.work is None or (now - self._said < _SAID_EVERY and (total is None or done < total)):
            return
        self._said = now
        said = {"done": done, "total": total, "unit": unit, "note": note, "at": time.time()}
        fresh = self.work / f"progress.{os.getpid()}"
        with contextlib.suppress(OSError):  # a full disk must fail where the work is, not where it is talked about
            fresh.write_text(json.dumps(said))
            fresh.replace(self.work / "progress.json")

    def make(self, kind: type[A], name: str) -> A:
        """A new, empty artifact folder: write into `context.path(it)` and return it as an output."""
        if not _NAME.fullmatch(name):
            cure = "use letters, digits, `_`, `-` and `.`, with no `/`"
            raise StepError(f"an artifact can't be named {name!r}", where=f"stage {self.stage}", cure=cure)
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return kind(uri=str(path))

    def path(self, artifact: Artifact) -> Path:
        """The artifact as a local folder, every file checked against the manifest. Raises `StepError` if it differs.

        An artifact without a digest was not published: it is taken as it is, and only has to exist.
        """
        from steps.store import verified  # only steps with inputs pay for it

        return verified(artifact.uri, artifact.digest, self.cache)

    def previous(self, kind: type[A], name: str) -> A | None:
        """This stage's output of that name in the last cycle that was done, or None."""
        found = self.last.get(name)
        return kind.model_validate(found) if found is not None else None


def step(function: Callable[[G, Context], M]) -> Callable[[G, Context], M]:
    """Mark a function as a step: one parameter of a `Given`, one `Context`, and a `Made` in return.

    The function is returned as it is; `ratchet check` and the runner read its annotations.
    """
    return function


def counted_by(count: Callable[[G, Context], int]) -> Callable[[S], S]:
    """Over a step: the function that says how many rows a run would find new, for schedules `when: {new_rows: N}`.

    It is asked with what the step is given and changes nothing; too many is better than too few, since the step itself
    raises `NothingNew`. What it raises is told as why the rows can't be counted.
    """

    def mark(function: S) -> S:
        setattr(function, COUNT, count)
        return function

    return mark
