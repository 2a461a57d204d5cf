"""The processes of a crash story: engines that are killed, people who answer, and who looks at the end.

Every process is forked from one that has everything loaded and no thread, and begins in a few milliseconds. What may
befall an engine is its fate, and a fate is a function of the story's seed.
"""

import ctypes
import json
import logging
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from hands import Threads, processes
from story import Tale, plain, said, scene, told

from orchestrator import engine as engines
from orchestrator.audit import verify
from orchestrator.core.model import Cycle, State, Trigger
from orchestrator.desk import Desk
from orchestrator.engine import Engine
from orchestrator.journal import Journal
from orchestrator.owner import me
from orchestrator.rows import micros
from orchestrator.store import Store, Unavailable

PATIENCE = 60.0  # seconds until a story is stuck
engines.POLL = 0.05  # the net under the bells: what falls into it is found no later than this


class Fate(NamedTuple):
    """What befalls an engine: at its `count`-th passing of `point` (any, if empty), or after `seconds`."""

    kind: str = "none"  # none, kill, lose (the connection), time
    point: str = ""
    count: int = 0
    seconds: float = 0.0


class Now:
    """The real clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def chance(self) -> float:
        return random.random()  # noqa: S311


POINTS = ("before commit", "after commit", "before start", "before stop", "before take", "before release", "before ask",
          "before wake", "after start", "after take", "after stop")  # fmt: skip


def fates(chance: random.Random) -> list[Fate]:
    """What befalls the engines of a story, one after the other; the last ones live in peace."""
    drawn = []
    for _ in range(chance.choice((0, 1, 2, 2, 3, 4, 6))):
        kind = chance.choice(("kill", "kill", "kill", "lose", "time"))
        point = "" if kind == "kill" and chance.random() < 0.5 else chance.choice(POINTS)
        if kind == "lose":
            point = chance.choice(("before commit", "after commit"))
        count = 1 + int(chance.expovariate(1 / (5 if not point or kind == "lose" else 1)))
        drawn.append(Fate(kind, point, count, chance.uniform(0, 0.06)))
    return drawn


class World:
    """Where one story plays: a folder, and a database that is named by its store (which nobody has opened here)."""

    def __init__(self, tale: Tale, folder: Path, store: Store, *, local: bool) -> None:
        self.tale, self.folder, self.store, self.local = tale, folder, store, local
        self.ledger, self.resumed = folder / "ledger", folder / "resumed"

    # Processes: each ends in _exit, and never comes back into its caller

    def engine(self, fate: Fate, *, alone: bool) -> NoReturn:
        """An engine, until its fate or for ever. One that is alone and owes something tells when it does it."""
        born = time.monotonic()
        owes = alone and bool(_insist(lambda: self.store.read("effects_due", now=micros(Now().now()))))
        logging.getLogger("ratchet").setLevel(logging.CRITICAL)
        make = processes if self.local else Threads
        hands = make(self.folder, self.tale.plan)
        reach = self._reach(fate, born if owes else None)
        engine = Engine(self.store, {"local": hands, "inline": hands}, [], Now(), owner=me(), reach=reach)
        engine.run(lambda: False)
        raise AssertionError("an engine that was not told to stop has stopped")

    def _reach(self, fate: Fate, born: float | None) -> Callable[[str], None]:
        passed = 0
        said_so = born is None
        error = self.store.database.dialect.loaded_dbapi.OperationalError

        def reach(point: str) -> None:
            nonlocal passed, said_so
            if not said_so and born is not None and point.startswith("before") and point != "before commit":
                said_so = True
                with self.resumed.open("a") as file:
                    file.write(f"{time.monotonic() - born:.6f}\n")
            passed += point == (fate.point or point)
            if passed == fate.count and fate.kind == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if passed >= fate.count and fate.kind == "lose" and point == fate.point:
                passed = -10_000
                raise error("server closed the connection unexpectedly")

        return reach

    def people(self) -> NoReturn:
        """Everybody who asks for cycles and answers: at another desk, until nothing is left to be done."""
        desk = Desk(Journal(self.store), Now())
        for number, pipeline in enumerate(self.tale.pipelines):
            _insist(lambda p=pipeline, n=number: desk.trigger(p, Trigger.API, key=f"story {n}"))
        heard: set[str] = set()
        while True:
            cycles = _insist(lambda: desk.journal.cycles(limit=20))
            over = len(cycles) == len(self.tale.pipelines) and all(cycle.state.ended for cycle in cycles)
            if over and not _insist(lambda: self.store.read("effects_due", now=2**62)):
                os._exit(0)
            for cycle in cycles:
                self._answer(desk, cycle, heard)
            time.sleep(0.003)

    def _answer(self, desk: Desk, cycle: Cycle, heard: set[str]) -> None:
        place = scene(cycle, self.tale.plan)
        if not place or place in heard:
            return
        heard.add(place)
        for number, action in enumerate(self.tale.script.get(place, [("unforeseen",)])):
            if action[0] == "unforeseen":
                raise AssertionError(f"nobody knows what to say at {place}")
            if action[0] == "doom":
                other = f"c-{int(action[1]) + 1:06d}"
                doom = said(("cancel",), f"doom {other}", cycle, Now().now())
                _insist(lambda e=doom, o=other: desk.submit(o, e))
            else:
                event = said(action, f"{place} {number}", cycle, Now().now())
                _insist(lambda e=event: desk.submit(cycle.id, e))

    def clerk(self) -> NoReturn:
        """Writes down how it ended."""
        journal = Journal(self.store)
        cycles = sorted(journal.cycles(limit=50), key=lambda cycle: cycle.id)
        events = [[told(one.event) for one in journal.events(cycle.id)] for cycle in cycles]
        found = {
            "cycles": [plain(cycle, self.tale.plan) for cycle in cycles],
            "events": [[one for one in some if one[0] != "time_passed"] for some in events],
            "audit": list(verify(self.store)),
            "effects": len(self.store.read("effects_due", now=2**62)),
        }
        (self.folder / "found.json").write_text(json.dumps(found))
        os._exit(0)


def _insist(body: Callable[[], Any]) -> Any:
    """Again, while the database is away."""
    while True:
        try:
            return body()
        except Unavailable:
            time.sleep(0.01)


def fork(body: Callable[[], NoReturn]) -> int:
    """A child that does `body` and nothing else."""
    child = os.fork()
    if child:
        return child
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        body()
    except BaseException:
        import traceback

        traceback.print_exc()
    os._exit(70)


def adopt_orphans() -> None:
    """What our children leave behind becomes ours, and is waited for."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})


def reap() -> dict[int, int]:
    """Every child that has ended, with how."""
    ended = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if not pid:
            return ended
        ended[pid] = status


def wait_for_child(seconds: float) -> None:
    """Until a child ends, or that long."""
    signal.sigtimedwait({signal.SIGCHLD}, max(0.0, seconds))


def expected(tale: Tale) -> dict[str, Any]:
    """What the clerk must find."""
    events = [[one for one in events if one[0] != "time_passed"] for events in tale.events]
    return json.loads(json.dumps({"cycles": tale.cycles, "events": events, "audit": [], "effects": 0}))


__all__ = ["PATIENCE", "Fate", "State", "World", "adopt_orphans", "expected", "fates", "fork", "reap", "wait_for_child"]
