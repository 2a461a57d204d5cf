"""The server itself, `ratchet serve`, beside a GitHub: what a team sees from the first button to the merged model."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rig.github import GitHub
from stage import STAGES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECRET = "the-hook-s-secret"  # noqa: S105 - of this test alone
TOKEN = "a-planner-s-token"  # noqa: S105


class Server:
    """`ratchet serve` in a process of its own."""

    def __init__(self, github: GitHub, folder: Path, *, poll: float = 3600) -> None:
        self.folder, self.github = folder, github
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RATCHET_", "GITHUB_"))}
        self.env = kept | {
            "PYTHONPATH": f"{ROOT}:{HERE}",
            "SMALL_LEDGER": str(folder / "ledger"),
            "HOME": str(folder),
            "RATCHET_TOKENS": f"planner:planner:{hashlib.sha256(TOKEN.encode()).hexdigest()}",
            "RATCHET_GITHUB_REPOSITORY": "acme/models",
            "RATCHET_GITHUB_APP_ID": str(github.app_id),
            "RATCHET_GITHUB_APP_PRIVATE_KEY": github.private_key,
            "RATCHET_GITHUB_WEBHOOK_SECRETS": f"an-older-one,{SECRET}",
            "RATCHET_GITHUB_POLL": str(poll),
            "RATCHET_GITHUB_PACE": "0",
            "GITHUB_API_URL": github.url,
        }
        self.start()

    def start(self) -> None:
        """Begin, and wait until it says where."""
        command = [sys.executable, "-m", "orchestrator", "serve", "--port", "0"]
        self.log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said.startswith("Ratchet serves http"), said + (self.folder / "log").read_text()
        self.address = said.split()[2]
        self.github.unhook()
        self.github.hook(f"{self.address}/github/webhook", SECRET)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.http = httpx.Client(base_url=self.address, headers=headers, timeout=30)

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.http.close()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.terminate()
        status = self.process.wait(timeout=60)
        self.http.close()
        return status

    def state(self, cycle: str = "c-000001") -> tuple[str, str]:
        """Where the cycle is."""
        found = self.http.get(f"/api/cycles/{cycle}").json()
        return found["state"], next((one["name"] for one in found["stages"] if one["state"] != "done"), "")


@pytest.fixture
def server(github: GitHub, tmp_path: Path) -> Iterator[Server]:
    """With the pipeline file on the default branch."""
    text = STAGES.format(first='"1 of alice"', second='"2 of @acme/ml"', more="").replace("inline", "local")
    github.write("ratchet.yaml", text)
    one = Server(github, tmp_path)
    yield one
    if one.process.poll() is None:
        one.stop()
    one.log.close()


def test_from_the_button_to_the_merged_model(github: GitHub, server: Server) -> None:
    """Triggered over HTTP, answered in comments by webhook alone, killed in the middle, merged; nothing done twice."""
    asked = {"pipeline": "words", "reason": "a new month", "idempotency_key": "run 1"}
    begun = server.http.post("/api/cycles", json=asked)
    assert begun.status_code == 201, begun.text
    assert server.http.post("/api/cycles", json=asked).status_code == 200
    github.until(lambda: github.pulls() != [])
    pull = github.pulls()[0]["number"]
    github.until(lambda: any("120 new rows" in one["body"] for one in github.comments(pull)))
    found = server.http.get("/api/cycles/c-000001").json()
    assert found["pull_request"]["number"] == pull
    assert found["source"].startswith("ratchet.yaml at ")

    stranger = github.as_("bob").comment(pull, "/approve")
    github.until(lambda: github.reactions(stranger) == ["eyes", "-1"])
    server.kill()
    comment = github.as_("alice").comment(pull, "/approve")  # nobody is there: this delivery is lost
    server.start()
    github.until(lambda: github.reactions(comment) == ["eyes", "+1"])
    github.until(
        lambda: any(one["body"].startswith("<!-- ratchet:gate c-000001/learn") for one in github.comments(pull))
    )
    for login in ("alice", "bob"):
        github.as_(login).comment(pull, "/approve")
    github.until(lambda: bool(github.pulls()[0]["merged_at"]))
    assert server.state() == ("done", "")
    assert (server.folder / "ledger").read_text().split() == [
        f"c-000001/{one}/1" for one in ("collect", "learn", "ship")
    ]
    assert server.stop() == 0
    log = (server.folder / "log").read_text()
    assert "Traceback" not in log
    for secret in (SECRET, TOKEN, github.private_key[40:80]):
        assert secret not in log
    assert github.violations.requests == []
    assert github.violations.answers == []
