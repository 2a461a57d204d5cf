"""What the collect stage is given, and what it makes. Every field may be changed in a comment or a form."""

from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from steps.collect.flow import Engine
from steps.collect.source import Columns
from steps.contract import Dataset, Given, Made
from steps.labels.corrections import Correction
from steps.private.settings import Privacy
from steps.validate.settings import Checks

Together = Literal["row", "group", "conversation", "person"]


class Collect(Given):
    """Where the rows are and what they mean."""

    source: str | tuple[str, ...] | dict[str, JsonValue] = Field(
        description="where the rows are: a glob or a list of globs (parquet, CSV, TSV, JSONL; compressed; any fsspec "
        "URL), {sql: URL or env:NAME, query: …, watermark: column}, {dataset: folder, split: train}, or "
        "{serving_log: folder}",
        min_length=1,
    )
    text: str = Field("text", description="the column with the text", min_length=1)
    label: str = Field("label", description="the column with the label or rating", min_length=1)
    group: str | None = Field(None, description="a column to report by: a domain, a product, a language", min_length=1)
    author: str | None = Field(
        None, description="the column that says who wrote it: kept as a keyed hash, so that they can be erased"
    )
    conversation: str | None = Field(
        None, description="the column that says what belongs to one conversation: a name is replaced alike within it"
    )
    at: str | None = Field(None, description="the column with the time of writing")
    positive_at_least: float | None = Field(None, description="ratings from here up are positive", allow_inf_nan=False)
    negative_at_most: float | None = Field(
        None, description="ratings from here down are negative; between the two a row is dropped", allow_inf_nan=False
    )
    holdout: float = Field(0.2, description="share of the texts kept for measuring", ge=0.01, le=0.5)
    split_by: Together = Field(
        "row", description="what stays on one side of the split: rows, or all of a group, conversation or person"
    )
    salt: str = Field("ratchet", description="another salt gives another split of new texts", max_length=100)
    privacy: Privacy = Field(Privacy(), description="how identifiers are found and replaced")
    checks: Checks = Field(Checks(), description="how the data are checked before anybody sees them")
    accept_schema: bool = Field(
        False, description="the rows are meant to look otherwise than before: pin their schema anew"
    )
    look: int = Field(60, description="most rows that are put before reviewers for a look at the label", ge=0, le=500)
    corrections: tuple[Correction, ...] = Field((), description="labels that reviewers have corrected", max_length=5000)
    most_unreadable: float = Field(0.01, description="share of rows that may be unreadable", ge=0, le=1)
    when_nothing_new: Literal["skip", "go on"] = Field(
        "skip", description="skip: the cycle ends; go on: the last snapshot is used again"
    )
    engine: Engine = Field(
        "auto", description="who does the work: inline in one process, ray, or auto: ray for much or where it is there"
    )
    batch_rows: int = Field(20_000, description="rows that a worker holds at a time", ge=100, le=1_000_000)

    @model_validator(mode="after")
    def _thresholds(self) -> Self:
        if (self.positive_at_least is None) != (self.negative_at_most is None):
            raise ValueError("positive_at_least and negative_at_most belong together: give both, or neither")
        if (self.positive_at_least or 0) <= (self.negative_at_most or 0) and self.numeric:
            raise ValueError("positive_at_least must be greater than negative_at_most")
        return self

    @model_validator(mode="after")
    def _split(self) -> Self:
        needed = {"group": "group", "conversation": "conversation", "person": "author"}.get(self.split_by)
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"split_by: {self.split_by} needs the column: give `{needed}`")
        return self

    @property
    def numeric(self) -> bool:
        """Whether the label is a rating."""
        return self.positive_at_least is not None

    @property
    def columns(self) -> Columns:
        """Which columns are wanted, by what they mean."""
        return Columns(
            self.text, self.label, group=self.group, numeric=self.numeric, author=self.author,
            conversation=self.conversation, at=self.at,
        )  # fmt: skip


class Collected(Made):
    """The snapshot, all rows to date."""

    data: Dataset
