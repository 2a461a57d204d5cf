"""Notices on real databases, sent to a real server: none is lost, none is said twice, and no secret is told."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

import pytest

from orchestrator import notices as heralds
from orchestrator.core.events import CancelAsked, Held, LeaseGranted, Refused, ReviewGiven, RunFinished, TimePassed
from orchestrator.core.gate import Deadline, Gate, Person, Review, Roster, Verdict
from orchestrator.core.machine import NotNow
from orchestrator.core.model import Pipeline, Stage, Trigger
from orchestrator.core.report import Product, Report
from orchestrator.couriers import couriers
from orchestrator.desk import Desk
from orchestrator.journal import Journal
from orchestrator.notices import Herald, Letter, Notices
from orchestrator.rows import micros
from orchestrator.schema import open_database
from orchestrator.store import Store, Unavailable
from orchestrator.trouble import Trouble
from reviewers.notice import Notice

NOW = datetime(2030, 1, 1, tzinfo=UTC)
BOB = Person(id="t:bob", login="bob")
GATE = Gate(require=("must bob",), deadline=Deadline(after="48h", remind="8h"))
PIPELINE = Pipeline(name="sentiment", stages=(Stage(name="collect", step="x:y", gate=GATE),))
SECRET = "T0KENsecretB0T"  # noqa: S105 - it opens nothing
NOTICE = Notice(key="k", cycle="c-000001", kind="held", level="info", title="t", text="x")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self, at=NOW):
        self.at = at

    def now(self):
        return self.at

    def chance(self):
        return 0.5


class Target:
    """A server that people read their notices from. `answer` is its status; `heard` is called with each request."""

    def __init__(self):
        self.posts, self.answer, self.heard = [], 200, lambda: None
        self._server, self.port = None, 0
        self.open()

    def open(self):
        """Listen, on the same port as before."""
        target = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                target.posts.append((self.path, body))
                target.heard()
                self.send_response(target.answer)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Answers)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        """Be gone: nobody listens."""
        self._server.shutdown()
        self._server.server_close()

    def url(self, kind="json"):
        return f"{kind}://bob:{SECRET}@127.0.0.1:{self.port}/hooks/{SECRET}"

    @property
    def titles(self):
        """What was received as JSON, by title."""
        return [json.loads(body)["title"].partition(": ")[2] for _, body in self.posts]


@pytest.fixture
def target() -> Iterator[Target]:
    one = Target()
    yield one
    one.close()


class Office:
    """One database, people at a desk, and heralds."""

    def __init__(self, url):
        self.url, self.clock, self.stores = url, Hand(), []
        self.desk = Desk(Journal(self.store()), self.clock)

    def store(self):
        self.stores.append(Store(open_database(self.url)))
        return self.stores[-1]

    def herald(self, *urls, owner="one", **more):
        store = self.store()
        return Herald(store, Journal(store), urls, self.clock, owner=owner, **more)

    def trigger(self, pipeline=PIPELINE):
        cycle = self.desk.trigger(pipeline, Trigger.API)[0].id
        self.say(cycle, LeaseGranted(at=self.clock.at, token=1))
        return cycle

    def say(self, cycle, *events):
        for event in events:
            answer = self.desk.submit(cycle, event)
            assert not isinstance(answer, NotNow), answer.why
        return self.desk.journal.cycle(cycle)

    def ask(self):
        """A cycle whose gate is open."""
        cycle = self.trigger()
        product = Product(report=Report(summary="The data are fine."))
        self.say(cycle, RunFinished(at=self.clock.at, run=f"{cycle}/collect/1", outcome=product))
        return cycle

    def remind(self, cycle, number=0):
        self.say(cycle, TimePassed(at=self.clock.at, run=f"{cycle}/collect/1", purpose="remind", number=number))

    def approve(self, cycle):
        about, at = self.desk.journal.cycle(cycle).opening.digest, self.clock.at
        review = Review(id=f"r {cycle}", by=BOB, verdict=Verdict.APPROVE, about=about, at=at)
        self.say(cycle, ReviewGiven(at=at, review=review, roster=Roster(members={"bob": ("t:bob",)})))

    def cancel(self, cycle):
        self.say(cycle, CancelAsked(at=self.clock.at, id=f"x {cycle}", by=BOB, reason="enough"))

    def unsent(self):
        """Keys of everything that waits, whenever it is due."""
        return Notices(self.stores[0]).waiting(2**62)


@pytest.fixture
def office(url) -> Iterator[Office]:
    one = Office(url)
    yield one
    for store in one.stores:
        store.close()


def test_a_gate_a_reminder_and_an_ending_are_told_once_each(office, target):
    """As JSON and as XML; turning again says nothing again."""
    herald = office.herald(target.url(), target.url("xml"), link=lambda cycle: f"https://ratchet.example/{cycle.id}")
    cycle = office.ask()
    herald.turn()
    office.remind(cycle)
    herald.turn()
    office.approve(cycle)
    for _ in range(3):
        herald.turn()
    bodies = [body for _, body in target.posts]
    told = [json.loads(body) for body in bodies if body.startswith("{")]
    assert [one["title"] for one in told] == [
        "sentiment c-000001: collect waits for an answer",
        "sentiment c-000001: collect still waits for an answer (reminder 1)",
        "sentiment c-000001: done",
    ]
    assert [one["type"] for one in told] == ["info", "warning", "success"]
    assert told[0]["message"].startswith("Asked: bob.\nWhat collect found: The data are fine.\n")
    assert told[0]["message"].endswith("\nAnswer here: https://ratchet.example/c-000001")
    read = [ElementTree.fromstring(body) for body in bodies if body.startswith("<")]  # noqa: S314 - of our own making
    assert [one.find(".//{*}Subject").text for one in read] == [one["title"] for one in told]
    assert office.unsent() == []


def test_a_chat_gets_the_link_as_it_is(office, target):
    """The webhook format of Slack, as Mattermost takes it: `_` and `.` in an address are not escaped."""
    link = "https://github.example/my_org/my_repo/pull/7"
    herald = office.herald(f"mmost://127.0.0.1:{target.port}/abcdefghijklmno", link=lambda cycle: link)
    office.ask()
    herald.turn()
    said = json.loads(target.posts[0][1])
    assert said["username"] == "Ratchet"
    assert said["text"].endswith(f"Answer here: {link}")
    assert "http" not in str(said).replace(link, ""), "no image of anybody else's"


def test_an_hour_without_the_target_loses_nothing_and_delays_nobody_else(office, target):
    """The other target gets everything at once; this one all of it, in order, and what is late says so."""
    other = Target()
    herald = office.herald(target.url(), other.url())
    target.close()
    cycle = office.ask()
    herald.turn()
    for minute in range(1, 60):
        office.clock.at = NOW + timedelta(minutes=minute)
        if minute == 20:
            office.remind(cycle)
        if minute == 40:
            office.approve(cycle)
        herald.turn()
    expected = ["collect waits for an answer", "collect still waits for an answer (reminder 1)", "done"]
    assert other.titles == expected
    assert len(office.unsent()) == 3
    target.open()
    office.clock.at += timedelta(minutes=8)
    herald.turn()
    other.close()
    assert target.titles == expected
    first = json.loads(target.posts[0][1])["message"]
    assert first.endswith("\n(This was so at 2030-01-01 00:00 UTC and could not be delivered before.)")
    assert office.unsent() == []


def test_a_target_that_is_away_is_tried_once_and_not_once_a_notice(office, target):
    """A hundred that wait behind it cost one try; it is asked ever more rarely, and never more so than in minutes."""
    herald = office.herald(target.url())
    target.answer = 503
    for _ in range(20):
        office.ask()
    herald.turn()
    assert len(target.posts) == 1
    for _ in range(60):
        office.clock.at += timedelta(minutes=1)
        herald.turn()
    assert 7 < len(target.posts) < 20
    target.answer, target.posts[:] = 200, []
    office.clock.at += timedelta(minutes=8)
    herald.turn()
    assert [json.loads(body)["title"].split()[1] for _, body in target.posts] == [
        f"c-{number:06d}:" for number in range(1, 21)
    ]


def test_after_a_day_it_is_given_up_with_its_reason(office, target, caplog):
    """It stays, unsent, with a note; what comes later is sent."""
    herald = office.herald(target.url())
    target.answer = 401
    office.ask()
    herald.turn()
    office.clock.at += DAY + HOUR
    herald.turn()
    tried = len(target.posts)
    assert "collect/1 opened" in caplog.text
    assert "is given up after 1 tries: it answered 401" in caplog.text
    key = next(key for key in office.unsent() if not key.endswith("given up"))
    note = Notices(office.store())
    assert not note.put(Letter.model_validate_json(_body(office, key)).notice, "#1 json", 0), "it is still there"
    assert _body(office, f"{key} given up") == "it answered 401"
    target.answer = 200
    office.clock.at += DAY
    office.ask()
    herald.turn()
    assert len(target.posts) == tried + 1


def _body(office, key):
    """What a row holds, read by a claim on a copy of the table's clock that is far in the future."""
    store = office.store()
    row = store.transaction(
        lambda cursor: store.run(cursor, "notice_claim", key=key, me="reader", now=2**62, until=2**62).fetchone()
    )
    return row[0]


def test_two_heralds_send_each_once(office, target):
    """Whoever is first; also when both turn at the same moment."""
    two = [office.herald(target.url(), owner=name) for name in ("one", "two")]
    cycles = [office.ask() for _ in range(5)]
    threads = [threading.Thread(target=herald.turn) for herald in two]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for cycle in cycles:
        office.cancel(cycle)
    for herald in two:
        herald.turn()
    assert sorted(target.titles) == sorted(["collect waits for an answer"] * 5 + ["cancelled"] * 5)


CHILD = """
import sys
from datetime import UTC, datetime
from orchestrator.journal import Journal
from orchestrator.notices import Herald
from orchestrator.schema import open_database
from orchestrator.store import Store

class Hand:
    def now(self):
        return datetime(2030, 1, 1, tzinfo=UTC)
    def chance(self):
        return 0.5

store = Store(open_database(sys.argv[1]))
Herald(store, Journal(store), sys.argv[2:], Hand(), owner="child").turn()
"""


@pytest.mark.parametrize("when", ["written", "sent"])
def test_a_herald_that_is_killed_loses_nothing(office, target, when):
    """Killed while it sends: the other one sends what was written, and what was sent and not noted once more."""
    office.ask()
    office.ask()
    killed = threading.Event()

    def kill():
        if not killed.is_set() and len(target.posts) == (1 if when == "written" else 2):
            os.kill(child.pid, signal.SIGKILL)
            killed.set()

    target.heard = kill
    child = subprocess.Popen([sys.executable, "-c", CHILD, office.url, target.url()])
    assert child.wait(60) == -signal.SIGKILL
    before = len(target.posts)
    herald = office.herald(target.url())
    herald.turn()
    office.clock.at += heralds.CLAIM
    herald.turn()
    told = [json.loads(body)["title"].split()[1] for _, body in target.posts]
    assert set(told) == {"c-000001:", "c-000002:"}
    assert len(told) == 3, "the one that was cut off is said again: at least once"
    assert before == (1 if when == "written" else 2)
    assert office.unsent() == []


def test_what_ended_while_nobody_looked_is_told_by_the_next(office, target):
    """Also where fifty newer cycles came since: what the last herald saw is kept."""
    cycle = office.ask()
    office.herald(target.url()).turn()
    office.approve(cycle)
    for _ in range(heralds.NEWEST + 1):
        office.cancel(office.ask())
    office.herald(target.url()).turn()
    assert target.titles.count("done") == 1
    assert target.titles.count("cancelled") == heralds.NEWEST + 1


def test_an_old_database_is_no_flood(office, target):
    """Of cycles that ended more than a day ago nobody hears, though they are talked about; what waits is told."""
    old = office.ask()
    office.approve(old)
    waits = office.ask()
    office.clock.at += DAY + HOUR
    office.say(old, Refused(at=office.clock.at, id="late", by=BOB, said="/approve", why="it is done"))
    new = office.ask()
    office.cancel(new)
    office.herald(target.url()).turn()
    told = sorted(json.loads(body)["title"] for _, body in target.posts)
    assert told == [f"sentiment {waits}: collect waits for an answer", f"sentiment {new}: cancelled"]


def test_a_hold_is_told_each_time(office, target):
    """By the id under which it was said."""
    herald = office.herald(target.url())
    cycle = office.trigger()
    office.say(cycle, Held(at=NOW, id="h1", by=BOB))
    herald.turn()
    herald.turn()
    assert target.titles == ["held"]


def test_one_cycle_that_cannot_be_told_silences_no_other(office, target, caplog):
    """Nor does a link that cannot be made."""

    def link(cycle):
        raise RuntimeError("no room")

    herald = office.herald(target.url(), link=link)
    broken, other = office.ask(), office.ask()
    journal = herald._journal
    whole = journal.cycle

    def cycle(name):
        if name == broken:
            raise ValueError("the row is damaged")
        return whole(name)

    journal.cycle = cycle
    herald.turn()
    herald.turn()
    assert [json.loads(body)["title"].split()[1] for _, body in target.posts] == [f"{other}:"]
    assert caplog.text.count("nobody is told of c-000001: the row is damaged") == 1
    assert "no link for c-000002: no room" in caplog.text


def test_a_policy_that_closes_the_gate_at_once_disturbs_nobody(office, target):
    """And one that never answers has people told after a minute, though nothing has changed."""
    gate = Gate.model_validate({"policy": "no_regression", "else": ["must bob"]})
    pipeline = Pipeline(name="nightly", stages=(Stage(name="collect", step="x:y", gate=gate),))
    cycle = office.trigger(pipeline)
    done = RunFinished(at=NOW, run=f"{cycle}/collect/1", outcome=Product(report=Report(summary="Fine.")))
    office.say(cycle, done)
    herald = office.herald(target.url())
    herald.turn()
    assert target.posts == []
    office.clock.at += timedelta(minutes=1)
    herald.turn()
    assert target.titles == ["collect waits for an answer"]


def test_an_entry_that_was_taken_away_is_tried_for_its_day(office, target):
    """Another server may still have it; then it is given up."""
    target.answer = 500
    office.ask()
    office.herald(target.url(), target.url("xml")).turn()
    herald = office.herald(target.url())
    office.clock.at += HOUR
    herald.turn()
    assert len(office.unsent()) == 2
    office.clock.at += DAY
    herald.turn()
    assert sum(key.endswith("given up") for key in office.unsent()) == 2


def test_a_herald_of_its_own_wakes_when_something_happens(office, target):
    """Its thread hears the bell, and ends when told to; without targets there is none."""
    heard = threading.Event()
    target.heard = heard.set
    herald = office.herald(target.url())
    herald.start()
    office.ask()
    assert heard.wait(30)
    herald.stop(30)
    assert not herald._thread.is_alive()
    idle = office.herald()
    idle.start()
    idle.turn()
    idle.stop()
    assert idle._thread is None


def test_a_database_that_is_away_ends_no_herald(office, target, caplog, monkeypatch):
    """Nor does anything else: it says so, and turns again."""
    monkeypatch.setattr(heralds, "POLL", 0.01)
    herald = office.herald(target.url())
    turned, faults = threading.Event(), iter([Unavailable(OSError("gone")), RuntimeError("odd")])

    def turn():
        fault = next(faults, None)
        if fault is not None:
            raise fault
        turned.set()

    herald.turn = turn
    herald.start()
    assert turned.wait(30)
    herald.stop(30)
    assert "the database is away: gone; notices wait" in caplog.text
    assert "notices wait: odd" in caplog.text


def test_a_herald_that_is_told_to_stop_sends_no_more(office, target):
    """What waits is sent by the next one."""
    herald = office.herald(target.url())
    office.ask()
    office.ask()
    target.heard = herald._stopped.set
    herald.turn()
    assert len(target.posts) == 1
    assert len(office.unsent()) == 1


@pytest.mark.parametrize("url", [f"nope://{SECRET}", f"slack://{SECRET}", SECRET, f"json://[{SECRET}", "://"])
def test_a_url_that_cannot_be_used_is_named_by_its_place(url, caplog, capfd):
    """And by nothing else."""
    caplog.set_level(1)
    with pytest.raises(Trouble) as raised:
        couriers(("json://localhost/", url))
    assert str(raised.value).startswith("entry 2 of RATCHET_NOTIFY can't be used: ")
    assert SECRET not in str(raised.value) + caplog.text + "".join(capfd.readouterr())
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("answer", [200, 401, 500, None])
def test_no_secret_is_logged_whatever_happens(office, target, answer, caplog, capfd):
    """At the noisiest level, by Apprise, by what it uses, or by us; and none is in the database."""
    caplog.set_level(1)
    if answer is None:
        target.close()
    else:
        target.answer = answer
    herald = office.herald(target.url(), target.url("xml"))
    office.ask()
    herald.turn()
    office.clock.at += DAY + HOUR
    herald.turn()
    said = caplog.text + "".join(capfd.readouterr()) + "".join(office.unsent())
    assert SECRET not in said
    assert "left out: it was said while a notice was sent" in caplog.text, "somebody did speak"
    assert "is not sent" in said or answer == 200
    if answer is None:
        target.open()


def test_who_speaks_while_a_notice_is_sent_is_not_heard(caplog):
    """Neither in words nor by a traceback; and who can't even speak breaks nothing."""
    courier = next(iter(couriers(("json://localhost/",)).values()))

    def notify(**_):
        logging.getLogger("a.plugin").error("%s %d", SECRET, SECRET)
        try:
            raise ValueError(SECRET)
        except ValueError:
            logging.getLogger("a.plugin").exception("broken")
        return {}[SECRET]

    courier._apprise.notify = notify
    courier.carry(NOTICE, "x")
    assert SECRET not in caplog.text
    assert caplog.text.count("left out") == 2


def test_other_logs_are_left_alone(caplog):
    """What is said when no notice is sent is said in full."""
    couriers(("json://localhost/",))
    logging.getLogger("urllib3.connectionpool").warning("the %s is full", "pool")
    assert "the pool is full" in caplog.text


def test_a_courier_that_breaks_is_a_reason_and_no_error():
    """Whatever a plugin raises, and a target that never answers."""
    courier = next(iter(couriers(("json://localhost/",)).values()))

    class Slow:
        def __init__(self, name):
            self.status, self.name = self, name

        def __bool__(self):
            return False

        def close(self):
            pass

    courier._apprise.notify = lambda **_: Slow("TIMEOUT")
    assert courier.carry(NOTICE, "x") == "it did not answer in time"
    courier._apprise.notify = lambda **_: {}[SECRET]
    assert courier.carry(NOTICE, "x") == "it failed (KeyError)"


def test_letters_are_written_once_and_claimed_by_one(office):
    """The table alone, without a herald."""
    notices = Notices(office.store())
    notice = Notice(key="c-000001 done", cycle="c-000001", kind="ended", level="success", title="t", text="x")
    now = micros(NOW)
    assert notices.put(notice, "#1 json", now)
    assert not notices.put(notice, "#1 json", now + 1)
    assert notices.put(notice, "#2 json", now + 1)
    assert notices.waiting(now) == ["c-000001 done #1 json"]
    assert notices.waiting(now + 1, limit=1) == ["c-000001 done #1 json"]
    key = "c-000001 done #1 json"
    claimed = notices.claim(key, "one", now, now + 9)
    assert claimed == (Letter(notice=notice, target="#1 json", since=now), 1)
    assert notices.claim(key, "two", now + 8, now + 20) is None
    notices.later(key, "two", 0)
    assert notices.claim(key, "two", now + 9, now + 20).tries == 2
    notices.later(key, "two", now + 30)
    assert notices.claim(key, "one", now + 29, now + 40) is None
    notices.sent(key, now)
    assert notices.claim(key, "one", now + 31, now + 40) is None
