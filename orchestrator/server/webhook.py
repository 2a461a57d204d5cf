"""`POST /github/webhook`: a signed delivery is stored and answered; it only means "look sooner".

Laws:
- Signed or refused; the signature is of the raw bytes. What is refused changes nothing.
- Stored before it is answered, once for each delivery id, and ids only: the truth is read again from GitHub.
- At most 25 MB a body, and 256 MB in all, are ever held.

It is spoken in ASGI itself, not in FastAPI: GitHub waits ten seconds and a night's burst is thousands.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from orchestrator.ports import Clock
from orchestrator.rows import micros
from orchestrator.server.errors import body as problem
from orchestrator.server.mailbox import Letter, Mailbox
from orchestrator.server.measures import Measures
from orchestrator.settings import GitHubSettings
from orchestrator.store import Unavailable
from reviewers.github.protocol import Delivery, Unreadable, read_delivery, verified
from reviewers.plain import inert

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger("ratchet.server.webhook")
LIMIT = 25 * 1024 * 1024
HELD = 256 * 1024 * 1024
LARGE = 256 * 1024  # above this, hashing and reading leave the loop to others
SLOWEST = 30.0  # seconds that a body may take to come
DRAIN = 2.0
HEARD = frozenset({
    "issue_comment", "issues", "pull_request", "pull_request_review", "pull_request_review_comment", "push",
    "check_run", "member", "membership", "organization", "team", "team_add", "repository",
})  # fmt: skip
OF_NO_REPOSITORY = frozenset({"membership", "organization", "team"})


class TooLarge(Exception):
    """More bytes came than are taken."""


class Gone(Exception):
    """Whoever sent it has left."""


class Webhook:
    """One repository's deliveries. Without GitHub settings every one is answered 404."""

    def __init__(self, github: GitHubSettings | None, mailbox: Mailbox, clock: Clock, measures: Measures) -> None:
        self._github, self._mailbox, self._clock, self._measures = github, mailbox, clock, measures
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            status, answer = await self._answer(scope, headers, receive)
        except Gone:
            return
        except Exception:
            log.exception("a delivery could not be dealt with")
            status, answer = 500, problem("the server failed", "its log says why")
        await _send(send, status, answer)
        self._measures.request(scope["method"], "/github/webhook", status)
        self._measures.delivery(time.perf_counter() - began)

    async def _answer(
        self, scope: Scope, headers: Mapping[str, str], receive: Receive
    ) -> tuple[int, Mapping[str, Any]]:
        if scope["method"] != "POST":
            return 405, problem("deliveries are posted", "use POST")
        github = self._github
        if github is None:
            return 404, problem("this server is connected to no GitHub repository", "set RATCHET_GITHUB_REPOSITORY")
        signature = headers.get("x-hub-signature-256")
        if not signature:
            return self._refused(headers, 401, "it is not signed", "set the webhook's secret on GitHub")
        try:
            raw = await self._read(headers, receive)
        except TooLarge as error:
            return self._refused(headers, 413, str(error), "it is found without being delivered")
        except TimeoutError:
            return self._refused(headers, 408, f"its body took more than {SLOWEST:g} seconds", "send it again")
        except MemoryError:
            return self._refused(headers, 503, "too many large deliveries are coming in", "send it again")
        read = _reader(raw, signature, github, headers)
        delivery = await asyncio.to_thread(read) if len(raw) > LARGE else read()
        if delivery is None:
            cure = "use one of RATCHET_GITHUB_WEBHOOK_SECRETS as the webhook's secret"
            return self._refused(headers, 401, "its signature is wrong", cure)
        if isinstance(delivery, Unreadable):
            return self._refused(headers, 400, delivery.what, "send it as GitHub does, as application/json")
        return await self._keep(delivery, github)

    async def _keep(self, delivery: Delivery, github: GitHubSettings) -> tuple[int, Mapping[str, Any]]:
        ignored = _ignored(delivery, github)
        if ignored:
            log.info("delivery %s ignored: %s", delivery.id, ignored)
            return 202, {"delivery": delivery.id, "stored": False, "ignored": ignored}
        body = delivery.model_dump_json(exclude_defaults=True).encode()
        try:
            new = await self._mailbox.put(Letter("github", delivery.id, body, micros(self._clock.now())))
        except Unavailable as error:
            return 503, problem(f"the database did not take it: {inert(str(error), 200)}", "send it again")
        log.debug("delivery %s %s %s", delivery.id, delivery.event, "stored" if new else "known")
        return (202 if new else 200), {"delivery": delivery.id, "stored": True}

    async def _read(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        """The whole body. Raises `TooLarge`, `TimeoutError`, `MemoryError` or `Gone`."""
        said = headers.get("content-length", "")
        held = 0
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(SLOWEST):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Gone
                    chunk = message.get("body", b"")
                    held += len(chunk)
                    self._held += len(chunk)
                    chunks.append(chunk)
                    if held > LIMIT or (said.isdecimal() and len(said) < 19 and int(said) > LIMIT):
                        chunks.clear()
                        await _drain(receive, more=message.get("more_body", False))
                        raise TooLarge(f"it is larger than {LIMIT // 2**20} MB")
                    if self._held > HELD:
                        raise MemoryError
                    if not message.get("more_body", False):
                        return b"".join(chunks)
        finally:
            self._held -= held

    def _refused(self, headers: Mapping[str, str], status: int, why: str, cure: str) -> tuple[int, Mapping[str, Any]]:
        log.warning("delivery %s refused (%d): %s", inert(headers.get("x-github-delivery", "?"), 80), status, why)
        return status, problem(f"the delivery is refused: {why}", cure)


def _reader(
    raw: bytes, signature: str, github: GitHubSettings, headers: Mapping[str, str]
) -> Callable[[], Delivery | Unreadable | None]:
    """Reads the delivery: None where the signature is wrong."""
    return lambda: read_delivery(headers, raw) if verified(raw, signature, github.webhook_secrets) else None


def _ignored(delivery: Delivery, github: GitHubSettings) -> str:
    """Why nothing is to be done about it; empty where there may be."""
    if delivery.event not in HEARD:
        return f"event {inert(delivery.event, 60)} means nothing here"
    ours = delivery.repository.casefold() == github.repository.casefold()
    if ours or (not delivery.repository and delivery.event in OF_NO_REPOSITORY):
        return ""
    return f"it is of repository {inert(delivery.repository, 150) or '?'}, and this server is of {github.repository}"


async def _drain(receive: Receive, *, more: bool) -> None:
    """Let the sender come to its end for a moment, so that it hears the answer."""
    try:
        async with asyncio.timeout(DRAIN):
            while more:
                message = await receive()
                more = message["type"] == "http.request" and message.get("more_body", False)
    except TimeoutError:
        pass


async def _send(send: Send, status: int, answer: Mapping[str, Any]) -> None:
    body = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status in (401, 408, 413, 503):
        headers.append((b"connection", b"close"))
    if status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
