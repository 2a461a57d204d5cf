"""Who may say what, beside answering a gate. Pure.

Law: fail closed. Whoever is nobody here is told so; a role that can't be read gives no right.

| command | who |
|---|---|
| `/approve`, `/unapprove`, `/reject` | whom the open gate asks: the core decides |
| `/rerun`, `/hold` | whoever may write, whom a gate of the pipeline asks, and who started the cycle |
| `/cancel` | maintainers, whom a gate of the pipeline asks, and who started the cycle |
| `/unhold` | maintainers, whom a gate of the pipeline asks, and who holds the cycle |
| `/rollback` | maintainers |
| `/delegate` | whom a gate of the pipeline asks |
| `/status`, `/help` | everybody |
"""

from typing import NamedTuple

from orchestrator.core.gate import Person
from orchestrator.core.model import Cycle
from reviewers.commands import Cancel, Command, Delegate, Hold, Rerun, Rollback, Unhold

WRITERS = ("write", "maintain", "admin")
MAINTAINERS = ("maintain", "admin")


class Speaker(NamedTuple):
    """Somebody who says something: the live role here, whether a gate of the pipeline asks this person, and whether it
    is who holds the cycle.
    """

    person: Person
    role: str = "none"
    asked: bool = False
    holds: bool = False


def objection(command: Command, speaker: Speaker, cycle: Cycle) -> str:
    """Why this person may not say this; empty where it is allowed, or for the core to decide."""
    began = cycle.initiator is not None and cycle.initiator.id == speaker.person.id
    writes, maintains = speaker.role in WRITERS, speaker.role in MAINTAINERS
    match command:
        case Rerun() | Hold() if not (writes or speaker.asked or began):
            who = "may be said by whoever may write here, whom a gate asks, or who started the cycle"
        case Cancel() if not (maintains or speaker.asked or began):
            who = "may be said by maintainers, whom a gate asks, or who started the cycle"
        case Unhold() if not (maintains or speaker.asked or speaker.holds):
            who = "may be said by maintainers, whom a gate asks, or who holds the cycle"
        case Rollback() if not maintains:
            who = "may be said by maintainers"
        case Delegate() if not speaker.asked:
            who = "may be said by whom a gate asks"
        case _:
            return ""
    return f"/{command.kind} {who}; {speaker.person.login} has the role {speaker.role}"
