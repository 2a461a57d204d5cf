"""Metric bounds as a reviewer: a report in, a review out. Pure.

Laws:
- Fail closed: a number that is missing or not finite meets no bound, and the review says so.
- The review names every bound with the number that met it or did not.
- The same report gives the same review, under the same id: saying it twice is saying it once.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from orchestrator.core.events import Event, ReviewGiven
from orchestrator.core.gate import Person, Review, Verdict
from orchestrator.core.model import Cycle
from orchestrator.core.noun import Noun
from orchestrator.core.report import Finite, Report

Part = Literal["value", "low", "high", "baseline"]
Sense = Literal[">=", "<=", ">", "<"]
PARTS: tuple[Part, ...] = ("value", "low", "high", "baseline")

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_BOUND = re.compile(
    rf"\s*(>=|<=|>|<)\s*(?:({_NUMBER})|(?:({_NUMBER})\s*\*\s*)?baseline(?:\s*([+-])\s*(\d+\.?\d*|\.\d+))?)\s*"
)
_FORM = "write `>= 0.8`, `>= baseline - 0.01` or `<= 1.1 * baseline`"


class Bound(Noun):
    """A part of a metric against `factor` times the metric's baseline + `offset`."""

    metric: str = Field(min_length=1)
    part: Part = "value"
    sense: Sense
    factor: Finite = 0
    offset: Finite = 0

    @property
    def name(self) -> str:
        """As it is written in `ratchet.yaml`: `accuracy` or `accuracy_gain.low`."""
        return self.metric if self.part == "value" else f"{self.metric}.{self.part}"

    def __str__(self) -> str:
        if not self.factor:
            return f"{self.sense} {self.offset:.12g}"
        scaled = "baseline" if self.factor == 1 else f"{self.factor:.12g} * baseline"
        shift = f" {'-' if self.offset < 0 else '+'} {abs(self.offset):.12g}" if self.offset else ""
        return f"{self.sense} {scaled}{shift}"


class Policy(Noun):
    """Bounds that must all hold and, unless empty, what the run's verdict must be."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    bounds: tuple[Bound, ...] = ()
    verdict: str = ""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.bounds and not self.verdict:
            raise ValueError(f"policy {self.name} asks nothing: give it a bound, like `accuracy: '>= 0.8'`")
        return self


NO_REGRESSION = Policy(
    name="no_regression",
    bounds=(Bound(metric="accuracy_gain", part="low", sense=">=", offset=-0.01),),
    verdict="PASS",
)
BUILT_IN: Mapping[str, Policy] = {NO_REGRESSION.name: NO_REGRESSION}


def read_bound(name: str, text: object) -> Bound:
    """`read_bound("accuracy_gain.low", ">= -0.01")`. Raises `ValueError` for text of another form."""
    match = _BOUND.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is not a bound: {_FORM}")
    sense, number, factor, sign, shift = match.groups()
    metric, part = name, "value"
    head, _, tail = name.rpartition(".")
    if head and tail in PARTS:
        metric, part = head, tail
    if not all(math.isfinite(float(one)) for one in (number, factor, shift) if one):
        raise ValueError(f"{text!r} is out of all bounds: {_FORM}")
    if number is not None:
        return Bound.model_validate({"metric": metric, "part": part, "sense": sense, "offset": float(number)})
    offset = float(f"{sign}{shift}") if shift else 0.0
    scale = float(factor) if factor else 1.0
    if not scale:
        raise ValueError(f"{text!r} multiplies the baseline by nothing: {_FORM}")
    return Bound.model_validate(
        {"metric": metric, "part": part, "sense": sense, "factor": scale, "offset": offset},
    )


def judge(
    policy: Policy,
    report: Report,
    digest: str,
    run: str,
    at: datetime,
    outputs: Mapping[str, JsonValue] | None = None,
) -> Review:
    """The policy's review of this report. `outputs` are the run's, for a policy that asks for its verdict."""
    answers = [_weigh(bound, report) for bound in policy.bounds]
    if policy.verdict:
        answers.append(_verdict(policy.verdict, outputs or {}))
    met = all(holds for holds, _ in answers)
    return Review(
        id=f"policy:{policy.name}/{run}/{digest}",
        by=Person(id=f"policy:{policy.name}", login=f"policy {policy.name}"),
        verdict=Verdict.APPROVE if met else Verdict.REJECT,
        about=digest,
        at=at,
        reason="; ".join(said for _, said in answers),
        authority="policy",
    )


def _weigh(bound: Bound, report: Report) -> tuple[bool, str]:
    """Whether the bound holds, and the sentence that says why."""
    metric = report.metric(bound.metric)
    if metric is None:
        return False, f"{bound.name} {bound}: not met, the report has no metric {bound.metric}"
    number: float | None = getattr(metric, bound.part)
    if number is None or not math.isfinite(number):
        return False, f"{bound.name} {bound}: not met, {bound.part} is {_said(number)}"
    limit = bound.offset
    if bound.factor:
        if metric.baseline is None or not math.isfinite(metric.baseline):
            return False, f"{bound.name} {bound}: not met, the baseline is {_said(metric.baseline)}"
        limit += bound.factor * metric.baseline
    holds = _holds(number, bound.sense, limit)
    against = f" (= {limit:.6g})" if bound.factor else ""
    return holds, f"{bound.name} {bound}{against}: {'met' if holds else 'not met'} by {number:.6g}"


def _said(number: float | None) -> str:
    return "missing" if number is None else f"{number}"


def _holds(number: float, sense: Sense, limit: float) -> bool:
    """The comparison, in which numbers that differ only by rounding are equal."""
    if not math.isfinite(limit):
        return False
    if math.isclose(number, limit, rel_tol=1e-12, abs_tol=1e-12):
        return sense in (">=", "<=")
    return (number > limit) == sense.startswith(">")


def _verdict(wanted: str, outputs: Mapping[str, JsonValue]) -> tuple[bool, str]:
    """Whether the run's own verdict is the wanted one, and the sentence that says why."""
    found = outputs.get("verdict")
    if isinstance(found, dict):
        said, because = found.get("verdict"), found.get("because")
        reason = f" ({because})" if because else ""
        return said == wanted, f"verdict {wanted}: {'met' if said == wanted else 'not met'} by {said}{reason}"
    return False, f"verdict {wanted}: not met, the run made no verdict"


class PolicyReviewer:
    """Answers every open gate that asks a policy, by the policy as it stood when the cycle began."""

    def look(self, cycle: Cycle) -> Iterable[Event]:
        """The policy's review of the open gate: the same one every time."""
        gate, opening, run = cycle.stage.gate, cycle.opening, cycle.run
        if gate is None or gate.policy is None or opening is None or run is None:
            return
        try:
            policy = Policy.model_validate(cycle.pipeline.policies.get(gate.policy) or BUILT_IN[gate.policy])
        except (KeyError, ValidationError):
            return  # nobody answers, and the gate says so: it stays shut
        review = judge(policy, opening.report, opening.digest, opening.run, opening.at, run.outputs)
        yield ReviewGiven(at=opening.at, review=review)
