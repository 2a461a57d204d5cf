"""A small real HTTP server that speaks as much of Ratchet's API, and of GitHub's identity tokens, as actions need."""

import json
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Reply = tuple[int, Any, dict[str, str]]


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    token: str
    body: Any
    raw: bytes = field(repr=False, default=b"")


class SmallServer:
    """Answers by method and path: what `says` was told, one after the other and the last for ever, else a default."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._told: dict[str, list[Reply | None]] = {}
        self._cycles: dict[str, str] = {}
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._http.handle_error = lambda *_: None  # a client that does not trust us says so itself

    def says(self, what: str, *answers: Sequence[Any] | None) -> None:
        """`"GET /api/x"` is answered by (status, body[, headers]) in turn; None hangs up without a word."""
        self._told[what] = [None if one is None else (one[0], one[1], dict(one[2:] and one[2])) for one in answers]

    def of(self, path: str) -> list[Asked]:
        """The requests for this path, in order."""
        return [one for one in self.asked if one.path.partition("?")[0] == path]

    def answer(self, asked: Asked) -> Reply | None:
        """What is said to this request."""
        with self._lock:
            self.asked.append(asked)
            told = self._told.get(f"{asked.method} {asked.path.partition('?')[0]}")
            if told:
                return told.pop(0) if len(told) > 1 else told[0]
            return self._usual(asked)

    def _usual(self, asked: Asked) -> Reply:
        path = asked.path.partition("?")[0]
        if path == "/oidc":
            return 200, {"value": f"identity-{len(self.of('/oidc'))}"}, {}
        if (asked.method, path) == ("POST", "/api/cycles"):
            known = self._cycles.get(asked.body["idempotency_key"])
            name = known or f"c-{len(self._cycles) + 1:06d}"
            self._cycles[asked.body["idempotency_key"]] = name
            return 200 if known else 201, {"id": name, "state": "queued", "url": f"{self.url}/cycles/{name}"}, {}
        if path == "/github/relay":
            return 202, None, {}
        return 404, {"detail": "there is no such thing"}, {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                reply = server.answer(Asked(self.command, self.path, token, json.loads(raw or b"null"), raw))
                if reply is None:
                    self.close_connection = True
                    return
                status, body, headers = reply
                data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(data))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_CONNECT = answer  # noqa: N815 - http.server's names

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
