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
        add = site.routes.add
        add("GET", "/repos/{repo}/collaborators/{login}/permission", self._permission)
        add("GET", "/repos/{repo}/collaborators/{login}", self._collaborator)
        for rest in ("", "/members", "/memberships/{login}"):
            add("GET", "/orgs/{org}/teams/{team}" + rest, self._team)

    def role(self, login: str) -> str:
        """Their role in the repository, found without regard to case."""
        return next((role for name, role in self.roles.items() if name.lower() == login.lower()), "none")

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
        keys = ("name", "company", "blog", "location", "email", "hireable", "bio", "twitter_username", "public_repos")
        keys += ("public_gists", "followers", "following", "created_at", "updated_at")
        return {name: value for name, value in answer.body.items() if name not in keys}

    def _permission(self, call: Call, caller: Caller, repo: str, login: str) -> Reply:
        user = self._user(login)
        role = self.role(user["login"])
        user |= {"permissions": self.may(login), "role_name": role}
        return Reply(200, {"permission": COARSE.get(role, role), "role_name": role, "user": user})

    def _collaborator(self, call: Call, caller: Caller, repo: str, login: str) -> Reply:
        if self.role(self._user(login)["login"]) == "none":
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
                answer.body[:] = [one for one in answer.body if one["login"] not in waiting]
            return answer
        if answer.ok:
            answer.body.pop("user", None)
            if login in waiting:
                answer.body["state"] = "pending"
        return answer
