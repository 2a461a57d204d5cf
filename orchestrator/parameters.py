"""Values that people give to parameters, checked against the steps before anything happens."""

from collections.abc import Iterable, Mapping

from orchestrator.core.model import Pipeline
from orchestrator.core.nearest import did_you_mean
from orchestrator.trouble import Trouble
from reviewers.corrections import smuggled


def read_set(pairs: Iterable[str], pipeline: Pipeline) -> dict[str, dict[str, str]]:
    """`stage.key=value` texts to values by stage. Raises `Trouble` for another form, a stage that is not there, or
    a key that is given twice.
    """
    params: dict[str, dict[str, str]] = {}
    names = [stage.name for stage in pipeline.stages]
    for pair in pairs:
        left, equals, value = pair.partition("=")
        stage, dot, key = left.partition(".")
        if not (equals and dot and key):
            raise Trouble(f"--set {pair} has no value to set", "write --set stage.key=value", code=2)
        if stage not in names:
            raise Trouble(f"--set {pair}: {pipeline.name} has no stage {stage}", did_you_mean(stage, names), code=2)
        if key in params.setdefault(stage, {}):
            raise Trouble(f"--set {left} is given twice", "leave one of them out", code=2)
        params[stage][key] = value
        if why := smuggled({left: value}):
            raise Trouble(*why.split(" → "), code=2)
    return params


def problems(
    pipeline: Pipeline, params: Mapping[str, Mapping[str, str]], stage: str, changes: Mapping[str, str]
) -> list[str]:
    """What is wrong with these changes at this stage (`key`, or `stage.key`), each in a sentence."""
    merged = {name: dict(values) for name, values in params.items()}
    touched: dict[str, None] = {stage: None} if not changes else {}
    for name, value in changes.items():
        owner, dot, key = name.rpartition(".")
        merged.setdefault(owner if dot else stage, {})[key] = value
        touched[owner if dot else stage] = None
    return invalid(pipeline, {name: merged.get(name, {}) for name in touched})


def typed(
    pipeline: Pipeline, params: Mapping[str, Mapping[str, str]], stage: str, changes: Mapping[str, str]
) -> list[str]:
    """The same of changes that somebody typed: what people said about labels is taken from those people alone."""
    if why := smuggled(changes):
        return [" (".join(why.split(" → ")) + ")"]
    return problems(pipeline, params, stage, changes)


def invalid(pipeline: Pipeline, params: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What is wrong with the parameters of these stages, together with what the file gives them."""
    from orchestrator.check import UnaskableError, validate

    stages = {stage.name: stage for stage in pipeline.stages}
    found = [
        f"{pipeline.name} has no stage {name} ({did_you_mean(name, stages)})" for name in params if name not in stages
    ]
    known = [stages[name] for name in params if name in stages]
    found += [
        f"{stage.name}.{key} is what {stage.takes[key]} makes, and can't be set (set what {stage.takes[key]} comes of)"
        for stage in known
        for key in params[stage.name]
        if key in stage.takes
    ]
    try:
        answers = validate([(stage.step, {**stage.with_, **params[stage.name]}) for stage in known])
    except UnaskableError as error:
        return [*found, str(error)]
    for stage, answer in zip(known, answers, strict=True):
        found += [f"{stage.name}.{one['field']}: {one['what']} ({one['cure']})" for one in answer]
    return found
