"""Callers who want more than is theirs."""

import hashlib
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from premises import PIPELINES, Premises, until

from orchestrator.core.gate import Gate, Person, Roster
from orchestrator.core.model import Cycle
from orchestrator.server.serve import Parts
from reviewers.directory import Directory

Opened = Callable[..., Premises]
NAMES = {"alice": "reviewer", "bob": "reviewer", "carol": "admin", "dave": "planner"}
TOKENS = ",".join(f"{one}:{role}:{hashlib.sha256(one.encode()).hexdigest()}" for one, role in NAMES.items())


def as_(server: Premises, who: str, method: str, path: str, status: int = 200, **more: Any) -> Any:
    """What the server answers this person, with this status."""
    return server.call(method, path, status=status, headers={"Authorization": f"Bearer {who}"}, **more)


def asking(folder: Path, opened: Opened, gate: str, **more: Any) -> tuple[Premises, str, str]:
    """A server whose gate asks this, a cycle that waits there, and the digest that it asks about."""
    (folder / "ratchet.yaml").write_text(PIPELINES.replace('["1 of @anyone"]', gate))
    server = opened({"RATCHET_TOKENS": TOKENS}, **more)
    made = as_(server, "dave", "POST", "/api/cycles", 201, json={"pipeline": "sums"})["id"]

    def open_() -> Any:
        return as_(server, "dave", "GET", f"/api/cycles/{made}").get("gate")

    return server, made, until(open_, "the gate")["digest"]


def review(server: Premises, who: str, cycle: str, verdict: str, digest: str, **more: Any) -> Any:
    body = {"verdict": verdict, "about": digest, "reason": "because", **more}
    return as_(server, who, "POST", f"/api/cycles/{cycle}/reviews", json=body)


def tell(server: Premises, who: str, cycle: str, command: str, status: int = 200, **more: Any) -> Any:
    return as_(server, who, "POST", f"/api/cycles/{cycle}/commands", status, json={"command": command, **more})


def test_two_who_answer_by_the_api_fill_two_seats(folder: Path, opened: Opened) -> None:
    """Whoever answered before is asked after again: the second answer does not put out the first."""
    server, cycle, digest = asking(folder, opened, '["2 of @anyone"]')
    review(server, "alice", cycle, "approve", digest)
    assert review(server, "bob", cycle, "approve", digest)["gate"] is None


def test_a_rejection_that_waits_is_not_put_out_by_whoever_approves_next(folder: Path, opened: Opened) -> None:
    """The cycle is held, bob rejects, alice approves, and it is let go: it is rejected."""
    server, cycle, digest = asking(folder, opened, '["1 of @anyone"]')
    tell(server, "carol", cycle, "hold")
    review(server, "bob", cycle, "reject", digest)
    review(server, "alice", cycle, "approve", digest)
    assert tell(server, "carol", cycle, "unhold")["state"] == "rejected"


class Leaving(Directory):
    """A directory that somebody can leave."""

    def __init__(self) -> None:
        self.gone = ""

    def roster(self, gate: Gate, cycle: Cycle, asking: Sequence[Person]) -> Roster:
        return super().roster(gate, cycle, [one for one in asking if one.login != self.gone])


def test_whoever_has_left_while_it_was_held_counts_no_more(folder: Path, opened: Opened) -> None:
    """Alice approves a held cycle and leaves: it is let go, and waits for somebody who is there."""
    people = Leaving()
    server, cycle, digest = asking(folder, opened, '["1 of @anyone"]', parts=Parts(people=people))
    tell(server, "carol", cycle, "hold")
    review(server, "alice", cycle, "approve", digest)
    people.gone = "alice"
    found = tell(server, "carol", cycle, "unhold")
    assert (found["state"], found["gate"]["unmet"]) == ("in_review", "1 more of @anyone")


def test_nobody_has_the_night_s_cycle_before_the_night(guarded: Premises) -> None:
    """A time of a schedule is the clock's key: whoever had it first would have begun the night's cycle as his own."""
    for key in ("schedule sums 2030-01-01T02:17:00+00:00", "plan sums nightly/2030-01-01/octo/models"):
        asked = {"pipeline": "sums", "idempotency_key": key}
        said = guarded.call("POST", "/api/cycles", role="admin", status=422, json=asked)
        assert "the clock's" in said["error"]["what"]
    assert guarded.call("GET", "/api/cycles", role="viewer") == []


def test_a_stranger_s_body_that_trickles_in_is_given_up(guarded: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    """The body is read before it is known who calls: 408 after a while, and the connection ends."""
    monkeypatch.setattr("orchestrator.server.web.SLOWEST", 0.2)
    parts = urlsplit(guarded.address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as link:
        link.sendall(b"POST /api/plan HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
        answer = b""
        while chunk := link.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 408")


def test_no_address_is_made_of_what_a_caller_calls_us(guarded: Premises) -> None:
    """A path with one slash more is no path, and leads nobody to the host that the request names."""
    answer = guarded.http.get("/api/cycles/", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
