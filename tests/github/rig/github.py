"""GitHub for tests: `with GitHub() as github: …`, then point the product at `github.url`.

Laws
1. What a test does as a person, and what it looks at, meets no fault and is not recorded; the product's calls are.
2. Nothing here waits for a time to pass: `settle()` waits for deliveries, `pass_time()` moves GitHub's clock.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Self

from . import seed
from .callers import App
from .emulator import Emulator
from .faults import Faults, Once
from .hooks import Delivery
from .judge import Exchange
from .person import Person
from .sights import Sights
from .site import Site
from .wire import Call, Listener, Refused, Reply


class GitHub(Sights):
    """One organization, one repository, some people, an App."""

    def __init__(
        self,
        emulator: Emulator | None = None,
        files: Mapping[str, str | bytes] | None = None,
        prefix: str = "",
        repository: str = seed.REPOSITORY,
        apps: list[App] | None = None,
    ) -> None:
        """Without `emulator` it starts one of its own; `prefix` is "/api/v3" on an Enterprise server."""
        self._emulator, self._own = emulator or Emulator(), emulator is None
        self._files, self._prefix, self._named = files or {}, prefix, repository
        self._apps = apps or seed.apps()
        self._lock = threading.Condition()
        self.faults = Faults()
        self.exchanges: list[Exchange] = []
        self._broken: list[Exception] = []

    def __enter__(self) -> Self:
        if self._own:
            self._emulator.__enter__()
        self._emulator.fresh(seed.seed(self._apps, self._named))
        self._listener = Listener(self._answer)
        self.url = self._listener.url + self._prefix
        self.site = Site(self._emulator, lambda: self.url, self._named, self._apps, seed.ROLES)
        self.site.places.settle()
        for login in seed.ROLES:
            self.site.callers.know(login, seed.token(login))
        self._settle_in()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.site.hooks.close()
        self._listener.close()
        if self._own:
            self._emulator.__exit__(kind, error, at)
        if self._broken and error is None:
            raise self._broken[0]

    # Who one can be

    @property
    def app_id(self) -> int:
        return self._apps[0].id

    @property
    def private_key(self) -> str:
        """PEM of the App that is Ratchet."""
        return self._apps[0].pem

    @property
    def bot(self) -> str:
        """How that App appears."""
        return self._apps[0].bot

    def token(self, login: str) -> str:
        """A person's token. `machine` is the account for a product without an App."""
        return seed.token(login)

    def revoke(self, login: str) -> None:
        """That token is good no more."""
        self.site.callers.revoke(seed.token(login))

    def expire_tokens(self) -> None:
        """Every installation token is out of date; new ones may be asked for."""
        self.site.callers.expire()

    def as_(self, login: str) -> Person:
        """What this person (or `dependabot[bot]`) does by hand."""
        token = self._bots.get(login) or seed.token(login)
        return Person(login, lambda call: self._by(token, call), lambda: self.repository)

    def user_id(self, login: str) -> int:
        return int(self.site.user(login)["id"])

    # Who may

    def set_role(self, login: str, role: str) -> None:
        """none | read | triage | write | maintain | admin"""
        self.site.people.roles[login] = role

    def add_to_team(self, login: str, team: str, pending: bool = False) -> None:
        """`pending`: asked, and not accepted yet."""
        self._admin("PUT", f"/orgs/{seed.ORG}/teams/{team}/memberships/{login}", {"role": "member"})
        (self.site.people.pending.add if pending else self.site.people.pending.discard)((team, login))

    def rename_user(self, login: str, to: str) -> None:
        """This person (known here as ever) is called otherwise on GitHub; their old login is free for another."""
        self.site.people.names[login] = to

    def remove_from_team(self, login: str, team: str) -> None:
        self._admin("DELETE", f"/orgs/{seed.ORG}/teams/{team}/memberships/{login}")

    # What goes wrong

    def down(self, status: int = 503, after: int = 0) -> None:
        """Until `up()` everything gets this status, 0 hangs up; `after` so many more calls of the product."""
        with self._lock:
            self.faults.down, self.faults.still = status, after

    def up(self) -> None:
        self.faults.down = None

    def fail_once(self, method: str, path: str, after: bool = False, status: int = 502) -> None:
        """The next call in whose path the regex `path` is found fails; `after`: although it was done. 0 hangs up."""
        self.faults.once.append(Once(method, path, after, status))

    def when(self, method: str, path: str, do: Callable[[], None]) -> None:
        """Just before the next such call of the product is answered, do this once: "and meanwhile Alice …".

        The product waits for its answer meanwhile: what is done must not wait for the product.
        """
        self.faults.when.append((Once(method, path, False, 0), do))

    def until(self, so: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until something is so: asked again after each call to GitHub, and five times a second."""
        end = time.monotonic() + seconds
        while not so():
            if time.monotonic() > end:
                last = [f"{one.call.method} {one.path}" for one in self.exchanges[-5:]]
                raise TimeoutError(f"not so after {seconds} s; the product's last calls: {last}")
            with self._lock:
                self._lock.wait(0.2)

    def limit(self, seconds: float, kind: str = "secondary") -> None:
        """403 for so long: "secondary" for writes with Retry-After, "primary" for everything."""
        self.faults.limit(seconds, kind)

    def pass_time(self, **by: float) -> None:
        """Set GitHub's clock forward: `pass_time(hours=2)`."""
        self.site.pass_time(timedelta(**by))

    def rename(self, name: str) -> None:
        """GET on the old name is answered 301, a write 307."""
        self.site.places.rename(name)

    # Deliveries

    def hook(self, url: str, secret: str, *events: str) -> None:
        """Deliver these events (all, if none is named) there from now on."""
        self.site.hooks.add(url, secret, frozenset(events))

    def unhook(self) -> None:
        """Deliver nothing anywhere any more."""
        self.site.hooks.hooks.clear()

    @property
    def deliveries(self) -> list[Delivery]:
        """All that there were, those lost and held included."""
        return self.site.hooks.deliveries

    def drop_webhooks(self) -> None:
        """Deliveries are lost from now on."""
        self.site.hooks.mode = "lost"

    def hold_webhooks(self) -> None:
        """Deliveries wait from now on."""
        self.site.hooks.mode = "held"

    def deliver_webhooks(self, backwards: bool = False) -> None:
        """Deliveries arrive again; those held first, the lost never."""
        waiting, self.site.hooks.held = self.site.hooks.held, []
        for delivery in reversed(waiting) if backwards else waiting:
            self.site.hooks.send(delivery)
        self.site.hooks.mode = "sent"

    def redeliver(self, number: int = -1, times: int = 1, at_once: bool = False) -> None:
        """Send delivery `number` again, under the same delivery id; `at_once`: at the same moment, and wait."""
        if at_once:
            self.site.hooks.burst(self.deliveries[number], times)
            return
        for _ in range(times):
            self.site.hooks.send(self.deliveries[number])

    def settle(self) -> None:
        """Wait until all deliveries on their way have been answered."""
        self.site.hooks.settle()

    # Inside

    def _answer(self, call: Call) -> Reply | None:
        with self._lock:
            fault = self.faults.before(call)
            done = self._tried(call) if fault is None else None
            fault = fault or self.faults.after(call)
            reply = fault or done
            shown = None if reply is None or reply.status == 0 else reply
            path = call.path.removeprefix(self._prefix)
            self.exchanges.append(Exchange(call, shown, path, fault is not None))
            self._lock.notify_all()
            return shown

    def _tried(self, call: Call) -> Reply:
        try:
            return self._inside(call)
        except Exception as error:  # the rig's own fault: told when the test ends
            self._broken.append(error)
            return Refused(500, f"the rig is broken: {error!r}").reply

    def _inside(self, call: Call) -> Reply:
        if not call.path.startswith(self._prefix + "/"):
            return Refused(404, "Not Found").reply
        return self.site.handle(replace(call, path=call.path.removeprefix(self._prefix)))

    def _settle_in(self) -> None:
        for login in seed.ROLES:
            self._admin("PUT", f"collaborators/{login}", {"permission": "admin"})
        for team, members in seed.TEAMS.items():
            self._admin("POST", f"/orgs/{seed.ORG}/teams", {"name": team})
            for login in members:
                self.add_to_team(login, team)
        self._bots = {app.bot: self._installed(app) for app in self._apps}
        for path, content in self._files.items():
            self.write(path, content)

    def _installed(self, app: App) -> str:
        """A token of the App's; its bot is there from then on."""
        path = f"/app/installations/{app.installation}/access_tokens"
        token = str(self._by(app.jwt(self.site.now()), Call("POST", path)).body["token"])
        blob = Call("POST", f"/repos/{self.repository}/git/blobs").saying({"content": "", "encoding": "utf-8"})
        self._by(token, blob)
        return token
