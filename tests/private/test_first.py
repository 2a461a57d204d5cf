"""The first pass dismisses nothing that the rules would find."""

from pathlib import Path

import pytest
from corpus import generate
from hypothesis import given, settings
from texts import any_text, texts

from steps.private import Deidentifier, Privacy
from steps.private.first import suspects
from steps.private.names.context import RULES
from steps.private.names.find import _korean
from steps.private.names.latin import latin
from steps.private.rules import Rules
from steps.private.spans import RESERVED
from steps.private.view import view

pytestmark = pytest.mark.timeout(240)
STREAM = Path(__file__).resolve().parents[3] / "shared" / "data" / "nsmc-2003-2014.parquet"


def unaided(text: str) -> list[object]:
    """What all rules find when none is held back by a first pass."""
    seen = view(text)
    rules = Rules()
    spans = [span for family in ("numbers", "spoken", "contacts", "places") for span in rules._family(family, seen)]
    spans += [*_korean(seen.text), *latin(seen.text)]
    return [span for span in spans if span.kind != RESERVED]


@settings(deadline=None, max_examples=200)
@given(texts() | any_text())
def test_dismisses_nothing(text: str) -> None:
    """A text in which any rule finds something is a suspect."""
    if unaided(text):
        assert suspects([text]) == [0]


def test_dismisses_nothing_of_the_benchmark() -> None:
    """The same of the labelled benchmark."""
    items = [item.text for item in generate("dev", 400, seed=5)]
    kept = set(suspects(items))
    assert [text for place, text in enumerate(items) if place not in kept and unaided(text)] == []


def test_real_stream() -> None:
    """Of real reviews it dismisses nine in ten, hardly one in a hundred is touched, and twice changes nothing."""
    if not STREAM.exists():
        pytest.skip("the review stream is not on this machine: see shared/data")
    import pyarrow.parquet as pq

    reviews = [text or "" for text in pq.read_table(STREAM, columns=["review"]).column("review").to_pylist()[::97]]
    assert len(suspects(reviews)) < 0.12 * len(reviews)
    product = Deidentifier(Privacy(), b"k")
    once = product.clean(reviews, reviews)
    assert len(once.touched) < 0.01 * len(reviews)
    assert product.clean(once.texts, reviews).texts == once.texts


def test_rules_are_distinct() -> None:
    """No two rules for names are one expression."""
    assert len({rule.pattern.pattern for rule in RULES}) == len(RULES)
