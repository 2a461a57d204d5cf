"""Deploy: the candidate becomes the champion of a target, a folder, by one atomic swap of a pointer.

Law: nothing that a reader sees changes before the candidate has been verified, has loaded and has answered in a process
of its own, and lies whole in the target; the same run deploys once, however often it is asked.

`python -m steps.deploy query TARGET TEXT` asks the champion.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from steps.contract import Context, Given, Made, Metric, Model, Report, Sample, Table, Verdict, step
from steps.deploy.probe import tried
from steps.deploy.target import Pointer, current, fence, model_of, pointer, publish, rollback, undo

__all__ = ["Deploy", "Deployed", "Pointer", "current", "deploy", "pointer", "publish", "rollback", "undo"]


class Deploy(Given):
    """What is deployed, and how it is tried first."""

    candidate: Model
    verdict: Verdict
    golden: tuple[str, ...] = Field(
        ("This is wonderful.", "This is terrible.", "🙂", "word " * 600),
        description="sentences that the model must answer before it is deployed",
        min_length=1,
        max_length=200,
    )
    timeout: float = Field(300, description="seconds that loading and answering may take", gt=0, le=3600)


class Deployed(Made):
    """The champion, as it lies in the target."""

    model: Model


@step
def deploy(given: Deploy, context: Context) -> Deployed:
    """Verify, try in a clean process, copy, swap. Until the swap nothing is changed that a reader sees."""
    source = context.path(given.candidate)
    target = context.target.resolve()
    before = pointer(target)
    fence(before, context.token, target)
    if before is not None and before.run == context.run and before.version:
        model = model_of(target, before)
        return Deployed(model=model, report=Report(summary=f"{before.version} is deployed: this run did it before."))
    context.progress(0, 2, "parts", "loading the model in a process of its own")
    answers = tried(source, given.golden, given.timeout)
    context.progress(1, 2, "parts", "copying")
    after = publish(source, given.candidate.digest, context)
    context.progress(2, 2, "parts")
    return Deployed(model=model_of(target, after), report=_report(given, after, answers, target))


def _report(given: Deploy, now: Pointer, answers: Sequence[dict[str, Any]], target: Path) -> Report:
    seconds = sorted(answer["seconds"] for answer in answers)
    instead = f" in place of {now.history[-1]}, which is kept" if now.history else ""
    blocked = given.verdict.verdict != "PASS"
    rows = tuple(
        (_short(text), a["label"], round(a["confidence"], 4)) for text, a in zip(given.golden, answers, strict=True)
    )
    return Report(
        summary=f"{now.version} is deployed{instead}.",
        metrics=(
            Metric(name="golden_answers", value=len(answers)),
            Metric(name="median_latency", value=round(seconds[len(seconds) // 2] * 1000, 2), unit="ms", better="lower"),
        ),
        tables=(
            Table(title="Golden sentences", columns=("text", "label", "confidence"), rows=rows),
            Table(
                title="Deployment",
                columns=("what", "is"),
                rows=(("target", str(target)), ("version", now.version), ("digest", now.digest), ("token", now.token)),
            ),
        ),
        samples=tuple(Sample(text=_short(t), note=str(a["label"])) for t, a in zip(given.golden, answers, strict=True))[
            :4
        ],
        warnings=(f"deployed although the evaluation said {given.verdict.verdict}: {given.verdict.because}",)
        if blocked
        else (),
    )


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"
