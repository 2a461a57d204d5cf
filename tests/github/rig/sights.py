"""What a test can see of GitHub, and put there by hand, between two calls of the product."""

import threading
from dataclasses import replace
from typing import Any

from . import seed
from .judge import Exchange, Violations, judge
from .site import Site
from .wire import Call, Reply


class Sights:
    """Reading (and the administrator's writing), each as one step."""

    site: Site
    exchanges: list[Exchange]
    _lock: threading.Condition

    @property
    def repository(self) -> str:
        """owner/name, as it is now."""
        return self.site.places.name

    def pulls(self) -> list[dict[str, Any]]:
        """All pull requests, oldest first."""
        return sorted(self._all("pulls", state="all"), key=lambda one: int(one["number"]))

    def pull(self, number: int) -> dict[str, Any]:
        """One of them."""
        return dict(self._look(f"pulls/{number}"))

    def comments(self, pull: int) -> list[dict[str, Any]]:
        """Oldest first."""
        return self._all(f"issues/{pull}/comments")

    def reviews(self, pull: int) -> list[dict[str, Any]]:
        """Oldest first."""
        return self._all(f"pulls/{pull}/reviews")

    def reactions(self, comment: int) -> list[str]:
        """What stands under a comment, in the order given."""
        with self._lock:
            return [one["content"] for one in self.site.talk.reactions.get(f"issues/comments/{comment}", [])]

    def labels(self, pull: int) -> list[str]:
        """Their names."""
        return [one["name"] for one in self._look(f"issues/{pull}/labels")]

    def checks(self, sha: str) -> list[dict[str, Any]]:
        """The check runs of a commit, oldest first."""
        body = self._look(f"commits/{sha}/check-runs", filter="all", per_page="100")
        return sorted(body["check_runs"], key=lambda one: int(one["id"]))

    def statuses(self, sha: str) -> list[dict[str, Any]]:
        """The commit statuses, newest first."""
        with self._lock:
            return list(self.site.checks.statuses.get(sha, []))

    @property
    def dispatches(self) -> list[dict[str, Any]]:
        """Workflows that were started."""
        return self.site.checks.dispatches

    @property
    def violations(self) -> Violations:
        """What GitHub's description says against the product's requests and against our own answers."""
        with self._lock:
            return judge(list(self.exchanges))

    def tip(self, branch: str = "main") -> str | None:
        """The commit a branch is at, None where there is no such branch."""
        with self._lock:
            return self.site.git.tip(branch)

    def files(self, ref: str = "main") -> dict[str, bytes]:
        """Everything on a branch or commit."""
        with self._lock:
            return {path: self.site.git.read(blob) for path, (_, blob) in self.site.git.leaves(ref).items()}

    def write(self, path: str, content: str | bytes | None, branch: str = "main") -> str:
        """Commit a file (None removes it) as the administrator; the commit. A missing branch is made from main."""
        data = content.encode() if isinstance(content, str) else content
        with self._lock:
            if self.site.git.tip(branch) is None:
                self._admin("POST", "git/refs", {"ref": f"refs/heads/{branch}", "sha": self.site.git.tip("main")})
            before = self.site.git.tip(branch)
            after = self.site.git.write(branch, path, data, f"{path} by hand")
            self.site.pulls.moved(branch, before, after, self.site.administrator)
            return after

    def _by(self, token: str, call: Call) -> Reply:
        with self._lock:
            reply = self.site.handle(replace(call, headers=dict(call.headers) | {"authorization": f"Bearer {token}"}))
            self._lock.notify_all()
            return reply

    def _look(self, path: str, **query: str) -> Any:
        reply = self._by(seed.token("admin"), Call("GET", f"/repos/{self.repository}/{path}", query))
        if not reply.ok:
            raise LookupError(f"{path}: {reply.body}")
        return reply.body

    def _all(self, path: str, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) % 100 == 0:
            more = self._look(path, **query, per_page="100", page=str(len(found) // 100 + 1))
            if not more:
                break
            found += more
        return found

    def _admin(self, method: str, path: str, body: Any = None) -> Any:
        where = path if path.startswith("/") else f"/repos/{self.repository}/{path}"
        with self._lock:
            answer = self.site.ask(method, where, body)
        if not answer.ok:
            raise LookupError(f"{method} {path}: {answer.body}")
        return answer.body
