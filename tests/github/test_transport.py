"""How requests travel: over real HTTP, to a small server that says what it is told to."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import jwt
import pytest
from contract import Contract
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from reviewers.github.protocol import (
    Forbidden,
    GitHubError,
    Invalid,
    Limited,
    Missing,
    Request,
    Unauthorized,
    Unreachable,
)
from reviewers.github.repository import Repository
from reviewers.github.transport import RENEWED, Transport

COMMENTS = "/repos/o/r/issues/7/comments"
SAY = Request("POST", COMMENTS, body={"body": "hello"})
READ = Request("GET", COMMENTS)
MINE = "opaque-1234"  # a token of no known form
CUT = 0  # a status that no server has: the connection is cut, the answer never sent


def pem(key: Any) -> str:
    """The private key as GitHub gives it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


CURVED = pem(ec.generate_private_key(ec.SECP256R1()))
KEY = rsa.generate_private_key(65537, 2048)


class Heard(NamedTuple):
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any

    @property
    def token(self) -> str:
        """The credential."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Said(NamedTuple):
    """What the server answers."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = {}


Answering = Callable[[Heard], Said]


class World:
    """A server on this machine, and a clock that only sleeping moves."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.slept: list[float] = []
        self.now = 1_700_000_000.0
        self.answering: Answering = lambda _: Said(200, {})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self._open: list[Transport] = []
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        world = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                heard = Heard(self.command, self.path, headers, json.loads(raw) if raw else None)
                world.heard.append(heard)
                self._say(world.answering(heard))

            def _say(self, said: Said) -> None:
                if said.status == CUT:
                    self.close_connection = True
                    self.connection.close()
                    return
                raw = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
                self.send_response(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                raw = b"" if said.status in (204, 304) else raw
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any  # noqa: N815 (http.server's names)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Handler

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.slept.append(seconds)
        self.now += seconds

    def script(self, *said: Said) -> None:
        """These answers, one after the other, the last for ever."""
        rest = list(said)
        self.answering = lambda _: rest.pop(0) if len(rest) > 1 else rest[0]

    def transport(self, prefix: str = "", **given: Any) -> Transport:
        """A transport to here."""
        one = Transport(self.url + prefix, sleep=self.sleep, clock=lambda: self.now, **given)
        self._open.append(one)
        return one

    def app(self, prefix: str = "") -> Transport:
        """A transport of the App on o/r."""
        return self.transport(prefix, app_id="12", private_key=pem(KEY), repository="o/r")

    def close(self) -> None:
        """Nothing is left."""
        for one in self._open:
            one.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def world() -> Iterator[World]:
    """A world of one's own."""
    one = World()
    yield one
    one.close()


class AppSide:
    """GitHub's side of an App: it hands out tokens `ghs_1…`, `ghs_2…`, and knows the newest only."""

    def __init__(self, installation: Said | None = None) -> None:
        self.tokens = 0
        self.valid = ""
        self.installation = installation or Said(200, {"id": 99})

    def __call__(self, heard: Heard) -> Said:
        path = heard.path.partition("?")[0]
        if path.endswith(("/installation", "/access_tokens", "/app", "/deliveries")):
            unchecked = {"verify_exp": False, "verify_iat": False}  # the world has a clock of its own
            claims = jwt.decode(heard.token, KEY.public_key(), ["RS256"], options=unchecked)
            assert claims["iss"] == "12"
            assert claims["exp"] - claims["iat"] == 600
        if path.endswith("/installation"):
            return self.installation
        if path.endswith("/app/installations/99/access_tokens"):
            self.tokens += 1
            self.valid = f"ghs_{self.tokens}" + "_any.form-at_all" * 30
            return Said(201, {"token": self.valid, "expires_at": "2023-11-14T23:13:20.123Z"})
        if path.endswith("/app"):
            return Said(200, {"id": 12, "slug": "ratchet"})
        if path.endswith("/deliveries"):
            return Said(200, [])
        if heard.token != self.valid:
            return Said(401, {"message": "Bad credentials"})
        return Said(200, {"id": 5, "login": "ratchet[bot]"} if "/users/" in path else [])


class TestOneExchange:
    """What is sent, and what comes back."""

    def test_what_github_is_told(self, world: World) -> None:
        """Version, media type, token, query and body, as GitHub wants them."""
        world.script(Said(201, {"id": 1}, {"ETag": 'W/"x"', "X-GitHub-Request-Id": "1"}))
        answer = world.transport(token=f"{MINE}\n").send(SAY._replace(query={"a": "b c"}))
        (heard,) = world.heard
        assert (heard.method, heard.path, heard.body) == ("POST", f"{COMMENTS}?a=b+c", {"body": "hello"})
        assert heard.headers["x-github-api-version"] == "2022-11-28"
        assert heard.headers["accept"] == "application/vnd.github+json"
        assert heard.headers["user-agent"] == "ratchet"
        assert heard.headers["content-type"] == "application/json"
        assert heard.token == MINE
        assert (answer.status, answer.headers["etag"], answer.body) == (201, 'W/"x"', {"id": 1})

    def test_without_a_token_none_is_sent(self, world: World) -> None:
        """Public things may be read by anyone."""
        world.transport().send(READ)
        assert "authorization" not in world.heard[0].headers

    def test_text_of_any_kind_is_sent(self, world: World) -> None:
        """Half of a surrogate pair, from somebody's data, breaks no request."""
        world.transport().send(SAY._replace(body={"body": "é 😀 \ud83d"}))
        assert world.heard[0].body == {"body": "é 😀 \ud83d"}

    def test_unchanged_since_the_etag(self, world: World) -> None:
        """A conditional request of our own: 304, no body, and nothing from any cache in between."""
        world.script(Said(200, [], {"ETag": '"1"'}), Said(304), Said(200, [], {"ETag": '"2"'}))
        repository = Repository(world.transport().send, "o/r")
        first = repository.comments(7)
        assert first.etag == '"1"'
        second = repository.comments(7, etag=first.etag)
        assert second.unchanged
        assert second.etag == '"1"'
        assert world.heard[1].headers["if-none-match"] == '"1"'
        assert repository.comments(7).etag == '"2"'
        assert "if-none-match" not in world.heard[2].headers

    def test_an_enterprise_server(self, world: World) -> None:
        """Paths come after `/api/v3`; the links it gives are taken as they are, token included."""
        comment = {"id": 1, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "html_url": "u"}
        there = f'<{world.url}/api/v3/repositories/1/issues/7/comments?page=2>; rel="next"'
        world.script(Said(200, [comment], {"Link": there}), Said(200, [comment]))
        found = Repository(world.transport("/api/v3/", token=MINE).send, "o/r").comments(7)
        assert len(found.items) == 2
        assert [one.path for one in world.heard] == [
            f"/api/v3{COMMENTS}?per_page=100",
            "/api/v3/repositories/1/issues/7/comments?page=2",
        ]
        assert {one.token for one in world.heard} == {MINE}

    @pytest.mark.parametrize("body", [b"<html>log in to our proxy</html>", b"[" * 100_000, b"\xff"])
    def test_what_is_not_github_is_no_answer(self, world: World, body: bytes) -> None:
        """A proxy's page is a 200 as well, and is told for what it is."""
        world.script(Said(200, body))
        with pytest.raises(Unreachable, match="not by GitHub's API"):
            world.transport().send(READ)
        world.script(Said(404, body))
        with pytest.raises(Missing):
            world.transport().send(READ)


class TestWhatIsUnknown:
    """A write whose outcome is unknown is not repeated."""

    def test_a_502_after_a_post(self, world: World) -> None:
        """It may have been done: once asked, once told."""
        world.script(Said(502, {"message": "Server Error"}))
        with pytest.raises(Unreachable, match="502"):
            world.transport().send(SAY)
        assert len(world.heard) == 1

    def test_a_connection_that_breaks_after_a_post(self, world: World) -> None:
        """It may have been done: once asked, once told."""
        world.script(Said(CUT))
        with pytest.raises(Unreachable, match=f"POST {COMMENTS}"):
            world.transport().send(SAY)
        assert len(world.heard) == 1

    def test_a_connection_that_breaks_after_a_get(self, world: World) -> None:
        """Reading twice harms nobody: once more, and no oftener."""
        world.script(Said(CUT), Said(200, []))
        assert world.transport().send(READ).body == []
        world.script(Said(CUT))
        with pytest.raises(Unreachable):
            world.transport().send(READ)
        assert len(world.heard) == 4

    def test_nobody_is_there(self, world: World) -> None:
        """No server, no such address: unreachable, with the cure."""
        for url in ("http://127.0.0.1:1", "http://127.0.0.1:1/api/v3"):
            with Closing(Transport(url)) as transport, pytest.raises(Unreachable, match="GITHUB_API_URL"):
                transport.send(READ)


class Closing:
    """A transport for a while."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def __enter__(self) -> Transport:
        return self.transport

    def __exit__(self, *_: object) -> None:
        self.transport.close()


class TestMoved:
    """A renamed repository is followed, as what was asked."""

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_a_post_stays_a_post(self, world: World, status: int) -> None:
        """Method, body and token go on to where the thing is now, and what comes back is its answer."""
        there = "/repositories/1/issues/7/comments"
        world.script(Said(status, {"message": "Moved"}, {"Location": world.url + there}), Said(201, {"id": 1}))
        assert world.transport(token=MINE).send(SAY).status == 201
        assert [(one.method, one.path, one.body, one.token) for one in world.heard] == [
            ("POST", COMMENTS, {"body": "hello"}, MINE),
            ("POST", there, {"body": "hello"}, MINE),
        ]

    def test_a_get_is_followed(self, world: World) -> None:
        """Reading a repository under its old name reads it."""
        world.script(Said(301, {}, {"Location": f"{world.url}/repositories/1"}), Said(200, {"id": 1}))
        assert world.transport().send(Request("GET", "/repos/o/old")).body == {"id": 1}

    def test_round_and_round_is_given_up(self, world: World) -> None:
        """What moves on and on is told."""
        world.script(Said(307, {}, {"Location": f"{world.url}{COMMENTS}"}))
        with pytest.raises(GitHubError, match="can't be followed"):
            world.transport().send(SAY)
        assert len(world.heard) == 4

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_never_to_another_host(self, world: World, method: str) -> None:
        """A move or a link to another host is refused, and no token arrives there."""
        other = World()
        try:
            world.script(Said(307, {}, {"Location": f"{other.url}/steal"}))
            with pytest.raises(GitHubError, match="nothing is sent there"):
                world.transport(token=MINE).send(Request(method, COMMENTS))
            world.script(Said(200, [], {"Link": f'<{other.url}/steal>; rel="next"'}))
            with pytest.raises(GitHubError, match="nothing is sent there"):
                Repository(world.transport(token=MINE).send, "o/r").labels(7)
            assert other.heard == []
        finally:
            other.close()


class TestLimits:
    """Patience, and its end."""

    def test_a_secondary_limit_is_waited_for(self, world: World) -> None:
        """GitHub refused the write unread and said when to come again: it is sent then."""
        limit = Said(403, {"message": "You have exceeded a secondary rate limit"}, {"Retry-After": "7"})
        world.script(limit, Said(201, {"id": 1}))
        assert world.transport().send(SAY).status == 201
        assert world.slept == [7]

    def test_a_minute_without_a_word_and_no_longer(self, world: World) -> None:
        """Without `Retry-After` a minute; refused again, the doubled wait is the caller's to plan."""
        world.script(Said(403, {"message": "You have exceeded a secondary rate limit"}))
        with pytest.raises(Limited) as raised:
            world.transport().send(SAY)
        assert world.slept == [60]
        assert raised.value.seconds == 120
        assert len(world.heard) == 2

    def test_what_is_asked_meanwhile_is_not_sent(self, world: World) -> None:
        """Until a long limit ends nothing goes out, for GitHub bans who keeps asking; afterwards all is well."""
        reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(world.now) + 1800)}
        world.script(Said(403, {"message": "API rate limit exceeded"}, reset), Said(200, []))
        transport = world.transport()
        for seconds in (1800, 800):
            with pytest.raises(Limited) as raised:
                transport.send(READ)
            assert raised.value.seconds == seconds
            world.now += 1000
        assert len(world.heard) == 1
        assert transport.send(READ).body == []

    def test_a_refusal_is_no_limit(self, world: World) -> None:
        """A 403 for want of a permission is told at once."""
        world.script(Said(403, {"message": "Resource not accessible by integration"}))
        with pytest.raises(Forbidden, match="not accessible by integration"):
            world.transport().send(SAY)
        assert world.slept == []


class TestPace:
    """Writes are serial, a second apart."""

    def test_writes_are_apart_and_reads_wait_for_nothing(self, world: World) -> None:
        """Three writes take two pauses, less what passed anyway; reads among them take none."""
        transport = world.transport(pace=1.0)
        transport.send(SAY)
        transport.send(READ)
        transport.send(SAY)
        world.now += 0.75
        transport.send(SAY)
        world.now += 5
        transport.send(SAY)
        assert world.slept == [1.0, 0.25]

    def test_a_failed_write_counts(self, world: World) -> None:
        """GitHub counts what it refuses, too."""
        world.script(Said(422, {"message": "Validation Failed"}))
        transport = world.transport(pace=1.0)
        for _ in range(2):
            with pytest.raises(Invalid):
                transport.send(SAY)
        assert world.slept == [1.0]

    def test_a_clock_that_is_set_back_costs_one_pause(self, world: World) -> None:
        """Whatever the clock does, no wait is longer than the pace."""
        transport = world.transport(pace=1.0)
        transport.send(SAY)
        world.now -= 86_400
        transport.send(SAY)
        assert world.slept == [1.0]

    def test_one_writer_at_a_time(self, world: World) -> None:
        """Of four threads that write at once, the server never sees two together, and reads pass by."""
        inside, most, gate = [0], [0], threading.Lock()
        read_passed = threading.Event()
        transport = world.transport(pace=0.0)

        def answering(heard: Heard) -> Said:
            if heard.method == "GET":
                read_passed.set()
                return Said(200, [])
            with gate:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            assert read_passed.wait(20)
            with gate:
                inside[0] -= 1
            return Said(201, {})

        world.answering = answering
        threads = [threading.Thread(target=transport.send, args=(SAY,)) for _ in range(4)]
        for one in threads:
            one.start()
        transport.send(READ)
        for one in threads:
            one.join(20)
        assert most == [1]
        assert len(world.heard) == 5


class TestApp:
    """A GitHub App on one repository."""

    @pytest.mark.parametrize("prefix", ["", "/api/v3"])
    def test_a_token_is_got_once(self, world: World, prefix: str) -> None:
        """From the key to the installation to its token, which then serves every request."""
        world.answering = AppSide()
        transport = world.app(prefix)
        transport.send(READ)
        transport.send(SAY)
        assert [f"{one.method} {one.path}" for one in world.heard] == [
            f"GET {prefix}/repos/o/r/installation",
            f"POST {prefix}/app/installations/99/access_tokens",
            f"GET {prefix}{COMMENTS}",
            f"POST {prefix}{COMMENTS}",
        ]
        assert all(not Contract().check(one.method, one.path, {}, one.body, 404) for one in world.heard)

    def test_it_is_renewed_before_its_hour(self, world: World) -> None:
        """After fifty minutes there is a new one, without a refusal in between; not sooner."""
        world.answering = side = AppSide()
        transport = world.app()
        for passing, tokens in ((0.0, 1), (RENEWED - 1, 1), (1.0, 2), (1.0, 2)):
            world.now += passing
            transport.send(READ)
            assert side.tokens == tokens

    def test_it_is_renewed_when_it_is_refused(self, world: World) -> None:
        """A token that was revoked: one 401, a new token, and the write is made, once."""
        world.answering = side = AppSide()
        transport = world.app()
        transport.send(READ)
        side.valid = "revoked"
        assert transport.send(SAY).status == 200
        assert side.tokens == 2
        assert (
            sum(one.method == "POST" and one.path == COMMENTS and one.token == side.valid for one in world.heard) == 1
        )

    def test_it_is_renewed_once_only(self, world: World) -> None:
        """Refused again with a new token: the error is told."""
        side = AppSide()
        world.answering = lambda heard: Said(401, {"message": "Bad"}) if heard.path == COMMENTS else side(heard)
        with pytest.raises(Unauthorized):
            world.app().send(READ)
        assert side.tokens == 2

    def test_many_threads_renew_it_once(self, world: World) -> None:
        """Threads whose token expired together get one new token between them."""
        world.answering = side = AppSide()
        transport = world.app()
        transport.send(READ)
        side.valid = "revoked"
        threads = [threading.Thread(target=transport.send, args=(READ,)) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(20)
        assert side.tokens == 2

    @pytest.mark.parametrize(
        ("installation", "kind"),
        [
            (Said(404, {"message": "Not Found"}), Missing),
            (Said(401, {"message": "A JSON web token could not be decoded"}), Unauthorized),
            (Said(500), Unreachable),
            (Said(200, []), Unreachable),
            (Said(200, {"ID": 99}), Unreachable),
            (Said(CUT), Unreachable),
        ],
    )
    def test_without_an_installation(self, world: World, installation: Said, kind: type[GitHubError]) -> None:
        """Not installed, not known, not there: the error says so, and the request itself is not sent."""
        world.answering = AppSide(installation)
        with pytest.raises(kind, match="/repos/o/r/installation"):
            world.app().send(SAY)
        assert all(one.path != COMMENTS for one in world.heard)

    def test_the_installation_of_a_renamed_repository(self, world: World) -> None:
        """It is found where the repository is now."""
        side = AppSide()
        there = {"Location": f"{world.url}/repositories/1/installation"}
        world.answering = lambda heard: Said(301, {}, there) if heard.path == "/repos/o/r/installation" else side(heard)
        assert world.app().send(READ).body == []

    def test_what_an_app_asks_as_itself(self, world: World) -> None:
        """Its deliveries are asked with its own web token, not with the installation's."""
        world.answering = side = AppSide()
        assert Repository(world.app().send, "o/r").deliveries() == ()
        assert side.tokens == 0


class TestWho:
    """Our own comments are known by our id."""

    def test_an_app_is_its_bot(self, world: World) -> None:
        """The App's slug names its bot user, whose id is ours; asked once."""
        world.answering = AppSide()
        transport = world.app()
        assert transport.whoami() == (5, "ratchet[bot]")
        assert transport.whoami() == (5, "ratchet[bot]")
        assert [one.path for one in world.heard if "/users/" in one.path] == ["/users/ratchet%5Bbot%5D"]

    def test_a_token_is_its_user(self, world: World) -> None:
        """The token's user is who we are."""
        world.script(Said(200, {"id": 7, "login": "alice"}))
        assert world.transport(token=MINE).whoami() == (7, "alice")
        assert world.heard[0].path == "/user"

    @pytest.mark.parametrize("body", [[], {"id": "x", "login": "y"}, {"id": 1}])
    def test_nobody_is_no_answer(self, world: World, body: Any) -> None:
        """Without knowing who we are nothing is guessed."""
        world.script(Said(200, body))
        with pytest.raises(Unreachable, match="is no user"):
            world.transport(token=MINE).whoami()
        with pytest.raises(Unreachable):
            world.app().whoami()


class TestSecrets:
    """No credential is in an error, and what can be none is refused at once."""

    @pytest.mark.parametrize("token", ["two words", "tökén", "a\nb", "a\x00"])
    def test_what_no_token_is(self, token: str) -> None:
        """Refused before anything is sent, and not repeated in the error."""
        with pytest.raises(Unauthorized, match="RATCHET_GITHUB_TOKEN") as raised:
            Transport(token=token)
        assert token not in str(raised.value)

    @pytest.mark.parametrize(
        "key", ["", "no key", "-----BEGIN RSA PRIVATE KEY-----\nMIIE", pem(ec.generate_private_key(ec.SECP256R1()))]
    )
    def test_what_no_key_is(self, key: str) -> None:
        """Refused before anything is sent, with the cure, and not repeated in the error."""
        with pytest.raises(Unauthorized, match="RATCHET_GITHUB_APP_PRIVATE_KEY") as raised:
            Transport(app_id="12", private_key=key, repository="o/r")
        assert not key or key not in str(raised.value)

    def test_a_key_without_lines(self, world: World) -> None:
        """An environment that holds no lines writes them as `\\n`: the key is read all the same."""
        world.answering = AppSide()
        key = pem(KEY).replace("\n", "\\n")
        assert world.transport(app_id="12", private_key=key, repository="o/r").send(READ).body == []

    @pytest.mark.parametrize("said", [Said(401, {"message": f"no: {MINE}"}), Said(CUT), Said(500, MINE.encode())])
    def test_a_token_of_no_known_form_is_in_no_error(self, world: World, said: Said) -> None:
        """Not even where the server repeats it."""
        world.script(said)
        with pytest.raises(GitHubError) as raised:
            world.transport(token=MINE).send(SAY)
        assert MINE not in f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r}"
