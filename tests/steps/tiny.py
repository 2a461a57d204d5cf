"""A classifier so small that training it takes a second, and text that it can learn."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from steps import snapshot
from steps.contract import Dataset, Model
from steps.finetune.loop import Seat, Settings, learn
from steps.finetune.work import MODEL, ROWS, VALIDATION, Work
from steps.snapshot import Row

GOOD = ("good", "fine", "lovely", "great", "happy")
BAD = ("bad", "awful", "sad", "poor", "ugly")
NEW_GOOD, NEW_BAD = ("zap", "zing", "zoom"), ("mump", "murk", "muck")
PLAIN = tuple(f"word{i}" for i in range(40))
LABELS = ("negative", "positive")


def base(folder: Path) -> Path:
    """An untrained encoder of two layers, with its tokenizer, saved as transformers does."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
    words = (*special, *GOOD, *BAD, *NEW_GOOD, *NEW_BAD, *PLAIN)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token=special[1]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), special, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def rows(count: int, *, group: str = "old", arrived: str = "c-000001", good=GOOD, bad=BAD) -> list[Row]:
    """Texts in which one word decides; half of them positive."""
    chance = random.Random(f"{group}{arrived}")  # noqa: S311 - test data
    found = []
    for i in range(count):
        label = i % 2
        words = [chance.choice((bad, good)[label]), *chance.sample(PLAIN, 5)]
        chance.shuffle(words)
        text = " ".join(words)
        found.append(Row(text, label, group, f"{group}.parquet", arrived, snapshot.identity(text)))
    return found


def new_rows(count: int) -> list[Row]:
    """Texts of another domain, in words that the first knows nothing of."""
    return rows(count, group="new", arrived="c-000002", good=NEW_GOOD, bad=NEW_BAD)


def dataset(folder: Path, found: list[Row], share: float = 0.25) -> Dataset:
    """A snapshot of these rows."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = {row.id for row in found if snapshot.portion(row.id, "tiny") < share}
    train, holdout = ([row for row in found if (row.id in aside) is side] for side in (False, True))
    snapshot.write(folder, LABELS, train, holdout)
    return Dataset(uri=str(folder))


def settings(start: Path | str, **changed) -> Settings:
    """Of a training that takes a second or two."""
    usual = Settings(
        start=str(start),
        labels=LABELS,
        epochs=3,
        learning_rate=5e-3,
        batch_size=16,
        max_length=16,
        train_layers=None,
        warmup=0.1,
        seed=0,
        checkpoint_every=10,
    )
    return usual._replace(**changed)


def work(folder: Path, found: list[Row], kind: type[Work] = Work) -> Work:
    """A training's folder with its rows in it."""
    folder.mkdir(parents=True, exist_ok=True)
    snapshot.write_rows(folder / ROWS, found)
    snapshot.write_rows(folder / VALIDATION, found[:20])
    return kind(folder)


def trained(folder: Path, start: Path | str, found: list[Row], **changed) -> Model:
    """A model that has learnt these rows, in this process and without Ray."""
    where = work(folder, found)
    learn(where, settings(start, **changed), Seat())
    return Model(uri=str(where.folder / MODEL))


def parquet(path: Path, **columns) -> Path:
    """A parquet file of these columns."""
    pq.write_table(pa.table(columns), path)
    return path
