"""Our comments in one pull request: each there once, found by its marker, showing what is so.

Laws:
- What is to be written is looked for first, whenever it may be there already: `Memory.unsure` is kept before a write.
- Only a comment of our own with our hidden marker is ours: a marker that somebody else writes is text.
- A text is sent only when it differs from what was sent last, or when somebody changed what GitHub shows.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

from reviewers import comment
from reviewers.github.memory import Memory, Post
from reviewers.github.protocol import Invalid, Missing
from reviewers.github.repository import Comment, Repository


class Me(NamedTuple):
    """Who we are on GitHub, and whether as an App, which alone may make check runs."""

    id: int
    login: str
    app: bool = False


class Posts:
    """Writes, finds and mends them. `keep` writes the memory down."""

    def __init__(self, memory: Memory, repository: Repository, me: Me, keep: Callable[[Memory], None]) -> None:
        self._memory, self._repository, self._me, self._keep = memory, repository, me, keep

    def is_ours(self, one: Comment) -> bool:
        """An App writes nothing but our comments. With a person's token, what has no marker is that person's."""
        mine = one.user is not None and one.user.id == self._me.id
        return mine and (self._me.app or comment.read_marker(one.body) is not None or self._key(one.id) is not None)

    def find(self, comments: Iterable[Comment]) -> None:
        """Learn from the whole conversation which of ours are there; the oldest of two is the one."""
        found: dict[str, Post] = {}
        for one in comments:
            key = self._key(one.id) or _marked(one) if self.is_ours(one) else None
            if key is not None:
                known = self._memory.posts.get(key)
                same = known is not None and known.id == one.id and known.seen == _sha256(one.body)
                found.setdefault(key, known if known is not None and same else Post(id=one.id, at=one.created_at))
        self._memory.posts = found

    def looked_at(self, one: Comment) -> None:
        """What one of ours shows now: where somebody changed it, it is to be written again."""
        post = self._memory.posts.get(self._key(one.id) or "")
        if post is not None and post.seen != _sha256(one.body):
            post.text = ""

    def gone(self, number: int) -> None:
        """Somebody deleted this one."""
        self._memory.posts.pop(self._key(number) or "", None)

    def put(self, key: str, text: str) -> None:
        """Our comment with this marker, showing this text: written, edited, or left as it is."""
        memory, wanted = self._memory, _sha256(text)
        known = memory.posts.get(key)
        if known is not None:
            if known.text == wanted:
                return
            try:
                known.seen = _sha256(self._sent(key, text, lambda body: self._repository.edit(known.id, body)).body)
                known.text = wanted
                return
            except Missing:
                del memory.posts[key]
        pull = memory.pull
        if pull is None:  # pragma: no cover - nothing is shown before there is one
            raise Missing("there is no pull request")
        memory.unsure = True
        self._keep(memory)
        made = self._sent(key, text, lambda body: self._repository.say(pull, body))
        memory.posts[key] = Post(id=made.id, at=made.created_at, text=wanted, seen=_sha256(made.body))
        memory.unsure = False
        self._keep(memory)

    def _sent(self, key: str, text: str, send: Callable[[str], Comment]) -> Comment:
        """A text that GitHub refuses is said to have been refused: the room goes on, and the record has all of it."""
        try:
            return send(text)
        except Invalid as error:
            kind, _, name = key.partition(" ")
            line = comment.Line(kind="refused", what=f"GitHub refused the text that belongs here: {error.what}")
            short = comment.answer("0", "", [line]).partition("\n")[2]
            return send(f"{comment.marker(kind, name)}\n{short}")

    def _key(self, number: int) -> str | None:
        """What we know this comment as."""
        return next((key for key, post in self._memory.posts.items() if post.id == number), None)


def _marked(one: Comment) -> str | None:
    marker = comment.read_marker(one.body)
    return " ".join(marker) if marker is not None else None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
