"""Metric bounds as a reviewer."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.gate import Gate, Verdict
from orchestrator.core.model import Cycle, Opening, Pipeline, Run, Stage, State, Trigger
from orchestrator.core.report import Metric, Report
from reviewers.policy import NO_REGRESSION, Bound, Policy, PolicyReviewer, judge, read_bound

AT = datetime(2026, 11, 20, tzinfo=UTC)
PASS = {"verdict": {"verdict": "PASS", "because": "not worse"}}


def ask(policy, *metrics, outputs=None):
    """The review of a report with these metrics."""
    return judge(policy, Report(summary="Measured.", metrics=metrics), "d" * 64, "c-000001/evaluate/1", AT, outputs)


def one(name, text):
    """A policy of one bound."""
    return Policy(name="mine", bounds=(read_bound(name, text),))


@pytest.mark.parametrize(
    ("name", "text", "metric", "met", "said"),
    [
        ("accuracy", ">= 0.8", Metric(name="accuracy", value=0.8), True, "accuracy >= 0.8: met by 0.8"),
        ("accuracy", "> 0.8", Metric(name="accuracy", value=0.8), False, "not met by 0.8"),
        ("accuracy", "< 0.8", Metric(name="accuracy", value=0.79), True, "met by 0.79"),
        ("loss", "<= 1e-1", Metric(name="loss", value=0.1 + 1e-16), True, "loss <= 0.1"),
        ("f1", ">= baseline - 0.01", Metric(name="f1", value=0.71, baseline=0.72), True, "(= 0.71): met"),
        ("f1", ">= baseline + 0.01", Metric(name="f1", value=0.72, baseline=0.72), False, "(= 0.73): not met"),
        ("f1", ">= baseline", Metric(name="f1", value=0.72), False, "the baseline is missing"),
        ("ms", "<= 1.1 * baseline", Metric(name="ms", value=12, baseline=10), False, "1.1 * baseline (= 11): not met"),
        ("ms", "<= 1e308 * baseline", Metric(name="ms", value=1, baseline=1e9), False, "(= inf): not met"),
        ("gain.low", ">= -0.01", Metric(name="gain", value=0.1, low=-0.005), True, "gain.low >= -0.01: met"),
        ("gain.low", ">= -0.01", Metric(name="gain", value=0.1), False, "low is missing"),
        ("gain.books", ">= 0", Metric(name="gain.books", value=0.1), True, "met"),
        ("other", ">= 0", Metric(name="gain", value=0.1), False, "no metric other"),
        ("x", ">= 0", Metric.model_construct(name="x", value=float("nan"), low=None, baseline=None), False, "is nan"),
    ],
)
def test_a_bound_is_met_or_not_and_says_by_which_number(name, text, metric, met, said):
    """Each form of bound, at its edge; what is missing or not finite is not met."""
    report = Report.model_construct(summary="Measured.", metrics=(metric,))
    review = judge(one(name, text), report, "d" * 64, "c-000001/evaluate/1", AT)
    assert review.verdict is (Verdict.APPROVE if met else Verdict.REJECT)
    assert said in review.reason


@pytest.mark.parametrize(
    "text", ["0.8", ">= ", "== 1", ">= baseline * x", ">= __import__('os')", 0.8, ">= 0 * baseline", "> 1e999"]
)
def test_other_text_is_no_bound(text):
    """Anything else is refused with the forms that are read; nothing is evaluated."""
    with pytest.raises(ValueError, match=r"write `>= 0\.8`"):
        read_bound("accuracy", text)


def test_a_policy_asks_something():
    """A policy without bound or verdict would let everything through."""
    with pytest.raises(ValueError, match="asks nothing"):
        Policy(name="empty")


@pytest.mark.parametrize(
    ("low", "outputs", "met", "said"),
    [
        (-0.01, PASS, True, "verdict PASS: met by PASS (not worse)"),
        (-0.011, PASS, False, "accuracy_gain.low >= -0.01: not met by -0.011"),
        (0.01, {"verdict": {"verdict": "BLOCK"}}, False, "verdict PASS: not met by BLOCK"),
        (0.01, {"verdict": "PASS"}, False, "the run made no verdict"),
        (0.01, None, False, "the run made no verdict"),
    ],
)
def test_no_regression_needs_the_interval_and_the_verdict(low, outputs, met, said):
    """The built-in policy wants the low end of the gain inside the margin, and a verdict of PASS."""
    review = ask(NO_REGRESSION, Metric(name="accuracy_gain", value=0.02, low=low), outputs=outputs)
    assert review.verdict is (Verdict.APPROVE if met else Verdict.REJECT)
    assert said in review.reason


def test_the_review_is_the_policys_and_about_the_digest():
    """It carries the policy's own identity, and the same id whenever it is said."""
    review = ask(NO_REGRESSION)
    assert (review.authority, review.by.id, review.about) == ("policy", "policy:no_regression", "d" * 64)
    assert review == ask(NO_REGRESSION)


def reviewed(policy, frozen, *, opened=True, outputs=None):
    """What the reviewer says about a cycle whose evaluation asks this policy."""
    stage = Stage(name="evaluate", step="m:f", gate=Gate(policy=policy) if policy else None)
    run = Run(id="c-000001/evaluate/1", stage="evaluate", attempt=1, at=AT, outputs=outputs or PASS)
    report = Report(summary="Measured.", metrics=(Metric(name="accuracy_gain", value=0.1, low=0.0),))
    opening = Opening(run=run.id, stage="evaluate", digest="d" * 64, at=AT, report=report)
    cycle = Cycle(
        id="c-000001", seq=1, pipeline=Pipeline(name="p", stages=(stage,), policies=frozen), trigger=Trigger.API,
        state=State.IN_REVIEW, runs=(run,), opening=opening if opened else None, began_at=AT, changed_at=AT,
    )  # fmt: skip
    return [event.review.verdict.value for event in PolicyReviewer().look(cycle)]


def test_the_policy_answers_the_open_gate_that_asks_it():
    """By the policy as it stood when the cycle began, the built-in one where the cycle has none; else silence."""
    assert reviewed("no_regression", {}) == ["approve"]
    strict = one("accuracy_gain.low", "> 0")
    assert reviewed("mine", {"mine": strict.model_dump(mode="json")}) == ["reject"]
    assert reviewed("mine", {}) == []
    assert reviewed("mine", {"mine": {"name": 3}}) == []
    assert reviewed(None, {}) == []
    assert reviewed("no_regression", {}, opened=False) == []


NUMBERS = st.floats(-1e6, 1e6)


@given(
    st.builds(
        Bound,
        metric=st.just("m"),
        part=st.sampled_from(["value", "low", "high"]),
        sense=st.sampled_from([">=", "<=", ">", "<"]),
        factor=st.sampled_from([0, 1, 1.5, -2]),
        offset=st.integers(-1000, 1000).map(lambda n: n / 100),
    )
)
def test_a_printed_bound_reads_back_as_itself(bound):
    """What a person is shown is what may be written."""
    assert read_bound(bound.name, str(bound)) == bound


@given(NUMBERS, NUMBERS, st.sampled_from([">=", "<=", ">", "<"]))
def test_a_bound_and_its_opposite_never_agree(number, limit, sense):
    """Of a bound and its negation exactly one holds, for every number."""
    opposite = {">=": "<", "<": ">=", "<=": ">", ">": "<="}[sense]
    metric = Metric(name="m", value=number)
    answers = [
        ask(Policy(name="p", bounds=(Bound(metric="m", sense=one, offset=limit),)), metric).verdict
        for one in (sense, opposite)
    ]
    assert sorted(answers) == ["approve", "reject"]
