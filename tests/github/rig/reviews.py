"""Pull-request reviews.

emulate lets authors approve their own, takes an empty request for changes, and forgets that the head has moved.
"""

from typing import TYPE_CHECKING, Any

from .callers import Caller
from .wire import Call, Refused, Reply, paged

if TYPE_CHECKING:
    from .site import Site

FIRST = 2_500_000_000  # beyond 32 bits, and no comment's id
WORDS = {"APPROVE": "approve", "REQUEST_CHANGES": "request changes on"}


class Reviews:
    """Reviews, kept by emulate; what they said before they were dismissed, kept here."""

    def __init__(self, site: "Site") -> None:
        self._site = site
        self._said: dict[int, str] = {}
        base = "/repos/{repo}/pulls/{number}/reviews"
        site.routes.add("GET", base, self._list)
        site.routes.add("POST", base, self._write)
        site.routes.add("GET", base + "/{id}", self._one)
        site.routes.add("PUT", base + "/{id}/dismissals", self._dismiss)

    def shape(self, review: dict[str, Any]) -> dict[str, Any]:
        """emulate's review as GitHub shows it."""
        inner, outer = review["id"], review["id"] + FIRST
        review["id"] = outer
        ends = (f"review-{inner}", f"review-{outer}")
        review["html_url"] = review["html_url"].replace(*ends)
        review["_links"]["html"]["href"] = review["html_url"]
        review["body"] = self._said.get(outer, review["body"])
        return review

    def _list(self, call: Call, caller: Caller, repo: str, number: str) -> Reply:
        shown = [self.shape(one) for one in self._site.every(call, caller)]
        return paged(shown, call, self._site.numbered(call.path))

    def _one(self, call: Call, caller: Caller, repo: str, number: str, id: str) -> Reply:
        answer = self._site.pass_on(call.to(f"/repos/{repo}/pulls/{number}/reviews/{int(id) - FIRST}"), caller)
        if answer.ok:
            self.shape(answer.body)
        return answer

    def _write(self, call: Call, caller: Caller, repo: str, number: str) -> Reply:
        pull, said = self._site.pulls.get(int(number)), call.json
        if pull is None:
            raise Refused(404, "Not Found")
        event = said.get("event")
        if event in WORDS and self._site.people.is_by(pull, caller):
            raise Refused(422, "Unprocessable Entity", [f"Can not {WORDS[event]} your own pull request"])
        if event in ("REQUEST_CHANGES", "COMMENT") and not said.get("body") and not said.get("comments"):
            raise Refused(422, "Unprocessable Entity", ["Body can't be blank"])
        commit = said.get("commit_id") or pull["head"]["sha"]
        if not self._site.git.known(commit):
            raise Refused(422, "Unprocessable Entity", ["The commit is not part of the pull request"])
        answer = self._site.pass_on(call.saying(said | {"commit_id": commit}), caller)
        if answer.ok:
            self.shape(answer.body)
            if event:
                self._site.hooks.review("submitted", int(number), answer.body, caller)
        return answer

    def _dismiss(self, call: Call, caller: Caller, repo: str, number: str, id: str) -> Reply:
        inner = f"/repos/{repo}/pulls/{number}/reviews/{int(id) - FIRST}"
        before = self._site.ask("GET", inner)
        if not before.ok:
            raise Refused(404, "Not Found")
        if not call.json.get("message"):
            raise Refused(422, "Validation Failed")
        answer = self._site.pass_on(call.to(inner + "/dismissals"), caller)
        if answer.ok:
            self._said[int(id)] = before.body["body"]
            self.shape(answer.body)
            self._site.hooks.review("dismissed", int(number), answer.body, caller)
        return answer
