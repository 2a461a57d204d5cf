"""emulate in a process of its own, given commands line by line (see serve.mjs)."""

import json
import subprocess
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from .node import HOME, modules, node
from .wire import Call, Reply

KEPT = ("link", "content-type", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
HOPS = {"host", "connection", "content-length", "accept-encoding", "if-none-match", "authorization"}


class Emulator:
    """One node process; `fresh` makes it a new, empty GitHub within milliseconds."""

    def __enter__(self) -> Self:
        modules()
        self._process = subprocess.Popen(
            [str(node()), str(HOME / "serve.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._http = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=8))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()
        self._process.kill()
        self._process.communicate()

    def fresh(self, seed: dict[str, Any]) -> None:
        """Forget everything; begin with `seed`, the clock being right."""
        self.ahead(0)
        self.url = self._tell({"fresh": seed})["url"]
        self._at = self.url.replace("localhost", "127.0.0.1")

    def ahead(self, seconds: float) -> None:
        """Set the clock that far ahead of the real one."""
        self._tell({"ahead": round(seconds * 1000)})

    def ask(self, call: Call, token: str, urls: str) -> Reply:
        """emulate's answer to `call` by the bearer of `token`, its own address replaced by `urls`."""
        headers = {name: value for name, value in call.headers.items() if name not in HOPS}
        headers["authorization"] = f"Bearer {token}"
        answer = self._http.request(call.method, self._at + call.target, content=call.body, headers=headers)
        data = self._readdressed(answer.content, urls)
        kept = {name: self._link(answer.headers[name], urls) for name in KEPT if name in answer.headers}
        return Reply(answer.status_code, _read(data, kept), kept)

    def _readdressed(self, data: bytes, urls: str) -> bytes:
        return data.replace(self.url.encode(), urls.encode()).replace(self._at.encode(), urls.encode())

    def _link(self, text: str, urls: str) -> str:
        return self._readdressed(text.encode(), urls).decode()

    def _tell(self, command: Mapping[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"emulate ended with {self._process.wait()}: its words are on stderr")
        return json.loads(line)


def _read(data: bytes, headers: dict[str, str]) -> Any:
    if not data:
        return None
    return json.loads(data) if "json" in headers.get("content-type", "") else data
