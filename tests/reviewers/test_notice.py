"""What people are told: who is asked and for what, in words that nothing in the data can turn into a command."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.events import (
    CancelAsked,
    Held,
    LeaseGranted,
    LeaseRefused,
    ReviewGiven,
    RunFinished,
    TimePassed,
    Triggered,
    Unheld,
)
from orchestrator.core.gate import Deadline, Gate, Person, Review, Roster, Verdict
from orchestrator.core.machine import NotNow, advance
from orchestrator.core.model import Pipeline, Stage, State, Trigger
from orchestrator.core.report import Failure, Product, Report
from reviewers.notice import PATIENCE, disarmed, due, undecided

NOW = datetime(2030, 1, 1, 2, 17, tzinfo=UTC)
ALICE, BOB = Person(id="t:alice", login="alice"), Person(id="t:bob", login="bob")
ROSTER = Roster(members={"bob": ("t:bob",), "@org/ml": ("t:bob", "t:carol")})
LINK = "https://github.example/o/n/pull/7"
HOSTILE = (
    "<!channel> @here @everyone <https://evil.example|click> [x](https://evil.example) *b* _i_ `c` ~s~ "
    "&lt;b&gt; <at>all</at> # h | t | evil.example :tada: mailto:a@evil.example \u202e\x1b[31m\n- line\n/approve"
)


def cycle_of(*events, gate=None, stages=("collect", "deploy"), report=None, by=None, purpose=""):
    """A cycle after these events, its first stage with this gate."""
    all_stages = tuple(Stage(name=name, step="x:y", gate=None if place else gate) for place, name in enumerate(stages))
    pipeline = Pipeline(name="sentiment", stages=all_stages)
    cycle = advance(
        None,
        Triggered(at=NOW, cycle="c-000042", pipeline=pipeline, trigger=Trigger.SCHEDULE, initiator=by, purpose=purpose),
    ).cycle
    for event in events:
        folded = advance(cycle, event)
        assert not isinstance(folded, NotNow), folded.why
        cycle = folded.cycle
    return cycle


def asked(gate, *events, summary="The new data are fine. They are many.", warnings=(), **more):
    """A cycle whose gate of `collect` is open."""
    product = Product(report=Report(summary=summary, warnings=warnings))
    opened = RunFinished(at=NOW, run="c-000042/collect/1", outcome=product)
    return cycle_of(LeaseGranted(at=NOW, token=1), opened, *events, gate=gate, **more)


def only(cycle, **more):
    """The one notice that is due."""
    (notice,) = due(cycle, NOW, **more)
    return notice


def review(cycle, by, verdict=Verdict.APPROVE, **more):
    return ReviewGiven(
        at=NOW,
        review=Review(id=f"r {by.id}", by=by, verdict=verdict, about=cycle.opening.digest, at=NOW, **more),
        roster=ROSTER,
    )


def after(cycle, event):
    folded = advance(cycle, event)
    assert not isinstance(folded, NotNow), folded.why
    return folded.cycle


def test_a_planner_reads_who_is_asked_what_was_found_and_what_the_answer_decides():
    """The whole of it, once, word for word."""
    gate = Gate(
        require=("2 of @org/ml", "must bob", "not_initiator"),
        deadline=Deadline(after="24h", remind="8h", then="hold"),
    )
    cycle = asked(gate, by=ALICE, purpose="weekly refresh", warnings=("3 rows were dropped",))
    notice = only(cycle, link=LINK)
    assert notice.title == "sentiment c-000042: collect waits for an answer"
    assert notice.text.split("\n") == [
        "Asked: 2 of org/ml; bob. alice, who started it, does not count.",
        "What collect found: The new data are fine.",
        "The report has 1 warning.",
        "The answer decides whether deploy begins.",
        "Without an answer by 2030-01-02 02:17 UTC it is held.",
        "Started 2030-01-01 02:17 UTC by alice: weekly refresh",
        f"Answer here: {LINK}",
    ]
    assert (notice.kind, notice.level, notice.cycle) == ("opened", "info", "c-000042")
    assert notice.key == f"c-000042/collect/1 opened {cycle.opening.digest[:16]}"


def test_roles_are_told_in_words_and_many_names_are_counted():
    """`@write` means nothing to a planner."""
    cycle = asked(Gate(require=("1 of @write", "1 of @anyone", "must carol", "must dave", "must erin")))
    first, *_, last = only(cycle, link="javascript:alert(1)").text.split("\n")
    many = "1 of the people who may write to the repository; 1 of whoever may write to the repository; carol"
    assert first == f"Asked: {many}; and 2 more."
    assert last == "Started 2030-01-01 02:17 UTC by the schedule.", "what is no address is not written as a link"


def test_the_last_stage_is_asked_whether_it_is_accepted():
    """Nothing begins after it."""
    cycle = asked(Gate(require=("must bob",)), stages=("collect",), warnings=("one", "two"))
    assert "The answer decides whether it is accepted as done." in only(cycle).text
    assert "The report has 2 warnings." in only(cycle).text


def test_who_has_answered_is_asked_no_more():
    """The reminder names those who are missing, and the newest reminder stands for all."""
    gate = Gate(require=("must bob", "1 of @org/product"), deadline=Deadline(after="9h", remind="1h", then="reject"))
    cycle = asked(gate)
    cycle = after(cycle, review(cycle, BOB))
    for number in range(2):
        cycle = after(cycle, TimePassed(at=NOW, run="c-000042/collect/1", purpose="remind", number=number))
    opened, reminder = due(cycle, NOW)
    assert opened.text.startswith("Asked: 1 of org/product.\n")
    assert reminder.title == "sentiment c-000042: collect still waits for an answer (reminder 2)"
    assert reminder.text.startswith("Still needed: 1 of org/product.\nIt has waited since 2030-01-01 02:17 UTC.\n")
    assert "it is rejected." in reminder.text
    assert (reminder.key, reminder.level) == ("c-000042/collect/1 reminder 2", "warning")


def test_an_agreed_gate_of_a_held_cycle_asks_nobody():
    """Everybody has agreed; only the hold stands in the way."""
    cycle = after(asked(Gate(require=("must bob",))), Held(at=NOW, id="h1", by=ALICE, reason="wait"))
    cycle = after(cycle, review(cycle, BOB))
    opened, held = due(cycle, NOW)
    assert opened.text.startswith("Nobody else is needed.\n")
    assert held.text.startswith("Nothing new begins until somebody lifts the hold. Held by alice: wait\n")


def test_a_deadline_that_holds_is_told_once_and_one_that_rejects_as_the_end():
    """The hold that a deadline makes is no second notice."""
    passed = TimePassed(at=NOW, run="c-000042/collect/1", purpose="deadline")
    held = asked(Gate(require=("must bob",), deadline=Deadline(after="1h")), passed)
    opened, overdue = due(held, NOW)
    assert (opened.kind, overdue.kind, overdue.level) == ("opened", "overdue", "warning")
    assert overdue.title == "sentiment c-000042: collect was not answered in time"
    over = only(asked(Gate(require=("must bob",), deadline=Deadline(after="1h", then="reject")), passed))
    assert (over.kind, over.level, over.key) == ("ended", "warning", "c-000042 rejected")
    assert over.text.startswith("Why: nobody closed the gate of collect in time: 1 more of bob\nNothing more")


def test_a_hold_that_was_there_before_the_deadline_is_told_beside_it():
    """Somebody held it, and then the deadline passed."""
    passed = TimePassed(at=NOW, run="c-000042/collect/1", purpose="deadline")
    gate = Gate(require=("must bob",), deadline=Deadline(after="1h"))
    cycle = asked(gate, Held(at=NOW, id="h1", by=BOB), passed)
    assert [notice.kind for notice in due(cycle, NOW)] == ["opened", "overdue", "held"]


def test_a_second_hold_is_news_and_the_first_is_not():
    """Even in the same words; without its id, the words stand for the hold."""
    hold = Held(at=NOW, id="h1", by=BOB)
    cycle = cycle_of(hold)
    again = after(after(cycle, Unheld(at=NOW, id="u1", by=BOB)), hold.but(id="h2"))
    assert only(cycle, hold="h1").key == only(cycle, hold="h1").key != only(again, hold="h2").key
    assert only(cycle).key == only(again).key


def test_a_policy_is_given_a_moment_before_people_are_told():
    """A nightly cycle that its policy lets through disturbs nobody; a policy that says no is quoted."""
    gate = Gate.model_validate({"policy": "no_regression", "else": ["must bob"]})
    cycle = asked(gate)
    assert undecided(cycle, NOW)
    assert due(cycle, NOW) == ()
    assert not undecided(cycle, NOW + PATIENCE)
    (late,) = due(cycle, NOW + PATIENCE)
    assert late.text.startswith("Asked: bob.\nPolicy no_regression has not answered\n")
    policy = Person(id="policy:no_regression", login="no_regression")
    no = review(cycle, policy, Verdict.REJECT, reason="accuracy 0.7 is less than 0.8", authority="policy")
    assert "\nPolicy no_regression says no: accuracy" in only(after(cycle, no)).text
    beside = Gate.model_validate({"policy": "no_regression", "require": ["must bob"]})
    assert only(asked(beside)).text.startswith("Asked: bob.\n"), "who is asked in any case is told at once"


def test_a_failure_asks_somebody_to_decide():
    """Failing is a question, not an ending; a failure that is retried is none yet."""
    failure = Failure(what="the disk is full", cure="make room")
    failed = RunFinished(at=NOW, run="c-000042/collect/1", outcome=failure)
    notice = only(cycle_of(LeaseGranted(at=NOW, token=1), failed), link=LINK)
    assert (notice.key, notice.level) == ("c-000042/collect/1 failed", "failure")
    assert notice.title == "sentiment c-000042: collect failed"
    assert notice.text.startswith(
        "Somebody has to decide: try collect again (rerun), or end this (cancel).\n"
        "What happened: the disk is full: make room\n"
    )
    assert notice.text.endswith(f"\nDecide here: {LINK}")
    assert only(cycle_of().but(state=State.FAILED, reason="x")).key == "c-000042 failed", "whatever the state, no crash"


def test_every_ending_is_told_with_its_reason():
    """Done, cancelled, skipped; of what only runs there is nothing to tell."""
    done = (LeaseGranted(at=NOW, token=1), *(_made(stage) for stage in ("collect", "deploy")))
    notice = only(cycle_of(*done), link=LINK)
    assert (notice.key, notice.level) == ("c-000042 done", "success")
    assert notice.text.startswith("All 2 stages are done.\nStarted ")
    assert only(cycle_of(*done[:2], stages=("collect",))).text.startswith("Its one stage is done.\n")
    cancelled = only(cycle_of(CancelAsked(at=NOW, id="x", by=BOB, reason="enough")))
    assert (cancelled.level, cancelled.text.split("\n")[0]) == ("warning", "Why: bob: enough")
    skipped = only(cycle_of(LeaseRefused(at=NOW, holder="c-000041")))
    assert (skipped.level, skipped.key) == ("info", "c-000042 skipped")
    nothing = RunFinished(at=NOW, run="c-000042/collect/1", outcome=Failure(what="no row is new", skip=True))
    idle = only(cycle_of(LeaseGranted(at=NOW, token=1), nothing))
    assert (idle.level, idle.key) == ("info", "c-000042 skipped")
    assert idle.text.startswith("Why: no row is new\nNothing more of it begins.\n")
    assert due(cycle_of(LeaseGranted(at=NOW, token=1)), NOW) == ()
    assert not undecided(cycle_of(), NOW)


def _made(stage):
    return RunFinished(at=NOW, run=f"c-000042/{stage}/1", outcome=Product(report=Report(summary="fine")))


ACTIVE = re.compile(r"[<>&*`~|\[\]\\@#\x00-\x09\x0b-\x1f\u202e]|://|www\.|\w\.[a-z]|(^|[^\w])_|_([^\w]|$)|:\S")


def test_what_data_and_people_wrote_is_inert():
    """No mention, link, markup, emoji or line of its own, wherever it is shown."""
    gate = Gate(require=("must bob",))
    loud = Person(id="t:x", login=HOSTILE)
    cycle = asked(gate, summary=HOSTILE, by=loud, purpose=HOSTILE)
    held = after(cycle, Held(at=NOW, id="h", by=BOB, reason=HOSTILE))
    ended = after(cycle, CancelAsked(at=NOW, id="c", by=loud, reason=HOSTILE))
    failed = cycle_of(
        LeaseGranted(at=NOW, token=1),
        RunFinished(at=NOW, run="c-000042/collect/1", outcome=Failure(what=HOSTILE)),
    )
    found = [*due(held, NOW), *due(ended, NOW), *due(failed, NOW)]
    assert len(found) == 4
    for notice in found:
        for line in notice.text.split("\n"):
            assert not ACTIVE.search(re.sub(r"\d\d:\d\d UTC", "", line)), line
            assert re.match(r"[A-Z]", line), "every line begins with words of ours"


@given(st.text(max_size=300))
def test_no_text_acts(text):
    """Whatever it is, it becomes one line of dead characters that is no longer than it may be."""
    dead = disarmed(text, 100)
    assert not re.search(r"[<>&*`~|\[\]\\@#\n\r]|://|:\S", dead)
    assert len(dead) <= 100


@pytest.mark.parametrize("size", [1, 2000])
def test_a_notice_is_short_whatever_is_in_it(size):
    """Title and text within what a late one leaves room for; a link that is too long is left out whole."""
    name = "a" + "b" * 62
    gate = Gate.model_validate(
        {"require": [f"100 of @{'x' * 99}/{n}{'y' * 99}" for n in range(9)], "policy": "p" * 60, "not_initiator": True,
         "else": ["must bob"], "deadline": {"after": "1h", "remind": "1m"}}
    )  # fmt: skip
    who = Person(id="t:x", login="w" * size)
    cycle = asked(gate, summary="s" * size, warnings=("w",) * size, by=who, purpose="p" * size)
    stages = tuple(stage.but(name=name) for stage in cycle.pipeline.stages)
    opening = cycle.opening.but(stage=name, run=f"c-000042/{name}/1", reminders=10**6, overdue=True)
    cycle = cycle.but(pipeline=cycle.pipeline.but(name=name, stages=stages), opening=opening, held="h" * size)
    long = due(cycle, NOW + PATIENCE, link="https://x/" + "l" * 190)
    ended = due(
        cycle.but(state=State.REJECTED, reason="r" * size), NOW + timedelta(days=1), link="https://x/" + "l" * size
    )
    assert len(long) == 4
    for notice in (*long, *ended):
        assert len(notice.title) + len(notice.text) <= 1400
    assert "Answer here: https://x/" in long[0].text
    assert ("See it here" in ended[0].text) == (size == 1)
