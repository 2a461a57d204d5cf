"""`ratchet labels`: the rows whose labels are worth a look, out to a table or to Label Studio, and back as corrections.

Law: what is shown and written comes from the same data, here as on a server (`view.labels`, GET /api/cycles/…/labels).
"""

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from orchestrator.core.report import ToLabel
from orchestrator.trouble import Trouble
from reviewers.corrections import PARAMETER, Correction, Said, readable, to_json, weighed
from reviewers.labels import Problem, decoded, from_csv, to_csv
from reviewers.labelstudio import configuration, from_export, is_export, tasks
from reviewers.plain import inert, tame

if TYPE_CHECKING:
    from orchestrator.app import App

Answer = tuple[Any, str]
Say = Callable[[Sequence[Said]], Answer]
"""Hands labels in; what `--json` prints of the cycle then, and what people read."""


def local(arguments: Namespace, app: "App") -> Answer:
    """The same of the local journal."""
    from orchestrator import view
    from orchestrator.actions import cycle_of, here, said, submit
    from orchestrator.parameters import problems
    from reviewers.corrections import asked

    cycle = cycle_of(app, arguments.cycle)

    def say(given: Sequence[Said]) -> Answer:
        now = cycle_of(app, arguments.cycle)
        event, _ = asked(now, given, id=said(), by=here(), at=app.clock.now())
        if isinstance(event, str):
            raise Trouble(*event.split(" → "))
        if wrong := problems(now.pipeline, now.params, event.stage, event.changes):
            raise Trouble("\n".join(wrong))
        return submit(app, now, event)

    return labels(arguments, view.labels(cycle), say)


def labels(arguments: Namespace, shown: Mapping[str, Any], say: Say) -> Answer:
    """Show, write or hand in; `shown` is what `view.labels` says of the cycle."""
    rows = tuple(ToLabel.model_validate(row) for row in shown["rows"])
    if not rows and (arguments.csv or arguments.label_studio or arguments.source):
        raise Trouble(f"no gate of {shown['cycle']} asks about labels now", f"see `ratchet show {shown['cycle']}`")
    if arguments.source:
        return _import(arguments, rows, shown["classes"], say)
    written = [_write(arguments.csv, to_csv(rows))] if arguments.csv else []
    if arguments.label_studio:
        config = f"{arguments.label_studio}.xml"
        written += [_write(arguments.label_studio, tasks(rows)), _write(config, configuration(rows, shown["classes"]))]
    if arguments.csv == "-":
        return shown, to_csv(rows).rstrip("\n")
    if written:
        cure = f"then `ratchet labels {shown['cycle']} --import FILE`"
        return {**shown, "written": written}, "\n".join([*(f"wrote {path}" for path in written), cure])
    return shown, _table(shown, rows)


def _import(arguments: Namespace, rows: Sequence[ToLabel], known: Sequence[str], say: Say) -> Answer:
    said, unread = _read(arguments.source, rows, known)
    read, wrong = weighed(said, rows, {row.id: row.label for row in rows}, classes=known)
    new = [one for one in read if one.was != one.label]
    told = [str(one) for one in (*unread, *wrong)]
    lines = [f"  ✗ {one}" for one in told]
    if not new and told:
        raise Trouble("\n".join(["no label was corrected", *lines]))
    if not new:
        return {"corrections": [], "problems": []}, "no label is another one: nothing changes"
    texts = {row.id: inert(row.text, 60) for row in rows}
    data, text = say([Said("", one.id, one.label, one.by, one.at) for one in read])
    corrected = [{"id": one.id, "was": one.was, "label": one.label, "by": one.by} for one in new]
    lines = [f"  ✓ {texts[one.id]}: {inert(one.was, 60)} → {inert(one.label, 60)}{_by(one.by)}" for one in new] + lines
    return {"corrections": corrected, "problems": told, "cycle": data}, tame("\n".join([*lines, text]))


def _by(who: str) -> str:
    return f" ({who})" if who else ""


def _read(path: str, rows: Sequence[ToLabel], known: Sequence[str]) -> tuple[tuple[Said, ...], tuple[Problem, ...]]:
    """What a file says: an export of Label Studio where it is JSON, else a table."""
    try:
        text = decoded(Path(path).read_bytes())
    except OSError as error:
        raise Trouble(
            f"{path} can't be read: {error.strerror}", "name the table that you have edited", code=2
        ) from None
    if isinstance(text, Problem):
        return (), (text,)
    if is_export(text):
        return from_export(text)
    table = from_csv(text, rows, known)
    stood = {row.id: row.label for row in rows}
    changed = [(id, label) for id, label in table.labels.items() if label != stood[id]]
    return tuple(Said("", id, label) for id, label in changed), table.problems


def _write(path: str, text: str) -> str:
    if path == "-":
        return path
    try:
        Path(path).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise Trouble(f"{path} can't be written: {error.strerror}", "choose another file", code=2) from None
    return path


def _table(shown: Mapping[str, Any], rows: Sequence[ToLabel]) -> str:
    """The rows for people, and what was corrected so far."""
    from reviewers.text import labels_view, render

    so_far = [Correction(**one) for one in shown["corrections"]]
    corrected = f"corrected so far: {readable(PARAMETER, to_json(so_far))}" if so_far else ""
    if not rows:
        return "\n".join(filter(None, [f"no gate of {shown['cycle']} asks about labels now", corrected]))
    name = shown["cycle"]
    cures = f"""  ratchet labels {name} --csv labels.csv       write them as a table; change what stands under label
  ratchet labels {name} --import labels.csv    hand it in: {shown["stage"]} runs again with your labels"""
    width = max(80, min(160, get_terminal_size((120, 24)).columns))
    grid = render(labels_view(rows, most=len(rows), width=width), width=width, colour=False).rstrip()
    return tame("\n\n".join(filter(None, [grid, corrected, cures])))
