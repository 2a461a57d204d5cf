"""How many rows a step would find new, asked without running it: `python -m steps.runner count` reads an order.

Law: counting changes nothing. What it writes goes to a folder that is gone afterwards; it neither publishes nor fails
a run, and it may be asked at any time, also while a run of the step is at work.
"""

import os
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator.core.effects import Order
from steps.cause import cause_of
from steps.contract import Context, NothingNew, StepError
from steps.describe import find

Surroundings = Callable[[Path, Order], Context]
"""The context of a run of this order that would write into the folder."""
Read = Callable[..., Any]
"""`read_given(step, order)`"""


def count(order: Order, surroundings: Surroundings, read: Read) -> dict[str, Any]:
    """`{"rows": n}`, or `{"why": …}` where they can't be counted. Never raises."""
    try:
        return {"rows": _count(order, surroundings, read)}
    except NothingNew:
        return {"rows": 0}
    except BaseException as error:
        traceback.print_exc()
        return {"why": str(cause_of(error, order.run.split("/")[-2]))}


def _count(order: Order, surroundings: Surroundings, read: Read) -> int:
    step = find(order.step)
    if step.counter is None:
        cure = "write a function (given, context) -> int, and `@counted_by(it)` over the step; or use `older_than`"
        raise StepError(f"{order.step} has no counter of new rows", where=order.step, cure=cure)
    given = read(step, order)
    beside = os.environ.get("RATCHET_WORK")  # of whoever asks, who tidies up even where this process is killed
    with tempfile.TemporaryDirectory(prefix="ratchet-count-", dir=beside) as folder:
        rows = step.counter(given, surroundings(Path(folder), order))
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
        raise StepError(f"the counter of {order.step} returned {rows!r}", where=order.step, cure="return 0 or more")
    return rows
