"""The commands about data: erase rows, list what snapshots hold, and go from a model back to its rows.

Law: what is erased is never printed, nor part of a message: only how many rows, of which cycles, and who learnt them.
"""

import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.actions import Answer, configuration, here, pipeline_of, said
from orchestrator.erasure import Erasure, Rows, asked, erase, targets_of
from orchestrator.trouble import Trouble
from reviewers.plain import inert

if TYPE_CHECKING:
    from orchestrator.app import App
    from orchestrator.client import Client


def erase_here(arguments: Namespace, app: "App") -> Answer:
    """Rows leave the snapshots; without --yes it is only said which. Raises `Trouble`, also for a missing --yes."""
    pipeline = pipeline_of(configuration(arguments.config), arguments.pipeline)
    wish = Erasure(by=here(), reason=arguments.reason, said=said())
    return _answer(arguments, erase(app, pipeline, rows_of(arguments), wish, dry=not arguments.yes))


def erase_there(arguments: Namespace, client: "Client") -> Answer:
    """The same by the server."""
    rows = rows_of(arguments)
    wanted = {"persons": list(rows.persons), "ids": list(rows.ids), "texts": list(rows.texts)}
    found = client.erase(arguments.pipeline, {**wanted, "reason": arguments.reason, "dry_run": not arguments.yes})
    return _answer(arguments, found)


def _answer(arguments: Namespace, found: Mapping[str, Any]) -> Answer:
    text = told(found, arguments.pipeline)
    if not arguments.yes:
        if arguments.json:
            print(json.dumps(found, indent=2))  # noqa: T201 - the answer is data, also where nothing was done
        raise Trouble(f"without --yes nothing is erased\n{text}")
    return found, text


def rows_of(arguments: Namespace) -> Rows:
    """What was named. `-` is read from the standard input, so that no list of processes and no history has it."""
    persons = [sys.stdin.readline().rstrip("\n") if one == "-" else one for one in arguments.person or ()]
    texts = [_text(path) for path in arguments.text_file or ()]
    if not all(one.strip() for one in (*persons, *texts)):
        raise Trouble("an empty name or text names nobody", "write the whole of it", code=2)
    found = Rows(tuple(persons), tuple(arguments.id or ()), tuple(texts))
    if not (found.persons or found.ids or found.texts):
        raise Trouble("nothing says whose rows, or which", "name --person, --id or --text-file", code=2)
    return found


def _text(path: str) -> str:
    try:
        return (sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")).rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise Trouble(f"{path} can't be read: {why}", "check the path", code=2) from None


def told(found: Mapping[str, Any], pipeline: str) -> str:
    """What left, who learnt it, and what to do, for people. Pure."""
    word = "left" if found["done"] else "would leave"
    cycles = ", ".join(f"{count} of {name}" for name, count in sorted(found["cycles"].items()))
    lines = [f"{_rows(found['rows'])} {word} the snapshots of {pipeline}" + (f": {cycles}" if cycles else "")]
    if found["holdout"]:
        lines.append(f"  {found['holdout']} of them in hold-outs")
    if found.get("key"):
        lines.append(f"  the person is known by key {inert(found['key'], 200)}")
    if not found["rows"] and found.get("key"):
        lines.append("  rows that were collected with another key are not found by it: name them by --id")
    if found["models"]:
        lines.append("models that were trained on them:")
        lines += [f"  {_model(one)}" for one in found["models"]]
        lines.append(f"  train without them: ratchet trigger {pipeline}")
        lines.append(f"  until then, if another one never saw them: ratchet rollback {pipeline} VERSION")
    return "\n".join([*lines, *(f"- {inert(note, 500)}" for note in found["notes"])])


def _model(one: Mapping[str, Any]) -> str:
    name = one["version"] or one["run"]
    rows = f"{_rows(one['rows'])}" if one["rows"] else f"by way of {', '.join(one['inherited'])}"
    return f"{inert(name, 100)}: {inert(rows, 200)}{', deployed now' if one['deployed'] else ''}"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def data(arguments: Namespace, app: "App") -> Answer:
    """Every version of the pipeline's snapshots, with what was erased from them."""
    pipeline = pipeline_of(configuration(arguments.config), arguments.pipeline)
    found = asked(["steps.snapshot", "history", "--artifacts", app.artifacts, "--target", pipeline.owns])
    if not found["tables"]:
        return found, f"{pipeline.name} has collected nothing yet: begin with `ratchet run {pipeline.name}`"
    return found, "\n\n".join(_table(one) for one in found["tables"])


def _table(table: Mapping[str, Any]) -> str:
    lines = [f"{table['table']}: {_rows(table['rows'])}"]
    rows = [("version", "when", "what", "cycle", "rows")]
    rows += [
        (str(one["version"]), one["at"][:16], one["what"], one["cycle"], f"{one['rows']:,}")
        for one in table["versions"]
    ]
    lines += _columns(rows)
    for one in table["erasures"]:
        half = "" if one["done"] else ", not finished: ask for it again"
        lines.append(
            f"  {one['at'][:16]} {inert(one['by'], 80)} erased {_rows(one['rows'])}{half}: {inert(one['reason'])}"
        )
    return "\n".join(lines)


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        f"  {'  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))}".rstrip() for row in rows
    ]


def lineage(arguments: Namespace, app: "App") -> Answer:
    """From a deployed model, the champion if none is named, to its run, its data and the cycles that brought them."""
    pipeline = pipeline_of(configuration(arguments.config), arguments.pipeline)
    target = targets_of(app) / pipeline.owns
    version = arguments.version or _champion(target)
    folder = target / "versions" / version / "model"
    if not version or not folder.is_dir():
        there = ", ".join(sorted(one.name for one in (target / "versions").glob("[!.]*")))
        what = f"{pipeline.owns} has no version {version}" if version else f"nothing is deployed to {pipeline.owns}"
        raise Trouble(what, f"name one of: {there}" if there else f"`ratchet run {pipeline.name}` deploys one", code=2)
    found = asked(["steps.snapshot", "lineage", "--model", str(folder)])
    return {"version": version, **found}, _line(version, found)


def _champion(target: Path) -> str:
    """The version that is deployed; empty where none is."""
    from steps.contract import StepError
    from steps.deploy.target import pointer

    try:
        now = pointer(target)
    except StepError as error:
        raise Trouble(error.failure.what, error.failure.cure) from None
    return now.version if now is not None else ""


def _line(version: str, found: Mapping[str, Any]) -> str:
    snapshot, base = found["snapshot"], inert(found["base"] or "no other one", 200)
    lines = [
        f"{inert(version, 100)} was trained by {found['run']}, from {base}",
        f"  rows      {found['trained']:,} to train on, {found['validated']:,} to choose by",
        f"  data      {found['data'] or 'without a digest'}",
    ]
    if snapshot:
        lines.append(f"  snapshot  {snapshot['digest']} of {snapshot['table']}, version {snapshot['delta']}")
    rows = [("cycle", "rows"), *((name, f"{count:,}") for name, count in sorted(found["rows"].items()))]
    return "\n".join([*lines, *_columns(rows)])
