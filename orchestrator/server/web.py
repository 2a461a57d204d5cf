"""The server as one ASGI application: the API, the webhook beside it, and what every answer has in common.

Laws:
- Every answer that is none of success has the form `{"error": {"what", "cure"}}`; no exception's text reaches a caller.
- A line in the log for each request: address, method, path, status, time. No query, header or body.
- Without anything that tells callers apart, only this machine is answered, and only under a name of its own: a page in
  a browser that was led here by a foreign name is not.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from orchestrator.core.model import State
from orchestrator.rows import micros
from orchestrator.server import api, data_api, labels_api, shapes
from orchestrator.server.auth import LOOPBACK
from orchestrator.server.errors import MEANINGS, Problem, Refusal, body
from orchestrator.server.measures import CONTENT_TYPE
from orchestrator.server.office import Office
from orchestrator.server.webhook import Webhook
from orchestrator.store import Unavailable
from reviewers.github.protocol import GitHubError
from reviewers.plain import inert

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
log = logging.getLogger("ratchet.server")
access = logging.getLogger("ratchet.server.access")
LARGEST = 1 << 20  # bytes of a request to the API
SLOWEST = 30.0  # seconds that a body may take to come
QUIET = ("/healthz", "/readyz", "/metrics")


def build(office: Office) -> "Front":
    """The application of these organs."""
    app = FastAPI(
        title="Ratchet", version="0.1.0", docs_url=None, redoc_url=None, redirect_slashes=False,
        description="Retrains a model, shows what changed, and goes on only when the people who own it say so.",
    )  # fmt: skip
    app.state.office = office
    app.include_router(api.router)
    app.include_router(data_api.router)
    app.include_router(labels_api.router)
    _looks(app, office)
    _refusals(app)
    described = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described()["paths"]["/github/webhook"] = {"post": WEBHOOK}
        found: dict[str, Any] = described()
        return found

    app.openapi = openapi  # type: ignore[method-assign]
    hook = Webhook(office.app.settings.github, office.mailbox, office.app.clock, office.measures)
    return Front(app, hook, office)


def _looks(app: FastAPI, office: Office) -> None:
    """What anybody may look at: life, readiness and measures."""

    @app.get("/healthz", response_model=shapes.Healthy, summary="Does the process answer?")
    async def healthz() -> Any:
        """It does."""
        return {"ok": True}

    @app.get(
        "/readyz", response_model=shapes.Healthy, summary="Can it do its work?",
        responses={503: {"model": Problem, "description": "It can't just now; the cause is told"}},
    )  # fmt: skip
    def readyz() -> Any:
        """The database answers in this version's schema, and every thread turns."""
        causes = list(office.faults())
        try:
            schema = office.queries.schema()
            causes += [f"the database is not ready: {schema}"] if schema else []
        except Unavailable as error:  # its words name hosts and users, and anybody may ask
            log.warning("the database is away: %s", inert(str(error), 500))
            causes.append("the database is away")
        if causes:
            raise Refusal(503, "; ".join(causes), "look into the server's log")
        return {"ok": True}

    @app.get("/metrics", response_class=PlainTextResponse, summary="Prometheus")
    def metrics() -> Any:
        """Cycles by state, what is due and waiting, requests, and how long deliveries take."""
        return PlainTextResponse(office.measures.text(_gauges(office)), media_type=CONTENT_TYPE)


def _gauges(office: Office) -> list[tuple[str, str, dict[str, float]]]:
    listeners = ("ratchet_listeners", "Listeners of /api/events.", {"": float(office.feed.listeners)})
    try:
        counts = office.queries.counts(micros(office.app.clock.now()))
    except Unavailable:
        return [("ratchet_database_up", "Whether the database answers.", {"": 0.0}), listeners]
    cycles = {f'state="{state.value}"': float(counts.cycles.get(state.value, 0)) for state in State}
    return [
        ("ratchet_database_up", "Whether the database answers.", {"": 1.0}),
        ("ratchet_cycles", "Cycles by state.", cycles),
        ("ratchet_effects_due", "Effects that are due and not done yet.", {"": float(counts.effects_due)}),
        ("ratchet_inbox_waiting", "Deliveries that nobody has dealt with yet.", {"": float(counts.inbox_waiting)}),
        ("ratchet_notices_waiting", "Notices that were not sent yet.", {"": float(counts.notices_waiting)}),
        listeners,
    ]


def _refusals(app: FastAPI) -> None:
    """Every way to say no, in one form."""

    @app.exception_handler(Refusal)
    async def refusal(_: Request, error: Refusal) -> JSONResponse:
        return JSONResponse(body(_safe(error.what), _safe(error.cure)), error.status, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        said = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()][:20]
        return JSONResponse(body(_safe("\n".join(said)), "see /openapi.json"), 422)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        what = MEANINGS.get(error.status_code, "The request is refused")
        return JSONResponse(body(what, "see /openapi.json"), error.status_code, error.headers)

    @app.exception_handler(Unavailable)
    async def unavailable(_: Request, error: Unavailable) -> JSONResponse:
        log.warning("the database is away: %s", error)
        return JSONResponse(body("the database did not answer", "try again"), 503, {"Retry-After": "2"})

    @app.exception_handler(GitHubError)
    async def github(_: Request, error: GitHubError) -> JSONResponse:
        log.warning("GitHub did not answer: %s", error)
        return JSONResponse(body(_safe(error.what), _safe(error.cure)), 503, {"Retry-After": "30"})


def _safe(text: str) -> str:
    """Lines that do nothing to a terminal."""
    return "\n".join(inert(line, 1000) for line in text.splitlines()[:50])


class Front:
    """Takes every request first."""

    def __init__(self, app: FastAPI, hook: Webhook, office: Office) -> None:
        self.app, self._hook, self._office = app, hook, office

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            return
        if scope["path"] == "/github/webhook":
            await self._hook(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            stranger = self._stranger(scope)
            if stranger:
                await JSONResponse(body(stranger, "set RATCHET_TOKENS, and send a token"), 403)(scope, receive, sending)
            else:
                await self._inside(scope, receive, sending)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    async def _inside(
        self, scope: Scope, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """The API, with a body of bounded size that comes in time. What it did not foresee is in the log, and not in
        the answer.
        """
        started, taken, whole = False, 0, False
        latest = time.monotonic() + SLOWEST

        async def sending(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        async def receiving() -> Message:
            nonlocal taken, whole
            try:
                message = await asyncio.wait_for(receive(), None if whole else latest - time.monotonic())
            except TimeoutError:
                raise HTTPException(408, headers={"Connection": "close"}) from None
            taken += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if taken > LARGEST:
                raise HTTPException(413)
            return message

        try:
            await self.app(scope, receiving, sending)
        except Exception:
            log.exception("%s %s failed", scope["method"], inert(scope["path"], 200))
            if not started:
                await JSONResponse(body("the server failed", "its log says why"), 500)(scope, receive, sending)

    def _stranger(self, scope: Scope) -> str:
        """Why a request is not from this machine, where only such ones count; empty where it is, or need not be."""
        if self._office.door.guarded:
            return ""
        client = scope.get("client")
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"host", b"origin")}
        named = [f"//{headers.get(b'host', '')}", *([headers[b"origin"]] if b"origin" in headers else [])]
        if client is not None and client[0] not in LOOPBACK:
            return "this server answers only its own machine"
        if any(_host(name) not in LOOPBACK for name in named):
            return "this server answers only under a name of its own machine"
        return ""

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        self._office.measures.request(scope["method"], route, status)
        client = scope.get("client") or ("-", 0)
        level = logging.DEBUG if scope["path"] in QUIET and status < 500 else logging.INFO
        access.log(
            level, "%s %s %s %d %.1fms", client[0], inert(scope["method"], 16), inert(scope["path"], 300), status,
            seconds * 1000,
        )  # fmt: skip


def _host(name: str) -> str:
    try:
        return urlsplit(name).hostname or ""
    except ValueError:
        return ""


def _told(meaning: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": meaning, "content": {"application/json": {"schema": schema}}}


_DELIVERY = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["delivery", "stored"],
                "properties": {
                    "delivery": {"type": "string"}, "stored": {"type": "boolean"}, "ignored": {"type": "string"},
                },
            }
        }
    }
}  # fmt: skip
WEBHOOK: dict[str, Any] = {
    "summary": "Deliveries of GitHub",
    "description": "Signed with one of RATCHET_GITHUB_WEBHOOK_SECRETS. Stored before it is answered, once for each id.",
    "operationId": "webhook",
    "parameters": [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
        for name in ("X-Hub-Signature-256", "X-GitHub-Delivery", "X-GitHub-Event")
    ],
    "requestBody": {"content": {"application/json": {"schema": {}}}},
    "responses": {
        "200": {"description": "It is known already", **_DELIVERY},
        "202": {"description": "It is stored, or means nothing here and is ignored", **_DELIVERY},
        **{str(status): _told(MEANINGS[status]) for status in (400, 401, 404, 405, 408, 413, 503)},
    },
}
