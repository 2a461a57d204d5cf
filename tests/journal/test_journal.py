"""The record under many hands: each event once, each effect once, one number a cycle, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pages import NOW, PIPELINE, Book, cancelled, finished, granted, held, unheld

from orchestrator.audit import verify
from orchestrator.commits import Commits
from orchestrator.core.machine import NotNow, advance
from orchestrator.journal import Committed, Entry, Journal
from orchestrator.schema import EFFECTS
from orchestrator.store import Unavailable


def errors_of(store):
    """What the driver raises when the connection dies."""
    return store.database.dialect.loaded_dbapi.OperationalError


def test_numbers_follow_one_another(book):
    """Cycles are numbered from 1; reading gives the newest first, a page at a time."""
    made = [book.create()[0].cycle.id for _ in range(3)]
    assert made == ["c-000001", "c-000002", "c-000003"]
    assert [cycle.id for cycle in book.journal.cycles(limit=2)] == ["c-000003", "c-000002"]
    assert [cycle.id for cycle in book.journal.cycles("p", before=2)] == ["c-000001"]
    assert book.journal.cycles("other") == []
    assert book.journal.cycle("c-000001").pipeline == PIPELINE


def test_an_unknown_cycle_is_a_key_error(book):
    """To read it and to write in it; and what was in the same transaction is not written either."""
    book.create()
    with pytest.raises(KeyError):
        book.journal.cycle("c-000009")
    with pytest.raises(KeyError):
        book.commit([Entry("c-000001", held()), Entry("c-000009", held())])
    assert book.journal.cycle("c-000001").held is None


def test_the_same_key_is_the_same_cycle(book, opened):
    """However often, from whichever process, also when it has ended."""
    first, new = book.create(key="monday")
    other = Book(Journal(opened(), owner="two"))
    again, newer = other.create(key="monday")
    assert (new, newer) == (True, False)
    assert again.cycle == first.cycle
    assert again.claimed == ()
    book.walk("c-000001", cancelled())
    assert other.create(key="monday")[0].cycle.state.ended
    assert other.create(key="tuesday")[1]


def test_many_creators_get_a_number_each(opened):
    """Eight processes' worth of journals, forty cycles, no number twice and none left out; four share a key."""
    books = [Book(Journal(opened(), owner=f"e{n}")) for n in range(8)]

    def create(number):
        return books[number % 8].create(key="shared" if number % 10 == 0 else None)[0].cycle.id

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(create, range(40)))
    assert sorted(set(made)) == [f"c-{n + 1:06d}" for n in range(37)]
    assert list(verify(books[0].journal.store)) == []


def test_a_stale_reader_folds_again(book, opened):
    """What another engine wrote is seen before anything is written on top of it."""
    other = Book(Journal(opened(), owner="two"))
    book.create()
    assert isinstance(other.write("c-000001", held()), Committed)
    refused = book.write("c-000001", held())
    assert isinstance(refused, NotNow)
    assert "held already" in refused.why
    assert book.journal.cycle("c-000001").seq == 2


def test_what_a_transaction_refuses_changes_nothing(book):
    """Neither the cycle, nor its events, nor the effects of others in the same transaction."""
    book.create()
    before = book.journal.cycle("c-000001")
    answers = book.commit([Entry("c-000001", unheld()), Entry("c-000001", finished("c-000001/a/9"))])
    assert [type(answer) for answer in answers] == [NotNow, NotNow]
    assert book.journal.cycle("c-000001") == before
    assert [one.event.kind for one in book.journal.events("c-000001")] == ["triggered"]


def test_an_effect_ends_with_its_event(book):
    """A run's end strikes out its start; a cycle's end strikes out everything but what it still owes."""
    book.create()
    granting = book.write("c-000001", granted())
    assert [one.effect.key for one in granting.claimed] == ["start c-000001/a/1"]
    ending = book.write("c-000001", finished("c-000001/a/1"))
    assert [one.effect.key for one in ending.claimed] == ["ask c-000001/a/1"]
    assert [one.effect.key for one in book.claim()] == ["ask c-000001/a/1"]
    ending = book.write("c-000001", cancelled())
    owed = [one.effect.key for one in ending.claimed]
    assert owed == ["release c-000001 1"]
    assert [one.effect.key for one in book.claim()] == owed
    book.write("c-000001", cancelled().model_copy(update={"id": "late"}))
    assert [one.effect.key for one in book.claim()] == owed


def test_a_late_word_does_not_drop_what_is_owed(book):
    """Something is kept on the record of a cycle that has ended: its lease is still given back."""
    from orchestrator.core.events import Refused

    book.create()
    book.walk("c-000001", granted(), finished("c-000001/a/1"), cancelled())
    said = Refused(at=NOW, id="late", by=cancelled().by, said="/approve", why="it is over")
    book.walk("c-000001", said)
    assert [one.effect.key for one in book.claim()] == ["release c-000001 1"]


def test_one_effect_for_one_key(book):
    """A second stop of the same run is the same effect."""
    book.create()
    book.walk("c-000001", granted())
    first = book.write("c-000001", cancelled())
    assert [one.effect.key for one in first.claimed] == ["stop c-000001/a/1"]
    assert book.write("c-000001", cancelled()).claimed == ()


def test_an_entry_without_event_just_strikes_out(book):
    """An effect that needs no event to be done."""
    claimed = book.create()[0].claimed[0]
    assert book.commit([Entry("c-000001", done=claimed.id)])[0].echo
    assert book.claim() == []


def test_the_report_of_a_run(book):
    """Of one that succeeded; nothing of any other."""
    book.create()
    book.walk("c-000001", granted(), finished("c-000001/a/1"))
    assert book.journal.report("c-000001/a/1").summary == "done"
    assert book.journal.report("c-000001/a/2") is None


@pytest.mark.parametrize("point", ["before commit", "after commit"])
def test_a_commit_whose_answer_is_lost_may_be_sent_again(opened, point):
    """Whether it was written or not: afterwards it is there once, and what it wants done is found."""
    store = opened()
    lost = []

    def reach(passed):
        if passed == point and not lost:
            lost.append(passed)
            raise errors_of(store)("server closed the connection unexpectedly")

    book = Book(Journal(store, owner="one"))
    book.create()
    book.journal = Journal(store, owner="one", reach=reach)
    with pytest.raises(Unavailable) as raised:
        book.write("c-000001", granted())
    assert not raised.value.conflict
    answer = book.write("c-000001", granted())
    assert isinstance(answer, Committed if point == "before commit" else NotNow)
    kinds = [one.event.kind for one in book.journal.events("c-000001")]
    assert kinds == ["triggered", "lease_granted"]
    assert [one.effect.key for one in book.claim()] == ["start c-000001/a/1"]
    assert list(verify(store)) == []


def test_many_threads_share_their_commits(opened):
    """Eight threads on each of two engines, two hundred words on four cycles: each is on the record once."""
    books = [Book(Journal(opened(), owner=f"e{n}")) for n in range(2)]
    cycles = [books[0].create()[0].cycle.id for _ in range(4)]
    commits = [Commits(book.commit) for book in books]
    start = threading.Barrier(16)

    def speak(number):
        start.wait()
        for turn in range(25):
            word = held if turn % 2 else unheld
            entry = Entry(cycles[turn % 4], word().model_copy(update={"id": f"{number} {turn}"}))
            for _ in range(2):  # twice: the second is an echo, or refused as the first was
                commits[number % 2].write([entry])

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(speak, range(16)))
    for cycle in cycles:
        said = [one.event.id for one in books[0].journal.events(cycle) if one.seq > 1]
        assert len(said) == len(set(said))
        assert books[1].journal.cycle(cycle).heard == tuple(said)
    assert list(verify(books[0].journal.store)) == []


def test_one_bad_entry_does_not_spoil_its_neighbours():
    """Where a group fails for one of them, each is written for itself."""
    entered, go = threading.Event(), threading.Event()

    def commit(entries):
        entered.set()
        go.wait(60)
        if any(entry.cycle == "bad" for entry in entries):
            raise KeyError("bad")
        return [NotNow(why=entry.cycle) for entry in entries]

    commits = Commits(commit)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(commits.write, [Entry("first")])
        entered.wait(60)
        others = {name: threads.submit(commits.write, [Entry(name), Entry(name)]) for name in ("good", "bad", "fine")}
        go.set()
        assert [answer.why for answer in first.result()] == ["first"]
        assert [answer.why for answer in others["good"].result()] == ["good", "good"]
        assert [answer.why for answer in others["fine"].result()] == ["fine", "fine"]
        with pytest.raises(KeyError):
            others["bad"].result()


def test_a_database_that_stays_away_is_given_up():
    """After a while the caller is told; before that it is tried again."""
    tries = []

    def commit(entries):
        tries.append(len(entries))
        if len(tries) < 3:
            raise Unavailable(OSError("away"))
        return [NotNow(why="ok")]

    assert Commits(commit).write([Entry("a")])[0].why == "ok"
    tries[:] = [0] * -10
    with pytest.raises(Unavailable, match="away"):
        Commits(lambda entries: (_ for _ in ()).throw(Unavailable(OSError("away")))).write([Entry("a")], patience=0)


def test_who_is_told_to_end_leaves_the_others_their_turn():
    """Ctrl-C in the thread that writes for all: the others write again, for themselves."""
    entered, go = threading.Event(), threading.Event()

    def commit(entries):
        if not entered.is_set():
            entered.set()
            go.wait(60)
            raise KeyboardInterrupt
        return [NotNow(why=entry.cycle) for entry in entries]

    commits = Commits(commit)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(commits.write, [Entry("first")])
        entered.wait(60)
        second = threads.submit(commits.write, [Entry("second")])
        go.set()
        with pytest.raises(KeyboardInterrupt):
            first.result()
        assert second.result()[0].why == "second"


WORDS = st.sampled_from(["grant", "finish", "hold", "unhold", "cancel", "again"])


class TwoEngines(RuleBasedStateMachine):
    """Two journals, each with a cache of its own, on one database; one fold in memory says what must come of it."""

    made = Bundle("made")
    opened = None

    @initialize()
    def begin(self):
        for store in [first.journal.store for first in getattr(self, "books", [])]:
            store.close()
        self.books = [Book(Journal(self.opened(), owner=name)) for name in ("one", "two")]
        with self.books[0].journal.store.database.begin() as link:
            for table in ("cycles", "events", "effects", "leases"):
                link.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
        self.model, self.said, self.waiting = {}, {}, {}

    @rule(target=made, who=st.integers(0, 1))
    def create(self, who):
        cycle = self.books[who].create()[0].cycle
        self.model[cycle.id], self.said[cycle.id], self.waiting[cycle.id] = cycle, [], {"take"}
        return cycle.id

    @rule(cycle=made, who=st.integers(0, 1), word=WORDS)
    def speak(self, cycle, who, word):
        run = self.model[cycle].run
        event = {
            "grant": granted, "hold": held, "unhold": unheld, "cancel": cancelled,
            "finish": lambda: finished(run.id if run else f"{cycle}/a/1"),
            "again": lambda: self.said[cycle][-1] if self.said[cycle] else granted(),
        }[word]()  # fmt: skip
        self.check(cycle, event, self.books[who].write(cycle, event))

    @rule(cycles=st.lists(made, min_size=1, max_size=4), who=st.integers(0, 1))
    def speak_at_once(self, cycles, who):
        """Several entries in one transaction, some for the same cycle."""
        entries = [Entry(cycle, held()) for cycle in cycles]
        for entry, answer in zip(entries, self.books[who].commit(entries), strict=True):
            self.check(entry.cycle, entry.event, answer)

    @rule(who=st.integers(0, 1))
    def forget(self, who):
        self.books[who].journal.forget()

    @rule(cycle=consumes(made))
    def leave_alone(self, cycle):
        """Not every cycle is spoken to for ever."""

    def check(self, cycle, event, answer):
        folded = advance(self.model[cycle], event)
        assert isinstance(answer, NotNow) == isinstance(folded, NotNow)
        if not isinstance(folded, NotNow):
            assert answer.cycle == folded.cycle
            assert {one.effect.key for one in answer.claimed} <= {effect.key for effect in folded.effects}
            self.model[cycle] = folded.cycle
            self.said[cycle].append(event)

    @invariant()
    def holds_what_was_said(self):
        if not hasattr(self, "books"):
            return
        store = self.books[0].journal.store
        assert list(verify(store)) == []
        for cycle, model in self.model.items():
            assert self.books[1].journal.cycle(cycle) == model
        with store.database.connect() as link:
            keys = link.execute(EFFECTS.select()).all()
        assert len({(row.cycle, row.key) for row in keys}) == len(keys)


def test_two_engines_write_one_record(opened):
    """Whatever they are told, in whatever order: what they hold true is the fold, and the record is whole."""
    machine = type("Machine", (TwoEngines,), {"opened": staticmethod(opened)})
    run_state_machine_as_test(machine, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))
