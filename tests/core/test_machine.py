"""The life of a cycle, scene by scene: what each event does, and what it is told when it comes at the wrong time."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from orchestrator.core.course import decision
from orchestrator.core.effects import AskReview, ReleaseLease, StartRun, StopRun, TakeLease, Wake
from orchestrator.core.events import (
    CancelAsked,
    Held,
    LeaseGranted,
    LeaseRefused,
    Refused,
    RerunAsked,
    ReviewGiven,
    ReviewWithdrawn,
    RosterRead,
    RunFinished,
    TimePassed,
    Triggered,
    Unheld,
)
from orchestrator.core.gate import Deadline, Gate, Person, Review, Roster
from orchestrator.core.machine import EDGES, NotNow, advance, settled
from orchestrator.core.model import Pipeline, Retry, Stage, State, Trigger
from orchestrator.core.report import Failure, Product, Report

START = datetime(2030, 1, 1, tzinfo=UTC)
ALICE, BOB = (Person(id=f"t:{name}", login=name) for name in ("alice", "bob"))
TEAM = Roster(members={"@team": ("t:alice", "t:bob"), "alice": ("t:alice",)})
AWAY = Roster(unreadable={"@team": "away"})
NO = Failure(what="it broke", where="here", cure="mend it")


class Life:
    """One cycle, and a clock that ticks with every event."""

    def __init__(self, *stages, **options):
        self.at, self.names = START, count(1)
        self.cycle, self.effects = None, ()
        pipeline = Pipeline(
            name="p", stages=tuple(Stage(name=f"s{n}", step="a:b", **one) for n, one in enumerate(stages))
        )
        self(Triggered, cycle="c-000001", pipeline=pipeline, trigger=Trigger.API, **options)

    def __call__(self, kind, **fields):
        """Submit an event; the answer, or None when it was folded."""
        self.at += timedelta(seconds=1)
        said = "id" in kind.model_fields
        event = kind(at=self.at, **({"id": f"n{next(self.names)}", "by": BOB} if said else {}) | fields)
        folded = advance(self.cycle, event)
        if isinstance(folded, NotNow):
            return folded
        self.cycle, self.effects = folded
        return None

    def begin(self):
        assert self(LeaseGranted, token=1, last={"s0": {"out": "old"}}) is None
        return self

    def done(self, run=None, **outputs):
        return self(
            RunFinished, run=run or self.cycle.run.id, outcome=Product(outputs=outputs, report=Report(summary="x"))
        )

    def fails(self, failure=NO, chance=0.0):
        return self(RunFinished, run=self.cycle.run.id, outcome=failure, chance=chance)

    def review(self, by=ALICE, verdict="approve", about=None, roster=TEAM, back=0, **fields):
        about = self.cycle.opening.digest if about is None else about
        at = self.at + timedelta(seconds=1 - back)
        review = Review(id=f"n{next(self.names)}", by=by, verdict=verdict, about=about, at=at, **fields)
        return self(ReviewGiven, review=review, roster=roster)

    def doing(self):
        return [effect.key for effect in self.effects]


GATED = {"gate": Gate(require=("2 of @team",))}
TIMED = {"gate": Gate(require=("2 of @team",), deadline=Deadline(after=timedelta(hours=2), remind=timedelta(hours=1)))}


def test_a_cycle_in_peace():
    """Triggered, leased, run, reviewed, run, done; and the lease is given back."""
    life = Life(GATED, {"takes": {"x": "s0.out"}, "with": {"lr": 1}})
    assert life.doing() == ["take"]
    life.begin()
    assert life.effects[0].order.last == {"out": "old"}
    life.done(out="here")
    assert life.cycle.state is State.IN_REVIEW
    assert life.doing() == ["ask c-000001/s0/1"]
    assert decision(life.cycle).unmet == "2 more of @team"
    life.review(ALICE)
    life.review(BOB)
    assert life.doing() == ["start c-000001/s1/1"]
    assert decision(life.cycle) is None
    assert life.effects[0].order.given == {"lr": 1, "x": "here"}
    assert life.effects[0].order.token == 1
    life.done()
    assert life.cycle.state is State.DONE
    assert life.effects == (ReleaseLease(cycle="c-000001", target="p", token=1),)


def test_the_target_may_be_somebody_elses():
    """`skip` ends the cycle; a doubled answer about the lease is an echo."""
    life = Life({})
    assert life(LeaseRefused, holder="c-000007") is None
    assert life.cycle.reason == "c-000007 already works on p"
    held = Life({})
    held(Held)
    held.begin()
    assert held.cycle.state is State.QUEUED
    assert held(LeaseGranted, token=2).echo
    assert held(LeaseRefused, holder="c-000007").echo


def test_a_failed_run_is_tried_again_later_and_later():
    """Twice the wait each time, half as much more by chance, and then a person is asked."""
    life = Life({"retry": Retry(times=2, backoff=timedelta(seconds=10))}).begin()
    waits = []
    for chance in (0.0, 0.5):
        life.fails(chance=chance)
        waits.append((life.effects[0].at - life.at).total_seconds())
    assert waits == [10, 25]
    assert life.cycle.run.due == life.effects[0].at
    life.fails()
    assert (life.cycle.state, life.effects) == (State.FAILED, ())
    assert life.cycle.reason == "it broke (here): mend it"
    assert life.review(about="0" * 64).why == "c-000001 failed at s0: rerun or cancel it"


def test_what_is_not_retryable_is_not_retried():
    """A failure may say that trying again is of no use."""
    life = Life({"retry": Retry(times=2)}).begin()
    life.fails(Failure(what="never", retryable=False))
    assert life.cycle.state is State.FAILED


@pytest.mark.parametrize("stage", [0, 1])
def test_nothing_to_do_is_no_failure(stage):
    """At whatever stage: the cycle ends as skipped with the reason, gives its lease back, and tries nothing again."""
    life = Life({}, {"retry": Retry(times=2)}).begin()
    if stage:
        life.done()
    life.fails(Failure(what="no row is new", skip=True))
    assert (life.cycle.state, life.cycle.reason) == (State.SKIPPED, "no row is new")
    assert life.effects == (ReleaseLease(cycle="c-000001", target="p", token=1),)
    assert life.cycle.run.shown == "skipped"
    assert "start another" in life(RerunAsked).why


def test_nothing_to_do_waits_for_a_hold_and_gives_way_to_a_rerun():
    """A held cycle is not ended; whoever asked for a rerun or an end before it was known gets that."""
    life = Life({}).begin()
    life(Held)
    life.fails(Failure(what="no row is new", skip=True))
    assert (life.cycle.state, life.effects) == (State.RUNNING, ())
    life(RerunAsked)
    life(Unheld)
    assert (life.cycle.state, life.cycle.held) == (State.SKIPPED, None)
    asked = Life({}).begin()
    asked(RerunAsked, stage="s0")
    asked.fails(Failure(what="no row is new", skip=True))
    assert asked.doing() == ["start c-000001/s0/2"]


def test_how_a_run_is_called():
    """`wanted` is our word; people see what it does."""
    life = Life({}, {}).begin()
    assert life.cycle.run.shown == "running"
    life.done()
    assert life.cycle.runs[0].shown == "done"
    life.fails()
    assert life.cycle.run.shown == "failed"


def test_a_failed_cycle_queues_again():
    """A rerun from failed takes the lease anew, and may go back and change parameters, also of another stage."""
    life = Life({}, {}).begin()
    life.done()
    life.fails()
    assert life(RerunAsked, stage="s0", changes={"lr": "2", "s1.epochs": "3"}) is None
    assert life.effects == (TakeLease(cycle="c-000001", target="p", overlap="queue"),)
    assert (life.cycle.state, life.cycle.token, life.cycle.reason) == (State.QUEUED, None, "")
    life(LeaseGranted, token=5)
    assert life.doing() == ["start c-000001/s0/2"]
    assert life.cycle.params == {"s0": {"lr": "2"}, "s1": {"epochs": "3"}}


def test_a_failed_cycle_may_be_given_up():
    """Cancelled without a run to stop."""
    life = Life({}).begin()
    life.fails()
    life(CancelAsked, reason="enough")
    assert (life.cycle.state, life.cycle.reason) == (State.CANCELLED, "bob: enough")


def test_what_runs_is_stopped_first():
    """A cancellation or rerun waits for the run to end, whatever it ends with."""
    life = Life(GATED).begin()
    life(RerunAsked)
    assert life.doing() == ["stop c-000001/s0/1"]
    assert isinstance(life.effects[0], StopRun)
    life.done()
    assert life.doing() == ["start c-000001/s0/2"]
    life(RerunAsked)
    life(CancelAsked, reason="enough")
    assert life(RerunAsked).why == "c-000001 is being cancelled"
    life.fails()
    assert life.cycle.state is State.CANCELLED


def test_a_rerun_waits_for_a_hold_and_a_cancellation_does_not():
    """Held after the rerun was asked for: nothing starts, neither when the run ends nor while it still runs."""
    life = Life({}).begin()
    life(RerunAsked)
    life(Held, reason="wait")
    assert life.cycle.held == "bob: wait"
    life(Unheld)
    assert life.effects == ()
    life(Held)
    life.fails()
    assert (life.cycle.state, life.effects) == (State.RUNNING, ())
    assert life(RerunAsked).why == "c-000001 is held (bob): `/unhold` it first"
    life(Unheld)
    assert life.doing() == ["start c-000001/s0/2"]
    life(Held)
    life(CancelAsked, reason="enough")
    life.fails()
    assert life.cycle.state is State.CANCELLED


def test_a_held_cycle_stays_where_it_is():
    """In the queue, between stages, after a failure and at a gate; and goes on from there."""
    life = Life({}, {"retry": Retry(times=1)}, {"gate": Gate(require=("must alice",))})
    life(Held)
    assert life(Held).why == "c-000001 is held already: bob"
    life.begin()
    life(Unheld)
    assert life.cycle.state is State.RUNNING
    assert life(Unheld).why == "c-000001 is not held"
    life(Held)
    life.done()
    assert life.effects == ()
    life(Unheld)
    assert life.doing() == ["start c-000001/s1/1"]
    life(Held)
    life.fails()
    assert life.effects == ()
    life(Unheld)
    assert life.doing() == ["start c-000001/s1/2"]
    life.done()
    life.done()
    life(Held)
    life.review()
    assert life.cycle.state is State.IN_REVIEW
    life(Unheld)
    assert life.cycle.state is State.DONE


def test_a_rerun_goes_back_only():
    """To a stage that was reached; the stages after it are forgotten, their approvals too."""
    life = Life(GATED, GATED, {}).begin()
    life.done()
    assert life(RerunAsked, stage="s1").why == "s1 can't be rerun: c-000001 has reached s0"
    life.review(ALICE)
    life.review(BOB)
    life.done()
    life.review(ALICE)
    life(RerunAsked, stage="s0")
    assert [run.id for run in life.cycle.runs] == ["c-000001/s0/2"]
    assert life.cycle.opening is None


def test_a_rerun_that_builds_on_what_was_there_counts_only_while_it_is():
    """Two who add to the same parameter at one moment: the second must look again, or it would undo the first's."""
    life = Life(GATED, {}).begin()
    life.done()
    seen = life.cycle.seq
    assert life(RerunAsked, changes={"words": "a"}, onto=seen) is None
    late = life(RerunAsked, changes={"words": "b"}, onto=seen)
    assert (late.why, late.again) == ("c-000001 has changed meanwhile: look again", True)
    assert life(RerunAsked, changes={"words": "a b"}, onto=life.cycle.seq) is None


def test_a_change_is_a_rerun_with_other_parameters():
    """Whoever may approve may also ask for a change."""
    life = Life(GATED).begin()
    life.done()
    life.review(verdict="change", changes={"lr": "3"})
    assert life.doing() == ["start c-000001/s0/2"]
    assert life.effects[0].order.given == {"lr": "3"}


def test_a_reject_ends_it():
    """With who and why."""
    life = Life(GATED).begin()
    life.done()
    life.review(BOB, "reject", reason="worse")
    assert (life.cycle.state, life.cycle.reason) == (State.REJECTED, "bob says reject: worse")


def test_a_review_is_about_one_digest():
    """Another digest, too few characters of it, none, or a rerun in between: stale. Eight characters are enough."""
    life = Life(GATED).begin()
    life.done()
    digest = life.cycle.opening.digest
    for about in ("f" * 64, digest[:7], ""):
        assert life.review(about=about).why.startswith("stale: it is about")
    assert life.review(about=digest[:8].upper()) is None
    life(RerunAsked)
    life.done()
    assert life.review(about=digest).why.startswith("stale")
    assert life.cycle.opening.reviews == ()


def test_a_review_is_not_older_than_the_gate():
    """Nor than the verdict of the same person that stands."""
    life = Life(GATED).begin()
    life.done()
    assert life.review(back=100).why == "it is older than the opening of the gate of c-000001/s0/1"
    life(Held)
    life.review(verdict="reject")
    assert life.review(back=2).why == "a newer review of alice stands"
    life(Unheld)
    assert life.cycle.state is State.REJECTED


def test_a_review_that_cannot_be_judged_may_come_again():
    """Where the list can't be read, the answer is not final."""
    life = Life(GATED).begin()
    life.done()
    refused = life.review(roster=AWAY)
    assert (refused.again, refused.echo) == (True, False)
    refused = life.review(by=Person(id="t:eve", login="eve"))
    assert (refused.again, refused.echo) == (False, False)


def test_a_verdict_may_be_taken_back():
    """Then it doesn't count; who has given none has none to take back, nor one that is newer."""
    life = Life(GATED).begin()
    life.done()
    life.review(ALICE)
    assert life(ReviewWithdrawn, by=BOB).why == "bob has given no review of this gate"
    early = ReviewWithdrawn(at=START, id="early", by=ALICE)
    assert isinstance(advance(life.cycle, early), NotNow)
    life(ReviewWithdrawn, by=ALICE)
    life.review(BOB)
    assert life.cycle.state is State.IN_REVIEW


def test_people_come_and_go():
    """A list that was read again may open the gate or void an approval; the same list again is an echo."""
    life = Life(GATED).begin()
    life.done()
    life.review(ALICE)
    assert life(RosterRead, roster=TEAM).echo
    life(RosterRead, roster=Roster(members={"@team": ("t:bob",)}))
    life.review(BOB, roster=Roster(members={"@team": ("t:bob", "t:carol")}))
    assert life.cycle.state is State.IN_REVIEW
    life(RosterRead, roster=TEAM)
    assert life.cycle.state is State.DONE


def test_a_policy_brings_no_list():
    """The list that was read for a person stays when a policy or terminal answers."""
    life = Life({"gate": Gate(require=("must alice",), policy="better")}).begin()
    life.done()
    life.review(ALICE)
    life.review(Person(id="policy:better", login="better"), authority="policy", roster=Roster())
    assert life.cycle.state is State.DONE


def test_a_reminder_comes_again_and_again():
    """Each once, and each asks the reviewers anew."""
    life = Life(TIMED).begin()
    life.done()
    assert {type(effect) for effect in life.effects} == {AskReview, Wake}
    assert [(effect.purpose, effect.at - life.at) for effect in life.effects[1:]] == [
        ("deadline", timedelta(hours=2)),
        ("remind", timedelta(hours=1)),
    ]
    life(TimePassed, run="c-000001/s0/1", purpose="remind", number=0)
    assert life.doing() == ["ask c-000001/s0/1", "wake c-000001/s0/1 remind 1"]
    assert life(TimePassed, run="c-000001/s0/1", purpose="remind", number=0).echo
    assert life(TimePassed, run="c-000001/s0/9", purpose="remind", number=0).echo
    assert life.cycle.opening.reminders == 1


@pytest.mark.parametrize("then", ["hold", "reject"])
def test_a_deadline_never_approves(then):
    """It holds, once, or rejects, and says what was missing."""
    gate = Gate(require=("2 of @team",), deadline=Deadline(after=timedelta(hours=2), then=then))
    life = Life({"gate": gate}).begin()
    life.done()
    life.review(ALICE)
    life(TimePassed, run="c-000001/s0/1", purpose="deadline")
    why = "nobody closed the gate of s0 in time: 1 more of @team"
    if then == "reject":
        assert (life.cycle.state, life.cycle.reason) == (State.REJECTED, why)
        return
    assert (life.cycle.state, life.cycle.held) == (State.IN_REVIEW, why)
    life.review(BOB)
    life(Unheld)
    assert life.cycle.state is State.DONE
    assert life(TimePassed, run="c-000001/s0/1", purpose="deadline").echo


def test_a_deadline_that_passed_is_passed():
    """Lifted, the hold does not come back by itself; a hold of a person keeps its own reason."""
    life = Life(TIMED).begin()
    life.done()
    life(Held, reason="mine")
    life(TimePassed, run="c-000001/s0/1", purpose="deadline")
    assert life.cycle.held == "bob: mine"
    life(Unheld)
    assert life(TimePassed, run="c-000001/s0/1", purpose="deadline").echo
    assert life.cycle.held is None


def test_a_run_ends_once():
    """Another run's end, and a second end, are echoes."""
    life = Life({}, {}).begin()
    assert life.done("c-000001/s0/7").echo
    life.done()
    assert life.done("c-000001/s0/1").echo


def test_after_the_end_there_is_nothing():
    """But what was said is kept."""
    life = Life({}).begin()
    life.done()
    assert life.cycle.state.ended
    why = life(Held).why
    assert why == "c-000001 is done: start another with `ratchet trigger p`"
    assert life(Refused, said="/hold", why=why) is None
    assert life.effects == ()


def test_before_the_beginning_there_is_nothing():
    """Only a trigger begins; a second one is an echo, and to speak without a gate is not."""
    assert advance(None, Unheld(at=START, id="x", by=BOB)).why == "there is no such cycle"
    life = Life({})
    assert life.begin()(Triggered, cycle="c-000001", pipeline=life.cycle.pipeline, trigger=Trigger.API).echo
    refused = life.review(about="0" * 64)
    assert (refused.why, refused.echo) == ("c-000001 is running at s0, and no gate is open", False)
    assert decision(life.cycle) is None


def test_a_cycle_that_ends_in_the_queue_wakes_the_queue():
    """It owns no lease, and still whoever queues behind it must ask again."""
    life = Life({})
    life(CancelAsked, reason="enough")
    assert life.effects == (ReleaseLease(cycle="c-000001", target="p", token=0),)


def test_every_edge_leads_somewhere_and_none_leaves_an_ending():
    """But to itself, to keep what was said; queued is born, never entered but by a rerun."""
    for (state, event), edge in EDGES.items():
        assert edge.to
        if state.ended:
            assert edge.to == {state}, event
    entered = {state for edge in EDGES.values() for state in edge.to}
    assert entered == set(State)


def test_effects_end_with_their_event():
    """Which effects an event is the end of."""
    done = RunFinished(at=START, run="c-000001/s0/1", outcome=NO)
    assert settled(done) == ("start c-000001/s0/1", "stop c-000001/s0/1")
    assert settled(LeaseGranted(at=START, token=1)) == ("take",)
    assert settled(TimePassed(at=START, run="r", purpose="remind", number=2)) == ("wake r remind 2",)
    assert settled(Unheld(at=START, id="x", by=BOB)) == ()
    assert StartRun.model_fields


def test_what_was_agreed_is_not_changed_on_the_way_to_its_effect():
    """While the last stage runs its values stand; they may change from the stage that is reviewed again."""
    life = Life({"gate": Gate(require=("1 of alice",))}, {}).begin()
    life.done()
    life.review()
    assert life.cycle.stage.name == "s1"
    assert "rerun from=s0" in life(RerunAsked, stage="s1", changes={"share": "1"}).why
    assert life(RerunAsked, stage="s1") is None
    assert life(RerunAsked, stage="s0", changes={"s1.share": "1"}) is None
