"""`ratchet serve` as a process: how it begins, what it says, and how it ends."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from premises import GITHUB, KNOWN, TOKENS, Premises, until
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.audit import verify
from orchestrator.schema import open_database
from orchestrator.server.keeper import Watched
from orchestrator.server.serve import Parts
from orchestrator.store import Store

PATIENCE = 30


class Process:
    """`ratchet serve` in a folder; its address is read from the line that it prints."""

    def __init__(self, folder: Path, *words, **environment):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RATCHET_")}
        self._log = (folder / "serve.log").open("wb")
        self._folder = folder
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "serve", *words], cwd=folder, env={**kept, **environment},
            stdout=subprocess.PIPE, stderr=self._log, text=True,
        )  # fmt: skip

    def line(self):
        """The line that says where it serves."""
        said = self.popen.stdout.readline()
        self.address = re.match(r"Ratchet serves (\S+)", said)[1]
        return said

    def end(self, sign=None):
        """The exit status, after this signal."""
        if sign is not None:
            self.popen.send_signal(sign)
        code = self.popen.wait(PATIENCE)
        self.popen.stdout.close()
        self._log.close()
        return code

    @property
    def log(self):
        return (self._folder / "serve.log").read_text()


@pytest.fixture
def process(folder):
    """Starts processes; none is left behind."""
    made = []

    def start(*words, **environment):
        made.append(Process(folder, *words, **environment))
        return made[-1]

    yield start
    for one in made:
        if one.popen.poll() is None:
            one.popen.kill()
            one.end()


def test_it_says_in_one_line_where_it_serves_and_what_is_configured(process):
    """And no secret in it; SIGTERM ends it with 0."""
    bare = process("--port", "0")
    said = bare.line()
    assert said.endswith(
        "(GitHub: none; no authentication, this machine only; database: sqlite:///.ratchet/ratchet.db; "
        "pipelines: ratchet.yaml)\n"
    )
    assert httpx.get(f"{bare.address}/readyz").json() == {"ok": True}
    assert bare.end(signal.SIGTERM) == 0
    assert "Traceback" not in bare.log


def test_a_request_under_way_is_finished_and_a_run_goes_on(process, folder):
    """SIGTERM in the middle of an answer: it is still given; what was triggered is continued by the next server."""
    one = process("--port", "0")
    one.line()
    parts = urlsplit(one.address)
    body = json.dumps({"pipeline": "sums"}).encode()
    with socket.create_connection((parts.hostname, parts.port)) as link:
        head = "POST /api/cycles HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        link.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:5])
        until(lambda: httpx.get(f"{one.address}/healthz").status_code == 200, "an answer")
        one.popen.send_signal(signal.SIGTERM)
        until(lambda: "Shutting down" in one.log, "the end's begin")
        link.sendall(body[5:])
        answer = b""
        while chunk := link.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 201")
    assert one.end() == 0
    two = process("--port", "0")
    two.line()
    until(lambda: httpx.get(f"{two.address}/api/cycles/c-000001").json()["state"] == "in_review", "the gate")
    assert two.end(signal.SIGINT) == 0
    store = Store(open_database(f"sqlite:///{folder}/.ratchet/ratchet.db"))
    assert list(verify(store)) == []
    store.close()


@pytest.mark.parametrize(
    ("words", "environment", "code", "told"),
    [
        (("--host", "0.0.0.0"), {}, 2, "nothing tells callers apart"),  # noqa: S104 - it is refused
        (("--host", "192.0.2.1", "--port", "0"), {"RATCHET_TOKENS": KNOWN}, 1, "can't be listened on"),
        (("--port", "70000"), {}, 2, "is no port"),
        ((), {"RATCHET_TOKENS": "alice:king:00"}, 2, "can't be read"),
        ((), {"RATCHET_TOKENS_FILE": "nowhere"}, 2, "RATCHET_TOKENS_FILE names nowhere"),
        (("--port", "0"), {"RATCHET_OIDC_AUDIENCE": "x"}, 2, "no repository is"),
        (
            ("--port", "0"),
            {**GITHUB, "RATCHET_OIDC_AUDIENCE": "x", "RATCHET_OIDC_ISSUER": "http://far.example"},
            2,
            "not https",
        ),
        ((), {"RATCHET_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:9/x"}, 1, "can't be used"),
    ],
)
def test_what_is_configured_wrongly_is_told_at_the_start(process, folder, words, environment, code, told):
    """One line, a cure, the exit status; nothing is served, and no secret is shown."""
    wrong = process(*words, **environment)
    assert wrong.end() == code
    assert wrong.log.startswith("error: ")
    assert told in wrong.log
    assert "hunter2" not in wrong.log
    assert "Traceback" not in wrong.log


def test_a_port_that_is_taken_is_told(process):
    """Exit 1, and what to choose."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wrong = process("--port", str(taken.getsockname()[1]))
        assert wrong.end() == 1
        assert "choose another --host or --port" in wrong.log


def test_with_tokens_it_may_serve_others_and_no_secret_is_anywhere(process, folder):
    """Every answer, every line of the log and the processes that steps run in are searched for each secret."""
    secrets = {
        "RATCHET_TOKENS": KNOWN, "RATCHET_TOKEN": "my-own-client-token", "RATCHET_NOTIFY": "slack://T0KEN/A/B/C",
        **GITHUB, "RATCHET_GITHUB_WEBHOOK_SECRETS": "hook-secret-1,hook-secret-2",
    }  # fmt: skip
    served = process("--host", "0.0.0.0", "--port", "0", **secrets, RATCHET_LOG="DEBUG")  # noqa: S104 - tokens
    answers = [served.line()]
    base = f"http://127.0.0.1:{served.address.rpartition(':')[2]}"
    for path in (
        "/healthz",
        "/api/cycles?token=query-secret",
        "/api/pipelines",
        "/api/models",
        "/metrics",
        "/openapi.json",
    ):
        for token in (TOKENS["admin"], "wrong-token-secret", ""):
            answer = httpx.get(
                base + path, headers={"authorization": f"Bearer {token}"} if token else {}, timeout=PATIENCE
            )
            answers.append(answer.text + str(answer.headers))
    mine = {"authorization": f"Bearer {TOKENS['planner']}"}
    answers.append(
        httpx.post(f"{base}/api/cycles", json={"pipeline": "body-secret"}, headers=mine, timeout=PATIENCE).text
    )
    bad = {"x-hub-signature-256": "sha256=signature-secret", "x-github-event": "ping", "x-github-delivery": "1"}
    answers.append(httpx.post(f"{base}/github/webhook", content=b"body-secret", headers=bad).text)
    environment = Path(f"/proc/{served.popen.pid}/environ").read_text()
    assert "hook-secret-1" in environment, "it was there"
    assert served.end(signal.SIGTERM) == 0
    seen = "\n".join(answers[:-2]) + served.log
    hashes = [hashlib.sha256(token.encode()).hexdigest() for token in TOKENS.values()]
    never = [*TOKENS.values(), *hashes, "my-own-client-token", "T0KEN", "hook-secret", GITHUB["RATCHET_GITHUB_TOKEN"],
             "query-secret", "wrong-token-secret", "body-secret", "signature-secret"]  # fmt: skip
    assert [one for one in never if one in seen] == []
    assert "GET /api/cycles 401" in served.log


def test_a_thread_that_dies_is_the_end_of_the_server(opened, caplog):
    """/readyz says why, and the process ends by itself, to be started again by whoever watches it."""
    fall = threading.Event()

    def work(_):
        fall.wait()
        raise RuntimeError("it fell")

    server: Premises = opened(parts=Parts(keepers=[Watched("juggler", work, fall.set)]))
    server.call("GET", "/readyz")
    fall.set()
    until(lambda: server.house.dead, "the death")
    assert server.call("GET", "/readyz", status=503)["error"]["what"] == "the juggler died: RuntimeError"
    server._thread.join(PATIENCE)
    assert not server._thread.is_alive()
    assert "the server ends: the juggler died" in caplog.text


def test_a_thread_that_does_not_turn_makes_the_server_unready(opened):
    """It lives, and is of no use."""

    def sleep(keeper):
        keeper.stopping.wait()

    server = opened(parts=Parts(keepers=[Watched("sleeper", sleep, patience=-1.0)]))
    assert "the sleeper has not turned" in server.call("GET", "/readyz", status=503)["error"]["what"]
    assert not server.house.dead


def test_what_is_measured_can_be_read_by_prometheus(opened):
    """By its own parser: cycles by state, requests by route and never by path, how long deliveries take."""
    server: Premises = opened(GITHUB)
    server.begun("plain", "done")
    server.call("GET", "/api/cycles/c-000001/events")
    server.call("GET", "/nothing/of/the/kind", status=404)
    server.call("POST", "/github/webhook", status=401)
    text = server.call("GET", "/metrics")
    found = {family.name: family.samples for family in text_string_to_metric_families(text)}
    states = {sample.labels["state"]: sample.value for sample in found["ratchet_cycles"]}
    assert states["done"] == 1
    routes = {(sample.labels["route"], sample.labels["status"]) for sample in found["ratchet_requests"]}
    assert {("/api/cycles/{cycle}/events", "200"), ("other", "404"), ("/github/webhook", "401")} <= routes
    assert {sample.value for sample in found["ratchet_webhook_seconds"] if sample.name.endswith("_count")} == {1.0}
    assert found["ratchet_inbox_waiting"][0].value == 0


def test_help_needs_no_server():
    """`--help` is quick, and `serve` is imported by its own command alone."""
    code = "import sys\nfrom orchestrator.cli import parser\nparser()\nfrom orchestrator import actions, app\n"
    code += "print([one for one in ('fastapi', 'uvicorn', 'jwt', 'torch', 'ray') if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
