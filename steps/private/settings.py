"""How texts are de-identified: a parameter of the collect step, `with: {privacy: {keep: [url]}}`."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from steps.private.spans import KINDS

Language = Literal["ko", "en"]
Engine = Literal["rules", "names", "ko-pii", "presidio"]


class Privacy(BaseModel):
    """Which identifiers are looked for, and by what. The defaults need nothing but this package."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    languages: tuple[Language, ...] = Field(
        ("ko", "en"), description="languages whose names, addresses and national numbers are looked for", min_length=1
    )
    engines: tuple[Engine, ...] = Field(
        ("rules", "names"),
        description="what looks: rules (numbers, contacts, places), names, and the libraries ko-pii and presidio",
        min_length=1,
    )
    keep: tuple[str, ...] = Field((), description="kinds that are left as they are, such as url", max_length=32)
    least: float = Field(
        0.4, description="spans that are less sure are left as they are (Presidio's telephones score 0.4)", ge=0, le=1
    )
    model: str | None = Field(
        None,
        description="a transformers token classifier that looks too: a folder or a hub name",
        min_length=1,
        max_length=500,
    )
    batch: int = Field(32, description="windows of text that the token classifier reads at once", ge=1, le=4096)
    residue: bool = Field(False, description="look once more for tokens that stand where identifiers stand")
    off: bool = Field(False, description="leave every text as it is; the report says so")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for kind in self.keep:
            if kind not in KINDS:
                raise ValueError(f"there is no kind {kind!r} to keep: the kinds are {', '.join(KINDS)}")
        return self
