"""`ratchet.yaml` to pipelines, groups and policies, or to everything that is wrong with it at once.

Law: what `load` lets through can be walked from the first stage to the last: names are unique, every input comes from
an earlier stage, every policy and group is known, and every gate can be closed by the people who are listed.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from pydantic import JsonValue, ValidationError

from orchestrator.core.effects import Resources
from orchestrator.core.gate import Clause, Deadline, Gate, read_clause
from orchestrator.core.model import Pipeline, Retry, Stage
from orchestrator.core.nearest import did_you_mean, nearest
from orchestrator.core.noun import Noun
from orchestrator.core.schedule import Schedule, When
from orchestrator.document import Document, Path
from orchestrator.problem import Problem, in_words, shown
from reviewers.policy import BUILT_IN, Bound, Policy, read_bound

LARGEST = 1_000_000
ROLES = frozenset({"@write", "@maintain", "@admin", "@anyone"})
SECTIONS = ("pipelines", "groups", "policies")

_LOGIN = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}(?:\[bot\])?")
_GROUP = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_TAKEN = {
    "name": "the pipeline's name is the key above it",
    "groups": "write `groups:` at the top of the file, for every pipeline",
    "policies": "write `policies:` at the top of the file, for every pipeline",
}
_MODELS: Mapping[str, type[Noun]] = {
    "stages": Stage,
    "gate": Gate,
    "require": Clause,
    "else": Clause,
    "deadline": Deadline,
    "resources": Resources,
    "retry": Retry,
    "schedule": Schedule,
    "when": When,
}


@dataclass(frozen=True)
class Config:
    """What one file says. `warnings` keep nothing from running; `line` tells where something stands."""

    file: str
    pipelines: Mapping[str, Pipeline]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line(self, *path: str | int) -> int:
        """The line of the path, such as `("pipelines", "sentiment", "stages", 0, "with")`, or of what is around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def load(path: FilePath | str) -> Config | list[Problem]:
    """The configuration in this file, or every problem of it in the order of lines."""
    name = str(path)
    try:
        data = FilePath(path).read_bytes()
        if len(data) > LARGEST:
            return [Problem(file=name, what=f"the file has {len(data)} bytes", cure=f"keep it below {LARGEST}")]
        return read(data.decode("utf-8-sig"), name)
    except FileNotFoundError:
        return [Problem(file=name, what="there is no such file", cure="write one with `ratchet init`")]
    except UnicodeDecodeError as error:
        return [Problem(file=name, what=f"byte {error.start + 1} is not UTF-8", cure="save the file as UTF-8")]
    except OSError as error:
        return [Problem(file=name, what=f"the file can't be read: {error.strerror}", cure="check path and permissions")]


def read(text: str, file: str = "ratchet.yaml") -> Config | list[Problem]:
    """The configuration in this text, or every problem of it in the order of lines."""
    document = Document(text, file)
    top = document.value
    if not isinstance(top, dict):
        if not document.problems:
            document.report(
                (), "the file says nothing" if top is None else "the file must be a mapping", "begin with `pipelines:`"
            )
        return document.problems
    for key in top:
        if key not in SECTIONS:
            document.report((key,), f"`{key}` is not a known key", did_you_mean(key, SECTIONS))
    if top.get("pipelines") in (None, {}):
        document.report(("pipelines",), "there is no pipeline", "write one below `pipelines:`")
    groups = _groups(document, _mapping(document, top, "groups"))
    policies = _policies(document, _mapping(document, top, "policies"))
    pipelines = _pipelines(document, _mapping(document, top, "pipelines"), groups, policies)
    found = sorted(document.problems, key=lambda problem: problem.line)
    if any(not problem.warning for problem in found):
        return found
    return Config(file, pipelines, groups, policies, tuple(found), document.lines)


def _mapping(document: Document, top: Mapping[str, JsonValue], key: str) -> Mapping[str, JsonValue]:
    """A section of the file; empty where it is missing or not a mapping."""
    value = top.get(key)
    if isinstance(value, dict):
        return value
    if key in top and value is not None:
        document.report(
            (key,), f"`{key}` must be a mapping, and is {shown(value)}", "write `name:` and its content below"
        )
    return {}


def _groups(document: Document, section: Mapping[str, JsonValue]) -> dict[str, tuple[str, ...]]:
    """Lists of logins by name. A name that is wrong is still known, so that its use isn't a second problem."""
    groups: dict[str, tuple[str, ...]] = {}
    for name, members in section.items():
        path = ("groups", name)
        groups[name] = ()
        if not _GROUP.fullmatch(name) or f"@{name}" in ROLES:
            what = "is a role on GitHub" if f"@{name}" in ROLES else "is not a name"
            document.report(path, f"group {name!r} {what}", "use letters, digits, - and _, and no role's name")
        if not isinstance(members, list):
            document.report(path, f"group {name!r} must be a list, and is {shown(members)}", "write [alice, bob]")
            continue
        seen: dict[str, str] = {}
        for number, login in enumerate(members):
            if not isinstance(login, str) or not _LOGIN.fullmatch(login):
                document.report(
                    (*path, number), f"{shown(login)} is not a login", "write it without @, in quotes if a number"
                )
            elif login.casefold() in seen:
                document.report((*path, number), f"{login} is in group {name!r} twice", "leave one out", warning=True)
            else:
                seen[login.casefold()] = login
        groups[name] = tuple(seen.values())
    return groups


def _policies(document: Document, section: Mapping[str, JsonValue]) -> dict[str, Policy]:
    """The built-in policies and those of the file. One that is wrong is known as one that lets nothing through."""
    policies = dict(BUILT_IN)
    for name, body in section.items():
        path = ("policies", name)
        if name in BUILT_IN:
            document.report(path, f"policy {name} is built in", "choose another name")
            continue
        policies[name] = Policy.model_construct(name=name, verdict="PASS")
        if not _NAME.fullmatch(name):
            document.report(path, f"{name!r} is not a name", "use small letters, digits, - and _")
        elif not isinstance(body, dict) or not body:
            document.report(path, f"policy {name} asks nothing", "give it bounds, like `accuracy: '>= 0.8'`")
        else:
            policies[name] = _policy(document, name, body)
    return policies


def _policy(document: Document, name: str, body: Mapping[str, JsonValue]) -> Policy:
    """The policy of these bounds, less those that are wrong."""
    bounds: list[Bound] = []
    verdict = "PASS"
    for metric, text in body.items():
        if metric == "verdict":
            verdict = str(text)
            if text not in ("PASS", "BLOCK", "INCONCLUSIVE"):
                document.report(("policies", name, metric), f"the verdict {shown(text)} is never given", "write PASS")
            continue
        try:
            bounds.append(read_bound(metric, text))
        except ValueError as error:
            what, _, cure = str(error).partition(": ")
            document.report(("policies", name, metric), f"{metric}: {what}", cure)
    return Policy(name=name, bounds=tuple(bounds), verdict=verdict if "verdict" in body or not bounds else "")


def _pipelines(
    document: Document,
    section: Mapping[str, JsonValue],
    groups: Mapping[str, tuple[str, ...]],
    policies: Mapping[str, Policy],
) -> dict[str, Pipeline]:
    """Every pipeline that is right by itself; what is wrong with each and between its stages is reported."""
    pipelines: dict[str, Pipeline] = {}
    for name, body in section.items():
        path: Path = ("pipelines", name)
        if not isinstance(body, dict):
            document.report(path, f"pipeline {name!r} must be a mapping, and is {shown(body)}", "give it `stages:`")
            continue
        for key in sorted(_TAKEN.keys() & body.keys()):
            document.report((*path, key), f"`{key}` is not a known key", _TAKEN[key])
        written = {key: value for key, value in body.items() if key not in _TAKEN}
        try:
            pipelines[name] = _frozen(Pipeline.model_validate({**written, "name": name}), groups, policies)
        except ValidationError as error:
            _report(document, path, error)
        _between_stages(document, (*path, "stages"), body.get("stages"))
        _gates(document, (*path, "stages"), body.get("stages"), groups, policies)
    return pipelines


def _frozen(pipeline: Pipeline, groups: Mapping[str, tuple[str, ...]], policies: Mapping[str, Policy]) -> Pipeline:
    """The pipeline with its own copy of the groups and policies that its gates name, as the file says now."""
    gates = [stage.gate for stage in pipeline.stages if stage.gate is not None]
    named = {clause.who.removeprefix("@") for gate in gates for clause in (*gate.require, *gate.otherwise)}
    asked = {gate.policy for gate in gates}
    return pipeline.model_copy(
        update={
            "groups": {name: members for name, members in groups.items() if name in named},
            "policies": {name: one.model_dump(mode="json") for name, one in policies.items() if name in asked},
        }
    )


def _report(document: Document, path: Path, error: ValidationError) -> None:
    """Each of pydantic's errors at its line, in words."""
    for one in error.errors(include_url=False):
        where: Path = one["loc"]
        if one["type"] == "too_short" and one["input"]:
            continue  # pydantic counts the items that were right, and tells of the others by themselves
        parent = next((str(part) for part in reversed(where[:-1]) if isinstance(part, str)), "")
        model = _MODELS.get(parent, Pipeline)
        known = [info.alias or name for name, info in model.model_fields.items()]
        if model is Pipeline:
            known = [name for name in known if name not in _TAKEN]
        what, cure = in_words({**one}, known)
        document.report((*path, *where) if where != ("name",) else path, what, cure)


def _between_stages(document: Document, path: Path, stages: JsonValue) -> None:
    """Stage names are unique, and every input comes from an earlier stage."""
    names = [one.get("name") if isinstance(one, dict) else None for one in stages] if isinstance(stages, list) else []
    for number, name in enumerate(names):
        stage = stages[number] if isinstance(stages, list) else None
        if isinstance(name, str) and name in names[:number]:
            first = document.line((*path, names.index(name), "name"))
            document.report(
                (*path, number, "name"), f"stage {name} is there twice, first on line {first}", "rename one"
            )
        takes = stage.get("takes") if isinstance(stage, dict) else None
        for field_name, source in takes.items() if isinstance(takes, dict) else ():
            owner = source.partition(".")[0] if isinstance(source, str) and "." in source else None
            if owner is None or owner in names[:number]:
                continue
            here = (*path, number, "takes", field_name)
            if owner in names:
                which = "the stage itself" if owner == name else "a later stage"
                document.report(here, f"{field_name} takes {source} from {which}", "take it from an earlier one")
            else:
                earlier = [one for one in names[:number] if isinstance(one, str)]
                document.report(
                    here, f"{field_name} takes {source}, but there is no stage {owner}", did_you_mean(owner, earlier)
                )


def _gates(
    document: Document,
    path: Path,
    stages: JsonValue,
    groups: Mapping[str, tuple[str, ...]],
    policies: Mapping[str, Policy],
) -> None:
    """Every gate that is right by itself can be closed."""
    for number, stage in enumerate(stages if isinstance(stages, list) else ()):
        body = stage.get("gate") if isinstance(stage, dict) else None
        if not isinstance(body, dict):
            continue
        here = (*path, number, "gate")
        policy = body.get("policy")
        if isinstance(policy, str) and policy not in policies:
            document.report((*here, "policy"), f"there is no policy {policy}", did_you_mean(policy, policies))
        try:
            gate = Gate.model_validate(body)
        except ValidationError:
            gate = None
        for where, clause in _clauses(here, body):
            _clause(document, where, clause, gate is not None and gate.bars_initiator, groups)
        deadline = gate.deadline if gate else None
        if deadline and deadline.remind and deadline.remind >= deadline.after:
            what = "the deadline ends before the first reminder"
            document.report((*here, "deadline"), what, "make `remind` shorter than `after`", warning=True)


def _clauses(path: Path, body: Mapping[str, JsonValue]) -> Iterator[tuple[Path, Clause]]:
    """Every clause of the gate that can be read, whatever else is wrong with the gate."""
    for key in ("require", "else"):
        written = body.get(key)
        for place, text in enumerate(written if isinstance(written, list) else ()):
            with suppress(ValueError):
                if isinstance(clause := read_clause(text), Clause):
                    yield (*path, key, place), clause


def _clause(
    document: Document, path: Path, clause: Clause, bars_initiator: bool, groups: Mapping[str, tuple[str, ...]]
) -> None:
    """There are enough people for the clause, as far as the file can tell."""
    who = clause.who
    if not who or "/" in who or who.casefold() in ROLES:
        return
    if not who.startswith("@"):
        people: tuple[str, ...] = (who,)
        if nearest(who, groups, within=0):
            document.report(path, f"{who} is read as a login, and is a group here too", f"write @{who}", warning=True)
    elif who[1:] in groups:
        people = groups[who[1:]]
    else:
        cure = did_you_mean(who, [*(f"@{name}" for name in groups), *ROLES])
        document.report(path, f"{str(clause)!r}: there is no group {who}", f"{cure}; a login has no @")
        return
    if clause.count > len(people):
        named = f"{who} is one person" if not who.startswith("@") else f"{who} has {len(people)}"
        document.report(path, f"{str(clause)!r} can never be met: {named}", "ask for fewer, or name a larger group")
    elif bars_initiator and clause.count == len(people):
        what = (
            f"{str(clause)!r} can't be met by a cycle that {people[0] if len(people) == 1 else f'one of {who}'} starts"
        )
        document.report(path, what, "not_initiator bars whoever starts it: name one more person", warning=True)
