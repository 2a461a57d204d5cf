"""What each operation does with what GitHub answers: a scripted GitHub, and every request that it got."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from reviewers.github.protocol import Answer, Forbidden, GitHubError, Invalid, Missing, Request, Unreachable
from reviewers.github.repository import Comment, PullReview, Repository, User

AT = "2026-11-20T02:17:00Z"
ALICE = {"id": 1, "login": "alice", "type": "User"}
COMMENT = {"id": 5, "user": ALICE, "body": "/approve", "created_at": AT, "updated_at": AT, "html_url": "https://x/5"}
PULL = {
    "id": 70,
    "number": 7,
    "html_url": "https://x/7",
    "state": "open",
    "merged_at": None,
    "head": {"sha": "aaa", "ref": "ratchet/c-000001", "repo": None},
    "base": {"ref": "main"},
    "title": "c-000001",
    "body": None,
}


class Scripted:
    """Answers by method and path: a body, an `Answer`, an error, or a list of these one after the other."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.answers: dict[str, Any] = {}

    def says(self, key: str, *answers: Any) -> "Scripted":
        """These answers to `METHOD path`."""
        self.answers[key] = list(answers)
        return self

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        answer = self.answers[str(request)]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, GitHubError):
            raise answer
        return answer if isinstance(answer, Answer) else Answer(200, {}, answer)


def github(key: str, *answers: Any) -> tuple[Repository, Scripted]:
    """A repository `o/r` whose GitHub says this."""
    scripted = Scripted().says(key, *answers)
    return Repository(scripted, "o/r"), scripted


class TestWhatIsSeen:
    """Comments, reviews and pull requests as small nouns."""

    @pytest.mark.parametrize(
        ("author", "committer", "verified", "vouched"),
        [
            (ALICE, {"id": 19864447, "login": "web-flow"}, True, True),
            (ALICE, ALICE, True, True),
            (ALICE, ALICE, False, False),
            (ALICE, {"id": 2, "login": "bob"}, True, False),
            (ALICE, {}, True, False),
            ({}, ALICE, True, False),
            (None, None, True, False),
        ],
    )
    def test_a_commit_is_its_authors_where_github_vouches_for_it(
        self, author: Any, committer: Any, verified: bool, vouched: bool
    ) -> None:
        """Its editor signs for who was logged in; another signature is its committer's, and nobody else's."""
        commit = {"message": "m", "committer": {"date": AT}, "verification": {"verified": verified}}
        body = {"sha": "a", "author": author, "committer": committer, "commit": commit, "parents": [{"sha": "b"}]}
        repository, asked = github("GET /repos/o/r/commits", Answer(200, {"etag": "W/1"}, [body | {"html_url": None}]))
        found = repository.commits("ratchet/c-000001", "cycles/c-000001/labels.csv", "W/0")
        [one] = found.items
        assert (one.vouched, one.parents[0].sha, one.at, found.etag) == (
            vouched,
            "b",
            datetime.fromisoformat(AT),
            "W/1",
        )
        assert (asked.asked[0].etag, asked.asked[0].query["sha"]) == ("W/0", "ratchet/c-000001")

    def test_a_comment(self) -> None:
        """Who, what, when, where, and by which App; the rest is not read."""
        answered = COMMENT | {"performed_via_github_app": {"id": 12, "slug": "ratchet"}, "author_association": "OWNER"}
        repository, _ = github("GET /repos/o/r/issues/comments/5", answered)
        when = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
        alice = User(id=1, login="alice", type="User")
        assert repository.comment_by_id(5) == Comment(
            id=5, user=alice, body="/approve", created_at=when, updated_at=when, url="https://x/5", app_id=12
        )

    def test_a_comment_of_a_ghost(self) -> None:
        """The account is gone, the App unknown, the text empty: still a comment."""
        repository, _ = github(
            "GET /repos/o/r/issues/comments/5", COMMENT | {"user": None, "body": None, "performed_via_github_app": None}
        )
        seen = repository.comment_by_id(5)
        assert seen is not None
        assert (seen.user, seen.body, seen.app_id) == (None, "", None)

    def test_what_was_deleted_is_none(self) -> None:
        """404 of a comment, a branch, a file, a user, a pull request."""
        gone = Repository(lambda _: (_ for _ in ()).throw(Missing("gone")), "o/r")
        assert gone.comment_by_id(5) is None
        assert gone.head("b") is None
        assert gone.file("f", "main") is None
        assert gone.user("nobody") is None
        assert gone.pull(7) is None
        gone.remove_label(7, "x")

    def test_what_may_not_be_seen_is_no_absence(self) -> None:
        """403, or a team that can't be read, is told: nobody takes it for an empty one."""
        refused = Repository(lambda _: (_ for _ in ()).throw(Forbidden("no")), "o/r")
        for ask in (lambda: refused.comment_by_id(5), lambda: refused.role("alice"), lambda: refused.team("o", "t")):
            with pytest.raises(Forbidden):
                ask()
        gone = Repository(lambda _: (_ for _ in ()).throw(Missing("gone")), "o/r")
        for ask in (gone.about, lambda: gone.team("o", "t"), lambda: gone.comments(7), lambda: gone.edit(5, "x")):
            with pytest.raises(Missing):
                ask()

    @pytest.mark.parametrize("body", [None, [], {}, {"id": "five"}, "text", COMMENT | {"created_at": "yesterday"}])
    def test_another_shape_is_no_answer(self, body: Any) -> None:
        """An answer that can't be read is told: the comment may have been made."""
        repository, _ = github("POST /repos/o/r/issues/7/comments", body)
        with pytest.raises(Unreachable, match="is no Comment"):
            repository.say(7, "hello")

    @pytest.mark.parametrize("body", [None, {}, {"message": "x"}, "text", [5]])
    def test_what_is_no_list_is_not_an_empty_one(self, body: Any) -> None:
        """An answer that is no list is told."""
        repository, _ = github("GET /repos/o/r/issues/7/labels", body)
        with pytest.raises(Unreachable):
            repository.labels(7)

    def test_a_review(self) -> None:
        """State, text and the commit that was looked at; a pending one has no time yet."""
        one = {"id": 9, "user": ALICE, "state": "APPROVED", "body": "", "commit_id": "aaa", "html_url": "u"}
        repository, _ = github(
            "GET /repos/o/r/pulls/7/reviews", [one | {"submitted_at": AT}, one | {"state": "PENDING"}]
        )
        first, second = repository.reviews(7).items
        assert isinstance(first, PullReview)
        assert (first.state, first.commit_id, first.submitted_at) == ("APPROVED", "aaa", datetime.fromisoformat(AT))
        assert second.submitted_at is None

    @pytest.mark.parametrize(("answered", "merged"), [({}, False), ({"merged_at": AT, "state": "closed"}, True)])
    def test_whether_it_is_merged(self, answered: dict[str, Any], merged: bool) -> None:
        """Lists say it by the time of the merge alone, and so it is read everywhere."""
        repository, _ = github("GET /repos/o/r/pulls/7", PULL | answered)
        seen = repository.pull(7)
        assert seen is not None
        assert seen.merged is merged
        assert (seen.head_sha, seen.head_branch, seen.base_branch, seen.body) == ("aaa", "ratchet/c-000001", "main", "")


class TestLists:
    """To the last page, and only what changed."""

    def test_every_page(self) -> None:
        """150 comments on two pages, by the link as given."""
        there = "https://api.github.com/repositories/1/issues/7/comments?page=2"
        pages = [[COMMENT | {"id": n} for n in range(1, 101)], [COMMENT | {"id": n} for n in range(101, 151)]]
        scripted = Scripted()
        scripted.says(
            "GET /repos/o/r/issues/7/comments", Answer(200, {"etag": '"1"', "link": f'<{there}>; rel="next"'}, pages[0])
        )
        scripted.says(f"GET {there}", Answer(200, {"etag": '"2"'}, pages[1]))
        found = Repository(scripted, "o/r").comments(7, since=AT)
        assert [one.id for one in found.items] == list(range(1, 151))
        assert scripted.asked[0].query == {"per_page": "100", "since": AT}
        assert scripted.asked[1].query == {}
        assert found.etag == ""

    @pytest.mark.parametrize(("count", "etag"), [(0, '"1"'), (99, '"1"'), (100, "")])
    def test_a_full_page_has_no_etag(self, count: int, etag: str) -> None:
        """The next comment would come on another page, and GitHub would call this one unchanged for ever."""
        answer = Answer(200, {"etag": '"1"'}, [COMMENT | {"id": n + 1} for n in range(count)])
        repository, _ = github("GET /repos/o/r/issues/7/comments", answer)
        assert repository.comments(7).etag == etag

    def test_unchanged(self) -> None:
        """304 is no empty list: it is said to be unchanged, under the etag that was given."""
        repository, scripted = github("GET /repos/o/r/pulls/7/reviews", Answer(304))
        found = repository.reviews(7, etag='"1"')
        assert (found.items, found.etag, found.unchanged) == ((), '"1"', True)
        assert scripted.asked[0].etag == '"1"'

    def test_pages_that_go_round_end(self) -> None:
        """A link to a page that was read is told, not followed for ever."""
        there = "https://api.github.com/repositories/1/labels"
        answer = Answer(200, {"link": f'<{there}>; rel="next"'}, [])
        scripted = Scripted().says("GET /repos/o/r/issues/7/labels", answer).says(f"GET {there}", answer)
        with pytest.raises(Unreachable, match="go round"):
            Repository(scripted, "o/r").labels(7)


class TestRole:
    """What somebody may do, now."""

    @pytest.mark.parametrize(
        ("answered", "role"),
        [
            ({"permission": "admin", "role_name": "admin"}, "admin"),
            ({"permission": "write", "role_name": "maintain"}, "maintain"),
            ({"permission": "read", "role_name": "triage"}, "triage"),
            ({"permission": "write", "role_name": "release captain"}, "write"),
            ({"permission": "write"}, "write"),
            ({"permission": "none", "role_name": None}, "none"),
            ({"permission": "owner", "role_name": "emperor"}, "none"),
        ],
    )
    def test_the_finer_name_first(self, answered: dict[str, Any], role: str) -> None:
        """The role's own name if it is a standard one; a custom role is what it is built on; the unknown is nothing."""
        repository, _ = github("GET /repos/o/r/collaborators/alice/permission", answered)
        assert repository.role("alice") == role

    def test_nobody_has_none(self) -> None:
        """404: no collaborator."""
        repository, _ = github("GET /repos/o/r/collaborators/mallory/permission", Missing("no"))
        assert repository.role("mallory") == "none"

    @pytest.mark.parametrize(
        ("user", "role"), [(ALICE, "write"), ({"id": 2, "login": "alice"}, "none"), (None, "none")]
    )
    def test_a_login_that_changed_hands(self, user: Any, role: str) -> None:
        """Somebody else took the login: the role is not that of the person who was asked for."""
        repository, _ = github("GET /repos/o/r/collaborators/alice/permission", {"permission": "write", "user": user})
        assert repository.role("alice", user_id=1) == role


class TestFile:
    """A file at a commit."""

    def test_its_bytes(self) -> None:
        """As they are, at the ref that was asked for."""
        content = {"type": "file", "sha": "f", "encoding": "base64", "content": b64encode(b"\x00\xffhi" * 40).decode()}
        repository, scripted = github("GET /repos/o/r/contents/a%20b/%C3%A9.md", content)
        assert repository.file("a b/é.md", "aaa") == b"\x00\xffhi" * 40
        assert scripted.asked[0].query == {"ref": "aaa"}

    def test_a_large_one(self) -> None:
        """More than a megabyte comes without its content: it is read as a blob."""
        scripted = Scripted().says(
            "GET /repos/o/r/contents/big", {"type": "file", "sha": "f", "encoding": "none", "content": ""}
        )
        scripted.says("GET /repos/o/r/git/blobs/f", {"sha": "f", "encoding": "base64", "content": "aGk=\n"})
        assert Repository(scripted, "o/r").file("big", "main") == b"hi"

    @pytest.mark.parametrize("body", [[], {"type": "symlink", "sha": "f"}, {"type": "file", "sha": "f", "content": 5}])
    def test_what_is_no_file(self, body: Any) -> None:
        """A folder, a link, nonsense: told."""
        repository, _ = github("GET /repos/o/r/contents/x", body)
        with pytest.raises(Unreachable, match="is no File"):
            repository.file("x", "main")


class TestPullByBranch:
    """The one pull request of a cycle's branch."""

    @pytest.mark.parametrize(
        ("found", "number"),
        [
            ([], None),
            ([PULL], 7),
            ([PULL | {"number": 8, "state": "closed"}, PULL], 7),
            ([PULL | {"number": 3, "state": "closed"}, PULL | {"number": 4, "state": "closed"}], 4),
            ([PULL | {"head": {"sha": "b", "ref": "main"}}], None),
        ],
    )
    def test_the_open_one_or_the_newest(self, found: list[Any], number: int | None) -> None:
        """Of this very branch, whatever else the server gives."""
        repository, scripted = github("GET /repos/o/r/pulls", found)
        seen = repository.pull_by_branch("ratchet/c-000001")
        assert (seen and seen.number) == number
        assert scripted.asked[0].query["head"] == "o:ratchet/c-000001"


class TestCommit:
    """Files on a branch, without a checkout."""

    @staticmethod
    def scripted(head: Any, tree: str = "t2") -> Scripted:
        """A GitHub whose branch is at `head`."""
        one = Scripted()
        one.says("GET /repos/o/r/git/ref/heads/b", head)
        one.says("GET /repos/o/r/git/commits/base", {"sha": "base", "tree": {"sha": "t1"}})
        one.says("GET /repos/o/r/git/commits/tip", {"sha": "tip", "tree": {"sha": "t1"}})
        one.says("POST /repos/o/r/git/blobs", {"sha": "blob"})
        one.says("POST /repos/o/r/git/trees", {"sha": tree})
        one.says("POST /repos/o/r/git/commits", {"sha": "new"})
        one.says("POST /repos/o/r/git/refs", {})
        return one.says("PATCH /repos/o/r/git/refs/heads/b", {})

    def test_a_new_branch(self) -> None:
        """On the base's commit, with text in the tree itself and bytes as a blob."""
        scripted = self.scripted(Missing("no branch"))
        assert Repository(scripted, "o/r").commit("b", None, "base", {"z.md": "é", "a.png": b"\x89"}, "why") == "new"
        *_, blob, tree, commit, ref = scripted.asked
        assert blob.body == {"content": "iQ==", "encoding": "base64"}
        assert tree.body == {
            "base_tree": "t1",
            "tree": [
                {"path": "a.png", "mode": "100644", "type": "blob", "sha": "blob"},
                {"path": "z.md", "mode": "100644", "type": "blob", "content": "é"},
            ],
        }
        assert commit.body == {"message": "why", "tree": "t2", "parents": ["base"]}
        assert (str(ref), ref.body) == ("POST /repos/o/r/git/refs", {"ref": "refs/heads/b", "sha": "new"})

    def test_on_top_of_what_is_there(self) -> None:
        """The branch's own tip is the parent, and nothing is forced."""
        scripted = self.scripted({"object": {"sha": "tip"}})
        assert Repository(scripted, "o/r").commit("b", "tip", "base", {"a.md": "text"}, "why") == "new"
        assert scripted.asked[-2].body["parents"] == ["tip"]
        assert scripted.asked[-1].body == {"sha": "new", "force": False}

    def test_twice_is_once(self) -> None:
        """A branch that holds these files already stays as it is."""
        scripted = self.scripted({"object": {"sha": "tip"}}, tree="t1")
        assert Repository(scripted, "o/r").commit("b", "tip", "base", {"a.md": "text"}, "why") == "tip"
        assert str(scripted.asked[-1]) == "POST /repos/o/r/git/trees"

    def test_a_branch_that_moved_meanwhile(self) -> None:
        """GitHub refuses what is no fast-forward, and so do we."""
        scripted = self.scripted({"object": {"sha": "tip"}})
        scripted.says("PATCH /repos/o/r/git/refs/heads/b", Invalid("Update is not a fast forward"))
        with pytest.raises(Invalid, match="fast forward"):
            Repository(scripted, "o/r").commit("b", "tip", "base", {"a.md": "text"}, "why")


class TestTheRest:
    """Reactions, labels, checks, statuses, merges."""

    def test_who_reacted(self) -> None:
        """By id; a ghost's reaction is nobody's."""
        repository, _ = github(
            "GET /repos/o/r/issues/comments/5/reactions",
            [{"user": ALICE, "content": "eyes"}, {"user": None, "content": "+1"}],
        )
        assert repository.reactions(5) == ((1, "eyes"), (None, "+1"))

    def test_a_label_of_any_name(self) -> None:
        """A slash or a question mark in a name does not leave it."""
        repository, scripted = github("DELETE /repos/o/r/issues/7/labels/a%2Fb%3F%20c", [])
        repository.remove_label(7, "a/b? c")
        assert len(scripted.asked) == 1

    def test_a_merge(self) -> None:
        """Only of the commit that was seen; a refusal (405, 409) is told."""
        repository, scripted = github("PUT /repos/o/r/pulls/7/merge", {"sha": "m", "merged": True}, Invalid("405"))
        assert repository.merge(7, "aaa", "c-000001 is done") == "m"
        assert scripted.asked[0].body == {"sha": "aaa", "commit_title": "c-000001 is done", "merge_method": "merge"}
        with pytest.raises(Invalid):
            repository.merge(7, "aaa", "c-000001 is done")

    def test_a_check_and_its_end(self) -> None:
        """A check run that waits has no conclusion; one that ended has."""
        made = {"id": 4, "name": "ratchet", "status": "in_progress", "conclusion": None, "external_id": "x"}
        scripted = Scripted().says("POST /repos/o/r/check-runs", made).says("PATCH /repos/o/r/check-runs/4", made)
        scripted.says("GET /repos/o/r/commits/aaa/check-runs", {"total_count": 1, "check_runs": [made]})
        repository = Repository(scripted, "o/r")
        assert repository.check("aaa", "ratchet", external_id="x", status="in_progress", title="t", summary="s") == 4
        assert "conclusion" not in scripted.asked[0].body
        repository.edit_check(
            4, status="completed", conclusion="success", title="t", summary="s", details_url="https://x"
        )
        assert scripted.asked[1].body == {
            "status": "completed",
            "conclusion": "success",
            "details_url": "https://x",
            "output": {"title": "t", "summary": "s"},
        }
        (seen,) = repository.checks("aaa", "ratchet")
        assert (seen.id, seen.conclusion, seen.external_id) == (4, "", "x")

    def test_a_long_description_is_cut(self) -> None:
        """A status describes itself in 140 characters."""
        repository, scripted = github("POST /repos/o/r/statuses/aaa", {})
        repository.status("aaa", "ratchet/collect", "pending", "d" * 200)
        assert scripted.asked[0].body == {"context": "ratchet/collect", "state": "pending", "description": "d" * 140}
