"""Where the whole stories play: people on a GitHub, its Actions run by act, its word for who they are, `ratchet serve`.

scene.push("bob", pipeline="sentiment", wait="opened")   # Run workflow, and all that follows from it
scene.happens("ratchet-review", scene.lost("issue_comment"), by="alice")
"""

import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from act import Ran, Repository
from issuer import Issuer
from rig.github import GitHub
from small_server import Asked, Reply, SmallServer
from test_whole import SECRET, TOKEN, Server

from orchestrator.rooms import Marks
from orchestrator.schema import open_database
from orchestrator.store import Store

OURS = "acme/models"
MAIN = "refs/heads/main"
PIPELINE = """
pipelines:
  sentiment:
    stages:
      - name: collect
        step: smallsteps:collect
        executor: inline
        gate: {require: ["1 of @write"], not_initiator: true}
      - name: learn
        step: smallsteps:learn
        executor: inline
        takes: {rows: collect.rows}
        gate: {require: ["1 of carol"]}
      - name: ship
        step: smallsteps:ship
        executor: inline
        takes: {score: learn.score}
"""
Forge = Callable[[Issuer, dict[str, Any]], str]
"""Makes a token of what a true one would say."""


class Served(Server):
    """A server that believes the issuer's tokens for its own address, which stays the same when it begins again."""

    def __init__(self, github: GitHub, folder: Path, issuer: Issuer) -> None:
        self._issuer = issuer
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        super().__init__(github, folder)

    def start(self) -> None:
        """Begin, and wait until it says where."""
        audience = f"http://127.0.0.1:{self.port}/"  # as people write it
        self.env |= {"RATCHET_OIDC_AUDIENCE": audience, "RATCHET_OIDC_ISSUER": self._issuer.url}
        self.log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "serve", "--port", str(self.port)],
            cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said.startswith("Ratchet serves http"), said + self.told
        self.address = said.split()[2]
        self.github.unhook()
        self.github.hook(f"{self.address}/github/webhook", SECRET)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.http = httpx.Client(base_url=self.address, headers=headers, timeout=30)

    @property
    def told(self) -> str:
        """Its log."""
        return (self.folder / "log").read_text()

    def cycles(self) -> list[dict[str, Any]]:
        """Newest first."""
        return self.http.get("/api/cycles").json()

    def cycle(self, name: str = "c-000001") -> dict[str, Any]:
        """One of them."""
        return self.http.get(f"/api/cycles/{name}").json()


@dataclass(frozen=True)
class Job:
    """What GitHub knows of a job, and who makes its token."""

    claims: dict[str, Any]
    forge: Forge


class Vouching(SmallServer):
    """GitHub's word: for the secret of a job, a token that says which workflow it is of and who started that."""

    def __init__(self, issuer: Issuer) -> None:
        super().__init__()
        self._issuer = issuer
        self._jobs: dict[str, Job] = {}
        self.given: list[str] = []

    def job(self, forge: Forge | None = None, **claims: Any) -> str:
        """The secret of a new job."""
        secret = secrets.token_urlsafe(24)
        self._jobs[secret] = Job(claims, forge or (lambda issuer, said: issuer.token(**said)))
        return secret

    def _usual(self, asked: Asked) -> Reply:
        parts = urlsplit(asked.path)
        job = self._jobs.get(asked.token)
        if asked.method != "GET" or parts.path != "/idtoken" or job is None:
            return 401, {"message": "Unauthorized"}, {}
        (audience,) = parse_qs(parts.query)["audience"]
        self.given.append(job.forge(self._issuer, job.claims | {"aud": audience}))
        return 200, {"count": len(self.given[-1]), "value": self.given[-1]}, {}


class Scene:
    """All of it."""

    def __init__(
        self, github: GitHub, folder: Path, issuer: Issuer, vouching: Vouching, repository: Repository
    ) -> None:
        self.github, self.vouching, self.repository = github, vouching, repository
        self._runs = count(7_000_000_001)
        for file in sorted((self.repository.folder / ".github/workflows").iterdir()):
            github.write(f".github/workflows/{file.name}", file.read_text())
        github.write("ratchet.yaml", PIPELINE)
        self.server = Served(github, folder, issuer)

    def push(self, by: str, *, run: int = 0, pause: float = 0.05, **inputs: str) -> Ran:
        """Somebody fills in the form and presses the button; `run` presses *Re-run* of that one."""
        self.github.as_(by).run_workflow("ratchet-retrain.yml", **{"pipeline": "sentiment"} | inputs)
        form = self.github.dispatches[-1]["inputs"]
        return self.begins("ratchet-retrain", "workflow_dispatch", by, run=run, pause=pause, inputs=form)

    def begins(
        self, workflow: str, event: str, by: str, *, ref: str = MAIN, run: int = 0, forge: Forge | None = None,
        pause: float = 0.05, variables: dict[str, str] | None = None, **what: Any,
    ) -> Ran:  # fmt: skip
        """A run of this workflow, from GitHub's event to its end."""
        path = f"{OURS}/.github/workflows/{workflow}.yml@{ref}"
        number = str(run or next(self._runs))
        secret = self.vouching.job(
            forge, repository=OURS, sub=f"repo:{OURS}:ref:{ref}", workflow_ref=path, job_workflow_ref=path, ref=ref,
            actor=by, actor_id=str(self.github.user_id(by)), event_name=event, run_id=number,
        )  # fmt: skip
        env = {
            "GITHUB_REPOSITORY": OURS,
            "GITHUB_RUN_ID": number,
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.vouching.url}/idtoken?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": secret,
            "RATCHET_PAUSE": str(pause),
        }
        known = {"RATCHET_SERVER": self.server.address} | (variables or {})
        ran = self.repository.act(workflow, event, env=env, variables=known, **what)
        self.unseen(ran.printed + self.server.told, secret)
        return ran

    def unseen(self, text: str, *more: str) -> None:
        """No secret is in it, and no part of a token."""
        for secret in [*more, *(part for token in self.vouching.given for part in token.split(".") if part)]:
            assert secret not in text

    def lost(self, event: str) -> Any:
        """The newest event of this kind, which no webhook brought."""
        return next(one.payload for one in reversed(self.github.deliveries) if one.event == event)

    def gate(self, stage: str, cycle: str = "c-000001", attempt: int = 1) -> int:
        """The pull request, once this attempt at the stage is asked about in it."""
        start = f"<!-- ratchet:gate {cycle}/{stage}/{attempt} "

        def asked() -> list[int]:
            open_ = [one["number"] for one in self.github.pulls() if one["head"]["ref"] == f"ratchet/{cycle}"]
            return [one for one in open_ if any(said["body"].startswith(start) for said in self.github.comments(one))]

        self.github.until(lambda: bool(asked()))
        return asked()[0]

    def ledger(self) -> list[str]:
        """Every run that a step worked for."""
        return (self.server.folder / "ledger").read_text().split()

    def everything(self, ran: Ran) -> dict[str, bytes]:
        """What was printed, logged, stored, sent and answered."""
        files = [path for path in self.server.folder.rglob("*") if path.is_file()]
        calls = [str(one.call).encode() + (one.reply.data() if one.reply else b"") for one in self.github.exchanges]
        printed = {"what the run printed": ran.printed.encode(), "what GitHub was asked": b"\n".join(calls)}
        return printed | {str(path): path.read_bytes() for path in files}

    def known_since(self, pipeline: str, ago: timedelta) -> None:
        """The server knows this schedule for so long."""
        store = Store(open_database(f"sqlite:///{self.server.folder / '.ratchet/ratchet.db'}"))
        Marks(store).set(f"schedule {pipeline}", (datetime.now(UTC) - ago).isoformat())
        store.close()

    def nightly(self, ago: timedelta) -> str:
        """A pipeline file whose schedule came so long ago, every day; and a pipeline more, of a schedule as new."""
        due = datetime.now(UTC) - ago
        schedule = f'    schedule: {{cron: "{due.minute} {due.hour} * * *"}}\n'
        head, stages = PIPELINE.split("    stages:\n")
        stages = f"    stages:\n{stages}"
        return f"{head}{schedule}{stages}  tones:\n{schedule}{stages}"

    def reactions(self, comment: int, *expected: str) -> None:
        """They are there, soon."""
        self.github.until(lambda: self.github.reactions(comment) == list(expected))
