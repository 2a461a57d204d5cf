"""The issue that every pull request is, and labels.

emulate answers 404 to the issue of a pull request and leaves it out of the list.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .callers import Caller
from .wire import Call, Refused, Reply, paged

if TYPE_CHECKING:
    from .site import Site

SHARED = ["id", "node_id", "number", "state", "locked", "title", "user", "body", "assignee", "assignees", "labels"]
SHARED += ["created_at", "updated_at", "closed_at", "milestone", "draft", "comments", "author_association"]


class Issues:
    """Issues as views of pull requests; plain ones are emulate's."""

    def __init__(self, site: "Site") -> None:
        self._site = site
        add = site.routes.add
        add("GET", "/repos/{repo}/issues", self._list)
        add("GET", "/repos/{repo}/issues/{number}", self._one)
        add("PATCH", "/repos/{repo}/issues/{number}", self._change)
        for method, rest in (("POST", ""), ("PUT", ""), ("DELETE", ""), ("DELETE", "/{rest}")):
            add(method, "/repos/{repo}/issues/{number}/labels" + rest, self._label)

    def get(self, number: int) -> dict[str, Any] | None:
        """One as GitHub shows it."""
        pull = self._site.pulls.get(number)
        if pull is not None:
            return self.of(pull)
        answer = self._site.ask("GET", f"/repos/{self._site.places.name}/issues/{number}")
        return self._marked(answer.body) if answer.ok else None

    def of(self, pull: dict[str, Any]) -> dict[str, Any]:
        """The issue that a pull request is."""
        url = pull["issue_url"]
        issue = {name: pull[name] for name in SHARED}
        issue |= {"url": url, "html_url": pull["html_url"], "repository_url": url.rsplit("/issues/", 1)[0]}
        issue |= {f"{name}_url": f"{url}/{name}" for name in ("comments", "events", "timeline")}
        issue |= {"labels_url": f"{url}/labels{{/name}}", "state_reason": None, "active_lock_reason": None}
        parts = {name: pull[name] for name in ("url", "html_url", "diff_url", "patch_url", "merged_at")}
        return self._marked(issue | {"pull_request": parts, "closed_by": None})

    def _marked(self, issue: dict[str, Any]) -> dict[str, Any]:
        issue["performed_via_github_app"] = self._site.app_of(issue["user"])
        issue["reactions"] = self._site.talk.summary(f"issues/{issue['number']}", issue["url"])
        return issue

    def _list(self, call: Call, caller: Caller, repo: str) -> Reply:
        plain = self._site.every(replace(call, query={}), caller)
        plain = [self._site.pass_on(call.to(f"{call.path}/{one['number']}"), caller).body for one in plain]
        shown = [self._marked(one) for one in plain] + [self.of(pull) for pull in self._site.pulls.all("all")]
        state, since = call.query.get("state", "open"), call.query.get("since", "")
        names = {name for name in call.query.get("labels", "").split(",") if name}
        shown = [one for one in shown if state in ("all", one["state"]) and one["updated_at"][:19] >= since[:19]]
        shown = [one for one in shown if names <= {label["name"] for label in one["labels"]}]
        by = "updated_at" if call.query.get("sort") == "updated" else "created_at"
        down = call.query.get("direction", "desc") == "desc"
        shown.sort(key=lambda one: (one[by], one["number"]), reverse=down)
        return paged(shown, call, self._site.numbered(call.path))

    def _one(self, call: Call, caller: Caller, repo: str, number: str) -> Reply:
        if not caller.may("issues|pull_requests", "read"):
            raise Refused(403, "Resource not accessible by integration")
        issue = self.get(int(number))
        if issue is None:
            raise Refused(404, "Not Found")
        return Reply(200, issue)

    def _change(self, call: Call, caller: Caller, repo: str, number: str) -> Reply | None:
        pull = self._site.pulls.get(int(number))
        if pull is None:
            return None
        if rest := {name: call.json[name] for name in ("state", "title", "body") if name in call.json}:
            there = call.to(f"/repos/{repo}/pulls/{number}").saying(rest)
            changed = self._site.pulls.change(there, caller, repo, number)
            if not changed.ok:
                return changed
        if "labels" in call.json:
            labels = replace(call.to(f"{call.path}/labels"), method="PUT").saying({"labels": call.json["labels"]})
            self._label(labels, caller, repo, number)
        return Reply(200, self.get(int(number)))

    def _label(self, call: Call, caller: Caller, repo: str, number: str, **_: str) -> Reply:
        before = self._names(number)
        if isinstance(call.json, list):  # GitHub takes a bare list, too
            call = call.saying({"labels": call.json})
        answer = self._site.pass_on(call, caller)
        if answer.ok and self._site.pulls.get(int(number)):
            after = self._names(number)
            for action, names in (("labeled", after - before), ("unlabeled", before - after)):
                for name in sorted(names):
                    self._site.hooks.pull(action, int(number), caller, label={"name": name})
        return answer

    def _names(self, number: str) -> set[str]:
        answer = self._site.ask("GET", f"/repos/{self._site.places.name}/issues/{number}/labels")
        return {one["name"] for one in answer.body} if answer.ok else set()
