"""The pull request's own title and text: why the cycle began, what happens in it, and who is asked. Pure."""

import json

from pydantic import JsonValue

from orchestrator.core.model import Cycle, Stage, Trigger
from reviewers.comment.answer import help_text
from reviewers.comment.page import Links, folded, link, marker, page, table, when
from reviewers.comment.words import deadline_words, gate_words
from reviewers.corrections import readable
from reviewers.safe import code, line, text

_BEGAN = {
    Trigger.PLANNER: "a planner asked for it",
    Trigger.SCHEDULE: "its schedule came due",
    Trigger.DRIFT: "the data drifted",
    Trigger.API: "a program asked for it",
    Trigger.COMMAND_LINE: "somebody asked for it at the command line",
}


def title(cycle: Cycle) -> str:
    """The pull request's title: one line of at most 200 characters, in which nothing is linked."""
    purpose = line(cycle.purpose, 90)
    said = f"Retrain {cycle.pipeline.name} ({cycle.id}){f': {purpose}' if purpose else ''}"
    return said if len(said) <= 200 else f"{said[:199]}…"


def intro(cycle: Cycle, links: Links) -> str:
    """The pull request's text. It tells what does not change; the status comment tells the rest."""
    blocks = [
        why(cycle),
        f"> {text(cycle.purpose)}" if cycle.purpose.strip() else "",
        *params(cycle),
        "### What happens",
        "\n".join(f"{place}. {stage_words(stage)}" for place, stage in enumerate(cycle.pipeline.stages, 1)),
        "Nothing goes past a review before everybody who is asked has agreed. "
        "When every stage is done this pull request is merged; otherwise it is closed, and says why.",
        "### How to answer",
        "Write a comment here. A line that begins with one of these words counts:",
        help_text(),
        f"Started by {link('this workflow run', links.workflow_run)}." if links.workflow_run else "",
    ]
    return page(marker("pull", cycle.id), blocks, rest=links.branch)


def why(cycle: Cycle) -> str:
    """Why it began, by whom and when."""
    by = f", by {code(cycle.initiator.login)}" if cycle.initiator else ""
    return (
        f"**Ratchet retrains {code(cycle.pipeline.name)}**, because {_BEGAN[cycle.trigger]}{by}, "
        f"on {when(cycle.began_at)}."
    )


def stage_words(stage: Stage) -> str:
    """What the stage does, and who is asked then."""
    if stage.gate is None:
        return f"{code(stage.name)} runs."
    deadline = deadline_words(stage.gate)
    after = f" {deadline[0].upper()}{deadline[1:]}." if deadline else ""
    return f"{code(stage.name)} runs. Then asked: {gate_words(stage.gate)}.{after}"


def params(cycle: Cycle) -> list[str]:
    """Blocks: what was set for this cycle, and, folded, what the file says."""
    rows = [
        [code(stage), code(key), code(readable(key, value)), code(said(_written(cycle, stage).get(key)))]
        for stage, values in cycle.params.items()
        for key, value in values.items()
    ]
    blocks = (
        ["### Set for this cycle", table(["stage", "parameter", "value", "instead of"], rows[:200])] if rows else []
    )
    file = [
        [code(stage.name), code(key), code(said(value))]
        for stage in cycle.pipeline.stages
        for key, value in stage.with_.items()
    ]
    if file:
        shown = table(["stage", "parameter", "value"], file[:200])
        blocks.append(folded("All parameters in the pipeline file", shown))
    return blocks


def _written(cycle: Cycle, stage: str) -> dict[str, JsonValue]:
    return next((one.with_ for one in cycle.pipeline.stages if one.name == stage), {})


def said(value: JsonValue) -> str:
    """A parameter's value as people type it; a dash where the file leaves it to the step."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
