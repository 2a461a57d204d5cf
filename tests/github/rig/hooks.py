"""Signed deliveries, each tried once, in order, by a thread of its own.

emulate numbers deliveries 1, 2, 3, names no hook, leaves out `issue.pull_request`, and knows no redelivery.
"""

import hashlib
import hmac
import json
import queue
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx

from .callers import Caller
from .wire import Call, Refused, Reply, paged

if TYPE_CHECKING:
    from .site import Site

PATIENCE = 10  # seconds, as GitHub


@dataclass(frozen=True)
class Hook:
    """Where deliveries go; an App's hook names the installation in its payloads."""

    id: int
    url: str
    secret: str
    events: frozenset[str]


@dataclass(frozen=True)
class Attempt:
    """One time that a delivery was sent; a status of 0: nobody answered."""

    id: int
    at: str
    status: int


@dataclass
class Delivery:
    """One event on its way to one hook."""

    hook: Hook
    guid: str
    event: str
    action: str
    body: bytes
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def answers(self) -> list[int]:
        """The status of each attempt."""
        return [attempt.status for attempt in self.attempts]

    @property
    def payload(self) -> Any:
        return json.loads(self.body)

    def headers(self) -> dict[str, str]:
        """What GitHub sends beside the body."""
        hook = {"x-github-hook-id": str(self.hook.id), "x-github-hook-installation-target-type": "integration"}
        marks = {"x-github-event": self.event, "x-github-delivery": self.guid, "user-agent": "GitHub-Hookshot/7d1ab4c"}
        marks |= {"accept": "*/*", "content-type": "application/json", "x-github-hook-installation-target-id": "1001"}
        if self.hook.secret:
            key = self.hook.secret.encode()
            marks["x-hub-signature"] = "sha1=" + hmac.new(key, self.body, hashlib.sha1).hexdigest()
            marks["x-hub-signature-256"] = "sha256=" + hmac.new(key, self.body, hashlib.sha256).hexdigest()
        return hook | marks


class Hooks:
    """Hooks, and every delivery that there was."""

    def __init__(self, site: "Site") -> None:
        self._site = site
        self._ids, self._tries = count(700_000_001), count(2**40)
        self.hooks: list[Hook] = []
        self.deliveries: list[Delivery] = []
        self.mode = "sent"  # sent | lost | held
        self.held: list[Delivery] = []
        self._queue: queue.Queue[Delivery | None] = queue.Queue()
        self._closing = False
        self._http = httpx.Client(timeout=PATIENCE, verify=False)  # noqa: S501 (plain HTTP: no certificates to load)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        site.routes.add("GET", "/app/hook/deliveries", self._list)
        site.routes.add("GET", "/app/hook/deliveries/{id}", self._one)
        site.routes.add("POST", "/app/hook/deliveries/{id}/attempts", self._again)

    def close(self) -> None:
        """Stop; what still waits is lost."""
        self._closing = True
        self._queue.put(None)
        self._thread.join(PATIENCE + 5)
        self._http.close()

    def add(self, url: str, secret: str, events: frozenset[str]) -> Hook:
        """Another place for deliveries; no events: all."""
        hook = Hook(next(self._ids), url, secret, events)
        self.hooks.append(hook)
        return hook

    def send(self, delivery: Delivery) -> None:
        """Put it on its way (again)."""
        self._queue.put(delivery)

    def burst(self, delivery: Delivery, times: int) -> None:
        """Send it so often at the same moment; ends when all are answered."""
        with ThreadPoolExecutor(times) as pool:
            list(pool.map(self._attempt, [delivery] * times))

    def settle(self) -> None:
        """Wait until everything on its way has been answered."""
        self._queue.join()

    def comment(self, action: str, repo: str, number: int, comment: Any, caller: Caller, **more: Any) -> None:
        """Something happened to a comment."""
        self._site.pulls.touch(number, {"created": 1, "deleted": -1}.get(action, 0))
        self._emit("issue_comment", action, caller, issue=self._site.issues.get(number), comment=comment, **more)

    def review(self, action: str, number: int, review: Any, caller: Caller) -> None:
        """Something happened to a review; its state is in lower case here, and here alone."""
        self._site.pulls.touch(number)
        said = review | {"state": review["state"].lower()}
        self._emit("pull_request_review", action, caller, review=said, pull_request=self._site.pulls.get(number))

    def pull(self, action: str, number: int, caller: Caller, **more: Any) -> None:
        """Something happened to a pull request."""
        self._site.pulls.touch(number)
        pull = self._site.pulls.get(number)
        self._emit("pull_request", action, caller, number=number, pull_request=pull, **more)

    def ping(self, hook: Hook) -> None:
        """What GitHub sends when a hook is made."""
        body = {
            "zen": "Speak like a human.",
            "hook_id": hook.id,
            "hook": {"type": "App", "id": hook.id, "active": True},
        }
        self._put(Delivery(hook, str(uuid.uuid4()), "ping", "", json.dumps(body).encode()))

    def repository(self) -> Any:
        """The repository as payloads show it."""
        body = self._site.ask("GET", f"/repos/{self._site.places.name}").body
        shown = {name: value for name, value in body.items() if name != "permissions"}
        return shown | {"web_commit_signoff_required": False, "custom_properties": {}}

    def _emit(self, event: str, action: str, caller: Caller, **payload: Any) -> None:
        if not self.hooks:
            return
        app = self._site.apps[0]
        ends = {"repository": self.repository(), "organization": self._organization()}
        ends |= {"sender": self._site.user(caller.login), "installation": {"id": app.installation, "node_id": "I_1"}}
        data = json.dumps({"action": action} | payload | ends, ensure_ascii=False).encode()
        guid = str(uuid.uuid4())
        for hook in self.hooks:
            if not hook.events or event in hook.events:
                self._put(Delivery(hook, guid, event, action, data))

    def _put(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if self.mode == "sent":
            self.send(delivery)
        elif self.mode == "held":
            self.held.append(delivery)

    def _organization(self) -> Any:
        owner = self._site.organization()
        return {"login": owner["login"], "id": owner["id"], "node_id": owner["node_id"], "url": owner["url"]}

    def _work(self) -> None:
        while (delivery := self._queue.get()) is not None:
            if not self._closing:
                self._attempt(delivery)
            self._queue.task_done()
        self._queue.task_done()

    def _attempt(self, delivery: Delivery) -> None:
        try:
            answer = self._http.post(delivery.hook.url, content=delivery.body, headers=delivery.headers())
            status = answer.status_code
        except httpx.HTTPError:
            status = 0
        delivery.attempts.append(Attempt(next(self._tries), self._site.stamp(), status))

    # What the App may ask of its hook

    def _list(self, call: Call, caller: Caller) -> Reply:
        self._ours(caller)
        found = sorted(self._all(), key=lambda pair: -pair[1].id)
        return paged([self._item(*pair) for pair in found], call, self._site.numbered(call.path))

    def _one(self, call: Call, caller: Caller, id: str) -> Reply:
        self._ours(caller)
        delivery, attempt = self._find(id)
        request = {"headers": delivery.headers(), "payload": delivery.payload}
        more = {"request": request, "response": {"headers": {}, "payload": ""}, "url": delivery.hook.url}
        return Reply(200, self._item(delivery, attempt) | more)

    def _again(self, call: Call, caller: Caller, id: str) -> Reply:
        self._ours(caller)
        self.send(self._find(id)[0])
        return Reply(202, {})

    def _ours(self, caller: Caller) -> None:
        if caller.kind != "app":
            raise Refused(401, "A JSON web token could not be decoded")

    def _all(self) -> list[tuple[Delivery, Attempt]]:
        return [(delivery, attempt) for delivery in self.deliveries for attempt in delivery.attempts]

    def _find(self, id: str) -> tuple[Delivery, Attempt]:
        for pair in self._all():
            if pair[1].id == int(id):
                return pair
        raise Refused(404, "Not Found")

    def _item(self, delivery: Delivery, attempt: Attempt) -> dict[str, Any]:
        words = {200: "OK", 202: "Accepted", 0: "failed to connect to host"}
        item = {"id": attempt.id, "guid": delivery.guid, "delivered_at": attempt.at, "duration": 0.1}
        item |= {"redelivery": attempt is not delivery.attempts[0], "status": words.get(attempt.status, "Error")}
        item |= {"status_code": attempt.status or 502, "event": delivery.event, "action": delivery.action or None}
        place = {"installation_id": self._site.apps[0].installation, "repository_id": self._site.places.id}
        return item | place | {"throttled_at": None}
