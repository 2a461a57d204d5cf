"""What goes over the wire: calls, replies, and a server that can also hang up without a word."""

import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

DOCUMENTATION = "https://docs.github.com/rest"


@dataclass(frozen=True)
class Call:
    """One request, its path as sent (percent-encoded), its headers in lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def json(self) -> Any:
        """The body; an empty one is an empty object."""
        try:
            return json.loads(self.body) if self.body.strip() else {}
        except ValueError:
            raise Refused(400, "Problems parsing JSON") from None

    @property
    def target(self) -> str:
        """Path and query as one."""
        return self.path + ("?" + urlencode(self.query, quote_via=quote) if self.query else "")

    def to(self, path: str, **query: str) -> "Call":
        """The same call elsewhere."""
        return replace(self, path=path, query=dict(self.query) | query)

    def saying(self, body: Any) -> "Call":
        """The same call with another body."""
        return replace(self, body=json.dumps(body).encode())


@dataclass(frozen=True)
class Reply:
    """One answer: a body is JSON, or bytes that are sent as they are, or None for nothing."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether what was asked for was done."""
        return self.status < 300

    def data(self) -> bytes:
        """The body as it is sent."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Refused(Exception):
    """GitHub says no: the answer in its shape."""

    def __init__(self, status: int, message: str, errors: Any = None, **headers: str) -> None:
        super().__init__(message)
        body = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
        if errors is not None:
            body["errors"] = errors
        self.reply = Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def invalid(resource: str, message: str, field_: str | None = None, code: str = "custom") -> Refused:
    """422 as GitHub words it."""
    error = {"resource": resource, "code": code, "message": message} | ({"field": field_} if field_ else {})
    return Refused(422, "Validation Failed", [error])


Handler = Callable[..., Reply | None]


class Routes:
    """Patterns such as `/repos/{repo}/issues/{number}`; `{repo}` is owner/name, `{rest}` anything."""

    KINDS = {"repo": "[^/]+/[^/]+", "rest": ".+", "number": "[0-9]+", "id": "[0-9]+", "other": "[0-9]+"}

    def __init__(self) -> None:
        self._all: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """`handler(call, caller, **parts)` answers, or returns None: somebody else does."""
        regex = re.sub(r"\{(\w+)\}", lambda m: f"(?P<{m[1]}>{self.KINDS.get(m[1], '[^/]+')})", pattern)
        self._all.append((method, re.compile(regex), handler))

    def answer(self, call: Call, caller: Any) -> Reply | None:
        """What the first fitting handler says."""
        for method, pattern, handler in self._all:
            found = pattern.fullmatch(call.path) if method == call.method else None
            if found and (reply := handler(call, caller, **found.groupdict())) is not None:
                return reply
        return None


def paged(items: list[Any], call: Call, base: str) -> Reply:
    """One page of `items` with GitHub's Link header; `base` is the address before the query."""
    size = min(100, max(1, int(call.query.get("per_page", "30") or 30)))
    page = max(1, int(call.query.get("page", "1") or 1))
    last = max(1, -(-len(items) // size))

    def link(number: int, name: str) -> str:
        query = urlencode({**call.query, "per_page": size, "page": number}, quote_via=quote)
        return f'<{base}?{query}>; rel="{name}"'

    links = [link(page + 1, "next"), link(last, "last")] if page < last else []
    links += [link(1, "first"), link(page - 1, "prev")] if page > 1 else []
    headers = {"link": ", ".join(links)} if links else {}
    return Reply(200, items[(page - 1) * size : page * size], headers)


class Listener:
    """Serves `answer` on a free port of this machine; an answer of None hangs up."""

    def __init__(self, answer: Callable[[Call], Reply | None]) -> None:
        self._open: set[socket.socket] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answer, self._open))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and hang up on everybody."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for one in list(self._open):
            one.close()


def _handler(answer: Callable[[Call], Reply | None], connections: set[socket.socket]) -> type[BaseHTTPRequestHandler]:
    class OneConnection(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        server_version, sys_version = "github.com", ""

        def setup(self) -> None:
            super().setup()
            connections.add(self.connection)

        def finish(self) -> None:
            connections.discard(self.connection)
            super().finish()

        def log_message(self, *_: Any) -> None:
            """Nothing: `github.exchanges` remembers more."""

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (OSError, ValueError):  # the other side, or close(), hung up
                self.close_connection = True

        def any(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = answer(Call(self.command, path, dict(parse_qsl(query, True)), headers, body))
            if reply is None:
                self.close_connection = True
                return
            data = reply.data()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if "content-type" not in reply.headers and data:
                self.send_header("content-type", "application/json; charset=utf-8")
            if reply.status not in (204, 304):
                self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = any  # noqa: N815 (http.server's names)

    return OneConnection
