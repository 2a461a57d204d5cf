"""What a person does on GitHub by hand."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from .wire import Call, Reply


class Refusal(Exception):
    """GitHub did not let them; `status` and its words."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status} {reply.body}")
        self.status = reply.status


class Person:
    """Alice, say. What GitHub refuses raises `Refusal`."""

    def __init__(self, login: str, send: Callable[[Call], Reply], repository: Callable[[], str]) -> None:
        self.login = login
        self._send, self._repository = send, repository

    def comment(self, pull: int, text: str) -> int:
        """Write a comment; its id."""
        return int(self._do("POST", f"issues/{pull}/comments", {"body": text})["id"])

    def edit(self, comment: int, text: str) -> None:
        """Change a comment, one's own or another's."""
        self._do("PATCH", f"issues/comments/{comment}", {"body": text})

    def delete(self, comment: int) -> None:
        """Remove a comment."""
        self._do("DELETE", f"issues/comments/{comment}")

    def react(self, comment: int, content: str) -> None:
        """Put a reaction under a comment."""
        self._do("POST", f"issues/comments/{comment}/reactions", {"content": content})

    def review(self, pull: int, event: str, body: str = "", commit_id: str | None = None) -> int:
        """APPROVE, REQUEST_CHANGES or COMMENT, about the head or a commit; the review's id."""
        about = {"commit_id": commit_id} if commit_id else {}
        return int(self._do("POST", f"pulls/{pull}/reviews", {"event": event, "body": body} | about)["id"])

    def dismiss(self, pull: int, review: int, message: str = "no longer") -> None:
        """Dismiss somebody's review."""
        self._do("PUT", f"pulls/{pull}/reviews/{review}/dismissals", {"message": message})

    def label(self, pull: int, *names: str) -> None:
        """Put labels on."""
        self._do("POST", f"issues/{pull}/labels", {"labels": list(names)})

    def title(self, pull: int, text: str) -> None:
        """Give a pull request another title."""
        self._do("PATCH", f"pulls/{pull}", {"title": text})

    def close(self, pull: int) -> None:
        """Close a pull request."""
        self._do("PATCH", f"pulls/{pull}", {"state": "closed"})

    def reopen(self, pull: int) -> None:
        """Open it again."""
        self._do("PATCH", f"pulls/{pull}", {"state": "open"})

    def merge(self, pull: int) -> str:
        """Merge it; the commit."""
        return str(self._do("PUT", f"pulls/{pull}/merge", {})["sha"])

    def open(self, head: str, title: str, base: str = "main") -> int:
        """Open a pull request; its number."""
        return int(self._do("POST", "pulls", {"head": head, "base": base, "title": title})["number"])

    def branch(self, name: str, at: str) -> None:
        """Make a branch at a commit."""
        self._do("POST", "git/refs", {"ref": f"refs/heads/{name}", "sha": at})

    def write(self, branch: str, path: str, text: str | None, message: str = "") -> str:
        """Write a file in GitHub's own editor and commit it (None deletes it): GitHub signs it. The commit."""
        there = self._do("GET", f"contents/{path}?ref={branch}", missing=True)
        body = {"message": message or f"Update {path.rpartition('/')[2]}", "branch": branch}
        body |= {"sha": there["sha"]} if there else {}
        body |= {} if text is None else {"content": base64.b64encode(text.encode()).decode()}
        return str(self._do("DELETE" if text is None else "PUT", f"contents/{path}", body)["commit"]["sha"])

    def push(self, branch: str, path: str, text: str, address: str = "") -> str:
        """Push a commit made elsewhere, with an address of anybody's; nobody signed it. The commit."""
        head = self._do("GET", f"git/ref/heads/{branch}")["object"]["sha"]
        entry = {"path": path, "mode": "100644", "type": "blob", "content": text}
        old = self._do("GET", f"git/commits/{head}")["tree"]["sha"]
        tree = self._do("POST", "git/trees", {"base_tree": old, "tree": [entry]})["sha"]
        who = {"name": self.login, "email": address or f"{self.login}@users.noreply.github.com"}
        commit = {"message": f"{path} from elsewhere", "tree": tree, "parents": [head], "author": who}
        sha = str(self._do("POST", "git/commits", commit)["sha"])
        self._do("PATCH", f"git/refs/heads/{branch}", {"sha": sha, "force": False})
        return sha

    def delete_branch(self, name: str) -> None:
        """Remove a branch; its pull requests close."""
        self._do("DELETE", f"git/refs/heads/{name}")

    def run_workflow(self, file: str, **inputs: str) -> None:
        """Press Run workflow."""
        self._do("POST", f"actions/workflows/{file}/dispatches", {"ref": "main", "inputs": inputs})

    def _do(self, method: str, path: str, body: Any = None, *, missing: bool = False) -> Any:
        path, _, query = path.partition("?")
        asked = dict(parse_qsl(query))
        call = Call(method, f"/repos/{self._repository()}/{path}", asked, {"content-type": "application/json"})
        reply = self._send(call if body is None else call.saying(body))
        if missing and reply.status == 404:
            return None
        if not reply.ok:
            raise Refusal(reply)
        return reply.body
