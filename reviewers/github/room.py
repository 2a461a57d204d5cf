"""One cycle's pull request: what is said in it is heard, what is so is shown. Done again, it changes nothing.

Laws:
- Everything shown is a projection of the record: whoever deletes or edits it loses nothing, and it is shown again.
- What is to be created is looked for first, whenever it may be there already: `Memory.unsure` is kept before a write.
- Only a comment of our own with our hidden marker is ours: a marker that somebody else writes is text.
- A text is sent only when it differs from what was sent last.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NamedTuple

from orchestrator.core.model import Cycle, State
from reviewers import comment
from reviewers.chapters import Chapter, chapters
from reviewers.commands import Help, Rerun, Status
from reviewers.github.board import Board
from reviewers.github.hearing import COUNTED, MISREAD, SEEN, Hearing, Loop
from reviewers.github.memory import Memory, Post
from reviewers.github.people import GitHubPeople
from reviewers.github.protocol import Invalid, Missing
from reviewers.github.repository import Comment, Pull, Repository
from reviewers.github.utterance import Heard, Utterance, commands_of, from_comment, from_review

_OVERLAP = timedelta(seconds=2)  # GitHub tells seconds: what changed in the last one may not be all


class Me(NamedTuple):
    """Who we are on GitHub, and whether as an App, which alone may make check runs."""

    id: int
    login: str
    app: bool = False


class Room:
    """The room of one cycle. `keep` writes the memory down; it raises when the room is no longer ours to attend."""

    def __init__(
        self,
        cycle: str,
        memory: Memory,
        repository: Repository,
        people: GitHubPeople,
        loop: Loop,
        me: Me,
        keep: Callable[[Memory], None],
        *,
        server: str = "",
    ) -> None:
        self.cycle, self.memory = cycle, memory
        self.repository, self._people, self.loop, self.me = repository, people, loop, me
        self._hearing = Hearing(loop, people)
        self._keep, self._server = keep, server
        self._board = Board(self)

    def attend(self, deleted: Iterable[tuple[int, int]] = (), *, slowly: bool = False) -> None:
        """Hear and show everything there is. `deleted`: (comment, by whom) that were taken away. `slowly`: also read
        again who may still answer. Raises what GitHub raises: the rest is done next time.
        """
        cycle = self.loop.cycle(self.cycle)
        if cycle.state is State.SKIPPED and self.memory.pull is None:
            self.memory.settled = True
            self._keep(self.memory)
            return
        self._enter(cycle)
        self._hear(deleted)
        if slowly:
            self._hearing.read_again(self.cycle)
        self._show()
        self._keep(self.memory)

    # The way in

    @property
    def branch(self) -> str:
        """The cycle's branch."""
        return f"ratchet/{self.cycle}"

    def _enter(self, cycle: Cycle) -> None:
        """Find the pull request and our comments in it, or open it."""
        memory = self.memory
        if memory.pull is None:
            pull = self.repository.pull_by_branch(self.branch) or self._open(cycle)
            memory.pull, memory.pull_url, memory.base = pull.number, pull.url, pull.base_branch
            memory.head = pull.head_sha
            self._keep(memory)
        if memory.unsure:
            self._find_posts(memory.pull)
            memory.unsure = False

    def _open(self, cycle: Cycle) -> Pull:
        about = self.repository.about()
        base = self.repository.head(about.default_branch)
        if base is None:
            raise Missing(f"{about.full_name} has no commit on {about.default_branch} to begin from")
        self.memory.base = about.default_branch
        self._commit(cycle, (), base)
        return self.repository.open_pull(
            self.branch, about.default_branch, comment.title(cycle), comment.intro(cycle, self.links())
        )

    def _find_posts(self, pull: int) -> None:
        """Our comments, by their markers; the oldest of two is the one."""
        found: dict[str, Post] = {}
        for one in self.repository.comments(pull).items:
            marker = comment.read_marker(one.body) if self._is_ours(one) else None
            if marker is not None:
                known = self.memory.posts.get(" ".join(marker))
                text = known.text if known is not None and known.id == one.id else ""
                found.setdefault(" ".join(marker), Post(id=one.id, at=one.created_at, text=text))
        self.memory.posts = found

    def _is_ours(self, one: Comment) -> bool:
        """An App writes nothing but our comments. With a person's token, what has no marker is that person's."""
        mine = one.user is not None and one.user.id == self.me.id
        return mine and (self.me.app or comment.read_marker(one.body) is not None)

    # Hearing

    def _hear(self, deleted: Iterable[tuple[int, int]]) -> None:
        memory = self.memory
        if memory.pull is None:  # pragma: no cover - `_enter` has seen to it
            return
        for gone, by in deleted:
            if f"comment {gone}" in memory.dealt:
                self._hearing.deleted(self.cycle, gone, by)
        heard = self.repository.comments(memory.pull, memory.since, memory.comments_tag)
        reviews = self.repository.reviews(memory.pull, memory.reviews_tag)
        said = [from_comment(one) for one in heard.items if not self._is_ours(one)]
        said += [from_review(one, one.submitted_at) for one in reviews.items if one.submitted_at is not None]
        for one in sorted(said, key=lambda one: (one.at, one.kind, one.number)):
            if self._hearing.listens_to(one):
                self._take(one)
        memory.comments_tag, memory.reviews_tag = heard.etag, reviews.etag
        if heard.items:
            newest = max(one.updated_at for one in heard.items) - _OVERLAP
            since = f"{newest:%Y-%m-%dT%H:%M:%SZ}"
            if since > memory.since:
                memory.since, memory.comments_tag = since, ""

    def _take(self, said: Utterance) -> None:
        """Deal with one thing that was said, once."""
        key, dealt = f"{said.kind} {said.number}", self.memory.dealt
        if key in dealt:
            self._changed(said, dealt[key])
        else:
            commands = commands_of(said, self.memory.commits)
            if commands:
                self._react(said, SEEN)
                heard = self._hearing.hear(self.cycle, said, self._report(), self.memory.commits)
                self._answer(said, heard)
        if dealt.get(key) != said.sha256:
            dealt[key] = said.sha256
            self._keep(self.memory)

    def _changed(self, said: Utterance, was: str) -> None:
        """It was dealt with. What it says now does not count."""
        if was == said.sha256:
            return
        if said.state == "DISMISSED":
            self._hearing.dismissed(self.cycle, said)
        elif commands_of(said, self.memory.commits):
            self._hearing.altered(self.cycle, said)
            self._react(said, MISREAD)

    def _report(self) -> int | None:
        """The comment with the report that is asked about now."""
        opening = self.loop.cycle(self.cycle).opening
        post = self.memory.posts.get(f"gate {opening.run}") if opening is not None else None
        return post.id if post is not None else None

    def _react(self, said: Utterance, mark: str) -> None:
        """GitHub has reactions for comments, not for reviews. A comment that is gone needs none."""
        if said.kind == "comment":
            try:
                self.repository.react(said.number, mark)
            except Missing:
                return

    def _answer(self, said: Utterance, heard: list[Heard]) -> None:
        lines = [line for one in heard if (line := self._line(one)) is not None]
        if lines and said.user is not None:
            about = f"{said.kind[0]}{said.number}" if said.kind == "review" else str(said.number)
            self.post(f"answer {about}", lambda: comment.answer(about, said.user.login if said.user else "", lines))
        marks = [one.mark for one in heard]
        self._react(said, next((mark for mark in marks if mark != COUNTED), COUNTED))

    def _line(self, heard: Heard) -> comment.Line | None:
        """The answer to one command; none where the reaction says it all."""
        said = str(heard.command) if heard.command is not None else ""
        if heard.mark != COUNTED:
            kind = "misread" if heard.mark == MISREAD else "refused"
            what, _, cure = heard.lines[0].partition(" → ")
            return comment.Line(kind=kind, said=said, what=what, cure=cure)
        cycle = self.loop.cycle(self.cycle)
        match heard.command:
            case Help():
                return comment.Line(kind="counted", said=said, what="This may be written:", block=comment.help_text())
            case Status():
                return comment.Line(kind="counted", said=said, what=comment.headline(cycle))
            case Rerun(from_stage=stage, changes=changes) if heard.before is not None:
                what = f"{stage or heard.before.stage.name} runs again, and what was agreed about it is void."
                diff = comment.changes_diff(heard.before, stage, changes)
                return comment.Line(kind="counted", said=said, what=what, block=diff)
        return None

    # Showing

    def links(self) -> comment.Links:
        """Where things are."""
        memory = self.memory
        if not memory.pull_url:
            return comment.Links()
        root = memory.pull_url.rpartition("/pull/")[0]
        folder = f"{root}/blob/{self.branch}/cycles/{self.cycle}"
        return comment.Links(
            pull=memory.pull_url,
            server=self._server,
            branch=folder,
            raw=f"{root}/raw/{self.branch}/cycles/{self.cycle}",
        )

    def _show(self) -> None:
        cycle, memory = self.loop.cycle(self.cycle), self.memory
        told = chapters(self.loop.events(self.cycle))
        if self._chapter_key(cycle, told) != memory.shown and not memory.settled:
            self._commit(cycle, told, memory.head)
        self._board.show(cycle, told)
        if cycle.state.ended and not memory.settled:
            self._end(cycle)
            self._board.show_status(cycle)

    def _chapter_key(self, cycle: Cycle, told: tuple[Chapter, ...]) -> str:
        parts = [f"{one.opening.run} {one.verdict}" for one in told]
        return "|".join([*parts, cycle.state.value if cycle.state.ended else ""])

    def _commit(self, cycle: Cycle, told: tuple[Chapter, ...], base: str) -> None:
        """Bring the branch's folder up to what is known."""
        memory = self.memory
        made = comment.files(cycle, [one.opening for one in told], self.loop.head(self.cycle))
        files = {f"cycles/{self.cycle}/{path}": text for path, text in made.items()}
        memory.head = self.repository.commit(self.branch, base, files, f"{self.cycle}: {comment.headline(cycle)}")
        memory.commits[memory.head] = told[-1].opening.digest if told and not told[-1].verdict else ""
        memory.shown = self._chapter_key(cycle, told)
        self._keep(memory)

    def _end(self, cycle: Cycle) -> None:
        """Merge what is done; close what is not."""
        memory = self.memory
        pull = self.repository.pull(memory.pull) if memory.pull is not None else None
        if pull is not None and pull.state == "open" and cycle.state is not State.DONE:
            self.repository.close(pull.number)
        elif pull is not None and pull.state == "open":
            try:
                self.repository.merge(pull.number, memory.head, f"{comment.title(cycle)} (#{pull.number})")
            except Invalid as error:
                self._say_why(error)
                return
        memory.settled = True
        self._keep(memory)

    def _say_why(self, error: Invalid) -> None:
        """It is tried again at every slow look."""
        about = f"merge-{self.cycle}"
        line = comment.Line(
            kind="refused", what=f"This can't be merged: {error.what}", cure="let it be merged, or do it"
        )
        self.post(f"answer {about}", lambda: comment.answer(about, "", [line]))

    def post(self, key: str, make: Callable[[], str]) -> Post:
        """Our comment with this marker, showing this text: written, edited, or left as it is."""
        memory, text = self.memory, make()
        shown = hashlib.sha256(text.encode()).hexdigest()
        known = memory.posts.get(key)
        if known is not None:
            if known.text == shown:
                return known
            try:
                self.repository.edit(known.id, text)
                known.text = shown
                return known
            except Missing:
                del memory.posts[key]
        if memory.pull is None:  # pragma: no cover - `_enter` has seen to it
            raise Missing("there is no pull request")
        memory.unsure = True
        self._keep(memory)
        made = self.repository.say(memory.pull, text)
        memory.posts[key] = Post(id=made.id, at=made.created_at, text=shown)
        memory.unsure = False
        self._keep(memory)
        return memory.posts[key]
