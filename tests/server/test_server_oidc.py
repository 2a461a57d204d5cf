"""Workflows that prove who they are, and forgeries: a real issuer on this machine, a real server."""

import base64
import hashlib
import hmac
import json
import logging
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from issuer import AUDIENCE, Issuer
from premises import GITHUB, KNOWN

from orchestrator.server.oidc import Forged, Keys, Workflows
from orchestrator.trouble import Trouble
from reviewers.github.protocol import Unreachable

EVIL = "octo/models/.github/workflows/evil.yml@refs/heads/evil"


@pytest.fixture
def issuer():
    one = Issuer()
    yield one
    one.close()


@pytest.fixture
def served(opened, issuer):
    environment = {"RATCHET_OIDC_AUDIENCE": AUDIENCE, "RATCHET_OIDC_ISSUER": issuer.url, "RATCHET_TOKENS": KNOWN}
    return opened({**GITHUB, **environment})


def as_workflow(token):
    return {"authorization": f"Bearer {token}"}


def test_a_workflow_asks_for_a_cycle_in_the_name_of_who_pressed_the_button(served, issuer):
    """The initiator is known by the numeric id; a workflow may plan and relay, and never reviews."""
    headers = as_workflow(issuer.token())
    made = served.call("POST", "/api/cycles", status=201, headers=headers, json={"pipeline": "sums"})["id"]
    record = served.call("GET", f"/api/cycles/{made}/events", headers=headers)
    assert record[0]["event"]["initiator"] == {"id": "github:583231", "login": "alice"}
    assert record[0]["event"]["trigger"] == "planner"
    served.call("POST", "/api/plan", headers=headers, json={})
    served.call("POST", "/github/relay", status=202, headers=headers, json={"repository": "octo/models", "issue": 1})
    shown = served.call("GET", f"/api/cycles/{made}", headers=headers)
    verdict = {"verdict": "approve", "about": (shown["gate"] or {"digest": "0" * 8})["digest"]}
    served.call("POST", f"/api/cycles/{made}/reviews", status=403, headers=headers, json=verdict)
    served.call("POST", "/api/models/sums/rollback", status=403, headers=headers)


def none(issuer):
    """A token that is not signed at all."""
    part = lambda said: base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()  # noqa: E731
    return f"{part({'alg': 'none', 'typ': 'JWT', 'kid': 'one'})}.{part(issuer.claims())}."


def confused(issuer):
    """A token signed with HS256, the public key as its secret."""
    public = issuer.keys["one"].public_key()
    secret = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    part = lambda said: base64.urlsafe_b64encode(said).rstrip(b"=").decode()  # noqa: E731
    head = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "one"}).encode())
    text = f"{head}.{part(json.dumps(issuer.claims()).encode())}"
    return f"{text}.{part(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


FORGERIES = {
    "another issuer": lambda i: i.token(iss="https://token.actions.example.org"),
    "another audience": lambda i: i.token(aud="https://elsewhere.example"),
    "no audience": lambda i: i.token(aud=None),
    "expired": lambda i: i.token(iat=int(time.time()) - 900, nbf=None, exp=int(time.time()) - 600),
    "never expires": lambda i: i.token(exp=None),
    "of the future": lambda i: i.token(nbf=int(time.time()) + 600),
    "another key of the same name": lambda i: i.token(key=rsa.generate_private_key(65537, 2048)),
    "an unknown key": lambda i: i.token(kid="two", key=i.keys["one"]),
    "no key": lambda i: jwt.encode(i.claims(), i.keys["one"], algorithm="RS256"),
    "alg none": none,
    "HS256 with the public key": confused,
    "RS384": lambda i: i.token(algorithm="RS384"),
    "another repository": lambda i: i.token(repository="octo/elsewhere"),
    "no repository": lambda i: i.token(repository=None),
    "a workflow on another branch": lambda i: i.token(workflow_ref=EVIL, job_workflow_ref=EVIL),
    "a called workflow of another repository": lambda i: i.token(
        job_workflow_ref="evil/models/.github/workflows/retrain.yml@refs/heads/main"),
    "a caller on another branch": lambda i: i.token(workflow_ref=EVIL),
    "a pull request's merge": lambda i: i.token(
        workflow_ref="octo/models/.github/workflows/retrain.yml@refs/pull/7/merge",
        job_workflow_ref="octo/models/.github/workflows/retrain.yml@refs/pull/7/merge"),
    "a file outside": lambda i: i.token(
        workflow_ref="octo/models/.github/workflows/../../x/retrain.yml@refs/heads/main",
        job_workflow_ref="octo/models/.github/workflows/../../x/retrain.yml@refs/heads/main"),
    "nobody": lambda i: i.token(actor_id=None),
    "an actor that is no number": lambda i: i.token(actor_id="583231; rm"),
    "a number with other digits": lambda i: i.token(actor_id="५८३"),
    "half a token": lambda i: i.token()[:-20],
    "rubbish": lambda i: "a.b.c",
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_nobodys(served, issuer, name, caplog):
    """401, a line in the log that says why, nothing of the token in either, and nothing has changed."""
    caplog.set_level(logging.INFO)
    token = FORGERIES[name](issuer)
    answer = served.call(
        "POST", "/api/cycles", status=401, headers=as_workflow(token), json={"pipeline": "plain"}
    )  # fmt: skip
    assert answer["error"]["cure"]
    lines = [record.getMessage() for record in caplog.records if record.name == "ratchet.server.auth"]
    assert lines
    assert lines[0].startswith("401: ")
    seen = caplog.text + json.dumps(answer)
    assert not any(part in seen for part in token.split(".") if len(part) > 10)
    assert served.call("GET", "/api/cycles", role="viewer") == []


def test_a_listed_workflow_counts_and_no_other(issuer):
    """With a list, it is the job's own file that must be in it, wherever that lies."""
    shared = "octo/shared/.github/workflows/retrain.yml@refs/tags/v1"
    listed = Workflows(Keys(issuer.url), issuer.url, AUDIENCE, "octo/models", (shared, "octo/models/*@refs/heads/main"))
    assert listed.person(issuer.token(workflow_ref=EVIL, job_workflow_ref=shared)).login == "alice"
    assert listed.person(issuer.token()).id == "github:583231"
    for other in (EVIL, shared.replace("v1", "v2"), f"evil/{shared}"):
        with pytest.raises(Forged, match="RATCHET_OIDC_WORKFLOWS"):
            listed.person(issuer.token(workflow_ref=other, job_workflow_ref=other))


def test_the_default_branch_is_the_repositorys_own(issuer):
    """It need not be called main; then main is any branch."""
    workflows = Workflows(Keys(issuer.url), issuer.url, AUDIENCE, "octo/models", (), lambda: "trunk")
    ref = "octo/models/.github/workflows/retrain.yml@refs/heads/trunk"
    assert workflows.person(issuer.token(workflow_ref=ref, job_workflow_ref=ref))
    with pytest.raises(Forged, match="branch trunk"):
        workflows.person(issuer.token())


class Ticks:
    """A clock that is turned by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_keys_rotate_and_are_fetched_no_more_than_needed(issuer):
    """A new key is found at once, or a minute after the last look; the old one is then refused; unknown ones are not
    a way to have the issuer asked again and again.
    """
    ticks = Ticks()
    workflows = Workflows(Keys(issuer.url, tick=ticks), issuer.url, AUDIENCE, "octo/models")
    old = issuer.token()
    assert workflows.person(old)
    assert len(issuer.asked) == 2
    for _ in range(5):
        workflows.person(old)
    assert len(issuer.asked) == 2
    issuer.rotate("two")
    with pytest.raises(Forged, match="does not publish"):
        workflows.person(issuer.token())
    assert len(issuer.asked) == 2
    ticks.now += 61
    assert workflows.person(issuer.token())
    with pytest.raises(Forged, match="does not publish"):
        workflows.person(old)
    assert len(issuer.asked) == 4
    assert all("authorization" not in {name.lower() for name in headers} for _, headers in issuer.asked)


def test_old_keys_count_for_an_hour_while_the_issuer_is_away(issuer):
    """Then nobody is believed any more, until it answers."""
    ticks = Ticks()
    workflows = Workflows(Keys(issuer.url, tick=ticks), issuer.url, AUDIENCE, "octo/models")
    token = issuer.token()
    workflows.person(token)
    issuer.away = True
    ticks.now += 3500
    assert workflows.person(token)
    ticks.now += 200
    with pytest.raises(Unreachable, match=r"the keys of .* can't be read"):
        workflows.person(token)
    issuer.away = False
    ticks.now += 61
    assert workflows.person(token)


def test_who_can_not_be_told_is_asked_to_come_again(served, issuer):
    """The issuer is away before any key was read: that is no word against the token, and the actions try again."""
    issuer.away = True
    answer = served.http.post("/api/cycles", headers=as_workflow(issuer.token()), json={"pipeline": "sums"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.json()["error"]["what"] == f"the keys of {issuer.url} can't be read"
    assert served.call("GET", "/api/cycles", role="viewer") == []


@pytest.mark.parametrize(("ours", "theirs"), [("", "/"), ("/", ""), ("/", "/")])
def test_an_audience_may_end_in_a_slash(issuer, ours, theirs):
    """An address is the same with or without one, and people write both; another address is another."""
    workflows = Workflows(Keys(issuer.url), issuer.url, AUDIENCE + ours, "octo/models")
    assert workflows.person(issuer.token(aud=AUDIENCE + theirs)).login == "alice"
    with pytest.raises(Forged, match="another audience") as refused:
        workflows.person(issuer.token(aud=f"{AUDIENCE}/x"))
    assert "RATCHET_AUDIENCE" in refused.value.cure


def test_keys_are_taken_from_the_issuers_own_host_alone(issuer):
    """Whatever its description says; and plain http is for this machine only."""
    other = Issuer()
    try:
        issuer.elsewhere = other.url
        with pytest.raises(Unreachable, match="can't be read"):
            Workflows(Keys(issuer.url), issuer.url, AUDIENCE, "octo/models").person(issuer.token())
        assert other.asked == []
    finally:
        other.close()
    with pytest.raises(Trouble, match="https"):
        Keys("http://token.example.org")


def test_a_workflow_of_a_pull_request_may_relay_and_nothing_else(served, issuer):
    """What it says is looked up; but for that, a branch's workflow is nobody."""
    headers = as_workflow(issuer.token(workflow_ref=EVIL, job_workflow_ref=EVIL))
    seen = {"repository": "octo/models", "issue": 7}
    served.call("POST", "/github/relay", status=202, headers=headers, json=seen)
    served.call("POST", "/api/plan", status=401, headers=headers, json={})
    served.call("GET", "/api/cycles", status=401, headers=headers)
    elsewhere = as_workflow(issuer.token(repository="octo/elsewhere"))
    served.call("POST", "/github/relay", status=401, headers=elsewhere, json=seen)
