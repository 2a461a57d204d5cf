"""The files of a cycle's folder on its branch: what was asked, what was found, and who agreed. Pure.

Laws:
- The same cycle, openings and head give the same bytes.
- What a machine reads is JSON, with sorted keys; what people read is Markdown, as inert as our comments.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from orchestrator.core.model import Cycle, Opening, Run
from reviewers.comment.gate import outcome_words, report_name
from reviewers.comment.intro import params, stage_words, why
from reviewers.comment.mermaid import flowchart
from reviewers.comment.page import page, small, table, when
from reviewers.comment.report import Space, body, summary, warnings
from reviewers.comment.svg import svg
from reviewers.comment.words import SHOWN, headline_words, review_words
from reviewers.safe import block, code, text

FILE_LIMIT = 400_000  # characters; GitHub shows a Markdown file of half a megabyte


class _Seen(NamedTuple):
    """An opening and how it ended; open while that is empty."""

    opening: Opening
    outcome: str

    @property
    def name(self) -> str:
        return report_name(self.opening.run)

    @property
    def ending(self) -> str:
        return outcome_words(self.outcome) or "It is being reviewed."

    @property
    def reviews(self) -> str:
        return "\n".join(f"- {review_words(one)}" for one in self.opening.reviews)


def files(
    cycle: Cycle, openings: Sequence[Opening], head: str, outcomes: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Path below `cycles/<id>/` to the text of the file.

    `openings` are all there were, each as last seen; `outcomes` how each ended, by run (see `reviewers/chapters.py`).
    """
    ended = outcomes or {}
    seen = [_Seen(one, ended.get(one.run, "")) for one in {one.run: one for one in openings}.values()]
    found = {
        "README.md": _readme(cycle, seen, head),
        "request.json": _json(_request(cycle)),
        "manifest.json": _json(_manifest(cycle, seen, head)),
    }
    for one in seen:
        found[f"reports/{one.name}.md"] = _report(one)
        found[f"reports/{one.name}.json"] = _json(one.opening.report.model_dump(mode="json"))
        for place, chart in enumerate(one.opening.report.charts, 1):
            found[f"charts/{one.name}-{place}.svg"] = svg(chart)
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


def _manifest(cycle: Cycle, openings: Sequence[_Seen], head: str) -> Mapping[str, JsonValue]:
    seen = {one.opening.run: one for one in openings}
    current = {one.id: one for one in cycle.runs}
    runs: list[JsonValue] = [
        _entry(name, current.get(name), seen.get(name)) for name in dict.fromkeys([*seen, *current])
    ]
    return {
        "cycle": cycle.id,
        "state": cycle.state.value,
        "reason": cycle.reason,
        "events": cycle.seq,
        "head": head,
        "changed_at": cycle.changed_at.isoformat(),
        "runs": runs,
    }


def _entry(name: str, run: Run | None, seen: _Seen | None) -> dict[str, JsonValue]:
    """One run in the manifest. A run that was done again leaves what its gate was about."""
    entry: dict[str, JsonValue] = {"run": name, "state": "replaced", "digest": "", "outputs": {}, "reviews": []}
    if seen is not None:
        entry |= {
            "digest": seen.opening.digest,
            "report": f"reports/{seen.name}.md",
            "outcome": seen.outcome,
            "reviews": [one.model_dump(mode="json") for one in seen.opening.reviews],
        }
    if run is not None:
        entry |= {"state": run.state, "digest": run.digest, "outputs": dict(run.outputs)}
    return entry


def _readme(cycle: Cycle, openings: Sequence[_Seen], head: str) -> str:
    reached = [
        [code(run.stage), str(run.attempt), run.state, code(run.digest[:SHOWN]) if run.digest else ""]
        for run in cycle.runs
    ]
    blocks = [
        f"# {code(cycle.pipeline.name)}, {code(cycle.id)}",
        f"**{headline_words(cycle)}**",
        why(cycle),
        f"> {text(cycle.purpose)}" if cycle.purpose.strip() else "",
        block(flowchart(cycle), "mermaid"),
        "\n".join(f"{place}. {stage_words(stage)}" for place, stage in enumerate(cycle.pipeline.stages, 1)),
        table(["stage", "attempt", "is", "digest"], reached) if reached else "",
        *[part for one in openings for part in _found(one)],
        *params(cycle),
        small(f"record {code(head[:SHOWN])}, event {cycle.seq}" if head else f"event {cycle.seq}"),
    ]
    return f"{page('', blocks, limit=FILE_LIMIT)}\n"


def _found(seen: _Seen) -> list[str]:
    run, report = seen.opening.run, seen.opening.report
    where = f"[The report](reports/{seen.name}.md)"
    return [f"## {code(run)}", seen.ending, summary(report), seen.reviews, where]


def _report(seen: _Seen) -> str:
    opening = seen.opening
    space = Space(rows=1000, samples=200, charts="../charts", raw="../charts", name=seen.name, drawn=False)
    blocks = [
        f"# {code(opening.run)}",
        summary(opening.report),
        warnings(opening.report, space),
        seen.ending,
        seen.reviews,
        *body(opening.report, space),
        small(f"digest {code(opening.digest)}", f"opened {when(opening.at)}"),
    ]
    return f"{page('', blocks, limit=FILE_LIMIT)}\n"
