"""What a command means just now: the event that it is, or why it is none.

Law: what names no digest is about the question that stood above it: it counts only below our report of the open gate.
"""

from collections.abc import Mapping
from typing import NamedTuple

from orchestrator.core.events import (
    CancelAsked,
    Delegated,
    Event,
    Held,
    RerunAsked,
    ReviewGiven,
    ReviewWithdrawn,
    RolledBack,
    RosterRead,
    Unheld,
)
from orchestrator.core.gate import Person, Review, Roster, Verdict
from orchestrator.core.model import Cycle, Opening
from reviewers.commands import Approve, Cancel, Command, Delegate, Hold, Reject, Rerun, Rollback, Unapprove, Unhold
from reviewers.corrections import smuggled
from reviewers.github.loop import Loop
from reviewers.github.people import GitHubPeople, person_of
from reviewers.github.utterance import Utterance, moment


class Ask(NamedTuple):
    """What stands in the room when something is said. `below`: the id of our comment with the report of the open gate,
    None where there is none yet; `commits`: the digest that was asked about at each commit.
    """

    below: int | None = None
    commits: Mapping[str, str] = {}


class Meaning:
    """Reads what an event needs: who may answer, whether values fit, what the target serves."""

    def __init__(self, loop: Loop, people: GitHubPeople) -> None:
        self._loop, self._people = loop, people

    def event(self, cycle: Cycle, said: Utterance, name: str, command: Command, ask: Ask) -> Event | str:
        """The event that the command is, or why it is none. Raises what GitHub raises."""
        by, at, evidence = speaker_of(said), self._loop.now(), said.evidence
        match command:
            case Approve(digest=digest, note=note):
                return self._review(cycle, said, name, Verdict.APPROVE, note, digest, ask)
            case Reject(reason=reason):
                digest = ask.commits.get(said.commit, "")
                return self._review(cycle, said, name, Verdict.REJECT, reason, digest, ask)
            case Unapprove():
                return ReviewWithdrawn(at=max(at, said.at), id=name, by=by, evidence=evidence)
            case Rerun(from_stage=stage, changes=changes):
                if why := smuggled(changes):
                    return why
                if problems := self._loop.problems(cycle, stage or cycle.stage.name, changes):
                    return "; ".join(problems)
                return RerunAsked(at=at, id=name, by=by, stage=stage, changes=changes, evidence=evidence)
            case Hold(reason=reason):
                return Held(at=at, id=name, by=by, reason=reason, evidence=evidence)
            case Unhold():
                self.read_again(cycle)
                return Unheld(at=at, id=name, by=by, evidence=evidence)
            case Cancel(reason=reason):
                return CancelAsked(at=at, id=name, by=by, reason=reason, evidence=evidence)
            case Delegate():
                return self._delegate(said, name, command)
            case Rollback(version=version):
                done = self._loop.roll_back(cycle, version, name)
                if isinstance(done, str):
                    return done
                return RolledBack(at=at, id=name, by=by, version=done[0], was=done[1], evidence=evidence)
        raise AssertionError(command)  # pragma: no cover - status and help are answered before

    def _review(
        self, cycle: Cycle, said: Utterance, name: str, verdict: Verdict, reason: str, digest: str, ask: Ask
    ) -> Event | str:
        """A verdict about the digest that it names, or about the question that it stands below."""
        opening, gate, by = cycle.opening, cycle.stage.gate, speaker_of(said)
        roster = Roster()
        if opening is not None and gate is not None:
            if not digest and said.state:
                return f"stale: the commit that it reviews is not the one that shows {opening.run}"
            if not digest and (ask.below is None or said.number <= ask.below):
                return f"it was written before the report of {opening.run} was there: read that, and answer again"
            digest = digest or opening.digest
            roster = self._people.read(gate, cycle, [by, *_answered(opening)])
        at = max(said.at, opening.at) if opening is not None else said.at
        review = Review(id=name, by=by, verdict=verdict, about=digest, at=at, reason=reason, evidence=said.evidence)
        return ReviewGiven(at=self._loop.now(), review=review, roster=roster)

    def read_again(self, cycle: Cycle) -> None:
        """Who has answered and who may: whoever has lost the right since counts no more. A held gate may close when
        it is let go, on what is true then.
        """
        opening, gate = cycle.opening, cycle.stage.gate
        if opening is not None and gate is not None:
            roster = self._people.read(gate, cycle, _answered(opening))
            self._loop.submit(cycle.id, RosterRead(at=self._loop.now(), roster=roster))

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
        return Delegated(at=self._loop.now(), id=name, by=speaker_of(said), to=to, until=until, evidence=said.evidence)


def speaker_of(said: Utterance) -> Person:
    """Who said it."""
    if said.user is None:  # pragma: no cover - nobody listens to it
        raise ValueError(f"{said.id} is nobody's")
    return person_of(said.user)


def _answered(opening: Opening) -> list[Person]:
    """The people who have; a policy and a terminal are no people."""
    return [one.by for one in opening.reviews if one.authority == "person"]
