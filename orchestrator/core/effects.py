"""What has to be done: imperative, named by a key that makes doing it twice the same as doing it once. Pure."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from orchestrator.core.noun import Noun
from orchestrator.core.quantity import Duration, Size


class Resources(Noun):
    """What a run may use. `memory` is for the run's whole process tree, `timeout` for one attempt."""

    workers: int = Field(1, ge=1, le=1024)
    cpus_per_worker: float = Field(1, gt=0, le=1024)
    gpus_per_worker: float = Field(0, ge=0, le=64)
    memory: Size | None = Field(None, gt=0, description="such as 16GiB")
    timeout: Duration | None = None


class Order(Noun):
    """One run, as an executor needs it. `run` is the idempotency key everywhere: `c-000042/finetune/2`."""

    run: str
    step: str
    executor: str = "local"
    given: dict[str, JsonValue] = Field(default_factory=dict)
    resources: Resources = Resources()
    target: str = Field("default", description="name of the deployment target")
    token: int = Field(0, description="fencing token of the cycle's lease on the target")
    last: dict[str, JsonValue] = Field(
        default_factory=dict, description="outputs of this stage in the last cycle that was done"
    )

    @property
    def stage(self) -> str:
        """`c-000042/finetune`: no two orders of one stage may ever be at work together."""
        return self.run.rpartition("/")[0]


class StartRun(Noun):
    """Get this run done: start or adopt it, watch it, and submit `RunFinished`."""

    kind: Literal["start"] = "start"
    order: Order
    at: AwareDatetime | None = Field(None, description="not before")

    @property
    def key(self) -> str:
        return f"start {self.order.run}"


class StopRun(Noun):
    """End this run for good and submit `RunFinished` with the failure `stopped`."""

    kind: Literal["stop"] = "stop"
    order: Order

    @property
    def key(self) -> str:
        return f"stop {self.order.run}"


class TakeLease(Noun):
    """Take the lease of the deployment target for this cycle, or learn who has it."""

    kind: Literal["take"] = "take"
    cycle: str
    target: str
    overlap: Literal["queue", "skip", "supersede"] = "queue"

    @property
    def key(self) -> str:
        return "take"


class ReleaseLease(Noun):
    """Give the lease back, so that the next cycle in the queue can have it."""

    kind: Literal["release"] = "release"
    cycle: str
    target: str
    token: int

    @property
    def key(self) -> str:
        return f"release {self.cycle} {self.token}"


class AskReview(Noun):
    """Show the open gate to every reviewer: now, and until it is closed."""

    kind: Literal["ask"] = "ask"
    cycle: str
    run: str

    @property
    def key(self) -> str:
        return f"ask {self.run}"


class Wake(Noun):
    """Submit `TimePassed` for this purpose once `at` has come."""

    kind: Literal["wake"] = "wake"
    cycle: str
    run: str
    purpose: Literal["remind", "deadline"]
    number: int = 0
    at: AwareDatetime

    @property
    def key(self) -> str:
        return f"wake {self.run} {self.purpose} {self.number}"


Effect = Annotated[
    StartRun | StopRun | TakeLease | ReleaseLease | AskReview | Wake,
    Field(discriminator="kind"),
]
