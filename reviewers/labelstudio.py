"""Label Studio: rows to label as its tasks, its configuration, and what its people said as ours. Pure.

Laws:
- A task carries our row's id beside the text, in `data.row_id`, and comes back with it: Label Studio's own ids are its
  own.
- Everybody who labelled a task is heard, the newest word of each; what was skipped or cancelled is nobody's word.
- No export whatever raises: what can't be read is a problem, named by the place of its task.

https://labelstud.io/guide/task_format and https://labelstud.io/guide/export#Label-Studio-JSON-format-of-annotated-tasks
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

from orchestrator.core.report import ToLabel
from reviewers.corrections import Said, stamp
from reviewers.labels import Problem, classes, shown

NAME, TEXT, ROW, NOW = "label", "text", "row_id", "now"
"""What the configuration calls the choice, the text, our id, and what is said of the label as it stands."""


class Export(NamedTuple):
    """What an export says, and what of it could not be read."""

    said: tuple[Said, ...]
    problems: tuple[Problem, ...] = ()


def tasks(rows: Iterable[ToLabel], labels: Mapping[str, str] | None = None) -> str:
    """The file that Label Studio imports. What a model would say is a prediction, which it shows as chosen already."""
    return json.dumps([_task(row, (labels or {}).get(row.id, row.label)) for row in rows], ensure_ascii=False, indent=1)


def _task(row: ToLabel, label: str) -> dict[str, Any]:
    now = f"Now {shown(label)}{f': {shown(row.why)}' if row.why else ''}"
    data = {ROW: row.id, TEXT: shown(row.text), NOW: now}
    if not row.predicted:
        return {"data": data}
    choice = {"from_name": NAME, "to_name": TEXT, "type": "choices", "value": {"choices": [row.predicted]}}
    prediction = {"model_version": "ratchet", "result": [choice]}
    return {"data": data, "predictions": [prediction | ({} if row.confidence is None else {"score": row.confidence})]}


def configuration(rows: Iterable[ToLabel], known: Iterable[str] = ()) -> str:
    """The labelling configuration of the project: one choice among the labels that are known."""
    choices = "\n".join(f"    <Choice value={quoteattr(shown(name))}/>" for name in classes(rows, known))
    return f"""<View>
  <Text name="{TEXT}" value="${TEXT}"/>
  <Header value="${NOW}"/>
  <Choices name="{NAME}" toName="{TEXT}" choice="single" required="true">
{choices}
  </Choices>
</View>
"""


def is_export(text: str) -> bool:
    """Whether this is JSON, and no table."""
    return text.lstrip("\ufeff \t\r\n").startswith(("[", "{"))


def from_export(text: str) -> Export:
    """What the people of Label Studio said, the tasks in their order."""
    try:
        found = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return _nothing("it is no JSON")
    if not isinstance(found, list):
        return _nothing("it is no list of tasks")
    said: list[Said] = []
    problems: list[Problem] = []
    for place, task in enumerate(found, 1):
        read = _of_task(f"task {place}", task)
        said += read.said
        problems += read.problems
    return Export(tuple(said), tuple(problems))


def _nothing(what: str) -> Export:
    return Export((), (Problem("the export", what, "export from Label Studio as JSON"),))


def _of_task(where: str, task: Any) -> Export:
    row, annotations = _part(_part(task, "data"), ROW), _part(task, "annotations")
    if not isinstance(row, str) or not row:
        cure = "export the project into which `ratchet labels CYCLE --label-studio FILE` was imported"
        return Export((), (Problem(where, f"it has no `data.{ROW}`, and is no row of ours", cure),))
    if not isinstance(annotations, list):
        return Export((), (Problem(where, "it has no annotations", "export as JSON, not as JSON-MIN"),))
    newest: dict[str, Said] = {}
    problems: list[Problem] = []
    for one in annotations:
        choices = _choices(one)
        if _part(one, "was_cancelled") is True or not choices:
            continue
        by, at = _who(_part(one, "completed_by")), _when(_part(one, "updated_at") or _part(one, "created_at"))
        if len(choices) > 1:
            problems.append(Problem(where, f"{by} chose {len(choices)} labels", "choose one"))
        elif by not in newest or newest[by].at <= at:
            newest[by] = Said(where, row, choices[0], by, at)
    return Export(tuple(newest.values()), tuple(problems))


def _part(of: Any, name: str) -> Any:
    return of.get(name) if isinstance(of, dict) else None


def _choices(annotation: Any) -> Sequence[str]:
    """What was chosen in one annotation, of the first result that is a choice."""
    results = _part(annotation, "result")
    for one in results if isinstance(results, list) else ():
        chosen = _part(_part(one, "value"), "choices")
        if _part(one, "type") == "choices" and isinstance(chosen, list):
            return [name for name in chosen if isinstance(name, str)]
    return ()


def _who(by: Any) -> str:
    """`label-studio:7`: the id of the account, which exports give bare or beside an address that stays there."""
    number = _part(by, "id") if isinstance(by, dict) else by
    return f"label-studio:{number}" if isinstance(number, int) else "label-studio"


def _when(text: Any) -> str:
    """The time, in UTC; empty for none."""
    try:
        at = datetime.fromisoformat(text)
        return stamp(at if at.tzinfo is not None else at.replace(tzinfo=UTC))
    except (TypeError, ValueError, OverflowError):
        return ""
