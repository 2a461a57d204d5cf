"""The laws of the fold, on walks that nobody thought of. Who is eligible is modelled anew, not asked of the gate."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orchestrator.core.course import Folded
from orchestrator.core.effects import AskReview, ReleaseLease, StartRun, StopRun, TakeLease, Wake
from orchestrator.core.events import (
    CancelAsked,
    Erased,
    Held,
    LeaseGranted,
    LeaseRefused,
    Refused,
    RerunAsked,
    ReviewGiven,
    ReviewWithdrawn,
    RolledBack,
    RosterRead,
    RunFinished,
    TimePassed,
    Triggered,
    Unheld,
)
from orchestrator.core.gate import Deadline, Gate, Person, Review, Roster
from orchestrator.core.machine import EDGES, NotNow, advance
from orchestrator.core.model import Cycle, Pipeline, Retry, Stage, State, Trigger
from orchestrator.core.report import Failure, Product, Report, digest_of
from orchestrator.rows import EFFECT, EVENT, body_of

NAMES = ("alice", "bob", "carol", "dave")
PEOPLE = {name: Person(id=f"t:{name}", login=name) for name in NAMES}
TEAM = ("t:alice", "t:bob", "t:carol")
SOON = timedelta(seconds=5)
GATES = [
    None,
    Gate(require=("1 of @team",)),
    Gate(require=("2 of @team", "must alice"), not_initiator=True),
    Gate(require=("2 of @team", "not_initiator"), deadline=Deadline(after=SOON, remind=SOON, then="reject")),
    Gate(policy="better"),
    Gate(policy="better", otherwise=("2 of @team",), deadline=Deadline(after=SOON)),
    Gate(require=("must bob",), policy="better", otherwise=("1 of @team",)),
    Gate(require=("3 of @anyone",)),
]
ROSTERS = [
    Roster(),
    Roster(members={"@team": TEAM, "alice": ("t:alice",), "bob": ("t:bob",)}),
    Roster(members={"@team": TEAM[:1], "alice": ("t:alice",), "bob": ("t:bob",)}),
    Roster(members={"alice": ("t:alice",)}, unreadable={"@team": "the server is away"}),
    Roster(members={"@anyone": ("t:alice", "t:dave", "t:bob")}, uncounted=("@anyone",)),
]
ERASED = {"reason": "she asked", "rows": 3, "cycles": {"c-000001": 3}, "models": [{"run": "c-000001/s1/1", "rows": 3}]}
STAGES = st.builds(lambda gate, times: (gate, times), st.sampled_from(GATES), st.integers(0, 2))


def eligible(clause, roster, barred):
    """Ids that may fill the clause; nobody where the list can't be read."""
    return set() if clause.who in roster.unreadable else set(roster.members.get(clause.who, ())) - {barred}


def met(clauses, approving, roster, barred):
    """Whether enough distinct, eligible people approve, clause by clause."""
    seats = [clause for clause in clauses if clause.kind != "not_initiator"]
    return bool(seats) and all(len(approving & eligible(one, roster, barred)) >= one.count for one in seats)


def agreed(gate, reviews, roster, initiator, attended):
    """Whether these reviews open the way."""
    barred = initiator.id if initiator and gate.bars_initiator else None
    asked = set().union(*(eligible(one, roster, barred) for one in (*gate.require, *gate.otherwise) if one.who), set())
    people = [one for one in reviews.values() if one.authority == "person" and one.by.id in asked]
    terminal = [one for one in reviews.values() if one.authority == "terminal" and attended]
    policy = [one for one in reviews.values() if one.authority == "policy" and one.by.id == f"policy:{gate.policy}"]
    if any(one.verdict != "approve" for one in (*people, *terminal)):
        return False
    if terminal:
        return True
    approving = {one.by.id for one in people}
    first = met(gate.require, approving, roster, barred) or not any(one.who for one in gate.require)
    if gate.policy is None:
        return first
    return first and (any(one.verdict == "approve" for one in policy) or met(gate.otherwise, approving, roster, barred))


class Walk(RuleBasedStateMachine):
    """One cycle, and everything that might be said to it."""

    @initialize(
        stages=st.lists(STAGES, min_size=1, max_size=3),
        initiator=st.sampled_from([None, PEOPLE["alice"], PEOPLE["dave"]]),
        attended=st.booleans(),
    )
    def begin(self, stages, initiator, attended):
        made = [
            Stage(
                name=f"s{n}", step="a:b", gate=gate, retry=Retry(times=times), takes={"x": f"s{n - 1}.out"} if n else {}
            )
            for n, (gate, times) in enumerate(stages)
        ]
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.count = 0
        self.begun: list[str] = []
        self.open: set[str] = set()
        self.closed: dict[str, str] = {}
        self.reviews: dict[str, Review] = {}
        self.token = 0
        self.cycle: Cycle = None
        self.events: list = []
        pipeline = Pipeline(name="p", stages=tuple(made))
        about = {"initiator": initiator, "attended": attended}
        self.submit(Triggered(at=self.tick(), cycle="c-000001", pipeline=pipeline, trigger=Trigger.API, **about))

    def tick(self):
        self.now += timedelta(seconds=1)
        return self.now

    def name(self):
        self.count += 1
        return f"said {self.count}"

    def submit(self, event):
        """Fold, and look at everything that must hold of one step."""
        before = self.cycle
        text = before.model_dump_json() if before else ""
        folded = advance(before, event)
        assert folded == advance(before, EVENT.validate_json(event.model_dump_json()))
        assert (before.model_dump_json() if before else "") == text, "the fold changed what it was given"
        if isinstance(folded, NotNow):
            assert folded.why
            return
        self.cycle = folded.cycle
        self.events.append(event)
        again = advance(self.cycle, event)
        assert isinstance(again, NotNow), f"{event.kind} was folded twice"
        assert again.echo
        if before is not None:
            assert self.cycle.seq == before.seq + 1
            assert self.cycle.state in EDGES[before.state, type(event)].to
        self.note(before, event)
        self.effects(before, folded)

    def note(self, before, event):
        """Keep the reviews of the gate that is open, and which gates have closed."""
        if isinstance(event, RunFinished):
            self.open.discard(event.run)
        opening = before.opening if before else None
        if opening is None:
            self.reviews = {}
            return
        if isinstance(event, ReviewGiven):
            review = event.review
            assert len(review.about) >= 8
            assert opening.digest.startswith(review.about)
            assert review.at >= opening.at
            self.reviews[review.by.id] = review
        if isinstance(event, ReviewWithdrawn):
            del self.reviews[event.by.id]
        roster = opening.roster
        if isinstance(event, RosterRead) or (isinstance(event, ReviewGiven) and event.review.authority == "person"):
            roster = event.roster
        after, gate = self.cycle, before.stage.gate
        if after.position > before.position or after.state is State.DONE:
            assert agreed(gate, self.reviews, roster, before.initiator, before.attended), "the gate was not agreed on"
            self.closed[opening.run] = opening.digest
        elif after.state is State.IN_REVIEW and after.held is None and not isinstance(event, ReviewWithdrawn):
            assert not agreed(gate, self.reviews, roster, before.initiator, before.attended), "it was, and stays shut"
        if after.opening is None or after.opening.run != opening.run:
            self.reviews = {}

    def effects(self, before, folded):
        """What the step wants done may be done."""
        cycle = folded.cycle
        for effect in folded.effects:
            assert EFFECT.validate_json(effect.model_dump_json()) == effect
            assert effect.key
            match effect:
                case StartRun(order=order):
                    assert cycle.held is None
                    assert order.run not in self.begun
                    assert not self.open, "another run is wanted"
                    self.gates_before(cycle, order.run.split("/")[1])
                    self.begun.append(order.run)
                    self.open.add(order.run)
                    assert order.token == self.token == cycle.token
                case StopRun(order=order):
                    assert order.run in self.open
                case AskReview() | Wake():
                    assert cycle.opening is not None
                case TakeLease():
                    assert cycle.state is State.QUEUED
                    assert cycle.token is None
                case ReleaseLease():
                    assert cycle.state.ended
        ended_now = cycle.state.ended and not (before is not None and before.state.ended)
        assert ended_now == any(isinstance(effect, ReleaseLease) for effect in folded.effects)
        if cycle.state.ended:
            assert not self.open, "it ended while a run was wanted"

    def gates_before(self, cycle, stage):
        """Every gate before the stage has closed on the digest that stands there now."""
        for run in cycle.runs[: cycle.pipeline.index(stage)]:
            if cycle.pipeline.stages[cycle.pipeline.index(run.stage)].gate is not None:
                assert self.closed.get(run.id) == run.digest
            assert run.state == "done"

    # What might be said

    @rule()
    def grant(self):
        if self.cycle.state is State.QUEUED and self.cycle.token is None:
            self.token += 1
        self.submit(LeaseGranted(at=self.tick(), token=max(self.token, 1)))

    @rule()
    @precondition(lambda self: self.cycle.state in {State.QUEUED, State.RUNNING} and self.cycle.seq > 2)
    def refuse_lease(self):
        self.submit(LeaseRefused(at=self.tick(), holder="c-000009"))

    @rule(ends=st.sampled_from(["product", "product", "product", "failure", "fatal", "nothing"]), data=st.data())
    def finish(self, ends, data):
        run = data.draw(st.sampled_from([*self.open, *self.open, *self.begun, "c-000001/s0/99"]))
        fresh = run in self.open
        outcome = Failure(what="no", retryable=ends in {"failure", "nothing"}, skip=ends == "nothing")
        if ends == "product":
            outcome = Product(outputs={"out": run}, report=Report(summary="yes"))
        before = self.cycle
        self.submit(RunFinished(at=self.tick(), run=run, outcome=outcome, chance=0.5))
        assert (self.cycle is before) == (not fresh)
        if fresh and ends == "nothing" and before.held is None and before.following is None:
            assert self.cycle.state is State.SKIPPED

    @rule(
        who=st.sampled_from(NAMES),
        verdict=st.sampled_from(["approve"] * 6 + ["reject", "change"]),
        about=st.sampled_from(["all", "all", "all", "eight", "seven", "old"]),
        back=st.sampled_from([0, 0, 0, 0, 3, 1000]),
        authority=st.sampled_from(["person"] * 5 + ["policy", "terminal"]),
        roster=st.sampled_from([*ROSTERS, *ROSTERS[1:2] * 4]),
    )
    def review(self, who, verdict, about, back, authority, roster):
        opening = self.cycle.opening
        digest = opening.digest if opening else "a" * 64
        text = {
            "all": digest,
            "eight": digest[:8],
            "seven": digest[:7],
            "old": digest_of("x", Report(summary="x"), ()),
        }[about]
        by = Person(id="policy:better", login="better") if authority == "policy" else PEOPLE[who]
        at = self.tick() - timedelta(seconds=back)
        review = Review(id=self.name(), by=by, verdict=verdict, about=text, at=at, authority=authority)
        self.submit(ReviewGiven(at=self.now, review=review, roster=roster if authority == "person" else Roster()))

    @rule(who=st.sampled_from(NAMES), back=st.sampled_from([0, 0, 2]))
    def withdraw(self, who, back):
        at = self.tick() - timedelta(seconds=back)
        self.submit(ReviewWithdrawn(at=at, id=self.name(), by=PEOPLE[who]))

    @rule(roster=st.sampled_from(ROSTERS))
    def read_roster(self, roster):
        self.submit(RosterRead(at=self.tick(), roster=roster))

    @rule(purpose=st.sampled_from(["remind", "deadline"]), number=st.integers(0, 2))
    def time_passes(self, purpose, number):
        run = self.begun[-1] if self.begun else "c-000001/s0/1"
        self.submit(TimePassed(at=self.tick(), run=run, purpose=purpose, number=number))

    @rule(reason=st.sampled_from(["", "wait"]))
    def hold(self, reason):
        self.submit(Held(at=self.tick(), id=self.name(), by=PEOPLE["bob"], reason=reason))

    @rule()
    def unhold(self):
        self.submit(Unheld(at=self.tick(), id=self.name(), by=PEOPLE["bob"]))

    @rule(
        stage=st.sampled_from(["", "s0", "s1", "s2", "nowhere"]),
        changes=st.sampled_from([{}, {"lr": "1"}, {"s0.lr": "2"}]),
    )
    def rerun(self, stage, changes):
        self.submit(RerunAsked(at=self.tick(), id=self.name(), by=PEOPLE["dave"], stage=stage, changes=changes))

    @rule()
    @precondition(lambda self: self.cycle.seq > 6)
    def cancel(self):
        self.submit(CancelAsked(at=self.tick(), id=self.name(), by=PEOPLE["dave"], reason="enough"))

    @rule(
        more=st.sampled_from(
            [(Refused, {"said": "?", "why": "no"}), (RolledBack, {"version": "2", "was": "3"}), (Erased, ERASED)]
        )
    )
    def only_record(self, more):
        before = self.cycle
        self.submit(more[0](at=self.tick(), id=self.name(), by=PEOPLE["dave"], **more[1]))
        kept = {"seq", "heard", "changed_at"}
        assert self.cycle.model_dump(exclude=kept) == before.model_dump(exclude=kept)

    @rule(data=st.data())
    def echo(self, data):
        """Whatever people said is known when it comes again, at any time."""
        said = [one for one in self.events if getattr(one, "id", "") or isinstance(one, ReviewGiven)]
        if said:
            again = advance(self.cycle, data.draw(st.sampled_from(said)))
            assert isinstance(again, NotNow)
            assert again.echo

    @invariant()
    def replays(self):
        """Folding the events again, as they are stored, gives the cycle, and the cycle survives being stored."""
        cycle = None
        for event in self.events:
            folded = advance(cycle, EVENT.validate_json(event.model_dump_json()))
            assert isinstance(folded, Folded)
            cycle = folded.cycle
        assert cycle == self.cycle
        assert Cycle.model_validate_json(cycle.model_dump_json()) == cycle
        assert body_of(cycle)

    @invariant()
    def has_one_run_at_most(self):
        wanted = [run.id for run in self.cycle.runs if run.state == "wanted"]
        assert set(wanted) == self.open
        assert len(wanted) <= 1
        assert (self.cycle.opening is not None) == (self.cycle.state is State.IN_REVIEW)


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
