"""The demo's input: prepared from an archive like the real one, and a pipeline whose settings the steps accept."""

import importlib.util
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from steps.collect import Collect, collect
from steps.contract import Context, Dataset, Model, Verdict
from steps.deploy import Deploy
from steps.evaluate import Evaluate
from steps.finetune import Finetune

EXAMPLE = Path(__file__).parents[2] / "examples" / "sentiment"
MADE_UP = {
    "tweets": "1\t2.5\tso happy :)\r\n2\t-1.9\tso sad\r\n",
    "products": "1_1\t-0.9\tno picture\n1_2\t0.1\tit has buttons\n",
    "films": "1\t3.1\ta joy\n2\t-2.0\ta bore\n",
    "editorials": "1_1\t0.4\tEvents include sprinting.\n",
}


@pytest.fixture(scope="module")
def prepare():
    spec = importlib.util.spec_from_file_location("prepare", EXAMPLE / "prepare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def packed(files):
    """A .tar.gz of these files."""
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return found.getvalue()


@pytest.fixture
def downloads(tmp_path, prepare):
    """A folder in which pip seems to have been."""
    inner = packed({f"hutto_ICWSM_2014/{prepare.DOMAINS[d]}": text.encode() for d, text in MADE_UP.items()})
    folder = tmp_path / "downloads"
    folder.mkdir()
    outer = packed({f"vaderSentiment-3.3.2/{prepare.ARCHIVE}": inner})
    (folder / "vaderSentiment-3.3.2.tar.gz").write_bytes(outer)
    return folder


def test_each_domain_becomes_a_file(tmp_path, prepare, downloads, capsys):
    """Text, rating and domain; what is there already stays, so that preparing twice is preparing once."""
    assert prepare.main([str(tmp_path / "data"), "--downloads", str(downloads), "--domains", "films"]) == 0
    first = (tmp_path / "data" / "films.parquet").stat().st_mtime_ns
    assert prepare.main([str(tmp_path / "data"), "--downloads", str(downloads)]) == 0
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == sorted(f"{d}.parquet" for d in MADE_UP)
    assert (tmp_path / "data" / "films.parquet").stat().st_mtime_ns == first
    tweets = pq.read_table(tmp_path / "data" / "tweets.parquet").to_pylist()
    assert tweets[0] == {"text": "so happy :)", "rating": 2.5, "domain": "tweets"}
    assert "tweets.parquet: 2 rows" in capsys.readouterr().out


def test_a_damaged_download_is_named(tmp_path, prepare, downloads, capsys):
    """With what to do, on one line, and no half-written file."""
    archive = downloads / "vaderSentiment-3.3.2.tar.gz"
    archive.write_bytes(archive.read_bytes()[:100])
    assert prepare.main([str(tmp_path / "data"), "--downloads", str(downloads)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "delete it and run again" in told
    assert told.count("\n") == 1
    assert not list((tmp_path / "data").glob("*"))


def stages():
    read = yaml.safe_load((EXAMPLE / "ratchet.yaml").read_text("utf-8"))
    return {stage["name"]: stage for stage in read["pipelines"]["sentiment"]["stages"]}


def test_the_pipeline_s_settings_are_those_of_the_steps():
    """Every `with` and `takes` of the demo is accepted by its step."""
    data, model = Dataset(uri="x"), Model(uri="y")
    taken = {"data": data, "candidate": model, "verdict": Verdict(verdict="PASS", because="it is")}
    kinds = {"collect": Collect, "finetune": Finetune, "evaluate": Evaluate, "deploy": Deploy}
    for name, stage in stages().items():
        given = kinds[name](**stage.get("with", {}), **{key: taken[key] for key in stage.get("takes", {})})
        assert given


def test_the_prepared_files_are_collected(tmp_path, prepare, downloads, monkeypatch):
    """By the demo's own settings, middle ratings left out."""
    prepare.main([str(tmp_path / "data"), "--downloads", str(downloads)])
    monkeypatch.chdir(tmp_path)
    settings = stages()["collect"]["with"] | {"holdout": 0.5}
    made = collect(Collect(**settings), Context(tmp_path / "out", run="c-000001/collect/1"))
    assert made.report.metric("new_rows").value == 5
    left = next(table for table in made.report.tables if table.title == "Rows left out")
    assert left.rows == (("rating between the thresholds", 2),)


def test_the_steps_types_cost_no_heavy_import():
    """What `ratchet check` imports has none of the libraries that the steps work with."""
    names = "steps.collect, steps.finetune, steps.evaluate, steps.deploy, steps.statistics"
    heavy = "{'torch', 'ray', 'transformers', 'pandas', 'scipy', 'pyarrow', 'numpy', 'kfp', 'sqlalchemy'}"
    script = f"import sys, {names}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
