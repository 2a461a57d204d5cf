"""The commands that ask a running server (RATCHET_SERVER) instead of the local journal: same words, same data."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from orchestrator.client import Client, Json, call
from orchestrator.data import erase_there
from orchestrator.labelling import labels
from orchestrator.settings import Settings
from orchestrator.trouble import Trouble
from reviewers.corrections import Said
from reviewers.plain import inert, tame

Answer = tuple[Any, str]
MOST = 200  # cycles in one answer of the server


def act(arguments: Namespace, settings: Settings) -> Answer | None:
    """What the server answers; None for a command that is not for it. Raises `Trouble`."""
    do = _COMMANDS.get(arguments.command)
    return do(arguments, Client(settings.server, lambda: settings.token), settings) if do is not None else None


def _trigger(arguments: Namespace, client: Client, _: Settings) -> Answer:
    made = client.trigger(arguments.pipeline, values=_pairs(arguments.set), reason=arguments.reason or "")
    return client.cycle(made.id), f"{made.id} is {made.state}: {made.url}"


def _list(arguments: Namespace, client: Client, _: Settings) -> Answer:
    found: list[Json] = []
    while len(found) < arguments.limit:
        before = str(found[-1]["id"]) if found else ""
        page = client.cycles(
            pipeline=arguments.pipeline or "", before=before, limit=min(MOST, arguments.limit - len(found))
        )
        found += page
        if len(page) < MOST:
            break
    if not found:
        return [], f"no cycle yet: begin one with `ratchet trigger {arguments.pipeline or 'PIPELINE'}`"
    rows = [("cycle", "pipeline", "state", "stage", "changed")]
    rows += [(one["id"], one["pipeline"], _state(one), one["stage"], one["changed_at"][:16]) for one in found]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return found, tame("\n".join(lines))


def _show(arguments: Namespace, client: Client, _: Settings) -> Answer:
    cycle = client.cycle(arguments.cycle)
    lines = [f"{cycle['id']}: {cycle['pipeline']}, {_state(cycle)}"]
    lines += [f"  {inert(said)}" for said in (cycle["purpose"] and f"why: {cycle['purpose']}", cycle["reason"]) if said]
    marks = {"done": "✓", "running": "▶", "failed": "✗", "skipped": "–", "waiting": "·"}
    for stage in cycle["stages"]:
        lines.append(f"  {marks[stage['state']]} {stage['name']:<12}  {(stage.get('digest') or '')[:12]}".rstrip())
    gate = cycle["gate"]
    if gate is not None:
        lines.append(f"  gate of {gate['stage']}, about {gate['digest'][:12]}:")
        for one in gate["clauses"]:
            lines.append(f"    {'✓' if one['met'] else '·'} {one['clause']}  {inert(one['missing'])}".rstrip())
    shown = arguments.report or (gate["stage"] if gate else "")
    report = next((stage.get("report") for stage in cycle["stages"] if stage["name"] == shown), None)
    if arguments.report and report is None:
        raise Trouble(f"{cycle['id']} has no report of {shown} yet", f"see `ratchet show {cycle['id']}`", code=2)
    text = tame("\n".join(lines))
    return ({**cycle, "report": report}, text + _report(shown, report)) if report is not None else (cycle, text)


def _report(stage: str, data: Any) -> str:
    from orchestrator.core.report import Report
    from reviewers.text import render, report_view

    return f"\n\n{stage}:\n{render(report_view(Report.model_validate(data)), colour=False)}".rstrip()


def _approve(arguments: Namespace, client: Client, _: Settings) -> Answer:
    about = arguments.digest or _asked(client, arguments.cycle)
    return _told(client.review(arguments.cycle, "approve", about, reason=arguments.reason or ""))


def _reject(arguments: Namespace, client: Client, _: Settings) -> Answer:
    return _told(client.review(arguments.cycle, "reject", _asked(client, arguments.cycle), reason=arguments.reason))


def _asked(client: Client, name: str) -> str:
    """The digest that the open gate is about."""
    cycle = client.cycle(name)
    if cycle["gate"] is None:
        raise Trouble(f"{cycle['id']} is {cycle['state']} at {cycle['stage']}, and no gate is open")
    return str(cycle["gate"]["digest"])


def _rerun(arguments: Namespace, client: Client, _: Settings) -> Answer:
    where = {"from": arguments.stage} if arguments.stage else {}
    return _told(client.command(arguments.cycle, "rerun", set=_pairs(arguments.set), **where))


def _hold(arguments: Namespace, client: Client, _: Settings) -> Answer:
    return _told(client.command(arguments.cycle, "hold", reason=arguments.reason or ""))


def _unhold(arguments: Namespace, client: Client, _: Settings) -> Answer:
    return _told(client.command(arguments.cycle, "unhold"))


def _cancel(arguments: Namespace, client: Client, _: Settings) -> Answer:
    return _told(client.command(arguments.cycle, "cancel", reason=arguments.reason))


def _rollback(arguments: Namespace, client: Client, settings: Settings) -> Answer:
    name, version = arguments.pipeline, {"version": arguments.version} if arguments.version else {}
    url = f"{client.server}/api/models/{quote(name, safe='')}/rollback"
    now = call("POST", url, token=lambda: settings.token, body=version, repeatable=False).body
    return now, f"{name} serves {now['version']} again, instead of {now['previous']}"


def _labels(arguments: Namespace, client: Client, _: Settings) -> Answer:
    def say(said: Sequence[Said]) -> Answer:
        words = [{"id": one.id, "label": one.label, "annotator": one.by} for one in said]
        return _told(client.correct(arguments.cycle, words))

    return labels(arguments, client.labels(arguments.cycle), say)


def _erase(arguments: Namespace, client: Client, _: Settings) -> Answer:
    return erase_there(arguments, client)


def _pairs(given: Sequence[str] | None) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in given or ():
        key, equals, value = pair.partition("=")
        if not equals or not key or key in values:
            raise Trouble(f"--set {pair} can't be read", "write each once, as --set stage.key=value", code=2)
        values[key] = value
    return values


def _state(cycle: Json) -> str:
    return f"{cycle['state']}, held" if cycle["held"] else str(cycle["state"])


def _told(cycle: Json) -> Answer:
    held = f", held ({inert(cycle['held'])})" if cycle["held"] else ""
    return cycle, f"{cycle['id']} is {cycle['state']} at {cycle['stage']}{held}"


_COMMANDS: dict[str, Callable[[Namespace, Client, Settings], Answer]] = {
    "trigger": _trigger, "list": _list, "show": _show, "approve": _approve, "reject": _reject, "rerun": _rerun,
    "hold": _hold, "unhold": _unhold, "cancel": _cancel, "rollback": _rollback, "erase": _erase, "labels": _labels,
}  # fmt: skip
