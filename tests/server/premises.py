"""A server of the tests' own: real uvicorn on a free port, a real database, steps of a few lines in this process."""

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from orchestrator.app import App
from orchestrator.pipelines import on_disk
from orchestrator.server.serve import House, Listening, Parts, _bind

PATIENCE = 30.0
STEPS = '''
"""Steps of a few lines."""
from pydantic import BaseModel, Field

from steps.contract import Context, Given, Made, Report, ToLabel, step


class Numbers(Given):
    values: list[float] = Field(description="what is added", max_length=9)


class Sum(Made):
    total: float


@step
def add(given: Numbers, context: Context) -> Sum:
    total = sum(given.values)
    return Sum(total=total, report=Report(summary=f"The sum is {total:g}."))


class Vote(BaseModel):
    id: str
    was: str
    label: str
    by: str
    at: str


class Words(Given):
    corrections: tuple[Vote, ...] = Field((), description="labels that reviewers have corrected")


@step
def words(given: Words, context: Context) -> Made:
    now = {one.id: one.label for one in given.corrections}
    rows = (("r1", "정말 <재미>있다", "bad", "good"), ("r2", "=SUM(A1)", "good", ""))
    asked = tuple(ToLabel(id=i, text=t, label=now.get(i, l), predicted=p, why="unsure") for i, t, l, p in rows)
    return Made(report=Report(summary="Two words.", to_label=asked, classes=("bad", "good")))


class Factor(Given):
    number: float = Field(description="what is multiplied")
    by: float = Field(2, gt=0, le=100, description="how often")


@step
def times(given: Factor, context: Context) -> Sum:
    total = given.number * given.by
    return Sum(total=total, report=Report(summary=f"The product is {total:g}."))
'''
PIPELINES = """
pipelines:
  sums:
    stages:
      - name: add
        step: server_sums:add
        executor: inline
        with: {values: [1, 2, 3]}
        gate: {require: ["1 of @anyone"]}
      - name: times
        step: server_sums:times
        executor: inline
        takes: {number: add.total}
  plain:
    stages:
      - name: add
        step: server_sums:add
        executor: inline
        with: {values: [1]}
"""
WORDS = """
  words:
    stages:
      - name: words
        step: server_sums:words
        executor: inline
        gate: {require: ["1 of @anyone"]}
      - name: add
        step: server_sums:add
        executor: inline
        with: {values: [1]}
"""
ROLES = ("viewer", "planner", "reviewer", "admin")
TOKENS = {role: f"token-of-a-{role}-{hashlib.sha256(role.encode()).hexdigest()[:20]}" for role in ROLES}
KNOWN = ",".join(f"{role}1:{role}:{hashlib.sha256(token.encode()).hexdigest()}" for role, token in TOKENS.items())
GITHUB = {
    "RATCHET_GITHUB_REPOSITORY": "octo/models",
    "RATCHET_GITHUB_TOKEN": "ghp_0123456789abcdefghijSECRET",
    "RATCHET_GITHUB_WEBHOOK_SECRETS": "old-hook-secret,new-hook-secret",
    "GITHUB_API_URL": "http://127.0.0.1:9",
}


def until(true: Callable[[], Any], what: str) -> Any:
    """What `true` answers, once that is anything."""
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < end, f"{what} never came"
        threading.Event().wait(0.01)
    return found


class Premises:
    """One server and its folder."""

    def __init__(
        self, folder: Path, environment: dict[str, str], parts: Parts | None = None, clock: Any = None
    ) -> None:
        self.app = App({"RATCHET_ARTIFACTS": str(folder / "artifacts"), **environment}, clock=clock)
        self.parts = parts or Parts()
        self.parts.pipelines = self.parts.pipelines or (lambda: on_disk("ratchet.yaml"))
        listener = _bind("127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.house = House(self.app, self.parts, base=self.address)
        ready = threading.Event()
        self.server = Listening(self.house, ready.set)
        self.house.start()
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self._thread.start()
        assert ready.wait(PATIENCE)
        self.http = httpx.Client(base_url=self.address, timeout=PATIENCE)

    def call(self, method: str, path: str, *, role: str = "", status: int = 200, **more: Any) -> Any:
        """The JSON of an answer that must have this status."""
        headers = {**more.pop("headers", {}), **({"Authorization": f"Bearer {TOKENS[role]}"} if role else {})}
        answer = self.http.request(method, path, headers=headers, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text

    def begun(self, pipeline: str = "sums", state: str = "in_review", role: str = "") -> str:
        """A cycle that has come that far."""
        made = self.call("POST", "/api/cycles", role=role, status=201, json={"pipeline": pipeline})["id"]
        self.until(made, state, role=role)
        return made

    def until(self, cycle: str, state: str, role: str = "") -> Any:
        """The cycle, once it is in this state."""
        return until(
            lambda: found if (found := self.call("GET", f"/api/cycles/{cycle}", role=role))["state"] == state else None,
            f"{cycle} {state}",
        )

    def rows(self) -> list[Any]:
        """The deliveries that wait in the inbox."""
        from orchestrator.outbox import Inbox

        return Inbox(self.app.store).waiting(100_000)

    def close(self) -> None:
        """End it, gracefully."""
        self.http.close()
        self.server.should_exit = True
        self._thread.join(PATIENCE)
        self.house.stop()
