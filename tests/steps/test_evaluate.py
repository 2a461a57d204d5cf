"""Evaluate, on models that were really trained."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file, save_file
from tiny import base, dataset, new_rows, rows, trained

from steps import classifier, deploy
from steps.contract import Context, Model, StepError
from steps.evaluate import Evaluate, conclude, evaluate
from steps.statistics import Interval


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A champion that knows the old words, a candidate that knows the new ones too, rows of both."""
    folder = tmp_path_factory.mktemp("world")
    encoder = base(folder / "base")
    champion = trained(folder / "champion", encoder, rows(300))
    both = [*rows(300), *new_rows(150)]
    candidate = trained(folder / "candidate", encoder, both)
    (Path(candidate.uri) / classifier.LINEAGE).write_text(f'{{"base": "{encoder}", "max_length": 16}}')
    data = dataset(folder / "data", both, share=0.5)
    return folder, data, champion, candidate


def context(tmp_path, champion=None):
    """Of a cycle whose target has this champion."""
    context = Context(tmp_path / "out", run="c-000002/evaluate/1", target=tmp_path / "target", token=1)
    if champion is not None:
        deploy.publish(Path(champion.uri), "", Context(tmp_path / "d", run="c-000001/deploy/1", target=context.target))
    return context


def metrics(made):
    return {metric.name: metric for metric in made.report.metrics}


def test_gained_on_the_new_and_kept_on_the_old(world, tmp_path):
    """Against the champion, on identical rows, with intervals, by age, group and class."""
    _, data, champion, candidate = world
    made = evaluate(Evaluate(data=data, candidate=candidate), context(tmp_path, champion))
    found = metrics(made)
    assert made.verdict.verdict == "PASS"
    assert found["gain_on_new"].low > 0.2
    assert abs(found["gain_on_old"].value) < 0.05
    assert found["accuracy"].value > 0.9 > found["accuracy"].baseline
    assert found["accuracy_gain"].value == pytest.approx(found["accuracy"].value - found["accuracy"].baseline)
    assert found["accuracy_gain"].low > 0
    assert found["gain_over_majority"].low > 0
    assert found["gain_over_untrained"].low > 0
    titles = [table.title for table in made.report.tables]
    assert titles == [
        "Candidate against",
        "By age, against the champion",
        "By group, against the champion",
        "By class",
    ]
    assert "Better than the champion" in made.report.summary
    assert {sample.note.split(":")[0] for sample in made.report.samples} >= {"now right"}


def test_every_outcome_is_kept(world, tmp_path):
    """One row for each text that was answered, from which the report's figures can be had again."""
    _, data, champion, candidate = world
    made = evaluate(Evaluate(data=data, candidate=candidate), context(tmp_path, champion))
    kept = pq.read_table(Path(made.predictions.uri) / "predictions.parquet").to_pydict()
    right, before = np.array(kept["candidate_right"]), np.array(kept["champion_right"])
    found = metrics(made)
    assert len(right) == found["rows"].value == len(set(kept["id"]))
    assert right.mean() == pytest.approx(found["accuracy"].value)
    assert right.mean() - before.mean() == pytest.approx(found["accuracy_gain"].value)
    assert [a == b for a, b in zip(kept["candidate"], kept["label"], strict=True)] == right.tolist()


def test_without_a_champion_a_majority_vote_stands_in(world, tmp_path):
    """The first candidate has to beat that; asking twice gives the same numbers."""
    _, data, _, candidate = world
    made = evaluate(Evaluate(data=data, candidate=candidate), context(tmp_path))
    assert made.verdict.because.count("a majority vote") == 1
    assert "gain_on_new" not in metrics(made)
    again = evaluate(Evaluate(data=data, candidate=candidate), context(tmp_path))
    assert again.report == made.report


def test_a_worse_candidate_is_blocked(world, tmp_path):
    """The old champion as candidate, the better one deployed: the verdict says so, and no exception does."""
    _, data, champion, candidate = world
    made = evaluate(Evaluate(data=data, candidate=champion), context(tmp_path, candidate))
    assert made.verdict.verdict == "BLOCK"
    assert "Worse than the champion" in made.report.summary


def test_a_limit_draws_the_same_rows_for_everybody(world, tmp_path):
    """By the seed; too few rows are warned about."""
    _, data, champion, candidate = world
    made = evaluate(Evaluate(data=data, candidate=candidate, max_rows=40), context(tmp_path, champion))
    assert metrics(made)["rows"].value == 40
    assert any("only 40 rows" in warning for warning in made.report.warnings)


def test_the_same_model_twice_is_no_different(world, tmp_path):
    """Nothing to resample: an exact bound, with its reason as a warning."""
    _, data, champion, _ = world
    made = evaluate(Evaluate(data=data, candidate=champion), context(tmp_path, champion))
    gain = metrics(made)["accuracy_gain"]
    assert gain.value == 0
    assert gain.low == -gain.high < 0
    assert any("exact binomial bound" in warning for warning in made.report.warnings)


def test_a_candidate_that_answers_nan_is_a_failure(world, tmp_path):
    """Not a low score."""
    _, data, _, candidate = world
    broken = tmp_path / "nan"
    model, tokenizer = classifier.load(candidate.uri)
    model.save_pretrained(broken)
    tokenizer.save_pretrained(broken)
    weights = load_file(broken / "model.safetensors")
    weights["classifier.bias"].fill_(float("nan"))
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(StepError, match="the model answers NaN"):
        evaluate(Evaluate(data=data, candidate=Model(uri=str(broken))), context(tmp_path))


@pytest.mark.parametrize(
    ("low", "high", "margin", "expected"),
    [
        (0.0, 0.1, 0.0, "PASS"),
        (-0.01, 0.1, 0.01, "PASS"),
        (-0.02, 0.1, 0.01, "INCONCLUSIVE"),
        (-0.03, -0.01, 0.01, "INCONCLUSIVE"),
        (-0.03, -0.011, 0.01, "BLOCK"),
    ],
)
def test_the_verdict_follows_from_the_interval(low, high, margin, expected):
    """PASS at the bound itself; BLOCK beyond doubt alone; everything between is for people."""
    verdict = conclude(Interval((low + high) / 2, low, high, "given"), margin, "the champion")
    assert verdict.verdict == expected
    assert "against the champion" in verdict.because
