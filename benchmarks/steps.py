"""A durable step: one cycle of 100 no-op steps, and 8 at once, as ratio to the raw transition of the same database."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from typing import Any, NamedTuple

from benchmarks.contenders import Contender, Silent
from benchmarks.place import Place
from benchmarks.ratio import QUIET, Compared, Sample, Spread, alternate
from benchmarks.table import judged, spread, table

STEPS = 100
AT_ONCE = 8
_CONTROL = 300  # transitions of the control: shorter, and it would itself be noise
_GOALS = {"sqlite": 2.5, "postgres": 1.8}
_TOGETHER = 2500  # steps a second, 8 at once, on SQLite


class Entry(NamedTuple):
    """A row of the table: a worker, how it is set, and how many cycles at once."""

    label: str
    worker: str
    config: dict[str, Any] = {}
    cycles: int = 1
    peer: str = ""
    databases: tuple[str, ...] = ("sqlite", "postgres")

    @property
    def process(self) -> str:
        """Entries of the same process share it."""
        return "-".join([self.worker, *(str(value) for value in self.config.values())])


ENTRIES = (
    Entry("Ratchet", "ours"),
    Entry("Ratchet, 8 at once", "ours", cycles=AT_ONCE),
    Entry("raw, 8 connections", "raw", {"mode": "threads"}, AT_ONCE),
    Entry("raw, 8 transitions in one commit", "raw", {"mode": "batch"}, AT_ONCE),
    Entry("LangGraph, durability=sync", "peer_langgraph", peer="langgraph"),
    Entry("LangGraph, 8 at once", "peer_langgraph", cycles=AT_ONCE, peer="langgraph"),
    Entry("Burr, SQLitePersister", "peer_burr", peer="burr", databases=("sqlite",)),
    Entry("Burr, 8 at once", "peer_burr", cycles=AT_ONCE, peer="burr", databases=("sqlite",)),
    Entry("DBOS, file set to WAL", "peer_dbos", {"wal": True}, peer="dbos", databases=("sqlite",)),
    Entry("DBOS, file set to WAL, 8 at once", "peer_dbos", {"wal": True}, AT_ONCE, "dbos", ("sqlite",)),
    Entry("DBOS", "peer_dbos", {"wal": False}, peer="dbos"),
    Entry("DBOS, 8 at once", "peer_dbos", {"wal": False}, AT_ONCE, "dbos"),
)


def measure(place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    """A section for each database."""
    for database in place.databases:
        yield _database(place, database)
    if "prefect" in place.peers and not place.quick:
        yield _prefect(place)


def _database(place: Place, database: str) -> tuple[str, dict[str, Any]]:
    entries = [one for one in ENTRIES if database in one.databases and _is_asked(one, place)]
    with ExitStack() as stack:
        control = stack.enter_context(closing(place.start("raw", "raw", {"url": place.url(database, "raw")})))
        running = dict(_started(place, database, entries, stack))
        entries = [one for one in entries if one.process in running]
        samples = {one.label: partial(_sample, running[one.process], one) for one in entries}
        for sample in samples.values():  # the first run of everything is not a run of anything
            _tried(sample)
        rounds, most = (4, 6) if place.quick else (15, 40)
        raw, found = alternate(
            lambda: float(control.ask("run", steps=_CONTROL)[0]) / _CONTROL, samples, rounds=rounds, most=most
        )
        recorded = {name: _tried(partial(one.ask, "count")) for name, one in running.items()}
        facts = control.facts
    rows = [["raw transition, one connection", spread(raw, 3, 1e3), "1", f"{1 / raw.median:,.0f}", "", "", "", ""]]
    rows += [_row(one, found[one.label], recorded[one.process], database) for one in entries if one.label in found]
    columns = ["", "ms per step", "ratio to raw", "steps/s", "processor ms", "kept/dropped", "rows stored", "goal"]
    said = ", ".join(f"{name} {value}" for name, value in facts.items())
    text = f"### A durable step on {database} ({said})\n\n{table(columns, rows)}\n{_caution(raw)}"
    return text, {"measure": f"steps {database}", "raw": raw, "facts": facts, "recorded": recorded, "found": found}


def _caution(raw: Spread) -> str:
    """A disk that others keep busy slows the control most, which does nothing else: every ratio looks better."""
    if raw.high <= QUIET * raw.low:
        return ""
    return "\nThe control was not steady: others were at the disk, which flatters every ratio. Measure again.\n"


def _is_asked(entry: Entry, place: Place) -> bool:
    return not entry.peer or (entry.peer in place.peers and not (place.quick and entry.cycles > 1))


def _started(place: Place, database: str, entries: list[Entry], stack: ExitStack) -> Iterator[tuple[str, Contender]]:
    seen: set[str] = set()
    for entry in entries:
        if entry.process in seen:
            continue
        seen.add(entry.process)
        url = place.url(database, entry.process)
        try:
            worker = place.start(entry.label, entry.worker, {"url": url, **entry.config}, entry.peer)
        except Silent as error:
            print(f"{entry.label} on {database} is left out: {error}", file=sys.stderr)
            continue
        yield entry.process, stack.enter_context(closing(worker))


def _sample(worker: Contender, entry: Entry) -> Sample:
    """Seconds for one step of one cycle, others running beside it or not."""
    seconds, processor = worker.ask("run", steps=STEPS, cycles=entry.cycles)
    return Sample(seconds / (STEPS * entry.cycles), processor / (STEPS * entry.cycles))


def _tried(body: Callable[[], Any]) -> Any:
    try:
        return body()
    except Silent as error:
        return f"none: {error}"


def _row(entry: Entry, found: Compared, recorded: Any, database: str) -> list[str]:
    rate = 1 / found.seconds.median
    goal = ""
    if entry.worker == "ours" and entry.cycles == 1:
        goal = judged(found.ratio.median, _GOALS[database])
    elif entry.worker == "ours" and database == "sqlite":
        goal = judged(rate, _TOGETHER, least=True, unit=" steps/s")
    return [
        entry.label,
        spread(found.seconds, 3, 1e3),
        spread(found.ratio),
        f"{rate:,.0f}",
        f"{found.processor.median * 1e3:.3f}",
        f"{found.kept}/{found.dropped}",
        f"{recorded:,}" if isinstance(recorded, int) else str(recorded),
        goal,
    ]


def _prefect(place: Place) -> tuple[str, dict[str, Any]]:
    """Alone, and without a ratio: its server goes on working between its runs, and so spoils every control."""
    url = place.url("sqlite", place.fresh("prefect"))
    with closing(place.start("Prefect", "peer_prefect", {"url": url}, "prefect")) as worker:
        worker.ask("run", steps=STEPS)
        taken = [float(worker.ask("run", steps=STEPS)[0]) for _ in range(5)]
        recorded = worker.ask("count", patience=60.0)
    seconds = Spread.of(taken)
    row = [f"Prefect, {STEPS} tasks", spread(seconds, 0, 1e3), f"{STEPS / seconds.median:,.0f}", f"{recorded:,}"]
    text = f"### Prefect, for comparison\n\n{table(['', 'ms per run', 'steps/s', 'rows stored'], [row])}\n"
    return text, {"measure": "prefect", "seconds": taken, "recorded": recorded}
