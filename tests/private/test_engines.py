"""Libraries, a model and the check for residue behind the one interface."""

import sys
from pathlib import Path

import pytest

from steps.contract import StepError
from steps.private import Deidentifier, Privacy
from steps.private.engines import recognisers
from steps.private.model import joined
from steps.private.spans import RESERVED, Span, settle

pytestmark = pytest.mark.timeout(240)


def test_ko_pii() -> None:
    """What ko-pii finds is replaced, and its finding a surrogate changes nothing."""
    pytest.importorskip("ko_pii")
    product = Deidentifier(Privacy(engines=("ko-pii",)), b"k")
    once = product.clean(["연락처 010-1234-5678, 주민번호 900101-1234568"], [""])
    assert {"phone", "rrn"} <= set(once.counts)
    assert product.clean(once.texts, [""]).texts == once.texts


def test_presidio() -> None:
    """Presidio's recognisers need no language model; its telephones score 0.4, which is enough."""
    pytest.importorskip("presidio_analyzer")
    product = Deidentifier(Privacy(engines=("presidio",)), b"k")
    once = product.clean(["call (212) 867-5309, 900101-1234568, a@naver.com"], [""])
    assert {"phone", "rrn", "email"} <= set(once.counts)
    assert product.clean(once.texts, [""]).texts == once.texts


@pytest.mark.parametrize(("engine", "module"), [("ko-pii", "ko_pii"), ("presidio", "presidio_analyzer")])
def test_absent(engine: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that isn't installed is said with its cure, when texts are cleaned and not before."""
    monkeypatch.setitem(sys.modules, module, None)
    product = Deidentifier(Privacy(engines=(engine,)), b"k")  # type: ignore[arg-type]
    with pytest.raises(StepError, match="not installed") as raised:
        product.clean(["a"], [""])
    assert "pip install" in raised.value.failure.cure


def test_residue() -> None:
    """A token where identifiers stand is residue; years and prices are none; twice changes nothing."""
    product = Deidentifier(Privacy(residue=True), b"k")
    once = product.clean(["사원번호는 A1234567 이고 2014년 10월에 1234명"], [""])
    assert once.counts == {"residue": 1}
    assert once.texts[0].endswith(" 이고 2014년 10월에 1234명")
    assert product.clean(once.texts, [""]).texts == once.texts


def test_model_absent(tmp_path: Path) -> None:
    """A folder that holds no model is said with its cure."""
    with pytest.raises(StepError, match="can't be read"):
        recognisers(Privacy(model=str(tmp_path)))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token classifier that says PER of the word zorblax and O of all others: made, not trained."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("classifier")
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "zorblax": 2, "came": 3}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
        model_max_length=16,
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=4, hidden_size=4, num_hidden_layers=0, num_attention_heads=1, intermediate_size=4,
        max_position_embeddings=16, id2label={0: "O", 1: "B-PER", 2: "I-LOC"},
        label2id={"O": 0, "B-PER": 1, "I-LOC": 2},
    )  # fmt: skip
    model = BertForTokenClassification(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
        embeddings = model.bert.embeddings
        embeddings.LayerNorm.weight.fill_(1)
        embeddings.word_embeddings.weight[2] = torch.tensor([3.0, -1, -1, -1])
        model.classifier.weight[1] = torch.tensor([5.0, 0, 0, 0])
        model.classifier.bias[0] = 2.0
    model.save_pretrained(folder)
    return folder


def test_model(classifier: Path) -> None:
    """Its names are replaced wherever they stand, behind more windows than one, too."""
    product = Deidentifier(Privacy(model=str(classifier), batch=2), b"k")
    text = "then zorblax came " + "came " * 40 + "zorblax"
    cleaned = product.clean([text, "nobody"], ["", ""])
    assert cleaned.counts == {"name": 2}
    assert "zorblax" not in cleaned.texts[0]
    assert cleaned.touched == [0]


def test_joined() -> None:
    """Tokens of one kind that touch are one span; what windows share counts once."""
    tokens = [
        (0, 3, "name", 0.8),
        (4, 7, "name", 0.6),
        (4, 7, "name", 0.6),
        (9, 12, "name", 0.9),
        (12, 14, "phone", 1.0),
    ]
    assert [span[:3] for span in joined(tokens)] == [(0, 7, "name"), (9, 12, "name"), (12, 14, "phone")]


def test_settle() -> None:
    """A surrogate guards its place, but not within what checks by its own digits; then the surest, the longest."""
    guard, long, sure = Span(2, 6, RESERVED), Span(0, 9, "account", 0.7), Span(0, 9, "card", 0.98)
    assert settle([long, guard]) == [guard]
    assert settle([sure, guard]) == [sure]
    assert settle([Span(0, 4, "phone", 0.9), Span(0, 6, "phone", 0.9), Span(5, 9, "name", 0.5)]) == [
        Span(0, 6, "phone", 0.9)
    ]
