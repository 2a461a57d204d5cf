"""Ask the server for a cycle, and follow it as far as the workflow wants to know."""

import hashlib
import shlex
import time
from typing import Any

from gh_actions.toolkit import Action, cell, link, words
from orchestrator.client import Client, Triggered, Unreachable
from orchestrator.trouble import Trouble

INPUTS = (
    "server", "pipeline", "set", "reason", "wait", "timeout-minutes", "token", "audience", "idempotency-key",
)  # fmt: skip
OUTPUTS = ("cycle", "url", "pull-request", "state")

WELL = ("done", "skipped")
BADLY = ("rejected", "cancelled", "failed")
SLOWEST = 30.0  # seconds between two looks


def run(action: Action) -> int:
    """0 as soon as what was waited for is there, 1 where the cycle ended badly or not in time."""
    pipeline, values = action.input("pipeline"), read_values(action.input("set"))
    wait, minutes = action.choice("wait", ("none", "opened", "ended")), action.number("timeout-minutes", "60")
    if not pipeline:
        raise Trouble("no pipeline is named", "give the input pipeline, a name from ratchet.yaml", code=2)
    client, reason = action.client(), action.input("reason")
    key = action.input("idempotency-key") or _key(action, pipeline, values)
    begun = client.trigger(pipeline, values=values, reason=reason, key=key)
    action.say(f"{begun.id} {'is asked for' if begun.new else 'was asked for by this run before'}: {begun.url}")
    action.output("cycle", begun.id)
    action.output("url", begun.url)
    found = _follow(action, client, begun, wait, minutes * 60)
    asked = [("Reason", cell(reason)), *((cell(name), cell(value)) for name, value in values.items())]
    return _tell(action, begun, found, wait, asked)


def read_values(text: str) -> dict[str, str]:
    """`stage.key=value`, several between spaces or lines; quotes keep a value with spaces together."""
    try:
        pairs = shlex.split(text)
    except ValueError:
        raise Trouble("input set has a quote that does not end", 'write stage.key="a value"', code=2) from None
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        stage, dot, key = name.partition(".")
        if not (equals and dot and stage and key):
            raise Trouble(f"input set: {pair!r} is no value for a stage", 'write stage.key="a value"', code=2)
        if name in values:
            raise Trouble(f"input set: {name} is given twice", "leave one of them out", code=2)
        values[name] = value
    return values


def _key(action: Action, pipeline: str, values: dict[str, str]) -> str:
    """The same for every attempt of a workflow run that asks for the same; outside of a run each is a new one."""
    if not action.run:
        return ""
    asked = hashlib.sha256(repr((pipeline, sorted(values.items()))).encode()).hexdigest()
    return f"github/{action.repository}/{action.run}/{asked[:16]}"


def _follow(action: Action, client: Client, begun: Triggered, wait: str, seconds: float) -> dict[str, Any]:
    """The cycle as it is when what is waited for is there, or when time is up."""
    until, pause, before = time.monotonic() + seconds, action.pause, begun.state
    found: dict[str, Any] = {"state": begun.state, "pull_request": None}
    while wait != "none":
        try:
            found = client.cycle(begun.id)
        except Unreachable as error:
            action.say(f"{error}; {begun.id} goes on, and is asked after again")
        state = str(found.get("state"))
        if state != before:
            action.say(f"{begun.id} is {words(state)}")
            before = state
        if _there(found, wait) or time.monotonic() + pause > until:
            break
        time.sleep(pause)
        pause = min(pause * 1.5, SLOWEST)
    return found


def _there(found: dict[str, Any], wait: str) -> bool:
    ended = found.get("state") in (*WELL, *BADLY)
    return ended or (wait == "opened" and opened(found))


def opened(found: dict[str, Any]) -> bool:
    """Whether its pull request is there, or never will be: a server without GitHub does not speak of one."""
    return bool(pull_request(found)) or "pull_request" not in found


def pull_request(found: dict[str, Any]) -> str:
    """Where the cycle is talked about, if that is known."""
    pull = found.get("pull_request")
    return str((pull.get("url") if isinstance(pull, dict) else pull) or "")


def _tell(action: Action, begun: Triggered, found: dict[str, Any], wait: str, asked: list[tuple[str, str]]) -> int:
    """Outputs, summary and, where it is not as wanted, the error: the exit code."""
    state, pull, link_ = str(found.get("state")), pull_request(found), link(begun.id, begun.url)
    action.output("pull-request", pull)
    action.output("state", state)
    rows = [("Cycle", link_), ("State", cell(words(state))), ("Pull request", link(pull, pull) if pull else "")]
    rows += [("Why", cell(str(found.get("reason") or ""))), *asked]
    action.summarise(f"Ratchet: {link_}", [("", ""), *(row for row in rows if row[1])])
    wrong = _wrong(begun, found, wait)
    if wrong:
        action.annotate("error", wrong)
    return 1 if wrong else 0


def _wrong(begun: Triggered, found: dict[str, Any], wait: str) -> str:
    """What fails the run; empty where all is as wanted."""
    state, where = found.get("state"), pull_request(found) or begun.url
    why = f": {found['reason']}" if found.get("reason") else ""
    if wait == "none" or state in WELL:
        return ""
    if state == "failed":
        return f"{begun.id} has failed{why}: answer it with /rerun or /cancel at {where}"
    if state in BADLY:
        more = "" if begun.new else "; press Run workflow for another cycle, a re-run is about this one"
        return f"{begun.id} is {state}{why}: see {where}{more}"
    if wait == "opened" and opened(found):
        return ""
    awaited = "has not ended" if wait == "ended" else "has no pull request"
    return f"{begun.id} {awaited} in time, and goes on: see {where}, or set timeout-minutes"
