"""How what is written reads: the texts of events, effects, runs and cycles, and the hash that links them. Pure.

Law: the texts of a run and of a cycle leave out defaults, so that a field of a later version changes none of them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import TypeAdapter
from pydantic_core import from_json

from orchestrator.core.effects import Effect
from orchestrator.core.events import Event
from orchestrator.core.model import Cycle, Run

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
EFFECT: TypeAdapter[Effect] = TypeAdapter(Effect)
GENESIS = hashlib.sha256(b"ratchet").hexdigest()


def micros(at: datetime) -> int:
    """Microseconds since the epoch."""
    return round(at.timestamp() * 1_000_000)


def link(previous: str, cycle: str, seq: int, body: str) -> str:
    """The hash of an event: sha256 (hex) over the hash before it, its place, and its exact text."""
    return hashlib.sha256(f"{previous}\n{cycle}\n{seq}\n{body}".encode()).hexdigest()


def body_of(cycle: Cycle) -> str:
    """The text of the row: without the pipeline, which never changes, the runs of stages that the cycle is past, which
    have rows of their own, and whatever has its default.
    """
    here = cycle.but(runs=cycle.runs[cycle.position :])
    return here.model_dump_json(exclude={"pipeline"}, exclude_defaults=True)


def past(cycle: Cycle) -> Sequence[Run]:
    """The runs of the stages that the cycle is past."""
    return cycle.runs[: cycle.position]


def text_of(run: Run) -> str:
    """The text of a run's row."""
    return run.model_dump_json(exclude_defaults=True)


def cycle_from(born: str, body: str, runs: Mapping[str, str]) -> Cycle:
    """The cycle of a row, its first event, which has the pipeline, and its runs by stage."""
    here, pipeline = from_json(body), from_json(born)["pipeline"]
    stages = pipeline["stages"][: here.get("position", 0)]
    earlier = [from_json(runs[stage["name"]]) for stage in stages]
    return Cycle.model_validate({**here, "runs": [*earlier, *here.get("runs", [])], "pipeline": pipeline})
