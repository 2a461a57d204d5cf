"""Who calls: people and their tokens, Apps with a JWT, installations with tokens that expire.

emulate takes an unknown token for its first user, never lets a token expire and writes milliseconds; here it is as
GitHub does it.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .wire import Call, Refused, Reply

if TYPE_CHECKING:
    from .site import Site

HOUR = timedelta(hours=1)
LONGEST = timedelta(minutes=10)
NOW: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731 (the clock that a client's JWT is measured by)


@dataclass(frozen=True)
class App:
    """A GitHub App installed in the organization; `bot` is how it appears."""

    id: int
    slug: str
    installation: int
    permissions: dict[str, str]
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False)

    @property
    def bot(self) -> str:
        return f"{self.slug}[bot]"

    @property
    def pem(self) -> str:
        """The private key as GitHub hands it out."""
        form = serialization.PrivateFormat.TraditionalOpenSSL
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

    def jwt(self, at: datetime) -> str:
        """What the App shows to ask for an installation token."""
        claims = {"iat": at - timedelta(seconds=30), "exp": at + timedelta(minutes=5), "iss": str(self.id)}
        return jwt.encode(claims, self.key, "RS256")


@dataclass(frozen=True)
class Caller:
    """One who calls; `token` is what emulate knows them by."""

    login: str
    token: str
    kind: str  # person | installation | app | nobody
    app: App | None = None
    permissions: dict[str, str] = field(default_factory=dict)

    def may(self, names: str, level: str) -> bool:
        """Whether an installation has one of these permissions; people are judged by their role."""
        granted = [self.permissions.get(name) for name in names.split("|")]
        return self.kind != "installation" or "write" in granted or (level == "read" and "read" in granted)


@dataclass
class Token:
    caller: Caller
    expires: datetime | None = None


class Callers:
    """Every token that is good."""

    def __init__(self, site: "Site", apps: list[App]) -> None:
        self._site = site
        self._apps = {app.id: app for app in apps}
        self._good: dict[str, Token] = {}
        site.routes.add("POST", "/app/installations/{id}/access_tokens", self._issue)
        site.routes.add("GET", "/app", self._itself)
        site.routes.add("GET", "/app/installations/{id}", self._place)
        site.routes.add("GET", "/repos/{repo}/installation", self._place)
        site.routes.add("GET", "/orgs/{org}/installation", self._place)

    def know(self, login: str, token: str) -> Caller:
        """This token is this person's from now on."""
        caller = Caller(login, token, "person")
        self._good[token] = Token(caller)
        return caller

    def of(self, call: Call) -> Caller:
        """Who calls, or 401."""
        given = call.headers.get("authorization", "")
        scheme, _, token = given.partition(" ")
        if not given:
            return Caller("", "", "nobody")
        if scheme.lower() not in ("bearer", "token"):
            raise Refused(401, "Bad credentials")
        if token.count(".") == 2 and not token.startswith("gh"):
            return self._app(token)
        known = self._good.get(token)
        if known is None or (known.expires and known.expires <= self._site.now()):
            raise Refused(401, "Bad credentials")
        return known.caller

    def expire(self) -> None:
        """Every installation token is out of date."""
        for token in self._good.values():
            if token.caller.kind == "installation":
                token.expires = self._site.now() - timedelta(seconds=1)

    def revoke(self, token: str) -> None:
        """This token is good no more."""
        self._good.pop(token, None)

    def _app(self, token: str) -> Caller:
        try:
            app = self._apps[int(jwt.decode(token, options={"verify_signature": False})["iss"])]
            claims = jwt.decode(token, app.key.public_key(), ["RS256"], options={"require": ["exp", "iat"]}, leeway=5)
        except jwt.ExpiredSignatureError:
            raise Refused(
                401, "'Expiration time' claim ('exp') must be a numeric value representing the future time"
            ) from None
        except (jwt.InvalidTokenError, KeyError, ValueError):
            raise Refused(401, "A JSON web token could not be decoded") from None
        if datetime.fromtimestamp(claims["exp"], UTC) > NOW() + LONGEST + timedelta(seconds=5):
            raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")
        return Caller(app.slug, app.jwt(self._site.now()), "app", app)

    def _itself(self, call: Call, caller: Caller) -> Reply:
        answer = self._site.pass_on(call, caller)
        if answer.ok:
            answer.body["owner"] = self._site.organization()
        return answer

    def _place(self, call: Call, caller: Caller, **_: str) -> Reply:
        if caller.kind != "app":
            raise Refused(401, "A JSON web token could not be decoded")
        answer = self._site.pass_on(call, caller)
        if answer.ok:
            answer.body["target_id"] = answer.body["account"]["id"]
        return answer

    def _issue(self, call: Call, caller: Caller, id: str) -> Reply | None:
        if caller.app is None or caller.kind != "app":
            raise Refused(401, "A JSON web token could not be decoded")
        answer = self._site.pass_on(call, caller)
        if not answer.ok:
            return answer
        token = f"ghs_{caller.app.id}_{secrets.token_urlsafe(380)}"  # as long as GitHub's are since April 2026
        expires = (self._site.now() + HOUR).replace(microsecond=0)
        granted = answer.body["permissions"]
        inner = Caller(caller.app.bot, answer.body["token"], "installation", caller.app, granted)
        self._good[token] = Token(inner, expires)
        body = answer.body | {"token": token, "expires_at": expires.isoformat().replace("+00:00", "Z")}
        return Reply(201, body, answer.headers)
