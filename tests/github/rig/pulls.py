"""Pull requests.

emulate opens one from a branch that is not there, opens two from one branch, keeps the head as it was at the opening,
says of the issue that a pull request is that there is none, and merges stale trees.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .callers import Caller
from .wire import Call, Refused, Reply, invalid, paged

if TYPE_CHECKING:
    from .site import Site

LONGEST = 65_536


class Pulls:
    """Pull requests, kept by emulate; where each one's head is, kept here."""

    def __init__(self, site: "Site") -> None:
        self._site = site
        self._ended: dict[int, dict[str, str]] = {}  # where head and base were when it was closed
        self._merged: dict[int, str] = {}
        self._touched: dict[int, str] = {}
        self._comments: dict[int, int] = {}
        add = site.routes.add
        add("GET", "/repos/{repo}/pulls", self._list)
        add("POST", "/repos/{repo}/pulls", self._open)
        add("GET", "/repos/{repo}/pulls/{number}", self._one)
        add("PATCH", "/repos/{repo}/pulls/{number}", self.change)
        add("PUT", "/repos/{repo}/pulls/{number}/merge", self._merge)

    def get(self, number: int) -> dict[str, Any] | None:
        """One as GitHub shows it, else None."""
        answer = self._site.ask("GET", f"/repos/{self._site.places.name}/pulls/{number}")
        return self.shape(answer.body) if answer.ok else None

    def shape(self, pull: dict[str, Any]) -> dict[str, Any]:
        """emulate's pull request with its head and base where they are."""
        for end in ("head", "base"):
            frozen = self._ended.get(pull["number"], {}).get(end)
            sha = frozen or self._site.git.tip(pull[end]["ref"]) or pull[end]["sha"]
            pull[end]["sha"] = sha
        pull["statuses_url"] = f"{pull['url'].split('/pulls/')[0]}/statuses/{pull['head']['sha']}"
        pull["_links"]["statuses"] = {"href": pull["statuses_url"]}
        if pull["number"] in self._merged:
            pull["merge_commit_sha"] = self._merged[pull["number"]]
        pull["updated_at"] = max(pull["updated_at"], self._touched.get(pull["number"], ""))
        pull["active_lock_reason"] = None
        pull["comments"] = self._comments.get(pull["number"], 0)
        return pull

    def touch(self, number: int, comments: int = 0) -> None:
        """Something was said or done there just now; so many comments came or went."""
        self._touched[number] = self._site.stamp()
        self._comments[number] = self._comments.get(number, 0) + comments

    def moved(self, branch: str, before: str | None, after: str | None, caller: Caller) -> None:
        """A push reached every open pull request from that branch."""
        if before == after:
            return
        for pull in self.all("open"):
            if pull["head"]["ref"] != branch:
                continue
            if after is None:
                self._freeze(pull["number"], before or pull["head"]["sha"], pull["base"]["sha"])
                path = f"/repos/{self._site.places.name}/pulls/{pull['number']}"
                self._site.ask("PATCH", path, {"state": "closed"})
                self._site.hooks.pull("closed", pull["number"], caller)
            else:
                self._site.hooks.pull("synchronize", pull["number"], caller, before=before, after=after)

    def all(self, state: str) -> list[dict[str, Any]]:
        """Those that are "open", "closed", or "all"."""
        path = f"/repos/{self._site.places.name}/pulls"
        found: list[dict[str, Any]] = []
        while len(found) % 100 == 0:
            more = self._site.ask("GET", path, state=state, per_page="100", page=str(len(found) // 100 + 1)).body
            if not more:
                break
            found += more
        return [self.shape(one) for one in found]

    def _list(self, call: Call, caller: Caller, repo: str) -> Reply:
        first = self._site.pass_on(replace(call, query={"per_page": "1"}), caller)
        if not first.ok:
            return first
        state = call.query.get("state", "open")
        shown = [one for one in self.all("all") if state in ("all", one["state"])]
        if head := call.query.get("head"):  # GitHub overlooks a head without its owner
            shown = [one for one in shown if ":" not in head or one["head"]["label"].lower() == head.lower()]
        if base := call.query.get("base"):
            shown = [one for one in shown if one["base"]["ref"] == base]
        by = "updated_at" if call.query.get("sort") == "updated" else "created_at"
        down = (
            call.query.get("direction", "desc" if by == "updated_at" or "sort" not in call.query else "asc") == "desc"
        )
        shown.sort(key=lambda one: (one[by], one["number"]), reverse=down)
        return paged(shown, call, self._site.numbered(call.path))

    def _one(self, call: Call, caller: Caller, repo: str, number: str) -> Reply:
        answer = self._site.pass_on(call, caller)
        if answer.ok:
            pull = self.shape(answer.body)
            if pull["state"] == "open":
                clean = self._site.git.changes(pull["base"]["sha"], pull["head"]["sha"]) is not None
                pull |= {"mergeable": clean, "rebaseable": clean, "mergeable_state": "clean" if clean else "dirty"}
        return answer

    def _open(self, call: Call, caller: Caller, repo: str) -> Reply:
        said = call.json
        head, base = str(said.get("head", "")).split(":")[-1], str(said.get("base", ""))
        at, onto = self._site.git.tip(head), self._site.git.tip(base)
        if at is None or onto is None:
            name = "head" if at is None else "base"
            raise Refused(422, "Validation Failed", [{"resource": "PullRequest", "field": name, "code": "invalid"}])
        if len(said.get("body") or "") > LONGEST:
            raise invalid("Issue", f"body is too long (maximum is {LONGEST} characters)", "body")
        if at in self._site.git.ancestors(onto):
            raise invalid("PullRequest", f"No commits between {base} and {head}")
        if any(one["head"]["ref"] == head and one["base"]["ref"] == base for one in self.all("open")):
            raise invalid("PullRequest", f"A pull request already exists for {repo.split('/')[0]}:{head}.")
        answer = self._site.pass_on(call, caller)
        if answer.ok:
            self.shape(answer.body)
            self._site.hooks.pull("opened", answer.body["number"], caller)
        return answer

    def own(self, caller: Caller, pull: dict[str, Any]) -> None:
        """Raise 403 for a person who is neither the author nor may write."""
        people = self._site.people
        if caller.kind == "person" and not people.is_by(pull, caller) and not people.least(caller.login, "write"):
            raise Refused(403, "Must have admin rights to Repository.")

    def change(self, call: Call, caller: Caller, repo: str, number: str) -> Reply:
        """Title, text, state or base."""
        before = self.get(int(number))
        if before is None:
            raise Refused(404, "Not Found")
        self.own(caller, before)
        if len(call.json.get("body") or "") > LONGEST:
            raise invalid("Issue", f"body is too long (maximum is {LONGEST} characters)", "body")
        state = call.json.get("state")
        if state == "open" and before["merged"]:
            raise invalid("PullRequest", "state cannot be changed. The pull request has been merged.", "state")
        answer = self._site.pass_on(call, caller)
        if not answer.ok:
            return answer
        if state == "closed" and before["state"] == "open":
            self._freeze(int(number), before["head"]["sha"], before["base"]["sha"])
            self._site.hooks.pull("closed", int(number), caller)
        elif state == "open" and before["state"] == "closed":
            self._ended.pop(int(number), None)
            self._site.hooks.pull("reopened", int(number), caller)
        elif {"title", "body", "base"} & call.json.keys():
            self._site.hooks.pull("edited", int(number), caller)
        self.shape(answer.body)
        return answer

    def _merge(self, call: Call, caller: Caller, repo: str, number: str) -> Reply:
        pull, said = self.get(int(number)), call.json
        if pull is None:
            raise Refused(404, "Not Found")
        if not caller.may("contents", "write"):
            raise Refused(403, "Resource not accessible by integration")
        head, base = pull["head"]["sha"], pull["base"]["sha"]
        if pull["state"] == "closed" or pull["draft"]:
            raise Refused(405, "Pull Request is not mergeable")
        if said.get("sha") not in (None, head):
            raise Refused(409, "Head branch was modified. Review and try the merge again.")
        way = said.get("merge_method", "merge")
        title = (
            said.get("commit_title") or f"Merge pull request #{number} from {pull['head']['label'].replace(':', '/')}"
        )
        message = "\n\n".join(part for part in (title, said.get("commit_message") or pull["title"]) if part)
        made = self._site.git.merge(base, head, message, [base, head] if way == "merge" else [base], caller)
        answer = self._site.pass_on(call.saying({"merge_method": way}), caller)
        if not answer.ok:
            return answer
        self._site.git.move(pull["base"]["ref"], made)
        self._freeze(int(number), head, base)
        self._merged[int(number)] = made
        self._site.hooks.pull("closed", int(number), caller)
        return Reply(200, {"sha": made, "merged": True, "message": "Pull Request successfully merged"})

    def _freeze(self, number: int, head: str, base: str) -> None:
        self._ended[number] = {"head": head, "base": base}
