"""What was said in a pull request, turned into events and handed in: once each, in the order in which it was said.

Laws:
- Only what a person wrote, and nobody changed since, is read: never our own words, nor a bot's that is not listed.
- Either every command of a comment may be said by this person, or none of them is carried out.
- What was handed in before is known by its id; what became of it is looked up, so that it is answered.
- Words that are edited or deleted later change nothing that they decided; that it was done is on the record.
"""

from collections.abc import Sequence

from orchestrator.core.course import Folded
from orchestrator.core.events import Delegated, Event, Held, Refused, ReviewGiven, ReviewWithdrawn, RolledBack
from orchestrator.core.gate import Person
from orchestrator.core.machine import NotNow, advance
from orchestrator.core.model import Cycle
from reviewers.commands import Cancel, Command, Delegate, Help, Hold, Misread, Rerun, Rollback, Status, Unhold
from reviewers.github.loop import Loop
from reviewers.github.meaning import Ask, Meaning, speaker_of
from reviewers.github.people import GitHubPeople
from reviewers.github.protocol import Forbidden
from reviewers.github.utterance import Heard, Utterance, commands_of
from reviewers.rights import Speaker, objection

SEEN, COUNTED, REFUSED, MISREAD = "eyes", "+1", "-1", "confused"
EDITED = "an edited comment does not count: write a new one"
DECIDED = "this comment was edited: what it decided stands"
DELETED = "a deleted comment stays on the record, and what it decided stands"
SOMEBODY = Person(id="github:0", login="somebody")
"""Who deleted a comment, where no delivery has told."""


class Hearing:
    """Hears what is said in one room, by turns."""

    def __init__(self, loop: Loop, people: GitHubPeople) -> None:
        self._loop, self._people = loop, people
        self._meaning = Meaning(loop, people)

    def listens_to(self, said: Utterance) -> bool:
        """Whether this is a person's, or a listed bot's."""
        return said.user is not None and self._people.counts(said.user)

    def hear(self, cycle_id: str, said: Utterance, ask: Ask) -> list[Heard]:
        """Hand in what it says. Raises what GitHub raises; all of it may then be handed in again."""
        found = commands_of(said, ask.commits)
        wrong = [one for one in found if isinstance(one, Misread)]
        commands = [one for one in found if not isinstance(one, Misread)]
        if found and said.edited:
            return [self._refuse(cycle_id, said, f"{said.id}:edited", EDITED, MISREAD)]
        if wrong:
            skipped = [f"nothing else of this {said.kind} was carried out"] if commands else []
            return [Heard(MISREAD, (why,)) for why in (*(f"{one.what} → {one.hint}" for one in wrong), *skipped)]
        against = self._objections(cycle_id, said, commands)
        if any(against):
            why = "another command of the comment is refused"
            return [
                self._refuse(cycle_id, said, f"{said.id}:{n}", no or why, REFUSED) for n, no in enumerate(against, 1)
            ]
        return [self._carry_out(cycle_id, said, f"{said.id}:{n}", one, ask) for n, one in enumerate(commands, 1)]

    def altered(self, cycle_id: str, said: Utterance, ask: Ask) -> str:
        """Words that were dealt with are others now: on the record, and nothing else. What is to be answered; empty
        where neither the old words nor the new ones are a command.
        """
        decided = self._was_heard(cycle_id, said.id)
        if not decided and not commands_of(said, ask.commits):
            return ""
        why = DECIDED if decided else EDITED
        self._refuse(cycle_id, said, f"{said.id}:edited:{said.sha256[:8]}", why, MISREAD)
        return why

    def deleted(self, cycle_id: str, comment: int, by: int | None = None) -> None:
        """A comment that was dealt with is gone: on the record, and nothing else."""
        if not self._was_heard(cycle_id, f"github:comment:{comment}"):
            return
        name = f"github:comment:{comment}:deleted"
        person = Person(id=f"github:{by}", login=f"user {by}") if by is not None else SOMEBODY
        said = f"deleted comment {comment}"
        self._loop.submit(cycle_id, Refused(at=self._loop.now(), id=name, by=person, said=said, why=DELETED))

    def dismissed(self, cycle_id: str, said: Utterance) -> None:
        """A verdict that somebody dismissed counts no more: less is agreed, never more. A newer one stands."""
        opening = self._loop.cycle(cycle_id).opening
        if opening is not None and any(one.id == f"{said.id}:1" for one in opening.reviews):
            at = max(self._loop.now(), said.at)
            name, by = f"{said.id}:dismissed", speaker_of(said)
            self._loop.submit(cycle_id, ReviewWithdrawn(at=at, id=name, by=by, evidence=said.evidence))

    def read_again(self, cycle_id: str) -> None:
        """Whoever has lost the right to answer since counts no more."""
        self._meaning.read_again(self._loop.cycle(cycle_id))

    def _was_heard(self, cycle_id: str, said: str) -> bool:
        """Whether a command of it was handed in, counted or refused."""
        return any(one.removeprefix(f"{said}:").isdigit() for one in self._loop.cycle(cycle_id).heard)

    def _objections(self, cycle_id: str, said: Utterance, commands: Sequence[Command]) -> list[str]:
        """Why this person may not say it, for each command."""
        cycle = self._loop.cycle(cycle_id)
        speaker = self._speaker(speaker_of(said), cycle, commands)
        return [objection(command, speaker, cycle) for command in commands]

    def _speaker(self, person: Person, cycle: Cycle, commands: Sequence[Command]) -> Speaker:
        """Who speaks; the role and the gates are read where a command needs them."""
        if not any(isinstance(one, Rerun | Hold | Unhold | Cancel | Rollback | Delegate) for one in commands):
            return Speaker(person)
        try:
            role = self._people.role(person)
        except Forbidden:
            return Speaker(person, "unknown: it can't be read")
        return Speaker(person, role, self._people.asks(cycle, person), self._holds(cycle, person))

    def _holds(self, cycle: Cycle, person: Person) -> bool:
        """Whether the cycle is held, and by this very person: a login alone may be somebody else's."""
        holds = [event for event in self._loop.events(cycle.id) if isinstance(event, Held)]
        return cycle.held is not None and bool(holds) and holds[-1].by.id == person.id

    def _carry_out(self, cycle_id: str, said: Utterance, name: str, command: Command, ask: Ask) -> Heard:
        cycle = self._loop.cycle(cycle_id)
        if name in cycle.heard:
            return self._before(cycle_id, name, command)
        if isinstance(command, Status | Help):
            return Heard(COUNTED, command=command)
        event = self._meaning.event(cycle, said, name, command, ask)
        if isinstance(event, str):
            return self._refuse(cycle_id, said, name, event, REFUSED)._replace(command=command)
        answer = self._loop.submit(cycle_id, event)
        if not isinstance(answer, NotNow):
            return Heard(COUNTED, _told(event), command, cycle)
        if answer.echo:
            return self._before(cycle_id, name, command)
        if answer.again:
            why = f"{answer.why}; once that is mended, say it again"
            return self._refuse(cycle_id, said, name, why, REFUSED)._replace(command=command)
        return Heard(REFUSED, (answer.why,), command)

    def _before(self, cycle_id: str, name: str, command: Command) -> Heard:
        """What became of it when it was handed in before, and nobody was told."""
        cycle: Cycle | None = None
        for event in self._loop.events(cycle_id):
            if _id(event) == name:
                if isinstance(event, Refused):
                    return Heard(REFUSED, (event.why,), command)
                return Heard(COUNTED, _told(event), command, cycle)
            folded = advance(cycle, event)
            cycle = folded.cycle if isinstance(folded, Folded) else cycle
        return Heard(COUNTED, command=command)  # pragma: no cover - what was heard is on the record

    def _refuse(self, cycle_id: str, said: Utterance, name: str, why: str, mark: str) -> Heard:
        words, by, at = said.text[:2000], speaker_of(said), self._loop.now()
        self._loop.submit(cycle_id, Refused(at=at, id=name, by=by, said=words, why=why, evidence=said.evidence))
        return Heard(mark, (why,))


def _id(event: Event) -> str:
    said = event.review if isinstance(event, ReviewGiven) else event
    return getattr(said, "id", "")


def _told(event: Event) -> tuple[str, ...]:
    """What is answered to whoever was obeyed, where a reaction says too little."""
    match event:
        case RolledBack(version=version, was=was):
            return (f"{version} is deployed again, in the place of {was}.",)
        case Delegated(by=by, to=to) if to.id == by.id:
            return ("You answer for yourself again.",)
        case Delegated(to=to, until=until):
            return (f"{to.login} answers in your place until {until:%Y-%m-%d %H:%M} UTC.",)
    return ()
