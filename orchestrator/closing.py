"""A target that is closed while rows leave its snapshots: no run of it begins. What is remembered of that, by name.

Laws:
- It opens by itself when whoever closed it is dead, or its time is up; what it had begun stays known until done.
- An engine may remember for `FRESH` seconds that a target was open; whoever closes one waits for `SETTLED`, which is
  longer, and only then looks who is at work. A run is on the record before an engine looks whether it may begin: so
  either the run is seen, or it waits. A read for every run would cost a tenth of a step.
"""

from datetime import timedelta

from orchestrator.core.gate import Person
from orchestrator.core.noun import Noun
from orchestrator.owner import is_dead

LONGEST = timedelta(minutes=30)
FRESH = 0.25
SETTLED = 2 * FRESH


class Closing(Noun):
    """Who closed the target, and for which request. `request` names it and tells nothing of it; `begun`: rows may have
    left. `said` and `by` are of whoever asked first, so that doing it again is doing the same.
    """

    owner: str
    until: int
    request: str
    at: str
    by: Person
    said: str
    begun: bool = False

    def stands(self, now: int) -> bool:
        """Whether nothing may begin now (microseconds)."""
        return now < self.until and not is_dead(self.owner)


def name_of(target: str) -> str:
    """The name under which it is remembered."""
    return f"closed {target}"


def read(text: str | None) -> Closing | None:
    """What is remembered, if anything is."""
    return Closing.model_validate_json(text) if text else None
