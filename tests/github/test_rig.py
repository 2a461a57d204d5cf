"""The rig is a GitHub: each thing that it adds to emulate, and each fault, by plain HTTP."""

import base64
import hashlib
import hmac
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import jwt
import pytest
from contract import data
from rig.emulator import Emulator
from rig.github import GitHub
from rig.node import HOME as RIG
from rig.node import CannotInstall, modules
from rig.person import Refusal

from reviewers.github.repository import Repository
from reviewers.github.transport import Transport

HOME = "/repos/acme/models"
BRANCH = "ratchet/c-000001"


@pytest.fixture
def github(emulator: Emulator, github_apps: list) -> Iterator[GitHub]:
    """The common one; and whatever a test here asked, the answers were such as GitHub's description allows."""
    with GitHub(emulator, {"ratchet.yaml": "pipelines: {}\n"}, apps=github_apps) as one:
        yield one
        assert one.violations.answers == []
        assert one.violations.missing == []


def client(github: GitHub, login: str = "machine", token: str | None = None) -> httpx.Client:
    """Somebody with a token."""
    headers = {"authorization": f"Bearer {token or github.token(login)}", "accept": "application/vnd.github+json"}
    return httpx.Client(base_url=github.url, headers=headers)


def app(github: GitHub, **claims: object) -> httpx.Client:
    """The App with its JWT."""
    now = datetime.now(UTC)
    said = {"iat": now - timedelta(seconds=30), "exp": now + timedelta(minutes=9), "iss": str(github.app_id)} | claims
    return client(github, token=jwt.encode(said, github.private_key, "RS256"))


def issued(github: GitHub) -> dict:
    """An installation token, and what comes with it."""
    number = app(github).get(f"{HOME}/installation").json()["id"]
    answer = app(github).post(f"/app/installations/{number}/access_tokens")
    assert answer.status_code == 201, answer.text
    return answer.json()


def installation(github: GitHub) -> httpx.Client:
    """The App in the repository."""
    return client(github, token=issued(github)["token"])


def opened(github: GitHub, branch: str = BRANCH, by: str = "machine") -> int:
    """A pull request."""
    github.as_("machine").branch(branch, github.tip() or "")
    github.write(f"cycles/{branch}.json", "{}", branch=branch)
    return github.as_(by).open(branch, "Cycle c-000001")


class Ear:
    """Somewhere for deliveries to go."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        ear = self

        class Hear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                ear.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Hear)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/github/webhook"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    """A listener for webhooks."""
    one = Ear()
    yield one
    one.close()


# Starting


def test_it_is_there_in_two_seconds() -> None:
    """A process of its own, with people and a repository, is up before one has looked."""
    modules()
    began = time.monotonic()
    with GitHub(files={"ratchet.yaml": "x"}) as github:
        assert time.monotonic() - began < 5
        assert github.files() == {"README.md": b"# models\n", "ratchet.yaml": b"x"}


def test_the_lock_names_no_host() -> None:
    """Wherever packages come from, their hashes are the same."""
    lock = (RIG / "package-lock.json").read_text()
    assert "://" not in lock
    assert lock.count('"integrity"') > 5


def test_what_cannot_be_installed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where, why, and what it needs; and nothing half-done counts as installed."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(RIG / name, tmp_path)
    settings = {"registry": "http://127.0.0.1:9/", "cache": str(tmp_path / "cache"), "fetch_retries": "0"}
    for name, value in settings.items():
        monkeypatch.setenv(f"npm_config_{name}", value)
    for _ in range(2):
        with pytest.raises(CannotInstall, match=r"(?s)npm ci failed in .*ECONNREFUSED.*: it needs npm's registry"):
            modules(tmp_path)


def test_every_test_has_it_new(emulator: Emulator, github_apps: list) -> None:
    """Nothing of one test is there in the next."""
    for _ in range(2):
        with GitHub(emulator, apps=github_apps) as github:
            assert github.pulls() == []
            assert opened(github) == 1


def test_under_the_address_of_an_enterprise_server(emulator: Emulator, github_apps: list) -> None:
    """With a prefix it is there alone."""
    with GitHub(emulator, apps=github_apps, prefix="/api/v3") as github:
        assert github.url.endswith("/api/v3")
        assert client(github).get(HOME).json()["url"] == f"{github.url}{HOME}"
        assert httpx.get(github.url.removesuffix("/api/v3") + HOME).status_code == 404


# Who calls


def test_an_unknown_token_is_nobodys(github: GitHub) -> None:
    """401, not the first user."""
    unknown, nonsense = "ghp_unknown", "x.y.z"
    for answer in (client(github, token=unknown).get("/user"), client(github, token=nonsense).get("/app")):
        assert answer.status_code == 401
    assert client(github, "alice").get("/user").json()["login"] == "alice"
    github.revoke("alice")
    assert client(github, "alice").get("/user").status_code == 401


def test_an_app_gets_a_token_for_an_hour(github: GitHub) -> None:
    """The token is long, its expiry has no milliseconds, and an hour later it is good no more."""
    told = issued(github)
    expires = datetime.strptime(told["expires_at"], "%Y-%m-%dT%H:%M:%S%z")
    assert timedelta(minutes=59) < expires - datetime.now(UTC) <= timedelta(hours=1)
    assert told["token"].startswith("ghs_1001_")
    assert len(told["token"]) > 500
    theirs = client(github, token=told["token"])
    assert theirs.get(HOME).status_code == 200
    github.pass_time(hours=1, seconds=1)
    assert theirs.get(HOME).status_code == 401
    assert installation(github).get(HOME).status_code == 200


def test_tokens_expire_when_told(github: GitHub) -> None:
    """The old one is refused; the next is good; people's are untouched."""
    theirs = installation(github)
    github.expire_tokens()
    assert theirs.get(HOME).status_code == 401
    assert installation(github).get(HOME).status_code == 200
    assert client(github).get(HOME).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": datetime.now(UTC) + timedelta(minutes=30)},
        {"exp": datetime.now(UTC) - timedelta(minutes=1)},
        {"iss": "7"},
    ],
)
def test_a_wrong_jwt_is_refused(github: GitHub, claims: dict) -> None:
    """Too long, too late, of another App."""
    assert app(github, **claims).get("/app").status_code == 401


def test_a_jwt_of_another_key_is_refused(github: GitHub, github_apps: list) -> None:
    """The issuer's name alone is worth nothing."""
    now = datetime.now(UTC)
    forged = jwt.encode({"iat": now, "exp": now + timedelta(minutes=5), "iss": "1001"}, github_apps[1].pem, "RS256")
    assert client(github, token=forged).get("/app").status_code == 401


def test_an_app_says_who_it_is(github: GitHub) -> None:
    """Its slug, and the bot's account."""
    assert app(github).get("/app").json()["slug"] == "ratchet"
    assert client(github).get("/users/ratchet%5Bbot%5D").json()["type"] == "Bot"


# Who may


def test_roles_are_told_as_github_tells_them(github: GitHub) -> None:
    """maintain is write, triage is read, nobody's is none, a bot's is an error."""
    theirs = installation(github)
    for role, coarse in (("admin", "admin"), ("maintain", "write"), ("write", "write"), ("triage", "read")):
        github.set_role("alice", role)
        told = theirs.get(f"{HOME}/collaborators/alice/permission").json()
        assert (told["permission"], told["role_name"]) == (coarse, role)
    assert told["user"]["id"] == github.user_id("alice")
    assert theirs.get(f"{HOME}/collaborators/mallory/permission").json()["permission"] == "none"
    assert theirs.get(f"{HOME}/collaborators/nobody/permission").status_code == 404
    assert theirs.get(f"{HOME}/collaborators/dependabot%5Bbot%5D/permission").status_code == 404


def test_people_may_what_their_role_says(github: GitHub) -> None:
    """Without access there is no repository; with reading alone there is talk and no more."""
    pull = opened(github)
    comment = github.as_("bob").comment(pull, "mine")
    with pytest.raises(Refusal, match="404"):
        github.as_("mallory").comment(pull, "/approve")
    github.set_role("alice", "read")
    own = github.as_("alice").comment(pull, "hello")
    github.as_("alice").edit(own, "good morning")
    github.as_("alice").review(pull, "APPROVE")
    for forbidden in (
        lambda: github.as_("alice").edit(comment, "yours"),
        lambda: github.as_("alice").delete(comment),
        lambda: github.as_("alice").merge(pull),
        lambda: github.as_("alice").label(pull, "nice"),
    ):
        with pytest.raises(Refusal, match="403"):
            forbidden()
    github.as_("carol").edit(comment, "carol was here")
    github.as_("carol").delete(comment)
    assert [one["body"] for one in github.comments(pull)] == ["good morning"]


def test_teams_change_and_may_be_pending(github: GitHub) -> None:
    """Who left, and who has not accepted yet, is told apart from who is in."""
    theirs = installation(github)
    alice = "/orgs/acme/teams/ml/memberships/alice"
    assert theirs.get(alice).json()["state"] == "active"
    assert {one["login"] for one in theirs.get("/orgs/acme/teams/ml/members").json()} == {"alice", "bob"}
    github.remove_from_team("alice", "ml")
    assert theirs.get(alice).status_code == 404
    github.add_to_team("alice", "ml", pending=True)
    assert theirs.get(alice).json()["state"] == "pending"
    assert [one["login"] for one in theirs.get("/orgs/acme/teams/ml/members").json()] == ["bob"]
    assert theirs.get("/orgs/acme/teams/nobody/members").status_code == 404


def test_an_app_without_members_may_not_ask_for_teams(emulator: Emulator, github_apps: list) -> None:
    """403: the permission is missing, which is not the same as not being in."""
    ours, other = github_apps
    less = {name: level for name, level in ours.permissions.items() if name not in ("members", "statuses")}
    poorer = [type(ours)(ours.id, ours.slug, ours.installation, less, ours.key), other]
    with GitHub(emulator, apps=poorer) as github:
        theirs = installation(github)
        assert theirs.get("/orgs/acme/teams/ml/memberships/alice").status_code == 403
        assert theirs.post(f"{HOME}/statuses/{github.tip()}", json={"state": "success"}).status_code == 403


def test_a_login_changes_hands(github: GitHub) -> None:
    """Alice is called otherwise, and Mallory takes her login: the number tells them apart."""
    pull, theirs = opened(github), installation(github)
    github.as_("alice").comment(pull, "mine")
    numbers = github.user_id("alice"), github.user_id("mallory")
    github.rename_user("alice", "alicia")
    assert theirs.get("/users/alice").status_code == 404
    github.rename_user("mallory", "Alice")
    assert theirs.get("/users/alicia").json()["id"] == numbers[0]
    assert theirs.get("/users/alice").json()["id"] == numbers[1]
    told = theirs.get(f"{HOME}/collaborators/alice/permission").json()
    assert (told["permission"], told["user"]["id"]) == ("none", numbers[1])
    assert theirs.get("/orgs/acme/teams/ml/memberships/alice").status_code == 404
    assert {one["login"] for one in theirs.get("/orgs/acme/teams/ml/members").json()} == {"alicia", "bob"}
    (comment,) = theirs.get(f"{HOME}/issues/{pull}/comments").json()
    assert comment["user"]["login"] == "alicia"
    github.set_role("alice", "read")
    github.as_("alice").edit(comment["id"], "still mine")


def test_logins_are_found_without_regard_to_case(github: GitHub) -> None:
    """Alice is alice."""
    theirs = installation(github)
    assert theirs.get(f"{HOME}/collaborators/ALICE/permission").json()["user"]["login"] == "alice"
    assert theirs.get("/orgs/acme/teams/ml/memberships/Alice").json()["state"] == "active"


def test_nobody_meets_the_limit_of_emulate(github: GitHub) -> None:
    """Whoever calls often calls under other tokens there."""
    pull = opened(github)
    github.site.turn = 2
    for theirs in (client(github), installation(github)):
        for _ in range(9):
            assert theirs.get(f"{HOME}/pulls/{pull}").status_code == 200


# Talk


def test_a_comment_of_65_536_characters_and_no_more(github: GitHub) -> None:
    """One more is refused in GitHub's words."""
    path = f"{HOME}/issues/{opened(github)}/comments"
    assert client(github).post(path, json={"body": "x" * 65_536}).status_code == 201
    refused = client(github).post(path, json={"body": "x" * 65_537})
    assert refused.status_code == 422
    assert "Body is too long" in refused.json()["errors"][0]["message"]


def test_a_comment_says_which_app_wrote_it(github: GitHub) -> None:
    """The App's is a bot's; a person's is not."""
    pull = opened(github)
    installation(github).post(f"{HOME}/issues/{pull}/comments", json={"body": "a"}).raise_for_status()
    github.as_("alice").comment(pull, "b")
    github.as_("dependabot[bot]").comment(pull, "c")
    told = client(github).get(f"{HOME}/issues/{pull}/comments").json()
    assert [one["user"]["type"] for one in told] == ["Bot", "User", "Bot"]
    assert [(one["performed_via_github_app"] or {}).get("slug") for one in told] == ["ratchet", None, "dependabot"]
    assert told[0]["id"] > 2**31


def test_comments_are_paged_and_their_links_name_the_number(github: GitHub) -> None:
    """150 comments are two pages; the link leads on."""
    pull = opened(github)
    for number in range(150):
        github.as_("alice").comment(pull, str(number))
    theirs, seen = client(github), []
    url = f"{HOME}/issues/{pull}/comments?per_page=100"
    while url:
        answer = theirs.get(url)
        seen += [one["body"] for one in answer.json()]
        url = answer.links.get("next", {}).get("url", "")
        assert not url or "/repositories/" in url
    assert seen == [str(number) for number in range(150)]


def test_since_is_the_last_change_and_includes_its_second(github: GitHub) -> None:
    """An edited old comment comes again; what is older does not; for one pull request and for all."""
    pull = opened(github)
    first = github.as_("alice").comment(pull, "one")
    github.as_("alice").comment(pull, "two")
    github.pass_time(minutes=10)
    github.as_("alice").edit(first, "uno")
    third = github.as_("bob").comment(pull, "three")
    since = github.comments(pull)[0]["updated_at"]
    for path in (f"{HOME}/issues/{pull}/comments", f"{HOME}/issues/comments"):
        told = client(github).get(path, params={"since": since}).json()
        assert [one["id"] for one in told] == [first, third]
        assert told[0]["created_at"] < told[0]["updated_at"]


def test_what_has_not_changed_is_not_sent_again(github: GitHub) -> None:
    """304 with the ETag, until there is another comment."""
    pull = opened(github)
    path, theirs = f"{HOME}/issues/{pull}/comments", client(github)
    tag = theirs.get(path).headers["etag"]
    same = theirs.get(path, headers={"if-none-match": tag})
    assert (same.status_code, same.content) == (304, b"")
    github.as_("alice").comment(pull, "new")
    assert theirs.get(path, headers={"if-none-match": tag}).status_code == 200


def test_a_reaction_is_there_once(github: GitHub) -> None:
    """201, then 200; it can be listed, counted and taken away."""
    pull = opened(github)
    comment = github.as_("alice").comment(pull, "/approve")
    path, theirs = f"{HOME}/issues/comments/{comment}/reactions", installation(github)
    first = theirs.post(path, json={"content": "eyes"})
    assert (first.status_code, theirs.post(path, json={"content": "eyes"}).status_code) == (201, 200)
    theirs.post(path, json={"content": "+1"}).raise_for_status()
    github.as_("bob").react(comment, "eyes")
    assert github.reactions(comment) == ["eyes", "+1", "eyes"]
    assert theirs.get(f"{HOME}/issues/comments/{comment}").json()["reactions"]["eyes"] == 2
    assert [one["user"]["login"] for one in theirs.get(path).json()] == ["ratchet[bot]", "ratchet[bot]", "bob"]
    assert theirs.delete(f"{path}/{first.json()['id']}").status_code == 204
    assert github.reactions(comment) == ["+1", "eyes"]
    assert theirs.post(path, json={"content": "check"}).status_code == 422


# Pull requests


def test_one_pull_request_for_a_branch_with_something_on_it(github: GitHub) -> None:
    """No such branch, nothing on it, a second one: each is 422."""
    theirs, body = client(github), {"title": "t", "head": BRANCH, "base": "main"}
    assert theirs.post(f"{HOME}/pulls", json=body).status_code == 422
    assert github.tip(BRANCH) is None
    github.as_("machine").branch(BRANCH, github.tip() or "")
    assert "No commits between" in theirs.post(f"{HOME}/pulls", json=body).text
    github.write("x", "y", branch=BRANCH)
    assert theirs.post(f"{HOME}/pulls", json=body).status_code == 201
    assert "already exists" in theirs.post(f"{HOME}/pulls", json=body).text
    found = theirs.get(f"{HOME}/pulls", params={"head": f"acme:{BRANCH}", "state": "all"}).json()
    assert [one["number"] for one in found] == [1]
    assert theirs.get(f"{HOME}/pulls", params={"head": "acme:other"}).json() == []


def test_its_head_moves_with_the_branch(github: GitHub) -> None:
    """A push is seen in the pull request; a review is about what it saw."""
    pull = opened(github)
    first = github.tip(BRANCH)
    github.as_("alice").review(pull, "APPROVE", "good")
    second = github.write("more", "x", branch=BRANCH)
    assert client(github).get(f"{HOME}/pulls/{pull}").json()["head"]["sha"] == second
    github.as_("bob").review(pull, "REQUEST_CHANGES", "bad")
    told = client(github).get(f"{HOME}/pulls/{pull}/reviews").json()
    assert [(one["state"], one["commit_id"]) for one in told] == [("APPROVED", first), ("CHANGES_REQUESTED", second)]


def test_two_are_merged_one_after_the_other(github: GitHub) -> None:
    """Neither undoes the other, whatever was on the base when they were opened."""
    one, two = opened(github, "ratchet/c-1"), opened(github, "ratchet/c-2")
    theirs = installation(github)
    for pull, branch in ((one, "ratchet/c-1"), (two, "ratchet/c-2")):
        wrong = theirs.put(f"{HOME}/pulls/{pull}/merge", json={"sha": "0" * 40})
        assert wrong.status_code == 409
        done = theirs.put(f"{HOME}/pulls/{pull}/merge", json={"sha": github.tip(branch)})
        assert (done.status_code, done.json()["sha"]) == (200, github.tip())
    assert {"cycles/ratchet/c-1.json", "cycles/ratchet/c-2.json", "ratchet.yaml"} <= github.files().keys()
    assert theirs.put(f"{HOME}/pulls/{two}/merge", json={}).status_code == 405
    told = theirs.get(f"{HOME}/pulls/{two}").json()
    assert (told["merged"], told["state"], told["merge_commit_sha"]) == (True, "closed", github.tip())


def test_what_is_written_in_the_editor_is_signed_and_what_is_pushed_is_not(github: GitHub) -> None:
    """A pushed commit may name anybody's address; GitHub knows whom it belongs to, and signs nothing of it."""
    alice, bob = github.as_("alice"), github.as_("bob")
    alice.branch(BRANCH, github.tip() or "")
    first = alice.write(BRANCH, "cycles/labels.csv", "id,label\n")
    second = bob.push(BRANCH, "cycles/labels.csv", "id\n", address="alice@users.noreply.github.com")
    third = bob.push(BRANCH, "cycles/labels.csv", "label\n", address="bob@home.example.org")
    alice.write(BRANCH, "elsewhere.txt", "x")
    last = alice.write(BRANCH, "cycles/labels.csv", None)
    transport = Transport(github.url, repository="acme/models", pace=0, token=github.token("machine"))
    found = Repository(transport.send, "acme/models").commits(BRANCH, "cycles/labels.csv").items
    transport.close()
    assert [one.sha for one in found] == [last, third, second, first]
    assert [one.author.login if one.author else None for one in found] == ["alice", None, "alice", "alice"]
    assert [one.vouched for one in found] == [True, False, False, True]
    assert github.violations.requests == []


def test_a_conflict_is_not_merged(github: GitHub) -> None:
    """405, and the pull request says so before."""
    pull = opened(github)
    github.write("ratchet.yaml", "theirs", branch=BRANCH)
    github.write("ratchet.yaml", "ours")
    assert client(github).get(f"{HOME}/pulls/{pull}").json()["mergeable"] is False
    assert client(github).put(f"{HOME}/pulls/{pull}/merge", json={}).status_code == 405


def test_nobody_approves_their_own(github: GitHub) -> None:
    """422 for the author; a comment is free to all."""
    pull = opened(github, by="alice")
    with pytest.raises(Refusal, match="Can not approve your own pull request"):
        github.as_("alice").review(pull, "APPROVE")
    github.as_("alice").review(pull, "COMMENT", "look")
    with pytest.raises(Refusal, match="422"):
        github.as_("bob").review(pull, "REQUEST_CHANGES")


def test_a_dismissed_review_keeps_its_words(github: GitHub) -> None:
    """The state alone changes."""
    pull = opened(github)
    github.as_("dave").dismiss(pull, github.as_("alice").review(pull, "APPROVE", "/approve well"))
    (told,) = client(github).get(f"{HOME}/pulls/{pull}/reviews").json()
    assert (told["state"], told["body"]) == ("DISMISSED", "/approve well")


def test_it_is_an_issue_too(github: GitHub) -> None:
    """With its labels, by number and in the list."""
    pull, theirs = opened(github), installation(github)
    theirs.post(f"{HOME}/issues/{pull}/labels", json={"labels": ["ratchet", "waiting"]}).raise_for_status()
    theirs.delete(f"{HOME}/issues/{pull}/labels/waiting").raise_for_status()
    assert github.labels(pull) == ["ratchet"]
    assert theirs.get(f"{HOME}/issues/{pull}").json()["pull_request"]["url"].endswith(f"/pulls/{pull}")
    found = theirs.get(f"{HOME}/issues", params={"labels": "ratchet"}).json()
    assert [one["number"] for one in found] == [pull]
    assert theirs.patch(f"{HOME}/issues/{pull}", json={"state": "closed"}).json()["state"] == "closed"
    assert github.pulls()[0]["state"] == "closed"


def test_a_branch_that_goes_takes_its_pull_request_along(github: GitHub) -> None:
    """It is closed, and still knows its head."""
    pull, head = opened(github), github.tip(BRANCH)
    github.as_("machine").delete_branch(BRANCH)
    told = client(github).get(f"{HOME}/pulls/{pull}").json()
    assert (told["state"], told["head"]["sha"]) == ("closed", head)


def test_files_are_committed_through_git_data(github: GitHub) -> None:
    """Blob, tree, commit, ref: what the product does for a cycle."""
    theirs, start = installation(github), github.tip()
    blob = theirs.post(
        f"{HOME}/git/blobs", json={"content": base64.b64encode(b"\x00\xff").decode(), "encoding": "base64"}
    ).json()
    base = theirs.get(f"{HOME}/git/commits/{start}").json()["tree"]["sha"]
    entries = [
        {"path": "cycles/c-1/a.bin", "mode": "100644", "type": "blob", "sha": blob["sha"]},
        {"path": "cycles/c-1/b.md", "mode": "100644", "type": "blob", "content": "é\n"},
    ]
    tree = theirs.post(f"{HOME}/git/trees", json={"base_tree": base, "tree": entries}).json()
    said = {"message": "m", "tree": tree["sha"], "parents": [start]}
    commit = theirs.post(f"{HOME}/git/commits", json=said).json()["sha"]
    ref = {"ref": f"refs/heads/{BRANCH}", "sha": commit}
    assert theirs.post(f"{HOME}/git/refs", json=ref).status_code == 201
    assert theirs.post(f"{HOME}/git/refs", json=ref).status_code == 422
    assert theirs.get(f"{HOME}/git/ref/heads/{BRANCH}").json()["object"]["sha"] == commit
    back = theirs.patch(f"{HOME}/git/refs/heads/{BRANCH}", json={"sha": start, "force": False})
    assert (back.status_code, github.tip(BRANCH)) == (422, commit)
    files = github.files(BRANCH)
    assert (files["cycles/c-1/a.bin"], files["cycles/c-1/b.md"]) == (b"\x00\xff", "é\n".encode())
    read = theirs.get(f"{HOME}/contents/ratchet.yaml", params={"ref": start})
    assert base64.b64decode(read.json()["content"]) == b"pipelines: {}\n"


# Checks, statuses, workflows


def test_check_runs_are_for_apps_and_have_limits(github: GitHub) -> None:
    """403 for a person; 65,535 characters; a commit that is there; the App's name on it."""
    sha = github.tip() or ""
    body = {"name": "ratchet / collect", "head_sha": sha, "status": "in_progress"}
    assert client(github).post(f"{HOME}/check-runs", json=body).status_code == 403
    theirs = installation(github)
    made = theirs.post(f"{HOME}/check-runs", json=body)
    assert (made.status_code, made.json()["app"]["slug"]) == (201, "ratchet")
    output = {"title": "t", "summary": "s" * 65_536}
    assert theirs.post(f"{HOME}/check-runs", json=body | {"output": output}).status_code == 422
    assert theirs.post(f"{HOME}/check-runs", json=body | {"head_sha": "0" * 40}).status_code == 422
    end = {"conclusion": "success", "output": {"title": "t", "summary": "s"}}
    done = theirs.patch(f"{HOME}/check-runs/{made.json()['id']}", json=end)
    assert (done.json()["status"], done.json()["conclusion"]) == ("completed", "success")
    told = theirs.get(f"{HOME}/commits/{sha}/check-runs", params={"check_name": "ratchet / collect"}).json()
    assert [one["id"] for one in told["check_runs"]] == [made.json()["id"]]
    assert [one["conclusion"] for one in github.checks(sha)] == ["success"]


def test_statuses_are_kept_and_combined(github: GitHub) -> None:
    """The newest of each context counts."""
    sha, theirs = github.tip() or "", client(github)
    for state in ("pending", "success"):
        said = {"state": state, "context": "ratchet/collect", "description": "d", "target_url": "https://example.org/"}
        assert theirs.post(f"{HOME}/statuses/{sha}", json=said).status_code == 201
    assert theirs.post(f"{HOME}/statuses/{sha}", json={"state": "fine"}).status_code == 422
    assert theirs.post(f"{HOME}/statuses/{'0' * 40}", json={"state": "success"}).status_code == 422
    assert [one["state"] for one in theirs.get(f"{HOME}/commits/{sha}/statuses").json()] == ["success", "pending"]
    assert theirs.get(f"{HOME}/commits/{sha}/status").json()["state"] == "success"
    assert [one["state"] for one in github.statuses(sha)] == ["success", "pending"]


def test_workflows_are_started(github: GitHub) -> None:
    """By name on the default branch, or by an event of ten keys at most."""
    github.write(".github/workflows/ratchet-retrain.yml", "on: workflow_dispatch")
    github.as_("alice").run_workflow("ratchet-retrain.yml", pipeline="sentiment")
    with pytest.raises(Refusal, match="404"):
        github.as_("alice").run_workflow("other.yml")
    sent = {"event_type": "ratchet", "client_payload": {"cycle": "c-000001"}}
    assert client(github).post(f"{HOME}/dispatches", json=sent).status_code == 204
    sent["client_payload"] = {str(number): number for number in range(11)}
    assert client(github).post(f"{HOME}/dispatches", json=sent).status_code == 422
    assert [one["event"] for one in github.dispatches] == ["workflow_dispatch", "repository_dispatch"]
    assert github.dispatches[0]["inputs"] == {"pipeline": "sentiment"}


# Deliveries


def test_deliveries_are_signed_and_look_like_githubs(github: GitHub, ear: Ear) -> None:
    """Every header; the body as signed; sender, repository, issue and comment where GitHub has them."""
    github.hook(ear.url, "s3cret")
    pull = opened(github)
    comment = github.as_("alice").comment(pull, "/approve ✅")
    github.settle()
    headers, body = ear.heard[-1]
    assert headers["x-github-event"] == "issue_comment"
    assert headers["x-hub-signature-256"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert {"x-github-delivery", "x-github-hook-id", "x-github-hook-installation-target-id"} <= headers.keys()
    told = github.deliveries[-1].payload
    assert (told["action"], told["comment"]["id"], told["issue"]["number"]) == ("created", comment, pull)
    assert (told["sender"]["login"], told["repository"]["full_name"]) == ("alice", "acme/models")
    assert told["issue"]["pull_request"]
    assert told["installation"]["id"] == 5001


def test_deliveries_have_whatever_real_ones_have(github: GitHub) -> None:
    """All fields that are in each of GitHub's recorded payloads, but for what a list or an empty field may hold."""
    github.hook("http://127.0.0.1:9/", "s")
    pull = opened(github)
    github.as_("alice").delete(github.as_("alice").comment(pull, "a"))
    github.as_("alice").review(pull, "APPROVE")
    recorded = data("webhooks.json.xz")
    for delivery in github.deliveries:
        real = [fields(one) for one in recorded[delivery.event] if one["action"] == delivery.action]
        held = ("/assignee/", "/milestone/", "/custom_properties")
        always = {path for path in set.intersection(*real) if not any(part in path for part in held)}
        assert always - fields(delivery.payload) == set()


def fields(node: object, path: str = "") -> set[str]:
    """Every path to a field, lists left out."""
    if not isinstance(node, dict):
        return {path}
    return {path}.union(*(fields(value, f"{path}/{name}") for name, value in node.items()))


def test_what_is_delivered(github: GitHub, ear: Ear) -> None:
    """Opening, talk, changes of talk, reviews, pushes, labels, the end: in order, each under its own id."""
    github.hook(ear.url, "s")
    pull = opened(github)
    alice = github.as_("alice")
    comment = alice.comment(pull, "a")
    alice.edit(comment, "b")
    github.as_("carol").delete(comment)
    review = alice.review(pull, "APPROVE")
    github.as_("dave").dismiss(pull, review)
    client(github).put(
        f"{HOME}/contents/new", json={"message": "m", "content": "eA==", "branch": BRANCH}
    ).raise_for_status()
    github.as_("alice").label(pull, "nice")
    github.as_("dave").merge(pull)
    github.settle()
    assert [(one.event, one.action) for one in github.deliveries] == [
        ("pull_request", "opened"),
        ("issue_comment", "created"),
        ("issue_comment", "edited"),
        ("issue_comment", "deleted"),
        ("pull_request_review", "submitted"),
        ("pull_request_review", "dismissed"),
        ("pull_request", "synchronize"),
        ("pull_request", "labeled"),
        ("pull_request", "closed"),
    ]
    assert all(one.answers == [202] for one in github.deliveries)
    assert len({one.guid for one in github.deliveries}) == 9
    assert github.deliveries[2].payload["changes"] == {"body": {"from": "a"}}
    assert github.deliveries[3].payload["sender"]["login"] == "carol"
    assert github.deliveries[4].payload["review"]["state"] == "approved"


def test_deliveries_are_lost_held_and_sent_again(github: GitHub, ear: Ear) -> None:
    """The lost never come; the held come late, and backwards if told; again is under the same id."""
    github.hook(ear.url, "s", "issue_comment")
    pull = opened(github)
    alice = github.as_("alice")
    github.drop_webhooks()
    alice.comment(pull, "lost")
    github.hold_webhooks()
    alice.comment(pull, "one")
    alice.comment(pull, "two")
    github.settle()
    assert ear.heard == []
    github.deliver_webhooks(backwards=True)
    alice.comment(pull, "three")
    github.redeliver(times=2)
    github.settle()
    sent = {one.guid: one.payload["comment"]["body"] for one in github.deliveries}
    arrived = [sent[headers["x-github-delivery"]] for headers, _ in ear.heard]
    assert arrived == ["two", "one", "three", "three", "three"]


def test_five_deliveries_at_once(github: GitHub, ear: Ear) -> None:
    """The same, at the same moment."""
    github.hook(ear.url, "s", "issue_comment")
    github.as_("alice").comment(opened(github), "/approve")
    github.settle()
    github.redeliver(times=5, at_once=True)
    assert len(ear.heard) == 6
    assert len({headers["x-github-delivery"] for headers, _ in ear.heard}) == 1


def test_an_app_looks_its_deliveries_up(github: GitHub, ear: Ear) -> None:
    """Which were not taken, newest first, and asks for them again."""
    github.hook("http://127.0.0.1:9/", "s", "issue_comment")
    github.as_("alice").comment(opened(github), "x")
    github.settle()
    theirs = app(github)
    (first,) = theirs.get("/app/hook/deliveries").json()
    assert (first["status_code"], first["event"], first["redelivery"]) == (502, "issue_comment", False)
    assert first["id"] > 2**32
    assert theirs.post(f"/app/hook/deliveries/{first['id']}/attempts").status_code == 202
    github.settle()
    second, _ = theirs.get("/app/hook/deliveries").json()
    assert (second["guid"], second["redelivery"]) == (first["guid"], True)
    assert client(github).get("/app/hook/deliveries").status_code == 401


def test_a_hook_that_nobody_answers_hurts_nobody(github: GitHub) -> None:
    """The delivery is remembered as unanswered."""
    github.hook("http://127.0.0.1:9/", "s", "issue_comment")
    github.as_("alice").comment(opened(github), "x")
    github.settle()
    assert github.deliveries[-1].answers == [0]


# Faults


def test_github_is_down(github: GitHub) -> None:
    """503 or silence for the product, until it is up; people's comments are there then."""
    theirs, pull = client(github), opened(github)
    github.down()
    assert theirs.get(HOME).status_code == 503
    github.down(0)
    with pytest.raises(httpx.RemoteProtocolError):
        theirs.get(HOME)
    github.as_("alice").comment(pull, "meanwhile")
    github.up()
    assert len(theirs.get(f"{HOME}/issues/{pull}/comments").json()) == 1


def test_github_goes_down_in_the_middle(github: GitHub) -> None:
    """After two more calls."""
    theirs = client(github)
    github.down(after=2)
    assert [theirs.get(HOME).status_code for _ in range(3)] == [200, 200, 503]


def test_something_happens_meanwhile(github: GitHub) -> None:
    """Just before an answer somebody acts, once."""
    pull, theirs = opened(github), client(github)
    github.when("GET", r"/permission$", lambda: github.set_role("alice", "none"))
    github.when("GET", r"/comments$", lambda: github.as_("bob").comment(pull, "first"))
    assert theirs.get(f"{HOME}/collaborators/alice/permission").json()["permission"] == "none"
    assert len(theirs.get(f"{HOME}/issues/{pull}/comments").json()) == 1
    assert len(theirs.get(f"{HOME}/issues/{pull}/comments").json()) == 1


def test_waiting_for_something_to_be_so(github: GitHub) -> None:
    """Another thread's comment ends the wait; what never comes says what came."""
    pull = opened(github)
    other = threading.Thread(target=lambda: client(github).post(f"{HOME}/issues/{pull}/comments", json={"body": "x"}))
    other.start()
    github.until(lambda: len(github.comments(pull)) == 1)
    other.join()
    with pytest.raises(TimeoutError, match="POST /repos/acme/models/issues/1/comments"):
        github.until(lambda: False, seconds=0.01)


@pytest.mark.parametrize("status", [502, 0])
@pytest.mark.parametrize("after", [True, False])
def test_a_write_that_fails_was_done_or_was_not(github: GitHub, after: bool, status: int) -> None:
    """`after`: the comment is there although the answer says otherwise."""
    pull, theirs = opened(github), client(github)
    path = f"{HOME}/issues/{pull}/comments"
    github.fail_once("POST", r"/issues/\d+/comments$", after=after, status=status)
    if status:
        assert theirs.post(path, json={"body": "x"}).status_code == 502
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            theirs.post(path, json={"body": "x"})
    assert len(github.comments(pull)) == after
    assert theirs.post(path, json={"body": "y"}).status_code == 201


def test_limits_say_when_to_come_back(github: GitHub) -> None:
    """Secondary: writes, with Retry-After. Primary: everything, with the time of the reset."""
    pull, theirs = opened(github), client(github)
    github.limit(30)
    refused = theirs.post(f"{HOME}/issues/{pull}/comments", json={"body": "x"})
    assert (refused.status_code, refused.headers["retry-after"]) == (403, "30")
    assert "secondary rate limit" in refused.json()["message"]
    assert theirs.get(HOME).status_code == 200
    github.limit(30, "primary")
    assert theirs.get(HOME).headers["x-ratelimit-remaining"] == "0"
    github.limit(0)
    assert theirs.get(HOME).status_code == 200


def test_a_renamed_repository_is_found_by_its_number(github: GitHub) -> None:
    """GET 301, a write 307, both to /repositories/{id}, where it answers."""
    pull, theirs = opened(github), client(github)
    path = f"{HOME}/issues/{pull}/comments"
    github.rename("acme/models-2")
    read, wrote = theirs.get(path), theirs.post(path, json={"body": "x"})
    assert (read.status_code, wrote.status_code) == (301, 307)
    assert read.headers["location"] == wrote.headers["location"]
    assert theirs.post(wrote.headers["location"], json={"body": "x"}).status_code == 201
    assert len(theirs.get(read.headers["location"]).json()) == 1
    assert theirs.get("/repos/acme/models-2").json()["full_name"] == "acme/models-2"


def test_exchanges_are_kept_and_judged(github: GitHub) -> None:
    """What the product asks against GitHub's description is found; what people do is not the product's."""
    pull = opened(github)
    assert github.exchanges == []
    client(github).post(f"{HOME}/issues/{pull}/comments", json={"body": "x", "colour": "red"})
    client(github).get(HOME)
    assert [one.reply.status for one in github.exchanges if one.reply] == [201, 200]
    (wrong,) = github.violations.requests
    assert "colour" in wrong


@pytest.mark.parametrize("as_app", [True, False])
def test_the_product_is_at_home_here(github: GitHub, as_app: bool) -> None:
    """Its own transport, as an App and with a token: everything it does is known to GitHub, and is done."""
    key = (
        {"app_id": str(github.app_id), "private_key": github.private_key}
        if as_app
        else {"token": github.token("machine")}
    )
    transport = Transport(github.url, repository="acme/models", pace=0, **key)
    home = Repository(transport.send, "acme/models")
    me, login = transport.whoami()
    assert login == ("ratchet[bot]" if as_app else "machine")
    sha = home.commit(BRANCH, None, home.head("main") or "", {"a/é.md": "é", "a/b": b"\xff"}, "m")
    pull = home.open_pull(BRANCH, "main", "t", "b")
    comment = github.as_("alice").comment(pull.number, "/approve")
    home.react(comment, "eyes")
    own = home.say(pull.number, "status")
    assert home.edit(own.id, "status 2").user is not None
    assert home.reactions(comment) == ((me, "eyes"),)
    assert [one.id for one in home.comments(pull.number).items] == [comment, own.id]
    github.as_("bob").review(pull.number, "APPROVE")
    assert home.reviews(pull.number).items[0].commit_id == sha
    assert (home.role("alice"), home.role("mallory"), home.role("ratchet[bot]")) == ("write", "none", "none")
    assert {one.login for one in home.team("acme", "ml")} == {"alice", "bob"}
    home.add_labels(pull.number, "ratchet")
    home.remove_label(pull.number, "ratchet")
    if as_app:
        check = home.check(sha, "ratchet", external_id="x", status="in_progress", title="t", summary="s")
        home.edit_check(check, status="completed", conclusion="success", title="t", summary="s")
        assert [one.id for one in home.checks(sha, "ratchet")] == [check]
    home.status(sha, "ratchet", "pending", "d")
    assert [one.state for one in home.statuses(sha)] == ["pending"]
    assert home.merge(pull.number, sha, "done") == github.tip()
    assert home.file("a/é.md", "main") == "é".encode()
    assert github.violations.requests == []
    transport.close()
