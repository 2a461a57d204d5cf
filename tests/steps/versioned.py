"""Tables of rows that tests make, and a look at every byte that they leave on disk."""

import os
import signal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from steps import snapshot
from steps.contract import Context, Dataset, Given, Made, Report, StepError, step
from steps.snapshot import HOLDOUT, TRAIN, Row, Table

LABELS = ("negative", "positive")


def row(text, arrived="c-000001", label=0, person="", **others):
    """A row; a person is any short name."""
    return Row(text, label, "", "a.csv", arrived, snapshot.identity(text), person_hash(person), **others)


def person_hash(name):
    """What stands for a keyed hash."""
    return f"{int.from_bytes(name.encode()):032x}" if name else ""


def rows_of_cycle(cycle, count, people=5):
    """So many rows of a cycle, by people in turn."""
    return [row(f"<{cycle} says {i}>", cycle, i % 2, f"p{i % people}") for i in range(count)]


def aside(one):
    """Whether a row is measured with."""
    return snapshot.portion(one.id, "tests") < 0.3


def commit(table: Table, cycle, rows, buckets=1):
    """The cycle's partition, written as so many buckets on each side; the version."""
    stage = table.stage(cycle)
    return table.commit(stage, parts(stage, rows, buckets))


def parts(stage, rows, buckets=1, batch_rows=7):
    """The rows as parts."""
    found = []
    for bucket in range(buckets):
        own = sorted((one for one in rows if int(one.id[:4], 16) * buckets >> 16 == bucket), key=lambda one: one.id)
        for side, there in ((TRAIN, False), (HOLDOUT, True)):
            kept = [one for one in own if aside(one) is there]
            found.append(snapshot.write_part(stage, side, snapshot.columns_of(kept, batch_rows)))
    return found


def published(root: Path, table: Table, cycles, name=None):
    """A dataset of these cycles where a run would publish it: its folder."""
    folder = root / (name or cycles[-1]) / "collect" / "1" / "data"
    folder.mkdir(parents=True, exist_ok=True)
    snapshot.publish(folder, table, cycles, LABELS)
    return folder


def both(folder):
    """All rows of a dataset, by id."""
    return {one.id: one for side in snapshot.SIDES for one in snapshot.read(folder, side)}


def on_disk(folder: Path):
    """All that the files below a folder say: the values of every parquet file, decoded, and the bytes of the others."""
    found = set()
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        found.add(path.read_bytes())
        try:
            columns = pq.read_table(path).columns
        except (pa.ArrowException, OSError):
            continue
        found |= {str(value).encode() for column in columns for value in column.to_pylist()}
    return found


def says(folder: Path, text):
    """Whether any file below the folder holds the text."""
    return any(text.encode() in one for one in on_disk(folder))


class Gather(Given):
    """How many rows; at which point of the commit the process is killed, or after it the step fails."""

    count: int = 10
    die: str = ""


class Gathered(Made):
    data: Dataset


@step
def gather(given: Gather, context: Context) -> Gathered:
    """A cycle's rows are added to those of the last, as collect does it."""

    def reach(point):
        if point == given.die:
            os.kill(os.getpid(), signal.SIGKILL)

    cycle, before = context.run.split("/")[0], context.previous(Dataset, "data")
    earlier = snapshot.opened(context.path(before)).snapshot.cycles if before else ()
    table = Table(snapshot.table_of(context, before).uri, reach)
    commit(table, cycle, rows_of_cycle(cycle, given.count), buckets=2)
    if given.die == "later":
        raise StepError("what comes after the commit failed", cure="run it again")
    data = context.make(Dataset, "data")
    snapshot.publish(context.path(data), table, [*earlier, cycle], LABELS)
    return Gathered(data=data, report=Report(summary="gathered"))
