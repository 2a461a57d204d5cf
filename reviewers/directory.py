"""Who stands behind the names in a gate, as far as the pipeline file itself says. Pure.

A login and a `@group` of the file can be read here; teams and repository roles only where GitHub can be asked, and
until then they are unreadable, which keeps the gate shut.
"""

from collections.abc import Sequence

from orchestrator.core.gate import Gate, Person, Roster
from orchestrator.core.model import Cycle, Pipeline


class Directory:
    """The people of a server that is connected to nothing: whoever holds a token is known by its name."""

    def person(self, login: str) -> Person:
        """Somebody known by a login alone."""
        return person(login)

    def roster(self, gate: Gate, cycle: Cycle, asking: Sequence[Person]) -> Roster:
        """The ids behind every name of the gate."""
        return roster(gate, cycle.pipeline, *asking)


def person(login: str) -> Person:
    """Somebody known by a login of this machine alone."""
    return Person(id=f"login:{login.casefold()}", login=login)


def roster(gate: Gate, pipeline: Pipeline, *here: Person) -> Roster:
    """The ids behind every name of the gate; `here` are those who have answered or are about to."""
    members: dict[str, tuple[str, ...]] = {}
    unreadable: dict[str, str] = {}
    for clause in (*gate.require, *gate.otherwise):
        who = clause.who
        group = who.removeprefix("@")
        if who == "@anyone":
            members[who] = tuple(one.id for one in here)
        elif who.startswith("@") and group in pipeline.groups:
            members[who] = tuple(person(login.removeprefix("@")).id for login in pipeline.groups[group])
        elif "/" in who or who in ("@write", "@maintain", "@admin"):
            unreadable[who] = "only a server that is connected to GitHub knows who that is"
        elif who:
            members[who] = (person(group).id,)
    return Roster(members=members, unreadable=unreadable, uncounted=("@anyone",))
