"""Claims, leases and the inbox, on both databases: who does what, who owns what, and what happens to the dead."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pages import LONG, PIPELINE, Book, cancelled, finished, granted, micros_of

from orchestrator.core.events import RerunAsked, RunFinished
from orchestrator.core.report import Failure
from orchestrator.journal import Entry, Journal
from orchestrator.outbox import Inbox
from orchestrator.owner import is_dead, me
from orchestrator.rows import micros


@pytest.fixture
def two(opened):
    """Two engines on one database."""
    return [Book(Journal(opened(), owner=name)) for name in ("one", "two")]


def keys(claimed):
    return [one.effect.key for one in claimed]


def test_what_is_claimed_is_done_by_one(two):
    """Born claimed; the other engine gets it when the claim has run out, and counts the tries."""
    one, two = two
    born = one.create()[0].claimed
    assert keys(born) == ["take"]
    assert two.claim() == []
    assert keys(one.claim()) == ["take"], "ours, but not held: the answer to a commit was lost"
    assert one.claim(held=[born[0].id]) == []
    two.at += LONG + timedelta(seconds=1)
    taken = two.claim()
    assert keys(taken) == ["take"]
    assert taken[0].tries >= 1
    assert one.outbox.renew([born[0].id], one.now) == {born[0].id}, "it is no longer ours"


def test_a_claim_that_is_renewed_does_not_run_out(two):
    """Its owner is at work."""
    one, two = two
    born = one.create()[0].claimed[0]
    two.at += LONG + timedelta(seconds=1)
    assert one.outbox.renew([born.id], two.now + 1) == set()
    assert one.outbox.renew([], 0) == set()
    assert two.claim() == []


def test_who_comes_late_strikes_out_nothing(two):
    """An engine that slept through its claim does not end the effect that another one has now."""
    one, two = two
    born = one.create()[0].claimed[0]
    two.at += LONG + timedelta(seconds=1)
    taken = two.claim()
    one.commit([Entry("c-000001", done=born.id)])
    assert two.outbox.renew([taken[0].id], two.now) == set()
    two.commit([Entry("c-000001", done=taken[0].id)])
    assert one.claim() == []


def test_the_work_of_the_dead_is_taken_over_at_once(opened):
    """An engine whose process is gone has no claim."""
    child = os.fork()
    if not child:
        os._exit(0)
    owner = me().rpartition(":")[0].rpartition(":")[0] + f":{child}:1"
    os.waitpid(child, 0)
    assert is_dead(owner)
    assert not is_dead(me())
    assert not is_dead("another machine:7:7")
    Book(Journal(opened(), owner=owner)).create()
    assert keys(Book(Journal(opened(), owner=me())).claim()) == ["take"]


def test_what_is_put_off_is_due_later(two):
    """By whoever is there then; what a desk without an engine writes belongs to nobody yet."""
    one, two = two
    born = one.create()[0].claimed[0]
    later = one.now + micros_of(LONG)
    one.outbox.postpone(born.id, later)
    assert one.claim() == two.claim() == []
    assert one.outbox.next_due(one.now) == later
    two.at += LONG
    assert keys(two.claim()) == ["take"]
    assert two.outbox.next_due(two.now) is None
    desk = Book(Journal(one.journal.store))
    assert desk.create()[0].claimed == ()
    assert [claimed.cycle for claimed in one.claim(held=[born.id])][-1:] == ["c-000002"]


def test_two_engines_share_what_is_due(two):
    """Each effect goes to one of them, in a race too."""
    desk = Book(Journal(two[0].journal.store))
    for _ in range(30):
        desk.create()
    with ThreadPoolExecutor(2) as threads:
        shares = list(threads.map(lambda book: [claimed.id for claimed in book.claim()], two))
    assert sorted([*shares[0], *shares[1]]) == sorted({*shares[0], *shares[1]})
    assert len(shares[0]) + len(shares[1]) == 30


def test_a_target_has_one_owner(book):
    """The first has it, and has it again; the second is told who; a token grows with every change of owner."""
    for _ in range(2):
        book.create()
    assert book.take("c-000001") == ("c-000001", 1, True)
    assert book.take("c-000001") == ("c-000001", 1, True)
    book.walk("c-000001", granted())
    assert book.take("c-000002") == ("c-000001", 1, False)
    book.outbox.release("p", "c-000002", book.now)
    assert book.take("c-000002")[2] is False
    book.outbox.release("p", "c-000001", book.now)
    assert book.take("c-000002") == ("c-000002", 2, True)
    assert book.take("c-000001", target="elsewhere") == ("c-000001", 1, True)


def test_the_queue_is_in_order(book):
    """Nobody takes a free target before a cycle that queued earlier."""
    for _ in range(3):
        book.create()
    assert book.take("c-000003") == ("c-000001", 0, False)
    book.walk("c-000001", granted())
    assert book.take("c-000001")[2]
    assert book.take("c-000003") == ("c-000001", 0, False)
    book.walk("c-000002", cancelled())
    book.outbox.release("p", "c-000001", book.now)
    assert book.take("c-000003") == ("c-000003", 2, True)


def test_who_waits_is_woken_by_the_release(two):
    """A refused take is put off in the same transaction, and due again the moment the target is free."""
    one, two = two
    one.create()
    waiting = two.create()[0].claimed[0]
    one.take("c-000001")
    one.walk("c-000001", granted())
    later = two.now + micros_of(LONG)
    assert two.take("c-000002", effect=waiting.id, again=later)[2] is False
    assert two.claim() == []
    one.outbox.release("p", "c-000001", one.now)
    assert keys(two.claim(held=[])) == ["take"]


def test_a_lease_runs_out_and_is_kept_by_the_living(book):
    """A cycle in the queue, at work or in review keeps its target; a failed one lets go of it in the end."""
    for _ in range(2):
        book.create()
    book.take("c-000001")
    book.walk("c-000001", granted())
    soon, until = book.now + 2 * micros_of(LONG), book.now + 4 * micros_of(LONG)
    book.outbox.renew_leases(soon, until)
    book.at += LONG * 2
    assert book.take("c-000002")[2] is False
    book.walk("c-000001", RunFinished(at=book.at, run="c-000001/a/1", outcome=Failure(what="no")))
    book.outbox.renew_leases(until * 2, until * 2)
    book.at += LONG * 2
    assert book.take("c-000002") == ("c-000002", 2, True)


def test_a_failed_cycle_that_is_run_again_goes_first(book):
    """It queued before the others; where nobody had the target meanwhile, its token is the same."""
    for _ in range(2):
        book.create()
    book.take("c-000001")
    book.walk("c-000001", granted(), RunFinished(at=book.at, run="c-000001/a/1", outcome=Failure(what="no")))
    book.walk("c-000001", RerunAsked(at=book.at, id="again", by=cancelled().by))
    book.at += LONG * 2
    assert book.take("c-000002")[2] is False
    assert book.take("c-000001") == ("c-000001", 1, True)


def test_the_target_of_an_ended_cycle_is_free(book):
    """Also when whoever should have given it back died before."""
    for _ in range(2):
        book.create()
    book.take("c-000001")
    book.walk("c-000001", granted(), finished("c-000001/a/1"), cancelled())
    assert book.take("c-000002") == ("c-000002", 2, True)


def test_two_takers_of_a_new_target(two):
    """One has it, the other is told who, however close they are."""
    cycles = [book.create(PIPELINE.model_copy(update={"target": "new"}))[0].cycle.id for book in two]
    two[0].walk(cycles[0], cancelled())
    two[1].walk(cycles[1], cancelled())
    with ThreadPoolExecutor(2) as threads:
        leases = list(threads.map(lambda pair: pair[0].take(pair[1], target="new"), zip(two, cycles, strict=True)))
    assert any(lease[2] for lease in leases)  # both have ended, so that either may take over from the other
    assert all(lease[0] in cycles for lease in leases)


def test_what_the_last_cycle_left(book):
    """Outputs by stage of the newest cycle of the target that is done; nothing before there is one."""
    assert book.outbox.last_done("p") == {}
    book.create(PIPELINE.model_copy(update={"stages": PIPELINE.stages[1:]}))
    book.walk("c-000001", granted(), finished("c-000001/b/1"))
    assert book.outbox.last_done("p") == {"b": {"out": "c-000001/b/1"}}


def test_a_delivery_is_stored_once(book, opened):
    """However often it comes and wherever it comes in; and is dealt with in order."""
    inboxes = [Inbox(book.journal.store), Inbox(opened())]
    assert inboxes[0].receive("github", "d1", b"\x00one", 1)
    assert not inboxes[1].receive("github", "d1", b"other", 2)
    assert inboxes[1].receive("gitlab", "d1", b"two", 3)
    waiting = inboxes[0].waiting()
    assert [row[1:] for row in waiting] == [("github", "d1", b"\x00one"), ("gitlab", "d1", b"two")]
    assert len(inboxes[0].waiting(limit=1)) == 1
    inboxes[0].done(4, waiting[0][0])
    assert [row[1] for row in inboxes[1].waiting()] == ["gitlab"]
    assert not inboxes[1].receive("github", "d1", b"late", micros(book.at))
