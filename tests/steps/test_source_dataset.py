"""Hugging Face datasets' folders as a source: what `datasets` writes is what comes back."""

import json

import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, disable_progress_bars
from written import read

from steps.collect.source import Columns, open_source
from steps.contract import StepError

COLUMNS = Columns("text", "label")
disable_progress_bars()


def dataset(*texts):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    return Dataset.from_dict({"text": list(texts), "label": [i % 3 - 1 for i in range(len(texts))]}, features=features)


def texts(folder, split="", columns=COLUMNS):
    source = open_source({"dataset": str(folder), "split": split}, columns)
    assert source.survey() == []
    found = read(source, 1_000, 3, 100, columns.numeric)
    assert found.bad == []
    return [one[0] for one in found.rows], [one[1] for one in found.rows]


def test_a_saved_dataset(tmp_path):
    """In several files, in order, classes by their names, -1 as none; a class may be a rating."""
    dataset(*map(str, range(10))).save_to_disk(tmp_path / "saved", num_shards=3)
    found, labels = texts(tmp_path / "saved")
    assert found == [str(i) for i in range(10)]
    assert labels[:3] == [None, "bad", "good"]
    assert texts(tmp_path / "saved", columns=Columns("text", "label", numeric=True))[1][:3] == [-1.0, 0.0, 1.0]


def test_a_dict_of_splits(tmp_path):
    """The split that is asked for; another, or none, is told with those there are."""
    DatasetDict(train=dataset("a", "b"), test=dataset("c")).save_to_disk(tmp_path / "both")
    assert texts(tmp_path / "both", "test")[0] == ["c"]
    for split in ("", "valid"):
        with pytest.raises(StepError) as caught:
            texts(tmp_path / "both", split)
        assert "train, test" in caught.value.failure.cure


def test_a_folder_of_files(tmp_path):
    """Parquet as a hub has it, by names or folders; one split needs no name."""
    (tmp_path / "data").mkdir()
    for name, said in (("train-00000-of-00002", "a"), ("train-00001-of-00002", "b"), ("test-00000-of-00001", "c")):
        dataset(said).to_parquet(tmp_path / "data" / f"{name}.parquet")
    assert texts(tmp_path, "train")[0] == ["a", "b"]
    with pytest.raises(StepError, match="several splits"):
        texts(tmp_path)
    (tmp_path / "data" / "test-00000-of-00001.parquet").unlink()
    assert texts(tmp_path)[0] == ["a", "b"]
    (tmp_path / "folders" / "train").mkdir(parents=True)
    pq.write_table(dataset("d").data.table, tmp_path / "folders" / "train" / "x.parquet")
    assert texts(tmp_path / "folders", "train")[0] == ["d"]


def test_what_is_no_dataset_is_told(tmp_path):
    """No folder, an empty one, one whose description is broken, a selection of rows."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "state.json").write_text("{")
    dataset("a", "b").save_to_disk(tmp_path / "chosen")
    state = json.loads((tmp_path / "chosen" / "state.json").read_text())
    (tmp_path / "chosen" / "state.json").write_text(
        json.dumps({**state, "_indices_data_files": [{"filename": "i.arrow"}]})
    )
    for folder, said in (
        ("none", "no such folder"), ("empty", "holds no dataset"), ("broken", "can't be read"), ("chosen", "selection"),
    ):  # fmt: skip
        with pytest.raises(StepError, match=said) as caught:
            texts(tmp_path / folder)
        assert caught.value.failure.cure
