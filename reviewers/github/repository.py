"""One repository on GitHub: a small method for each operation, small frozen nouns as answers (`seen.py`).

Laws:
- A method sends what its docstring says and nothing more; each may raise any `GitHubError`.
- Lists are read to their last page, by the `Link` as given.
- None and `none` are GitHub's 404, which it also says of what we may not see: whoever builds on an absence makes sure
  with `about` that the repository itself can be seen.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, TypeVar
from urllib.parse import quote

from reviewers.github.protocol import Answer, Json, Missing, Request, Send, Unreachable, next_page
from reviewers.github.seen import (
    ROLES,
    About,
    Check,
    Comment,
    Commit,
    Conclusion,
    File,
    Label,
    Listing,
    N,
    Permission,
    Pull,
    PullReview,
    Reaction,
    Ref,
    Role,
    Sent,
    Sha,
    Status,
    Tree,
    User,
    read,
    read_all,
)

__all__ = [
    "ROLES",
    "Check",
    "Comment",
    "Commit",
    "Listing",
    "Pull",
    "PullReview",
    "Repository",
    "Role",
    "Sent",
    "Status",
    "User",
]

PAGE = 100  # the most that GitHub gives
T = TypeVar("T")


class Repository:
    """One repository, by its full name `owner/name`; `send` raises what `protocol.checked` raises."""

    def __init__(self, send: Send, full_name: str) -> None:
        self._send = send
        self.full_name = full_name
        self.owner = full_name.partition("/")[0]
        self._root = f"/repos/{quote(full_name)}"

    # The repository, its people

    def about(self) -> About:
        """The repository under its present name."""
        return self._get(About, "")

    def head(self, branch: str) -> str | None:
        """The newest commit of the branch; None where there is no such branch."""
        ref = self._seen(Ref, f"/git/ref/heads/{quote(branch)}")
        return ref.sha if ref is not None else None

    def file(self, path: str, ref: str) -> bytes | None:
        """The file's bytes at that branch or commit; None where it is not there. A folder is `Unreachable`."""
        file = self._seen(File, f"/contents/{quote(path)}", {"ref": ref})
        if file is None:
            return None
        if file.encoding != "base64":  # more than a megabyte comes as a blob alone
            file = self._get(File, f"/git/blobs/{file.sha}")
        return file.content

    def commits(self, branch: str, path: str, etag: str = "") -> Listing[Commit]:
        """The commits of the branch that change this file, newest first. `Missing` where there is no such branch."""
        query = {"sha": branch, "path": path, "per_page": str(PAGE)}
        return self._listing(Commit, Request("GET", f"{self._root}/commits", query, etag=etag))

    def user(self, login: str) -> User | None:
        """Who has this login now; None if nobody."""
        return self._or_none(lambda: read(User, self._send(Request("GET", f"/users/{quote(login, safe='')}"))))

    def role(self, login: str, user_id: int | None = None) -> Role:
        """What the login may do here now; `none` for nobody, and for somebody else than `user_id` where it is given.

        A role that the organisation made itself counts as the permission that it is built on.
        """
        seen = self._seen(Permission, f"/collaborators/{quote(login, safe='')}/permission")
        if seen is None or (user_id is not None and seen.user_id != user_id):
            return "none"
        return next((role for name in (seen.role_name, seen.permission) for role in ROLES if role == name), "none")

    def team(self, org: str, slug: str) -> tuple[User, ...]:
        """The active members of the team and of its child teams. `Missing` or `Forbidden` where it can't be read."""
        path = f"/orgs/{quote(org, safe='')}/teams/{quote(slug, safe='')}/members"
        return self._all(User, Request("GET", path, {"per_page": str(PAGE)}))

    # What is said

    def comments(self, number: int, since: str = "", etag: str = "") -> Listing[Comment]:
        """The conversation of an issue or pull request, oldest first; `since` (ISO 8601): only what changed then."""
        query = {"per_page": str(PAGE)} | ({"since": since} if since else {})
        return self._listing(Comment, Request("GET", f"{self._root}/issues/{number}/comments", query, etag=etag))

    def comment_by_id(self, comment_id: int) -> Comment | None:
        """The comment as it is now; None where it was deleted."""
        return self._seen(Comment, f"/issues/comments/{comment_id}")

    def reviews(self, number: int, etag: str = "") -> Listing[PullReview]:
        """The reviews of a pull request, oldest first."""
        path = f"{self._root}/pulls/{number}/reviews"
        return self._listing(PullReview, Request("GET", path, {"per_page": str(PAGE)}, etag=etag))

    def say(self, number: int, body: str) -> Comment:
        """A new comment."""
        return self._do(Comment, "POST", f"/issues/{number}/comments", {"body": body})

    def edit(self, comment_id: int, body: str) -> Comment:
        """The comment with another text. `Missing` where it was deleted."""
        return self._do(Comment, "PATCH", f"/issues/comments/{comment_id}", {"body": body})

    def react(self, comment_id: int, content: str) -> None:
        """Our reaction on a comment (`eyes`, `+1`, `-1`, `confused`); twice is once."""
        self._call("POST", f"/issues/comments/{comment_id}/reactions", {"content": content})

    def reactions(self, comment_id: int) -> tuple[tuple[int | None, str], ...]:
        """Who (by id) reacted, and how."""
        path = f"{self._root}/issues/comments/{comment_id}/reactions"
        found = self._all(Reaction, Request("GET", path, {"per_page": str(PAGE)}))
        return tuple((one.user.id if one.user else None, one.content) for one in found)

    # Pull requests

    def pull_by_branch(self, branch: str) -> Pull | None:
        """The pull request from this branch of ours: the open one, or else the newest."""
        query = {"head": f"{self.owner}:{branch}", "state": "all", "per_page": str(PAGE)}
        found = [
            pull for pull in self._all(Pull, Request("GET", f"{self._root}/pulls", query)) if pull.head_branch == branch
        ]
        return max(found, key=lambda pull: (pull.state == "open", pull.number), default=None)

    def pull(self, number: int) -> Pull | None:
        """The pull request; None where there is none of that number."""
        return self._seen(Pull, f"/pulls/{number}")

    def open_pull(self, branch: str, base: str, title: str, body: str) -> Pull:
        """A new pull request. `Invalid` where there is an open one, or nothing to merge."""
        return self._do(Pull, "POST", "/pulls", {"head": branch, "base": base, "title": title, "body": body})

    def describe_pull(self, number: int, title: str, body: str) -> Pull:
        """The pull request with another title and body."""
        return self._do(Pull, "PATCH", f"/pulls/{number}", {"title": title, "body": body})

    def close(self, number: int) -> Pull:
        """The pull request, closed and not merged."""
        return self._do(Pull, "PATCH", f"/pulls/{number}", {"state": "closed"})

    def merge(self, number: int, sha: str, title: str, method: str = "merge") -> str:
        """The commit of the merge, if the branch is still at `sha`. `Invalid` where GitHub can't or may not merge."""
        body = {"sha": sha, "commit_title": title, "merge_method": method}
        return self._do(Sha, "PUT", f"/pulls/{number}/merge", body).sha

    def labels(self, number: int) -> tuple[str, ...]:
        """The names of the labels."""
        request = Request("GET", f"{self._root}/issues/{number}/labels", {"per_page": str(PAGE)})
        return tuple(label.name for label in self._all(Label, request))

    def add_labels(self, number: int, *names: str) -> None:
        """These labels too; those that the repository does not know are made."""
        self._call("POST", f"/issues/{number}/labels", {"labels": list(names)})

    def remove_label(self, number: int, name: str) -> None:
        """This label no more, if it was there."""
        self._or_none(lambda: self._call("DELETE", f"/issues/{number}/labels/{quote(name, safe='')}"))

    # The branch

    def commit(
        self,
        branch: str,
        head: str | None,
        base: str,
        files: Mapping[str, bytes | str],
        message: str,
        *,
        over: str = "",
    ) -> str:
        """A commit that holds these files: a new one on top of `head`, where the branch was seen (of `base` where there
        was no branch), or that one if it holds them already. `Invalid` where the branch has moved since.

        With `over`, a commit of another branch, it holds that and these files and nothing else: whatever stood on the
        branch is undone, and both are its parents.
        """
        old = self._tree(over or head or base)
        entries = [self._entry(path, content) for path, content in sorted(files.items())]
        tree = self._do(Sha, "POST", "/git/trees", {"base_tree": old, "tree": entries}).sha
        if head is not None and tree == (self._tree(head) if over else old):
            return head
        parents = [head or base, *([over] if over and head else [])]
        commit = {"message": message, "tree": tree, "parents": parents}
        sha = self._do(Sha, "POST", "/git/commits", commit).sha
        self._point(branch, sha, new=head is None)
        return sha

    def _tree(self, commit: str) -> str:
        return self._get(Tree, f"/git/commits/{commit}").sha

    def _entry(self, path: str, content: bytes | str) -> dict[str, str]:
        """A file in a tree: text within it, bytes as a blob."""
        entry = {"path": path, "mode": "100644", "type": "blob"}
        if isinstance(content, str):
            return entry | {"content": content}
        blob = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
        return entry | {"sha": self._do(Sha, "POST", "/git/blobs", blob).sha}

    def _point(self, branch: str, sha: str, *, new: bool) -> None:
        if new:
            self._call("POST", "/git/refs", {"ref": f"refs/heads/{branch}", "sha": sha})
        else:
            self._call("PATCH", f"/git/refs/heads/{quote(branch)}", {"sha": sha, "force": False})

    # Checks (an App) and statuses (a token)

    def check(
        self,
        sha: str,
        name: str,
        *,
        external_id: str,
        status: Literal["queued", "in_progress", "completed"],
        conclusion: Conclusion | None = None,
        title: str,
        summary: str,
        details_url: str = "",
    ) -> int:
        """The id of a new check run on the commit. Only an App may make one."""
        shown = _check(status, conclusion, title, summary, details_url)
        return self._do(
            Check, "POST", "/check-runs", {"head_sha": sha, "name": name, "external_id": external_id} | shown
        ).id

    def edit_check(
        self,
        check_id: int,
        *,
        status: Literal["queued", "in_progress", "completed"],
        conclusion: Conclusion | None = None,
        title: str,
        summary: str,
        details_url: str = "",
    ) -> None:
        """The check run, showing this."""
        self._call("PATCH", f"/check-runs/{check_id}", _check(status, conclusion, title, summary, details_url))

    def checks(self, sha: str, name: str) -> tuple[Check, ...]:
        """The check runs of this name on the commit, of any App."""
        query = {"check_name": name, "filter": "all", "per_page": str(PAGE)}
        return self._all(Check, Request("GET", f"{self._root}/commits/{sha}/check-runs", query), "check_runs")

    def status(self, sha: str, context: str, state: str, description: str, target_url: str = "") -> None:
        """A commit status: `pending`, `success`, `failure` or `error`. The description is cut at GitHub's 140."""
        body = {"context": context, "state": state, "description": description[:140]}
        self._call("POST", f"/statuses/{sha}", body | ({"target_url": target_url} if target_url else {}))

    def statuses(self, sha: str) -> tuple[Status, ...]:
        """The newest status of each context on the commit."""
        request = Request("GET", f"{self._root}/commits/{sha}/status", {"per_page": str(PAGE)})
        return self._all(Status, request, "statuses")

    # What starts, and what was sent to us

    def dispatch(self, workflow: str, ref: str, inputs: Mapping[str, str]) -> None:
        """Start a workflow by its file name, on a branch."""
        path = f"/actions/workflows/{quote(workflow, safe='')}/dispatches"
        self._call("POST", path, {"ref": ref, "inputs": dict(inputs)})

    def deliveries(self) -> tuple[Sent, ...]:
        """The newest deliveries to the App's webhook. Only an App may ask."""
        return read_all(Sent, self._send(Request("GET", "/app/hook/deliveries", {"per_page": str(PAGE)})))

    def redeliver(self, delivery_id: int) -> None:
        """The same delivery once more."""
        self._send(Request("POST", f"/app/hook/deliveries/{delivery_id}/attempts"))

    # How it is asked

    def _call(self, method: str, path: str, body: Json = None, query: Mapping[str, str] | None = None) -> Answer:
        return self._send(Request(method, self._root + path, query or {}, body))

    def _get(self, kind: type[N], path: str, query: Mapping[str, str] | None = None) -> N:
        return read(kind, self._call("GET", path, query=query))

    def _do(self, kind: type[N], method: str, path: str, body: Json) -> N:
        return read(kind, self._call(method, path, body))

    def _seen(self, kind: type[N], path: str, query: Mapping[str, str] | None = None) -> N | None:
        return self._or_none(lambda: self._get(kind, path, query))

    def _or_none(self, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except Missing:
            return None

    def _pages(self, request: Request) -> Iterator[Answer]:
        following, paths = request, set[str]()
        while following.path not in paths:
            answer = self._send(following)
            yield answer
            onward = next_page(answer)
            if onward is None:
                return
            paths.add(following.path)
            following = onward
        raise Unreachable(f"GitHub's pages go round: {following}")

    def _all(self, kind: type[N], request: Request, under: str = "") -> tuple[N, ...]:
        return tuple(item for answer in self._pages(request) for item in read_all(kind, answer, under))

    def _listing(self, kind: type[N], request: Request) -> Listing[N]:
        pages = list(self._pages(request))
        if pages[0].status == 304:
            return Listing(etag=request.etag, unchanged=True)
        items = tuple(item for answer in pages for item in read_all(kind, answer))
        whole = len(pages) == 1 and len(items) < PAGE
        return Listing(items=items, etag=pages[0].headers.get("etag", "") if whole else "")


def _check(status: str, conclusion: Conclusion | None, title: str, summary: str, details_url: str) -> dict[str, Json]:
    """What a check run shows. GitHub takes a conclusion of a completed run alone."""
    shown: dict[str, Json] = {"status": status, "output": {"title": title, "summary": summary}}
    shown |= {"conclusion": conclusion} if conclusion else {}
    return shown | ({"details_url": details_url} if details_url else {})
