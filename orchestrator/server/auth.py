"""Who calls: a bearer token that is known by its hash, a GitHub workflow, or, with neither configured, whoever is here.

Laws:
- A role includes those before it: viewer, planner, reviewer, admin.
- A workflow is a planner and never reviews, whoever started it.
- No token, whole or in part, is in an error, a log line or an answer.
"""

import getpass
import hashlib
import hmac
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from orchestrator.core.gate import Person
from orchestrator.server.errors import Refusal
from orchestrator.server.oidc import Forged, Workflows
from orchestrator.settings import ROLES, Token
from reviewers.directory import person
from reviewers.github.protocol import GitHubError
from reviewers.plain import inert

log = logging.getLogger("ratchet.server.auth")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
LONGEST = 16_384  # of a token, in characters


class Caller(NamedTuple):
    """Who calls and in which role; `person` finds out whom that is among those who are asked."""

    name: str
    role: str
    person: Callable[[], Person]
    workflow: bool = False

    def may(self, role: str) -> bool:
        """Whether the caller's role includes this one."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def needs(self, role: str, what: str) -> None:
        """Raises `Refusal` (403) for a caller whose role does not include this one."""
        if not self.may(role):
            raise Refusal(403, f"{self.name} is a {self.role} and may not {what}", f"ask somebody who is a {role}")


class Doorkeeper:
    """Tells who calls. Without tokens and workflows everybody on this machine is an admin."""

    def __init__(self, tokens: Sequence[Token], workflows: Workflows | None, person: Callable[[str], Person]) -> None:
        self._tokens, self._workflows, self._person = tuple(tokens), workflows, person

    @property
    def guarded(self) -> bool:
        """Whether callers must prove who they are."""
        return bool(self._tokens or self._workflows)

    def caller(self, authorization: str | None, *, relaying: bool = False) -> Caller:
        """Who sends this header. Raises `Refusal` (401) for nobody. `relaying`: any workflow of our repository will do,
        since what it says is looked up.
        """
        if not self.guarded:
            user = getpass.getuser()
            return Caller(user, "admin", lambda: person(user))  # never somebody on GitHub who has the same name
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise _nobody("there is no bearer token", "send `Authorization: Bearer …`")
        found = _named(self._tokens, token)
        if found is not None:
            return Caller(found.name, found.role, lambda: self._known(found.name))
        if self._workflows is None or token.count(".") != 2 or len(token) > LONGEST:
            raise _nobody("nobody has this token", "use one whose hash is in RATCHET_TOKENS")
        try:
            actor = self._workflows.person(token, any_workflow=relaying)
        except Forged as forged:
            raise _nobody(f"the workflow's token is refused: {forged}", forged.cure) from None
        return Caller(f"{actor.login} (workflow)", "planner", lambda: actor, workflow=True)

    def _known(self, login: str) -> Person:
        """Whoever has the token's name as a login; a token of another name is somebody whom no gate on GitHub asks."""
        try:
            return self._person(login)
        except KeyError:
            return person(login)
        except GitHubError as error:
            raise Refusal(503, f"who {login} is can't be found out now: {error.what}", "try again later") from None


def _nobody(what: str, cure: str) -> Refusal:
    log.warning("401: %s", inert(what, 300))
    return Refusal(401, what, cure, headers={"WWW-Authenticate": 'Bearer realm="ratchet"'})


def _named(tokens: Sequence[Token], given: str) -> Token | None:
    """The token of this text: all are compared, whichever it is."""
    digest = hashlib.sha256(given.encode(errors="backslashreplace")).hexdigest()
    matches = [token for token in tokens if hmac.compare_digest(token.sha256, digest)]
    return matches[0] if matches else None
