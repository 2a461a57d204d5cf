"""What is kept of a night for the next one's comparison: counts and shares, no text, no word and no row's id.

Law: nothing here can be traced to a person, so that erasing one needs no change here. Drift itself is measured
against the earlier rows, which erasure reaches.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
MOST_NIGHTS = 60


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Kept):
    """What one column of new rows must be. `longest` is in characters."""

    name: str
    type: str = Field(description="as pyarrow writes it: `string`, `int32`, `timestamp[us, tz=UTC]`")
    nullable: bool
    allowed: tuple[str, ...] = Field((), description="the only values; empty: any")
    longest: int | None = None
    earliest: datetime | None = None


class Pinned(_Kept):
    """The schema as it was inferred from the first rows, and as reviewers then approved it."""

    since: datetime
    columns: tuple[Column, ...]


class Night(_Kept):
    """One night's figures, for the chart over nights."""

    at: datetime
    new_rows: int = Field(ge=0)
    auc: Share | None = None
    label_shift: Share | None = None


class Profile(_Kept):
    """Kept with each snapshot."""

    at: datetime
    labels: tuple[str, ...]
    rows: tuple[int, ...] = Field(description="rows by class, in the order of `labels`, on both sides")
    characters: tuple[float, ...] = Field((), description="0, 5, 25, 50, 75, 95 and 100 % quantiles of the new texts")
    languages: dict[str, Share] = Field({}, description="share of the new texts by language")
    pinned: Pinned | None = None
    nights: tuple[Night, ...] = Field((), max_length=MOST_NIGHTS)
