"""What may be changed on the way, and what was agreed."""

import pytest

from orchestrator.core.course import beyond_review
from orchestrator.core.model import Pipeline, Stage


def pipeline(*gated: str) -> Pipeline:
    """collect, learn, judge and ship, with gates behind these."""
    gate = {"require": ["1 of alice"]}
    return Pipeline(
        name="words",
        stages=tuple(
            Stage.model_validate({"name": name, "step": "small:step", **({"gate": gate} if name in gated else {})})
            for name in ("collect", "learn", "judge", "ship")
        ),
    )


@pytest.mark.parametrize(
    ("gated", "start", "key"),
    [
        ((), "ship", "share"),
        (("collect", "judge"), "learn", "rate"),
        (("collect", "judge"), "learn", "learn.rate"),
        (("collect", "judge"), "judge", "ship.share"),
        (("collect", "judge"), "collect", "learn.rate"),
        (("judge",), "collect", "ship.share"),
        (("collect", "judge"), "judge", "bound"),
        (("learn", "ship"), "learn", "unheard_of.share"),
    ],
)
def test_what_somebody_is_still_asked_about_may_be_changed(gated: tuple[str, ...], start: str, key: str) -> None:
    """A gate is asked again before it, one behind it stands before another stage, or nobody has agreed to anything."""
    assert beyond_review(pipeline(*gated), start, {key: "1"}) == ""


@pytest.mark.parametrize(
    ("gated", "start", "key", "agreed"),
    [
        (("judge",), "ship", "share", "judge"),
        (("collect", "judge", "ship"), "ship", "ship.share", "judge"),
        (("learn",), "judge", "ship.share", "learn"),
        (("collect",), "learn", "rate", "collect"),
    ],
)
def test_what_was_agreed_is_not_changed_behind_the_last_review(
    gated: tuple[str, ...], start: str, key: str, agreed: str
) -> None:
    """Nobody would be asked about it before it has its effect; the gate to go back to is named."""
    assert f"rerun from={agreed}" in beyond_review(pipeline(*gated), start, {key: "1"})
    assert beyond_review(pipeline(*gated), agreed, {key if "." in key else f"{start}.{key}": "1"}) == ""
