"""Signed deliveries: `python benchmarks/webhook.py [--seconds 60] [--rate 1000] [--rounds 2] [--no-postgres]`.

`ratchet serve`, as it is, beside a bare Starlette endpoint that writes one row for each request, in alternating runs.

Laws:
- The load is open: a delivery is sent when its time has come, whether or not those before were answered, and its time
  is counted from then. The generator is a process of its own; all of it shares the machine's processors.
- Both are durable: synchronous=FULL, synchronous_commit=on. After each run the rows are counted.
- A goal that is missed is shown, and is no error.
"""

import argparse
import asyncio
import gc
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from contextlib import ExitStack
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import machine, postgres
from benchmarks.ratio import percentile
from benchmarks.table import judged, table

ROOT = Path(__file__).resolve().parent.parent
SECRET = "a-secret-of-this-benchmark"  # noqa: S105 - it guards nothing
BODIES = 64  # different payloads
SIZE = 10_000  # bytes of each: GitHub's own for a comment has 8 to 20 thousand
CONNECTIONS = 256  # at most; GitHub's come from many machines
GOAL = 50.0  # milliseconds
LATE = 20.0  # seconds that answers may come after the last delivery was sent


def main() -> None:
    """Measure and print."""
    options = _options()
    if options.role == "load":
        print(json.dumps(asyncio.run(Load(options.port, options.rate, options.seconds).run())))
        return
    if options.role == "bare":
        bare(options.url, options.port)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="ratchet-bench-", dir=options.work))
    folder.chmod(0o711)
    try:
        with ExitStack() as stack:
            server = None if options.no_postgres else _postgres(folder, stack)
            facts = machine.facts(folder)
            print(table(["", "measured on"], list(facts.items())))
            for database in ["sqlite", "postgres"] if server else ["sqlite"]:
                _compare(options, folder, database, server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument("--work", type=Path, default=Path("/var/tmp"), help="where the databases lie")  # noqa: S108
    parser.add_argument("--role", choices=["load", "bare"], help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    return parser.parse_args()


def _postgres(folder: Path, stack: ExitStack) -> postgres.Server | None:
    try:
        return stack.enter_context(postgres.server(folder))
    except postgres.Absent as absent:
        print(f"without PostgreSQL: {absent}")
        return None


def _compare(options: argparse.Namespace, folder: Path, database: str, server: postgres.Server | None) -> None:
    """Both in turn, and the table of every run."""
    rows = []
    for number in range(1, options.rounds + 1):
        for name in ("ratchet serve", "bare Starlette"):
            place = folder / f"{database}-{number}-{name.split()[0]}"
            place.mkdir()
            url = f"sqlite:///{place / 'data.db'}" if server is None or database == "sqlite" else server.url(place.name)
            found = _run(options, name, place, url)
            goal = judged(found["p99"], GOAL, unit=" ms") if name == "ratchet serve" else ""
            shown = [f"{found[key]:.1f}" for key in ("p50", "p99", "max")]
            rows.append(
                [f"{name}, run {number}", f"{found['sent']:,}", f"{found['rows']:,}", *shown, goal, found["answers"],
                 f"{found['busy']:.0%}", f"{found['lag']:.1f}"]
            )  # fmt: skip
    columns = [
        "",
        "sent",
        "rows",
        "p50 ms",
        "p99 ms",
        "max ms",
        "goal p99",
        "answers",
        "server's processor",
        "generator's p99 lag ms",
    ]
    print(
        f"\n### {options.rate:g} deliveries a second for {options.seconds:g} s, {database}\n\n{table(columns, rows)}\n"
    )
    print(f"Load averages after it: {machine.load()}", flush=True)


def _run(options: argparse.Namespace, name: str, place: Path, url: str) -> dict[str, Any]:
    """One run of one server."""
    import psutil

    with Serving(name, place, url) as (port, pid):
        process = psutil.Process(pid)
        before = sum(process.cpu_times()[:2])
        load = [sys.executable, __file__, "--role", "load", "--port", str(port)]
        load += ["--rate", str(options.rate), "--seconds", str(options.seconds)]
        done = subprocess.run(load, capture_output=True, text=True, check=True)
        busy = (sum(process.cpu_times()[:2]) - before) / options.seconds
    found: dict[str, Any] = json.loads(done.stdout)
    return {**found, "busy": busy, "rows": _count(name, url)}


class Serving:
    """A server in a process of its own, for the length of a block: its port and its pid."""

    def __init__(self, name: str, place: Path, url: str) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RATCHET_")}
        self._env = {**kept, "PYTHONPATH": str(ROOT), "RATCHET_LOG": "WARNING"}
        self._log = (place / "log.txt").open("wb")
        self._place = place
        if name == "bare Starlette":
            self._command = [sys.executable, __file__, "--role", "bare", "--port", "0", "--url", url]
            return
        (place / "ratchet.yaml").write_text("pipelines:\n  p:\n    stages: [{name: a, step: 'x:y'}]\n")
        self._command = [sys.executable, "-m", "orchestrator", "serve", "--port", "0"]
        self._env |= {
            "RATCHET_DATABASE_URL": url, "RATCHET_GITHUB_REPOSITORY": "octo/models", "RATCHET_GITHUB_TOKEN": "none",
            "RATCHET_GITHUB_WEBHOOK_SECRETS": SECRET, "GITHUB_API_URL": "http://127.0.0.1:9",
        }  # fmt: skip

    def __enter__(self) -> tuple[int, int]:
        self._process = subprocess.Popen(
            self._command, cwd=self._place, env=self._env, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", said)
        assert found, f"it did not begin: see {self._place / 'log.txt'}"
        return int(found[1]), self._process.pid

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


def _count(name: str, url: str) -> int:
    """How many rows there are."""
    import sqlalchemy as sa

    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as link:
        rows = sa.table("bare" if name == "bare Starlette" else "inbox")
        found = link.execute(sa.select(sa.func.count()).select_from(rows)).scalar()
    engine.dispose()
    return int(found or 0)


# The bare endpoint


def bare(url: str, port: int) -> None:
    """One row for each request, committed before it is answered; nothing is verified."""
    import threading

    import uvicorn
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    write = _sqlite_row(url) if url.startswith("sqlite") else _postgres_row(url)
    lock = threading.Lock()

    def one(delivery: str, body: bytes) -> None:
        with lock:
            write(delivery, body)

    async def deliver(request: Request) -> JSONResponse:
        await run_in_threadpool(one, request.headers["x-github-delivery"], await request.body())
        return JSONResponse({"stored": True}, 202)

    app = Starlette(routes=[Route("/github/webhook", deliver, methods=["POST"])])
    config = uvicorn.Config(
        app, port=port, loop="uvloop", http="httptools", log_config=None, access_log=False, backlog=2048
    )
    listener = config.bind_socket()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


def _sqlite_row(url: str) -> Any:
    import sqlite3

    link = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                 "CREATE TABLE bare (id INTEGER PRIMARY KEY, delivery TEXT UNIQUE, body BLOB)"):  # fmt: skip
        link.execute(line)
    return lambda delivery, body: link.execute("INSERT INTO bare (delivery, body) VALUES (?, ?)", (delivery, body))


def _postgres_row(url: str) -> Any:
    import psycopg

    link = psycopg.connect(url, autocommit=True)
    link.execute("CREATE TABLE bare (id BIGSERIAL PRIMARY KEY, delivery TEXT UNIQUE, body BYTEA)")
    return lambda delivery, body: link.execute("INSERT INTO bare (delivery, body) VALUES (%s, %s)", (delivery, body))


# The load


def payload(number: int) -> bytes:
    """A comment's delivery, about as long as GitHub's own."""
    said: dict[str, Any] = {
        "action": "created", "issue": {"number": number + 1, "title": "c-000001", "labels": []},
        "comment": {"id": 10_000 + number, "body": "/approve"}, "sender": {"id": 7, "login": "alice", "type": "User"},
        "repository": {"id": 1, "full_name": "octo/models"},
    }  # fmt: skip
    links = {f"link_{one}_url": f"https://github.invalid/octo/models/things/{one}" for one in range(40)}
    said["repository"] |= links
    said["padding"] = [{"n": one, "text": "x" * 60} for one in range(max(0, (SIZE - len(json.dumps(said))) // 84))]
    return json.dumps(said).encode()


class Connection(asyncio.Protocol):
    """One connection: a request at a time, and the time of its answer."""

    def __init__(self, load: "Load") -> None:
        self._load, self.due, self._seen = load, 0.0, b""

    def connection_made(self, transport: Any) -> None:
        """Ready."""
        self.transport = transport

    def send(self, request: bytes, due: float) -> None:
        """Send what was due then."""
        self.due, self._seen = due, b""
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """An answer, or a part of one: all that is asked for is its first line and its length."""
        self._seen += data
        head, found, body = self._seen.partition(b"\r\n\r\n")
        if not found:
            return
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if length is None or len(body) >= int(length[1]):
            self._load.answered(self, int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        """Whatever it waited for never comes."""
        self._load.lost(self)


class Load:
    """Sends `rate` deliveries a second, come what may."""

    def __init__(self, port: int, rate: float, seconds: float) -> None:
        self._port, self._rate, self._count = port, rate, round(rate * seconds)
        self._free: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._times: list[float] = []
        self._lags: list[float] = []
        self._answers: Counter[str] = Counter()

    async def run(self) -> dict[str, Any]:
        """What came of it."""
        requests = list(self._requests())
        gc.freeze()  # what it sends is no garbage
        loop = asyncio.get_running_loop()
        for _ in range(32):
            await self._open()
        start = loop.time() + 0.2
        for number, (head, body) in enumerate(requests):
            due = start + number / self._rate
            while (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            self._lags.append(loop.time() - due)
            request = head + body
            if self._free:
                self._free.pop().send(request, due)
            else:
                self._waiting.append((request, due))
                if len(self._all) < CONNECTIONS:
                    await self._open()
            if number % 8 == 7:
                await asyncio.sleep(0)
        end = loop.time() + LATE
        while sum(self._answers.values()) < self._count and loop.time() < end:
            await asyncio.sleep(0.01)
        times = sorted(self._times) or [float("inf")]
        return {
            "sent": self._count, "answers": ", ".join(f"{count:,} × {said}" for said, count in self._answers.items()),
            "p50": percentile(times, 50) * 1e3, "p99": percentile(times, 99) * 1e3, "max": times[-1] * 1e3,
            "lag": percentile(self._lags, 99) * 1e3,
        }  # fmt: skip

    def _requests(self) -> Any:
        bodies = [payload(number) for number in range(BODIES)]
        signs = [hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest() for body in bodies]
        stamp = time.time_ns()
        for number in range(self._count):
            body, sign = bodies[number % BODIES], signs[number % BODIES]
            head = (
                f"POST /github/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: GitHub-Hookshot/1\r\n"
                f"Content-Type: application/json\r\nX-GitHub-Event: issue_comment\r\n"
                f"X-GitHub-Delivery: {stamp}-{number}\r\nX-Hub-Signature-256: sha256={sign}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            yield head.encode(), body

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(lambda: Connection(self), "127.0.0.1", self._port)
        self._all.add(made)
        self._next(made)

    def _next(self, connection: Connection) -> None:
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._free.append(connection)

    def answered(self, connection: Connection, status: int) -> None:
        """Count it, and send the next that waits."""
        self._times.append(asyncio.get_running_loop().time() - connection.due)
        self._answers[str(status)] += 1
        connection.due = 0.0
        self._next(connection)

    def lost(self, connection: Connection) -> None:
        """A connection that ended; what it was asked is never answered."""
        self._all.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if connection.due:
            self._answers["lost"] += 1


if __name__ == "__main__":
    main()
