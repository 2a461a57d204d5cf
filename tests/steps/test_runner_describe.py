"""What a step says about itself: to `ratchet check`, to a comment's `/rerun`, and to no more than it must load."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from steps.describe import describe, fits, validate

ROOTS = os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())])


def ask(*arguments: str, given: str = "") -> Any:
    """The runner's answer, as another process reads it."""
    command = [sys.executable, "-m", "steps.runner", *arguments]
    environment = os.environ | {"PYTHONPATH": ROOTS}
    done = subprocess.run(command, env=environment, input=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_step_is_described() -> None:
    """Schema, what it takes and makes with names of types, and what is required."""
    (found,) = ask("describe", "chores:read")
    assert found["given"]["properties"]["data"]
    assert found["takes"]["data"]["types"] == ["steps.contract:Dataset", "steps.contract:Artifact"]
    assert found["takes"]["data"]["required"]
    assert found["takes"]["model"]["accepts"] == ["steps.contract:Model", "null"]
    assert not found["takes"]["model"]["required"]
    assert found["takes"]["anything"]["accepts"] == ["steps.contract:Artifact", "integer"]
    assert found["made"]["total"]["types"] == ["integer", "number"]
    assert "report" not in found["made"]
    assert not found["counts"]
    assert ask("describe", "chores:gather")[0]["counts"]


def test_every_step_is_answered_in_order() -> None:
    """One that can't be described has an error and a cure, and does not hide the others."""
    missing, typo, plain, form, good = ask(
        "describe", "nowhere:step", "chores:doubl", "chores:unannotated", "chores", "chores:double"
    )
    assert "there is no module 'nowhere'" in missing["error"]
    assert typo["cure"] == "did you mean `chores:double`?"
    assert "is not a step" in plain["error"]
    assert "`package.module:function`" in form["cure"]
    assert "error" not in good


def test_a_module_that_breaks_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a module raises while it is imported is its reason, and what it prints is not in the answer."""
    (tmp_path / "breaks_on_import.py").write_text("print('hello')\nraise RuntimeError('no\\nlicence')")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = describe("breaks_on_import:step")
    assert found["error"] == "breaks_on_import:step can't be imported: no licence"


def test_an_output_fits_a_field() -> None:
    """A special artifact feeds a field of a general one, a whole number one of a number; never the other way."""
    takes, made = describe("chores:read")["takes"], describe("chores:double")["made"]
    assert fits(made["data"], takes["data"])
    assert fits(made["data"], takes["anything"])
    assert not fits(made["data"], takes["model"])
    assert not fits(takes["anything"] | {"types": ["steps.contract:Artifact"]}, takes["data"])
    assert not fits({"types": ["steps.contract:Dataset", "null"]}, takes["model"])
    assert fits(made["total"], describe("chores:double")["takes"]["rate"])


def test_raw_values_are_coerced() -> None:
    """What was typed in a comment becomes what the step takes."""
    found = ask("validate", "chores:double", given=json.dumps({"values": "[1, 2]", "rate": "1e-1", "note": "null"}))
    assert found == {"values": {"values": [1, 2], "rate": 0.1, "note": "null"}}


def test_every_problem_is_found_with_its_cure() -> None:
    """An unknown name, a bound, a type and a choice: each with the field, what, and what to write instead."""
    raw = {"rat": "1", "rate": "2", "values": "many", "mode": "sideways"}
    problems = {row["field"]: row for row in ask("validate", "chores:double", given=json.dumps(raw))["problems"]}
    assert problems["rat"]["cure"] == "did you mean rate?"
    assert "less than or equal to 1" in problems["rate"]["what"]
    assert problems["rate"]["cure"] == "it is how fast, from 0 to 1"
    assert "'many'" in problems["values"]["what"]
    assert "'up' or 'down'" in problems["mode"]["what"]


def test_what_is_wrong_together_is_found() -> None:
    """A rule over several parameters is checked when all of them are known."""
    (problem,) = validate("chores:fail", {"kind": "nothing"})["problems"]
    assert "nothing is no trouble" in problem["what"]


@pytest.mark.parametrize(("step", "given"), [("nowhere:step", "{}"), ("chores:double", "["), ("chores:double", "[]")])
def test_what_can_not_be_asked_is_a_problem(step: str, given: str) -> None:
    """An unknown step and a question that is no JSON object are answered, not raised."""
    (problem,) = ask("validate", step, given=given)["problems"]
    assert problem["what"]
    assert problem["cure"]


def test_the_runner_is_light() -> None:
    """Starting a run loads none of the heavy packages: what a step needs, the step imports."""
    heavy = "{'torch', 'transformers', 'ray', 'kfp', 'pandas', 'numpy', 'fsspec', 'sqlalchemy', 'psutil'}"
    command = f"import sys, steps.runner; sys.exit(', '.join({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.stderr.strip() == ""
