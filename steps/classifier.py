"""A sequence classifier as a folder: find it, load it, ask it. What finetune, evaluate and deploy have in common.

Nothing is fetched for a folder or a `package:`; a hub name is looked for in the local cache first.
"""

import importlib.util
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from steps.contract import StepError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LINEAGE = "lineage.json"
_PACKAGE = "package:"


def quiet() -> None:
    """Keep transformers' bars and notices out of logs, and threads from spinning while they wait for each other."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def resolve(name: str) -> str:
    """Where a model is: `package:NAME/sub/folder` inside an installed package, an existing folder, or a hub name as is.

    The package is found and not imported.
    """
    if not name.startswith(_PACKAGE):
        return str(Path(name).resolve()) if Path(name).is_dir() else name
    package, _, inside = name.removeprefix(_PACKAGE).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        cure = (
            f"pip install --no-deps {package.replace('_', '-')}" if package.isidentifier() else "write package:NAME/sub"
        )
        raise StepError(f"the package {package!r} is not installed", where=name, cure=cure)
    folder = Path(next(iter(spec.submodule_search_locations))) / inside
    if not (folder / "config.json").is_file():
        raise StepError(
            "there is no model in that folder of the package",
            where=str(folder),
            cure="check the path after the first /",
        )
    return str(folder)


def load(name: str, labels: Sequence[str] | None = None, *, fresh: bool = False) -> tuple[Any, Any]:
    """(model, tokenizer), in evaluation mode on the CPU, 32-bit floats.

    With `labels` the classification head is given those classes; it is drawn anew (from torch's generator) where the
    model has none of that size, and always when `fresh`. Without `labels` the model must already be a classifier.
    Raises `StepError` for anything that is not a loadable model.
    """
    quiet()
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    where = resolve(name)
    head: dict[str, Any] = {}
    if labels is not None:
        named = dict(enumerate(labels))
        head = {"num_labels": len(labels), "id2label": named, "label2id": {v: k for k, v in named.items()}}
        head["ignore_mismatched_sizes"] = True
    try:
        tokenizer = AutoTokenizer.from_pretrained(where)
        model, notes = AutoModelForSequenceClassification.from_pretrained(
            where, dtype=torch.float32, output_loading_info=True, **head
        )
    except Exception as error:  # every library below has its own exceptions for a bad file
        raise StepError(
            f"the model can't be loaded: {type(error).__name__}: {' '.join(str(error).split())[:300]}",
            where=where,
            cure="name a folder or hub model with config.json, a tokenizer and weights that transformers can read",
        ) from error
    if fresh:
        _redraw(model)
    if labels is None and notes["missing_keys"]:
        missing = ", ".join(sorted(notes["missing_keys"])[:5])
        raise StepError(f"the model lacks weights: {missing}", where=where, cure="give a classifier that finetune made")
    model.eval()
    return model, tokenizer


def _redraw(model: Any) -> None:
    """Draw the classification head anew: everything outside the encoder, by the model's own rule."""
    for name, part in model.named_children():
        if name != model.base_model_prefix:
            part.apply(model._init_weights)


def length(model: Any, wanted: int) -> int:
    """The longest text in tokens that both the caller and the model allow."""
    return min(wanted, getattr(model.config, "max_position_embeddings", None) or wanted)


def predict(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    *,
    max_length: int = 128,
    batch_size: int = 64,
    told: Callable[[int], None] = lambda done: None,
) -> "NDArray[np.float32]":
    """Probabilities, shape (texts, classes), in the order of `texts`; `told(done)` after each batch.

    Texts of like length share a batch, so that little is computed for padding.
    """
    import numpy as np
    import torch

    encoded = (
        tokenizer(list(texts), truncation=True, max_length=length(model, max_length))["input_ids"] if texts else []
    )
    order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
    found = np.zeros((len(texts), model.config.num_labels), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            places = order[start : start + batch_size]
            batch = tokenizer.pad({"input_ids": [encoded[i] for i in places]}, return_tensors="pt")
            found[places] = torch.softmax(model(**batch).logits, dim=-1).numpy()
            told(start + len(places))
    return found


def read_lineage(folder: Path) -> dict[str, Any]:
    """What `finetune` wrote about the model's descent; empty for a model from elsewhere."""
    try:
        return cast("dict[str, Any]", json.loads((folder / LINEAGE).read_text("utf-8")))
    except (OSError, ValueError):
        return {}
