"""The server's own clock, turned by hand: each time of a schedule begins one cycle, however many look."""

import logging
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from premises import until

from orchestrator.app import App
from orchestrator.core.model import State, Trigger
from orchestrator.pipelines import on_disk
from orchestrator.rooms import Marks
from orchestrator.server.clock import ClockKeeper, Timetable
from orchestrator.server.counter import Counted, Counter
from orchestrator.server.office import Beginner
from orchestrator.server.queries import Queries
from orchestrator.trouble import Trouble

NIGHTLY = """
pipelines:
  sums:
    schedule: {cron: "17 2 * * *", timezone: Asia/Seoul}
    stages: [{name: add, step: "server_sums:add", executor: inline, with: {values: [1]}}]
  plain:
    stages: [{name: add, step: "server_sums:add", executor: inline, with: {values: [1]}}]
"""
DUE = datetime(2026, 11, 20, 17, 17, tzinfo=UTC)  # 02:17 in Seoul


class ByHand:
    """A clock that is turned by hand."""

    def __init__(self):
        self.at = DUE - timedelta(hours=3)

    def now(self):
        return self.at

    def chance(self):
        return 0.0


@pytest.fixture
def clock():
    return ByHand()


@pytest.fixture
def servers(folder, url, clock):
    """Makes servers' timetables on one database."""
    (folder / "ratchet.yaml").write_text(NIGHTLY)
    apps = []

    counters = []

    def count(app):
        counters.append(Counter(app, lambda: None))
        return counters[-1].count

    def another(pipelines=lambda: on_disk("ratchet.yaml")):
        app = App({"RATCHET_DATABASE_URL": url, "RATCHET_ARTIFACTS": str(folder / "artifacts")}, clock=clock)
        apps.append(app)
        queries, begin = Queries(app.store.database), Beginner(app, app.desk).begin
        made = Timetable(pipelines, begin, app.journal, Marks(app.store), clock, queries.with_key, count(app))
        made.app = app
        return made

    yield another
    for counter in counters:
        counter.close()
    for app in apps:
        app.store.close()


def cycles(server):
    return server.app.journal.cycles()


def test_a_time_begins_one_cycle_whichever_server_looks(servers, clock):
    """Two servers look at once, and again; a week of nights gives a cycle each."""
    one, two = servers(), servers()
    assert one.look()[0].due is False, "the schedule is new"
    assert two.look()[0].due is False
    for night in range(7):
        clock.at = DUE + timedelta(days=night)
        with ThreadPoolExecutor(2) as both:
            found = [looked[0] for looked in both.map(lambda server: server.look(), (one, two))]
        assert {each.cycle for each in found} == {f"c-{night + 1:06d}"}
        assert one.look()[0].due is False
        assert one.look()[0].cycle == f"c-{night + 1:06d}"
    newest = cycles(one)[0]
    assert len(cycles(one)) == 7
    assert (newest.trigger, newest.initiator, newest.source) == (Trigger.SCHEDULE, None, "ratchet.yaml")
    assert newest.purpose == "2026-11-27 02:17 Asia/Seoul has come"


def test_nights_that_nobody_was_there_are_caught_up_by_one_cycle(servers, clock):
    """The server was off for three days."""
    one = servers()
    one.look()
    clock.at = DUE + timedelta(days=3, hours=5)
    assert servers().look()[0].cycle == "c-000001"
    assert one.look()[0].due is False
    assert len(cycles(one)) == 1


def test_it_waits_until_the_time_and_a_minute_at_most(servers, clock):
    """Exactly, so that a night begins when it should."""
    one = servers()
    assert one.wait(one.look()) == 60
    clock.at = DUE - timedelta(seconds=7.5)
    assert one.wait(one.look()) == 7.5
    clock.at = DUE
    assert one.wait(one.look()) == 60
    assert one.wait([]) == 60


def test_a_server_that_dies_between_the_cycle_and_the_mark_begins_no_second(servers, clock, monkeypatch):
    """The time itself is the idempotency key."""
    one = servers()
    one.look()
    clock.at = DUE
    with monkeypatch.context() as dying:
        dying.setattr(Marks, "set", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            one.look()
    assert servers().look()[0].cycle == "c-000001"
    assert len(cycles(one)) == 1


def test_new_rows_are_not_pretended_to_be_counted(servers, clock, folder, caplog):
    """A step without a counter: the time passes, and it is said why; being old enough is enough."""
    caplog.set_level(logging.INFO)
    strict = NIGHTLY.replace("Asia/Seoul}", "Asia/Seoul, when: {new_rows: 500}}")
    (folder / "ratchet.yaml").write_text(strict)
    one = servers()
    one.look()
    clock.at = DUE
    found = one.look()[0]
    assert (found.due, found.cycle) == (False, None)
    assert "the new rows can't be counted (server_sums:add has no counter of new rows" in found.reason
    assert found.new_rows is None
    assert "can't be counted" in caplog.text
    (folder / "ratchet.yaml").write_text(strict.replace("500}", "500, older_than: 3d}"))
    clock.at += timedelta(days=1)
    assert one.look()[0].cycle == "c-000001", "there was no cycle yet"
    clock.at += timedelta(days=1)
    assert one.look()[0].due is False
    clock.at += timedelta(days=2)
    assert one.look()[0].cycle == "c-000002"


COUNTED = """
pipelines:
  piles:
    schedule: {cron: "17 2 * * *", timezone: Asia/Seoul, when: {new_rows: 3}}
    stages: [{name: gather, step: "piles:gather", executor: inline, with: {folder: arrivals}}]
"""
PILES = '''
"""A step that reads what has arrived, and what it is asked before."""
import os
import subprocess
import time
from pathlib import Path

from steps.contract import Context, Given, Made, Report, counted_by, step


class Folder(Given):
    folder: str


class Read(Made):
    files: int


def unread(given, context):
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    Path("asked").open("a").write(f"{os.getpid()} {sorted(one for one in os.environ if 'TOKEN' in one)}\\n")
    while Path("wait").exists():
        time.sleep(0.01)
    return len(list(Path(given.folder).iterdir())) - context.last.get("files", 0)


@step
@counted_by(unread)
def gather(given: Folder, context: Context) -> Read:
    return Read(files=len(list(Path(given.folder).iterdir())), report=Report(summary="read"))
'''


@pytest.fixture
def piles(folder):
    """A pipeline that begins where three files are new; two are."""
    (folder / "piles.py").write_text(PILES)
    (folder / "arrivals").mkdir()
    for name in "ab":
        (folder / "arrivals" / name).touch()
    return folder


def content(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_night_with_too_few_new_rows_begins_nothing_and_says_so(piles, servers, clock, monkeypatch):
    """And with enough of them it begins, of which the rows of the last cycle that was done are none."""
    monkeypatch.setenv("RATCHET_TOKEN", "secret")
    one = servers()
    (piles / "ratchet.yaml").write_text(COUNTED)
    one.look()
    clock.at = DUE
    found = one.look()[0]
    assert (found.due, found.cycle, found.new_rows) == (False, None, 2)
    assert "but only 2 rows are new (needed: 3): the next time is" in found.reason
    assert cycles(one) == []
    assert (piles / "asked").read_text().endswith(" []\n"), "a counter gets no token, as its step"
    assert one.look()[0].due is False
    (piles / "arrivals" / "c").touch()
    clock.at += timedelta(days=1)
    found = one.look()[0]
    assert (found.cycle, found.new_rows) == ("c-000001", 3)
    assert cycles(one)[0].purpose == "2026-11-22 02:17 Asia/Seoul has come, and 3 rows are new (needed: 3)"
    engine = one.app.engine()
    until(lambda: engine.turn() or cycles(one)[0].state is State.DONE, "the end")
    engine.close()
    clock.at += timedelta(days=1)
    assert one.look()[0].new_rows == 0
    assert len((piles / "asked").read_text().splitlines()) == 3, "once for each time"


def test_a_slow_count_keeps_nobody_waiting_and_loses_no_night(piles, servers, clock, monkeypatch):
    """It is told to be under way; who asks again asks the same count; the clock is woken when it is known."""
    monkeypatch.setattr("orchestrator.server.clock.LOOK_WAIT", 0.05)
    monkeypatch.setattr("orchestrator.server.clock.PLAN_WAIT", 0.05)
    one = servers()
    (piles / "ratchet.yaml").write_text(COUNTED)
    one.look()
    (piles / "arrivals" / "c").touch()
    (piles / "wait").touch()
    clock.at = DUE
    for _ in range(3):
        found = one.look()[0]
        assert (found.due, found.new_rows) == (False, None)
        assert found.reason.endswith("has come, and the new rows are being counted")
    planned = one.plan(on_disk("ratchet.yaml"), "piles", begin=True, key=None)[0]
    assert planned.reason == found.reason
    until(lambda: (piles / "asked").exists(), "the question")
    (piles / "wait").unlink()
    assert until(lambda: one.look()[0].cycle, "the cycle") == "c-000001"
    assert len((piles / "asked").read_text().splitlines()) == 1


def test_a_count_ends_with_its_patience_and_with_the_server(piles, servers, monkeypatch):
    """Nothing of it is left, and why there is no number is said."""
    (piles / "ratchet.yaml").write_text(COUNTED)
    (piles / "wait").touch()
    pipeline = on_disk("ratchet.yaml")[0].pipelines["piles"]
    app, known = servers().app, threading.Semaphore(0)
    (piles / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(piles / "tmp"))
    monkeypatch.setenv("TMPDIR", str(piles / "tmp"))
    hasty = Counter(app, known.release, patience=2)
    said = hasty.count(pipeline, DUE, 20)
    assert said == Counted(None, "piles:gather did not count them within 2 s")
    assert known.acquire(timeout=10)
    patient = Counter(app, known.release)
    assert patient.count(pipeline, DUE, 0) is None
    until(lambda: len((piles / "asked").read_text().splitlines()) == 2, "the question")
    patient.close()
    assert known.acquire(timeout=10)
    assert patient.count(pipeline, DUE, 10) is None
    assert not list((piles / "tmp").iterdir())
    pids = [line.split()[0] for line in (piles / "asked").read_text().splitlines()]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    left = [path for path in Path("/proc").glob("[0-9]*/environ") if str(piles).encode() in content(path)]
    assert not [path for path in left if b"sleep" in content(path.with_name("cmdline"))], "it left something running"
    hasty.close()


def test_a_file_that_is_broken_begins_nothing_and_is_told_once(servers, clock, folder, caplog):
    """Neither a wrong file nor wrong wiring loses a night: it begins once it is right."""
    caplog.set_level(logging.INFO)
    one = servers()
    one.look()
    clock.at = DUE
    (folder / "ratchet.yaml").write_text("pipelines: 3")
    assert one.look() == one.look() == []
    assert caplog.text.count("no schedule begins anything") == 1
    (folder / "ratchet.yaml").write_text(NIGHTLY.replace("server_sums:add", "server_sums:ad"))
    assert one.look() == one.look() == []
    assert caplog.text.count("is due and can't begin") == 1
    (folder / "ratchet.yaml").write_text(NIGHTLY)
    assert one.look()[0].cycle == "c-000001"


def test_a_plan_changes_nothing_until_it_is_asked_to(servers, clock):
    """The nightly action is a nudge: it begins what is due, says what was begun for this night, and why not more."""
    one = servers()
    read = on_disk("ratchet.yaml")
    assert "the schedule is new" in one.plan(read, None, begin=False, key=None)[0].reason
    assert Marks(one.app.store).get("schedule sums") is None
    one.look()
    clock.at = DUE
    planned = one.plan(read, None, begin=False, key="nightly/octo/models/2026-11-20")
    assert [(each.pipeline, each.due, each.cycle) for each in planned] == [("sums", True, None)]
    assert cycles(one) == []
    assert one.plan(read, "sums", begin=True, key="k")[0].cycle == "c-000001"
    again = one.plan(read, "sums", begin=True, key="k")[0]
    assert (again.due, again.cycle) == (False, "c-000001")
    assert again.next == DUE + timedelta(days=1)
    with pytest.raises(KeyError, match="sums"):
        one.plan(read, "sumz", begin=True, key=None)


def test_whoever_asks_may_be_the_clock_of_a_pipeline_without_one(servers, clock):
    """Once for each key; without a key it is said that there is no schedule."""
    one, read = servers(), on_disk("ratchet.yaml")
    assert "no schedule" in one.plan(read, "plain", begin=True, key=None)[0].reason
    assert one.plan(read, "plain", begin=False, key="monday")[0].due
    began = one.plan(read, "plain", begin=True, key="monday")[0]
    assert (began.due, began.cycle) == (True, "c-000001")
    again = one.plan(read, "plain", begin=True, key="monday")[0]
    assert (again.due, again.cycle, again.reason) == (False, "c-000001", "c-000001 was begun for this time")
    assert one.plan(read, "plain", begin=True, key="tuesday")[0].cycle == "c-000002"
    assert [each.pipeline for each in one.plan(read, None, begin=True, key="monday")] == ["sums"]


@pytest.mark.parametrize("pipeline", ["sums", "plain"])
def test_of_two_who_begin_at_once_one_says_that_it_did(servers, clock, pipeline):
    """The other was first, just before: the cycle is its, and nobody counts it twice."""
    one, two, read = servers(), servers(), on_disk("ratchet.yaml")
    one.look()
    clock.at = DUE
    begin, firsts = one._begin, []

    def late(*given, **more):
        firsts.extend(two.plan(read, pipeline, begin=True, key="monday"))
        return begin(*given, **more)

    one._begin = late
    found = one.plan(read, pipeline, begin=True, key="monday")
    assert [(each.due, each.cycle) for each in firsts + found] == [(True, "c-000001"), (False, "c-000001")]


def test_the_thread_looks_when_it_is_woken_and_ends_when_it_is_told(servers, clock):
    """And what it can't foresee is its death, which is seen."""
    looked = threading.Semaphore(0)

    def pipelines():
        looked.release()
        return on_disk("ratchet.yaml")

    one = servers(pipelines)
    one.look()
    keeper = ClockKeeper(one)
    keeper.start()
    assert looked.acquire(timeout=10)
    clock.at = DUE
    keeper.wake()
    until(lambda: cycles(one), "the cycle")
    keeper.stop()
    assert keeper.fault is None
    assert [cycle.state for cycle in cycles(one)] == [State.QUEUED]

    def broken():
        raise RuntimeError("no such luck")

    dead = ClockKeeper(servers(broken))
    dead.start()
    dead._thread.join(10)
    assert dead.fault == "the clock died: RuntimeError"


def test_trouble_of_one_pipeline_keeps_no_other_waiting(servers, clock, folder):
    """Two are due, one of them can't begin."""
    two = NIGHTLY.replace("  plain:\n", '  plain:\n    schedule: {cron: "17 2 * * *", timezone: Asia/Seoul}\n')
    (folder / "ratchet.yaml").write_text(two)
    one = servers()
    one.look()
    clock.at = DUE
    begin = one._begin

    def picky(config, pipeline, **more):
        if pipeline.name == "sums":
            raise Trouble("not today")
        return begin(config, pipeline, **more)

    one._begin = picky
    assert [(found.pipeline, found.cycle) for found in one.look()] == [("plain", "c-000001")]
