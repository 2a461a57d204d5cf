"""Every request of ours is one that GitHub describes, and its own answers are read."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from contract import Contract, data

from reviewers.github.protocol import API, Answer, GitHubError, Missing, Request, checked, next_page
from reviewers.github.repository import Repository
from reviewers.github.seen import About, Status, User, read, read_all

GITHUB = Contract()
EXCHANGES = [(name, one) for name, some in data("exchanges.json.xz").items() for one in some]
SHA = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d"
CALLS: dict[str, Callable[[Repository], Any]] = {
    "commits": lambda r: r.commits("ratchet/c-000042", "cycles/c-000042/labels.csv"),
    "about": lambda r: r.about(),
    "head": lambda r: r.head("ratchet/c-000042"),
    "file": lambda r: r.file("cycles/c-000042/what is new?.md", "main"),
    "user": lambda r: r.user("octocat"),
    "app": lambda r: r.user("ratchet[bot]"),
    "role": lambda r: r.role("octocat"),
    "team": lambda r: r.team("github", "justice-league"),
    "comments": lambda r: r.comments(7, "2026-01-01T00:00:00Z", '"etag"'),
    "comment_by_id": lambda r: r.comment_by_id(1),
    "reviews": lambda r: r.reviews(7),
    "say": lambda r: r.say(7, "hello"),
    "edit": lambda r: r.edit(1, "hello"),
    "react": lambda r: r.react(1, "eyes"),
    "reactions": lambda r: r.reactions(1),
    "pull_by_branch": lambda r: r.pull_by_branch("ratchet/c-000042"),
    "pull": lambda r: r.pull(7),
    "open_pull": lambda r: r.open_pull("ratchet/c-000042", "main", "title", "body"),
    "describe_pull": lambda r: r.describe_pull(7, "title", "body"),
    "close": lambda r: r.close(7),
    "merge": lambda r: r.merge(7, SHA, "title"),
    "labels": lambda r: r.labels(7),
    "add_labels": lambda r: r.add_labels(7, "ratchet", "in review"),
    "remove_label": lambda r: r.remove_label(7, "in/review?"),
    "commit": lambda r: r.commit("ratchet/c-000042", SHA, SHA, {"a.md": "text", "b.png": b"\x89PNG"}, "message"),
    "check": lambda r: r.check(
        SHA,
        "ratchet",
        external_id="c-000042/collect/1",
        status="completed",
        conclusion="action_required",
        title="t",
        summary="s",
        details_url="https://ratchet.example/c-000042",
    ),
    "check, begun": lambda r: r.check(SHA, "ratchet", external_id="x", status="queued", title="t", summary="s"),
    "edit_check": lambda r: r.edit_check(4, status="completed", conclusion="success", title="t", summary="s"),
    "checks": lambda r: r.checks(SHA, "ratchet"),
    "status": lambda r: r.status(SHA, "ratchet/collect", "pending", "d" * 200, "https://ratchet.example"),
    "statuses": lambda r: r.statuses(SHA),
    "dispatch": lambda r: r.dispatch("ratchet-retrain.yml", "main", {"pipeline": "sentiment"}),
    "deliveries": lambda r: r.deliveries(),
    "redeliver": lambda r: r.redeliver(12345678),
}


class Recorder:
    """Answers with GitHub's own example of the operation, and keeps what was asked and what was wrong with it."""

    def __init__(self, absent: str = "^$") -> None:
        self.asked: list[Request] = []
        self.wrong: list[str] = []
        self.absent = re.compile(absent)

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        if self.absent.search(str(request)):
            raise Missing("not there")
        operation = GITHUB.operation(request.method, request.path)
        assert operation is not None, f"{request} is no operation"
        status = min(int(status) for status in operation.said["answers"] if status[0] == "2")
        body = next(iter(operation.said["examples"][str(status)]), None)
        if "/contents/" in request.path:
            body = body | {"content": "aGVsbG8="}  # GitHub's example says only that there would be content here
        self.wrong += GITHUB.check(request.method, request.path, request.query, request.body, status, body)
        return Answer(status, {}, body)


def test_nothing_is_forgotten() -> None:
    """Each method of the repository is called below."""
    public = {name for name, value in vars(Repository).items() if callable(value) and name[0] != "_"}
    assert public == {name.partition(",")[0] for name in CALLS} - {"app"}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("root", ["octocat/Hello-World", "o.r-g/re_po.x"])
def test_our_requests_are_github_s(name: str, root: str) -> None:
    """What each method sends conforms, and GitHub's own example of the answer is read."""
    send = Recorder()
    CALLS[name](Repository(send, root))
    assert send.asked
    assert send.wrong == []


def test_a_first_commit_makes_the_branch() -> None:
    """Without a branch its ref is made, on the base's commit, and conforms as well."""
    send = Recorder(absent="GET .*/git/ref/")
    sha = Repository(send, "o/r").commit("ratchet/c-000042", None, SHA, {"a.md": "text"}, "message")
    assert [request.method for request in send.asked] == ["GET", "POST", "POST", "POST"]
    assert send.asked[-1].body == {"ref": "refs/heads/ratchet/c-000042", "sha": sha}
    assert send.wrong == []


def test_the_calls_of_the_transport_are_github_s() -> None:
    """What the transport itself asks, to know who it is and to get its tokens."""
    for method, path in (
        ("GET", "/app"),
        ("GET", "/user"),
        ("GET", "/users/ratchet%5Bbot%5D"),
        ("GET", "/repos/o/r/installation"),
        ("POST", "/app/installations/1/access_tokens"),
    ):
        send = Recorder()
        send(Request(method, path))
        assert send.wrong == []


class TestJudge:
    """The judge itself says no where it must."""

    @pytest.mark.parametrize(
        ("exchange", "why"),
        [
            (("GET", "/repos/o/r/telepathy"), "no operation"),
            (("BREW", "/repos/o/r"), "no operation"),
            (("GET", "/repos/o/r/issues/seven/comments", {}, None, 200, []), "no operation"),
            (("GET", "/repos/o/r/issues/7/comments", {"mood": "good"}, None, 200, []), "query mood=good: unknown"),
            (("GET", "/repos/o/r/issues/7/comments?per_page=all", {}, None, 200, []), "no integer"),
            (("GET", "/repos/o/r/pulls", {"state": "ajar"}, None, 200, []), "none of"),
            (("GET", "/app/hook/deliveries", {"redelivery": "perhaps"}, None, 200, []), "unknown|no boolean"),
            (("POST", "/repos/o/r/issues/7/comments", {}, None, 201, {}), "there is no body"),
            (("POST", "/repos/o/r/issues/7/comments", {}, {}, 201, {}), '"body" is a required property'),
            (("POST", "/repos/o/r/issues/7/comments", {}, {"body": "x", "mood": 1}, 201, {}), "'mood' was unexpected"),
            (("POST", "/repos/o/r/issues/7/comments", {}, {"body": 5}, 201, {}), "is not of type"),
            (("POST", "/repos/o/r/issues/7/comments", {}, {"body": "x"}, 200, {}), "200 is not among"),
            (("POST", "/repos/o/r/issues/7/comments", {}, {"body": "x"}, 201, {"id": "x"}), "201 /id"),
            (("POST", "/repos/o/r/issues/7/comments", {}, {"body": "x"}, 201, None), "null is not of type"),
            (("POST", "/repos/o/r/issues/7/comments", {}, {"body": "x"}, 502, {"message": 5}), "refusal /message"),
            (("PATCH", "/repos/o/r/check-runs/4", {}, {"output": {"summary": "s", "x": 1}}, 200, {}), "'x' was"),
            (("GET", "/repos/o/r", {}, {"a": 1}, 200, {}), "a body is sent"),
            (("DELETE", "/repos/o/r/git/refs/heads/a/b", {}, None, 204, {"a": 1}), "should have none"),
        ],
    )
    def test_it_refuses(self, exchange: tuple[Any, ...], why: str) -> None:
        """One fault in an exchange, and it is named."""
        assert re.search(why, "\n".join(GITHUB.check(*exchange)))

    @pytest.mark.parametrize(
        "exchange",
        [
            (
                "GET",
                "https://ghe.example/api/v3/repos/o/r/contents/a/b.md",
                {"ref": "x"},
                None,
                200,
                {"type": "file"},
            ),
            ("GET", "/repositories/1000/issues/7/comments?per_page=3&page=2", {}, None, 200, []),
            ("PATCH", "/repos/o/r/git/refs/heads/ratchet/c-1", {}, {"sha": SHA, "force": False}, 200, {}),
            ("POST", "/repos/o/r/issues/7/labels", {}, {"labels": ["a"]}, 200, []),
            ("GET", "/repos/o/r/issues/7/comments", {}, None, 304, None),
            ("POST", "/repos/o/r/issues/7/comments", {}, {"body": "x"}, 502, None),
            ("DELETE", "/repos/o/r/git/refs/heads/a/b", {}, None, 204, None),
        ],
    )
    def test_it_lets_pass(self, exchange: tuple[Any, ...]) -> None:
        """Prefixes, links by number, names with slashes, refusals that every operation knows."""
        assert GITHUB.check(*exchange) == []

    def test_what_lacks_a_field_is_a_warning(self) -> None:
        """A required field that is missing in an answer is told, and refuses nothing."""
        assert GITHUB.check("GET", "/repos/o/r/issues/7/comments", {}, None, 200, [{"id": 1}]) == []
        assert GITHUB.missing("GET", "/repos/o/r/issues/7/comments", 200, [{"id": 1}])
        assert GITHUB.missing("GET", "/telepathy", 200, None) == []

    def test_github_s_own_examples_pass(self) -> None:
        """Every example in the description conforms to it."""
        for operation in GITHUB.operations:
            for body in operation.said["body_examples"]:
                assert operation.request({}, body) == []
            for status, bodies in operation.said["examples"].items():
                for body in bodies:
                    assert operation.answer(int(status), body) == []


class TestRecorded:
    """What GitHub really answered, 71 times."""

    def test_the_judge_knows_them(self) -> None:
        """Of the exchanges whose operations are ours none is refused, but for a file that was asked for raw."""
        assert len(EXCHANGES) == 71
        known = 0
        for name, one in EXCHANGES:
            wrong = GITHUB.check(
                one["method"], one["path"], {}, one["body"] or None, one["status"], one["response"] or None
            )
            assert not wrong or name == "get-content" or "no operation" in wrong[0]
            known += not wrong
        assert known >= 30

    def test_each_is_an_answer_or_an_error(self) -> None:
        """Every answer passes or is the error that it means, and names its next page or none."""
        for _, one in EXCHANGES:
            request = Request(one["method"].upper(), one["path"], {}, one["body"] or None)
            headers = {name.lower(): str(value) for name, value in one["headers"].items()}
            answer = Answer(one["status"], headers, one["response"])
            assert (next_page(answer) is None) == ('rel="next"' not in headers.get("link", ""))
            if one["status"] < 300:
                assert checked(request, answer, 0) is answer
            else:
                with pytest.raises(GitHubError, match=str(one["status"])):
                    checked(request, answer, 0)

    def test_those_that_are_ours_are_read(self) -> None:
        """The repository, its people, labels and statuses, as they were recorded."""
        recorded = {(one["method"], one["path"].removeprefix(API)): one["response"] for _, one in EXCHANGES}
        root = "/repos/octokit-fixture-org"
        about = Repository(lambda _: Answer(200, {}, recorded["get", f"{root}/hello-world"]), "o/r").about()
        assert (about.full_name, about.default_branch) == ("octokit-fixture-org/hello-world", "master")
        assert read(About, Answer(200, {}, recorded["get", "/repositories/1000"])).id == 1000
        added = Answer(200, {}, recorded["post", f"{root}/add-labels-to-issue/issues/1/labels"])
        assert Repository(lambda _: added, "o/r").labels(1) == ("Foo", "bAr", "baZ")
        statuses = Answer(200, {}, recorded["get", f"{root}/create-status/commits/{1:040}/status"])
        assert {type(one) for one in Repository(lambda _: statuses, "o/r").statuses("x")} == {Status}
        people = Answer(200, {}, recorded["get", f"{root}/add-and-remove-repository-collaborator/collaborators"])
        assert all(one.type == "User" for one in read_all(User, people))
