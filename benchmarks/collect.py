"""Collecting: `python benchmarks/collect.py [--rows 200000 2000000 20000000] [--rounds 3] [--work DIR] [--no-peers]`.

Time and memory of the collect step, de-identification and checks included, over streams of growing length; then rows a
second beside a plain pyarrow loop with the same rules, Presidio's recognisers and ko-pii on the same texts.

Laws:
- The stream is made of the real one and reading it is part of the time; making it is not.
- Memory is that of the step's whole process tree, Ray included: the sum of what each process has for itself and its
  share of what is shared (PSS), ten times in three seconds.
- Peers replace nothing that they don't find, and are timed in alternating order in one run, each in one process.
- A goal that is missed is shown, and is no error.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import machine, stream
from benchmarks.table import judged, table

GOAL_MEMORY = 3.0  # GiB
GOAL_PRESIDIO = 20.0  # times as fast
WITH = {
    "text": "review", "label": "rating", "author": "author", "at": "date",
    "positive_at_least": 9, "negative_at_most": 4,
}  # fmt: skip


def main() -> None:
    """Measure and print."""
    options = _options()
    if options.step:
        print(json.dumps(step(Path(options.step), Path(options.out), options.engine)))
        return
    work = Path(tempfile.mkdtemp(prefix="ratchet-bench-", dir=options.work))
    print(table(("", ""), list(machine.facts(work).items())), "\n")
    try:
        curve([int(rows) for rows in options.rows], work, options)
        if not options.no_peers:
            peers(work, options)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def curve(lengths: Sequence[int], work: Path, options: argparse.Namespace) -> None:
    """Time and memory for each length, each in a process of its own."""
    rows, before = [], 0.0
    for length in lengths:
        source = Path(options.streams or work) / f"stream-{length}"
        stream.write(source, length)
        found = _watched(source, work / f"out-{length}", options.engine)
        speed = length / found["seconds"]
        growth = f"{found['seconds'] / length / before:.2f}" if before else ""
        before = found["seconds"] / length
        rows.append(
            (
                f"{length:,}", f"{found['new']:,}", f"{found['replaced']:,}", f"{found['seconds']:,.0f}",
                f"{found['reading']:,.0f}", f"{speed:,.0f}", growth, f"{found['memory']:.2f}",
                judged(found["memory"], GOAL_MEMORY, unit=" GiB"), found["by"],
            )
        )  # fmt: skip
        shutil.rmtree(work / f"out-{length}", ignore_errors=True)
        if not options.streams:
            shutil.rmtree(source)
        print(
            f"{length:,} rows: {found['seconds']:,.0f} s, {found['memory']:.2f} GiB; load {machine.load()}", flush=True
        )
    columns = (
        "rows", "new", "identifiers", "seconds", "of it reading and cleaning", "rows/s", "time a row × the line before",
        "peak GiB", "goal", "by",
    )  # fmt: skip
    print("\n" + table(columns, rows), "\n")


def _watched(source: Path, out: Path, engine: str) -> dict[str, float]:
    """Run the step in a process and look at the memory of its tree all the while."""
    command = [sys.executable, __file__, "--step", str(source), "--out", str(out), "--engine", engine]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    most = 0
    while process.poll() is None:
        most = max(most, _memory(process.pid))
        time.sleep(0.3)
    said = (process.stdout.read() if process.stdout else "").strip().splitlines()
    if process.returncode:
        sys.exit(f"the step ended with {process.returncode}")
    return {**json.loads(said[-1]), "memory": most / 2**30}


def _memory(pid: int) -> int:
    """PSS of the process and all that it started, in bytes."""
    import psutil

    found = 0
    try:
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0
    for process in tree:
        try:
            found += process.memory_full_info().pss
        except psutil.Error:
            continue
    return found


def step(source: Path, out: Path, engine: str) -> dict[str, object]:
    """The collect step, as a run calls it."""
    from steps import collect as module
    from steps.collect import Collect, collect
    from steps.contract import Context

    kept: list[object] = []
    gather = module.gather
    module.gather = lambda *given: kept.append(gather(*given)) or kept[-1]  # type: ignore[assignment,func-returns-value]
    began = time.perf_counter()
    resources = {"workers": 1, "cpus_per_worker": 2, "memory": int(GOAL_MEMORY * 2**30)}
    context = Context(out, run="c-000001/collect/1", resources=resources)
    made = collect(Collect(source=f"{source}/*.parquet", engine=engine, **WITH), context)  # type: ignore[arg-type]
    metrics = {one.name: one.value for one in made.report.metrics}
    return {
        "seconds": time.perf_counter() - began,
        "reading": kept[0].seconds,  # type: ignore[attr-defined]
        "by": kept[0].by,  # type: ignore[attr-defined]
        "new": int(metrics["new_rows"]),
        "replaced": int(metrics["identifiers_replaced"]),
    }


def peers(work: Path, options: argparse.Namespace) -> None:
    """Rows a second of one process with each engine on the same rows, in alternating order."""
    source = work / "stream-peers"
    stream.write(source, 200_000)
    timed: dict[str, list[float]] = {}
    contenders = _contenders(source)
    for turn in range(options.rounds):
        for name, (rows, run) in list(contenders.items())[:: 1 if turn % 2 else -1]:
            began = time.perf_counter()
            run(rows)
            timed.setdefault(name, []).append(rows / (time.perf_counter() - began))
    ours = median(timed["collect's workers"])
    lines = []
    for name, (rows, _) in contenders.items():
        speed = median(timed[name])
        goal = judged(ours / speed, GOAL_PRESIDIO, least=True, unit=" ×") if name == "Presidio alone" else ""
        spread = f"{min(timed[name]):,.0f} to {max(timed[name]):,.0f}"
        lines.append((name, f"{rows:,}", f"{speed:,.0f}", spread, f"{ours / speed:.2f}", goal))
    columns = ("one process", "rows", "rows/s", "least to most", "collect's workers are × as fast", "goal")
    print(table(columns, lines), "\n")


def _contenders(source: Path) -> dict[str, tuple[int, Callable[[int], None]]]:
    """Name to how many rows it is given, and what it does with them. Each reads the rows itself."""
    import pyarrow.parquet as pq

    from steps.collect import Collect
    from steps.collect.clean import Rules, clean
    from steps.collect.source import open_source
    from steps.private.engines import KoPii, Presidio
    from steps.private.settings import Privacy
    from steps.private.spans import Recogniser

    given = Collect(source=f"{source}/*.parquet", **WITH)  # type: ignore[arg-type]
    rules = Rules(Privacy(), b"a key of this benchmark", True, 9.0, 4.0)

    def workers(rows: int) -> None:
        left = rows
        for shard in open_source(given.source, given.columns).shards(2**25):
            for taken in shard.read(20_000):
                clean(taken.rows, rules)
                left -= taken.rows.num_rows
                if left <= 0:
                    return

    def loop(rows: int) -> None:
        from steps.private import Deidentifier

        done = Deidentifier(Privacy(), rules.key)
        table_ = pq.read_table(source, columns=["review", "rating"]).slice(0, rows)
        for batch in table_.to_batches(20_000):
            texts = batch.column(0).to_pylist()
            done.clean(texts, texts)

    def peer(engine: Recogniser) -> Callable[[int], None]:
        return lambda rows: engine.find(pq.read_table(source, columns=["review"]).slice(0, rows)["review"].to_pylist())

    return {
        "collect's workers": (200_000, workers),
        "pyarrow loop, the same rules": (200_000, loop),
        "Presidio alone": (2_000, peer(Presidio())),
        "ko-pii alone": (20_000, peer(KoPii())),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", nargs="*", default=["200000", "2000000", "20000000"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", help="a folder on the disk that is meant")
    parser.add_argument("--streams", help="where streams are kept, to be used again")
    parser.add_argument("--engine", default="ray", choices=("ray", "inline"))
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
