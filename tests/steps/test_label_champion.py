"""The champion is asked about new rows, with a real model; for want of one nothing fails."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny import LABELS, base, new_rows, rows, trained

from steps import classifier
from steps.contract import Context
from steps.deploy import publish
from steps.labels.champion import asked


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("champion")
    model = trained(folder / "model", base(folder / "base"), rows(60), epochs=1)
    context = Context(folder / "out", run="c-000001/deploy/1", target=folder / "target", token=1)
    publish(Path(model.uri), model.digest, context)
    return context


def test_classes_are_matched_by_name(deployed):
    """In whatever order, with ones that the champion lacks as zeros; only the first rows are asked about."""
    texts = [row.text for row in rows(12)]
    found, warning = asked(texts, ("positive", "other", "negative"), deployed, most=9)
    assert (found.shape, found.dtype, warning) == ((12, 3), np.float32, "")
    assert np.isnan(found[9:]).all()
    assert not found[:9, 1].any()
    model, tokenizer = classifier.load(str(next(deployed.target.glob("versions/*/model"))))
    known = classifier.predict(model, tokenizer, texts[:9])
    assert found[:9, [2, 0]] == pytest.approx(known, abs=1e-5)
    assert known.std(axis=0).min() > 0


def test_no_champion_is_no_failure(tmp_path, deployed):
    """None was deployed, nothing is asked, or its classes are others: no figures, and a word where one is needed."""
    assert asked(["good"], LABELS, Context(tmp_path)) == (None, "")
    assert asked([], LABELS, deployed) == (None, "")
    found, warning = asked(["good"], ("cat", "dog"), deployed)
    assert found is None
    assert "the champion knows other classes (negative, positive)" in warning


@pytest.mark.parametrize("how", ["pointer", "weights", "config"])
def test_a_broken_champion_is_a_sentence(tmp_path, deployed, how):
    """Whatever is broken about it; the run goes on."""
    import shutil

    target = tmp_path / "target"
    shutil.copytree(deployed.target, target)
    model = next(target.glob("versions/*/model"))
    broken = {
        "pointer": target / "current.json",
        "weights": model / "model.safetensors",
        "config": model / "config.json",
    }
    broken[how].write_bytes(b"{" if how != "config" else json.dumps({"model_type": "bert"}).encode())
    found, warning = asked([row.text for row in new_rows(4)], LABELS, Context(tmp_path / "out", target=target))
    assert found is None
    assert warning.startswith("the champion was not asked which labels look wrong: ")
