"""What GitHub's bytes mean."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from contract import data
from hypothesis import given
from hypothesis import strategies as st

from reviewers.github.protocol import (
    API,
    Answer,
    Delivery,
    Forbidden,
    GitHubError,
    Invalid,
    Limited,
    Missing,
    Request,
    Unauthorized,
    Unreachable,
    Unreadable,
    address,
    checked,
    moved,
    next_page,
    pause,
    read_delivery,
    redact,
    verified,
)

ASKED = Request("GET", "/repos/o/r")
NOW = 1_700_000_000.0
HEADERS = {"X-GitHub-Delivery": "72d3162e", "X-GitHub-Event": "issue_comment"}
PAYLOADS = [(event, payload) for event, payloads in data("webhooks.json.xz").items() for payload in payloads]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)
PARTS = ("issue", "pull_request", "comment", "repository", "sender", "action", "number")


def signed(body: bytes, secret: str) -> str:
    """As GitHub signs."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class TestVerified:
    """A delivery counts only if its bytes are signed."""

    def test_github_s_own_vector(self) -> None:
        """The example of GitHub's documentation is signed as it says."""
        signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        assert verified(b"Hello, World!", signature, ["It's a Secret to Everybody"])

    @given(st.binary(max_size=200), st.text(min_size=1, max_size=20).filter(str.isascii), st.binary(max_size=200))
    def test_the_same_bytes_and_no_others(self, body: bytes, secret: str, other: bytes) -> None:
        """Whatever the bytes, their signature fits them, and fits no others."""
        assert verified(body, signed(body, secret), [secret])
        assert verified(other, signed(body, secret), [secret]) == (other == body)

    def test_a_secret_is_rotated_without_a_gap(self) -> None:
        """While two secrets are known, a signature with either counts; one with a third does not."""
        for secret, counts in (("old", True), ("new", True), ("none of them", False)):
            assert verified(b"body", signed(b"body", secret), ["old", "new"]) is counts

    def test_without_a_secret_nothing_is_signed(self) -> None:
        """No secret, or an empty one, lets nothing in: not even what is signed with the empty secret."""
        assert not verified(b"body", signed(b"body", ""), [])
        assert not verified(b"body", signed(b"body", ""), ["", ""])

    @pytest.mark.parametrize("signature", [None, "", "sha256=", "sha1=0000", "é", "\ud800", "sha256=" + "0" * 64])
    def test_what_is_no_signature_is_refused(self, signature: str | None) -> None:
        """A missing, foreign or damaged signature is refused, and raises nothing."""
        assert not verified(b"body", signature, ["secret"])

    @given(st.text())
    def test_no_signature_whatever_raises(self, signature: str) -> None:
        """Whatever stands in the header is refused."""
        assert not verified(b"body", signature, ["secret"])


class TestDelivery:
    """A webhook only says where to look sooner."""

    def test_every_recorded_payload_is_read(self) -> None:
        """All 329 payloads of 58 events: who sent them, about which repository, issue and comment."""
        assert (len(PAYLOADS), len({event for event, _ in PAYLOADS})) == (329, 58)
        for event, payload in PAYLOADS:
            headers = {"X-GitHub-Delivery": "d", "X-GitHub-Event": event}
            read = read_delivery(headers, json.dumps(payload).encode())
            assert isinstance(read, Delivery)
            issue = payload.get("issue") or payload.get("pull_request") or payload
            assert read == Delivery(
                id="d",
                event=event,
                action=payload.get("action", ""),
                repository_id=payload.get("repository", {}).get("id"),
                repository=payload.get("repository", {}).get("full_name", ""),
                sender_id=payload.get("sender", {}).get("id"),
                sender_type=payload.get("sender", {}).get("type", ""),
                number=issue.get("number"),
                comment_id=(payload.get("comment") or {}).get("id"),
            )

    def test_an_event_of_tomorrow_is_read(self) -> None:
        """GitHub adds events: an unknown one is a delivery like any, and so is an empty ping."""
        headers = {"x-github-delivery": "1", "x-github-event": "issue_telepathy"}
        assert read_delivery(headers, b"{}") == Delivery(id="1", event="issue_telepathy")

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b"null", b"\xff\xfe{", b"payload=%7B%7D", b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}"],
    )
    def test_what_is_no_json_object_is_unreadable(self, body: bytes) -> None:
        """Truncated, form-encoded, bottomless or endless: unreadable, with the reason."""
        assert isinstance(read_delivery(HEADERS, body), Unreadable)

    @pytest.mark.parametrize("name", ["", "d" * 256, "a\nb"])
    def test_a_delivery_has_a_name(self, name: str) -> None:
        """Without a usable id a delivery could not be known again."""
        assert isinstance(read_delivery(HEADERS | {"X-GitHub-Delivery": name}, b"{}"), Unreadable)
        assert isinstance(read_delivery({}, b"{}"), Unreadable)

    @given(st.dictionaries(st.sampled_from(PARTS), JSON | st.dictionaries(st.sampled_from(("id", *PARTS)), JSON)))
    def test_no_payload_whatever_raises(self, payload: dict[str, Any]) -> None:
        """Whatever stands in the fields that we read, a delivery comes of it, fit to be stored."""
        read = read_delivery(HEADERS, json.dumps(payload).encode())
        assert isinstance(read, Delivery)
        assert Delivery.model_validate_json(read.model_dump_json()) == read

    @given(st.dictionaries(st.text(max_size=20), st.text(max_size=20)), st.binary())
    def test_no_bytes_whatever_raise(self, headers: dict[str, str], body: bytes) -> None:
        """Whatever comes, it is read or is unreadable."""
        assert isinstance(read_delivery(headers, body), Unreadable | Delivery)
        assert isinstance(read_delivery(HEADERS, body), Unreadable | Delivery)


class TestPages:
    """A page is followed as GitHub says."""

    def test_the_link_is_taken_as_given(self) -> None:
        """GitHub's links name the repository by its number; the recorded ones lead from page to page to the last."""
        pages = {one["path"]: one for one in data("exchanges.json.xz")["paginate-issues"]}
        path, seen = next(iter(pages)), []
        while path:
            headers = {name.lower(): value for name, value in pages[path]["headers"].items()}
            following = next_page(Answer(200, headers, pages[path]["response"]))
            seen.append(path)
            path = following.path.removeprefix(API) if following else ""
        assert seen == list(pages)
        assert len(seen) == 5
        assert seen[1] == "/repositories/1000/issues?per_page=3&page=2"

    @pytest.mark.parametrize("link", ["", "nonsense", '<u>; rel="last"', '<u>; rel="nextish"', "<<u>>"])
    def test_without_a_next_it_ends(self, link: str) -> None:
        """No link, or one to elsewhere: that was the last page."""
        assert next_page(Answer(200, {"link": link})) is None

    @given(st.text())
    def test_no_link_whatever_raises(self, link: str) -> None:
        """Whatever stands in the header, a page comes of it or none."""
        following = next_page(Answer(200, {"link": link}))
        assert following is None or following.method == "GET"


class TestLimits:
    """How long to wait before the next request."""

    @pytest.mark.parametrize(
        ("status", "headers", "message", "tries", "seconds"),
        [
            (200, {"x-ratelimit-remaining": "0"}, "", 0, None),
            (403, {}, "Must have admin rights", 0, None),
            (403, {"retry-after": "17"}, "", 0, 17),
            (429, {"retry-after": "0"}, "", 0, 1),
            (403, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", 1, 120),
            (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 90)}, "API rate limit", 0, 90),
            (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) - 90)}, "", 0, 1),
            (429, {"x-ratelimit-remaining": "0"}, "", 0, 60),
            (403, {"x-ratelimit-remaining": "4000"}, "You have exceeded a secondary rate limit.", 0, 60),
            (403, {}, "You have triggered an abuse detection mechanism.", 2, 240),
            (429, {}, "", 3, 480),
            (429, {}, "", 99, 3840),
        ],
    )
    def test_what_github_asks_for(
        self, status: int, headers: dict[str, str], message: str, tries: int, seconds: float | None
    ) -> None:
        """`Retry-After` first, then the reset of the primary limit, then a minute, doubled each time."""
        assert pause(Answer(status, headers, {"message": message}), NOW, tries) == seconds


class TestChecked:
    """An answer is one, or the error that it means."""

    @pytest.mark.parametrize("status", [200, 201, 202, 204, 304])
    def test_an_answer_passes(self, status: int) -> None:
        """2xx, and 304 to what was asked by etag."""
        answer = Answer(status)
        assert checked(ASKED, answer, NOW) is answer

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (302, GitHubError),
            (400, Invalid),
            (401, Unauthorized),
            (403, Forbidden),
            (404, Missing),
            (405, Invalid),
            (408, Unreachable),
            (409, Invalid),
            (410, Missing),
            (422, Invalid),
            (429, Limited),
            (500, Unreachable),
            (502, Unreachable),
        ],
    )
    def test_each_refusal_has_its_name(self, status: int, kind: type[GitHubError]) -> None:
        """The error is of the status's kind, and says what was asked, what came, and what to do."""
        with pytest.raises(GitHubError, match=rf"GET /repos/o/r answered {status}.*: \w+") as raised:
            checked(ASKED, Answer(status), NOW)
        assert type(raised.value) is kind
        assert raised.value.status == status
        assert raised.value.cure

    def test_github_s_own_words_are_told(self) -> None:
        """The recorded 422 says which field of which resource is wrong, and so does the error."""
        refused = data("exchanges.json.xz")["errors"][0]
        with pytest.raises(Invalid, match="Validation Failed: Label color invalid"):
            checked(Request("POST", refused["path"]), Answer(refused["status"], {}, refused["response"]), NOW)

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (
                {"message": "No", "errors": [{"field": "body", "code": "missing"}, "Body is too long"]},
                ": No: body missing: Body is too long:",
            ),
            ({"message": "It is so.", "errors": [{}]}, ": It is so: change"),
            ({"message": 5, "errors": "all of them"}, "422: change"),
            (["no object"], "422: change"),
            ({"message": "a\nb\x1b[31m"}, r"a b\\u001b\[31m"),
            ({"message": "x" * 5000}, "x…: change"),
        ],
    )
    def test_words_of_any_shape_are_told_safely(self, body: Any, told: str) -> None:
        """Fields without words, words without fields, control characters, a flood: one line, and short."""
        with pytest.raises(Invalid, match=told) as raised:
            checked(ASKED, Answer(422, {}, body), NOW)
        assert len(str(raised.value)) < 1200

    def test_a_limit_says_how_long(self) -> None:
        """Nothing was done, and when it will be is known."""
        with pytest.raises(Limited, match="wait 17 seconds") as raised:
            checked(ASKED, Answer(403, {"retry-after": "17"}), NOW)
        assert raised.value.seconds == 17


class TestMoved:
    """What moved is followed, as what it is."""

    def test_the_recorded_rename_is_followed(self) -> None:
        """A renamed repository: the GET gets a 301, the PATCH a 307, both to the repository's number."""
        recorded = data("exchanges.json.xz")["rename-repository"]
        for exchange in recorded[1], recorded[3]:
            request = Request(exchange["method"].upper(), exchange["path"], {}, exchange["body"] or None)
            headers = {name.lower(): value for name, value in exchange["headers"].items()}
            onward = moved(request, Answer(exchange["status"], headers), API + request.path)
            assert onward == request._replace(path=f"{API}/repositories/1000")

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_a_post_stays_a_post(self, status: int) -> None:
        """Whatever the status, the same request goes there: never a GET in its place."""
        request = Request("POST", "/repos/o/old/issues/1/comments", {"a": "b"}, {"body": "hi"}, "etag")
        onward = moved(
            request, Answer(status, {"location": "/repositories/1/issues/1/comments"}), f"{API}{request.path}"
        )
        assert onward == Request("POST", f"{API}/repositories/1/issues/1/comments", {}, {"body": "hi"}, "etag")

    def test_what_did_not_move_stays(self) -> None:
        """No location, or no move: nothing to follow."""
        assert moved(ASKED, Answer(301), API) is None
        assert moved(ASKED, Answer(200, {"location": "/x"}), API) is None
        assert moved(ASKED, Answer(304, {"location": "/x"}), API) is None


class TestAddress:
    """Nothing leaves for another host."""

    @pytest.mark.parametrize("base", [API, "https://github.example/api/v3", "http://127.0.0.1:4001/"])
    def test_below_the_base(self, base: str) -> None:
        """A path comes after the base, with its prefix; the base's own absolute URLs stay."""
        assert address(base, "/user") == f"{base.rstrip('/')}/user"
        assert address(base, f"{base.rstrip('/')}/repositories/1?page=2") == f"{base.rstrip('/')}/repositories/1?page=2"

    def test_the_port_that_is_meant_anyway(self) -> None:
        """A host may be written with its own port."""
        assert address(API, "https://API.github.com:443/user") == "https://API.github.com:443/user"

    @pytest.mark.parametrize(
        "path",
        [
            "https://evil.example/user",
            "http://api.github.com/user",
            "https://api.github.com:444/user",
            "https://api.github.com@evil.example/user",
            "https://evil.example\\@api.github.com/user",
            "https://api.github.com.evil.example/",
            "https://api.github.com:notaport/",
            "ftp://api.github.com/",
            "@evil.example/user",
            "user",
            "",
        ],
    )
    def test_elsewhere_is_refused(self, path: str) -> None:
        """Another host, scheme or port, a name that only looks like it, or none at all."""
        with pytest.raises(GitHubError, match="nothing is sent there"):
            address(API, path)


TOKENS = st.sampled_from(
    [
        "ghp_" + "a1B2" * 9,
        "gho_" + "a1B2" * 9,
        "ghu_" + "a1B2" * 9,
        "ghs_" + "a1B2" * 9,
        "ghr_" + "a1B2" * 9,
        "ghs_12345_eyJhbGciOiJIUzI1NiJ9." + "a-_9" * 60 + ".c2ln" * 9,
        "github_pat_" + "11ABC_def" * 9,
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.c2lnbmF0dXJl",
    ]
)


class TestRedact:
    """No text of ours holds a token."""

    @given(st.text(max_size=40), TOKENS, st.text(max_size=40))
    def test_no_token_is_left(self, before: str, token: str, after: str) -> None:
        """Whatever stands around a token, it is hidden."""
        assert token not in redact(before + token + after)

    @given(st.text(alphabet="abc XYZ.,:/-_0123456789[]()é", max_size=80))
    def test_other_text_stays(self, text: str) -> None:
        """What holds none is not touched."""
        assert redact(text) == text

    @pytest.mark.parametrize(
        ("text", "left"),
        [
            ("Authorization: Bearer abc.def", "[hidden]"),
            ("{'authorization': 'token 0123456789abcdef', 'a': 1}", "{'[hidden]', 'a': 1}"),
            ("sent bearer xyz, refused", "sent [hidden], refused"),
            ("https://x-access-token:pw@github.com/o/r", "https://[hidden]@github.com/o/r"),
            ("key -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- end", "key [hidden] end"),
            ("cut -----BEGIN PRIVATE KEY-----\nMIIE", "cut [hidden]"),
        ],
    )
    def test_other_forms(self, text: str, left: str) -> None:
        """Headers, URLs and keys, whole or cut off."""
        assert redact(text) == left

    def test_secrets_that_are_known(self) -> None:
        """A secret of no known form is hidden where named, the longer before the shorter; an empty one is none."""
        assert redact("hunter22 and hunter2", ["hunter2", "", "hunter22"]) == "[hidden] and [hidden]"

    def test_no_error_tells_a_token(self) -> None:
        """An error is redacted, whoever wrote its text."""
        token = "ghs_" + "a1B2" * 9
        for error in (GitHubError(f"no: {token}"), Limited(f"no: {token}", 5), Unreachable(token)):
            assert token not in f"{error} {error!r} {error.what}"
        with pytest.raises(Invalid) as raised:
            checked(Request("GET", f"/x?access_token={token}"), Answer(422, {}, {"message": f"Bearer {token}"}), NOW)
        assert token not in repr(raised.value)
