"""What is remembered of one cycle's room between two looks at it.

Law: all of it can be found again, on GitHub or on the record. `unsure` says that something was about to be written when
this was kept, so that it is looked for before it is written again.
"""

from datetime import datetime

from pydantic import BaseModel


class Post(BaseModel):
    """A comment of ours: its id, when GitHub says it was made, the sha256 of the text that we sent last (empty where it
    is to be sent again), and that of the text that GitHub showed then.
    """

    id: int
    at: datetime
    text: str = ""
    seen: str = ""


class Memory(BaseModel):
    """The room, as it was left."""

    unsure: bool = True
    pull: int | None = None
    pull_url: str = ""
    base: str = ""
    head: str = ""
    """The newest commit of the branch."""
    shown: str = ""
    """What of the cycle the newest commit holds."""
    commits: dict[str, str] = {}
    """Commit to the digest that was asked about there."""
    posts: dict[str, Post] = {}
    """`kind key` of the hidden marker to our comment."""
    checks: dict[str, tuple[int, str]] = {}
    """`commit name` to the check run and the sha256 of what it shows; 0 for a status."""
    labels: tuple[str, ...] = ()
    dealt: dict[str, str] = {}
    """What was said and dealt with: the id of the comment or review to the sha256 of its words, or a commit."""
    refused: dict[str, int] = {}
    """How often each user was refused here, by id."""
    since: str = ""
    """Comments that changed before were all read."""
    comments_tag: str = ""
    reviews_tag: str = ""
    labels_tag: str = ""
    """Of the commits that change `labels.csv`."""
    settled: bool = False
    """The cycle has ended, and all of it is shown."""
