"""One run, from `order.json` to a published product or a `failure.json`; and what can be asked about a step.

    python -m steps.runner run WORKFOLDER --artifacts ROOT [--targets FOLDER]
    python -m steps.runner describe STEP [STEP…]
    python -m steps.runner validate STEP   < {"parameter": "value"}
    python -m steps.runner count WORKROOT --artifacts ROOT [--targets FOLDER]   < order.json

Laws: the exit status of `run` is 0 when the product is published and 1 when failure.json says why not; a product that
is already published is adopted, not made again; nothing half-made looks finished; a traceback goes to the log alone.
"""

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from orchestrator.core.effects import Order
from orchestrator.core.report import Failure, Product
from steps.cause import cause_of, problems
from steps.contract import Context, Given, Made, StepError
from steps.describe import Step, describe, find, read_text, validate
from steps.guard import Guard
from steps.life import own_life
from steps.place import FAILED, FENCE, ORDER, Place, write_whole
from steps.store import Store, open_store

_LAST_WORDS = 30.0  # seconds that a process may take to end once its result is written


def execute(order: Order, place: Place, store: Store, targets: Path) -> Product | Failure:
    """Do the run in this process, or adopt what it has published. Never raises; writes failure.json."""
    try:
        found = store.product(order.run) or place.read_failure()
        return found if found is not None else _make(order, place, store, targets)
    except BaseException as error:
        traceback.print_exc()
        failure = cause_of(error, place.stage.name)
    with contextlib.suppress(Exception):
        if (late := store.product(order.run)) is not None:
            return late  # stopped too late: it was published
    with contextlib.suppress(OSError):
        place.fail(failure)
    return failure


def _make(order: Order, place: Place, store: Store, targets: Path) -> Product:
    step = find(order.step)
    given = read_given(step, order)
    place.scratch.mkdir(parents=True, exist_ok=True)
    partial = store.partial(place)
    context = _context(order, place, store, targets, partial, scratch=place.scratch, work=place.folder)
    try:
        made = step.function(given, context)
        if not isinstance(made, Made):
            cure = "return its `Made`, report and all"
            raise StepError(f"{order.step} returned {type(made).__name__}", where=order.step, cure=cure)
        product = store.publish(order.run, made, partial)
        _settle(place, store, product)
        return product
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)  # a full disk gets its room back
        raise


def _context(
    order: Order,
    place: Place,
    store: Store,
    targets: Path,
    folder: Path,
    *,
    scratch: Path | None = None,
    work: Path | None = None,
) -> Context:
    return Context(
        folder,
        run=order.run,
        scratch=scratch,
        target=targets / order.target,
        token=order.token,
        last=order.last,
        resources=order.resources.model_dump(mode="json"),
        work=work,
        cache=place.root / "cache",
        tables=f"{store.root}/tables/{order.target}",
    )


def _settle(place: Place, store: Store, product: Product) -> None:
    """What is left to do once the product is published, and may fail."""
    with contextlib.suppress(OSError):
        place.room.unlink(missing_ok=True)
        if store.remote:
            write_whole(place.made, product.model_dump_json())


def read_given(step: Step, order: Order) -> Given:
    """The order's parameters and inputs as the step's `Given`. Raises `StepError` naming every wrong field."""
    fields = step.given.model_fields
    raw = {key: read_text(value, fields[key]) if key in fields else value for key, value in order.given.items()}
    try:
        return step.given.model_validate(raw)
    except ValidationError as error:
        where = f"stage {order.run.split('/')[-2]}, {order.step}"
        cure = f"correct `with:` or `takes:` of the stage; {step.given.__name__} describes its fields"
        raise StepError(f"wrong parameters: {problems(error)}", where=where, cure=cure) from None


def run(folder: Path, artifacts: str, targets: Path | None) -> int:
    """`run` on the command line. Returns the exit status."""
    place = Place.at(folder)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        order, store = _prepare(place), open_store(artifacts)
        with _fence(place):
            return _watched(order, place, store, targets or _targets(place, store, artifacts))
    except (OSError, StepError, ValidationError, KeyboardInterrupt) as error:
        failure = cause_of(error, place.stage.name)
        with contextlib.suppress(OSError):
            place.fail(failure)
        return _say(failure)


def _watched(order: Order, place: Place, store: Store, targets: Path) -> int:
    guard = Guard(place, order.resources)
    guard.start()
    ended = execute(order, place, store, targets)
    code = _say(ended) if isinstance(ended, Failure) else 0
    guard.done()
    return code


def _prepare(place: Place) -> Order:
    """The order, and a work folder that is ready. Raises `OSError`, `StepError`."""
    place.folder.mkdir(parents=True, exist_ok=True)
    place.keep_room()
    if not place.order.exists() and ORDER in os.environ:
        write_whole(place.order, os.environ[ORDER])
    try:
        return Order.model_validate_json(place.order.read_bytes())
    except ValidationError as error:
        cure = "`/rerun` starts a new attempt"
        raise StepError(f"order.json is damaged: {problems(error)}", where=str(place.order), cure=cure) from None


@contextlib.contextmanager
def _fence(place: Place) -> Iterator[None]:
    """Hold the stage's lock until this process ends. Raises `StepError` when another attempt holds it."""
    if FENCE in os.environ:
        handle = int(os.environ.pop(FENCE))
    else:
        handle = os.open(place.lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            cure = "wait until it has ended, or stop it"
            what = "another attempt of this stage is still at work"
            raise StepError(what, where=f"stage {place.stage.name}", cure=cure, retryable=True) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, place.run.encode(), 0)
        place.pid.write_text(str(own_life()))
    os.set_inheritable(handle, False)
    yield  # never closed: the kernel lets go when nothing of the run is left


def _targets(place: Place, store: Store, artifacts: str) -> Path:
    """Deployment targets live beside the cycles; an object store has no folders, so theirs are beside the work."""
    return (place.root if store.remote else Path(artifacts.removeprefix("file://")).absolute()) / "targets"


def _say(failure: Failure) -> int:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{FAILED}{failure.model_dump_json()}\n")
        sys.stderr.flush()
    return 1


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _answer(say: Any) -> int:
    """Ask a step's module with stdout turned away, since it may print while it is imported; then print the answer."""
    with contextlib.redirect_stdout(sys.stderr):
        found = say()
    sys.stdout.write(f"{json.dumps(found)}\n")
    return 0


def _validate(step: str) -> dict[str, Any]:
    try:
        raw = json.load(sys.stdin)
        if not isinstance(raw, dict):
            raise ValueError("it is not an object")
        return validate(step, raw)
    except StepError as error:
        return {"problems": [{"field": "", "what": error.failure.what, "cure": error.failure.cure}]}
    except ValueError as error:
        return {"problems": [{"field": "", "what": f"no JSON object: {error}", "cure": 'write {"parameter": "value"}'}]}
    except Exception as error:  # a module may raise anything while it is imported
        failure = cause_of(error, step)
        return {"problems": [{"field": "", "what": f"{step}: {failure.what}", "cure": failure.cure}]}


def _count(root: Path, artifacts: str, targets: Path | None) -> dict[str, Any]:
    from steps.counting import count

    def surroundings(folder: Path, order: Order) -> Context:
        place, store = Place(root, order.run), open_store(artifacts)
        return _context(order, place, store, targets or _targets(place, store, artifacts), folder)

    return count(Order.model_validate_json(sys.stdin.buffer.read()), surroundings, read_given)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of `python -m steps.runner`."""
    parser = argparse.ArgumentParser(prog="steps.runner", description="Runs one step, or says what it takes and makes.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    runs = verbs.add_parser("run")
    runs.add_argument("folder", type=Path)
    counts = verbs.add_parser("count")
    counts.add_argument("folder", type=Path)
    for one in (runs, counts):
        one.add_argument("--artifacts", required=True)
        one.add_argument("--targets", type=Path)
    verbs.add_parser("describe").add_argument("steps", nargs="+")
    verbs.add_parser("validate").add_argument("step")
    asked = parser.parse_args(arguments)
    if asked.verb == "run":
        return run(asked.folder, asked.artifacts, asked.targets)
    if asked.verb == "count":
        return _answer(lambda: _count(asked.folder, asked.artifacts, asked.targets))
    if asked.verb == "describe":
        return _answer(lambda: [describe(name) for name in asked.steps])
    return _answer(lambda: _validate(asked.step))


def end(code: int) -> NoReturn:
    """Exit, also when some thread or exit hook of a library never comes to its end: the result is written."""
    import threading

    last = threading.Timer(_LAST_WORDS, os._exit, [code])
    last.daemon = True
    last.start()
    sys.exit(code)


if __name__ == "__main__":
    end(main())
