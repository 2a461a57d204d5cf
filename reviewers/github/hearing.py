"""What was said in a pull request, turned into events and handed in: once each, in the order in which it was said.

Laws:
- Only what a person wrote, and nobody changed since, is read: never our own words, nor a bot's that is not listed.
- What names no digest is about the question that stood above it: it counts only below our report of the open gate.
- Either every command of a comment may be said by this person, or none of them is carried out.
- What was handed in before is known by its id; what became of it is looked up, so that it is answered.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from orchestrator.core.events import (
    CancelAsked,
    Delegated,
    Event,
    Held,
    Refused,
    RerunAsked,
    ReviewGiven,
    ReviewWithdrawn,
    RolledBack,
    RosterRead,
    Unheld,
)
from orchestrator.core.gate import Gate, Person, Review, Roster, Verdict
from orchestrator.core.machine import NotNow
from orchestrator.core.model import Cycle
from reviewers.commands import (
    Approve,
    Cancel,
    Command,
    Delegate,
    Help,
    Hold,
    Misread,
    Reject,
    Rerun,
    Rollback,
    Status,
    Unapprove,
    Unhold,
)
from reviewers.github.people import GitHubPeople, person_of
from reviewers.github.utterance import Heard, Utterance, commands_of, moment
from reviewers.rights import Speaker, objection

SEEN, COUNTED, REFUSED, MISREAD = "eyes", "+1", "-1", "confused"
EDITED = "an edited comment does not count: write a new one"


class Loop(Protocol):
    """What a room needs of the loop."""

    def now(self) -> datetime:
        """The time now, in UTC."""

    def cycle(self, cycle: str) -> Cycle:
        """The cycle as it stands."""

    def events(self, cycle: str) -> Sequence[Event]:
        """All that happened to it, in order."""

    def submit(self, cycle: str, event: Event) -> Cycle | NotNow:
        """Hand the event in; what a person said and does not count is put on the record as refused."""

    def problems(self, cycle: Cycle, stage: str, changes: Mapping[str, str]) -> list[str]:
        """What is wrong with these parameters at this stage."""

    def roll_back(self, cycle: Cycle, version: str, said: str) -> tuple[str, str] | str:
        """(version, the one before) once the target serves it, or why it can't. `said` twice is once."""

    def head(self, cycle: str) -> str:
        """The hash of the cycle's newest event."""


class Hearing:
    """Hears what is said in one room, by turns."""

    def __init__(self, loop: Loop, people: GitHubPeople) -> None:
        self._loop, self._people = loop, people

    def listens_to(self, said: Utterance) -> bool:
        """Whether this is a person's, or a listed bot's."""
        return said.user is not None and self._people.counts(said.user)

    def hear(self, cycle_id: str, said: Utterance, below: int | None, asked: Mapping[str, str]) -> list[Heard]:
        """Hand in what it says. `below`: the id of our comment with the report of the open gate, None where there is
        none yet; `asked`: the digest that was asked about at each commit. Raises what GitHub raises; all of it may
        then be handed in again.
        """
        found = commands_of(said, asked)
        wrong = [one for one in found if isinstance(one, Misread)]
        commands = [one for one in found if not isinstance(one, Misread)]
        if found and said.edited:
            return [self._refuse(cycle_id, said, f"{said.id}:edited", EDITED, MISREAD)]
        if wrong:
            skipped = (f"Nothing else of this {said.kind} was carried out.",) if commands else ()
            return [Heard(MISREAD, (*(f"{one.what}: {one.hint}" for one in wrong), *skipped))]
        cycle = self._loop.cycle(cycle_id)
        speaker = self._speaker(said, cycle, commands)
        against = [objection(command, speaker, cycle) for command in commands]
        if any(against):
            return [
                self._refuse(
                    cycle_id, said, _name(said, n), why or "another command of the comment is refused", REFUSED
                )
                for n, why in enumerate(against, start=1)
            ]
        return [
            self._carry_out(cycle_id, said, n, command, below, asked) for n, command in enumerate(commands, start=1)
        ]

    def altered(self, cycle_id: str, said: Utterance) -> None:
        """Words that were dealt with read otherwise now: on the record, and nothing else."""
        self._refuse(
            cycle_id, said, f"{said.id}:edited:{said.sha256[:8]}", f"{EDITED}; what it decided stands", MISREAD
        )

    def deleted(self, cycle_id: str, comment: int, by: int) -> None:
        """A comment that was dealt with is gone: on the record, and nothing else."""
        person = Person(id=f"github:{by}", login=f"user {by}")
        why = "a deleted comment stays on the record, and what it decided stands"
        name = f"github:comment:{comment}:deleted"
        event = Refused(at=self._loop.now(), id=name, by=person, said=f"deleted comment {comment}", why=why)
        self._loop.submit(cycle_id, event)

    def dismissed(self, cycle_id: str, said: Utterance) -> None:
        """An approval that somebody dismissed counts no more: less is agreed, never more."""
        self._loop.submit(cycle_id, ReviewWithdrawn(at=self._loop.now(), id=f"{said.id}:dismissed", by=_by(said),
                                                    evidence=said.evidence))  # fmt: skip

    def _speaker(self, said: Utterance, cycle: Cycle, commands: Sequence[Command]) -> Speaker:
        """Who speaks; the role and the gates are read where a command needs them."""
        person = _by(said)
        if not any(isinstance(one, Rerun | Hold | Unhold | Cancel | Rollback | Delegate) for one in commands):
            return Speaker(person)
        clauses = [
            clause
            for stage in cycle.pipeline.stages
            if stage.gate is not None
            for clause in (*stage.gate.require, *stage.gate.otherwise)
            if clause.who and clause.who != "@anyone"
        ]
        role = self._people.role(person)
        if not clauses:
            return Speaker(person, role)
        roster = self._people.read(Gate(require=tuple(dict.fromkeys(clauses))), cycle, [person])
        return Speaker(person, role, any(person.id in ids for ids in roster.members.values()))

    def _carry_out(
        self,
        cycle_id: str,
        said: Utterance,
        number: int,
        command: Command,
        below: int | None,
        asked: Mapping[str, str],
    ) -> Heard:
        cycle, name = self._loop.cycle(cycle_id), _name(said, number)
        if name in cycle.heard:
            return self._before(cycle_id, name, command)
        if isinstance(command, Status | Help):
            return Heard(COUNTED, command=command)
        event = self._event(cycle, said, name, command, below, asked)
        if isinstance(event, str):
            return self._refuse(cycle_id, said, name, event, REFUSED)._replace(command=command)
        answer = self._loop.submit(cycle_id, event)
        if not isinstance(answer, NotNow):
            return Heard(COUNTED, command=command, before=cycle)
        if answer.echo:
            return self._before(cycle_id, name, command)
        if answer.again:
            why = f"{answer.why}; once that is mended, say it again"
            return self._refuse(cycle_id, said, name, why, REFUSED)._replace(command=command)
        return Heard(REFUSED, (answer.why,), command)

    def _before(self, cycle_id: str, name: str, command: Command) -> Heard:
        """What became of it when it was handed in before, and nobody was told."""
        for event in self._loop.events(cycle_id):
            if isinstance(event, Refused) and event.id == name:
                return Heard(REFUSED, (event.why,), command)
        return Heard(COUNTED, command=command)

    def _refuse(self, cycle_id: str, said: Utterance, name: str, why: str, mark: str) -> Heard:
        words = said.text[:2000]
        refused = Refused(at=self._loop.now(), id=name, by=_by(said), said=words, why=why, evidence=said.evidence)
        self._loop.submit(cycle_id, refused)
        return Heard(mark, (why,))

    def _event(
        self,
        cycle: Cycle,
        said: Utterance,
        name: str,
        command: Command,
        below: int | None,
        asked: Mapping[str, str],
    ) -> Event | str:
        """The event that the command is, or why it is none."""
        by, at, evidence = _by(said), self._loop.now(), said.evidence
        match command:
            case Approve():
                return self._review(cycle, said, name, Verdict.APPROVE, command.note, command.digest, below)
            case Reject():
                digest = asked.get(said.commit, "")
                return self._review(cycle, said, name, Verdict.REJECT, command.reason, digest, below)
            case Unapprove():
                return ReviewWithdrawn(at=at, id=name, by=by, evidence=evidence)
            case Rerun(from_stage=stage, changes=changes):
                if problems := self._loop.problems(cycle, stage or cycle.stage.name, changes):
                    return "; ".join(problems)
                return RerunAsked(at=at, id=name, by=by, stage=stage, changes=changes, evidence=evidence)
            case Hold():
                return Held(at=at, id=name, by=by, reason=command.reason, evidence=evidence)
            case Unhold():
                self._read_again(cycle)
                return Unheld(at=at, id=name, by=by, evidence=evidence)
            case Cancel():
                return CancelAsked(at=at, id=name, by=by, reason=command.reason, evidence=evidence)
            case Delegate():
                return self._delegate(said, name, command)
            case Rollback(version=version):
                done = self._loop.roll_back(cycle, version, name)
                if isinstance(done, str):
                    return done
                return RolledBack(at=at, id=name, by=by, version=done[0], was=done[1], evidence=evidence)
        raise AssertionError(command)  # pragma: no cover - status and help are answered before

    def _review(
        self,
        cycle: Cycle,
        said: Utterance,
        name: str,
        verdict: Verdict,
        reason: str,
        digest: str,
        below: int | None,
    ) -> Event | str:
        """A verdict about the digest that it names, or about the question that it stands below."""
        opening, gate, by = cycle.opening, cycle.stage.gate, _by(said)
        roster = Roster()
        if opening is not None and gate is not None:
            if not digest and said.state:
                return f"stale: the commit that it reviews is not the one that shows {opening.run}"
            if not digest and (below is None or said.number <= below):
                return f"it was written before the report of {opening.run} was there: read that, and answer again"
            digest = digest or opening.digest
            roster = self._people.read(gate, cycle, [by, *(one.by for one in opening.reviews)])
        at = max(said.at, opening.at) if opening is not None else said.at
        review = Review(id=name, by=by, verdict=verdict, about=digest, at=at, reason=reason, evidence=said.evidence)
        return ReviewGiven(at=self._loop.now(), review=review, roster=roster)

    def _read_again(self, cycle: Cycle) -> None:
        """Who has answered and who may: a held gate may close when it is let go, on what is true then."""
        opening, gate = cycle.opening, cycle.stage.gate
        if opening is not None and gate is not None:
            roster = self._people.read(gate, cycle, [one.by for one in opening.reviews])
            self._loop.submit(cycle.id, RosterRead(at=self._loop.now(), roster=roster))

    def read_again(self, cycle_id: str) -> None:
        """Whoever has lost the right to answer since counts no more."""
        self._read_again(self._loop.cycle(cycle_id))

    def _delegate(self, said: Utterance, name: str, command: Delegate) -> Event | str:
        try:
            to = self._people.person(command.to)
        except KeyError:
            return f"nobody on GitHub has the login {command.to}"
        if self._people.role(to) == "none":
            return f"{to.login} has no access to this repository"
        until = moment(command.until, said.at)
        if until <= self._loop.now():
            return f"until={command.until} is past"
        return Delegated(at=self._loop.now(), id=name, by=_by(said), to=to, until=until, evidence=said.evidence)


def _by(said: Utterance) -> Person:
    if said.user is None:  # pragma: no cover - nobody listens to it
        raise ValueError(f"{said.id} is nobody's")
    return person_of(said.user)


def _name(said: Utterance, number: int) -> str:
    return f"{said.id}:{number}"
