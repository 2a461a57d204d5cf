"""What GitHub's bytes mean: requests, answers, deliveries, pages, limits, errors. Pure: no socket, no clock.

Laws:
- A delivery counts only if its raw bytes are signed with one of the secrets; without a secret none does.
- No delivery whatever raises, and none is refused for a field that we do not read.
- A page is followed by its `Link` exactly as given, and no request leaves for another host than the configured one.
- Of a network error or a 5xx it is unknown whether the thing was done: it is never repeated here, it is `Unreachable`.
- A 404 and a 403 are errors of their own: an answer that could not be read is never taken for an empty one.
- No error's text holds a token, a key or a control character.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urljoin, urlsplit

from orchestrator.core.noun import Noun
from reviewers.plain import inert

API = "https://api.github.com"
Json: TypeAlias = Any  # what `json.loads` gives
LEAST_PAUSE = 60.0  # seconds, after a secondary limit that names none
_FOLLOWED = (301, 302, 307, 308)
_PORTS = {"https": 443, "http": 80}
_LARGEST = 2**63  # of an id: what a database's integer holds


class Request(NamedTuple):
    """One call. `path` begins with a slash and comes after the base URL, or is an absolute URL as GitHub gave it."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: Json = None
    etag: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Answer(NamedTuple):
    """What came back: header names in lower case, the body read as JSON, or None where there was none."""

    status: int
    headers: Mapping[str, str] = {}
    body: Json = None


Send: TypeAlias = Callable[[Request], Answer]
"""Sends a request and gives an answer that `checked` let pass (2xx or 304); raises `GitHubError` otherwise."""


class GitHubError(Exception):
    """GitHub did not do what was asked: what and why, and the cure. `status` is 0 where none was received."""

    cure = "read what GitHub says, and ask again"

    def __init__(self, what: str, cure: str = "", *, status: int = 0) -> None:
        self.what = redact(what)
        self.cure = cure or self.cure
        self.status = status
        super().__init__(f"{self.what}: {self.cure}")


class Unreachable(GitHubError):
    """No usable answer came. Whether a write was done is unknown: look before asking again."""

    cure = "it is looked at and tried again; if this stays, check GITHUB_API_URL, the network and githubstatus.com"


class Limited(GitHubError):
    """GitHub wants fewer requests: nothing was done, and nothing will be for so many `seconds`."""

    cure = "it goes on by itself after that"

    def __init__(self, what: str, seconds: float, *, status: int = 0) -> None:
        self.seconds = seconds
        super().__init__(f"{what}: wait {seconds:.0f} seconds", status=status)


class Unauthorized(GitHubError):
    """401: GitHub does not know the token or the App."""

    cure = "give a valid RATCHET_GITHUB_TOKEN, or RATCHET_GITHUB_APP_ID with its RATCHET_GITHUB_APP_PRIVATE_KEY"


class Forbidden(GitHubError):
    """403: known, and not allowed."""

    cure = "give the App or the token this permission on the repository (for teams: organization members, read)"


class Missing(GitHubError):
    """404 or 410: not there, or not to be seen by us."""

    cure = "check the name, and that the App is installed on the repository or the token may see it"


class Invalid(GitHubError):
    """4xx otherwise: understood, and refused for what it says or for the state that it finds (405, 409, 422)."""

    cure = "change what GitHub names here"


_KINDS: dict[int, type[GitHubError]] = {401: Unauthorized, 403: Forbidden, 404: Missing, 408: Unreachable, 410: Missing}


def checked(request: Request, answer: Answer, now: float, tries: int = 0) -> Answer:
    """The same answer if it is one (2xx, 304). Raises the `GitHubError` that it means otherwise."""
    if answer.status < 300 or answer.status == 304:
        return answer
    said = inert(redact(f"{request} answered {answer.status}{_said(answer.body)}"), 1000)
    seconds = pause(answer, now, tries)
    if seconds is not None:
        raise Limited(said, seconds, status=answer.status)
    if answer.status < 400:
        raise GitHubError(
            f"{said}, a move that can't be followed", "give the repository's present name", status=answer.status
        )
    kind = Unreachable if answer.status >= 500 else _KINDS.get(answer.status, Invalid)
    raise kind(said, status=answer.status)


def _said(body: Json) -> str:
    """GitHub's own words: its message, and what it says of each field."""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    words = [body.get("message"), *map(_complaint, errors if isinstance(errors, list) else [])]
    return "".join(f": {word.rstrip('. ')}" for word in words if isinstance(word, str) and word)


def _complaint(error: Json) -> Json:
    if not isinstance(error, dict):
        return error
    names = (error.get("resource"), error.get("field"), error.get("code"))
    return error.get("message") or " ".join(str(name) for name in names if name)


def pause(answer: Answer, now: float, tries: int) -> float | None:
    """Seconds to wait before the next request, or None where no limit was met. `tries`: limits met before in a row.

    docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately
    """
    if answer.status not in (403, 429):
        return None
    backoff = LEAST_PAUSE * 2 ** min(tries, 6)
    if "retry-after" in answer.headers:
        return _seconds(answer.headers["retry-after"], 0, backoff)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return _seconds(answer.headers.get("x-ratelimit-reset", ""), now, backoff)
    slowed = re.search(r"secondary rate limit|abuse detection", _said(answer.body), re.IGNORECASE)
    return backoff if slowed or answer.status == 429 else None


def _seconds(text: str, since: float, otherwise: float) -> float:
    """Whole seconds as written, counted from `since`, at least one; `otherwise` where it is no such number."""
    return max(1.0, int(text) - since) if re.fullmatch(r"[0-9]{1,12}", text.strip()) else otherwise


def moved(request: Request, answer: Answer, url: str) -> Request | None:
    """The same request where the answer (of `url`) says that the thing now is; None where it does not move it.

    GitHub asks for the request to be repeated verbatim: a POST stays a POST, even after a 301.
    docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
    """
    there = answer.headers.get("location", "")
    if answer.status not in _FOLLOWED or not there:
        return None
    return request._replace(path=urljoin(url, there), query={})


def next_page(answer: Answer) -> Request | None:
    """The request for the page after this one, or None after the last."""
    for url, relations in re.findall(r"<([^<>]*)>([^<]*)", answer.headers.get("link", "")):
        if re.search(r'\brel="?next\b', relations):
            return Request("GET", url)
    return None


def address(base: str, path: str) -> str:
    """The URL of a path below the base, or of an absolute URL. Raises `GitHubError` where it leads to another host."""
    if path.startswith("/"):
        return base.rstrip("/") + path
    if _origin(path) != _origin(base):
        host = inert(redact(path), 200)
        raise GitHubError(f"{host} is not below {base}, and nothing is sent there", "check GITHUB_API_URL")
    return path


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what is none, or names a user."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return None if "@" in parts.netloc or "\\" in parts.netloc else (parts.scheme, parts.hostname or "", port)


_SECRETS = (
    r"gh[a-z]_[A-Za-z0-9._-]{8,}|github_pat_[A-Za-z0-9_]{8,}"
    r"|eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"
    r"|(?i:bearer)\s+[^\s\"',;<>]+|(?i:authorization)[\"']?\s*[:=]\s*[\"']?(?:\w+\s+)?[^\s\"',;]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^\s/@]+(?=@)"
)
HIDDEN = "[hidden]"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without GitHub's tokens, JSON web tokens, `Bearer` words, private keys, and these very secrets."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return re.sub(_SECRETS, HIDDEN, text, flags=re.DOTALL)


def verified(body: bytes, signature: str | None, secrets: Sequence[str]) -> bool:
    """Whether `X-Hub-Signature-256` is that of these very bytes with one of the secrets (several while they rotate).

    docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
    """
    given = (signature or "").encode(errors="backslashreplace")
    digests = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets if secret]
    return any([hmac.compare_digest(given, f"sha256={digest}".encode()) for digest in digests])  # noqa: C419 (all are compared)


class Delivery(Noun):
    """What a webhook says that we read: where to look sooner. Everything else is read again from GitHub."""

    id: str
    event: str
    action: str = ""
    repository_id: int | None = None
    repository: str = ""
    sender_id: int | None = None
    sender_type: str = ""
    number: int | None = None
    comment_id: int | None = None


class Unreadable(Noun):
    """A delivery that is none: what is wrong with it."""

    what: str


def read_delivery(headers: Mapping[str, str], body: bytes) -> Delivery | Unreadable:
    """The delivery of these headers and bytes. An unknown event and a payload of any shape are read, too."""
    named = {name.lower(): value for name, value in headers.items()}
    id_, event = (_text(named.get(name)) for name in ("x-github-delivery", "x-github-event"))
    if not id_ or not event:
        return Unreadable(what="X-GitHub-Delivery and X-GitHub-Event are not both there")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return Unreadable(what="the body is not JSON: set the webhook's content type to application/json")
    if not isinstance(payload, dict):
        return Unreadable(what="the body is not a JSON object")
    return Delivery(
        id=id_,
        event=event,
        action=_text(payload.get("action")),
        repository_id=_id(_part(payload, "repository", "id")),
        repository=_text(_part(payload, "repository", "full_name")),
        sender_id=_id(_part(payload, "sender", "id")),
        sender_type=_text(_part(payload, "sender", "type")),
        number=_id(_part(payload, "issue", "number"))
        or _id(_part(payload, "pull_request", "number"))
        or _id(payload.get("number")),
        comment_id=_id(_part(payload, "comment", "id")),
    )


def _part(payload: Mapping[str, Json], name: str, field: str) -> Json:
    part = payload.get(name)
    return part.get(field) if isinstance(part, dict) else None


def _text(value: Json) -> str:
    """Short, printable text as it is; empty for anything else."""
    return value if isinstance(value, str) and len(value) <= 255 and value.isprintable() else ""


def _id(value: Json) -> int | None:
    return value if type(value) is int and 0 < value < _LARGEST else None
