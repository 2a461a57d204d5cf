"""Finetune without Ray: which rows, which batches, which weights, and going on after a kill."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tiny import base, new_rows, rows, trained, work
from tiny import settings as tiny_settings

from steps import classifier, snapshot
from steps.contract import StepError
from steps.finetune import schedule
from steps.finetune.loop import Seat, freeze, learn
from steps.finetune.selection import choose
from steps.finetune.work import MODEL, Work, fingerprint

SIZES = st.integers(1, 400)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return base(tmp_path_factory.mktemp("base"))


@given(SIZES, st.integers(1, 40), st.integers(1, 4), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_an_epoch_has_every_row_and_equal_parts_for_all(count, size, workers, epoch):
    """Each row once but for the few batches given twice; as many batches as `steps` says; the same by seed."""
    lengths = [place % 17 for place in range(count)]
    cut = schedule.batches(lengths, size, seed=3, epoch=epoch, workers=workers)
    assert cut == schedule.batches(lengths, size, seed=3, epoch=epoch, workers=workers)
    assert len(cut) % workers == 0
    assert len(cut) == schedule.steps(count, size, 1, workers) * workers
    assert set(Counter(place for batch in cut for place in batch)) == set(range(count))
    assert all(len(batch) <= size for batch in cut)
    once = schedule.batches(lengths, size, seed=3, epoch=epoch)
    assert sorted(place for batch in once for place in batch) == list(range(count))


def test_texts_of_like_length_share_a_batch():
    """Padding is a small part of the whole."""
    lengths = [place * 7 % 64 + 1 for place in range(1_600)]
    cut = schedule.batches(lengths, 16, seed=0, epoch=0)
    padded = sum(max(lengths[place] for place in batch) * len(batch) for batch in cut)
    assert padded < 1.06 * sum(lengths)


@given(st.integers(1, 500), st.floats(0, 0.5))
def test_the_rate_rises_then_falls_and_stays_within_bounds(total, warmup):
    """In (0, 1], at its highest once, nearly nothing at the end."""
    rates = [schedule.rate(position, total, warmup) for position in range(total)]
    assert all(0 < rate <= 1 for rate in rates)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_rows_are_new_or_replayed_by_the_share_that_was_asked():
    """New ones all, of the old as many as make the share; a limit cuts both; validation rows are in neither."""
    found = rows(400) + new_rows(100)
    chosen = choose(found, {"c-000001"}, replay=0.5, most=None, seed=0)
    fresh = [row for row in chosen.train if row.arrived == "c-000002"]
    assert len(fresh) == chosen.replayed == len(chosen.train) - len(fresh)
    assert not {row.id for row in chosen.train} & {row.id for row in chosen.validation}
    few = choose(found, {"c-000001"}, replay=0.25, most=40, seed=0)
    assert (len(few.train), few.replayed) == (40, 10)
    assert choose(found, {"c-000001"}, replay=0.0, most=None, seed=0).replayed == 0
    scarce = choose(rows(30) + new_rows(300), {"c-000001"}, replay=0.5, most=None, seed=0)
    assert len(scarce.train) + len(scarce.validation) == 330
    cut = choose(rows(30) + new_rows(300), {"c-000001"}, replay=0.5, most=200, seed=0)
    assert len(cut.train) == 200
    assert choose(list(reversed(found)), {"c-000001"}, replay=0.5, most=None, seed=0) == chosen


def test_without_a_past_or_without_news_there_is_one_kind_of_row():
    """From the base model all rows are new; from a champion that knows all of them, all are replayed."""
    found = rows(200)
    first = choose(found, (), replay=0.5, most=None, seed=0)
    assert (len(first.train) + len(first.validation), first.replayed) == (200, 0)
    again = choose(found, {"c-000001"}, replay=0.5, most=50, seed=0)
    assert (len(again.train), again.replayed) == (50, 50)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (0, {"classifier"}),
        (1, {"classifier", "bert.pooler", "bert.encoder.layer.1"}),
        (2, {"classifier", "bert.pooler", "bert.encoder.layer.1", "bert.encoder.layer.0"}),
        (99, {"classifier", "bert.pooler", "bert.encoder.layer.1", "bert.encoder.layer.0"}),
    ],
)
def test_only_the_top_layers_learn(encoder, layers, expected):
    """The head always, the layers asked for, what stands above them; never the embeddings."""
    model, _ = classifier.load(str(encoder), ("a", "b"))
    freeze(model, layers)
    learning = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert all(any(name.startswith(part) for part in expected) for name in learning)
    assert {part for part in expected if any(name.startswith(part) for name in learning)} == expected


def test_it_learns(tmp_path, encoder):
    """After three epochs nearly all validation rows are right, and the loss is far below where it began."""
    trained(tmp_path, encoder, rows(300))
    result = Work(tmp_path).result()
    assert result["right"] >= 0.9 * result["validated"]
    assert sum(result["losses"][-5:]) < 0.5 * sum(result["losses"][:5])


class Killed(BaseException):
    """As sudden as a kill: nothing in the loop may catch it."""


class Dying(Work):
    """Dies in its third checkpoint: before the file appears, or right after."""

    saves = 0
    after = False

    def save(self, *checkpoint):
        self.saves += 1
        if self.saves == 3 and not self.after:
            raise Killed
        super().save(*checkpoint)
        if self.saves == 3:
            raise Killed


@pytest.mark.parametrize("after", [False, True])
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path, encoder, after):
    """Killed around a checkpoint and begun again, the weights are those of the undisturbed training."""
    trained(tmp_path / "whole", encoder, rows(200))
    broken = work(tmp_path / "broken", rows(200), Dying)
    broken.after = after
    with pytest.raises(Killed):
        learn(broken, tiny_settings(encoder), Seat())
    assert Work(broken.folder).restore()["position"] == (30 if after else 20)
    assert not broken.result()
    learn(Work(broken.folder), tiny_settings(encoder), Seat())
    assert Work(broken.folder).result()["losses"] == Work(tmp_path / "whole").result()["losses"]
    weights = [load_file(tmp_path / name / MODEL / "model.safetensors") for name in ("whole", "broken")]
    assert weights[0].keys() == weights[1].keys()
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_a_checkpoint_that_can_t_be_read_is_as_good_as_none(tmp_path):
    """The training begins again instead of failing for ever."""
    found = Work(tmp_path)
    assert found.restore() is None
    (tmp_path / "checkpoint.pt").write_bytes(b"PK half of it")
    assert found.restore() is None


def test_a_loss_that_is_no_number_names_a_smaller_rate(tmp_path):
    """The cure is something that can be typed; nothing that looks like a model is left."""
    folder = base(tmp_path / "base")
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.0.output.dense.weight"].fill_(float("nan"))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(StepError, match="the loss became nan at step 1") as caught:
        trained(tmp_path / "work", folder, rows(100))
    assert "learning_rate=0.001" in caught.value.failure.cure
    assert not (tmp_path / "work" / MODEL).exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("package:no_such_package/model", "the package 'no_such_package' is not installed"),
        ("package:json/model", "no model in that folder"),
        ("package:../x", "is not installed"),
    ],
)
def test_a_model_that_is_not_there_is_named(name, told):
    """`package:` finds without importing, and says what to install."""
    with pytest.raises(StepError, match=told):
        classifier.load(name, ("a", "b"))


def test_a_folder_that_is_no_model_is_refused(tmp_path, encoder):
    """An empty folder, truncated weights, an encoder without a head."""
    (tmp_path / "empty").mkdir()
    cut = base(tmp_path / "cut") / "model.safetensors"
    cut.write_bytes(cut.read_bytes()[:1000])
    for folder in (tmp_path / "empty", cut.parent):
        with pytest.raises(StepError, match="the model can't be loaded"):
            classifier.load(str(folder), ("a", "b"))
    with pytest.raises(StepError, match="lacks weights: classifier"):
        classifier.load(str(encoder))


def test_answers_come_in_the_order_of_the_texts(tmp_path, encoder):
    """Sorting by length inside changes nothing outside; no text gives no answer."""
    model, tokenizer = classifier.load(trained(tmp_path, encoder, rows(100)).uri)
    texts = ["good", "bad " * 30, "word1 good word2", "", "awful"]
    together = classifier.predict(model, tokenizer, texts, batch_size=2)
    for place, text in enumerate(texts):
        alone = classifier.predict(model, tokenizer, [text])
        assert alone[0] == pytest.approx(together[place], abs=1e-5)
    assert together.sum(axis=1) == pytest.approx(1)
    assert classifier.predict(model, tokenizer, []).shape == (0, 2)


def test_a_fingerprint_changes_with_every_setting():
    """Another rate, another folder; the same settings in another order, the same."""
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1}) != fingerprint({"a": 1, "b": 3})


def test_validation_rows_are_the_same_in_every_cycle():
    """A row's side depends on its text alone, so that a champion was never trained on what validates its successor."""
    first = choose(rows(300), (), replay=0.5, most=None, seed=0)
    second = choose(rows(300) + new_rows(100), {"c-000001"}, replay=0.5, most=None, seed=9)
    assert not {row.id for row in first.train} & {row.id for row in second.validation}
    assert all(snapshot.portion(row.id, "validation") < 0.05 for row in second.validation)
