"""What a run found: a report, the artifacts with their digests, and the digest that a review is about. Pure."""

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from orchestrator.core.noun import Noun

Finite = Annotated[float, Field(allow_inf_nan=False)]
Cell = str | int | Finite | bool | None


class Metric(Noun):
    """One measured number, with the interval and the baseline that give it a meaning."""

    name: str = Field(min_length=1, description="snake_case, unique in the report; policies name it")
    value: Finite
    unit: str = ""
    low: Finite | None = Field(None, description="lower end of the 95 % interval, in the metric's own unit")
    high: Finite | None = Field(None, description="upper end of the 95 % interval")
    baseline: Finite | None = Field(None, description="the same number for what it is compared with")
    better: Literal["higher", "lower"] | None = None


class Table(Noun):
    """Rows of cells under columns; every row is as long as `columns`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Series(Noun):
    """One line or row of bars: (x, y) points."""

    name: str
    points: tuple[tuple[Finite | str, Finite], ...]


class Chart(Noun):
    """A picture as data; whoever shows it draws it."""

    title: str
    kind: Literal["line", "bar"] = "line"
    x: str = ""
    y: str = ""
    series: tuple[Series, ...]


class Sample(Noun):
    """One example from the data, with what there is to say about it."""

    text: str
    note: str = ""


class ToLabel(Noun):
    """A row whose label is worth a person's look, and why; it travels in the report, so nobody needs the artifact."""

    id: str = Field(min_length=1, description="the row's id in the snapshot; a correction names it")
    text: str = Field(description="as it is in the snapshot: already de-identified")
    label: str = Field(description="the class as it stands")
    predicted: str = Field("", description="the class that a model would give it; empty where no model was asked")
    confidence: Finite | None = Field(None, description="the model's probability of `predicted`")
    why: str = ""


class File(Noun):
    """One published file: path relative to the artifact's folder, sha256 in hex, size in bytes."""

    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class Report(Noun):
    """What a run found, for planners first: `summary` is one or two plain sentences."""

    summary: str = Field(min_length=1)
    metrics: tuple[Metric, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    samples: tuple[Sample, ...] = ()
    warnings: tuple[str, ...] = ()
    to_label: tuple[ToLabel, ...] = Field(
        (), description="rows whose labels reviewers may correct, the worthiest first"
    )
    classes: tuple[str, ...] = Field((), description="every label that such a row may have; those it shows, if empty")

    def metric(self, name: str) -> Metric | None:
        """The metric of that name, or None."""
        return next((metric for metric in self.metrics if metric.name == name), None)


class Failure(Noun):
    """Why a run has nothing to show: what happened, where, and what to do about it.

    `skip`: nothing is wrong, and there is nothing to do: the cycle ends as skipped.
    """

    what: str = Field(min_length=1)
    where: str = ""
    cure: str = ""
    retryable: bool = True
    skip: bool = False

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        cure = f": {self.cure}" if self.cure else ""
        return f"{self.what}{where}{cure}"


class Product(Noun):
    """What a successful run leaves: its outputs by name, its report, and the digests of every file."""

    outputs: dict[str, JsonValue] = {}
    report: Report
    files: tuple[File, ...] = ()


def digest_of(run: str, report: Report, files: Sequence[File]) -> str:
    """sha256 (hex) over run id, report and artifact manifest: what a review is *about*.

    Canonical JSON: sorted keys, no spaces, files ordered by path; what has its default is left out, so that a field
    which a later version adds changes no digest of an earlier one.
    """
    manifest = sorted((file.path, file.sha256, file.size) for file in files)
    subject = {"run": run, "report": report.model_dump(mode="json", exclude_defaults=True), "files": manifest}
    text = json.dumps(subject, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
