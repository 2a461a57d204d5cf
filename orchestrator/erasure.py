"""Erasure: a person's rows, or single ones, leave every snapshot of a pipeline, and the record says that they did.

Laws:
- Who or what is erased stands in no command line, log, message, event or row: the steps' side reads it from stdin.
- Rows leave while no run of the target is at work, and none begins meanwhile: a model that was being trained on them
  would be named by nobody.
- Done again after a crash it is the same erasure, and on the record once, with all that it took.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.closing import LONGEST, SETTLED, Closing, name_of, read
from orchestrator.core.events import Erased, Learnt
from orchestrator.core.gate import Person
from orchestrator.core.model import Pipeline
from orchestrator.owner import me
from orchestrator.rooms import Marks
from orchestrator.rows import micros
from orchestrator.trouble import Trouble
from reviewers.plain import inert

if TYPE_CHECKING:
    from orchestrator.app import App

LONGEST_WORDS = 2000
PATIENCE = LONGEST.total_seconds() - 60  # for the steps' side; what it has begun it finishes the next time


@dataclass(frozen=True)
class Rows:
    """Whose rows are to be erased, or which: persons as the source calls them, ids of rows, texts as they stood."""

    persons: tuple[str, ...] = field(default=(), repr=False)
    ids: tuple[str, ...] = field(default=(), repr=False)
    texts: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Raise `Trouble` for what the steps' side would refuse: it would quote it."""
        if not all(re.fullmatch(r"[0-9a-f]{32}", one) for one in self.ids):
            raise Trouble("an id that was named is none", "write its 32 hexadecimal digits", code=2)
        if any(len(one) > LONGEST_WORDS for one in (*self.persons, *self.texts)):
            what = f"a name or text that was named has more than {LONGEST_WORDS} characters"
            raise Trouble(what, "name the row by its id", code=2)


@dataclass(frozen=True)
class Erasure:
    """Who wants it, why, and what names the wish for ever."""

    by: Person
    reason: str
    said: str


def erase(app: "App", pipeline: Pipeline, rows: Rows, wish: Erasure, *, dry: bool = False) -> dict[str, Any]:
    """What left, or with `dry` what would leave: the answer of `steps.snapshot erase`, and the key that persons were
    known by. Raises `Trouble` where a run of the target is at work, and where the steps' side says no.
    """
    newest = app.journal.cycles(pipeline.name, limit=1)
    if not newest:
        raise Trouble(f"no cycle of {pipeline.name} has ever begun", "there is nothing to erase")
    request, key = _request(app, pipeline, rows)
    now = app.clock.now()
    if dry:
        return {**_steps(app, pipeline, {**request, **_who(wish.by, wish.reason, now.isoformat())}, dry=True), **key}
    with _closed(app, pipeline.owns, _name(request), wish) as closing:
        said = _who(closing.by, wish.reason, closing.at)
        answer = _steps(app, pipeline, {**request, **said}, dry=False)
        app.desk.submit(newest[0].id, _event(answer, closing, wish.reason, now))
    return {**answer, **key}


def _who(by: Person, reason: str, at: str) -> dict[str, str]:
    return {"by": by.login, "reason": reason, "at": at}


def _event(answer: dict[str, Any], closing: Closing, reason: str, at: datetime) -> Erased:
    models = tuple(
        Learnt(run=one["run"], version=one["version"] or "", deployed=one["deployed"], rows=one["rows"])
        for one in answer["models"]
    )
    return Erased(
        at=at, id=closing.said, by=closing.by, reason=reason, rows=answer["rows"], holdout=answer["holdout"],
        cycles=answer["cycles"], models=models, tables={one["table"]: one["version"] for one in answer["tables"]},
    )  # fmt: skip


def _name(request: dict[str, Any]) -> str:
    """What names the request and tells nothing of it: its persons are keyed hashes already."""
    text = json.dumps({name: sorted(values) for name, values in request.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _closed(app: "App", target: str, request: str, wish: Erasure) -> Iterator[Closing]:
    """Let no run of the target begin. Raises `Trouble` while one is at work, or another erasure is."""
    marks, mark, now = Marks(app.store), name_of(target), app.clock.now()
    was = read(marks.get(mark))
    if was is not None and was.stands(micros(now)):
        raise Trouble(f"{was.by.login} is erasing rows of {target} just now", "wait until that is done")
    known = was if was is not None and was.begun and was.request == request else None
    at, by, said = (known.at, known.by, known.said) if known else (now.isoformat(), wish.by, wish.said)
    closing = Closing(owner=me(), until=micros(now + LONGEST), request=request, at=at, by=by, said=said)
    closing = closing.but(begun=known is not None)
    marks.set(mark, closing.model_dump_json())
    try:
        time.sleep(SETTLED)
        _at_rest(app, target)
        marks.set(mark, closing.but(begun=True).model_dump_json())
        yield closing
    except BaseException:
        left = read(marks.get(mark))
        marks.set(mark, left.but(until=0).model_dump_json() if left is not None and left.begun else "")
        raise
    marks.set(mark, "")


def _at_rest(app: "App", target: str) -> None:
    """Raises `Trouble` while a run of the target is at work. Only the cycle that holds the lease has one."""
    holder = app.outbox.holder(target)
    cycle = app.journal.cycle(holder) if holder else None
    if cycle is not None and cycle.run is not None and cycle.run.state == "wanted":
        cure = f"wait until it has ended (`ratchet show {cycle.id}`), or `ratchet cancel {cycle.id} --reason …`"
        raise Trouble(f"{cycle.run.id} is at work, and may be learning what is to be erased", cure)


# The steps' side


def targets_of(app: "App") -> Path:
    """The folder of deployment targets, as runs have it: beside the work where artifacts lie in no folder."""
    remote = "://" in app.artifacts and not app.artifacts.startswith("file://")
    return (app.work if remote else Path(app.artifacts.removeprefix("file://"))) / "targets"


def _request(app: "App", pipeline: Pipeline, rows: Rows) -> tuple[dict[str, Any], dict[str, str]]:
    """The request, its persons as keyed hashes, and which key that was."""
    request: dict[str, Any] = {"persons": [], "ids": list(rows.ids), "texts": list(rows.texts)}
    if not rows.persons:
        return request, {}
    words = ["steps.secret", str(targets_of(app)), pipeline.owns]
    found = asked(words, json.dumps({"values": rows.persons}), 60.0)
    return {**request, "persons": found["persons"]}, {"key": f"{found['key']} ({found['from']})"}


def _steps(app: "App", pipeline: Pipeline, request: dict[str, Any], *, dry: bool) -> dict[str, Any]:
    words = ["steps.snapshot", "erase", "--artifacts", app.artifacts, "--target", pipeline.owns]
    words += ["--work", str(app.work), *(["--dry-run"] if dry else [])]
    answer: dict[str, Any] = asked(words, json.dumps(request), PATIENCE)
    return answer


def asked(words: Sequence[str], given: str = "", patience: float = 120.0) -> Any:
    """What a module of the steps answers, in a process of its own. Raises `Trouble` with what it says is wrong."""
    from orchestrator.executors.workplace import inherited, quoted

    try:
        done = subprocess.run(
            [sys.executable, "-m", *words], input=given, capture_output=True, encoding="utf-8", errors="replace",
            check=False, timeout=patience, env=inherited(os.environ),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Trouble(f"{words[0]} did not end within {patience:.0f} s", "ask again: it goes on from there") from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        said = inert(quoted(done.stderr, 1), 300)
        raise Trouble(f"{words[0]} ended with exit status {done.returncode}", said) from None
    if done.returncode != 0:
        raise Trouble(inert(answer["what"], 500), inert(answer.get("cure", ""), 500))
    return answer
