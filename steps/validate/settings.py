"""What the checks look at and how strictly. A planner may change any field, so each is described and bounded."""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Key = Literal["conversation", "person", "group"]
Kind = Literal[
    "schema", "classes", "dates", "leaked_rows", "near_duplicates", "conversation", "person", "group",
    "drift", "label_shift", "length_shift", "new_words",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)


class Checks(BaseModel):
    """The checks' settings. Rows are drawn by a hash of their id, so that order and repetition change nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int = Field(50_000, description="most rows that statistics and schema look at", ge=100, le=1_000_000)
    near_rows: int = Field(
        100_000, description="most rows among which near-duplicates are sought, hold-out first", ge=100, le=2_000_000
    )
    drift_rows: int = Field(
        20_000, description="most rows that drift is measured on, half new and half earlier", ge=100, le=200_000
    )
    similarity: float = Field(
        0.8, description="texts count as near-duplicates from this share of common 5-letter pieces", ge=0.5, le=1
    )
    permutations: int = Field(199, description="how often new and earlier are shuffled for the p-value", ge=19, le=1999)
    significance: float = Field(0.05, description="a shift counts from this p-value down", gt=0, le=0.2)
    drift_from: float = Field(
        0.6, description="warn of drift when the AUC's interval is above this; 0.5 is none, 1 is all", ge=0.5, le=1
    )
    shift_from: float = Field(
        0.05, description="warn when a class's share, the lengths or new words shift by more than this", ge=0, le=1
    )
    leak_from: float = Field(
        0.01, description="warn when more than this share of the hold-out also stands in train", ge=0, le=1
    )
    apart: tuple[Key, ...] = Field(
        ("conversation",), description="what must not stand on both sides: the others are reported only", max_length=3
    )
    pin_schema: bool = Field(True, description="hold new rows to the schema that was inferred once and reviewed")
    accept_schema: bool = Field(False, description="the schema is meant to have changed: infer and pin it anew")
    fail_on: tuple[Kind, ...] = Field(
        ("schema", "classes", "leaked_rows"),
        description="what fails the run; all else is a warning",
        max_length=len(KINDS),
    )
