"""What executors share: the environment of a run, its progress, and the failure of a run that died without a word."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from math import ceil

from pydantic import ValidationError

from orchestrator.core.effects import Order
from orchestrator.core.report import Failure, Product
from orchestrator.executors.processes import MARK
from orchestrator.ports import Progress
from steps.contract import StepError
from steps.life import Life
from steps.place import Place
from steps.secret import FILE, KEY, expected
from steps.store import Store

STOPPED = Failure(what="stopped", cure="`/rerun` starts a new attempt", retryable=False)
NEVER = Failure(what="it was never started", cure="start it", retryable=True)
_SECRET = ("TOKEN", "SECRET", "KEY", "DATABASE", "NOTIFY")
_TAIL = 4096  # bytes of the log that are looked at
_QUOTED = 5  # lines


def additions(order: Order, place: Place) -> dict[str, str]:
    """What a run's environment has more than ours. Ray's token mode is said aloud: its defaults differ by command."""
    return {
        "OMP_NUM_THREADS": str(max(1, ceil(order.resources.cpus_per_worker))),
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONUNBUFFERED": "1",
        "RAY_AUTH_MODE": os.environ.get("RAY_AUTH_MODE", "disabled"),
        "RATCHET_RUN": order.run,
        MARK: str(place.folder),
        **expected(os.environ),
    }


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Our environment without what a step must not have: Ratchet's own tokens, keys and database.

    The privacy key alone is for steps: what they collect is made unlinkable with it, and nobody else needs it.
    """
    return {
        name: value
        for name, value in environment.items()
        if name in (KEY, FILE) or not (name.startswith("RATCHET_") and any(word in name for word in _SECRET))
    }


def product_of(store: Store, place: Place) -> Product | None:
    """What the run has published; asks a store that is far away only when there is no copy here. Raises `StepError`."""
    if store.remote:
        with suppress(OSError, ValidationError):
            return Product.model_validate_json(place.made.read_bytes())
    return store.product(place.run)


def has_published(store: Store, place: Place) -> bool:
    """Whether there is a product, be it damaged: then it is not made again."""
    try:
        return product_of(store, place) is not None
    except StepError:
        return True


def progress_of(place: Place) -> Progress | None:
    """How far the run is, as its step last said it."""
    try:
        return Progress.model_validate_json(place.progress.read_bytes())
    except (OSError, ValidationError):
        return None


def died(place: Place, code: int | None) -> Failure:
    """The failure of a run that ended without a result; `code` is its exit status, negative for a signal."""
    what, cure = _ending(code)
    if lines := tail(place):
        what += f"; its log ends with: {lines}"
    return Failure(what=what, where=f"stage {place.stage.name}, {place.log}", cure=cure, retryable=True)


def silence(place: Place, life: Life) -> float:
    """Seconds since the run's last heartbeat, or since its start, in the machine's own time."""
    now = time.monotonic()
    try:
        return now - float(place.heartbeat.read_text())
    except (OSError, ValueError):
        return time.clock_gettime(time.CLOCK_BOOTTIME) - life.started / os.sysconf("SC_CLK_TCK")


def silenced(failure: Failure, stale: float) -> Failure:
    """The failure of a run that was ended because it gave no sign of life."""
    what = f"it gave no sign of life for {stale:.0f} s and was ended; {failure.what}"
    return failure.model_copy(update={"what": what, "cure": "look at its log, then `/rerun`"})


def tail(place: Place) -> str:
    """The last lines of the run's log, in one line."""
    try:
        with place.log.open("rb") as file:
            file.seek(max(0, place.log.stat().st_size - _TAIL))
            return quoted(file.read().decode(errors="replace"))
    except OSError:
        return ""


def quoted(log: str, lines: int = _QUOTED) -> str:
    """The last lines of a log in one line, at most 800 characters."""
    said = [line.strip() for line in log.splitlines() if line.strip()]
    return " | ".join(said[-lines:])[-800:]


def refused(error: Exception, place: Place) -> Failure:
    """The failure of a run that the machine would not begin."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    file = error.filename if isinstance(error, OSError) and error.filename else place.folder
    cure = "correct the work root or free what is missing, then `/rerun`"
    return Failure(what=f"the machine could not run it: {reason}", where=str(file), cure=cure, retryable=True)


def _ending(code: int | None) -> tuple[str, str]:
    if code is None:
        return "it ended without a result", "look at its log, then `/rerun`"
    if code >= 0:
        return f"it ended with exit status {code} and no result", "look at its log, then `/rerun`"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if -code == signal.SIGKILL:
        return f"it was killed by {name}", "if nobody did, the machine ran out of memory: give it more, then `/rerun`"
    return f"it was killed by {name}", "look at its log, then `/rerun`"
