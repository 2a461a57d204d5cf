"""Measures the engine: `python benchmarks/engine.py [--quick] [--only NAME] [--out FILE.json]`.

Laws:
- Everything is measured in one run on one machine, alternating with the raw database (`ratio`). Samples that others
  spoilt are dropped and counted; where the control itself was not steady, that is said under the table.
- Everybody is durable: synchronous=FULL, fsync=on, synchronous_commit=on, read back from what is running.
- A goal that is missed is shown, and is no error.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import approval, cold, idle, machine, steps, storm
from benchmarks.environments import DEFAULT, PEERS, Environment, ensure
from benchmarks.place import Place
from benchmarks.postgres import Absent, Server, server
from benchmarks.table import table

_WORK = Path("/var/tmp")  # noqa: S108 - a disk, where /tmp may be memory; `mkdtemp` makes a folder of ours in it
Measure = Callable[[Place], Iterator[tuple[str, dict[str, Any]]]]
MEASURES: dict[str, Measure] = {
    "steps": steps.measure,
    "approval": approval.measure,
    "cold": cold.measure,
    "idle": idle.measure,
    "storm": storm.measure,
}


def main() -> None:
    """Measure, print, and keep what was found."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that PostgreSQL ends with us
    folder = Path(tempfile.mkdtemp(prefix="ratchet-bench-", dir=options.work))
    folder.chmod(0o711)  # PostgreSQL runs as another user
    results: list[dict[str, Any]] = []
    try:
        with ExitStack() as stack:
            found = None if options.no_postgres else _postgres(folder, stack)
            place = Place(folder, found, {} if options.no_peers else _peers(options.envs), options.quick)
            _say(_head(place, results))
            for name in options.only or MEASURES:
                for text, data in MEASURES[name](place):
                    results.append(data)
                    _say(f"{text}\nLoad averages after it: {machine.load()}\n")
    finally:
        if options.out is not None:
            options.out.write_text(json.dumps(results, indent=1))
        if options.keep:
            print(f"everything is kept in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures the engine against the raw database and its peers.")
    parser.add_argument("--quick", action="store_true", help="a couple of minutes: fewer rounds, smaller storms")
    parser.add_argument("--only", action="append", choices=list(MEASURES), help="one measure; may be repeated")
    parser.add_argument("--out", type=Path, help="write every figure to this JSON file")
    parser.add_argument("--envs", type=Path, default=DEFAULT, help=f"where the peers are installed (default {DEFAULT})")
    parser.add_argument("--work", type=Path, default=_WORK, help="where databases lie (default %(default)s)")
    parser.add_argument("--no-peers", action="store_true", help="the engine and the raw database alone")
    parser.add_argument("--no-postgres", action="store_true", help="SQLite alone")
    parser.add_argument("--keep", action="store_true", help="keep the databases and logs")
    return parser.parse_args()


def _postgres(folder: Path, stack: ExitStack) -> Server | None:
    try:
        return stack.enter_context(server(folder))
    except Absent as error:
        _say(f"PostgreSQL is left out: {error}")
        return None


def _peers(folder: Path) -> dict[str, Environment]:
    found = {}
    for name in PEERS:
        made = ensure(name, folder)
        if isinstance(made, Environment):
            found[name] = made
        else:
            _say(f"{name} is left out: {made}")
    return found


def _head(place: Place, results: list[dict[str, Any]]) -> str:
    facts = machine.facts(place.folder)
    if place.server is not None:
        facts["PostgreSQL"] = place.server.how
    for peer in place.peers.values():
        facts |= peer.versions
    facts["load averages"] = machine.load()
    results.append({"measure": "machine", **facts})
    return f"{table(['', 'measured on'], list(facts.items()))}\n"


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
