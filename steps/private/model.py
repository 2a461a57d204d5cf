"""A transformers token classifier as a recogniser: long texts in windows, windows in batches.

Law: a span is a row of tokens that carry one kind, joined over B- and I- and over windows; its score is the mean of its
tokens' probabilities. Labels that say no kind known here (LOC, ORG, …) are left out: a town is nobody.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from steps.contract import StepError
from steps.private.spans import Span

__all__ = ["Classifier", "joined"]

_KINDS = {
    "name": (
        "per",
        "person",
        "name",
        "ps",
        "givenname",
        "surname",
        "firstname",
        "lastname",
        "given_name",
        "private_person",
    ),
    "address": ("address", "addr", "street", "street_address", "streetaddress", "private_address"),
    "phone": ("phone", "phone_number", "tel", "telephonenum", "phonenumber", "private_phone"),
    "email": ("email", "email_address", "private_email"),
    "rrn": ("rrn", "kr_rrn", "resident_number"),
    "account": ("account", "account_number", "accountnum", "bank_account"),
    "card": ("card", "credit_card", "creditcardnumber", "credit_card_number"),
    "passport": ("passport", "passport_number"),
    "licence": ("licence", "license", "driver_license", "driverlicensenum"),
    "ssn": ("ssn", "us_ssn", "socialnum"),
    "ip": ("ip", "ip_address", "ipv4", "ipv6"),
    "url": ("url", "private_url"),
    "handle": ("username", "user", "id_user", "handle"),
}
_KIND = {label: kind for kind, labels in _KINDS.items() for label in labels}
_STRIDE = 64  # tokens that two windows share, so that a name at the edge of one stands inside the other
_MOST = 512


class Classifier:
    """`AutoModelForTokenClassification` from a folder or hub; needs a tokenizer that knows offsets (a fast one)."""

    name = "model"

    def __init__(self, folder: str, batch: int = 32) -> None:
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
            self._model: Any = AutoModelForTokenClassification.from_pretrained(folder).eval()
        except (OSError, ValueError) as unread:
            cure = "name a folder or hub model with config, tokenizer and safetensors of a token classifier"
            raise StepError(f"the model can't be read: {unread}", where="privacy.model", cure=cure) from unread
        if not self._tokenizer.is_fast:
            cure = "save the tokenizer as tokenizer.json"
            raise StepError("the model's tokenizer knows no offsets", where="privacy.model", cure=cure)
        labels = self._model.config.id2label
        self._kinds = [_KIND.get(labels[i].split("-", 1)[-1].lower(), "") for i in range(len(labels))]
        self._batch = batch

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text."""
        tokens: list[list[tuple[int, int, str, float]]] = [[] for _ in texts]
        room = min(
            self._tokenizer.model_max_length, getattr(self._model.config, "max_position_embeddings", _MOST), _MOST
        )
        coded = self._tokenizer(
            [text.encode(errors="replace").decode() for text in texts],
            truncation=True, max_length=room, stride=min(_STRIDE, room // 4), return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )  # fmt: skip
        owners = coded.pop("overflow_to_sample_mapping")
        offsets = coded.pop("offset_mapping")
        for start in range(0, len(owners), self._batch):
            part = {name: rows[start : start + self._batch] for name, rows in coded.items()}
            for place, row in enumerate(self._said(part), start):
                found = zip(offsets[place], row, strict=False)
                tokens[owners[place]] += [(a, b, kind, score) for (a, b), (kind, score) in found if kind and a < b]
        return [list(joined(row)) for row in tokens]

    def _said(self, rows: dict[str, Any]) -> list[list[tuple[str, float]]]:
        """For each token of each window: its kind ("" for none) and probability."""
        import torch

        padded = self._tokenizer.pad(rows, return_tensors="pt")
        with torch.inference_mode():
            chances, labels = self._model(**padded).logits.softmax(-1).max(-1)
        return [
            [(self._kinds[label], chance) for label, chance in zip(*pair, strict=True)]
            for pair in zip(labels.tolist(), chances.tolist(), strict=True)
        ]


def joined(tokens: Sequence[tuple[int, int, str, float]]) -> Iterator[Span]:
    """Spans of (start, end, kind, score) tokens: those of one kind that touch, or have one blank between them."""
    rows: list[tuple[int, int, str, list[float]]] = []
    for start, end, kind, score in sorted(set(tokens)):
        if rows and rows[-1][2] == kind and start <= rows[-1][1] + 1:
            rows[-1] = (rows[-1][0], max(end, rows[-1][1]), kind, [*rows[-1][3], score])
        else:
            rows.append((start, end, kind, [score]))
    for start, end, kind, scores in rows:
        yield Span(start, end, kind, sum(scores) / len(scores), "model")
