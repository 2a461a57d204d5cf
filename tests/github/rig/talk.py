"""Comments and reactions.

emulate has no reactions, takes a comment of any length, lets anybody edit anybody's, knows no `since` within one
pull request, and answers 404 to the list of all comments.
"""

from itertools import count
from typing import TYPE_CHECKING, Any

from .callers import Caller
from .wire import Call, Refused, Reply, invalid, paged

if TYPE_CHECKING:
    from .site import Site

LONGEST = 65_536
FIRST = 3_000_000_000  # GitHub's ids do not fit 32 bits, and are never a pull request's number
CONTENTS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


class Talk:
    """Comments (kept by emulate) and reactions (kept here)."""

    def __init__(self, site: "Site") -> None:
        self._site = site
        self._ids = count(50_000_001)
        self.reactions: dict[str, list[dict[str, Any]]] = {}  # by the path of what is reacted to, after the repository
        add = site.routes.add
        for base in ("/repos/{repo}/issues/{number}", "/repos/{repo}/pulls/{number}"):
            add("POST", base + "/comments", self._length)
        add("GET", "/repos/{repo}/issues/{number}/comments", self._list)
        add("GET", "/repos/{repo}/issues/comments", self._list)
        add("POST", "/repos/{repo}/issues/{number}/comments", self._write)
        for method in ("GET", "PATCH", "DELETE"):
            add(method, "/repos/{repo}/issues/comments/{id}", self._one)
        for target in ("issues/{number}", "issues/comments/{id}", "pulls/comments/{id}"):
            add("GET", f"/repos/{{repo}}/{target}/reactions", self._reactions)
            add("POST", f"/repos/{{repo}}/{target}/reactions", self._react)
            add("DELETE", f"/repos/{{repo}}/{target}/reactions/{{other}}", self._unreact)

    def shape(self, repo: str, comment: dict[str, Any]) -> dict[str, Any]:
        """emulate's comment as GitHub shows it."""
        inner, outer = comment["id"], comment["id"] + FIRST
        comment["id"] = outer
        comment["url"] = comment["url"].replace(f"/comments/{inner}", f"/comments/{outer}")
        comment["html_url"] = comment["html_url"].replace(f"#issuecomment-{inner}", f"#issuecomment-{outer}")
        comment["html_url"] = comment["html_url"].replace("/issues/", "/pull/")
        comment["performed_via_github_app"] = self._site.app_of(comment["user"])
        comment["reactions"] = self.summary(f"issues/comments/{outer}", comment["url"])
        return comment

    def summary(self, target: str, url: str) -> dict[str, Any]:
        """How many of each."""
        all_of = [one["content"] for one in self.reactions.get(target, [])]
        return {"url": f"{url}/reactions", "total_count": len(all_of)} | {name: all_of.count(name) for name in CONTENTS}

    def _length(self, call: Call, caller: Caller, repo: str, number: str) -> None:
        body = call.json.get("body")
        if not isinstance(body, str) or not body.strip():
            raise invalid("IssueComment", "Body cannot be blank", "data", "unprocessable")
        if len(body) > LONGEST:
            raise invalid(
                "IssueComment", f"Body is too long (maximum is {LONGEST} characters)", "data", "unprocessable"
            )

    def _write(self, call: Call, caller: Caller, repo: str, number: str) -> Reply:
        answer = self._site.pass_on(call, caller)
        if answer.ok:
            self.shape(repo, answer.body)
            self._site.hooks.comment("created", repo, int(number), answer.body, caller)
        return answer

    def _one(self, call: Call, caller: Caller, repo: str, id: str) -> Reply:
        inner = f"/repos/{repo}/issues/comments/{int(id) - FIRST}"
        before = self._site.ask("GET", inner)
        if not before.ok:
            raise Refused(404, "Not Found")
        if call.method == "PATCH":
            self._length(call, caller, repo, id)
        own = self._site.people.is_by(before.body, caller)
        if (
            call.method != "GET"
            and caller.kind == "person"
            and not own
            and not self._site.people.least(caller.login, "write")
        ):
            raise Refused(403, "Must have admin rights to Repository.")
        answer = self._site.pass_on(call.to(inner), caller)
        if not answer.ok:
            return answer
        was = self.shape(repo, before.body)
        if answer.body is not None:
            self.shape(repo, answer.body)
        number = int(was["issue_url"].rsplit("/", 1)[1])
        if call.method == "PATCH":
            changes = {"body": {"from": was["body"]}}
            self._site.hooks.comment("edited", repo, number, answer.body, caller, changes=changes)
        elif call.method == "DELETE":
            self.reactions.pop(f"issues/comments/{id}", None)
            self._site.hooks.comment("deleted", repo, number, was, caller)
        return answer

    def _list(self, call: Call, caller: Caller, repo: str, number: str | None = None) -> Reply:
        since = call.query.get("since", "")
        places = [call.path]
        if number is None:
            pulls = [str(pull["number"]) for pull in self._site.pulls.all("all")]
            plain = [str(one["number"]) for one in self._site.every(call.to(f"/repos/{repo}/issues"), caller)]
            places = [f"/repos/{repo}/issues/{one}/comments" for one in pulls + plain]
        found = [one for place in places for one in self._site.every(call.to(place), caller)]
        shown = [self.shape(repo, one) for one in found]
        shown = [one for one in shown if one["updated_at"][:19] >= since[:19]]
        by = "updated_at" if number is None and call.query.get("sort") == "updated" else "created_at"
        down = number is None and call.query.get("direction") == "desc"
        shown.sort(key=lambda one: (one[by], one["id"]), reverse=down)
        return paged(shown, call, self._site.numbered(call.path))

    def _target(self, call: Call) -> str:
        target = call.path.split("/", 4)[4].split("/reactions")[0]
        path = call.path.split("/reactions")[0]
        if target.startswith("issues/comments/"):
            path = path.replace(target, f"issues/comments/{int(target.rsplit('/', 1)[1]) - FIRST}")
        if not self._site.ask("GET", path).ok:
            raise Refused(404, "Not Found")
        return target

    def _react(self, call: Call, caller: Caller, repo: str, **_: str) -> Reply:
        target, content = self._target(call), call.json.get("content")
        self._may(caller, "write")
        if content not in CONTENTS:
            raise invalid("Reaction", "content is not included in the list", "content")
        present = self.reactions.setdefault(target, [])
        for one in present:
            if one["content"] == content and self._site.people.is_by(one, caller):
                return Reply(200, one)
        user = self._site.user(caller.login)
        number = next(self._ids)
        one = {
            "id": number,
            "node_id": f"REA_{number}",
            "user": user,
            "content": content,
            "created_at": self._site.stamp(),
        }
        present.append(one)
        return Reply(201, one)

    def _reactions(self, call: Call, caller: Caller, repo: str, **_: str) -> Reply:
        target = self._target(call)
        self._may(caller, "read")
        wanted = call.query.get("content")
        shown = [one for one in self.reactions.get(target, []) if wanted in (None, one["content"])]
        return paged(shown, call, self._site.numbered(call.path))

    def _unreact(self, call: Call, caller: Caller, repo: str, other: str, **_: str) -> Reply:
        target = self._target(call)
        self._may(caller, "write")
        present = self.reactions.get(target, [])
        kept = [one for one in present if one["id"] != int(other) or not self._site.people.is_by(one, caller)]
        if len(kept) == len(present):
            raise Refused(404, "Not Found")
        self.reactions[target] = kept
        return Reply(204)

    def _may(self, caller: Caller, level: str) -> None:
        if not caller.may("issues|pull_requests", level):
            raise Refused(403, "Resource not accessible by integration")
