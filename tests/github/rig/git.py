"""Branches and trees: what a merge really makes, and what lies on a branch.

emulate's merge takes the head's tree as it was when the pull request was opened, and so undoes whatever came to the
base since; and it signs nothing, where GitHub signs what is written in its own editor.
"""

import base64
from collections import deque
from typing import TYPE_CHECKING, Any

from .callers import Caller
from .wire import Call, Refused, Reply

if TYPE_CHECKING:
    from .site import Site

Leaves = dict[str, tuple[str, str]]  # path: (mode, blob)


class Git:
    """Reading through emulate's git data, and three-way merges."""

    def __init__(self, site: "Site") -> None:
        self._site = site
        self._signed: set[str] = set()
        site.routes.add("GET", "/repos/{repo}/commits", self._commits)
        for method, rest in (("PATCH", "/git/refs/heads/{rest}"), ("DELETE", "/git/refs/heads/{rest}")):
            site.routes.add(method, "/repos/{repo}" + rest, self._ref)
        site.routes.add("PUT", "/repos/{repo}/contents/{rest}", self._contents)
        site.routes.add("DELETE", "/repos/{repo}/contents/{rest}", self._contents)

    def tip(self, branch: str) -> str | None:
        """The commit a branch is at."""
        answer = self._site.ask("GET", f"{self._home}/git/ref/heads/{branch}")
        return answer.body["object"]["sha"] if answer.ok else None

    def known(self, sha: str) -> bool:
        """Whether there is such a commit."""
        return self._site.ask("GET", f"{self._home}/git/commits/{sha}").ok

    def leaves(self, ref: str) -> Leaves:
        """Every file of a branch, commit or tree."""
        answer = self._site.ask("GET", f"{self._home}/git/trees/{self.tip(ref) or ref}", recursive="1")
        if not answer.ok:
            raise LookupError(f"no branch or commit {ref!r}")
        return {one["path"]: (one["mode"], one["sha"]) for one in answer.body["tree"] if one["type"] == "blob"}

    def read(self, blob: str) -> bytes:
        """What is in a blob."""
        return base64.b64decode(self._site.ask("GET", f"{self._home}/git/blobs/{blob}").body["content"])

    def ancestors(self, sha: str) -> dict[str, None]:
        """The commit and all before it, nearest first."""
        seen: dict[str, None] = {}
        waiting = deque([sha])
        while waiting:
            one = waiting.popleft()
            if one not in seen:
                seen[one] = None
                body = self._site.ask("GET", f"{self._home}/git/commits/{one}").body
                waiting.extend(parent["sha"] for parent in body["parents"])
        return seen

    def changes(self, base: str, head: str) -> dict[str, tuple[str, str] | None] | None:
        """What merging `head` into `base` changes there; None where they conflict."""
        before = self.ancestors(base)
        fork = next((one for one in self.ancestors(head) if one in before), None)
        start, ours, theirs = self.leaves(fork) if fork else {}, self.leaves(base), self.leaves(head)
        found: dict[str, tuple[str, str] | None] = {}
        for path in start.keys() | theirs.keys():
            old, new, here = start.get(path), theirs.get(path), ours.get(path)
            if new in (old, here):
                continue
            if here != old:
                return None
            found[path] = new
        return found

    def merge(self, base: str, head: str, message: str, parents: list[str], caller: Caller) -> str:
        """A commit on `base` with the changes of `head`, by the caller; 405 where they conflict."""
        changes = self.changes(base, head)
        if changes is None:
            raise Refused(405, "Pull Request is not mergeable")
        entries = [
            {"path": path, "mode": new[0] if new else "100644", "type": "blob", "sha": new and new[1]}
            for path, new in changes.items()
        ]
        root = self._site.ask("GET", f"{self._home}/git/commits/{base}").body["tree"]["sha"]
        if entries:
            root = self._done(self._site.ask("POST", f"{self._home}/git/trees", {"base_tree": root, "tree": entries}))
        commit = {"message": message, "tree": root, "parents": parents}
        call = Call("POST", f"{self._home}/git/commits", headers={"content-type": "application/json"}).saying(commit)
        return str(self._done(self._site.pass_on(call, caller)))

    def move(self, branch: str, sha: str) -> None:
        """Put a branch at a commit."""
        self._done(self._site.ask("PATCH", f"{self._home}/git/refs/heads/{branch}", {"sha": sha, "force": True}))

    def write(self, branch: str, path: str, content: bytes | None, message: str) -> str:
        """Commit one file (or its absence) as the administrator; the commit."""
        there = self._site.ask("GET", f"{self._home}/contents/{path}", ref=branch)
        body: dict[str, Any] = {"message": message, "branch": branch} | ({"sha": there.body["sha"]} if there.ok else {})
        if content is not None:
            body["content"] = base64.b64encode(content).decode()
        answer = self._site.ask("DELETE" if content is None else "PUT", f"{self._home}/contents/{path}", body)
        if not answer.ok:
            raise ValueError(f"{path} was not written: {answer.body}")
        return str(answer.body["commit"]["sha"])

    @property
    def _home(self) -> str:
        return f"/repos/{self._site.places.name}"

    def _done(self, answer: Reply) -> Any:
        if not answer.ok:
            raise Refused(answer.status, str(answer.body))
        return answer.body.get("sha")

    def _ref(self, call: Call, caller: Caller, repo: str, rest: str) -> Reply:
        before = self.tip(rest)
        answer = self._site.pass_on(call, caller)
        if answer.ok:
            self._site.pulls.moved(rest, before, self.tip(rest), caller)
        return answer

    def _commits(self, call: Call, caller: Caller, repo: str) -> Reply:
        answer = self._site.pass_on(call, caller)
        for one in answer.body if answer.ok else ():
            if one["sha"] in self._signed:
                one["commit"]["verification"] |= {"verified": True, "reason": "valid"}
                one["committer"] = self._site.brief(one["author"]) | {"login": "web-flow", "id": 19864447}
        return answer

    def _contents(self, call: Call, caller: Caller, repo: str, rest: str) -> Reply:
        branch = call.json.get("branch") or "main"
        before = self.tip(branch)
        answer = self._site.pass_on(call, caller)
        if answer.ok:
            if not {"author", "committer"} & call.json.keys():
                self._signed.add(answer.body["commit"]["sha"])
            self._site.pulls.moved(branch, before, self.tip(branch), caller)
        return answer
