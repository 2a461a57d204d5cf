"""One cycle's pull request: what is said in it is heard, what is so is shown. Done again, it changes nothing.

Laws:
- Everything shown is a projection of the record: whoever deletes or edits it loses nothing, and it is shown again.
- What GitHub refuses of it, for good, holds up nothing else of the room.
- A merge is of the very commit that we made, and brings the cycle's folder and nothing else: what somebody else pushed
  to the branch is undone. What of it corrects labels is heard first (`labelling.py`), and written again by us.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from orchestrator.core.events import RunFinished
from orchestrator.core.model import Cycle, State
from orchestrator.core.report import Product
from reviewers import comment
from reviewers.chapters import Chapter, chapters
from reviewers.commands import Help, Rerun, Status
from reviewers.github.board import Board
from reviewers.github.hearing import COUNTED, MISREAD, SEEN, Hearing
from reviewers.github.labelling import LABELS, Labelling
from reviewers.github.loop import Loop
from reviewers.github.meaning import Ask
from reviewers.github.memory import Memory
from reviewers.github.people import GitHubPeople
from reviewers.github.posts import Me, Posts
from reviewers.github.protocol import Forbidden, GitHubError, Invalid, Missing
from reviewers.github.repository import Pull, Repository
from reviewers.github.utterance import Heard, Utterance, commands_of, from_comment, from_review

__all__ = ["Me", "Room"]

PATIENCE = 30  # refusals of one person in one room that are answered in words: GitHub grants 500 writes an hour
_OVERLAP = timedelta(seconds=2)  # GitHub tells seconds: what changed in the last one may not be all


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
        self.repository, self.loop, self.me = repository, loop, me
        self.posts = Posts(memory, repository, me, keep)
        self._hearing = Hearing(loop, people)
        self._keep_memory, self._server = keep, server
        self._board = Board(self)
        self.people = people
        self._labelling = Labelling(self)

    def attend(self, deleted: Iterable[tuple[int, int]] = (), *, slowly: bool = False) -> None:
        """Hear and show everything there is. `deleted`: (comment, by whom) that were taken away. `slowly`: also look
        at what no cursor shows: what was taken away or changed by hand, and who may still answer. Raises what GitHub
        raises: the rest is done next time.
        """
        cycle = self.loop.cycle(self.cycle)
        if self.memory.pull is None and _may_never_begin(cycle):
            self.memory.settled = cycle.state is State.SKIPPED
            self.keep()
            return
        pull = self._enter(cycle)
        for gone, by in deleted:
            self._take_away(gone, by)
        if slowly or self.memory.unsure:
            self._look_closely(pull)
        self._hear(pull)
        self._labelling.hear()
        if slowly:
            self._hearing.read_again(self.cycle)
        self._show()
        self.keep()

    def keep(self) -> None:
        """Write down what is remembered. Raises when the room is no longer ours to attend."""
        self._keep_memory(self.memory)

    # The way in

    @property
    def branch(self) -> str:
        """The cycle's branch."""
        return f"ratchet/{self.cycle}"

    def _enter(self, cycle: Cycle) -> int:
        """Find the pull request, or open it."""
        memory = self.memory
        if memory.pull is None:
            about = self.repository.about()
            memory.base = about.default_branch
            pull = self.repository.pull_by_branch(self.branch)
            if pull is None or pull.base_branch != memory.base:
                pull = self._open(cycle, about.full_name)
            memory.pull, memory.pull_url, memory.head = pull.number, pull.url, pull.head_sha
            self.keep()
        return memory.pull

    def _open(self, cycle: Cycle, name: str) -> Pull:
        base = self.repository.head(self.memory.base)
        if base is None:
            raise Missing(f"{name} has no commit on {self.memory.base} to begin from")
        self._commit(cycle, (), base)
        return self.repository.open_pull(
            self.branch, self.memory.base, comment.title(cycle), comment.intro(cycle, self.links())
        )

    def _look_closely(self, pull: int) -> None:
        """The whole conversation and the labels, as they are."""
        there = self.repository.comments(pull).items
        self.posts.find(there)
        known = {f"comment {one.id}" for one in there}
        for key in self.memory.dealt:
            if key.startswith("comment ") and key not in known:
                self._hearing.deleted(self.cycle, int(key.removeprefix("comment ")))
        self.memory.labels = tuple(sorted(set(self.repository.labels(pull)) & set(comment.LABELS)))
        self.memory.unsure = False

    def _take_away(self, number: int, by: int) -> None:
        self.posts.gone(number)
        if f"comment {number}" in self.memory.dealt:
            self._hearing.deleted(self.cycle, number, by)

    # Hearing

    def _hear(self, pull: int) -> None:
        memory = self.memory
        heard = self.repository.comments(pull, memory.since, memory.comments_tag)
        reviews = self.repository.reviews(pull, memory.reviews_tag)
        said: list[Utterance] = []
        for one in heard.items:
            if self.posts.is_ours(one):
                self.posts.looked_at(one)
            else:
                said.append(from_comment(one))
        said += [from_review(one, one.submitted_at) for one in reviews.items if one.submitted_at is not None]
        for some in sorted(said, key=lambda one: (one.at, one.kind, one.number)):
            if self._hearing.listens_to(some):
                self._take(some)
        memory.comments_tag, memory.reviews_tag = heard.etag, reviews.etag
        if heard.items:
            newest = max(one.updated_at for one in heard.items) - _OVERLAP
            since = f"{newest:%Y-%m-%dT%H:%M:%SZ}"
            if since > memory.since:
                memory.since, memory.comments_tag = since, ""

    def _take(self, said: Utterance) -> None:
        """Deal with one thing that was said, once."""
        key, dealt = f"{said.kind} {said.number}", self.memory.dealt
        if dealt.get(key) == said.sha256:
            return
        if key in dealt:
            self._changed(said)
        elif commands_of(said, self.memory.commits):
            self._react(said, SEEN)
            self._answer(said, self._hearing.hear(self.cycle, said, self._ask()))
        dealt[key] = said.sha256
        self.keep()

    def _changed(self, said: Utterance) -> None:
        """It was dealt with. What it says now does not count."""
        if said.state == "DISMISSED":
            self._hearing.dismissed(self.cycle, said)
        elif why := self._hearing.altered(self.cycle, said, self._ask()):
            self._react(said, MISREAD)
            self._reply(said, [comment.Line(kind="misread", what=why)], "/edited")

    def _ask(self) -> Ask:
        """What is asked just now, and which comment asks."""
        opening = self.loop.cycle(self.cycle).opening
        post = self.memory.posts.get(f"gate {opening.run}") if opening is not None else None
        return Ask(post.id if post is not None else None, self.memory.commits)

    def _react(self, said: Utterance, mark: str) -> None:
        """GitHub has reactions for comments, not for reviews. A comment that is gone needs none."""
        if said.kind == "comment":
            try:
                self.repository.react(said.number, mark)
            except (Missing, Forbidden, Invalid):
                return

    def _answer(self, said: Utterance, heard: list[Heard]) -> None:
        lines = [line for one in heard if (line := self._line(one)) is not None]
        if lines:
            self._reply(said, lines)
        marks = [one.mark for one in heard]
        self._react(said, next((mark for mark in marks if mark != COUNTED), COUNTED))

    def _reply(self, said: Utterance, lines: list[comment.Line], about: str = "") -> None:
        """An answer in a comment. Whoever was refused so often gets none any more: a reaction has to do."""
        if said.user is not None and self.may_answer(said.user.id, lines):
            about = f"{said.kind[0] if said.kind == 'review' else ''}{said.number}{about}"
            self.posts.put(f"answer {about}", comment.answer(about, said.user.login, lines))

    def may_answer(self, who: int, lines: list[comment.Line]) -> bool:
        """Whether these lines are said to this user, who may have been refused too often here."""
        refused = self.memory.refused
        if any(line.kind == "counted" for line in lines):
            return True
        refused[str(who)] = refused.get(str(who), 0) + 1
        return refused[str(who)] <= PATIENCE

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
        return comment.Line(kind="counted", said=said, what=heard.lines[0]) if heard.lines else None

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
            labels=f"{root}/edit/{self.branch}/{LABELS.format(self.cycle)}",
        )

    def _show(self) -> None:
        """Bring everything up to what is so; the first refusal is raised when all the rest is done."""
        cycle = self.loop.cycle(self.cycle)
        refused: list[GitHubError] = []
        for part in self._parts(cycle, chapters(self.loop.events(self.cycle))):
            try:
                part()
            except (Forbidden, Invalid) as error:
                refused.append(error)
        if cycle.state.ended and not refused:
            self._end(cycle)
        if refused:
            raise refused[0]

    def _parts(self, cycle: Cycle, told: tuple[Chapter, ...]) -> Iterator[Callable[[], None]]:
        if self._chapter_key(cycle, told) != self.memory.shown and not self.memory.settled:
            yield lambda: self._commit(cycle, told, self.memory.head)
        yield from self._board.parts(cycle, told)

    def _chapter_key(self, cycle: Cycle, told: tuple[Chapter, ...]) -> str:
        parts = [f"{one.opening.run} {one.verdict}" for one in told]
        return "|".join([*parts, cycle.state.value if cycle.state.ended else ""])

    def _commit(self, cycle: Cycle, told: tuple[Chapter, ...], base: str) -> None:
        """Bring the branch's folder up to what is known. What somebody else has pushed since is undone: what we have
        seen once is what we build on.
        """
        memory = self.memory
        finished = [one for one in self.loop.events(self.cycle) if isinstance(one, RunFinished)]
        made = comment.files(
            cycle,
            [one.opening for one in told],
            self.loop.head(self.cycle),
            {one.opening.run: one.outcome for one in told},
            {one.run: one.outcome for one in finished if isinstance(one.outcome, Product)},
        )
        files = {f"cycles/{self.cycle}/{path}": text for path, text in made.items()}
        said, head = f"{self.cycle}: {comment.headline(cycle)}", self.repository.head(self.branch)
        strange = head is not None and head not in memory.commits
        over = self.repository.head(memory.base) or "" if strange else ""
        memory.head = self.repository.commit(self.branch, head, base, files, said, over=over)
        memory.commits[memory.head] = told[-1].opening.digest if told and not told[-1].verdict else ""
        memory.shown = self._chapter_key(cycle, told)
        self.keep()

    def _end(self, cycle: Cycle) -> None:
        """Merge what is done; close what is not. What somebody reopens later ends in the same way."""
        memory = self.memory
        pull = self.repository.pull(memory.pull) if memory.pull is not None else None
        if pull is not None and pull.state == "open" and cycle.state is not State.DONE:
            self.repository.close(pull.number)
        elif pull is not None and pull.state == "open" and pull.base_branch != memory.base:
            self._say_why(f"This goes to {pull.base_branch}, and it began for {memory.base}", "change its base back")
            return
        elif pull is not None and pull.state == "open":
            if pull.head_sha != memory.head:
                self._commit(cycle, chapters(self.loop.events(self.cycle)), memory.head)
            try:
                self.repository.merge(pull.number, memory.head, f"{comment.title(cycle)} (#{pull.number})")
            except (Forbidden, Invalid) as error:
                self._say_why(f"This can't be merged: {error.what}", "let it be merged, or do it")
                return
        elif pull is not None and cycle.state is State.DONE and not pull.merged:
            self._say_why("This was closed by hand, and nothing is merged", "reopen it to have it merged")
        memory.settled = True
        self.keep()

    def _say_why(self, what: str, cure: str) -> None:
        """It is tried again at every slow look."""
        about = f"merge-{self.cycle}"
        line = comment.Line(kind="refused", what=what, cure=cure)
        self.posts.put(f"answer {about}", comment.answer(about, "", [line]))


def _may_never_begin(cycle: Cycle) -> bool:
    """Whether it was skipped, or may be as soon as somebody looks: nobody is bothered with it."""
    skips = cycle.pipeline.overlap == "skip" and cycle.token is None
    return cycle.state is State.SKIPPED or (cycle.state is State.QUEUED and skips)
