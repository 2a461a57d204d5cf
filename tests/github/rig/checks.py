"""Check runs, commit statuses, and what starts workflows.

emulate has no statuses and no repository_dispatch, lets people write check runs, checks no lengths and names no App.
"""

import json
import re
from itertools import count
from typing import TYPE_CHECKING, Any

from .callers import Caller
from .wire import Call, Refused, Reply, invalid, paged

if TYPE_CHECKING:
    from .site import Site

STATES = ("error", "failure", "pending", "success")
TEXT, ANNOTATIONS, ACTIONS = 65_535, 50, 3
ACTION = {"label": 20, "description": 40, "identifier": 20}
STATUSES = 1_000


class Checks:
    """Check runs (kept by emulate), statuses and dispatches (kept here)."""

    def __init__(self, site: "Site") -> None:
        self._site = site
        self._ids = count(20_000_000_001)
        self.statuses: dict[str, list[dict[str, Any]]] = {}
        self.dispatches: list[dict[str, Any]] = []
        add = site.routes.add
        add("POST", "/repos/{repo}/check-runs", self._check)
        add("PATCH", "/repos/{repo}/check-runs/{id}", self._check)
        add("GET", "/repos/{repo}/check-runs/{id}", self._look)
        add("GET", "/repos/{repo}/commits/{rest}/check-runs", self._look)
        add("POST", "/repos/{repo}/statuses/{sha}", self._status)
        add("GET", "/repos/{repo}/commits/{rest}/statuses", self._statuses)
        add("GET", "/repos/{repo}/commits/{rest}/status", self._combined)
        add("POST", "/repos/{repo}/dispatches", self._dispatch)
        add("POST", "/repos/{repo}/actions/workflows/{file}/dispatches", self._workflow)

    def shape(self, run: dict[str, Any]) -> dict[str, Any]:
        """emulate's check run, with the App that wrote it."""
        app = self._site.app(self._site.apps[0])
        run |= {"app": app, "pull_requests": []}
        run["check_suite"] = {"id": (run["check_suite"] or {"id": 0})["id"]}
        run["output"]["annotations_url"] = run["url"] + "/annotations"
        return run

    def _check(self, call: Call, caller: Caller, repo: str, id: str = "") -> Reply:
        if caller.kind != "installation":
            raise Refused(403, "You must authenticate via a GitHub App.")
        said = call.json
        self._lengths(said)
        if (sha := said.get("head_sha")) and not self._site.git.known(sha):
            raise Refused(422, f"No commit found for SHA: {sha}")
        if said.get("conclusion"):  # GitHub takes a conclusion for the end
            said = {"status": "completed"} | said
        answer = self._site.pass_on(call.saying(said), caller)
        if answer.ok:
            self.shape(answer.body)
        return answer

    def _lengths(self, said: dict[str, Any]) -> None:
        output = said.get("output") or {}
        for name in ("summary", "text"):
            if len(output.get(name) or "") > TEXT:
                raise invalid("CheckRun", f"{name} exceeds a maximum of {TEXT} characters", name)
        if output and not (output.get("summary") and (output.get("title") or said.get("name") is None)):
            raise Refused(422, 'Invalid request.\n\n"title", "summary" weren\'t supplied.')
        if len(output.get("annotations") or []) > ANNOTATIONS:
            raise Refused(422, f"Invalid request.\n\nNo more than {ANNOTATIONS} items are allowed; annotations.")
        actions = said.get("actions") or []
        if len(actions) > ACTIONS or any(
            len(one.get(name, "")) > most for one in actions for name, most in ACTION.items()
        ):
            raise Refused(422, f"Invalid request.\n\nNo more than {ACTIONS} items are allowed; actions.")

    def _look(self, call: Call, caller: Caller, repo: str, **_: str) -> Reply:
        answer = self._site.pass_on(call, caller)
        if answer.ok:
            for run in answer.body.get("check_runs", [answer.body]):
                self.shape(run)
        return answer

    def _commit(self, ref: str) -> str:
        sha = self._site.git.tip(ref.removeprefix("heads/")) or ref
        if not re.fullmatch("[0-9a-f]{40}", sha) or not self._site.git.known(sha):
            raise Refused(422, f"No commit found for SHA: {ref}")
        return sha

    def _status(self, call: Call, caller: Caller, repo: str, sha: str) -> Reply:
        if not caller.may("statuses", "write"):
            raise Refused(403, "Resource not accessible by integration")
        said, sha = call.json, self._commit(sha)
        if said.get("state") not in STATES:
            raise invalid("Status", "state is not included in the list", "state")
        if len(said.get("description") or "") > 140:
            raise invalid("Status", "description is too long (maximum is 140 characters)", "description")
        context, present = said.get("context") or "default", self.statuses.setdefault(sha, [])
        if sum(one["context"] == context for one in present) >= STATUSES:
            raise invalid("Status", "This SHA and context has reached the maximum number of statuses.")
        number, now = next(self._ids), self._site.stamp()
        url = f"{self._site.url()}/repos/{repo}/statuses/{sha}"
        user = self._site.user(caller.login)
        one = {"url": url, "avatar_url": user["avatar_url"], "id": number, "node_id": f"SC_{number}"}
        one |= {name: said.get(name) for name in ("state", "description", "target_url")}
        one |= {"context": context, "created_at": now, "updated_at": now, "creator": user}
        present.insert(0, one)
        return Reply(201, one)

    def _statuses(self, call: Call, caller: Caller, repo: str, rest: str) -> Reply:
        self._may_read(caller)
        return paged(self.statuses.get(self._commit(rest), []), call, self._site.numbered(call.path))

    def _combined(self, call: Call, caller: Caller, repo: str, rest: str) -> Reply:
        self._may_read(caller)
        sha, latest = self._commit(rest), {}
        for one in reversed(self.statuses.get(sha, [])):
            latest[one["context"]] = {name: value for name, value in one.items() if name != "creator"}
        states = {one["state"] for one in latest.values()}
        bad = bool(states & {"error", "failure"})
        state = "failure" if bad else "success" if states == {"success"} else "pending"
        home = f"{self._site.url()}/repos/{repo}"
        repository = self._site.hooks.repository()
        body = {"state": state, "statuses": list(latest.values()), "sha": sha, "total_count": len(latest)}
        body |= {"repository": repository, "commit_url": f"{home}/commits/{sha}", "url": f"{home}/commits/{sha}/status"}
        return Reply(200, body)

    def _may_read(self, caller: Caller) -> None:
        if not caller.may("statuses", "read"):
            raise Refused(403, "Resource not accessible by integration")

    def _dispatch(self, call: Call, caller: Caller, repo: str) -> Reply:
        if not caller.may("contents", "write"):
            raise Refused(403, "Resource not accessible by integration")
        event, payload = call.json.get("event_type"), call.json.get("client_payload") or {}
        if not isinstance(event, str) or not 0 < len(event) <= 100:
            raise Refused(422, 'Invalid request.\n\n"event_type" wasn\'t supplied or is longer than 100 characters.')
        if len(payload) > 10 or len(json.dumps(payload)) > TEXT:
            raise Refused(422, "Invalid request.\n\nNo more than 10 properties are allowed; client_payload.")
        self.dispatches.append({"event": "repository_dispatch", "type": event, "payload": payload, "by": caller.login})
        return Reply(204)

    def _workflow(self, call: Call, caller: Caller, repo: str, file: str) -> Reply:
        if not caller.may("actions", "write"):
            raise Refused(403, "Resource not accessible by integration")
        said = call.json
        if f".github/workflows/{file}" not in self._site.git.leaves("main"):
            raise Refused(404, "Not Found")
        if not said.get("ref") or self._site.git.tip(said["ref"].removeprefix("refs/heads/")) is None:
            raise Refused(422, f"No ref found for: {said.get('ref')}")
        asked = {"event": "workflow_dispatch", "workflow": file, "inputs": said.get("inputs") or {}, "by": caller.login}
        self.dispatches.append(asked)
        return Reply(204)
