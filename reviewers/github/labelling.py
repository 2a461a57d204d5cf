"""Labels that people correct in `labels.csv` on the cycle's branch: heard once for each commit, answered in a comment.

Laws:
- A commit counts as its author's only where GitHub vouches for it: a commit may name anybody as its author.
- Only who may write here, read live, corrects labels, and only while the gate that asked about them may be asked again.
- What a commit changes is what differs from the commit before it: nobody's labels become those of whoever came next.
- A commit is known by its hash: what was handed in before is looked up, so that it is answered and never done twice.
- Nothing else of the commit is taken, and what does not count is undone by our next one.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.core.course import Folded
from orchestrator.core.events import Event, Refused
from orchestrator.core.gate import Person
from orchestrator.core.machine import NotNow, advance
from orchestrator.core.model import Cycle, Opening
from orchestrator.core.report import ToLabel
from reviewers import comment
from reviewers.chapters import chapters
from reviewers.corrections import Correction, changed, closed, rerun, so_far, standing
from reviewers.github.people import person_of
from reviewers.github.protocol import Forbidden, Missing
from reviewers.github.repository import Commit
from reviewers.labels import Problem, Read, decoded, from_csv
from reviewers.rights import WRITERS

if TYPE_CHECKING:
    from reviewers.github.room import Room

LABELS = "cycles/{}/labels.csv"
TRIES = 5  # of a rerun, while others say something about the same cycle at the same moment
MOST = 20  # lines that are answered one by one
SOMEBODY = Person(id="github:0", login="somebody")
"""Who wrote a commit, where GitHub knows nobody by its address."""


class Labelling:
    """One room's ear for `labels.csv`."""

    def __init__(self, room: "Room") -> None:
        self._room, self._loop = room, room.loop
        self._path = LABELS.format(room.cycle)

    def hear(self) -> None:
        """Hand in what others have committed to the file, the oldest first. Raises what GitHub raises: the rest is
        heard next time.
        """
        room = self._room
        if not _asked(self._loop.events(room.cycle)):
            return
        try:
            found = room.repository.commits(room.branch, self._path, room.memory.labels_tag)
        except Missing:
            return
        for one in reversed(found.items):
            if not self._is_ours(one):
                self._take(one)
        if not found.unchanged:
            room.memory.labels_tag = found.etag

    def _is_ours(self, commit: Commit) -> bool:
        """An App writes nothing but our commits. With a person's token, what has our title is ours."""
        room = self._room
        mine = commit.author is not None and commit.author.id == room.me.id
        titled = commit.message.startswith(f"{room.cycle}: ")
        return commit.sha in room.memory.commits or (mine and (room.me.app or titled))

    def _take(self, commit: Commit) -> None:
        """Deal with one commit, once."""
        room, key = self._room, f"commit {commit.sha}"
        if key in room.memory.dealt:
            return
        lines = self._heard(commit)
        user = commit.author
        if room.may_answer(user.id if user is not None else 0, lines):
            about = f"k{commit.sha[:12]}"
            room.posts.put(f"answer {about}", comment.answer(about, user.login if user is not None else "", lines))
        room.memory.dealt[key] = "labels"
        room.keep()

    def _heard(self, commit: Commit, tries: int = TRIES) -> list[comment.Line]:
        """What becomes of it, or became when it was handed in and nobody was told: the lines of the answer."""
        name = f"github:commit:{commit.sha}"
        past, done = _until(self._loop.events(self._room.cycle), name)
        if isinstance(done, Refused):
            return _undone(done.why)
        found = self._read(commit, past)
        if done is None:
            why = self._objection(commit, past)
            if why:
                self._refuse(commit, name, why)
            elif found.corrections:
                answer = self._hand_in(commit, name, past, found)
                if isinstance(answer, NotNow) and answer.again and tries > 1:
                    return self._heard(commit, tries - 1)
                why = answer.why if isinstance(answer, NotNow) and not answer.echo else ""
            if why:
                self._room.memory.shown = ""  # what stands there counts for nothing: ours is written again
                return _undone(why)
        if found.problems:
            self._refuse(commit, f"{name}:lines", "; ".join(map(str, found.problems[:MOST])))
        if not found.corrections and not (found.evidence and found.problems):
            self._room.memory.shown = ""  # rows are gone and nothing else; what can't be read may be mended as it is
        return _lines(found, past)

    def _objection(self, commit: Commit, past: "_Past") -> str:
        """Why this commit corrects nothing; empty where it may."""
        people, by = self._room.people, commit.author
        if by is None:
            return "GitHub knows nobody by the address that this commit names → edit the file in GitHub's own editor"
        if not people.counts(by):
            return f"{by.login} is no person → edit the file yourself"
        if not commit.vouched:
            why = f"GitHub does not vouch that {by.login} wrote this commit"
            return f"{why} → edit the file in GitHub's own editor, or sign your commits"
        try:
            role = people.role(person_of(by))
        except Forbidden:
            role = "unknown: it can't be read"
        if role not in WRITERS:
            return f"labels may be corrected by whoever may write here; {by.login} has the role {role}"
        if past.before is None:
            stage = past.asked[-1].stage
            return f"{stage}.corrections is set to something else → say `/rerun from={stage} corrections=[]` first"
        return closed(past.cycle, past.asked[-1])

    def _read(self, commit: Commit, past: "_Past") -> "_Found":
        """What the commit changes: its file beside the one before it."""
        by = commit.author.login if commit.author is not None else SOMEBODY.login
        file = self._room.repository.file(self._path, commit.sha)
        if file is None:
            gone = Problem("labels.csv", "the file was deleted, which changes no label", "it is written again")
            return _Found((), (gone,), "")
        now, evidence = _table(file, past.rows, past.classes), f"{commit.url} sha256:{hashlib.sha256(file).hexdigest()}"
        parent = commit.parents[0].sha if commit.parents else ""
        old = self._room.repository.file(self._path, parent) if parent else None
        stood = standing(past.rows, past.before or ())
        stood |= _table(old, past.rows, past.classes).labels if old is not None else {}
        at = min(commit.at or self._loop.now(), self._loop.now())
        return _Found(changed(now.labels, stood, by, at), now.problems, evidence)

    def _hand_in(self, commit: Commit, name: str, past: "_Past", found: "_Found") -> Cycle | NotNow:
        """Ask for the rerun. What does not count is on the record then, but for what may count if asked anew."""
        event = rerun(
            past.asked[-1].stage, past.before or (), found.corrections,
            id=name, by=_writer(commit), at=self._loop.now(), onto=past.cycle.seq, evidence=found.evidence,
        )  # fmt: skip
        wrong = "; ".join(self._loop.problems(past.cycle, event.stage, event.changes))
        if wrong:
            self._refuse(commit, name, wrong)
            return NotNow(why=wrong)
        return self._loop.submit(self._room.cycle, event)

    def _refuse(self, commit: Commit, name: str, why: str) -> None:
        said = f"{self._path} in {commit.sha}"
        event = Refused(
            at=self._loop.now(), id=name, by=_writer(commit), said=said, why=why[:2000], evidence=commit.url
        )
        self._loop.submit(self._room.cycle, event)


class _Past(NamedTuple):
    """The cycle as it was when a commit was heard, and the openings of one stage that had asked about labels."""

    cycle: Cycle
    asked: tuple[Opening, ...]

    @property
    def rows(self) -> tuple[ToLabel, ...]:
        """Every row that was asked about, as it was asked about last."""
        return tuple({row.id: row for one in self.asked for row in one.report.to_label}.values())

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that such a row may have."""
        return self.asked[-1].report.classes

    @property
    def before(self) -> tuple[Correction, ...] | None:
        """What was corrected by then."""
        return so_far(self.cycle, self.asked[-1].stage)


class _Found(NamedTuple):
    """What a commit corrects, what of it can't be read, and where it stands."""

    corrections: tuple[Correction, ...]
    problems: tuple[Problem, ...]
    evidence: str


def _asked(events: Sequence[Event]) -> tuple[Opening, ...]:
    """The openings that asked about labels, of the stage that asked last."""
    found = [one.opening for one in chapters(events) if one.opening.report.to_label]
    return tuple(one for one in found if one.stage == found[-1].stage)


def _until(events: Sequence[Event], name: str) -> tuple[_Past, Event | None]:
    """How it was before the event of this id, if there is one, and that event."""
    place = next((number for number, event in enumerate(events) if getattr(event, "id", "") == name), len(events))
    cycle: Cycle | None = None
    for event in events[:place]:
        folded = advance(cycle, event)
        cycle = folded.cycle if isinstance(folded, Folded) else cycle
    if cycle is None:  # pragma: no cover - a cycle begins with an event that is nobody's commit
        raise ValueError(f"{name} is the first event of its cycle")
    return _Past(cycle, _asked(events[:place])), events[place] if place < len(events) else None


def _table(file: bytes, rows: Sequence[ToLabel], known: Sequence[str]) -> Read:
    text = decoded(file)
    return Read({}, (text,)) if isinstance(text, Problem) else from_csv(text, rows, known)


def _writer(commit: Commit) -> Person:
    return person_of(commit.author) if commit.author is not None else SOMEBODY


def _undone(why: str) -> list[comment.Line]:
    what, _, cure = why.partition(" → ")
    return [comment.Line(kind="refused", said="labels.csv", what=what, cure=cure)]


def _lines(found: _Found, past: _Past) -> list[comment.Line]:
    """What is answered: what changes, as a diff, and each line that can't be read."""
    count, stage = len(found.corrections), past.asked[-1].stage
    lines: list[comment.Line] = []
    if count:
        labels = "One label is" if count == 1 else f"{count:,} labels are"
        what = f"{labels} corrected, and `{stage}` runs again with {'it' if count == 1 else 'them'}; "
        what += "what was agreed about it is void."
        texts = {row.id: row.text for row in past.rows}
        diff = comment.labels_diff(found.corrections, texts)
        lines.append(comment.Line(kind="counted", said="labels.csv", what=what, block=diff))
    elif not found.problems:
        lines.append(comment.Line(kind="counted", said="labels.csv", what="No label is another one: nothing changes."))
    lines += [
        comment.Line(kind="refused", said=one.where, what=one.what, cure=one.cure) for one in found.problems[:MOST]
    ]
    more = len(found.problems) - MOST
    return [*lines, comment.Line(kind="refused", what=f"… and {more:,} more lines")] if more > 0 else lines
