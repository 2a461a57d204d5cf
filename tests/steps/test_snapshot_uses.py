"""Forgetting everywhere: what `python -m steps.snapshot` does and says, over an artifact root that cycles have left."""

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import versioned
from versioned import both, commit, person_hash, row, rows_of_cycle

from steps import deploy, snapshot
from steps.contract import Artifact, Context, Dataset, Made, Model, Report, Sample, StepError, ToLabel
from steps.place import Place
from steps.snapshot import TRAIN, Table
from steps.snapshot.__main__ import main
from steps.store import FolderStore

AT = "2026-01-02T03:04:05+00:00"


class Made_(Made):  # noqa: N801 - an output of any kind
    """A run's product with one artifact."""

    made: Artifact


class Estate(NamedTuple):
    """An artifact root and a work root after two cycles."""

    root: Path
    work: Path
    table: Table
    data: list[Dataset]
    models: list[Model]


def publish(estate_root, work, run, kind, write, report=None):
    """Publish one artifact, as the runner does."""
    store, place = FolderStore(estate_root), Place(work, run)
    partial = store.partial(place)
    artifact = kind(uri=str(partial / "it"))
    (partial / "it").mkdir()
    write(partial / "it")
    product = store.publish(run, Made_(made=artifact, report=report or Report(summary="done")), partial)
    return kind.model_validate(product.outputs["made"])


def model(folder, run, rows, champion=None):
    """A model's folder, as far as erasures are concerned."""
    (folder / "config.json").write_text(json.dumps({"of": run}))
    said = {
        "run": run,
        "base": "package:base",
        "champion": champion,
        "cycles": ["c-000001"],
        "data": "d",
        "snapshot": {},
    }
    (folder / "lineage.json").write_text(json.dumps(said))
    snapshot.write_used(folder, rows[1:], rows[:1])


@pytest.fixture
def estate(tmp_path):
    """Two cycles: the second's model was trained on other rows, and descends from the first's, which is deployed."""
    root, work = tmp_path / "artifacts", tmp_path / "work"
    table = Table.open(str(root / "tables" / "home" / "collect"))
    data, models = [], []
    for cycle in ("c-000001", "c-000002"):
        rows = rows_of_cycle(cycle, 20)
        commit(table, cycle, rows)
        first, second = rows[1], rows[2]
        report = Report(
            summary="rows",
            samples=(Sample(text=first.text), Sample(text=second.text)),
            to_label=(ToLabel(id=first.id, text=first.text, label="a"),),
        )
        cycles = [one.arrived for one in ({one.arrived: one for one in table.files()}).values()]
        data.append(
            publish(root, work, f"{cycle}/collect/1", Dataset,
                    lambda folder, known=cycles: snapshot.publish(folder, table, known, versioned.LABELS), report)
        )  # fmt: skip
        champion = models[0].digest if models else None
        learnt = rows if cycle == "c-000001" else [one for one in rows if one.person != person_hash("p1")]
        models.append(
            publish(root, work, f"{cycle}/finetune/1", Model,
                    lambda folder, run=cycle, own=learnt, before=champion: model(folder, run, own, before))
        )  # fmt: skip
        publish(root, work, f"{cycle}/evaluate/1", Artifact, lambda folder, own=rows: predictions(folder, own))
        scratch = work / cycle / "finetune" / "scratch" / "abc"
        scratch.mkdir(parents=True)
        snapshot.write_rows(scratch / "train.parquet", rows)
        (work / cycle / "collect" / "scratch" / "spill").mkdir(parents=True)
        (work / cycle / "collect" / "scratch" / "spill" / "a.arrow").write_text("raw rows")
    context = Context(tmp_path, run="c-000001/deploy/1", target=root / "targets" / "home", token=1)
    deploy.publish(Path(models[0].uri), models[0].digest, context)
    return Estate(root, work, table, data, models)


def predictions(folder, rows):
    pq.write_table(pa.table({"id": [one.id for one in rows[:3]]}), folder / "predictions.parquet")


def ask(*arguments, said=None):
    """(exit status, answer) of the command line, in this process."""
    out, was = io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(json.dumps(said).encode()))
    try:
        with contextlib.redirect_stdout(out):
            code = main([str(one) for one in arguments])
    finally:
        sys.stdin = was
    return code, json.loads(out.getvalue())


def request(**asked):
    return {"by": "alice", "reason": "she asked", "at": AT, **asked}


def test_a_person_is_forgotten_everywhere(estate):
    """Rows leave tables and working copies; models, predictions and reports that had them are named, unchanged."""
    where = ("--artifacts", estate.root, "--work", estate.work)
    said = request(persons=[person_hash("p1")])
    code, planned = ask("erase", *where, "--dry-run", said=said)
    assert (code, planned["done"]) == (0, False)
    assert len(both(Path(estate.data[1].uri))) == 40, "nothing was changed"
    code, answer = ask("erase", *where, said=said)
    assert (code, answer["done"]) == (0, True)
    same = {"done", "tables", "notes"}
    assert {k: v for k, v in planned.items() if k not in same} == {k: v for k, v in answer.items() if k not in same}
    assert (answer["rows"], answer["cycles"]) == (8, {"c-000001": 4, "c-000002": 4})
    assert answer["tables"][0]["table"] == "tables/home/collect"
    version = next((estate.root / "targets" / "home" / "versions").iterdir()).name
    first, second = answer["models"]
    assert (first["run"], first["version"], first["deployed"]) == ("c-000001/finetune/1", version, True)
    assert first["inherited"] == []
    assert (second["run"], second["rows"], second["inherited"]) == ("c-000002/finetune/1", 0, ["c-000001/finetune/1"])
    assert first["rows"] == 4
    assert [(one["run"], one["rows"]) for one in answer["predictions"]] == [
        ("c-000001/evaluate/1", 1), ("c-000002/evaluate/1", 1),
    ]  # fmt: skip
    assert [(one["run"], one["samples"]) for one in answer["samples"]] == [
        ("c-000001/collect/1", 2), ("c-000002/collect/1", 2),
    ]  # fmt: skip
    assert [one["rows"] for one in answer["scratch"]] == [4, 4]
    assert any("is deployed now" in note for note in answer["notes"])
    for cycle in ("c-000001", "c-000002"):
        left = list(snapshot.read_rows(estate.work / cycle / "finetune" / "scratch" / "abc" / "train.parquet"))
        assert len(left) == 16
        assert not (estate.work / cycle / "collect" / "scratch" / "spill").exists()
    context = Context(estate.work)
    for data in estate.data:
        assert person_hash("p1") not in {one.person for one in both(context.path(data)).values()}
    assert ask("erase", *where, said=said)[1] == {**answer, "scratch": []}


def test_texts_and_ids_of_one_target(estate):
    """A text is found as it stands, whatever its case; another target's tables are left alone."""
    other = Table.open(str(estate.root / "tables" / "other" / "collect"))
    commit(other, "c-000001", rows_of_cycle("c-000001", 3))
    said = request(texts=["<C-000001  says 0>"], ids=[snapshot.identity("<c-000001 says 2>")])
    code, answer = ask("erase", "--artifacts", estate.root, "--target", "home", said=said)
    assert (code, answer["rows"], answer["scratch"]) == (0, 2, [])
    assert len(other.ids(["c-000001"])) == 3
    code, answer = ask("erase", "--artifacts", estate.root, said=request(texts=["<c-000001 says 0>"], by="bob"))
    assert (answer["rows"], len(answer["tables"])) == (1, 2)


def test_tables_that_there_will_be_obey_too(estate):
    """Whom no one target was asked to forget is barred for a table that begins later, and for one under way."""
    later = Table.open(str(estate.root / "tables" / "new" / "gather"))
    under_way = later.stage("c-000003")
    said = request(persons=[person_hash("p1")])
    assert ask("erase", "--artifacts", estate.root, "--target", "home", said=said)[0] == 0
    assert not later.barred()
    assert ask("erase", "--artifacts", estate.root, said=said)[0] == 0
    assert later.barred().persons == {person_hash("p1")}
    assert snapshot.identity("<c-000001 says 1>") in later.barred().ids
    with pytest.raises(StepError, match="were erased while"):
        later.commit(under_way, [])
    with pytest.raises(StepError, match="holds rows that were erased"):
        commit(later, "c-000003", rows_of_cycle("c-000003", 4))


def test_a_dataset_with_rows_of_its_own_is_named(estate):
    """What holds its rows itself was approved as it is: the answer says where, and how many."""
    rows = rows_of_cycle("c-000001", 10)
    publish(estate.root, estate.work, "c-000007/other/1", Dataset,
            lambda folder: snapshot.write(folder, versioned.LABELS, rows[:5], rows[5:]))  # fmt: skip
    publish(
        estate.root, estate.work, "c-000007/theirs/1", Model, lambda folder: (folder / "lineage.json").write_text("{}")
    )
    code, answer = ask("erase", "--artifacts", estate.root, said=request(persons=[person_hash("p1")]))
    assert code == 0
    assert [(one["run"], one["rows"]) for one in answer["kept"]] == [("c-000007/other/1", 2)]
    assert answer["silent"] == ["c-000007/theirs/1"]
    assert sum("c-000007" in note for note in answer["notes"]) == 2


def test_history_and_lineage(estate):
    """Versions and erasures of a table; a model's rows by the cycle that brought them."""
    ask("erase", "--artifacts", estate.root, said=request(persons=[person_hash("p1"), person_hash("p2")]))
    code, answer = ask("history", "--artifacts", estate.root, "--target", "home")
    (table,) = answer["tables"]
    assert code == 0
    assert [one["what"] for one in table["versions"]] == ["erasure", "cycle", "cycle", "created"]
    assert (table["rows"], table["erasures"][0]["rows"], table["erasures"][0]["by"]) == (24, 16, "alice")
    code, answer = ask("lineage", "--model", estate.models[0].uri)
    assert (code, answer["trained"], answer["validated"]) == (0, 19, 1)
    assert answer["rows"] == {"c-000001": 19}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, "by: Field required"),
        (request(texts=[]), "name persons, ids or texts"),
        (request(persons=["bob"]), "persons.0: "),
        (request(ids=["A" * 32]), "ids.0: "),
        (request(texts=[""]), "texts.0: "),
        (request(ids=["a" * 32], at="2026-01-02T03:04:05"), "at: "),
        ([], "should be an object"),
    ],
)
def test_a_request_that_is_wrong_is_told(tmp_path, said, told):
    """The field and what is wrong with it, as a failure on stdout; nothing is touched."""
    code, answer = ask("erase", "--artifacts", tmp_path, said=said)
    assert code == 1
    assert told in answer["what"]
    assert answer["cure"]
    assert not list(tmp_path.iterdir())


def test_it_is_a_process_whose_stdout_is_json(tmp_path):
    """As the orchestrator calls it; a refusal says nothing of the texts that were to be forgotten."""
    done = subprocess.run(
        [sys.executable, "-m", "steps.snapshot", "erase", "--artifacts", tmp_path],
        input=json.dumps(request(texts=["a secret" * 1000])),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["what"].startswith("the request can't be understood: texts.0: ")
    assert "secret" not in done.stdout + done.stderr


def test_what_can_t_be_read_is_told(estate, tmp_path):
    """A folder that is no model; a published record that is damaged may hide a use, so it stops the answer."""
    code, answer = ask("lineage", "--model", tmp_path)
    assert (code, answer["where"]) == (1, str(tmp_path / "lineage.json"))
    (estate.root / "c-000001" / "evaluate" / "1" / "made.json").write_text("{")
    code, answer = ask("erase", "--artifacts", estate.root, said=request(persons=[person_hash("p1")]))
    assert (code, "corrupt" in answer["what"]) == (1, True)
    assert ask("history", "--artifacts", tmp_path / "nowhere") == (0, {"tables": []})


def test_the_same_rows_give_the_same_list_of_them(tmp_path):
    """`rows.parquet` depends on the rows alone: 16 bytes an id, no text and no person."""
    rows = [row(f"<text {i}>", person="bob") for i in range(50)]
    for name, train in (("a", rows), ("b", rows[::-1])):
        (tmp_path / name).mkdir()
        snapshot.write_used(tmp_path / name, train[5:-5], [*train[:5], *train[-5:]])
    found = pq.read_table(tmp_path / "a" / snapshot.USED)
    assert (tmp_path / "a" / snapshot.USED).read_bytes() == (tmp_path / "b" / snapshot.USED).read_bytes()
    assert found.schema.field("id").type == pa.binary(16)
    assert {one.hex() for one in found["id"].to_pylist()} == {one.id for one in rows}
    assert sum(found["trained"].to_pylist()) == 40
    assert not versioned.says(tmp_path, "<text")


def test_a_side_is_no_file(estate):
    """The datasets that a run published are verified by their manifest and read by side."""
    folder = Context(estate.work).path(estate.data[0])
    assert sorted(path.name for path in folder.iterdir()) == ["labels.json", "snapshot.json"]
    assert {one.arrived for one in snapshot.read(folder, TRAIN)} == {"c-000001"}
