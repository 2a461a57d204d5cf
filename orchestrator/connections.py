"""Whether GitHub lets us in as the environment says, and whether the names in gates mean somebody there."""

from collections.abc import Iterator
from datetime import datetime

from orchestrator.config import Config
from orchestrator.core.gate import Roster
from orchestrator.core.model import Cycle, Pipeline, Stage, State, Trigger
from orchestrator.ports import People
from orchestrator.problem import Problem
from orchestrator.settings import GitHubSettings
from reviewers.github.people import GitHubPeople
from reviewers.github.protocol import GitHubError
from reviewers.github.repository import Repository
from reviewers.github.transport import Transport


def connections(github: GitHubSettings, config: Config, now: datetime) -> list[Problem]:
    """What is wrong with GitHub as it is configured here. Nothing is written anywhere."""
    try:
        transport = Transport(
            github.api_url, token=github.token, app_id=github.app_id, private_key=github.private_key,
            repository=github.repository,
        )  # fmt: skip
        transport.whoami()
        repository = Repository(transport.send, github.repository)
        repository.about()
    except GitHubError as error:
        what = f"{github.repository} on GitHub can't be used: {error.what}"
        return [Problem(file=config.file, line=1, what=what, cure=error.cure)]
    people = GitHubPeople(repository, github.bots)
    return [
        Problem(file=config.file, line=line, what=what, cure="")
        for pipeline in config.pipelines.values()
        for line, what in _strangers(config, pipeline, people, now)
    ]


def _strangers(config: Config, pipeline: Pipeline, people: People, now: datetime) -> Iterator[tuple[int, str]]:
    """The names in the pipeline's gates behind which too few can be read, each with its line."""
    asked = Cycle(
        id="c-000000", seq=1, pipeline=pipeline, trigger=Trigger.API, state=State.QUEUED, began_at=now, changed_at=now
    )
    for number, stage in enumerate(pipeline.stages):
        if stage.gate is None:
            continue
        roster = people.roster(stage.gate, asked, ())
        for key, place, who in _places(stage):
            if said := _wrong(roster, who, stage):
                yield config.line("pipelines", pipeline.name, "stages", number, "gate", key, place), said


def _places(stage: Stage) -> Iterator[tuple[str, int, str]]:
    """(key, place, name) of every clause of the stage's gate that names somebody."""
    gate = stage.gate
    if gate is not None:
        for key, clauses in (("require", gate.require), ("else", gate.otherwise)):
            yield from ((key, place, clause.who) for place, clause in enumerate(clauses) if clause.who)


def _wrong(roster: Roster, who: str, stage: Stage) -> str:
    """Why nobody, or too few, can answer for this name."""
    if who in roster.unreadable:
        return f"the gate of {stage.name} asks {who}: {roster.unreadable[who]}"
    gate, members = stage.gate, roster.members.get(who, ())
    if gate is None or who in roster.uncounted:
        return ""
    needed = max(clause.count for clause in (*gate.require, *gate.otherwise) if clause.who == who)
    if len(members) < needed:
        return f"the gate of {stage.name} asks {needed} of {who}, and only {len(members)} can answer there"
    return ""
