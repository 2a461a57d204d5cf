"""Rows for the tests, made from a seed, and facts about them."""

import datetime as dt
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from steps.snapshot.rows import identity
from steps.validate import Facts, Totals

REAL = Path(__file__).parents[3] / "shared" / "data" / "nsmc-2003-2014.parquet"
NOW = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
SCHEMA = pa.schema(
    {
        "text": pa.string(),
        "label": pa.int32(),
        "group": pa.string(),
        "source": pa.string(),
        "arrived": pa.string(),
        "id": pa.string(),
        "person": pa.string(),
        "conversation": pa.string(),
        "at": pa.timestamp("us", tz="UTC"),
        "side": pa.string(),
    }
)
WORDS = [f"word{k}" for k in range(400)]


def texts(count, seed, words=WORDS, length=12):
    """Texts of words drawn with a Zipf-like weight, no two alike."""
    chance = random.Random(seed)  # noqa: S311
    weights = [1 / (k + 2) for k in range(len(words))]
    return [f"{' '.join(chance.choices(words, weights, k=length))} {seed}x{k}" for k in range(count)]


def row(text, label=0, **other):
    """One row; what is not said is made up from the text."""
    id = other.get("id", identity(text or ""))
    side = "holdout" if int(id[:4], 16) < 0x3333 else "train"
    made = {"group": "", "source": "a.csv", "arrived": "c-1", "person": "", "conversation": "", "at": NOW, "side": side}
    return {"text": text, "label": label, "id": id, **made, **other}


def table(rows):
    """Rows as the snapshot's columns."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def rows_of(some, arrived, **other):
    """A table of these texts with labels in turn."""
    return table(row(text, k % 2, arrived=arrived, **other) for k, text in enumerate(some))


def facts(earlier, new, labels=("negative", "positive"), profile=None, seed=0, now=NOW):
    """Facts about two tables, all rows of which are looked at."""
    whole = pa.concat_tables([earlier, new])

    def count(of, side):
        there = of.filter(pc.equal(of["side"], side))["label"].to_pylist()
        return [there.count(place) for place in range(len(labels))]

    totals = Totals(count(new, "train"), count(new, "holdout"), count(whole, "train"), count(whole, "holdout"))
    train, holdout = (whole.filter(pc.equal(whole["side"], side)) for side in ("train", "holdout"))
    return Facts(new, train, holdout, labels, totals, profile, now, seed)


def metric(found, name):
    """The metric of that name."""
    return next(one for one in found.metrics if one.name == name)
