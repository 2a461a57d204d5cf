"""The nouns: frozen, closed, and the same after a round trip through JSON; digests that cover what they are about."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator.core.effects import Order
from orchestrator.core.model import Cycle, Pipeline, Run, Stage, State, Trigger
from orchestrator.core.report import (
    Chart,
    Failure,
    File,
    Metric,
    Product,
    Report,
    Sample,
    Series,
    Table,
    ToLabel,
    digest_of,
)

AT = datetime(2030, 1, 1, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
CELLS = st.one_of(TEXTS, st.integers(-(2**53), 2**53), NUMBERS, st.booleans(), st.none())
METRICS = st.builds(Metric, name=st.text("abc_", min_size=1), value=NUMBERS, low=st.none() | NUMBERS, unit=TEXTS)
TABLES = st.builds(Table, title=TEXTS, columns=st.just(("a",)), rows=st.lists(st.tuples(CELLS), max_size=3).map(tuple))
CHARTS = st.builds(
    Chart,
    title=TEXTS,
    series=st.lists(
        st.builds(Series, name=TEXTS, points=st.lists(st.tuples(NUMBERS | TEXTS, NUMBERS), max_size=3).map(tuple)),
        max_size=2,
    ).map(tuple),
)
TO_LABEL = st.builds(
    ToLabel, id=st.text("abc", min_size=1), text=TEXTS, label=TEXTS, predicted=TEXTS, confidence=st.none() | NUMBERS
)
REPORTS = st.builds(
    Report,
    summary=TEXTS.filter(bool),
    metrics=st.lists(METRICS, max_size=2).map(tuple),
    tables=st.lists(TABLES, max_size=2).map(tuple),
    charts=st.lists(CHARTS, max_size=2).map(tuple),
    samples=st.lists(st.builds(Sample, text=TEXTS, note=TEXTS), max_size=2).map(tuple),
    to_label=st.lists(TO_LABEL, max_size=2).map(tuple),
)
FILES = st.lists(
    st.builds(File, path=TEXTS, sha256=st.text("0123456789abcdef", min_size=64, max_size=64), size=st.integers(0)),
    max_size=4,
).map(tuple)


def cycle(**fields):
    stages = (Stage(name="a", step="x:y"), Stage(name="b", step="x:y", takes={"data": "a.data", "more": "a.more"}))
    made = {
        "id": "c-000001", "seq": 1, "pipeline": Pipeline(name="p", stages=stages), "trigger": Trigger.API,
        "state": State.QUEUED, "began_at": AT, "changed_at": AT,
    }  # fmt: skip
    return Cycle.model_validate(made | fields)


@given(REPORTS, FILES)
def test_a_report_is_the_same_after_json_and_so_is_its_digest(report, files):
    """What is stored and read again is about the same thing."""
    product = Product(outputs={"a": [1, None, {"b": "c"}]}, report=report, files=files)
    back = Product.model_validate_json(product.model_dump_json())
    assert back == product
    assert digest_of("r", back.report, back.files) == digest_of("r", report, files)


@given(REPORTS, FILES, st.randoms())
def test_a_digest_covers_all_that_it_is_about(report, files, chance):
    """Run, report and every file; in whatever order the files come."""
    digest = digest_of("c-000001/a/1", report, files)
    shuffled = list(files)
    chance.shuffle(shuffled)
    assert digest_of("c-000001/a/1", report, shuffled) == digest
    assert digest_of("c-000001/a/2", report, files) != digest
    assert digest_of("c-000001/a/1", report.model_copy(update={"summary": report.summary + "!"}), files) != digest
    more = (*report.to_label, ToLabel(id="a", text="x", label="good"))
    assert digest_of("c-000001/a/1", report.model_copy(update={"to_label": more}), files) != digest
    assert digest_of("c-000001/a/1", report, (*files, File(path="new", sha256="0" * 64, size=0))) != digest


def test_a_report_finds_its_metrics():
    """By name, or nothing."""
    report = Report(summary="x", metrics=(Metric(name="accuracy", value=0.5),))
    assert report.metric("accuracy").value == 0.5
    assert report.metric("f1") is None


def test_a_failure_is_a_sentence():
    """What, where and the cure, as far as they are known."""
    assert str(Failure(what="no")) == "no"
    assert str(Failure(what="no", where="here", cure="go")) == "no (here): go"


def test_nouns_are_frozen_and_closed():
    """No field is changed, and none is invented."""
    with pytest.raises(ValidationError, match="frozen"):
        cycle().state = State.DONE
    with pytest.raises(ValidationError, match="Extra inputs"):
        cycle(colour="red")


def test_an_order_wires_outputs_into_inputs():
    """Parameters of the file, then what was typed, then what earlier stages made; what was not made is left out."""
    runs = (Run(id="c-000001/a/1", stage="a", attempt=1, state="done", at=AT, outputs={"data": "here"}),)
    whole = cycle(runs=runs, params={"b": {"lr": "1"}}, last={"b": {"model": "old"}}, token=3, position=1)
    order = whole.order(Run(id="c-000001/b/1", stage="b", attempt=1, at=AT))
    assert order.given == {"lr": "1", "data": "here"}
    assert (order.last, order.token, order.target, order.stage) == ({"model": "old"}, 3, "p", "c-000001/b")
    assert whole.run is None
    assert whole.stage.name == "b"
    assert cycle(runs=runs).run == runs[0]


def test_a_pipeline_knows_its_stages():
    """By name; its target is its own name where it gives none."""
    pipeline = cycle().pipeline
    assert pipeline.index("b") == 1
    with pytest.raises(KeyError):
        pipeline.index("c")
    assert pipeline.owns == "p"
    assert pipeline.model_copy(update={"target": "prod"}).owns == "prod"


def test_endings_are_endings():
    """A failed cycle waits for a person, and has not ended."""
    assert [state.value for state in State if state.ended] == ["done", "rejected", "cancelled", "skipped"]
    assert Order(run="c-000001/a/2", step="x:y").stage == "c-000001/a"
