"""`ratchet serve`: everything put together, begun, watched and ended in order.

Laws:
- Without anything that tells callers apart it binds to this machine alone.
- It ends gracefully: no new requests, ten seconds for those under way, then the threads; runs go on without it.
- A thread that dies ends the process, with exit 1: half a server would look like a whole one.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import uvicorn

from orchestrator.app import App
from orchestrator.engine import Engine
from orchestrator.ports import People, Reviewer
from orchestrator.rooms import Marks
from orchestrator.schema import open_database
from orchestrator.server import logs
from orchestrator.server.auth import LOOPBACK, Doorkeeper
from orchestrator.server.clock import ClockKeeper, Timetable
from orchestrator.server.counter import Counter
from orchestrator.server.keeper import Keeper, Watched
from orchestrator.server.live import Feed
from orchestrator.server.mailbox import Mailbox
from orchestrator.server.measures import Measures
from orchestrator.server.office import Beginner, Office, Pipelines
from orchestrator.server.oidc import Keys, Workflows
from orchestrator.server.queries import Queries
from orchestrator.server.web import build
from orchestrator.settings import Settings
from orchestrator.store import Store
from orchestrator.trouble import Trouble
from reviewers.directory import Directory

log = logging.getLogger("ratchet.server")
HOST, PORT = "127.0.0.1", 8372
GRACE = 10
LAST_LOOK = 1.0  # seconds in which /readyz says why, before the process ends
WATCH = 0.2
BRANCH = 60.0


@dataclass
class Parts:
    """What a server is made of beside itself. `keepers` live as long as it does; `delivered` is called when the inbox
    has something new, from any thread.
    """

    people: People = field(default_factory=Directory)
    pipelines: Pipelines | None = None
    reviewers: list[Reviewer] = field(default_factory=list)
    keepers: list[Keeper] = field(default_factory=list)
    delivered: Callable[[], None] = lambda: None
    default_branch: Callable[[], str] = lambda: "main"
    link: Callable[[str], str] | None = None
    pull: Callable[[str], tuple[int, str] | None] | None = None


class House:
    """One server: its organs, its threads and its application, made but not begun."""

    def __init__(self, app: App, parts: Parts, *, base: str = "") -> None:
        settings = app.settings
        self.app, self.parts = app, parts
        self.engine: Engine = app.engine(parts.reviewers)
        self.turning = Watched("engine", self._turn, self.engine.wake)
        self._letters = Store(open_database(app.database_url)) if app.store.notifies else app.store
        mailbox = Mailbox(self._letters, parts.delivered)
        queries = Queries(app.store.database)
        pipelines = parts.pipelines or app.pipelines
        beginner = Beginner(app, self.engine.desk)
        self.counter = Counter(app, lambda: self.clock.wake())
        timetable = Timetable(
            pipelines, beginner.begin, app.journal, Marks(app.store), app.clock, queries.with_key, self.counter.count
        )
        self.clock = ClockKeeper(timetable)
        self.keepers: list[Any] = [mailbox, self.turning, self.clock, *parts.keepers]
        self.office = Office(
            app=app, desk=self.engine.desk, people=parts.people, pipelines=pipelines, beginner=beginner,
            timetable=timetable, queries=queries, feed=Feed(app.journal, queries), measures=Measures(), mailbox=mailbox,
            door=Doorkeeper(settings.tokens, _workflows(settings, parts), parts.people.person), faults=self.faults,
            pull=parts.pull, link=parts.link or (lambda cycle: f"{settings.url or base}/api/cycles/{cycle}"),
        )  # fmt: skip
        self.front = build(self.office)

    def faults(self) -> list[str]:
        """Why it can't do its work: what has died, and what does not turn."""
        stuck = [str(said) for keeper in self.keepers if (said := getattr(keeper, "stuck", None))]
        return [*filter(None, map(fault_of, self.keepers)), *stuck]

    @property
    def dead(self) -> bool:
        """Whether a thread that it lives by is gone."""
        return any(map(fault_of, self.keepers))

    def start(self) -> None:
        """Begin every thread."""
        for keeper in self.keepers:
            keeper.start()

    def stop(self) -> None:
        """End them, the last first; what is running goes on."""
        self.counter.close()
        for keeper in reversed(self.keepers):
            keeper.stop()
        self.engine.close()
        if self._letters is not self.app.store:
            self._letters.close()
        self.app.store.close()

    def _turn(self, thread: Watched) -> None:
        self.engine.run(thread.beat)


def fault_of(keeper: Any) -> str:
    """Why the keeper has died; empty while it lives, or does not say."""
    fault, failure = getattr(keeper, "fault", None), getattr(keeper, "failure", None)
    name = type(keeper).__name__.lower()
    return str(fault) if fault else f"the {name} died: {type(failure).__name__}" if failure else ""


def _workflows(settings: Settings, parts: Parts) -> Workflows | None:
    if not settings.oidc_audience:
        return None
    if settings.github is None:
        cure = "set RATCHET_GITHUB_REPOSITORY: only its workflows may call"
        raise Trouble("RATCHET_OIDC_AUDIENCE is set, and no repository is", cure, code=2)
    return Workflows(
        Keys(settings.oidc_issuer), settings.oidc_issuer, settings.oidc_audience, settings.github.repository,
        settings.oidc_workflows, parts.default_branch,
    )  # fmt: skip


class Listening(uvicorn.Server):
    """Uvicorn, which lets go of listeners to events before it waits for the requests under way."""

    def __init__(self, house: House, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                house.front,
                loop="uvloop",
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=2048,
                timeout_graceful_shutdown=GRACE,
            )
        )
        self._house, self._ready = house, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self._watching = asyncio.get_running_loop().create_task(self._watch())
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, and wait for what is under way."""
        self._house.office.feed.close()
        self._watching.cancel()
        await super().shutdown(sockets)

    async def _watch(self) -> None:
        """End the process a moment after a thread has died."""
        while not self._house.dead:
            await asyncio.sleep(WATCH)
        log.error("the server ends: %s", "; ".join(self._house.faults()))
        await asyncio.sleep(LAST_LOOK)
        self.should_exit = True


def compose(app: App) -> Parts:
    """What the server of this environment is made of."""
    lobby = app.lobby(app.desk)
    herald = app.herald(lambda cycle: _where(app, cycle.id))
    parts = Parts(people=app.people, default_branch=_Branch(app))
    parts.keepers += [one for one in (lobby, herald) if one is not None]
    if lobby is not None:
        parts.reviewers, parts.delivered, parts.pull = [lobby], lobby.ring, app.pull
    return parts


def _where(app: App, cycle: str) -> str:
    """Where people find the cycle: its pull request, or what the server says of it."""
    pull, url = app.pull(cycle) if app.settings.github else None, app.settings.url
    return pull[1] if pull is not None else f"{url}/api/cycles/{cycle}" if url else ""


class _Branch:
    """The repository's default branch, as GitHub said a minute ago at most. Raises `GitHubError`."""

    def __init__(self, app: App) -> None:
        self._app, self._name, self._read_at = app, "main", float("-inf")

    def __call__(self) -> str:
        if self._app.repository is not None and time.monotonic() - self._read_at > BRANCH:
            self._name, self._read_at = self._app.repository.about().default_branch, time.monotonic()
        return self._name


def serve(arguments: Namespace, app: App, tell: Callable[[str], None] = lambda line: None) -> int:
    """Serve until SIGTERM or SIGINT; the exit status. Raises `Trouble` where it can't begin."""
    gc.enable()
    if arguments.config != "ratchet.yaml":
        app.settings = replace(app.settings, config=arguments.config)
    settings = app.settings
    host = arguments.host or HOST
    if not settings.guarded and host not in LOOPBACK:
        cure = "set RATCHET_TOKENS or RATCHET_OIDC_AUDIENCE, or leave --host out"
        raise Trouble(f"{host} is more than this machine, and nothing tells callers apart", cure, code=2)
    logs.begin(settings, os.environ.get("RATCHET_LOG", "INFO"))
    logs.forget(os.environ)
    listener = _bind(host, PORT if arguments.port is None else arguments.port)
    name = f"[{host}]" if ":" in host else host
    base = f"http://{name}:{listener.getsockname()[1]}"
    house = House(app, compose(app), base=base)
    house.start()
    gc.freeze()  # what was made so far lives as long as the server: it need not be looked through again
    try:
        server = Listening(house, lambda: tell(f"Ratchet serves {base} {_configured(settings, house)}"))
        with _gently():
            server.run(sockets=[listener])
    finally:
        house.stop()
    return 1 if house.dead else 0


@contextlib.contextmanager
def _gently() -> Iterator[None]:
    """Uvicorn raises the signal again once it has ended; that is then no interruption."""
    was = {one: signal.signal(one, lambda *_: None) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in was.items():
            signal.signal(one, handler)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, proto)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise Trouble(
            f"{host}:{port} can't be listened on: {error.strerror}", "choose another --host or --port"
        ) from None
    return listener


def _configured(settings: Settings, house: House) -> str:
    """What is configured, in one line, without a secret."""
    known = [f"{len(settings.tokens)} tokens" if settings.tokens else "", "OIDC" if settings.oidc_audience else ""]
    auth = " and ".join(filter(None, known)) or "no authentication, this machine only"
    database = house.app.store.database.url.render_as_string(hide_password=True)
    github = settings.github.repository if settings.github else "none"
    return f"(GitHub: {github}; {auth}; database: {database}; pipelines: {settings.config})"
