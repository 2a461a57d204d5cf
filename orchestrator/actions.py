"""What each command does: from parsed arguments to data for `--json` and text for people. No parsing, no exit."""

import getpass
import json
import uuid
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.app import App
from orchestrator.core.events import CancelAsked, Event, Held, RerunAsked, ReviewGiven, RolledBack, Unheld
from orchestrator.core.gate import Person, Review, Verdict
from orchestrator.core.machine import NotNow
from orchestrator.core.model import Cycle, Pipeline, Trigger
from orchestrator.core.nearest import did_you_mean
from orchestrator.swap import swap
from orchestrator.trouble import Trouble
from orchestrator.view import whole
from reviewers.plain import inert

if TYPE_CHECKING:
    from orchestrator.config import Config

Answer = tuple[Any, str]
"""What `--json` prints, and what people read."""


def here() -> Person:
    """Whoever sits at this machine."""
    from reviewers.directory import person

    return person(getpass.getuser())


def configuration(path: str) -> "Config":
    """The configuration of this file. Raises `Trouble` with every problem of it."""
    from orchestrator.config import load

    config = load(path)
    if isinstance(config, list):
        raise Trouble("\n".join(str(problem) for problem in config), code=2 if not Path(path).exists() else 1)
    return config


def pipeline_of(config: "Config", name: str) -> Pipeline:
    """The pipeline of this name. Raises `Trouble` for an unknown one."""
    if name not in config.pipelines:
        known = ", ".join(config.pipelines)
        cure = did_you_mean(name, config.pipelines) or f"{config.file} has {known}"
        raise Trouble(f"there is no pipeline {name} in {config.file}", cure, code=2)
    return config.pipelines[name]


def cycle_of(app: App, name: str) -> Cycle:
    """The cycle of this id. Raises `Trouble` for an unknown one."""
    try:
        return app.journal.cycle(name)
    except KeyError:
        raise Trouble(f"there is no cycle {name}", "see `ratchet list`", code=2) from None


def init(arguments: Namespace) -> Answer:
    """Write a first ratchet.yaml; what is there stays unless --force."""
    from orchestrator.template import starter

    folder = Path(arguments.dir)
    files = {folder / name: text for name, text in starter().items()}
    there = [str(path) for path in files if path.exists()]
    if there and not arguments.force:
        raise Trouble(f"{', '.join(there)} is there already", "keep it, or overwrite it with --force")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    except OSError as error:
        raise Trouble(f"{error.filename} can't be written: {error.strerror}", "choose another folder") from None
    written = [str(path) for path in files]
    next_ = "next: say in it where your data are, then `ratchet check` and `ratchet run sentiment`"
    return {"written": written}, "\n".join([*(f"wrote {path}" for path in written), next_])


def check(arguments: Namespace) -> Answer:
    """Prove file, wiring, parameters and connections. Raises `Trouble` with every problem at once."""
    from orchestrator.check import check as prove
    from orchestrator.config import load

    found, app = load(arguments.config), App()
    wrong = found if isinstance(found, list) else [*found.warnings, *prove(found)]
    if not isinstance(found, list) and app.settings.github is not None:
        from orchestrator.connections import connections

        wrong += connections(app.settings.github, found, app.clock.now())
    as_data = [problem.model_dump() for problem in wrong]
    as_text = "\n".join(str(problem) for problem in wrong)
    if any(not problem.warning for problem in wrong):
        if arguments.json:
            print(json.dumps(as_data, indent=2))  # noqa: T201 - the answer is data even where it is bad news
        raise Trouble(as_text)
    return as_data, "\n".join(filter(None, [as_text, f"{arguments.config}: all is well"]))


def trigger(arguments: Namespace, app: App) -> Answer:
    """A new cycle, left for an engine to work on."""
    pipeline, params = checked(arguments)
    cycle = begin(app, pipeline, params, purpose=arguments.reason or "")
    return whole(cycle), f"{cycle.id} is queued: `ratchet show {cycle.id}`"


def checked(arguments: Namespace) -> tuple[Pipeline, dict[str, dict[str, str]]]:
    """The pipeline and the parameters that were typed, both proved before anything begins."""
    from orchestrator.check import check as prove
    from orchestrator.parameters import invalid, read_set

    config = configuration(arguments.config)
    pipeline = pipeline_of(config, arguments.pipeline)
    params = read_set(arguments.set or [], pipeline)
    wrong = [str(problem) for problem in prove(config) if not problem.warning]
    if params and not wrong:
        wrong = invalid(pipeline, params)
    if wrong:
        raise Trouble("\n".join(wrong))
    return pipeline, params


def begin(
    app: App, pipeline: Pipeline, params: Mapping[str, Mapping[str, str]], *, purpose: str = "", attended: bool = False
) -> Cycle:
    """A new cycle of whoever is here. Raises `Trouble` where what lies under its name is of another database: it
    would be adopted as if the new cycle had made it.
    """
    no_stranger(app)
    cycle, _ = app.desk.trigger(
        pipeline, Trigger.COMMAND_LINE, params=params, purpose=purpose, initiator=here(), attended=attended
    )
    return cycle


def no_stranger(app: App) -> None:
    """Raises `Trouble` where what lies under the next cycle's name is of another database."""
    if (found := _stranger(app)) is not None:
        name, place = found
        cure = "set RATCHET_DATABASE_URL to the database that it belongs to, or move what is left of that one away"
        raise Trouble(f"the database has no {name} yet, but {place} is there", cure)


def _stranger(app: App) -> tuple[str, str] | None:
    """The name of the next cycle, and what lies under it already, if anything does."""
    from steps.contract import StepError
    from steps.store import holds

    before = app.journal.cycles(limit=1)
    while True:
        name = f"c-{int(before[0].id.removeprefix('c-')) + 1 if before else 1:06d}"
        try:
            there = next((str(root) for root in (app.artifacts, app.work) if holds(root, name)), "")
        except StepError as error:
            raise Trouble(error.failure.what, error.failure.cure) from None
        now = app.journal.cycles(limit=1)
        if [one.id for one in now] == [one.id for one in before]:
            return (name, f"{there}/{name}") if there else None
        before = now  # somebody else began one just now


def approve(arguments: Namespace, app: App) -> Answer:
    """Approve the open gate's digest."""
    return _review(arguments, app, Verdict.APPROVE, arguments.digest or "", arguments.reason or "")


def reject(arguments: Namespace, app: App) -> Answer:
    """Reject the open gate's digest, and with it the cycle."""
    return _review(arguments, app, Verdict.REJECT, "", arguments.reason)


def _review(arguments: Namespace, app: App, verdict: Verdict, about: str, reason: str) -> Answer:
    from reviewers.directory import roster

    cycle, now, by = cycle_of(app, arguments.cycle), app.clock.now(), here()
    gate, opening = cycle.stage.gate, cycle.opening
    if gate is None or opening is None:
        raise Trouble(f"{cycle.id} is {cycle.state} at {cycle.stage.name}, and no gate is open")
    review = Review(
        id=said(), by=by, verdict=verdict, about=about or opening.digest, at=max(now, opening.at), reason=reason,
        authority="terminal" if cycle.attended else "person",
    )  # fmt: skip
    return submit(app, cycle, ReviewGiven(at=now, review=review, roster=roster(gate, cycle.pipeline, by)))


def rerun(arguments: Namespace, app: App) -> Answer:
    """Go back to a stage, with other parameters if any are given."""
    from orchestrator.parameters import typed

    cycle = cycle_of(app, arguments.cycle)
    changes = {}
    for pair in arguments.set or []:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise Trouble(f"--set {pair} has no value to set", "write --set key=value or stage.key=value", code=2)
        changes[key] = value
    wrong = typed(cycle.pipeline, cycle.params, arguments.stage or cycle.stage.name, changes)
    if wrong:
        raise Trouble("\n".join(wrong))
    event = RerunAsked(at=app.clock.now(), id=said(), by=here(), stage=arguments.stage or "", changes=changes)
    return submit(app, cycle, event)


def hold(arguments: Namespace, app: App) -> Answer:
    """Keep the cycle from going on."""
    event = Held(at=app.clock.now(), id=said(), by=here(), reason=arguments.reason or "")
    return submit(app, cycle_of(app, arguments.cycle), event)


def unhold(arguments: Namespace, app: App) -> Answer:
    """Let a held cycle go on."""
    return submit(app, cycle_of(app, arguments.cycle), Unheld(at=app.clock.now(), id=said(), by=here()))


def cancel(arguments: Namespace, app: App) -> Answer:
    """End the cycle."""
    event = CancelAsked(at=app.clock.now(), id=said(), by=here(), reason=arguments.reason)
    return submit(app, cycle_of(app, arguments.cycle), event)


def rollback(arguments: Namespace, app: App) -> Answer:
    """Make the target serve an earlier version again, at once."""
    pipeline = pipeline_of(configuration(arguments.config), arguments.pipeline)
    version, previous = roll_back(app, pipeline, arguments.version, here(), said())
    told = f"{pipeline.owns} serves {version} again, instead of {previous}"
    return {"version": version, "previous": previous}, told


def roll_back(app: App, pipeline: Pipeline, version: str | None, by: Person, asked: str) -> tuple[str, str]:
    """The version that the target serves from now on, and the one before; `asked` names who said it where. Raises
    `Trouble` where there is nothing to go back to.
    """
    serves, served = swap(app.target(pipeline), version or "", asked)
    newest = app.journal.cycles(pipeline.name, limit=1)
    if newest:
        event = RolledBack(at=app.clock.now(), id=asked, by=by, version=serves, was=served)
        app.desk.submit(newest[0].id, event)
    return serves, served


def submit(app: App, cycle: Cycle, event: Event) -> Answer:
    """Hand the event in. Raises `Trouble` where it does not count."""
    answer = app.desk.submit(cycle.id, event)
    if isinstance(answer, NotNow):
        raise Trouble(answer.why)
    held = f", held ({inert(answer.held)})" if answer.held else ""
    return whole(answer), f"{answer.id} is {answer.state} at {answer.stage.name}{held}"


def said() -> str:
    return f"cli:{uuid.uuid4()}"
