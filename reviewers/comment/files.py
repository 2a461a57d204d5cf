"""The files of a cycle's folder on its branch: what was asked, what was found, and who agreed. Pure.

Laws:
- The same cycle, openings and head give the same bytes.
- What a machine reads is JSON, with sorted keys; what people read is Markdown, as inert as our comments.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from orchestrator.core.model import Cycle, Opening
from reviewers.comment.gate import closed, report_name
from reviewers.comment.intro import _params, _stage, _why
from reviewers.comment.mermaid import flowchart
from reviewers.comment.page import page, small, table, when
from reviewers.comment.report import Room, body, summary, warnings
from reviewers.comment.svg import svg
from reviewers.comment.words import SHOWN, headline, outcome_words
from reviewers.safe import block, code, prose, text

FILE_LIMIT = 400_000  # characters; GitHub shows a Markdown file of half a megabyte


def files(cycle: Cycle, openings: Sequence[Opening], head: str) -> dict[str, str]:
    """Path below `cycles/<id>/` to the text of the file. `openings` are all, each as last seen."""
    last = {one.run: one for one in openings}
    if cycle.opening is not None:
        last[cycle.opening.run] = cycle.opening
    found = {
        "README.md": _readme(cycle, tuple(last.values()), head),
        "request.json": _json(_request(cycle)),
        "manifest.json": _json(_manifest(cycle, tuple(last.values()), head)),
    }
    for opening in last.values():
        name = report_name(opening.run)
        found[f"reports/{name}.md"] = _report(cycle, opening)
        found[f"reports/{name}.json"] = _json(opening.report.model_dump(mode="json"))
        for place, chart in enumerate(opening.report.charts, 1):
            found[f"charts/{name}-{place}.svg"] = svg(chart)
    return dict(sorted(found.items()))


def _json(value: object) -> str:
    """Ascii, so that no text in it is more than data to any reader."""
    return f"{json.dumps(value, indent=2, sort_keys=True)}\n"


def _request(cycle: Cycle) -> Mapping[str, JsonValue]:
    return {
        "cycle": cycle.id,
        "trigger": cycle.trigger.value,
        "by": cycle.initiator.model_dump(mode="json") if cycle.initiator else None,
        "purpose": cycle.purpose,
        "at": cycle.began_at.isoformat(),
        "params": {stage: dict(values) for stage, values in cycle.params.items()},
        "source": getattr(cycle, "source", ""),
        "pipeline": cycle.pipeline.model_dump(mode="json"),
    }


def _manifest(cycle: Cycle, openings: Iterable[Opening], head: str) -> Mapping[str, JsonValue]:
    seen = {one.run: one for one in openings}
    current = {one.id: one for one in cycle.runs}
    runs: list[JsonValue] = []
    for name in dict.fromkeys([*seen, *current]):
        run, opening = current.get(name), seen.get(name)
        runs.append(
            {
                "run": name,
                "current": run is not None,
                "digest": (run.digest if run else "") or (opening.digest if opening else ""),
                "state": run.state if run else "replaced",
                "outputs": dict(run.outputs) if run else {},
                "report": f"reports/{report_name(name)}.md" if opening else None,
                "reviews": [one.model_dump(mode="json") for one in opening.reviews] if opening else [],
            }
        )
    return {
        "cycle": cycle.id,
        "state": cycle.state.value,
        "reason": cycle.reason,
        "events": cycle.seq,
        "head": head,
        "changed_at": cycle.changed_at.isoformat(),
        "runs": runs,
    }


def _readme(cycle: Cycle, openings: Sequence[Opening], head: str) -> str:
    reached = [
        [code(run.stage), str(run.attempt), run.state, code(run.digest[:SHOWN]) if run.digest else ""]
        for run in cycle.runs
    ]
    blocks = [
        f"# {code(cycle.pipeline.name)}, {code(cycle.id)}",
        f"**{headline(cycle)}**",
        _why(cycle),
        f"> {text(cycle.purpose)}" if cycle.purpose.strip() else "",
        block(flowchart(cycle), "mermaid"),
        "\n".join(f"{place}. {_stage(stage)}" for place, stage in enumerate(cycle.pipeline.stages, 1)),
        table(["stage", "attempt", "is", "digest"], reached) if reached else "",
        *[part for one in openings for part in _found(cycle, one)],
        *_params(cycle),
        small(f"record {code(head[:SHOWN])}, event {cycle.seq}" if head else f"event {cycle.seq}"),
    ]
    return f"{page('', blocks, limit=FILE_LIMIT)}\n"


def _found(cycle: Cycle, opening: Opening) -> list[str]:
    name = report_name(opening.run)
    outcome = closed(cycle, opening)
    return [
        f"## {code(opening.run)}",
        f"{prose(outcome)}" if outcome else "Being reviewed.",
        summary(opening.report),
        "\n".join(f"- {outcome_words(one)}" for one in opening.reviews),
        f"[The report](reports/{name}.md)",
    ]


def _report(cycle: Cycle, opening: Opening) -> str:
    name = report_name(opening.run)
    room = Room(rows=1000, samples=200, charts="../charts", raw="../charts", name=name, drawn=False)
    outcome = closed(cycle, opening)
    blocks = [
        f"# {code(opening.run)}",
        summary(opening.report),
        warnings(opening.report, room),
        f"{prose(outcome)}" if outcome else "Being reviewed.",
        "\n".join(f"- {outcome_words(one)}" for one in opening.reviews),
        *body(opening.report, room),
        small(f"digest {code(opening.digest, 64)}", f"opened {when(opening.at)}"),
    ]
    return f"{page('', blocks, rest='', limit=FILE_LIMIT)}\n"
