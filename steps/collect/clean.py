"""A batch of rows as read becomes a batch of rows to keep: labelled, de-identified, with an id. Done by every worker.

Laws: a row's result depends on the row and the settings alone, never on its batch. An id is made of the text in which
identifiers are replaced by their kinds: it says nothing of anybody, and is the same under any key.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from steps import snapshot
from steps.collect import label as labels
from steps.private import Deidentifier, pseudonym
from steps.private.settings import Privacy

if TYPE_CHECKING:
    import pyarrow as pa


class Rules(NamedTuple):
    """What every worker needs to know. `key` derives surrogates; it travels to workers and is written nowhere."""

    privacy: Privacy
    key: bytes
    numeric: bool
    positive_at_least: float | None
    negative_at_most: float | None


class Kept(NamedTuple):
    """The usable rows as columns of one length (lists or Arrow arrays), and what became of the others.

    `ids`: 16 bytes each.
    """

    ids: list[bytes]
    columns: dict[str, Any]
    counts: Counter[str]
    identifiers: Counter[str]
    labels: Counter[str]


def clean(rows: "pa.RecordBatch", rules: Rules) -> Kept:
    """The usable rows of a batch with the columns of `steps.collect.source.SCHEMA`."""
    import pyarrow as pa

    counts: Counter[str] = Counter(rows=rows.num_rows)
    read = {name: rows.column(name).to_pylist() for name in ("text", "label", "author", "conversation")}
    named = labels.rule(rules.positive_at_least, rules.negative_at_most)
    places, found = _usable(read["text"], read["label"], named, counts)
    texts = [read["text"][place].strip() for place in places]
    scopes = [_scope(read["conversation"][place], text) for place, text in zip(places, texts, strict=True)]
    done = _deidentifier(rules.privacy, rules.key).clean(texts, scopes)
    columns = {
        "text": done.texts,
        "label": found,
        **{name: rows.column(name).take(pa.array(places, pa.int64())) for name in ("group", "source", "at")},
        "person": [_hidden(read["author"][place], rules.key, "person") for place in places],
        "conversation": [_hidden(read["conversation"][place], rules.key, "conversation") for place in places],
    }
    ids = [bytes.fromhex(snapshot.identity(text)) for text in done.masked]
    counts["changed"] = len(done.touched)
    return Kept(ids, columns, counts, done.counts, Counter(found))


def _usable(
    texts: Sequence[Any], values: Sequence[Any], rule: Any, counts: Counter[str]
) -> tuple[list[int], list[str]]:
    """Places of the rows that have a text and a label, and their labels."""
    places, found = [], []
    for place, (text, value) in enumerate(zip(texts, values, strict=True)):
        if not text or not text.strip():
            counts["empty"] += 1
            continue
        try:
            label = rule(value)
        except labels.UnusableError:
            counts["unlabelled"] += 1
            continue
        if label is None:
            counts["middle"] += 1
            continue
        places.append(place)
        found.append(label)
    return places, found


def _scope(conversation: str | None, text: str) -> str:
    """Where one person keeps one made-up name: the conversation, or else the text itself."""
    return f"c{conversation}" if conversation else f"t{blake2b(text.encode(errors='surrogatepass')).hexdigest()}"


def _hidden(value: str | None, key: bytes, purpose: str) -> str:
    return _pseudonym(value, key, purpose) if value else ""


@lru_cache(100_000)
def _pseudonym(value: str, key: bytes, purpose: str) -> str:
    return pseudonym(value, key, purpose)


@lru_cache(4)
def _deidentifier(privacy: Privacy, key: bytes) -> Deidentifier:
    """One in a process: its patterns, dictionaries and models are read once."""
    return Deidentifier(privacy, key)
