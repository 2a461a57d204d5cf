"""Deploy, with a real model in a real process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tiny import base, rows, trained

from steps import deploy as target_of
from steps.contract import Context, Model, StepError, Verdict
from steps.deploy import Deploy, current, deploy, pointer, publish, rollback, undo

PASS = Verdict(verdict="PASS", because="it is")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    encoder = base(folder / "base")
    return [trained(folder / str(seed), encoder, rows(100), epochs=1, seed=seed) for seed in range(3)]


def context(tmp_path, cycle=1, token=1, attempt=1):
    folder = tmp_path / "out" / f"{cycle}"
    return Context(folder, run=f"c-{cycle:06}/deploy/{attempt}", target=tmp_path / "target", token=token)


def seen(target):
    """All that a reader can see, by path and content."""
    return {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file() and p.name != "lock"}


def test_a_candidate_becomes_the_champion_once(models, tmp_path):
    """Tried, copied, pointed to; the same run again changes nothing; one that holds an older token is refused."""
    made = deploy(Deploy(candidate=models[0], verdict=PASS, golden=("good", "bad word1")), context(tmp_path, token=5))
    target = tmp_path / "target"
    assert current(target) == made.model
    assert Context(tmp_path).path(made.model) == Path(made.model.uri)
    assert [row[0] for row in made.report.tables[0].rows] == ["good", "bad word1"]
    before = seen(target)
    again = deploy(Deploy(candidate=models[0], verdict=PASS), context(tmp_path, token=5))
    assert (again.model, seen(target)) == (made.model, before)
    with pytest.raises(StepError, match="cycle c-000001 has taken over the target"):
        deploy(Deploy(candidate=models[1], verdict=PASS), context(tmp_path, 2, token=4))
    assert seen(target) == before


def test_a_verdict_that_is_no_pass_is_said_and_obeyed_by_nobody(models, tmp_path):
    """The gate has decided; the report still says what was known."""
    doubt = Verdict(verdict="INCONCLUSIVE", because="too few rows")
    made = deploy(Deploy(candidate=models[0], verdict=doubt, golden=("good",)), context(tmp_path))
    assert "INCONCLUSIVE: too few rows" in made.report.warnings[0]


def broken(folder, model, how):
    """A copy of the model, damaged."""
    from steps import classifier

    loaded, tokenizer = classifier.load(model.uri)
    loaded.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    file = folder / "model.safetensors"
    if how == "cut":
        file.write_bytes(file.read_bytes()[:2000])
    else:
        weights = load_file(file)
        weights["classifier.weight"].fill_(float("nan"))
        save_file(weights, file, {"format": "pt"})
    return Model(uri=str(folder))


@pytest.mark.parametrize(("how", "told"), [("cut", "the model can't be loaded"), ("nan", "answers NaN to 4 of 4")])
def test_a_model_that_does_not_work_leaves_the_champion(models, tmp_path, how, told):
    """Whatever is wrong shows in the other process, before anything that a reader sees is touched."""
    publish(Path(models[0].uri), "", context(tmp_path))
    before = seen(tmp_path / "target")
    with pytest.raises(StepError, match=told) as caught:
        deploy(Deploy(candidate=broken(tmp_path / "b", models[1], how), verdict=PASS), context(tmp_path, 2, token=2))
    assert "the champion stays" in caught.value.failure.cure
    assert seen(tmp_path / "target") == before


def test_back_to_the_one_before_and_forth(models, tmp_path):
    """Rollback goes back one by one, or to a named version; once for each run; never by a stale owner."""
    target = tmp_path / "target"
    versions = [
        publish(Path(model.uri), "", context(tmp_path, i, token=i)).version for i, model in enumerate(models, 1)
    ]
    assert rollback(target, token=4, run="r/rollback/1").uri.split("/")[-2] == versions[1]
    assert rollback(target, token=4, run="r/rollback/1").uri.split("/")[-2] == versions[1]
    assert rollback(target, token=5, run="r/rollback/2").uri.split("/")[-2] == versions[0]
    with pytest.raises(StepError, match="nothing was deployed before"):
        rollback(target, token=6, run="r/rollback/3")
    assert rollback(target, versions[2], token=6, run="r/rollback/4").uri.split("/")[-2] == versions[2]
    assert pointer(target).history == (versions[0],)
    with pytest.raises(StepError, match="has taken over the target"):
        rollback(target, token=5, run="r/rollback/5")
    with pytest.raises(StepError, match="there is no version 'v9'"):
        rollback(target, "v9", token=6, run="r/rollback/6")


def test_a_damaged_version_is_not_gone_back_to(models, tmp_path):
    """Its files are checked against the manifest before the pointer moves."""
    target = tmp_path / "target"
    first, _ = (publish(Path(model.uri), "", context(tmp_path, i, token=i)) for i, model in enumerate(models[:2], 1))
    weights = target / "versions" / first.version / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    before = pointer(target)
    with pytest.raises(StepError, match="corrupt"):
        rollback(target, token=3)
    assert pointer(target) == before


def test_undo_takes_back_its_own_deployment_alone(models, tmp_path):
    """Back to the one before, or to none; what another run has deployed since stays."""
    target = tmp_path / "target"
    publish(Path(models[0].uri), "", context(tmp_path, 1))
    assert undo(target, "c-000001/deploy/1", token=1) is None
    assert current(target) is None
    with pytest.raises(StepError, match="has taken over"):
        undo(target, "c-000001/deploy/1", token=0)
    first = publish(Path(models[0].uri), "", context(tmp_path, 2, token=2))
    second = publish(Path(models[1].uri), "", context(tmp_path, 3, token=3))
    assert undo(target, "c-000002/deploy/1", token=3).digest == second.digest
    assert undo(target, "c-000003/deploy/1", token=3).digest == first.digest
    assert undo(target, "c-000003/deploy/1", token=3).digest == first.digest


def test_what_a_killed_copy_left_is_in_nobody_s_way(models, tmp_path):
    """Half a copy has another name; the next attempt makes a whole one."""
    target = tmp_path / "target"
    left = target / "versions" / ".c-000001-abc-left"
    (left / "model").mkdir(parents=True)
    made = publish(Path(models[0].uri), "", context(tmp_path, attempt=2))
    assert current(target).digest == made.digest
    with pytest.raises(StepError, match="no version"):
        rollback(target, left.name, token=1)


def test_a_broken_pointer_is_named_and_not_overwritten(models, tmp_path):
    """Nobody guesses what is deployed."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "current.json").write_text("{")
    with pytest.raises(StepError, match="pointer can't be read"):
        publish(Path(models[0].uri), "", context(tmp_path))
    assert (target / "current.json").read_text() == "{"


@given(
    st.lists(st.tuples(st.sampled_from(["deploy", "back", "undo"]), st.integers(0, 2), st.integers(1, 4)), max_size=8)
)
@settings(max_examples=25, deadline=None)
def test_whatever_is_done_the_champion_is_whole_and_tokens_never_fall(models, tmp_path_factory, acts):
    """A story of deployments, rollbacks and undoings by owners old and new."""
    tmp_path = tmp_path_factory.mktemp("story")
    target, highest = tmp_path / "target", 0
    for place, (act, which, token) in enumerate(acts, 1):
        before = seen(target)
        try:
            if act == "deploy":
                publish(Path(models[which].uri), "", context(tmp_path, place, token=token))
            elif act == "back":
                rollback(target, token=token, run=f"r/{place}/1")
            else:
                undo(target, f"c-{which:06}/deploy/1", token=token)
            now = pointer(target)
            assert now is None or now.token >= highest
            highest = max(highest, now.token if now else 0)
        except StepError:
            if token < highest:
                assert pointer(target).model_dump_json(indent=1) + "\n" == before["current.json"].decode()
        champion = current(target)
        assert champion is None or Context(tmp_path).path(champion)


def test_one_line_asks_the_champion(models, tmp_path):
    """`python -m steps.deploy query TARGET TEXT` prints label and confidence; without a champion, what to do."""
    command = [sys.executable, "-m", "steps.deploy", "query", str(tmp_path / "target"), "word1 good"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    none = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (none.returncode, none.stdout) == (1, "")
    assert none.stderr.startswith("error: nothing is deployed")
    assert "Traceback" not in none.stderr
    publish(Path(models[0].uri), "", context(tmp_path))
    asked = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert asked.returncode == 0
    assert asked.stdout.endswith("%): word1 good\n")
    assert asked.stdout.split(" ")[0] in {"negative", "positive"}


def test_the_pointer_is_what_the_documentation_says(models, tmp_path):
    """Version, digest, cycle, run, token, history."""
    publish(Path(models[0].uri), "", context(tmp_path))
    held = json.loads((tmp_path / "target" / "current.json").read_text())
    assert held.keys() == set(target_of.Pointer.model_fields)
    assert (held["cycle"], held["run"], held["token"], held["history"]) == ("c-000001", "c-000001/deploy/1", 1, [])
