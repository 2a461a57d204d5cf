"""Deliveries: what is signed is stored once before it is answered; everything else changes nothing and is told why."""

import asyncio
import hashlib
import hmac
import json
import logging
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest
from postgres import Server
from premises import GITHUB, Premises, until

from orchestrator.schema import open_database
from orchestrator.server.mailbox import Letter, Mailbox, receive_all
from orchestrator.store import Store, Unavailable
from reviewers.github.protocol import Delivery

COMMENT = {
    "action": "created",
    "repository": {"id": 5, "full_name": "octo/models"},
    "issue": {"number": 7},
    "comment": {"id": 99, "body": "/approve"},
    "sender": {"id": 3, "type": "User"},
}


def signed(body: bytes, *, delivery="d-1", event="issue_comment", signer="new-hook-secret"):
    """The headers of a delivery."""
    digest = hmac.new(signer.encode(), body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json", "x-github-event": event, "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={digest}",
    }  # fmt: skip


@pytest.fixture
def hooked(opened):
    """A server that is connected to a repository."""
    return opened(GITHUB)


def deliver(server: Premises, body=COMMENT, *, status=202, raw=None, headers=None, **named):
    content = json.dumps(body).encode() if raw is None else raw
    sent = signed(content, **named) if headers is None else headers
    return server.call("POST", "/github/webhook", status=status, content=content, headers=sent)


def test_a_delivery_is_stored_before_it_is_answered_and_holds_ids_alone(opened, url):
    """Whoever reads the inbox finds where to look, and none of the comment's text; whoever waits is told."""
    told = threading.Event()
    server: Premises = opened({**GITHUB, "RATCHET_DATABASE_URL": url})
    server.house.keepers[0]._told = told.set
    assert deliver(server) == {"delivery": "d-1", "stored": True}
    (row,) = server.rows()
    assert row[1:3] == ("github", "d-1")
    assert b"/approve" not in row[3]
    read = Delivery.model_validate_json(row[3])
    assert (read.event, read.action, read.number, read.comment_id, read.sender_id) == (
        "issue_comment",
        "created",
        7,
        99,
        3,
    )
    assert told.wait(5)
    assert deliver(server, status=200) == {"delivery": "d-1", "stored": True}
    assert len(server.rows()) == 1


def test_either_secret_counts_while_they_rotate(hooked):
    """The old one and the new one; no third."""
    deliver(hooked, signer="old-hook-secret", delivery="d-1")
    deliver(hooked, signer="new-hook-secret", delivery="d-2")
    deliver(hooked, signer="no-hook-secret", delivery="d-3", status=401)
    assert len(hooked.rows()) == 2


def test_what_is_no_delivery_is_refused_with_a_reason_and_changes_nothing(hooked, caplog):
    """Unsigned, wrongly signed, truncated, no JSON, no object, nameless: each with its status and a line in the log."""
    caplog.set_level(logging.INFO)
    good = json.dumps(COMMENT).encode()
    headers = signed(good)
    without = lambda name: {key: value for key, value in headers.items() if key != name}  # noqa: E731
    for status, raw, sent in (
        (401, good, without("x-hub-signature-256")),
        (401, good, {**headers, "x-hub-signature-256": "sha256=" + "0" * 64}),
        (401, good, {**headers, "x-hub-signature-256": "sha1=da39a3ee"}),
        (401, good + b" ", headers),
        (401, good[:-9], headers),
        (400, good[:-9], signed(good[:-9])),
        (400, b"payload=%7B%7D", signed(b"payload=%7B%7D")),
        (400, b"[1]", signed(b"[1]")),
        (400, b"", signed(b"")),
        (400, b"\xff\xfe", signed(b"\xff\xfe")),
        (400, good, without("x-github-delivery")),
        (400, good, without("x-github-event")),
    ):
        caplog.clear()
        told = deliver(hooked, status=status, raw=raw, headers=sent)["error"]
        assert told["what"].startswith("the delivery is refused: ")
        assert told["cure"]
        assert f"refused ({status})" in caplog.text
        assert "hook-secret" not in caplog.text + json.dumps(told)
    assert hooked.rows() == []
    hooked.call("GET", "/github/webhook", status=405)


def test_what_means_nothing_here_is_answered_and_not_kept(hooked, caplog):
    """Unknown events and other repositories: GitHub need not send them again."""
    caplog.set_level(logging.INFO)
    assert deliver(hooked, event="star", delivery="d-1")["stored"] is False
    other = {**COMMENT, "repository": {"id": 6, "full_name": "octo/elsewhere"}}
    assert "octo/elsewhere" in deliver(hooked, other, delivery="d-2")["ignored"]
    assert "delivery d-2 ignored: it is of repository octo/elsewhere" in caplog.text
    assert hooked.rows() == []
    deliver(hooked, {"action": "added", "team": {}, "organization": {}}, event="membership", delivery="d-3")
    deliver(hooked, {**COMMENT, "repository": {"full_name": "Octo/Models"}}, delivery="d-4")
    assert len(hooked.rows()) == 2


def test_without_a_repository_there_is_no_webhook(here):
    """404, which says what to set."""
    assert "RATCHET_GITHUB_REPOSITORY" in deliver(here, status=404)["error"]["cure"]


def test_five_at_the_same_time_are_stored_once(opened, url):
    """One row, one 202, four 200s."""
    server: Premises = opened({**GITHUB, "RATCHET_DATABASE_URL": url})
    content = json.dumps(COMMENT).encode()

    async def five():
        async with httpx.AsyncClient(base_url=server.address) as client:
            calls = [client.post("/github/webhook", content=content, headers=signed(content)) for _ in range(5)]
            return [answer.status_code for answer in await asyncio.gather(*calls)]

    assert sorted(asyncio.run(five())) == [200, 200, 200, 200, 202]
    assert len(server.rows()) == 1


@pytest.mark.parametrize("announced", [True, False])
def test_more_than_25_megabytes_are_not_taken(hooked, announced):
    """413, whether the length is announced or found out while it streams; nothing of it is held."""
    chunk = b" " * (1 << 20)

    def chunks():
        for _ in range(26):
            yield chunk

    content = chunk * 26 if announced else chunks()
    headers = signed(b"") | {"x-hub-signature-256": "sha256=" + "0" * 64}
    answer = hooked.http.post("/github/webhook", content=content, headers=headers)
    assert answer.status_code == 413
    assert "25 MB" in answer.json()["error"]["what"]
    assert hooked.rows() == []
    assert hooked.house.front._hook._held == 0
    deliver(hooked)


def test_a_large_delivery_within_the_limit_is_taken(hooked):
    """20 MB, read while others are answered."""
    deliver(hooked, {**COMMENT, "padding": "x" * (20 << 20)})
    assert len(hooked.rows()[0][3]) < 500


def test_who_hangs_up_in_the_middle_leaves_nothing(hooked):
    """Half a body, and then nobody: no row, and the server goes on."""
    parts = urlsplit(hooked.address)
    with socket.create_connection((parts.hostname, parts.port)) as link:
        link.sendall(
            b"POST /github/webhook HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=0\r\nContent-Length: 99\r\n\r\n{"
        )
    until(lambda: hooked.house.front._hook._held == 0, "the end of it")
    assert hooked.rows() == []
    deliver(hooked)


def test_when_the_database_is_away_the_sender_is_told(opened, server: Server, monkeypatch):
    """503: what is not on disk is not said to be. Once it is back, the same delivery is taken."""
    monkeypatch.setattr("orchestrator.server.mailbox.PATIENCE", 0.2)
    one = Server()
    try:
        hooked = opened({**GITHUB, "RATCHET_DATABASE_URL": one.database()})
        deliver(hooked, delivery="d-1")
        one.stop(immediate=True)
        assert "did not take it" in deliver(hooked, delivery="d-2", status=503)["error"]["what"]
        assert "away" in hooked.call("GET", "/readyz", status=503)["error"]["what"]
        assert "ratchet_database_up 0" in hooked.call("GET", "/metrics")
        hooked.call("GET", "/healthz")
        assert hooked.call("GET", "/api/cycles", status=503)["error"]["cure"] == "try again"
        one.start()
        deliver(hooked, delivery="d-2")
        until(lambda: hooked.http.get("/readyz").status_code == 200, "readiness")
        assert len(hooked.rows()) == 2
    finally:
        one.remove()


def test_many_are_written_in_one_transaction(url):
    """Of each it is said whether it is new, within one group too."""
    store = Store(open_database(url))
    letters = [Letter("github", name, b"{}", 1) for name in ("a", "b", "a")]
    assert receive_all(store, letters) == [True, True, False]
    assert receive_all(store, letters[:1]) == [False]
    store.close()


def test_a_mailbox_that_stops_writes_what_waits_and_takes_no_more(url):
    """Nothing that was put in before is lost; what comes later is refused, and not forgotten in silence."""
    store = Store(open_database(url))
    box = Mailbox(store)

    async def story():
        box.start()
        puts = [asyncio.create_task(box.put(Letter("github", str(n), b"{}", 1))) for n in range(50)]
        await asyncio.sleep(0)
        await asyncio.to_thread(box.stop)
        assert await asyncio.gather(*puts) == [True] * 50
        with pytest.raises(Unavailable):
            await box.put(Letter("github", "late", b"{}", 1))

    asyncio.run(story())
    assert len(store.read("inbox_waiting", limit=100)) == 50
    store.close()


def test_a_relay_is_kept_with_the_deliveries(opened):
    """Ids only, from whoever may; of another repository it is none of ours."""
    hooked: Premises = opened(GITHUB)
    seen = {"repository": "Octo/Models", "issue": 7, "comment": 99}
    assert hooked.call("POST", "/github/relay", status=202, json=seen) == {"stored": True}
    read = Delivery.model_validate_json(hooked.rows()[0][3])
    assert (read.event, read.number, read.comment_id) == ("relay", 7, 99)
    hooked.call("POST", "/github/relay", status=404, json={**seen, "repository": "octo/elsewhere"})
    hooked.call("POST", "/github/relay", status=422, json={**seen, "body": "/approve"})
    hooked.call("POST", "/github/relay", status=422, json={**seen, "issue": 0})
    assert len(hooked.rows()) == 1


def test_a_body_that_trickles_in_is_given_up(hooked, monkeypatch):
    """408 after a while, and the connection ends."""
    monkeypatch.setattr("orchestrator.server.webhook.SLOWEST", 0.2)
    parts = urlsplit(hooked.address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as link:
        link.sendall(
            b"POST /github/webhook HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=0\r\nContent-Length: 99\r\n\r\n{"
        )
        began, answer = time.monotonic(), b""
        while chunk := link.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < 10
