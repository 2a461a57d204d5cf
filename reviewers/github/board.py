"""What a room shows beside the files on its branch: comments, checks, labels.

Law: before something is changed, it is kept in mind that it is not known what is shown: whoever comes after a crash
does not take what was shown before for what is there.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from orchestrator.core.model import Cycle
from reviewers import comment
from reviewers.chapters import Chapter
from reviewers.notice import undecided

if TYPE_CHECKING:
    from reviewers.github.room import Room

Conclusion = Literal["success", "failure", "cancelled"]
_CONCLUSIONS: dict[str, Conclusion] = {"approved": "success", "rejected": "failure", "void": "cancelled"}
_STATES = {"": "pending", "approved": "success", "rejected": "failure", "void": "error"}


class Board:
    """The visible side of one room."""

    def __init__(self, room: "Room") -> None:
        self._room = room

    def parts(self, cycle: Cycle, told: Sequence[Chapter]) -> Iterator[Callable[[], None]]:
        """What brings everything up to what is so, piece by piece."""
        yield lambda: self._show_status(cycle)
        yield from (partial(self._show_gate, cycle, chapter) for chapter in told)
        yield lambda: self._show_checks(cycle, told)
        yield lambda: self._show_labels(cycle)

    def _show_status(self, cycle: Cycle) -> None:
        """The one status comment."""
        room = self._room
        text = comment.status(cycle, room.links(), room.loop.now(), head=room.loop.head(cycle.id))
        room.posts.put(f"status {cycle.id}", text)

    def _show_gate(self, cycle: Cycle, chapter: Chapter) -> None:
        """The report comment of one opening. People are pinged by its creation, once: not while a policy may still
        close the gate without them.
        """
        if not chapter.verdict and undecided(cycle, self._room.loop.now()):
            return
        room, opening, ping = self._room, chapter.opening, not chapter.verdict
        text = comment.gate(cycle, opening, room.links(), ping=ping, outcome=chapter.outcome)
        room.posts.put(f"gate {opening.run}", text)

    def _show_checks(self, cycle: Cycle, told: Sequence[Chapter]) -> None:
        """One check for each gate, on the newest commit of the branch: the last opening of a gate is what counts."""
        for stage, chapter in {one.opening.stage: one for one in told}.items():
            title, summary = comment.check_text(cycle, chapter.opening, self._room.links())
            title = comment.short(chapter.outcome or title)
            key, shown = f"{self._room.memory.head} ratchet / {stage}", f"{chapter.verdict}\n{title}\n{summary}"
            known = self._room.memory.checks.get(key)
            digest = hashlib.sha256(shown.encode()).hexdigest()
            if known is not None and known[1] == digest:
                continue
            number = known[0] if known is not None else 0
            self._room.memory.checks[key] = (number, "")
            self._room.keep()
            number = self._check(chapter, f"ratchet / {stage}", title, summary, number)
            self._room.memory.checks[key] = (number, digest)

    def _check(self, chapter: Chapter, name: str, title: str, summary: str, number: int) -> int:
        """Show one check; its id, 0 for a commit status."""
        room, repository = self._room, self._room.repository
        sha, url = room.memory.head, room.links().pull
        if not room.me.app:
            repository.status(sha, name, _STATES[chapter.verdict], title, url)
            return 0
        status: Literal["completed", "in_progress"] = "completed" if chapter.verdict else "in_progress"
        conclusion = _CONCLUSIONS.get(chapter.verdict)
        run = chapter.opening.run
        if not number:
            found = (one.id for one in repository.checks(sha, name) if one.external_id == run)
            number = next(found, 0)
        if not number:
            return repository.check(
                sha, name, external_id=run, status=status, conclusion=conclusion, title=title, summary=summary,
                details_url=url,
            )  # fmt: skip
        repository.edit_check(
            number, status=status, conclusion=conclusion, title=title, summary=summary, details_url=url
        )
        return number

    def _show_labels(self, cycle: Cycle) -> None:
        room, wanted = self._room, comment.labels(cycle)
        pull = room.memory.pull
        if pull is None or wanted == set(room.memory.labels):
            return
        room.memory.labels = ()
        room.keep()
        shown = set(room.repository.labels(pull)) & set(comment.LABELS)
        if wanted - shown:
            room.repository.add_labels(pull, *sorted(wanted - shown))
        for name in sorted(shown - wanted):
            room.repository.remove_label(pull, name)
        room.memory.labels = tuple(sorted(wanted))
