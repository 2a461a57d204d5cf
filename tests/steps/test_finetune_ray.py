"""Finetune as it runs: in Ray's TorchTrainer, killed in the middle, going on from the checkpoint."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file
from tiny import LABELS, base, dataset, rows, work

from steps import classifier, snapshot
from steps.contract import Context, Dataset, StepError
from steps.finetune import Finetune, finetune
from steps.finetune.loop import Seat, Settings, learn
from steps.finetune.selection import choose
from steps.finetune.work import MODEL

AGENTS = {"ray::DashboardAgent", "ray::RuntimeEnvAgent"}  # they look for their dead raylet for a minute, and do no work
SETTINGS = {"epochs": 30, "learning_rate": 5e-3, "batch_size": 8, "max_length": 16, "checkpoint_every": 5}
SCRIPT = """
import json, sys
from steps.contract import Context
from steps.finetune import Finetune, finetune

class Told(Context):
    def progress(self, done, total=None, unit="", note=""):
        print(json.dumps([done, total, unit, note]), flush=True)

finetune(Finetune.model_validate_json(sys.argv[1]), Told(sys.argv[2], run="c-000001/finetune/1", scratch=sys.argv[3]))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ray")
    base(folder / "base")
    dataset(folder / "data", rows(240))
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


def settings(place, **changed):
    return Finetune(data=Dataset(uri=str(place / "data")), **{"model": str(place / "base"), **SETTINGS, **changed})


def trained_alone(place, folder):
    """The same training in this process, without Ray and without a kill."""
    found = list(snapshot.read(place / "data", snapshot.TRAIN))
    chosen = choose(found, (), replay=0.5, most=None, seed=0)
    usual = {**SETTINGS, "train_layers": None, "warmup": 0.1, "seed": 0}
    learn(work(folder, chosen.train), Settings(str(place / "base"), LABELS, **usual), Seat())
    return folder / MODEL


def killed(place, scratch, tmp_path):
    """Start the step in a process of its own and kill -9 it, once it says that it has done a step."""
    command = [sys.executable, "-c", SCRIPT, settings(place).model_dump_json(), str(tmp_path / "lost"), str(scratch)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        told = []
        for line in process.stdout:
            told.append(json.loads(line))
            if told[-1][0] > 5 and told[-1][0] < told[-1][1]:
                break
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    working = [child for child in family if child.is_running() and child.name() not in AGENTS]
    _, left = psutil.wait_procs(working, timeout=60)
    return told, left


def test_a_killed_training_goes_on_and_ends_as_the_undisturbed_one(place, tmp_path):
    """kill -9 of the step: Ray's processes die with it; the next attempt starts at the checkpoint; same weights."""
    told, left = killed(place, tmp_path / "s2", tmp_path)
    assert told[-1][2] == "steps"
    assert "texts/s" in told[-1][3]
    assert not left
    assert not (tmp_path / "lost" / "model").exists()
    made = finetune(settings(place), Context(tmp_path / "again", run="c-000001/finetune/2", scratch=tmp_path / "s2"))
    assert made.report.metric("resumed_at_step").value >= 5
    undisturbed = trained_alone(place, tmp_path / "whole")
    weights = [load_file(Path(folder) / "model.safetensors") for folder in (undisturbed, made.model.uri)]
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])
    said(made, place)


def said(made, place):
    """The report and the lineage."""
    metrics = {metric.name: metric.value for metric in made.report.metrics}
    assert 100 < metrics["rows"] < 240
    assert metrics["last_loss"] < metrics["first_loss"]
    assert metrics["validation_accuracy"] > 0.9
    assert len(made.report.charts[0].series[0].points) <= 60
    lineage = json.loads((Path(made.model.uri) / classifier.LINEAGE).read_text())
    assert lineage["base"] == str(place / "base")
    assert len(lineage["revision"]) == 64
    assert (lineage["cycle"], lineage["cycles"], lineage["champion"]) == ("c-000001", ["c-000001"], None)
    assert lineage["snapshot"]["digest"] == snapshot.opened(place / "data").snapshot.digest
    shown = pq.read_table(Path(made.model.uri) / snapshot.USED)
    assert {one.hex() for one in shown["id"].to_pylist()} == {
        row.id for row in snapshot.read(place / "data", snapshot.TRAIN)
    }
    model, _ = classifier.load(made.model.uri)
    assert model.config.id2label == {0: "negative", 1: "positive"}


def test_two_workers_train_one_model(place, tmp_path):
    """Each on its own batches, gradients averaged; the model is as good as one worker's."""
    context = Context(tmp_path / "out", run="c-000001/finetune/1", scratch=tmp_path / "s", resources={"workers": 2})
    made = finetune(settings(place, epochs=8), context)
    assert made.report.metric("validation_accuracy").value > 0.9


def test_what_a_worker_can_t_do_is_told_as_its_own_words(place, tmp_path):
    """A model that does not load fails the step with its cure, not with Ray's traceback."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{}")
    with pytest.raises(StepError, match="the model can't be loaded") as caught:
        finetune(settings(place, model=str(tmp_path / "broken")), Context(tmp_path / "out", scratch=tmp_path / "s"))
    assert not caught.value.failure.retryable
    assert "\n" not in str(caught.value.failure)


def test_too_few_rows_are_refused_before_ray_starts(place, tmp_path):
    """With the number and the cure."""
    dataset(tmp_path / "few", rows(18))
    given = settings(place).model_copy(update={"data": Dataset(uri=str(tmp_path / "few"))})
    with pytest.raises(StepError, match="rows are too few to train on"):
        finetune(given, Context(tmp_path / "out", scratch=tmp_path / "s"))


def test_gpus_that_are_not_there_are_refused_before_ray_waits_for_them(place, tmp_path):
    """Ray would wait for ever; the step says how many there are."""
    resources = {"workers": 2, "gpus_per_worker": 64}
    with pytest.raises(StepError, match="2 workers with 64 GPUs each are asked for"):
        finetune(settings(place), Context(tmp_path / "out", scratch=tmp_path / "s", resources=resources))
