"""The front: one call goes through renames, callers, refusals, our own routes or emulate, webhooks and ETags.

Laws
1. Calls are answered one after another: GitHub is seen in whole steps.
2. What emulate does right is left to it; each file here says at its top what emulate lacks.
3. People act by the same door as the product, but faults are for the product alone (see github.py).
"""

import hashlib
import json
import re
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from .callers import App, Caller, Callers
from .checks import Checks
from .emulator import Emulator
from .git import Git
from .hooks import Hooks
from .issues import Issues
from .people import People
from .places import Places
from .pulls import Pulls
from .reviews import Reviews
from .seed import TURNS, token
from .talk import Talk
from .wire import DOCUMENTATION, Call, Refused, Reply, Routes

TURN = 4_000  # calls, of the 5,000 that emulate allows a token
MILLISECONDS = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{3}Z")


class Site:
    """GitHub, less its network: `handle(call)` answers."""

    turn = TURN

    def __init__(
        self, emulator: Emulator, url: Callable[[], str], repo: str, apps: list[App], roles: dict[str, str]
    ) -> None:
        self._emulator, self._url, self.apps = emulator, url, apps
        self.ahead = timedelta(0)
        self._calls: Counter[str] = Counter()
        self._instead: dict[str, str] = {}
        self.routes = Routes()
        self.places = Places(self, repo)
        self.callers = Callers(self, apps)
        self.people = People(self, roles)
        self.talk = Talk(self)
        self.git = Git(self)
        self.pulls = Pulls(self)
        self.reviews = Reviews(self)
        self.issues = Issues(self)
        self.checks = Checks(self)
        self.hooks = Hooks(self)

    @property
    def administrator(self) -> Caller:
        """emulate's own."""
        return _ADMIN

    def handle(self, call: Call) -> Reply:
        """GitHub's answer."""
        try:
            reply = self._handle(call)
        except Refused as no:
            reply = no.reply
        return self._dressed(call, reply)

    def pass_on(self, call: Call, caller: Caller) -> Reply:
        """emulate's answer, its times without milliseconds."""
        reply = self._emulator.ask(call, self._turned(caller), self._url())
        body = self._plain(reply.body)
        if not reply.ok and isinstance(body, dict):
            body |= {"status": str(reply.status), "documentation_url": DOCUMENTATION}
            if body.get("message") == "Forbidden" and caller.kind == "installation":
                body["message"] = "Resource not accessible by integration"
        links = {"link": self.places.by_number(reply.headers["link"])} if "link" in reply.headers else {}
        return replace(reply, body=body, headers=dict(reply.headers) | links)

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Reply:
        """emulate's answer to its administrator."""
        data = b"" if body is None else json.dumps(body).encode()
        return self.pass_on(Call(method, path, query, {"content-type": "application/json"}, data), _ADMIN)

    def every(self, call: Call, caller: Caller) -> list[Any]:
        """All pages of a list that emulate keeps, without filters."""
        found: list[Any] = []
        while True:
            query = {"state": "all", "per_page": "100", "page": str(len(found) // 100 + 1)}
            reply = self.pass_on(replace(call, query=query), caller)
            if not reply.ok:
                raise _Passed(reply)
            found += reply.body
            if len(reply.body) < 100:
                return found

    def now(self) -> datetime:
        """GitHub's clock."""
        return datetime.now(UTC) + self.ahead

    def stamp(self) -> str:
        """The time as GitHub writes it."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def pass_time(self, by: timedelta) -> None:
        """Set the clock forward."""
        self.ahead += by
        self._emulator.ahead(self.ahead.total_seconds())

    def user(self, login: str) -> Any:
        """A user (by the login they began with) as GitHub shows them beside what they wrote."""
        return self.brief(self.ask("GET", f"/users/{login}").body)

    def brief(self, user: dict[str, Any]) -> dict[str, Any]:
        """What is shown of somebody who is not the subject."""
        return {name: value for name, value in user.items() if name in _BRIEF}

    def app_of(self, user: Any) -> Any:
        """The App that this bot is, else None."""
        app = next((app for app in self.apps if user and app.bot == user["login"]), None)
        return app and self.app(app)

    def app(self, app: App) -> dict[str, Any]:
        """An App as GitHub shows it beside what it made."""
        then, home = "2026-01-01T00:00:00Z", f"{self._url()}/apps/{app.slug}"
        words = {"name": app.slug.title(), "description": "", "external_url": home, "html_url": home}
        times = {"created_at": then, "updated_at": then, "permissions": app.permissions, "events": []}
        return {"id": app.id, "slug": app.slug, "node_id": f"A_{app.id}", "owner": self.organization()} | words | times

    def organization(self) -> Any:
        """The owner, as a user."""
        return self.brief(self.ask("GET", f"/repos/{self.places.name}").body["owner"])

    def numbered(self, path: str) -> str:
        """The address of a path as GitHub's Link header writes it."""
        return self.places.by_number(self._url() + path)

    def url(self) -> str:
        """The base of every address."""
        return self._url()

    def _handle(self, call: Call) -> Reply:
        call = self.places.enter(call)
        caller = self.callers.of(call)
        call = self.people.proper(call)
        self.people.refuse(call, caller)
        return self.routes.answer(call, caller) or self.pass_on(call, caller)

    def _turned(self, caller: Caller) -> str:
        """A token of the caller's that emulate has not seen too often."""
        self._calls[caller.token] += 1
        turn = self._calls[caller.token] // self.turn
        if caller.kind == "person":
            return f"{caller.token}{turn % TURNS}"
        if caller.kind == "installation" and turn and caller.app:
            self._calls.pop(caller.token)
            path = f"/app/installations/{caller.app.installation}/access_tokens"
            body = self._emulator.ask(Call("POST", path), caller.app.jwt(self.now()), self._url()).body
            self._instead[caller.token] = body["token"]
        return self._instead.get(caller.token, caller.token)

    def _plain(self, body: Any) -> Any:
        if isinstance(body, dict):
            plain = {name: self._plain(value) for name, value in body.items()}
            if "login" not in plain:
                return plain
            return _owner(plain) if plain.get("type") == "Organization" else self.people.shown(plain)
        if isinstance(body, list):
            return [self._plain(one) for one in body]
        if isinstance(body, str) and (found := MILLISECONDS.fullmatch(body)):
            return found[1] + "Z"
        return body

    def _dressed(self, call: Call, reply: Reply) -> Reply:
        headers = {"x-github-request-id": secrets.token_hex(10).upper()}
        headers |= {"x-github-media-type": "github.v3; format=json", "x-github-api-version-selected": "2022-11-28"}
        reset = int(self.now().timestamp()) + 3600
        headers |= {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999", "x-ratelimit-used": "1"}
        headers |= {"x-ratelimit-reset": str(reset), "x-ratelimit-resource": "core"} | dict(reply.headers)
        if call.method != "GET" or reply.status != 200:
            return replace(reply, headers=headers)
        tag = f'W/"{hashlib.sha256(reply.data()).hexdigest()}"'
        if call.headers.get("if-none-match") == tag:
            headers.pop("content-type", None)
            return Reply(304, None, headers | {"etag": tag})
        return replace(reply, headers=headers | {"etag": tag, "cache-control": "private, max-age=60, s-maxage=60"})


class _Passed(Refused):
    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, "passed on")
        self.reply = reply


_ADMIN = Caller("admin", token("admin"), "person")
_URLS = ("followers", "following", "gists", "starred", "subscriptions", "organizations", "repos", "events")
_BRIEF = {"login", "id", "node_id", "avatar_url", "gravatar_id", "url", "html_url", "received_events_url", "type"}
_BRIEF |= {"site_admin", *(f"{name}_url" for name in _URLS)}


def _owner(organization: dict[str, Any]) -> dict[str, Any]:
    """An organization has all that a user has; emulate leaves out what it has no use for."""
    url = organization["url"].replace("/orgs/", "/users/")
    urls: dict[str, Any] = {f"{name}_url": f"{url}/{name}" for name in (*_URLS, "received_events")}
    urls |= {"html_url": url.replace("/users/", "/"), "gravatar_id": "", "site_admin": False}
    return urls | organization | {"url": url}
