"""The crash sweep: seeded stories, each played by engines that are killed, each compared with how it ends in peace.

    python tests/crash/sweep.py --database sqlite --seeds 0:500 --workers 2
    python tests/crash/sweep.py --database postgres --seed 123        one story again

Prints one line of JSON a worker's summary, and for every story that went wrong what was wrong and how to replay it.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

from postgres import Server, quick_folder  # noqa: E402
from sqlalchemy.engine import make_url  # noqa: E402
from story import BLOCK, tell  # noqa: E402
from world import (  # noqa: E402
    PATIENCE,
    Fate,
    World,
    adopt_orphans,
    expected,
    fates,
    fork,
    reap,
    wait_for_child,
)

from orchestrator import schema  # noqa: E402
from orchestrator.store import Store  # noqa: E402

LOCAL = 4  # every so manieth story is played by processes of the local executor
RESTART = 0.1  # the share of PostgreSQL stories in which the server crashes


class Stage:
    """Plays stories one after the other, on one database."""

    def __init__(self, database: str) -> None:
        self.root = quick_folder()
        self.server = Server() if database == "postgres" else None
        self.sums: Counter[str] = Counter()
        self.resumed: list[float] = []
        self._file = self.root / "ratchet.db"
        self.url = self.server.database() if self.server else f"sqlite:///{self._file}"
        url = make_url(self.url)
        engine = schema._postgres(url.set(drivername="postgresql+psycopg")) if self.server else schema._sqlite(url)
        self.store = Store(engine)
        _wait(fork(self._prepare))
        if not self.server:
            self._file.rename(self.root / "template.db")

    def _prepare(self) -> Any:
        schema.open_database(self.url).dispose()
        os._exit(0)

    def _clear(self) -> Any:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as link:
            link.execute("TRUNCATE cycles, runs, events, effects, leases, inbox RESTART IDENTITY")
        os._exit(0)

    def close(self) -> None:
        if self.server:
            self.server.remove()
        shutil.rmtree(self.root, ignore_errors=True)

    def play(self, seed: int, *, calm: bool = False) -> list[str]:
        """One story. What was wrong with it."""
        local = seed % LOCAL == 0
        tale = tell(seed, processes=local)
        folder = self.root / f"s{seed}"
        folder.mkdir()
        if self.server:
            _wait(fork(self._clear))
        else:
            for end in ("-wal", "-shm"):
                Path(f"{self._file}{end}").unlink(missing_ok=True)
            shutil.copy(self.root / "template.db", self._file)
        world = World(tale, folder, self.store, local=local)
        wrong = self._perform(world, random.Random(seed), calm=calm)  # noqa: S311
        wrong += self._judge(world) if not wrong else []
        shutil.rmtree(folder, ignore_errors=True)
        self.sums.update(stories=1, runs=len(tale.plan), cycles=len(tale.cycles), events=sum(map(len, tale.events)))
        return wrong

    def _perform(self, world: World, chance: random.Random, *, calm: bool) -> list[str]:
        waiting = [] if calm else fates(chance)
        width = 1 if calm or chance.random() < 0.7 else 2
        leave = chance.uniform(0, 0.1) if not calm and chance.random() < 0.3 else None  # the people start anew
        crash = chance.uniform(0, 0.1) if self.server and not calm and chance.random() < RESTART else None
        began = time.monotonic()
        people = fork(world.people)
        lives: dict[int, float | None] = {}
        while True:
            while len(lives) < width:
                fate = waiting.pop(0) if waiting else Fate()
                born = fork(lambda fate=fate: world.engine(fate, alone=width == 1))
                lives[born] = time.monotonic() + fate.seconds if fate.kind == "time" else None
            now = time.monotonic() - began
            moments = [at - began for at in lives.values() if at is not None]
            moments += [at for at in (leave, crash, PATIENCE) if at is not None]
            wait_for_child(min(moments) - now)
            now = time.monotonic() - began
            for pid, at in list(lives.items()):
                if at is not None and at - began <= now:
                    os.kill(pid, signal.SIGKILL)
                    lives[pid] = None
            if leave is not None and leave <= now:
                leave = None
                os.kill(people, signal.SIGKILL)
            if crash is not None and crash <= now:
                crash = None
                self.server.stop(immediate=True)
                self.server.start()
                self.sums["restarts"] += 1
            ended = reap()
            wrong = [
                f"an engine ended by itself: {ended[pid]}" for pid in set(lives) & set(ended) if not _killed(ended[pid])
            ]
            for pid in set(lives) & set(ended):
                del lives[pid]
                self.sums["kills"] += 1
            if people in ended and _killed(ended[people]):
                people = fork(world.people)
            elif people in ended:
                _end(lives)
                return wrong if ended[people] == 0 else [*wrong, f"the people gave up: {ended[people]}"]
            if now >= PATIENCE:
                wrong.append(f"stuck after {PATIENCE:.0f} s: {self._state(world)}")
            if wrong:
                _end([*lives, people])
                return wrong

    def _state(self, world: World) -> str:
        _wait(fork(world.clerk))
        found = json.loads((world.folder / "found.json").read_text())
        cycles = [(one["id"], one["state"], one["held"], one["runs"][-1:]) for one in found["cycles"]]
        return f"{cycles}, {found['effects']} effects left"

    def _judge(self, world: World) -> list[str]:
        _wait(fork(world.clerk))
        found, right = json.loads((world.folder / "found.json").read_text()), expected(world.tale)
        wrong = [f"{key}: {found[key]}\n  instead of {right[key]}" for key in right if found[key] != right[key]]
        return wrong + self._check_ledger(world)

    def _check_ledger(self, world: World) -> list[str]:
        lines = [line.split() for line in world.ledger.read_text().splitlines()] if world.ledger.exists() else []
        starts, ends = (Counter(run for word, run in lines if word == what) for what in ("start", "end"))
        wrong = [f"overlap at {run}" for word, run in lines if word == "overlap"]
        wrong += [f"{run} was done {count} times" for run, count in ends.items() if count > 1]
        if world.local:
            wrong += [f"{run} was begun {count} times" for run, count in starts.items() if count > 1]
        done = {run for run, kind in world.tale.plan.items() if kind != BLOCK}
        wrong += [f"{run} was never begun, and its result is there" for run in done - set(starts)]
        over: set[str] = set()
        for word, run in lines:
            if word == "start" and run in over:
                wrong.append(f"{run} was begun again after it was done")
            if word == "end":
                over.add(run)
        if world.resumed.exists():
            self.resumed += [float(line) for line in world.resumed.read_text().split()]
        self.sums["begun again"] += sum(count - 1 for count in starts.values())
        return wrong


def _killed(status: int) -> bool:
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def _end(pids: Iterable[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        _wait(pid)


def _wait(pid: int) -> None:
    os.waitpid(pid, 0)


def work(database: str, seeds: range, *, calm: bool = False) -> dict[str, Any]:
    """Play the stories of these seeds. Who is told to end cleans up behind itself."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    adopt_orphans()
    stage = Stage(database)
    wrong = []
    began = time.monotonic()
    try:
        for seed in seeds:
            if told:
                wrong.append(f"told to end before story {seed}")
                break
            for what in stage.play(seed, calm=calm):
                replay = f"python tests/crash/sweep.py --database {database} --seed {seed}{' --calm' if calm else ''}"
                wrong.append(f"{replay}\n  {what}")
                sys.stderr.write(f"{wrong[-1]}\n")
    finally:
        stage.close()
    return {**stage.sums, "seconds": time.monotonic() - began, "resumed": stage.resumed, "wrong": wrong}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--seeds", default="0:100", help="FROM:TO")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--calm", action="store_true", help="kill nobody")
    asked = parser.parse_args()
    first, last = (asked.seed, asked.seed + 1) if asked.seed is not None else map(int, asked.seeds.split(":"))
    pipes = []
    for worker in range(asked.workers):
        here, there = os.pipe()
        pid = os.fork()
        if not pid:
            found = work(asked.database, range(first + worker, last, asked.workers), calm=asked.calm)
            with os.fdopen(there, "w") as file:
                json.dump(found, file)
            os._exit(0)
        os.close(there)
        pipes.append((pid, here))
    parts = []
    for pid, here in pipes:
        with os.fdopen(here) as file:
            text = file.read()
        _wait(pid)
        parts.append(json.loads(text) if text else {"wrong": [f"worker {pid} died"], "resumed": []})
    sums = summed(parts)
    sys.stdout.write(f"{json.dumps(sums)}\n")
    return 1 if sums["wrong"] else 0


def summed(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """One summary of many."""
    resumed = sorted(one for part in parts for one in part.pop("resumed"))
    wrong = [one for part in parts for one in part.pop("wrong")]
    seconds = max((part.pop("seconds", 0.0) for part in parts), default=0.0)
    sums = sum((Counter(part) for part in parts), Counter())
    middle, worst = (resumed[len(resumed) // 2], resumed[-1]) if resumed else (0.0, 0.0)
    return {**sums, "seconds": round(seconds, 1), "resume_median_s": middle, "resume_worst_s": worst, "wrong": wrong}


if __name__ == "__main__":
    sys.exit(main())
