"""The base of every noun."""

from pydantic import BaseModel, ConfigDict


class Noun(BaseModel):
    """A frozen value: no unknown fields, no mutation, its own JSON form reads back as itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)
