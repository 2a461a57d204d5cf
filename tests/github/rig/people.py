"""What people may do: one role for each login, teams of the organization, and the refusals.

emulate makes every member of the organization an administrator and knows no membership that is pending.
"""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .callers import Caller
from .wire import Call, Refused, Reply

if TYPE_CHECKING:
    from .site import Site

ROLES = ("none", "read", "triage", "write", "maintain", "admin")
COARSE = {"triage": "read", "maintain": "write"}
# What a person needs; the first line that fits. Reading needs "read" everywhere, what is not here needs "write".
NEEDS = (
    (r"POST /issues|POST /issues/\d+/comments|POST .*/reactions|DELETE .*/reactions/\d+", "read"),
    (
        r"POST /pulls|POST /pulls/\d+/(reviews|comments)|PUT /pulls/\d+/reviews/\d+|POST /pulls/\d+/reviews/\d+/events",
        "read",
    ),
    (r"(PATCH|DELETE) /issues/comments/\d+|PATCH /(issues|pulls)/\d+", "read"),  # one's own: see talk.py and pulls.py
    (r"(POST|PUT|DELETE) /issues/\d+/labels.*", "triage"),
    (r"GET /collaborators.*", "write"),
    (r"GET .*", "read"),
)


class People:
    """Roles and teams."""

    def __init__(self, site: "Site", roles: dict[str, str]) -> None:
        self._site = site
        self.roles = dict(roles)
        self.pending: set[tuple[str, str]] = set()
        self.names = {login: login for login in roles}  # by the login that one began with: the one that one has now
        add = site.routes.add
        add("GET", "/repos/{repo}/collaborators/{login}/permission", self._permission)
        add("GET", "/repos/{repo}/collaborators/{login}", self._collaborator)
        for rest in ("", "/members", "/memberships/{login}"):
            add("GET", "/orgs/{org}/teams/{team}" + rest, self._team)

    def role(self, login: str) -> str:
        """Their role in the repository."""
        return self.roles.get(login, "none")

    def first(self, login: str) -> str:
        """The login that the bearer of this one began with, found without regard to case; "-" where nobody has it."""
        if login.lower() in (name.lower() for name in self.names.values()):
            return next(first for first, name in self.names.items() if name.lower() == login.lower())
        return "-" if login in self.names else login

    def shown(self, user: dict[str, Any]) -> dict[str, Any]:
        """A user under the login that they have now."""
        first, now = user["login"], self.names.get(user["login"], user["login"])
        if first == now:
            return user
        tell = {name: value for name, value in user.items() if isinstance(value, str) and "url" in name}
        return user | {name: value.replace(f"/{first}", f"/{now}") for name, value in tell.items()} | {"login": now}

    def is_by(self, written: dict[str, Any], caller: Caller) -> bool:
        """Whether the caller wrote it."""
        return self.first(written["user"]["login"]) == caller.login

    def proper(self, call: Call) -> Call:
        """The call with logins as emulate knows them."""
        place = r"/(users|collaborators|memberships|members)/([^/]+)"
        return call.to(re.sub(place, lambda m: f"/{m[1]}/{self.first(m[2])}", call.path))

    def least(self, login: str, role: str) -> bool:
        """Whether their role is at least `role`."""
        return ROLES.index(self.role(login)) >= ROLES.index(role)

    def may(self, login: str) -> dict[str, bool]:
        """The same, spelt out."""
        names = zip(("pull", "triage", "push", "maintain", "admin"), ROLES[1:], strict=True)
        return {name: self.least(login, role) for name, role in names}

    def refuse(self, call: Call, caller: Caller) -> None:
        """Raise what GitHub says to one who may not do this."""
        found = re.fullmatch(r"/repos/[^/]+/[^/]+(/.*)?", call.path)
        if caller.kind == "nobody" and (found or call.path.startswith(("/user", "/orgs", "/app"))):
            raise (
                Refused(404, "Not Found") if found and call.method == "GET" else Refused(401, "Requires authentication")
            )
        if caller.kind == "app" and not call.path.startswith("/app") and not call.path.endswith("/installation"):
            raise Refused(403, "Resource not accessible by integration")
        if caller.kind == "installation" and (call.path == "/user" or call.path.startswith("/app")):
            raise Refused(403, "Resource not accessible by integration")
        if found and caller.kind == "person":
            if not self.least(caller.login, "read"):
                raise Refused(404, "Not Found")
            line = f"{call.method} {found[1] or '/'}"
            need = next((role for pattern, role in NEEDS if re.fullmatch(pattern, line)), "write")
            if not self.least(caller.login, need):
                raise Refused(403, f"Must have {'push' if need == 'write' else need} access to repository.")

    def _user(self, login: str) -> Any:
        answer = self._site.ask("GET", f"/users/{login}")
        if not answer.ok or answer.body["type"] != "User":
            raise Refused(404, f"{unquote(login)} is not a user")
        return self._site.brief(answer.body)

    def _permission(self, call: Call, caller: Caller, repo: str, login: str) -> Reply:
        user = self._user(login)
        role = self.role(login)
        user |= {"permissions": self.may(login), "role_name": role}
        return Reply(200, {"permission": COARSE.get(role, role), "role_name": role, "user": user})

    def _collaborator(self, call: Call, caller: Caller, repo: str, login: str) -> Reply:
        if self._user(login) and self.role(login) == "none":
            raise Refused(404, "Not Found")
        return Reply(204)

    def _team(self, call: Call, caller: Caller, org: str, team: str, login: str | None = None) -> Reply | None:
        """emulate knows the members; whether the caller may ask, and who has not accepted yet, is known here."""
        if not caller.may("members", "read"):
            raise Refused(403, "Resource not accessible by integration")
        if caller.kind == "person" and not self._site.ask("GET", f"/orgs/{org}/members/{caller.login}").ok:
            raise Refused(404, "Not Found")
        waiting = {name for one, name in self.pending if one == team}
        answer = self._site.pass_on(call, caller)
        if login is None:
            if answer.ok and isinstance(answer.body, list):
                answer.body[:] = [one for one in answer.body if self.first(one["login"]) not in waiting]
            return answer
        if answer.ok:
            answer.body.pop("user", None)
            if login in waiting:
                answer.body["state"] = "pending"
        return answer
