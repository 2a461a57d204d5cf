"""What stands in a pull request, as something that somebody said. Pure."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from orchestrator.core.model import Cycle
from orchestrator.core.quantity import read_duration
from reviewers.commands import Approve, Command, Misread, Reject, parse, tidy
from reviewers.github.repository import Comment, PullReview, User


class Utterance(NamedTuple):
    """A comment or a review of the pull request. `number` is its id in its own kind."""

    kind: str
    number: int
    user: User | None
    text: str
    at: datetime
    url: str
    edited: bool = False
    state: str = ""
    commit: str = ""

    @property
    def id(self) -> str:
        """`github:comment:123`: what makes an echo known as one."""
        return f"github:{self.kind}:{self.number}"

    @property
    def sha256(self) -> str:
        """Of the words, and for a review of what it says by itself."""
        return hashlib.sha256(f"{self.state}\n{self.text}".encode()).hexdigest()

    @property
    def evidence(self) -> str:
        """Where it stands, and the hash of the words."""
        return f"{self.url} sha256:{hashlib.sha256(self.text.encode()).hexdigest()}"


class Heard(NamedTuple):
    """What became of something said: the reaction it gets, what is answered, the command as it was read, and the
    cycle as it was before, where this changed it just now.
    """

    mark: str
    lines: tuple[str, ...] = ()
    command: Command | None = None
    before: Cycle | None = None


def from_comment(comment: Comment) -> Utterance:
    """A comment as something said."""
    edited = comment.updated_at > comment.created_at
    return Utterance("comment", comment.id, comment.user, comment.body, comment.created_at, comment.url, edited)


def from_review(review: PullReview, at: datetime) -> Utterance:
    """A review of the pull request, submitted then, as something said."""
    return Utterance(
        "review", review.id, review.user, review.body, at, review.url, state=review.state, commit=review.commit_id
    )


def commands_of(said: Utterance, asked: Mapping[str, str]) -> tuple[Command | Misread, ...]:
    """What it says; `asked` knows which digest was asked about at each commit.

    A review's text is the reason of its verdict and nothing else: unlike a comment it does not show whether somebody
    changed it since.
    """
    match said.state:
        case "":
            return parse(said.text)
        case "APPROVED":
            return (Approve(digest=asked.get(said.commit, ""), note=said.text),)
        case "CHANGES_REQUESTED":
            return (Reject(reason=tidy(said.text) or "changes were requested, without a word why"),)
        case "DISMISSED":
            return ()
    hint = "write it as a comment of the conversation"
    return tuple(
        Misread(line=one.line if isinstance(one, Misread) else 1, what="a review's text is not read", hint=hint)
        for one in parse(said.text)[:1]
    )


def moment(text: str, since: datetime) -> datetime:
    """`3d` after `since`, or the date or time as written; UTC where no zone is named. Pure.

    Raises `ValueError` for other text; `commands` lets none through.
    """
    if text[-1:].isalpha() and text[-1:] != "Z":
        wait = read_duration(text)
        return since + wait if isinstance(wait, timedelta) else since
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
