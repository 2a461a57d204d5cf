"""Who stands behind the names in a gate, as GitHub says just now.

Laws:
- Everybody is a numeric id: `github:583231`. A login is looked up, and may belong to somebody else tomorrow.
- Nothing is remembered: a role or a membership is read when it is needed, and read again at the next decision.
- Fail closed. Who is nobody here fills no seat, whatever a list says; a name that can't be read is said to be so.
- Bots count only where they are listed. `author_association`, titles, labels and bodies say nothing here.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from orchestrator.core.events import Delegated
from orchestrator.core.gate import Gate, Person, Roster
from orchestrator.core.model import Cycle
from reviewers.github.protocol import Forbidden, GitHubError, Limited, Missing, Unauthorized, Unreachable
from reviewers.github.repository import ROLES, Repository, User

LEAST = {"@anyone": "write", "@write": "write", "@maintain": "maintain", "@admin": "admin"}
ASLEEP = (Unreachable, Limited, Unauthorized)
"""What says nothing of the person who is looked up: to be asked again."""


def person_of(user: User) -> Person:
    """A user of GitHub as somebody who can be asked."""
    return Person(id=f"github:{user.id}", login=user.login)


class GitHubPeople:
    """The people of one repository. `delegations`: whom everybody has answer in his place now, by person id."""

    def __init__(
        self,
        repository: Repository,
        bots: Collection[str] = (),
        delegations: Callable[[], Mapping[str, Delegated]] = dict,
    ) -> None:
        self._repository, self._delegations = repository, delegations
        self._bots = {login.casefold() for login in bots}

    def counts(self, user: User) -> bool:
        """Whether this is a person, or a bot that is listed."""
        return user.type == "User" or user.login.casefold() in self._bots

    def person(self, login: str) -> Person:
        """The person who has this login now. Raises `KeyError` for nobody, and what GitHub raises."""
        user = self._repository.user(login)
        if user is None or not self.counts(user):
            raise KeyError(login)
        return person_of(user)

    def role(self, person: Person) -> str:
        """What the person may do here now; `none` for somebody who has only taken over the login."""
        return self._repository.role(person.login, _number(person))

    def roster(self, gate: Gate, cycle: Cycle, asking: Sequence[Person]) -> Roster:
        """The ids behind every name of the gate; `asking` are those who have answered or are about to."""
        try:
            return self.read(gate, cycle, asking)
        except GitHubError as error:
            names = dict.fromkeys(clause.who for clause in (*gate.require, *gate.otherwise) if clause.who)
            return Roster(unreadable=dict.fromkeys(names, str(error)))

    def read(self, gate: Gate, cycle: Cycle, asking: Sequence[Person]) -> Roster:
        """The same, but raises `Unreachable`, `Limited` or `Unauthorized` where GitHub can't be asked now."""
        look = _Look(self, self._repository, cycle, {one.id: one for one in asking})
        names = dict.fromkeys(clause.who for clause in (*gate.require, *gate.otherwise) if clause.who)
        members: dict[str, tuple[str, ...]] = {}
        unreadable: dict[str, str] = {}
        for name in names:
            try:
                members[name] = self._stand_in(look, look.members(name), gate)
            except (Forbidden, Missing, KeyError) as error:
                unreadable[name] = _why(name, error)
        return Roster(members=members, unreadable=unreadable, uncounted=tuple(one for one in names if one in LEAST))

    def asks(self, cycle: Cycle, person: Person) -> bool:
        """Whether a gate of the pipeline asks this person, away or in somebody's place; a list that can't be read
        asks nobody. Raises what says nothing of the person.
        """
        look = _Look(self, self._repository, cycle, {person.id: person})
        gates = [stage.gate for stage in cycle.pipeline.stages if stage.gate is not None]
        for gate in gates:
            for name in dict.fromkeys(one.who for one in (*gate.require, *gate.otherwise)):
                if not name or name == "@anyone":
                    continue
                with suppress(Forbidden, Missing, KeyError):
                    members = look.members(name)
                    if person.id in (*members, *self._stand_in(look, members, gate)):
                        return True
        return False

    def _stand_in(self, look: "_Look", members: tuple[str, ...], gate: Gate) -> tuple[str, ...]:
        """Who has another one answer in his place is replaced, by that one alone. One who is barred can't be, nor by
        who is nobody.
        """
        initiator = look.cycle.initiator
        barred = initiator.id if initiator is not None and gate.bars_initiator else ""
        words = self._delegations()
        away = {one: words[one].to for one in members if one in words and one != barred}
        return tuple(
            dict.fromkeys(away[one].id if one in away and look.role(away[one]) != "none" else one for one in members)
        )


class _Look:
    """One reading: what was asked once is not asked again within it."""

    def __init__(
        self, people: GitHubPeople, repository: Repository, cycle: Cycle, asking: Mapping[str, Person]
    ) -> None:
        self.cycle = cycle
        self._people, self._repository, self._asking = people, repository, asking
        self._roles: dict[str, str] = {}

    def role(self, person: Person) -> str:
        if person.id not in self._roles:
            self._roles[person.id] = self._people.role(person)
        return self._roles[person.id]

    def members(self, name: str) -> tuple[str, ...]:
        """The ids behind a name. Raises `KeyError` for a login that nobody has, and for a list that is not there."""
        if name in LEAST:
            least = ROLES.index(LEAST[name])
            return tuple(who for who, one in self._asking.items() if ROLES.index(self.role(one)) >= least)
        org, slash, slug = name.removeprefix("@").partition("/")
        if slash:
            listed = (f"github:{user.id}" for user in self._repository.team(org, slug) if self._people.counts(user))
            return tuple(who for who in listed if who not in self._asking or self.role(self._asking[who]) != "none")
        group = self.cycle.pipeline.groups[org] if name.startswith("@") else None
        found = [self._people.person(org)] if group is None else list(self._known(group))
        return tuple(dict.fromkeys(one.id for one in found if self.role(one) != "none"))

    def _known(self, logins: Sequence[str]) -> Iterator[Person]:
        """Whoever is left of a list that was written down."""
        for login in logins:
            with suppress(KeyError):
                yield self._people.person(login)


def _number(person: Person) -> int | None:
    """The numeric id; 0, which nobody has, for somebody of another house."""
    house, _, number = person.id.partition(":")
    return int(number) if house == "github" and number.isdigit() else 0


def _why(name: str, error: Exception) -> str:
    if isinstance(error, KeyError) and name.startswith("@"):
        return f"{name} is none of the groups in ratchet.yaml"
    if isinstance(error, KeyError):
        return f"nobody on GitHub has the login {error.args[0]}"
    if "/" not in name:
        return str(error)
    if isinstance(error, Forbidden):
        return "the server may not read teams: give its App the organization permission Members: read"
    return (
        "there is no such team, or the server may not see it: its App needs the organization permission Members: read"
    )
