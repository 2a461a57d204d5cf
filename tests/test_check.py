"""The wiring is proved before anything runs, with real steps asked in a process of their own."""

import json
import subprocess
import sys

import pytest

from orchestrator.check import UnaskableError, check, describe, validate
from orchestrator.config import Config, read
from orchestrator.template import starter

OWN_STEPS = '''
"""A user's own steps."""
from pydantic import Field
from steps.contract import Artifact, Context, Given, Made, Model, Report, step

print("an import that talks")

class Fine(Model): ...
class Nothing(Given): ...
class Weights(Made):
    model: Fine
    other: Artifact
    size: int
class Size(Given):
    model: Model
    share: float = Field(description="of the whole", gt=0, le=1)
    limit: float | None = None
class Sized(Made): ...

@step
def train(given: Nothing, context: Context) -> Weights:
    return Weights(report=Report(summary="x"), model=Fine(uri="x"), other=Artifact(uri="x"), size=1)

@step
def measure(given: Size, context: Context) -> Sized:
    return Sized(report=Report(summary="x"))
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with the user's steps as `own`, where `ratchet` was called."""
    (tmp_path / "own.py").write_text(OWN_STEPS)
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", ":".join(path for path in (str(tmp_path), *sys.path) if path))
    return tmp_path


def told(*stages):
    """Each problem with these stages, which stand on lines of their own from line 4."""
    config = read("\n".join(["pipelines:", "  p:", "    stages:", *(f"      - {{{stage}}}" for stage in stages)]), "f")
    assert isinstance(config, Config), config
    return [str(problem).removeprefix("f:").strip() for problem in check(config)]


TRAIN = "name: train, step: own:train"


def test_a_schedule_that_waits_for_a_number_which_nobody_counts_is_warned_of(own):
    """At its line; a cycle that is asked for begins all the same."""
    text = """pipelines:
  p:
    schedule:
      cron: "17 2 * * *"
      when: {new_rows: 5}
    stages: [{name: train, step: "own:train"}]
"""
    [problem] = check(read(text, "f"))
    assert (problem.warning, problem.line) == (True, 5)
    assert "own:train, the first step, has no counter of new rows" in problem.what
    assert check(read(text.replace("{new_rows: 5}", "{older_than: 3d}"), "f")) == []


@pytest.mark.parametrize(
    ("stage", "problem"),
    [
        ("step: own:measure, takes: {model: train.model}, with: {share: 0.5}", None),
        ("step: own:measure, takes: {model: train.model}, with: {share: '0.5'}", None),
        ("step: own:measure, takes: {model: train.model, limit: train.size}, with: {share: 1}", None),
        ("step: own:mesure", "5: stage b: own has no step 'mesure' (did you mean `own:measure`?)"),
        ("step: owm:measure", "5: stage b: there is no module 'owm'"),
        ("step: broken:measure", "5: stage b: broken:measure can't be imported: No module named 'nowhere_to_be_found'"),
        ("step: own:Fine", "5: stage b: own:Fine is not a step (write"),
        ("step: own:measure, with: {share: 1}", "5: stage b: model is required by own:measure, and nothing feeds it"),
        ("step: own:measure, with: {share: 1}", "(write `takes: {model: train.model}`)"),
        ("step: own:measure, takes: {model: train.model}", "(add `share: …` to `with`: of the whole)"),
        ("step: own:measure, takes: {modle: train.model}", "own:measure has no input modle (did you mean model?)"),
        ("step: own:measure, takes: {model: train.modle}", "own:train makes no modle (did you mean model?)"),
        (
            "step: own:measure, takes: {model: train.other}",
            "model is a Model, and train.other is an Artifact (fitting: ",
        ),
        ("step: own:measure, takes: {model: train.size}", "model is a Model, and train.size is an integer (fitting: "),
        (
            "step: own:measure, takes: {share: train.model}",
            "share is a number, and train.model is a Fine (take another",
        ),
        ("step: own:measure, takes: {model: train.model}, with: {model: x}", "model is in both `with` and `takes`"),
        (
            "step: own:measure, takes: {model: train.model}, with: {shore: 1}",
            "there is no parameter 'shore' (did you mean",
        ),
        (
            "step: own:measure, takes: {model: train.model}, with: {share: 2}",
            "share = 2: Input should be less than or equal",
        ),
    ],
)
def test_a_stage_fits_its_step_or_is_told(own, stage, problem):
    """Unknown steps, unwired, unknown and mistyped inputs and values out of bounds are found, with their cure."""
    found = told(TRAIN, f"name: b, {stage}")
    assert any(problem in line for line in found) if problem else found == [], found


def test_one_unknown_step_hides_nothing_else(own):
    """A stage after the unknown one is still checked, and what it takes from there is not told a second time."""
    found = told("name: a, step: own:nothing", "name: b, step: own:measure, takes: {model: a.model}, with: {share: 0}")
    assert [line.split(":")[0] for line in found] == ["4", "5"]
    assert "share = 0" in found[1]


def test_a_step_that_ends_the_process_is_told(own):
    """A module that kills whoever imports it is a problem, not a crash, and hides no other problem."""
    (own / "dies.py").write_text("import os\nprint('noise ' * 999)\nos._exit(3)\n")
    found = told("name: a, step: leaves:x", "name: b, step: dies:x", "name: c, step: own:nothing")
    assert [line.split(":")[0] for line in found] == ["4", "5", "6"]
    assert "leaves:x can't be imported" in found[0]
    assert "dies:x: the process that was asked ended with exit status 3" in found[1]
    with pytest.raises(UnaskableError, match="exit status 3"):
        validate([("dies:x", {})])


def test_a_step_that_never_answers_is_told(own):
    """A module that blocks while it is imported is ended, and the cure says what to move."""
    (own / "blocks.py").write_text("import threading\nthreading.Event().wait()\n")
    about = describe(["blocks:x"], patience=0.5)["blocks:x"]
    assert about["error"] == "blocks:x: no answer in 0.5 seconds"
    assert "import what is slow inside" in about["cure"]


def test_the_starter_is_wired():
    """What `ratchet init` writes has no problem with the steps that ship."""
    config = read(starter()["ratchet.yaml"])
    assert isinstance(config, Config)
    assert check(config) == []


def test_asking_imports_nothing_heavy_here():
    """A check of the shipped steps leaves torch, ray and transformers out of this process."""
    code = (
        "import sys, json; from orchestrator.config import read; from orchestrator.check import check;"
        "from orchestrator.template import starter; check(read(starter()['ratchet.yaml']));"
        "print(json.dumps([m for m in ('torch', 'ray', 'transformers', 'kfp') if m in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(out) == []


def test_every_shipped_step_describes_itself():
    """The four steps answer with what they take and make."""
    names = [f"steps.{name}:{name}" for name in ("collect", "finetune", "evaluate", "deploy")]
    assert all("takes" in one for one in describe(names).values())
