"""How requests travel: HTTP by githubkit's client, credentials, pace and patience.

Laws:
- A write is sent once: again only where GitHub refused it unread (401, a limit) or says where the thing now is.
- Writes are serial, with at least `pace` seconds from one's answer to the next; reads wait for nothing.
- No credential leaves for another host than the base URL's, and none is in an error's text.

githubkit is used raw: its client, base URL and headers. Not its cache, shared by all instances where ours must be
asked by etag; not its models, which refuse what GitHub sends; not its retries, which repeat a POST after a 502, and
wait for limits without a bound; not its App strategy, which refuses an `expires_at` with milliseconds, shares
tokens between instances, and does not ask anew after a 401. A token here is opaque, and is renewed before its hour.
"""

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from urllib.parse import quote

import httpx
import jwt
from githubkit import GitHub

from reviewers.github.protocol import (
    API,
    Answer,
    Json,
    Limited,
    Request,
    Unauthorized,
    Unreachable,
    address,
    checked,
    moved,
    pause,
)

VERSION = "2022-11-28"
RENEWED = 50 * 60.0  # seconds; GitHub's installation tokens live an hour
PATIENCE = 60.0  # seconds that one request may wait for limits
_SHUT = 3600.0  # the longest that a limit is believed: primary limits are by the hour
_MOVES = 3
_READS = ("GET", "HEAD")


class Transport:
    """GitHub over HTTP, with a token or as an App on one repository. May be used by several threads.

    Raises `GitHubError` where a credential can't be one, before anything is sent.
    """

    def __init__(
        self,
        base_url: str = API,
        *,
        token: str = "",
        app_id: str = "",
        private_key: str = "",
        repository: str = "",
        pace: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base, self._pace, self._sleep, self._clock = base_url.rstrip("/"), pace, sleep, clock
        self._token = _credential(token)
        self._app = _App(app_id, private_key, repository, self._ask, clock) if app_id else None
        self._writing = threading.Lock()
        self._written = self._shut_until = float("-inf")
        self._me: tuple[int, str] | None = None
        self._github = GitHub(
            base_url=self._base, http_cache=False, auto_retry=False, follow_redirects=False, user_agent="ratchet"
        )
        self._open = ExitStack()
        self._client: httpx.Client = self._open.enter_context(self._github.get_sync_client())
        self._client.timeout = httpx.Timeout(30, connect=10)

    def close(self) -> None:
        """Close the connections."""
        self._open.close()

    def send(self, request: Request) -> Answer:
        """The answer, if it is one (2xx, 304). Raises the `GitHubError` that it means otherwise.

        Waits for limits up to `PATIENCE` seconds; a longer one is `Limited`, and so is what is asked before it ends.
        """
        if request.method in _READS:
            return self._patiently(request)
        with self._writing:
            rest = self._pace - (self._clock() - self._written)
            if rest > 0:
                self._sleep(min(rest, self._pace))
            try:
                return self._patiently(request)
            finally:
                self._written = self._clock()

    def whoami(self) -> tuple[int, str]:
        """Our numeric id and login: the App's bot user, or the user of the token."""
        if self._me is None:
            login = f"/users/{quote(self._slug(), safe='')}%5Bbot%5D" if self._app else "/user"
            body = self.send(Request("GET", login)).body
            try:
                self._me = (int(body["id"]), str(body["login"]))
            except (KeyError, TypeError, ValueError):
                raise Unreachable(f"GitHub's answer to {login} is no user") from None
        return self._me

    def _slug(self) -> str:
        body = self.send(Request("GET", "/app")).body
        return str(body.get("slug")) if isinstance(body, dict) else ""

    def _patiently(self, request: Request) -> Answer:
        """The answer after waiting for limits."""
        left = self._shut_until - self._clock()
        if left > 0:
            raise Limited(f"{request} is not sent: GitHub's limit is met", left)
        waited, tries = 0.0, 0
        while True:
            answer = self._follow(request)
            seconds = pause(answer, self._clock(), tries)
            if seconds is None or waited + seconds > PATIENCE:
                if seconds is not None:
                    self._shut_until = self._clock() + min(seconds, _SHUT)
                return checked(request, answer, self._clock(), tries)
            self._sleep(seconds)
            waited, tries = waited + seconds, tries + 1

    def _follow(self, request: Request) -> Answer:
        """The answer from where the thing now is."""
        answer = self._authorized(request)
        for _ in range(_MOVES):
            onward = moved(request, answer, address(self._base, request.path))
            if onward is None:
                break
            request, answer = onward, self._authorized(onward)
        return answer

    def _authorized(self, request: Request) -> Answer:
        """The answer to the request with our credential; an App's token that GitHub refuses is renewed, once."""
        if self._app is None:
            return self._ask(request, self._token)
        if request.path == "/app" or request.path.startswith("/app/"):
            return self._ask(request, self._app.jwt())
        token = self._app.token()
        answer = self._ask(request, token)
        return self._ask(request, self._app.token(refused=token)) if answer.status == 401 else answer

    def _ask(self, request: Request, bearer: str) -> Answer:
        """One exchange. A read whose connection broke is asked once more: an idle connection may have been closed."""
        try:
            try:
                return _answer(request, self._exchange(request, bearer), bearer)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if request.method not in _READS:
                    raise
                return _answer(request, self._exchange(request, bearer), bearer)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = f"{request}: {type(error).__name__}: {error}"
        raise Unreachable(said)

    def _exchange(self, request: Request, bearer: str) -> httpx.Response:
        headers = {"X-GitHub-Api-Version": VERSION, "Accept": "application/vnd.github+json"}
        headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
        headers |= {"If-None-Match": request.etag} if request.etag else {}
        headers |= {"Content-Type": "application/json"} if request.body is not None else {}
        return self._client.request(
            request.method,
            address(self._base, request.path),
            params=dict(request.query) or None,  # httpx takes {} for the wish to drop the URL's own query
            content=None if request.body is None else json.dumps(request.body).encode(),
            headers=headers,
        )


class _App:
    """A GitHub App's credentials for one repository: web tokens that we sign, installation tokens that we are given.

    docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
    """

    def __init__(
        self,
        app_id: str,
        private_key: str,
        repository: str,
        ask: Callable[[Request, str], Answer],
        clock: Callable[[], float],
    ) -> None:
        self._id, self._repository, self._ask, self._clock = app_id, repository, ask, clock
        self._key = private_key.replace("\\n", "\n")  # as it comes from an environment that has no lines
        self._renewing = threading.Lock()
        self._token, self._renew_at = "", float("-inf")
        self.jwt()

    def jwt(self) -> str:
        """A web token that says that we are the App, good for nine minutes. Raises `Unauthorized` for a bad key."""
        now = int(self._clock())
        claims = {"iss": self._id, "iat": now - 60, "exp": now + 540}
        try:
            return jwt.encode(claims, self._key, algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
            pass
        raise Unauthorized(
            "the App's private key is no RSA key in PEM form",
            "give RATCHET_GITHUB_APP_PRIVATE_KEY the file's whole text",
        )

    def token(self, refused: str = "") -> str:
        """The installation's token, another one than that refused."""
        with self._renewing:
            if not self._token or self._token == refused or self._clock() >= self._renew_at:
                self._token = self._fetched()
                self._renew_at = self._clock() + RENEWED
            return self._token

    def _fetched(self) -> str:
        there = f"/repos/{quote(self._repository)}/installation"
        found = self._field(Request("GET", there), "id")
        return _credential(str(self._field(Request("POST", f"/app/installations/{found}/access_tokens"), "token")))

    def _field(self, request: Request, name: str) -> Json:
        answer = self._ask(request, self.jwt())
        onward = moved(request, answer, request.path)
        answer = checked(request, self._ask(onward, self.jwt()) if onward else answer, self._clock())
        if not isinstance(answer.body, dict) or name not in answer.body:
            raise Unreachable(f"GitHub's answer to {request} has no {name}")
        return answer.body[name]


def _credential(token: str) -> str:
    """The token without the line's end of its file. Raises `Unauthorized` for what no token is."""
    token = token.strip()
    if not re.fullmatch(r"[!-~]*", token):
        raise Unauthorized("the token holds characters that no token has")
    return token


def _answer(request: Request, response: httpx.Response, bearer: str) -> Answer:
    """The answer in a response; what is no JSON is None in a refusal, and `Unreachable` in a success."""
    content, body = response.content, None
    if response.is_error and bearer:
        content = content.replace(bearer.encode(), b"[hidden]")
    try:
        body = json.loads(content) if content else None
    except (ValueError, RecursionError):
        if response.is_success:
            raise Unreachable(f"{request} was answered, but not by GitHub's API: it is no JSON") from None
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)
