"""Proof of the wiring, before anything runs: every step exists, every input has a source of its type, every value fits.

Law: what a step takes and makes is asked of the step itself, in a process of its own, so that nothing here imports
what the steps import; everything that is wrong is told at once.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from orchestrator.config import Config
from orchestrator.core.model import Pipeline, Stage
from orchestrator.core.nearest import did_you_mean
from orchestrator.problem import Problem
from steps.describe import fits

PATIENCE = 120.0  # seconds for importing the steps; a first import of torch from a cold disk takes half of it

Description = Mapping[str, Any]


class UnaskableError(Exception):
    """The steps can't be asked: what happened, and the cure."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(f"{what}: {cure}")
        self.what, self.cure = what, cure


def check(config: Config, patience: float = PATIENCE) -> list[Problem]:
    """Everything that is wrong between the stages and their steps, in the order of lines."""
    stages = [
        (pipeline, number, stage) for pipeline in config.pipelines.values() for number, stage in _numbered(pipeline)
    ]
    names = list(dict.fromkeys(stage.step for _, _, stage in stages))
    try:
        described = describe(names, patience)
        known = [one for one in stages if "error" not in described[one[2].step]]
        asked = validate([(stage.step, stage.with_) for _, _, stage in known], patience)
    except UnaskableError as error:
        return [Problem(file=config.file, what=error.what, cure=error.cure)]
    found = wiring(config, described)
    for (pipeline, number, stage), problems in zip(known, asked, strict=True):
        for problem in problems:
            key = problem["field"].split(".")[0].split("[")[0]
            line = config.line("pipelines", pipeline.name, "stages", number, "with", key)
            what = f"stage {stage.name}: {problem['what']}"
            found.append(Problem(file=config.file, line=line, what=what, cure=problem["cure"]))
    return sorted(found, key=lambda problem: problem.line)


def wiring(config: Config, described: Mapping[str, Description]) -> list[Problem]:
    """What the descriptions of the steps say about the stages. Pure."""
    return [
        Problem(file=config.file, line=config.line("pipelines", name, "stages", *path), what=what, cure=cure)
        for name, pipeline in config.pipelines.items()
        for path, what, cure in _wrong(pipeline, described)
    ] + [
        Problem(
            file=config.file, line=config.line("pipelines", name, "schedule", "when"), what=what, cure=cure,
            warning=True,
        )
        for name, pipeline in config.pipelines.items()
        for what, cure in _uncounted(pipeline, described)
    ]  # fmt: skip


Wrong = tuple[tuple[str | int, ...], str, str]


def _uncounted(pipeline: Pipeline, described: Mapping[str, Description]) -> Iterator[tuple[str, str]]:
    """What and cure, where a schedule waits for a number that nobody counts; cycles that are asked for begin."""
    first, schedule = pipeline.stages[0], pipeline.schedule
    if schedule is None or schedule.when.new_rows is None or described[first.step].get("counts", True):
        return
    what = f"{first.step}, the first step, has no counter of new rows, so `when: {{new_rows: …}}` begins nothing"
    yield what, "put `@counted_by(…)` over the step, or write `older_than` instead"


def _wrong(pipeline: Pipeline, described: Mapping[str, Description]) -> Iterator[Wrong]:
    """(path below `stages`, what, cure) for each thing that is wrong in the pipeline."""
    for number, stage in _numbered(pipeline):
        about = described[stage.step]
        if "error" in about:
            yield (number, "step"), f"stage {stage.name}: {about['error']}", about["cure"]
            continue
        for key, source in stage.takes.items():
            path = (number, "takes", key)
            if key in stage.with_:
                what = f"stage {stage.name}: {key} is in both `with` and `takes`"
                yield path, what, "leave one of them out"
            if key not in about["takes"]:
                what = f"stage {stage.name}: {stage.step} has no input {key}"
                yield path, what, did_you_mean(key, about["takes"])
            else:
                yield from _source(path, pipeline, stage, key, source, described)
        for key, field in about["takes"].items():
            if field["required"] and key not in stage.takes and key not in stage.with_:
                yield (number,), *_unwired(pipeline, number, stage, key, field, described)


def _source(
    path: tuple[str | int, ...],
    pipeline: Pipeline,
    stage: Stage,
    key: str,
    source: str,
    described: Mapping[str, Description],
) -> Iterator[Wrong]:
    """Whether the source is there and has the type of the input."""
    owner, _, output = source.partition(".")
    giver = pipeline.stages[pipeline.index(owner)]
    made = described[giver.step].get("made")
    if made is None:
        return  # the step of the source is unknown, and that is told where it stands
    if output not in made:
        yield (
            path,
            f"stage {stage.name}: {key} takes {source}, and {giver.step} makes no {output}",
            did_you_mean(output, made),
        )
        return
    field = described[stage.step]["takes"][key]
    if not fits(made[output], field):
        is_one = f"{key} is {_kinds(field['accepts'])}, and {source} is {_kinds(made[output]['types'][:1])}"
        fitting = _fitting(pipeline, pipeline.index(stage.name), field, described)
        cure = f"fitting: {', '.join(fitting)}" if fitting else "take another output"
        yield path, f"stage {stage.name}: {is_one}", cure


def _unwired(
    pipeline: Pipeline,
    number: int,
    stage: Stage,
    key: str,
    field: Mapping[str, Any],
    described: Mapping[str, Description],
) -> tuple[str, str]:
    """What and cure for a required input that nothing feeds."""
    what = f"stage {stage.name}: {key} is required by {stage.step}, and nothing feeds it"
    if fitting := _fitting(pipeline, number, field, described):
        return what, f"write `takes: {{{key}: {fitting[-1]}}}`"
    said = f": {field['description']}" if field["description"] else ""
    return what, f"add `{key}: …` to `with`{said}"


def _fitting(
    pipeline: Pipeline, number: int, field: Mapping[str, Any], described: Mapping[str, Description]
) -> list[str]:
    """The artifacts and other objects of earlier stages that would fit; a text that fits proves nothing."""
    return [
        f"{stage.name}.{output}"
        for stage in pipeline.stages[:number]
        for output, made in described[stage.step].get("made", {}).items()
        if fits(made, field) and ":" in made["types"][0]
    ]


def _kinds(types: Sequence[str]) -> str:
    """`a Dataset` or `a string or null`, without the modules."""
    names = [name.rpartition(":")[2] for name in types]
    return f"{'an' if names[0][0] in 'aeiouAEIOU' else 'a'} {' or '.join(names)}"


def _numbered(pipeline: Pipeline) -> Iterator[tuple[int, Stage]]:
    return enumerate(pipeline.stages)


def describe(names: Iterable[str], patience: float = PATIENCE) -> dict[str, Description]:
    """What each step says about itself; where one brings the asking down, the others are asked without it."""
    wanted = list(names)
    try:
        (answer,) = _ask([(["describe", *wanted], "")], patience)
    except UnaskableError as error:
        if len(wanted) == 1:
            return {wanted[0]: {"step": wanted[0], "error": f"{wanted[0]}: {error.what}", "cure": error.cure}}
        return {name: about for one in wanted for name, about in describe([one], patience).items()}
    return {one["step"]: one for one in answer}


def validate(
    asked: Sequence[tuple[str, Mapping[str, JsonValue]]], patience: float = PATIENCE
) -> list[list[dict[str, str]]]:
    """For each (step, values): what is wrong with the values, as {field, what, cure}. Raises `UnaskableError`."""
    answers = _ask([(["validate", step], json.dumps(dict(values))) for step, values in asked], patience)
    return [answer.get("problems", []) for answer in answers]


def _ask(questions: Sequence[tuple[list[str], str]], patience: float) -> list[Any]:
    """The answers of `steps.runner`, asked side by side."""
    command = [sys.executable, "-m", "steps.runner"]
    running = [
        subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        for arguments, _ in questions
    ]
    try:
        return [_answer(process, text, patience) for process, (_, text) in zip(running, questions, strict=True)]
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.communicate()


def _answer(process: subprocess.Popen[str], text: str, patience: float) -> Any:
    try:
        out, err = process.communicate(text, timeout=patience)
        return json.loads(out)
    except subprocess.TimeoutExpired:
        cure = "import what is slow inside the step's function"
        raise UnaskableError(f"no answer in {patience:g} seconds", cure) from None
    except ValueError:
        last = (err.strip().splitlines() or ["it said nothing"])[-1][-300:]
        what = f"the process that was asked ended with exit status {process.returncode}: {last}"
        raise UnaskableError(what, "see `python -m steps.runner describe STEP`") from None
