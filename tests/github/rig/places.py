"""Where the repository is: its number, its names of before.

After a rename emulate answers 404; GitHub answers 301 to a GET and 307 to a write, and both lead to /repositories/{id}.
"""

import re
from typing import TYPE_CHECKING

from .callers import Caller
from .wire import DOCUMENTATION, Call, Refused, Reply

if TYPE_CHECKING:
    from .site import Site


class Places:
    """One repository, under its name, its number, and the names it had."""

    def __init__(self, site: "Site", name: str) -> None:
        self._site = site
        self.name = name
        self.id = 0
        self._before: set[str] = set()
        site.routes.add("GET", "/repos/{repo}", self._look)

    def settle(self) -> None:
        """Learn the number from emulate."""
        self.id = self._site.ask("GET", f"/repos/{self.name}").body["id"]

    def rename(self, name: str) -> None:
        """Call it otherwise from now on."""
        answer = self._site.ask("PATCH", f"/repos/{self.name}", {"name": name.rsplit("/", 1)[1]})
        if not answer.ok:
            raise ValueError(f"emulate does not rename: {answer.body}")
        self._before.add(self.name.lower())
        self.name = name
        self._before.discard(name.lower())

    def enter(self, call: Call) -> Call:
        """The call with the repository's right name in it, or the way to it."""
        found = re.fullmatch(r"/repositories/(\d+)(/.*)?", call.path)
        if found:
            if int(found[1]) != self.id:
                raise Refused(404, "Not Found")
            return call.to(f"/repos/{self.name}{found[2] or ''}")
        found = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)?", call.path)
        if found and found[1].lower() in self._before:
            self._moved(call, found[2] or "")
        if found and found[1].lower() == self.name.lower():
            return call.to(f"/repos/{self.name}{found[2] or ''}")
        return call

    def by_number(self, text: str) -> str:
        """Addresses as in GitHub's Link headers: /repositories/{id}."""
        return text.replace(f"/repos/{self.name}/", f"/repositories/{self.id}/")

    def _look(self, call: Call, caller: Caller, repo: str) -> Reply:
        answer = self._site.pass_on(call, caller)
        if answer.ok:
            answer.body.update(network_count=0, subscribers_count=0)
            if caller.kind == "person":
                answer.body["permissions"] = self._site.people.may(caller.login)
        return answer

    def _moved(self, call: Call, rest: str) -> None:
        url = f"{self._site.url()}/repositories/{self.id}{rest}"
        url += call.target[len(call.path) :]
        status, words = (301, "Moved Permanently") if call.method == "GET" else (307, "Temporary Redirect")
        no = Refused(status, words, location=url)
        no.reply.body.clear()
        no.reply.body.update(message=words, url=url, documentation_url=DOCUMENTATION)
        raise no
