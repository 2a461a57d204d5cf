"""What GitHub shows, as small frozen nouns. Pure.

Laws:
- Only fields that we use are read: what GitHub adds or leaves out elsewhere changes nothing.
- An answer of another shape is `Unreachable`, never an empty one: what was done is unknown.
"""

import base64
from datetime import datetime
from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

from pydantic import AliasChoices, AliasPath, BeforeValidator, ConfigDict, Field, ValidationError

from orchestrator.core.noun import Noun
from reviewers.github.protocol import Answer, Json, Unreachable

Role: TypeAlias = Literal["none", "read", "triage", "write", "maintain", "admin"]
ROLES: tuple[Role, ...] = ("none", "read", "triage", "write", "maintain", "admin")
Conclusion: TypeAlias = Literal["action_required", "cancelled", "failure", "neutral", "skipped", "success", "timed_out"]
WEB = "web-flow"
"""Whom GitHub names as the committer of what is written in its own editor, and signs for."""
Text = Annotated[str, BeforeValidator(lambda value: value or "")]
Flag = Annotated[bool, BeforeValidator(bool)]


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("no text in base64")
    return base64.b64decode(value)


class Seen(Noun):
    """A part of what GitHub shows; other fields are not read."""

    model_config = ConfigDict(extra="ignore")


class About(Seen):
    """The repository itself, under its present name."""

    id: int
    full_name: str
    default_branch: str
    private: bool


class User(Seen):
    """Who. The id is what counts: a login can be given to somebody else."""

    id: int
    login: str
    type: str = "User"


class Comment(Seen):
    """A comment in the conversation. Its user is None once the account is gone."""

    id: int
    user: User | None = None
    body: Text = ""
    created_at: datetime
    updated_at: datetime
    url: str = Field(validation_alias="html_url")
    app_id: int | None = Field(None, validation_alias=AliasPath("performed_via_github_app", "id"))


class PullReview(Seen):
    """A review of the pull request: `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED` or `PENDING`."""

    id: int
    user: User | None = None
    state: str
    body: Text = ""
    commit_id: Text = ""
    submitted_at: datetime | None = None
    url: Text = Field("", validation_alias="html_url")


class Pull(Seen):
    """A pull request."""

    id: int
    number: int
    url: str = Field(validation_alias="html_url")
    state: Literal["open", "closed"]
    merged: Flag = Field(False, validation_alias=AliasChoices("merged_at", "merged"))  # lists have no `merged`
    head_sha: str = Field(validation_alias=AliasPath("head", "sha"))
    head_branch: str = Field(validation_alias=AliasPath("head", "ref"))
    base_branch: str = Field(validation_alias=AliasPath("base", "ref"))
    title: str = ""
    body: Text = ""


class Check(Seen):
    """A check run on a commit."""

    id: int
    name: str
    external_id: Text = ""
    status: str
    conclusion: Text = ""


class Status(Seen):
    """A commit status, the newest of its context."""

    context: str
    state: str
    description: Text = ""
    target_url: Text = ""


class Sent(Seen):
    """A delivery that GitHub made to the App's webhook. `guid` is what came as `X-GitHub-Delivery`."""

    id: int
    guid: str
    delivered_at: datetime
    redelivery: bool
    status_code: int
    event: str


class Reaction(Seen):
    """Who reacted, and how."""

    user: User | None = None
    content: str


class Label(Seen):
    """A label on an issue or pull request."""

    name: str


class Sha(Seen):
    """What GitHub made, or found, by its hash."""

    sha: str


def _known(value: object) -> object:
    """GitHub says `{}` where it knows nobody by an address."""
    return value or None


class Commit(Seen):
    """A commit. Its author is whom GitHub knows by the address that it names, None for nobody: `verified` says whether
    a signature stands behind the committer, who is `web-flow` where GitHub wrote it for whoever was logged in.
    """

    sha: str
    author: Annotated[User | None, BeforeValidator(_known)] = None
    committer: Annotated[User | None, BeforeValidator(_known)] = None
    parents: tuple[Sha, ...] = ()
    message: Text = Field("", validation_alias=AliasPath("commit", "message"))
    at: datetime | None = Field(None, validation_alias=AliasPath("commit", "committer", "date"))
    verified: Flag = Field(False, validation_alias=AliasPath("commit", "verification", "verified"))
    url: Text = Field("", validation_alias="html_url")

    @property
    def vouched(self) -> bool:
        """Whether the author is surely who wrote it: a commit may name anybody."""
        by, made = self.author, self.committer
        return self.verified and by is not None and made is not None and (made.id == by.id or made.login == WEB)


class Ref(Seen):
    """A branch, and its newest commit."""

    sha: str = Field(validation_alias=AliasPath("object", "sha"))


class Tree(Seen):
    """A commit, and what it holds."""

    sha: str = Field(validation_alias=AliasPath("tree", "sha"))


class Permission(Seen):
    """What somebody may do in the repository."""

    permission: str
    role_name: Text = ""
    user_id: int | None = Field(None, validation_alias=AliasPath("user", "id"))


class File(Seen):
    """A file; one of more than a megabyte comes without its content."""

    type: Literal["file"] = "file"
    sha: str
    content: Annotated[bytes, BeforeValidator(_decoded)] = b""
    encoding: Text = ""


N = TypeVar("N", bound=Noun)


class Listing(Noun, Generic[N]):
    """What is there, or `unchanged` since the answer whose `etag` was given.

    The etag is that of this very question (number, `since`), and is empty where a later answer could differ and
    GitHub still call it unchanged: when the list fills a page, what is added comes on the next one.
    """

    items: tuple[N, ...] = ()
    etag: str = ""
    unchanged: bool = False


def read(kind: type[N], answer: Answer) -> N:
    """The noun in an answer. Raises `Unreachable` where there is none: what was done is unknown."""
    return _noun(kind, answer.body)


def read_all(kind: type[N], answer: Answer, under: str = "") -> tuple[N, ...]:
    """The nouns in an answer that is a list, or holds one under a name."""
    items = answer.body.get(under) if under and isinstance(answer.body, dict) else answer.body
    if not isinstance(items, list):
        raise Unreachable(f"GitHub's answer is no list of {kind.__name__}", status=answer.status)
    return tuple(_noun(kind, item) for item in items)


def _noun(kind: type[N], body: Json) -> N:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, wrong["loc"])) or "it"
        raise Unreachable(f"GitHub's answer is no {kind.__name__}: {where}: {wrong['msg']}") from None
