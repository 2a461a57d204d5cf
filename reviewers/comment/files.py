"""The files of a cycle's folder on its branch: what was asked, what was found, and who agreed. Pure.

Laws:
- The same cycle, openings and head give the same bytes.
- `labels.csv` holds the rows that the newest report with any asks people to label, with the labels as they stand: it is
  the one file that people may edit (see `reviewers/labels.py`).
- What a machine reads is JSON, with sorted keys; what people read is Markdown, as inert as our comments.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from orchestrator.core.model import Cycle, Opening, Run
from orchestrator.core.report import Product, Report, digest_of
from reviewers.comment.gate import outcome_words, report_name
from reviewers.comment.intro import params, stage_words, why
from reviewers.comment.mermaid import flowchart
from reviewers.comment.page import page, small, table, when
from reviewers.comment.report import Space, body, summary, warnings
from reviewers.comment.svg import svg
from reviewers.comment.words import SHOWN, headline_words, review_words
from reviewers.corrections import so_far, standing
from reviewers.labels import to_csv
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
    cycle: Cycle,
    openings: Sequence[Opening],
    head: str,
    outcomes: Mapping[str, str] | None = None,
    products: Mapping[str, Product] | None = None,
) -> dict[str, str]:
    """Path below `cycles/<id>/` to the text of the file.

    `openings` are all there were, each as last seen; `outcomes` how each ended, by run (see `reviewers/chapters.py`);
    `products` what every run left that succeeded, by run, whether a gate stands behind it or not.
    """
    ended, made = outcomes or {}, products or {}
    seen = [_Seen(one, ended.get(one.run, "")) for one in {one.run: one for one in openings}.values()]
    asked = {one.opening.run for one in seen}
    reports = [(one.name, one.opening.report, _report(one)) for one in seen]
    reports += [(report_name(run), one.report, _unasked(run, one)) for run, one in made.items() if run not in asked]
    labelled = next((one.opening for one in reversed(seen) if one.opening.report.to_label), None)
    found = {
        "README.md": _readme(cycle, seen, head, labelled),
        "request.json": _json(_request(cycle)),
        "manifest.json": _json(_manifest(cycle, seen, head, made)),
    }
    if labelled is not None:
        found["labels.csv"] = _to_label(cycle, labelled)
    for name, report, shown in reports:
        found[f"reports/{name}.md"] = shown
        found[f"reports/{name}.json"] = _json(report.model_dump(mode="json"))
        for place, chart in enumerate(report.charts, 1):
            found[f"charts/{name}-{place}.svg"] = svg(chart)
    return dict(sorted(found.items()))


def _json(value: object) -> str:
    """Ascii, so that no text in it is more than data to any reader."""
    return f"{json.dumps(value, indent=2, sort_keys=True)}\n"


def _to_label(cycle: Cycle, opening: Opening) -> str:
    """The rows that were asked about last, with the labels as they stand."""
    rows = opening.report.to_label
    return to_csv(rows, standing(rows, so_far(cycle, opening.stage) or ()))


def _request(cycle: Cycle) -> Mapping[str, JsonValue]:
    return {
        "cycle": cycle.id,
        "trigger": cycle.trigger.value,
        "by": cycle.initiator.model_dump(mode="json") if cycle.initiator else None,
        "purpose": cycle.purpose,
        "at": cycle.began_at.isoformat(),
        "params": {stage: dict(values) for stage, values in cycle.params.items()},
        "source": cycle.source,
        "pipeline": cycle.pipeline.model_dump(mode="json"),
    }


def _manifest(
    cycle: Cycle, openings: Sequence[_Seen], head: str, made: Mapping[str, Product]
) -> Mapping[str, JsonValue]:
    seen = {one.opening.run: one for one in openings}
    current = {one.id: one for one in cycle.runs}
    names = dict.fromkeys([*made, *seen, *current])
    runs: list[JsonValue] = [_entry(name, current.get(name), seen.get(name), made.get(name)) for name in names]
    return {
        "cycle": cycle.id,
        "state": cycle.state.value,
        "reason": cycle.reason,
        "events": cycle.seq,
        "head": head,
        "changed_at": cycle.changed_at.isoformat(),
        "runs": runs,
    }


def _entry(name: str, run: Run | None, seen: _Seen | None, made: Product | None) -> dict[str, JsonValue]:
    """One run in the manifest. A run that was done again leaves what it made, and what its gate was about."""
    entry: dict[str, JsonValue] = {"run": name, "state": "replaced", "digest": "", "outputs": {}, "reviews": []}
    if made is not None:
        entry |= {
            "digest": digest_of(name, made.report, made.files),
            "outputs": dict(made.outputs),
            "report": f"reports/{report_name(name)}.md",
            "files": [one.model_dump(mode="json") for one in made.files],
        }
    if seen is not None:
        entry |= {
            "digest": seen.opening.digest,
            "report": f"reports/{seen.name}.md",
            "outcome": seen.outcome,
            "reviews": [one.model_dump(mode="json") for one in seen.opening.reviews],
        }
    if run is not None:
        entry |= {"state": run.state, "digest": run.digest, "outputs": dict(run.outputs)}
        entry |= {"failure": run.failure.model_dump(mode="json")} if run.failure is not None else {}
    return entry


def _readme(cycle: Cycle, openings: Sequence[_Seen], head: str, labelled: Opening | None) -> str:
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
        *[part for one in openings for part in _found(one, labels=one.opening is labelled)],
        *params(cycle),
        small(f"record {code(head[:SHOWN])}, event {cycle.seq}" if head else f"event {cycle.seq}"),
    ]
    return f"{page('', blocks, limit=FILE_LIMIT)}\n"


def _found(seen: _Seen, *, labels: bool) -> list[str]:
    run, report = seen.opening.run, seen.opening.report
    where = f"[The report](reports/{seen.name}.md)"
    if labels:
        count = len(report.to_label)
        where = f"{where} · [{count:,} label{'' if count == 1 else 's'} worth a look](labels.csv)"
    return [f"## {code(run)}", seen.ending, summary(report), seen.reviews, where]


def _report(seen: _Seen) -> str:
    opening = seen.opening
    notes = f"digest {code(opening.digest)}", f"opened {when(opening.at)}"
    return _page(opening.run, opening.report, [seen.ending, seen.reviews], notes)


def _unasked(run: str, made: Product) -> str:
    notes = (f"digest {code(digest_of(run, made.report, made.files))}",)
    return _page(run, made.report, ["No review stands behind this run."], notes)


def _page(run: str, report: Report, answers: Sequence[str], notes: Sequence[str]) -> str:
    space = Space(rows=1000, samples=200, charts="../charts", raw="../charts", name=report_name(run), drawn=False)
    blocks = [
        f"# {code(run)}", summary(report), warnings(report, space), *answers, *body(report, space), small(*notes),
    ]  # fmt: skip
    return f"{page('', blocks, limit=FILE_LIMIT)}\n"
