"""An action is a contract: action.yml says what the code reads and writes, no more and no less."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from composite import ACTIONS, NAMES, ROOT, described

from orchestrator.template import starter

WORKFLOWS = {name: text for name, text in starter("octo/ratchet@" + "a" * 40).items() if name.endswith(".yml")}
YAML = WORKFLOWS | {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in ACTIONS.glob("*/action.yml")
}


@pytest.mark.parametrize("name", NAMES)
def test_what_an_action_takes_and_gives_is_what_its_code_reads_and_writes(name: str) -> None:
    """Inputs, the environment that carries them, outputs and where they come from: one list each, the same twice."""
    about, code = described(name), import_module(f"gh_actions.{name}")
    (step,) = about["runs"]["steps"]
    assert tuple(about["inputs"]) == code.INPUTS
    assert step["env"] == {f"INPUT_{one.upper().replace('-', '_')}": f"${{{{ inputs.{one} }}}}" for one in code.INPUTS}
    assert {one: f"${{{{ steps.{step['id']}.outputs.{one} }}}}" for one in code.OUTPUTS} == {
        one: said["value"] for one, said in about["outputs"].items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_declared_input_and_output_is_really_used(name: str) -> None:
    """The literal names that the code asks for or gives are those that it declares, with none left over."""
    source = (ACTIONS / name / "__init__.py").read_text() + (ACTIONS / "toolkit.py").read_text()
    called = [
        (node.func.attr, node.args[0].value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args
        and isinstance(node.args[0], ast.Constant)
    ]  # fmt: skip
    code = import_module(f"gh_actions.{name}")
    assert {word for attr, word in called if attr in ("input", "choice", "number")} == set(code.INPUTS)
    assert {word for attr, word in called if attr == "output"} == set(code.OUTPUTS)


@pytest.mark.parametrize("name", NAMES)
def test_an_action_is_described_for_who_uses_it(name: str) -> None:
    """Every input and output has a sentence, and an input is required or has a default, not both."""
    about = described(name)
    for one in (about, *about["inputs"].values(), *about["outputs"].values()):
        assert one["description"]
    for one in about["inputs"].values():
        assert one.get("required", False) is not ("default" in one)


@pytest.mark.parametrize("file", sorted(YAML))
def test_no_expression_is_put_into_a_script(file: str) -> None:
    """What people write reaches a script by its environment; every script stops at its first failure, in bash."""
    jobs = yaml.safe_load(YAML[file])
    steps = [step for job in jobs.get("jobs", {"": jobs.get("runs")}).values() for step in job["steps"]]
    assert steps
    for step in steps:
        if "run" in step:
            assert "${{" not in step["run"]
            assert step["shell"] == "bash"
            assert step["run"].startswith("set -euo pipefail\n")
        else:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])


@pytest.mark.parametrize("file", sorted(WORKFLOWS))
def test_a_workflow_may_do_next_to_nothing(file: str) -> None:
    """Nothing is permitted but an identity token, or reading where a file has to be read; every job ends some day."""
    flow = yaml.safe_load(WORKFLOWS[file])
    assert flow["permissions"] == {}
    for job in flow["jobs"].values():
        allowed = {"contents": "read"} if "check" in file else {"id-token": "write"}
        assert job["permissions"] == allowed
        assert job["timeout-minutes"] <= 360


@pytest.mark.parametrize("file", sorted(set(WORKFLOWS) - {".github/workflows/ratchet-check.yml"}))
def test_no_group_could_drop_an_approval(file: str) -> None:
    """What waits in a concurrency group may be cancelled, so that nothing that anybody asked for is in one."""
    flow = yaml.safe_load(WORKFLOWS[file])
    assert "concurrency" not in flow
    assert all("concurrency" not in job for job in flow["jobs"].values())


def test_the_form_is_small_and_names_the_pipelines_of_the_first_file() -> None:
    """GitHub Enterprise takes ten inputs at most; what can be chosen is what ratchet.yaml has."""
    flow = yaml.safe_load(WORKFLOWS[".github/workflows/ratchet-retrain.yml"])
    inputs = flow[True]["workflow_dispatch"]["inputs"]  # YAML 1.1 reads `on` as true
    assert len(inputs) <= 10
    assert inputs["pipeline"]["options"] == list(yaml.safe_load(starter()["ratchet.yaml"])["pipelines"])
    assert set(inputs) <= set(described("retrain")["inputs"])


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_gives_an_action_only_what_it_takes(name: str) -> None:
    """Each `with` of a workflow is an input of the action, and each required input is given."""
    (job,) = yaml.safe_load(WORKFLOWS[f".github/workflows/ratchet-{name}.yml"])["jobs"].values()
    (step,) = job["steps"]
    inputs = described(name)["inputs"]
    assert step["uses"] == f"octo/ratchet/gh_actions/{name}@{'a' * 40}"
    assert set(step["with"]) <= set(inputs)
    assert {one for one, about in inputs.items() if about.get("required")} <= set(step["with"])


def test_one_file_alone_names_what_is_githubs() -> None:
    """GITHUB_*, ACTIONS_* and RUNNER_* stand in toolkit.py and in no other Python file of the actions."""
    naming = [
        path.name for path in ACTIONS.rglob("*.py") if re.search(r"\b(GITHUB|ACTIONS|RUNNER)_[A-Z]", path.read_text())
    ]
    assert naming == ["toolkit.py"]


def test_actions_need_nothing_but_python() -> None:
    """With every package out of reach, each action is imported, and what it imports is Python's own or ours."""
    script = (
        "import sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1]);"
        "import gh_actions.retrain, gh_actions.review, gh_actions.nightly;"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script, str(ROOT)], capture_output=True, text=True)
    assert set(done.stdout.split()) - set(sys.stdlib_module_names) == {"gh_actions", "orchestrator"}, done.stderr


def test_actions_import_the_client_and_nothing_else_of_the_house() -> None:
    """The arrow: gh_actions → client (and the words in which it fails)."""
    imported = {
        node.module
        for path in ACTIONS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    ours = {one for one in imported if one.partition(".")[0] in ("orchestrator", "reviewers", "steps")}
    assert ours == {"orchestrator.client", "orchestrator.trouble"}


def test_the_documentation_names_every_input_and_output() -> None:
    """docs/actions.md has each of them, as it is written."""
    said = (Path(ROOT) / "docs/actions.md").read_text()
    for name in NAMES:
        section = said.partition(f"## `{name}`")[2].partition("\n## ")[0]
        about = described(name)
        for one in (*about["inputs"], *about["outputs"]):
            assert f"`{one}`" in section, (name, one)
