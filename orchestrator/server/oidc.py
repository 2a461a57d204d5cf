"""Tokens of GitHub Actions: whether a workflow of our repository sent this, and who started it.

Laws:
- RS256 with a key that the issuer publishes; issuer, audience and expiry are right; anything else is refused.
- The job is of our repository, and its workflow is one that is listed, or, where none is, a file in
  `.github/workflows/` of the repository's own default branch: who may push a branch may not make up a workflow.
- Keys are fetched from the issuer's own host, follow no redirect, and carry nothing of ours. For a key that is not
  known they are fetched again, once a minute at most; while the issuer is away those known count for an hour. Then
  nobody is believed, and that it can't be told just now is no word against the token.
"""

import json
import logging
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

import jwt

from orchestrator.core.gate import Person
from orchestrator.trouble import Trouble
from reviewers.github.protocol import Unreachable
from reviewers.plain import inert

log = logging.getLogger("ratchet.server.oidc")
LEEWAY = 10.0  # seconds that two clocks may be apart
AGAIN = 60.0
FRESH = 900.0
OLDEST = 3600.0
PATIENCE = 5.0
LARGEST = 1 << 20
REQUIRED = ("exp", "iat", "iss", "aud", "repository", "workflow_ref", "actor", "actor_id")


class Forged(Exception):
    """The token is none that counts, and why; the text never holds any of it but names."""

    def __init__(self, why: str, cure: str = "") -> None:
        super().__init__(why)
        self.cure = cure or "see docs/server.md: who may call"


class Keys:
    """The issuer's published keys. `get(url)` fetches JSON; `tick` is a clock that never goes back."""

    def __init__(
        self, issuer: str, get: Callable[[str], Any] | None = None, tick: Callable[[], float] = time.monotonic
    ) -> None:
        parts = urlsplit(issuer)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise Trouble(
                "RATCHET_OIDC_ISSUER is not https: anybody on the way could forge its keys", "write https://…", code=2
            )
        self._issuer, self._get, self._tick = issuer, get or fetch, tick
        self._lock = threading.Lock()
        self._keys: dict[str, Any] = {}
        self._read_at = self._tried_at = float("-inf")

    def key(self, kid: str) -> Any:
        """The key of this id. Raises `Forged` where there is none, and `Unreachable` where that can't be known."""
        age = self._tick() - self._read_at
        if (kid not in self._keys or age >= FRESH) and self._lock.acquire(timeout=PATIENCE):
            try:
                self._refresh(kid)
            finally:
                self._lock.release()
        if self._tick() - self._read_at >= OLDEST:
            raise Unreachable(f"the keys of {self._issuer} can't be read", "it is tried again in a minute")
        found = self._keys.get(kid)
        if found is None:
            raise Forged("it is signed with a key that the issuer does not publish")
        return found

    def _refresh(self, kid: str) -> None:
        now = self._tick()
        known = kid in self._keys and now - self._read_at < FRESH
        if known or now - self._tried_at < AGAIN:
            return
        self._tried_at = now
        try:
            self._keys, self._read_at = self._fetched(), now
        except Exception as error:
            log.warning("the keys of %s can't be read: %s", self._issuer, inert(str(error), 300))

    def _fetched(self) -> dict[str, Any]:
        about = self._get(f"{self._issuer}/.well-known/openid-configuration")
        if about["issuer"].rstrip("/") != self._issuer:
            raise ValueError("it calls itself by another name")
        where, ours = urlsplit(about["jwks_uri"]), urlsplit(self._issuer)
        if (where.scheme, where.netloc) != (ours.scheme, ours.netloc):
            raise ValueError("its keys are said to be on another host")
        published = self._get(about["jwks_uri"])["keys"]
        usable = [one for one in published if one.get("kty") == "RSA" and one.get("use", "sig") == "sig"]
        return {str(one["kid"]): jwt.PyJWK(one, "RS256").key for one in usable if one.get("kid")}


class Workflows:
    """Tells who stands behind a workflow's token, for one repository."""

    def __init__(
        self,
        keys: Keys,
        issuer: str,
        audience: str,
        repository: str,
        listed: Sequence[str] = (),
        default_branch: Callable[[], str] = lambda: "main",
    ) -> None:
        self._keys, self._issuer, self._repository = keys, issuer, repository
        self._audiences = [audience.rstrip("/"), f"{audience.rstrip('/')}/"]  # an address is the same with either end
        self._listed, self._default_branch = tuple(listed), default_branch

    def person(self, token: str, *, any_workflow: bool = False) -> Person:
        """Whoever started the workflow. Raises `Forged` for a token that does not count, and `GitHubError` where that
        can't be known just now. `any_workflow`: whichever of the repository, and on whatever branch.
        """
        claims = self._claims(token)
        if str(claims["repository"]).casefold() != self._repository.casefold():
            raise Forged(f"it is of repository {inert(str(claims['repository']), 100)}, and not of {self._repository}")
        if not any_workflow:
            self._workflow(claims)
        who, login = str(claims["actor_id"]), str(claims["actor"])
        if not re.fullmatch(r"[1-9][0-9]{0,18}", who) or not re.fullmatch(r"[A-Za-z0-9_.\[\]-]{1,64}", login):
            raise Forged("it does not say who started the workflow")
        return Person(id=f"github:{who}", login=login)

    def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != "RS256":
                raise Forged("it is not signed with RS256")
            kid = header.get("kid")
            if not isinstance(kid, str):
                raise Forged("it names no key")
            claims: Mapping[str, Any] = jwt.decode(
                token, self._keys.key(kid), algorithms=["RS256"], audience=self._audiences, issuer=self._issuer,
                leeway=LEEWAY, options={"require": list(REQUIRED), "verify_iat": True, "verify_nbf": True},
            )  # fmt: skip
        except jwt.InvalidAudienceError:
            cure = "give the repository's variable RATCHET_AUDIENCE what the server's RATCHET_OIDC_AUDIENCE says"
            raise Forged("it is for another audience", cure) from None
        except jwt.PyJWTError as error:
            raise Forged(inert(_why(error), 200)) from None
        return claims

    def _workflow(self, claims: Mapping[str, Any]) -> None:
        caller = str(claims["workflow_ref"])
        job = str(claims.get("job_workflow_ref") or caller)
        if self._listed:
            if not any(fnmatchcase(job, one) for one in self._listed):
                raise Forged(f"workflow {inert(job, 200)} is not in RATCHET_OIDC_WORKFLOWS")
            return
        branch = self._default_branch()
        for ref in (caller, job):
            path, _, at = ref.partition("@")
            folder, _, name = path.rpartition("/")
            ours = folder.casefold() == f"{self._repository}/.github/workflows".casefold()
            if not (ours and name and at == f"refs/heads/{branch}"):
                what = f"workflow {inert(ref, 200)} is not one of {self._repository} on its branch {branch}"
                raise Forged(what, "name it in RATCHET_OIDC_WORKFLOWS, if it may call")


def _why(error: jwt.PyJWTError) -> str:
    """What is wrong with it, in our words: the library's may quote a token."""
    for kind, why in _REASONS.items():
        if isinstance(error, kind):
            return why
    return "it can't be read"


_REASONS: dict[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "it has expired",
    jwt.ImmatureSignatureError: "it is of the future",
    jwt.InvalidIssuerError: "another issuer made it",
    jwt.MissingRequiredClaimError: "it lacks what every workflow's token says",
    jwt.InvalidSignatureError: "its signature is wrong",
    jwt.InvalidAlgorithmError: "it is not signed with RS256",
}


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Nowhere."""
        return


def fetch(url: str) -> Any:
    """The JSON at this address. Raises `OSError` or `ValueError`."""
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 - checked in `Keys`
    with urllib.request.build_opener(_Stay()).open(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read(LARGEST))
