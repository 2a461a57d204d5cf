"""The client of the HTTP API against a real server: what it sends, what it does again, and where no token goes."""

import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from small_server import SmallServer

from orchestrator.client import Client, Patience, Refused, Unreachable, address
from orchestrator.trouble import Trouble

SECRET = "a-token-that-nobody-may-see"  # noqa: S105 - a server of this machine takes any


def client_of(small: SmallServer, waited: list[float] | None = None) -> Client:
    """A client that notes how long it would have waited."""
    return Client(small.url, lambda: SECRET, patience=Patience(sleep=([] if waited is None else waited).append))


def test_every_call_has_its_path_and_its_body(small: SmallServer) -> None:
    """Each method of the client is one call of the API, as INTERFACE.md has it."""
    for one in ("GET /api/cycles/c-000001", "POST /api/cycles/c-000001/reviews", "POST /api/cycles/c-000001/commands"):
        small.says(one, (200, {"id": "c-000001"}))
    for one in ("GET /api/cycles", "GET /api/cycles/c-000001/events", "GET /api/pipelines"):
        small.says(one, (200, []))
    small.says("POST /api/plan", (200, {"plans": [{"pipeline": "a"}]}))
    client = client_of(small)
    client.trigger("sentiment", values={"a.b": "1"}, reason="w", key="k")
    client.cycles(pipeline="sentiment", state="done", before="c-000009", limit=3)
    client.cycles()
    client.cycle("c-000001")
    client.events("c-000001")
    client.review("c-000001", "approve", "sha256:ab", reason="good")
    client.command("c-000001", "rerun", stage="finetune")
    client.pipelines()
    assert client.plan("a", key="n") == [{"pipeline": "a"}]
    client.relay("octo/reviews", 7, comment=123)
    client.relay("octo/reviews", 7, review=9)
    assert [(one.method, one.path, one.body) for one in small.asked] == [
        ("POST", "/api/cycles", {"pipeline": "sentiment", "set": {"a.b": "1"}, "reason": "w", "idempotency_key": "k"}),
        ("GET", "/api/cycles?pipeline=sentiment&state=done&before=c-000009&limit=3", None),
        ("GET", "/api/cycles", None),
        ("GET", "/api/cycles/c-000001", None),
        ("GET", "/api/cycles/c-000001/events", None),
        (
            "POST", "/api/cycles/c-000001/reviews",
            {"verdict": "approve", "about": "sha256:ab", "reason": "good"},
        ),
        ("POST", "/api/cycles/c-000001/commands", {"command": "rerun", "stage": "finetune"}),
        ("GET", "/api/pipelines", None),
        ("POST", "/api/plan", {"pipeline": "a", "trigger": False, "key": "n"}),
        ("POST", "/github/relay", {"repository": "octo/reviews", "issue": 7, "comment": 123}),
        ("POST", "/github/relay", {"repository": "octo/reviews", "issue": 7, "review": 9}),
    ]  # fmt: skip
    assert {one.token for one in small.asked} == {SECRET}


def test_a_trigger_without_a_key_gets_one_that_its_attempts_share(small: SmallServer) -> None:
    """The first answer is lost; the second attempt gets the cycle that the first one began."""
    begun = {"id": "c-000001", "state": "queued", "url": "https://r.example/c-000001"}
    small.says("POST /api/cycles", None, (200, begun))
    found = client_of(small).trigger("sentiment")
    assert (found.id, found.new) == ("c-000001", False)
    assert len({one.body["idempotency_key"] for one in small.asked}) == 1
    assert small.asked[0].body["idempotency_key"]


def test_it_waits_longer_each_time_or_as_long_as_it_is_told(small: SmallServer) -> None:
    """1, 2, 4 seconds; a Retry-After instead, a minute at most; five attempts and no more."""
    small.says(
        "GET /api/pipelines", (502, None), None, (503, None, {"Retry-After": "7"}),
        (429, None, {"Retry-After": "9999"}), (200, []),
    )  # fmt: skip
    waited: list[float] = []
    client_of(small, waited).pipelines()
    assert waited == [1.0, 2.0, 7.0, 60.0]
    small.says("GET /api/pipelines", (504, {"detail": "patience"}))
    with pytest.raises(Unreachable, match=r"answers 504 \(patience\)"):
        client_of(small).pipelines()
    assert len(small.asked) == 10


def test_what_would_be_done_twice_is_done_once(small: SmallServer) -> None:
    """A review whose answer is lost may have counted: it is not sent again, and the caller is told."""
    small.says("POST /api/cycles/c-000001/reviews", None)
    with pytest.raises(Unreachable):
        client_of(small).review("c-000001", "approve", "sha256:ab")
    small.says("POST /api/cycles/c-000001/commands", (502, None))
    with pytest.raises(Refused):
        client_of(small).command("c-000001", "hold")
    assert len(small.asked) == 2


def test_where_nobody_listens_it_is_safe_to_ask_again() -> None:
    """A refused connection carried nothing: also a review is tried again."""
    with SmallServer() as gone:
        client = client_of(gone, waited := [])
    with pytest.raises(Unreachable, match="Connection refused"):
        client.review("c-000001", "approve", "sha256:ab")
    assert len(waited) == 4


def test_a_token_is_asked_for_at_every_attempt(small: SmallServer) -> None:
    """A short-lived token may have ended while we waited."""
    small.says("GET /api/pipelines", (503, None), (200, []))
    tokens = iter(("first", "second"))
    Client(small.url, lambda: next(tokens), patience=Patience(pause=0)).pipelines()
    assert [one.token for one in small.asked] == ["first", "second"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_follows_no_redirect(small: SmallServer, status: int) -> None:
    """Another host, or the same one: the redirect is an error that names where it led."""
    with SmallServer() as other:
        for place in (other.url, small.url):
            for what in ("GET /api/pipelines", "POST /api/cycles"):
                small.says(what, (status, None, {"Location": f"{place}/elsewhere"}))
            client = client_of(small)
            for asked in (client.pipelines, lambda client=client: client.trigger("a")):
                with pytest.raises(Refused, match=f"it names {place}"):
                    asked()
        assert other.asked == []
    assert len(small.asked) == 4


@pytest.mark.parametrize(
    "server",
    [
        "", "  ", "ratchet.example.org", "ftp://ratchet.example.org", "https://", "https://user:word@r.example",
        "https://r.example/?a=1", "https://r.example/#a", "https://r.example:port", "https://r.exa mple",
        "https://[::1", "https://r.example:0", "https://r.\u2100xample", "http://r.example", "http://10.0.0.1",
        "http://127.0.0.1.r.example", "http://localhost.r.example", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_an_address_that_is_none_or_shows_the_token_is_refused(server: str) -> None:
    """Said with its cure, and never repeated where it could hold a password."""
    with pytest.raises(Trouble) as error:
        address(server)
    assert error.value.cure
    assert "word" not in str(error.value)


def test_this_machine_and_trusted_networks_may_speak_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain http to this machine always; to others if RATCHET_INSECURE=1 says so."""
    for server in ("http://127.0.0.1:8000/", "http://localhost", "http://[::1]:8000", "https://r.example/ratchet/"):
        assert address(server) == server.rstrip("/")
    monkeypatch.setenv("RATCHET_INSECURE", "1")
    assert address("http://10.0.0.1") == "http://10.0.0.1"


@pytest.mark.parametrize(
    "answer", [(200, b"<html>"), (200, b""), (200, []), (201, {"id": "c-1"}), (200, b"[" * 100_000), (200, b"\xff")]
)
def test_a_stranger_is_told_from_a_server(small: SmallServer, answer: tuple[int, object]) -> None:
    """Something else that answers 200 is not taken for a Ratchet server."""
    small.says("POST /api/cycles", answer)
    with pytest.raises(Trouble, match="check"):
        client_of(small).trigger("sentiment")
    assert len(small.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, {"detail": "no token"}, "no token: check the token"),
        (
            403,
            {"error": {"what": "a viewer may not", "cure": "ask an admin"}},
            r"\(403\): a viewer may not: ask an admin$",
        ),
        (404, None, "check the address"),
        (409, {"error": {"what": "c-000001 is done", "cure": ""}}, r"\(409\): c-000001 is done$"),
        (422, {"error": {"what": ["odd"], "cure": None}}, r"\(422\): \['odd'\]$"),
        (422, {"detail": [{"msg": "too long"}]}, r"\(422\)$"),
        (500, b"<html>", "look into the server's log"),
        (400, {"detail": f"\x1b[2Jsaid {SECRET}\nback"}, r"\[2Jsaid \*\*\* back"),
    ],
)
def test_a_refusal_says_what_the_server_said(small: SmallServer, status: int, body: object, told: str) -> None:
    """Whatever the shape of its words; on one line, without the token, and asked once."""
    small.says("GET /api/pipelines", (status, body))
    with pytest.raises(Refused, match=told) as error:
        client_of(small).pipelines()
    assert error.value.status == status
    assert len(small.asked) == 1
    assert SECRET not in str(error.value)


def test_a_token_that_could_be_a_header_is_refused_without_being_shown(small: SmallServer) -> None:
    """Python's own error for a line end in a header would print the token."""
    with pytest.raises(Trouble) as error:
        Client(small.url, lambda: f"{SECRET}\nX-Admin: 1").pipelines()
    assert SECRET not in str(error.value)
    assert small.asked == []


def test_a_proxy_sees_nothing_of_what_stays_on_this_machine(
    small: SmallServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """http_proxy is for the network; the token for this machine's server does not go there."""
    small.says("GET /api/pipelines", (200, []))
    with SmallServer() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        client_of(small).pipelines()
        assert proxy.asked == []


def test_a_certificate_that_is_not_trusted_ends_it_at_once(small: SmallServer, tmp_path: Path) -> None:
    """It is no accident that goes away by waiting."""
    small.secure(certificate(tmp_path))
    with pytest.raises(Trouble, match=r"not trusted .*SSL_CERT_FILE") as error:
        Client(small.url.replace("http:", "https:"), lambda: SECRET).pipelines()
    assert not isinstance(error.value, Unreachable)


def test_asking_for_help_does_not_load_the_client() -> None:
    """`ratchet --help` must stay fast: urllib's request takes a twentieth of a second."""
    script = "import sys, orchestrator.cli; print('urllib.request' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout == "False\n", done.stderr


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for this machine that nobody vouches for."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "both.pem").write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context
