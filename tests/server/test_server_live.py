"""Server-sent events: heard as they happen, and from where one left off."""

import asyncio
import json
import threading
from contextlib import contextmanager

import pytest
from premises import PATIENCE, Premises, until

from orchestrator.server import live
from orchestrator.server.live import Feed


class Ear:
    """One listener: the events heard, as they come."""

    def __init__(self, lines):
        self._lines = lines
        self.comments = 0

    def next(self):
        """The next event: (id, what, cycle)."""
        told = {}
        for line in self._lines:
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(": ")
                told[name] = value
            elif told:
                data = json.loads(told["data"])
                assert (data["id"], data["event"]) == (told["id"], told["event"])
                return told["id"], told["event"], data["cycle"]
        return None

    def until(self, event):
        """All events up to one of this kind."""
        heard = []
        while not heard or heard[-1][1] != event:
            heard.append(self.next())
        return heard


@contextmanager
def listening(server: Premises, last=""):
    headers = {"last-event-id": last} if last else {}
    with server.http.stream("GET", "/api/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Ear(answer.iter_lines())


def test_what_happens_is_heard_and_who_comes_back_misses_nothing(opened, url):
    """Triggered to in review; then, from the middle, exactly what came after, and what happens next."""
    server = opened({"RATCHET_DATABASE_URL": url})
    with listening(server) as ear:
        until(lambda: server.house.office.feed.listeners, "the listener")
        made = server.call("POST", "/api/cycles", status=201, json={"pipeline": "sums"})["id"]
        heard = ear.until("run_finished")
    assert [one[0] for one in heard] == [f"{made}/{n}" for n in range(1, len(heard) + 1)]
    assert heard[0] == (f"{made}/1", "triggered", made)
    with listening(server, heard[0][0]) as ear:
        assert ear.until("run_finished") == heard[1:]
        server.call("POST", f"/api/cycles/{made}/commands", json={"command": "hold"})
        assert ear.next()[1] == "held"


def test_after_a_restart_it_goes_on_from_the_record(opened):
    """Another process knows nothing of the listener; the database knows all that came since."""
    first = opened()
    made = first.begun()
    first.begun("plain", "done")
    second = opened()
    with listening(second, f"{made}/1") as ear:
        heard = []
        while len([one for one in heard if one[1] == "run_finished"]) < 2:
            heard.append(ear.next())
    assert (f"{made}/1", "triggered", made) not in heard
    assert len({one[0] for one in heard}) == len(heard)
    with listening(second, "c-000777/3") as ear, listening(second, "rubbish"):
        second.call("POST", f"/api/cycles/{made}/commands", json={"command": "hold"})
        assert ear.next()[1] == "held", "an id that nobody gave begins now"


def test_many_listeners_cost_no_thread_each(here):
    """Forty listen; the server has hardly more threads than before."""
    before = None
    with _many(here, 1):
        until(lambda: here.house.office.feed.listeners == 1, "the first listener")
        here.begun("plain", "done")
        before = threading.active_count()
    with _many(here, 40):
        until(lambda: here.house.office.feed.listeners >= 40, "forty listeners")
        assert threading.active_count() <= before + 42, "forty are the test's own"
    until(lambda: here.house.office.feed.listeners == 0, "the end of all")


@contextmanager
def _many(server: Premises, count):
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(server.address)
    links = [socket.create_connection((parts.hostname, parts.port)) for _ in range(count)]
    for link in links:
        link.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try:
        yield
    finally:
        for link in links:
            link.close()


def test_who_does_not_read_is_let_go_and_holds_up_nobody(here, monkeypatch):
    """A bounded queue: the one that is full ends, the other one hears everything."""
    monkeypatch.setattr(live, "QUEUE", 3)
    monkeypatch.setattr(live, "LOOK", 0.01)
    feed = Feed(here.app.journal, here.house.office.queries)

    async def story():
        slow, quick = feed.listen(None), feed.listen(None)
        await anext(slow), await anext(quick)
        assert feed.listeners == 2
        heard = []
        for _ in range(2):
            made = asyncio.create_task(asyncio.to_thread(here.begun, "plain", "done"))
            while len(heard) == 0 or not heard[-1].startswith("id:") or "run_finished" not in heard[-1]:
                heard.append(await asyncio.wait_for(anext(quick), PATIENCE))
            heard.append("")
            await made
        left = [text async for text in slow]
        assert len(left) == 3
        assert feed.listeners == 1
        await quick.aclose()
        assert feed.listeners == 0
        feed.close()

    asyncio.run(story())


def test_a_quiet_time_is_filled_with_heart_beats(here):
    """So that whatever stands between does not hang up."""
    feed = Feed(here.app.journal, here.house.office.queries)

    async def story():
        ear = feed.listen(None, beat=0.01)
        assert await anext(ear) == ": ratchet\n\n"
        assert await anext(ear) == ": still here\n\n"
        feed.close()
        assert [text async for text in ear] == []

    asyncio.run(story())


def test_listeners_do_not_hold_up_the_servers_end(opened):
    """They are let go at once, and not after ten seconds."""
    server = opened()
    with listening(server) as ear:
        until(lambda: server.house.office.feed.listeners, "the listener")
        server.server.should_exit = True
        assert ear.next() is None
    server._thread.join(5)
    assert not server._thread.is_alive()


@pytest.mark.parametrize("role", ["", "viewer"])
def test_who_listens_must_be_somebody(guarded, role):
    """401 for nobody."""
    if role:
        headers = {"authorization": f"Bearer {__import__('premises').TOKENS[role]}"}
        with guarded.http.stream("GET", "/api/events", headers=headers) as answer:
            assert answer.status_code == 200
    else:
        guarded.call("GET", "/api/events", status=401)
