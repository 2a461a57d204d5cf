"""A small client of the server's HTTP API, on the standard library alone.

Laws:
- The token goes to the server's own address and nowhere else: no redirect is followed, plain http is spoken with this
  machine only (or with RATCHET_INSECURE=1), and no error shows it.
- What can't be reached, or answers 429, 502, 503 or 504, is asked again, four times at most; what would then be done
  twice is asked again only where it can't have arrived.
- Every failure is a `Trouble`: what, why, cure.
"""

import http.client
import ipaddress
import json
import os
import re
import ssl
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from orchestrator.trouble import Trouble

BUSY = frozenset({429, 502, 503, 504})
LIMIT = 64 * 2**20  # bytes of an answer
LONGEST = 60.0  # seconds that a server may ask us to wait

Json = dict[str, Any]


class Unreachable(Trouble):
    """Nobody answered, or nobody who could: it may be otherwise later."""


class Refused(Trouble):
    """The server understood, and said no. `status` is HTTP's."""

    def __init__(self, what: str, cure: str, status: int) -> None:
        super().__init__(what, cure)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP's status, and the JSON in it."""

    status: int
    body: Any
    wait: float | None = None


@dataclass(frozen=True)
class Triggered:
    """A cycle that was asked for. `new` is false where the same key had asked for it before."""

    id: str
    state: str
    url: str
    new: bool


@dataclass(frozen=True)
class Patience:
    """How long one attempt may take, how many there are, and how long the first pause is: each next one doubles."""

    timeout: float = 30.0
    tries: int = 5
    pause: float = 1.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)


class Client:
    """One server. `token` is called before every attempt, so that it may be a short-lived one."""

    def __init__(
        self, server: str, token: Callable[[], str] = str, *, patience: Patience | None = None, insecure: bool = False
    ) -> None:
        self.server = address(server, insecure=insecure)
        self._token, self._patience = token, patience or Patience()

    def trigger(
        self, pipeline: str, *, values: Mapping[str, str] | None = None, reason: str = "", key: str = ""
    ) -> Triggered:
        """Ask for a cycle; `values` are by `stage.key`. The same key gives the same cycle, however often."""
        asked = {"pipeline": pipeline, "set": dict(values or {}), "reason": reason}
        answer = self._call("POST", "/api/cycles", {**asked, "idempotency_key": key or str(uuid.uuid4())})
        try:
            found = {name: str(answer.body[name]) for name in ("id", "state", "url")}
        except (TypeError, KeyError):
            raise self._stranger() from None
        return Triggered(**found, new=answer.status == 201)

    def cycles(self, *, pipeline: str = "", state: str = "", before: str = "", limit: int = 0) -> Any:
        """Cycles, newest first."""
        asked = {"pipeline": pipeline, "state": state, "before": before, "limit": limit}
        query = urlencode({name: value for name, value in asked.items() if value})
        return self._call("GET", f"/api/cycles{'?' if query else ''}{query}").body

    def cycle(self, name: str) -> Json:
        """One cycle with its stages, runs, report, gate and reviews."""
        return self._noun("GET", f"/api/cycles/{quote(name, safe='')}")

    def events(self, name: str) -> Any:
        """The record of one cycle."""
        return self._call("GET", f"/api/cycles/{quote(name, safe='')}/events").body

    def review(
        self, name: str, verdict: str, about: str, *, reason: str = "", values: Mapping[str, str] | None = None
    ) -> Json:
        """The caller's verdict (approve, reject, change) about a digest."""
        body = {"verdict": verdict, "about": about, "reason": reason} | ({"set": dict(values)} if values else {})
        return self._noun("POST", f"/api/cycles/{quote(name, safe='')}/reviews", body, repeatable=False)

    def command(self, name: str, command: str, **said: Any) -> Json:
        """hold, unhold, cancel or rerun, with what belongs to it."""
        body = {"command": command, **said}
        return self._noun("POST", f"/api/cycles/{quote(name, safe='')}/commands", body, repeatable=False)

    def labels(self, name: str) -> Json:
        """The rows that the open gate asks people to label, and what was corrected so far."""
        return self._noun("GET", f"/api/cycles/{quote(name, safe='')}/labels")

    def correct(self, name: str, labels: list[Json]) -> Json:
        """The caller's labels: the stage that asked runs again with them."""
        path = f"/api/cycles/{quote(name, safe='')}/labels"
        return self._noun("POST", path, {"labels": labels}, repeatable=False)

    def erase(self, pipeline: str, asked: Json) -> Json:
        """Rows leave the pipeline's snapshots, which may take minutes; with `dry_run` it is only said which would."""
        path, patience = f"/api/pipelines/{quote(pipeline, safe='')}/erasures", replace(self._patience, timeout=1800.0)
        answer = call("POST", self.server + path, token=self._token, body=asked, repeatable=False, patience=patience)
        if not isinstance(answer.body, dict):
            raise self._stranger()
        return answer.body

    def pipelines(self) -> Any:
        """What the server's ratchet.yaml has."""
        return self._call("GET", "/api/pipelines").body

    def plan(self, pipeline: str = "", *, trigger: bool = False, key: str = "") -> list[Json]:
        """Which schedules are due and why, or why not; with `trigger` those that are due begin, once for each key."""
        body = self._noun("POST", "/api/plan", {"pipeline": pipeline or None, "trigger": trigger, "key": key})
        plans = body.get("plans")
        if not isinstance(plans, list) or not all(isinstance(plan, dict) for plan in plans):
            raise self._stranger()
        return plans

    def relay(self, repository: str, issue: int, *, comment: int | None = None, review: int | None = None) -> None:
        """Say that there is something to look at: ids, and nothing of what they name."""
        ids = {"comment": comment, "review": review}
        given = {name: value for name, value in ids.items() if value is not None}
        self._call("POST", "/github/relay", {"repository": repository, "issue": issue, **given})

    def _noun(self, method: str, path: str, body: Json | None = None, *, repeatable: bool = True) -> Json:
        found = self._call(method, path, body, repeatable=repeatable).body
        if not isinstance(found, dict):
            raise self._stranger()
        return found

    def _call(self, method: str, path: str, body: Json | None = None, *, repeatable: bool = True) -> Answer:
        return call(
            method, self.server + path, token=self._token, body=body, repeatable=repeatable, patience=self._patience
        )

    def _stranger(self) -> Trouble:
        return Trouble(f"{self.server} answers, but not as a Ratchet server does", "check the address of the server")


def address(server: str, *, insecure: bool = False) -> str:
    """The server's address without a last slash. Raises `Trouble` for what is none, or would show the token."""
    value = server.strip().rstrip("/")
    if not value:
        raise Trouble("no server is named", "give its address, such as https://ratchet.example.org", code=2)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    odd = re.search(r"[^!-~]", value) or parts.query or parts.fragment or parts.username is not None or port == 0
    if parts.scheme not in ("http", "https") or not parts.hostname or odd:
        raise Trouble("the server's address can't be read", "write one like https://ratchet.example.org", code=2)
    open_ = parts.scheme == "http" and not loopback(parts.hostname)
    if open_ and not (insecure or os.environ.get("RATCHET_INSECURE") == "1"):
        cure = "use https, or set RATCHET_INSECURE=1 in a network that you trust"
        raise Trouble(f"{value} would carry the token in the clear", cure, code=2)
    return value


def loopback(host: str) -> bool:
    """Whether this name or number can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def call(
    method: str, url: str, *, token: Callable[[], str] = str, body: Json | None = None, repeatable: bool = True,
    patience: Patience | None = None,
) -> Answer:  # fmt: skip
    """One request, as often as it takes. Raises `Unreachable`, `Refused` or another `Trouble`."""
    patience = patience or Patience()
    last = Unreachable(f"{_origin(url)} was not asked", "try again")
    for attempt in range(patience.tries):
        secret, wait = token(), None
        try:
            answer = _once(_request(method, url, secret, body), secret, patience.timeout)
        except Unreachable as error:
            last = error
            if not (repeatable or isinstance(error, _Absent)):
                raise
        else:
            if answer.status < 300:
                return answer
            if answer.status not in BUSY or not (repeatable or answer.status == 429):
                raise _refused(url, answer, secret)
            last, wait = _busy(url, answer, secret), answer.wait
        if attempt + 1 < patience.tries:
            patience.sleep(wait if wait is not None else patience.pause * 2**attempt)
    raise last


class _Absent(Unreachable):
    """Nobody was there: the request can't have arrived."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: a redirect is an answer like any other."""

    def redirect_request(self, *_: object) -> None:
        return None


def _request(method: str, url: str, secret: str, body: Json | None) -> urllib.request.Request:
    if re.search(r"[^!-~]", secret):
        raise Trouble("the token has signs that no token has", "set it again, without spaces and line ends", code=2)
    headers = {"Accept": "application/json", "User-Agent": "ratchet"}
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    if body is not None:
        headers["Content-Type"] = "application/json"
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - `address` lets only http through


def _once(request: urllib.request.Request, secret: str, timeout: float) -> Answer:
    nobody = loopback(urlsplit(request.full_url).hostname or "")
    opener = urllib.request.build_opener(_Stay, *([urllib.request.ProxyHandler({})] if nobody else []))
    try:
        with _open(opener, request, timeout) as found:
            status, headers, raw = found.status, found.headers, found.read(LIMIT + 1)
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(request.full_url, error, secret) from None
    return _answer(status, headers, raw)


def _open(opener: urllib.request.OpenerDirector, request: urllib.request.Request, timeout: float) -> Any:
    """The answer, whatever its status: to urllib, those that are no success are errors."""
    try:
        return opener.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        return error


def _answer(status: int, headers: Mapping[str, str], raw: bytes) -> Answer:
    if len(raw) > LIMIT:
        raise Trouble("the server's answer is longer than any answer of Ratchet", "check the address of the server")
    after = headers.get("Retry-After", "")
    wait = min(float(after), LONGEST) if re.fullmatch(r"[0-9]{1,9}", after) else None
    if 300 <= status < 400:
        return Answer(status, str(headers.get("Location", "")))
    try:
        return Answer(status, json.loads(raw) if raw.strip() else None, wait)
    except (ValueError, RecursionError):
        if status < 300:
            raise Trouble(
                "the server's answer is no JSON", "check that the address is the one of a Ratchet server"
            ) from None
        return Answer(status, None, wait)


def _unreachable(url: str, error: Exception, secret: str) -> Trouble:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        cure = "check the address; trust a private authority with SSL_CERT_FILE"
        return Trouble(f"{_origin(url)} has a certificate that is not trusted ({cause.verify_message})", cure)
    why = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    what = f"{_origin(url)} can't be reached ({plain(why, secret)})"
    kind = _Absent if isinstance(cause, ConnectionRefusedError) else Unreachable
    return kind(what, "check that the server runs, its address and the network")


def _busy(url: str, answer: Answer, secret: str) -> Unreachable:
    told, cure = (plain(text, secret) for text in _told(answer.body))
    what = f"{_origin(url)} answers {answer.status}{f' ({told})' if told else ''}"
    return Unreachable(what, cure or "it is busy or being started: try again in a minute")


def _refused(url: str, answer: Answer, secret: str) -> Refused:
    where, status = _origin(url), answer.status
    if 300 <= status < 400:
        cure = f"give the server's own address (it names {plain(_origin(answer.body), secret) or 'none'})"
        return Refused(f"{where} sends us elsewhere, and the token does not follow", cure, status)
    told, cure = (plain(text, secret) for text in _told(answer.body))
    cures = {
        401: "check the token; with OIDC, that the audience is the server's RATCHET_OIDC_AUDIENCE",
        403: "ask for a role that may do this",
        404: "check the address and the name",
    }
    cure = cure or cures.get(status, "" if status < 500 else "look into the server's log")
    return Refused(f"{where} refused ({status}){f': {told}' if told else ''}", cure, status)


def _told(body: Any) -> tuple[str, str]:
    """What the server says is wrong, and its cure: `{"error": {"what", "cure"}}`, or FastAPI's own form."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return str(error.get("what") or ""), str(error.get("cure") or "")
    said = body.get("detail") if isinstance(body, dict) else None
    return (said if isinstance(said, str) else ""), ""


def plain(text: str, secret: str = "", most: int = 1000) -> str:
    """One line without control characters, without the secret."""
    told = text.replace(secret, "***") if secret else text
    line = "".join(c if c.isprintable() else " " for c in told[: most * 2])
    return re.sub(r"\s+", " ", line).strip()[:most]


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else ""
