"""Tables with versions, side by side: ours on Delta Lake, deltalake by itself, and Lance.

    python benchmarks/tables.py [--nights 144] [--rows 4000] [--rounds 5]

Every contender takes the same nights of rows, then is read whole, as of the middle night, by a range of ids and at
random places; then one person's rows leave it for good. Lance is no dependency: `pip install pylance` to see it.
"""

import argparse
import importlib.util
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.machine import facts, load
from benchmarks.table import table
from steps import snapshot
from steps.snapshot import TRAIN, Record, Row, Table

_TAKEN = 10_000
_PEOPLE = 1_000
_READ = ("text", "label")
_LOW, _HIGH = "50", "54"  # four of 256 ranges of ids: a bucket of 64


class Contender:
    """A table in a folder."""

    label = ""
    package = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, night: int, rows: pa.Table) -> None:
        """One night's rows, ordered by id."""
        raise NotImplementedError

    def whole(self, nights: int | None = None) -> int:
        """Read `_READ` of every row, or as of so many nights. The rows read."""
        raise NotImplementedError

    def ids(self, low: str, high: str) -> int:
        """Read the ids of a range. Their number."""
        raise NotImplementedError

    def take(self, places: Sequence[int]) -> int:
        """Read rows at these places."""
        raise NotImplementedError

    def forget(self, person: str) -> None:
        """The person's rows leave it, and what held them leaves the disk."""
        raise NotImplementedError


class Ours(Contender):
    """`steps.snapshot`: a dataset a night is published too, and read back verified."""

    label = "Ratchet on Delta Lake"
    package = "deltalake"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.table = Table.open(str(folder / "tables"))
        self.cycles: list[str] = []

    def append(self, night: int, rows: pa.Table) -> None:
        self.cycles.append(f"c-{night:06}")
        stage = self.table.stage(self.cycles[-1])
        self.table.commit(stage, [snapshot.write_part(stage, TRAIN, rows.to_batches())])
        folder = self._folder(night)
        folder.mkdir(parents=True)
        snapshot.publish(folder, self.table, self.cycles, ("a", "b"))

    def _folder(self, night: int) -> Path:
        return self.folder / f"c-{night:06}" / "collect" / "1" / "data"

    def whole(self, nights: int | None = None) -> int:
        snapshot.part._checked.clear()  # as a new process: every file's digest is checked
        folder = self._folder(nights or len(self.cycles))
        return sum(batch.num_rows for batch in snapshot.batches(folder, TRAIN, _READ))

    def ids(self, low: str, high: str) -> int:
        return len(self.table.ids(self.cycles, low, high))

    def take(self, places: Sequence[int]) -> int:
        files = [f"{self.table.uri}/{part.path}" for part in self.table.files()]
        return int(pyarrow.dataset.dataset(files).take(pa.array(places), columns=list(_READ)).num_rows)

    def forget(self, person: str) -> None:
        self.table.erase([person], record=Record("a benchmark", "to see how long it takes", "2026-01-01T00:00:00Z"))


class Delta(Contender):
    """deltalake with its own writer, delete and vacuum."""

    label = "deltalake alone"
    package = "deltalake"

    def _table(self, version: int | None = None) -> Any:
        import deltalake

        return deltalake.DeltaTable(str(self.folder), version=version)

    def append(self, night: int, rows: pa.Table) -> None:
        import deltalake

        arrived = rows.append_column("arrived", pa.repeat(f"c-{night:06}", rows.num_rows))
        deltalake.write_deltalake(str(self.folder), arrived, partition_by=["arrived"], mode="append")

    def whole(self, nights: int | None = None) -> int:
        version = None if nights is None else nights - 1
        return int(self._table(version).to_pyarrow_table(columns=list(_READ)).num_rows)

    def ids(self, low: str, high: str) -> int:
        wanted = (pc.field("id") >= low) & (pc.field("id") < high)
        return int(self._table().to_pyarrow_dataset().to_table(columns=["id"], filter=wanted).num_rows)

    def take(self, places: Sequence[int]) -> int:
        return int(self._table().to_pyarrow_dataset().take(pa.array(places), columns=list(_READ)).num_rows)

    def forget(self, person: str) -> None:
        self._table().delete(f"person = '{person}'")
        self._table().vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)


class Lance(Contender):
    """Lance, whose old versions go when they have to."""

    label = "Lance"
    package = "pylance"

    def _dataset(self, version: int | None = None) -> Any:
        import lance

        return lance.dataset(str(self.folder), version=version)

    def append(self, night: int, rows: pa.Table) -> None:
        import lance

        arrived = rows.append_column("arrived", pa.repeat(f"c-{night:06}", rows.num_rows))
        lance.write_dataset(arrived, str(self.folder), mode="append" if self.folder.exists() else "create")

    def whole(self, nights: int | None = None) -> int:
        return int(self._dataset(nights).to_table(columns=list(_READ)).num_rows)

    def ids(self, low: str, high: str) -> int:
        return int(self._dataset().to_table(columns=["id"], filter=f"id >= '{low}' AND id < '{high}'").num_rows)

    def take(self, places: Sequence[int]) -> int:
        return int(self._dataset().take(list(places), columns=list(_READ)).num_rows)

    def forget(self, person: str) -> None:
        from datetime import timedelta

        self._dataset().delete(f"person = '{person}'")
        self._dataset().optimize.compact_files(materialize_deletions=True, materialize_deletions_threshold=0.0)
        self._dataset().cleanup_old_versions(older_than=timedelta(0), delete_unverified=True)


class Measured(NamedTuple):
    """A contender's figures, in the order of the table's rows."""

    label: str
    cells: list[str]


def nights_of(nights: int, rows: int) -> list[pa.Table]:
    """So many nights of made-up reviews, each ordered by id."""
    chance = random.Random(0)  # noqa: S311 - text to measure with
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(5_000)]
    found = []
    for night in range(1, nights + 1):
        made = []
        for place in range(rows):
            text = f"{night} {place} {' '.join(chance.choices(words, k=chance.randint(3, 20)))}"
            person = f"{chance.randrange(_PEOPLE):032x}"
            made.append(Row(text, place % 2, "films", "a.parquet", "", snapshot.identity(text), person))
        made.sort(key=lambda row: row.id)
        found.append(pa.Table.from_batches(snapshot.columns_of(made, rows)).drop_columns(["arrived"]).combine_chunks())
    return found


def measure(one: Contender, nights: Sequence[pa.Table], rounds: int) -> Measured:
    """Everything that can be timed about one contender."""
    total = sum(rows.num_rows for rows in nights)
    took = []
    for night, rows in enumerate(nights, 1):
        start = time.perf_counter()
        one.append(night, rows)
        took.append(time.perf_counter() - start)
    places = sorted(random.Random(1).sample(range(total), min(_TAKEN, total)))  # noqa: S311
    middle = len(nights) // 2
    assert one.whole() == total
    before = sum(rows.num_rows for rows in nights[:middle])
    assert one.whole(middle) == before
    disk = _size(one.folder)
    cells = [
        f"{sum(took):.2f} s",
        f"{statistics.median(took[:10]) * 1e3:.0f} → {statistics.median(took[-10:]) * 1e3:.0f} ms",
        _median(one.whole, rounds),
        _median(lambda: one.whole(middle), rounds),
        _median(lambda: one.ids(_LOW, _HIGH), rounds),
        _median(lambda: one.take(places), rounds),
        f"{disk / 2**20:.1f} MiB",
    ]
    start = time.perf_counter()
    one.forget(f"{7:032x}")
    cells += [
        f"{time.perf_counter() - start:.2f} s",
        f"{_size(one.folder) / 2**20:.1f} MiB",
        _still(one, middle, before),
    ]
    return Measured(one.label, [*cells, *installed(one.package)])


def _still(one: Contender, middle: int, before: int) -> str:
    """Whether the middle night can still be read, without that person."""
    try:
        left = one.whole(middle)
    except Exception as error:  # each library has its own
        return f"no: {type(error).__name__}"
    return f"yes, {before - left} rows fewer" if 0 < before - left < before else f"no: {left:,} of {before:,} rows"


def _median(body: Callable[[], Any], rounds: int) -> str:
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        body()
        took.append(time.perf_counter() - start)
    return f"{statistics.median(took) * 1e3:,.0f} ms"


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def installed(package: str) -> list[str]:
    """Seconds to import it in a new process, and MiB of it with what it needs and pyarrow doesn't."""
    module = {"pylance": "lance"}.get(package, package)
    took = []
    for _ in range(3):
        said = f"import time, pyarrow; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        took.append(float(subprocess.run([sys.executable, "-c", said], capture_output=True, check=True).stdout))
    names = {"deltalake": ("deltalake", "arro3-core", "deprecated"), "pylance": ("pylance", "lance-namespace",
             "lance-namespace-urllib3-client")}[package]  # fmt: skip
    size = sum(_installed_size(name) for name in names)
    return [f"{statistics.median(took):.2f} s", f"{size / 2**20:.0f} MiB"]


def _installed_size(name: str) -> int:
    try:
        files = distribution(name).files or []
    except ImportError:
        return 0
    return sum(Path(str(file.locate())).stat().st_size for file in files if Path(str(file.locate())).is_file())


_ROWS = (
    "all nights", "a night, the first ten → the last ten", "whole read, text and label", "as of the middle night",
    "ids of 1 in 64", f"{_TAKEN:,} rows at random", "on disk", "one of 1,000 people leaves for good", "on disk then",
    "the middle night still reads", "import", "installed",
)  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, default=144)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="ratchet-tables-"))
    try:
        said = {**facts(home), "load": load(), "pyarrow": pa.__version__}
        print(", ".join(f"{name} {value}" for name, value in said.items()), "\n")
        nights = nights_of(asked.nights, asked.rows)
        found = []
        for kind in (Ours, Delta, Lance):
            if kind.package == "pylance" and importlib.util.find_spec("lance") is None:
                print("Lance is not installed: pip install pylance\n")
                continue
            found.append(measure(kind(home / kind.__name__), nights, asked.rounds))
            print(f"{found[-1].label} done", file=sys.stderr)
        rows = [[name, *cells] for name, *cells in zip(_ROWS, *(one.cells for one in found), strict=True)]
        print(f"### {asked.nights} nights of {asked.rows:,} rows\n")
        print(table(["", *(one.label for one in found)], rows))
        print(f"\nload {load()}")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
