"""Collect on Ray and in one process: the same snapshot; killed it leaves nothing; and a real stream by years."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tiny import parquet

from steps import snapshot
from steps.collect import Collect, collect, count_new
from steps.contract import Context, NothingNew, StepError
from steps.snapshot import HOLDOUT, TRAIN, Table

REVIEWS = Path(__file__).resolve().parents[3] / "shared/data/nsmc-2003-2014.parquet"
STREAM = {
    "text": "review", "label": "rating", "author": "author", "at": "date",
    "positive_at_least": 9, "negative_at_most": 4,
}  # fmt: skip
QUICK = {"look": 0, "checks": {"rows": 2000, "near_rows": 2000, "drift_rows": 1000, "permutations": 19}}


def context(folder, cycle, last=None, attempt=1):
    made = folder / f"out{cycle}-{attempt}"
    return Context(
        made, run=f"c-{cycle:06}/collect/{attempt}", last=last and last.model_dump(), tables=str(folder / "tables"),
        target=folder / "target",
    )  # fmt: skip


def texts(rows, start=0):
    return {
        "text": [
            f"call 010-{2345 + i % 50}-{6789 + i % 60}, says number {i} of many" for i in range(start, start + rows)
        ],
        "label": ["good" if i % 3 else "bad" for i in range(start, start + rows)],
        "author": [f"person {i % 40}" for i in range(rows)],
    }


def metric(made, name):
    return next(one.value for one in made.report.metrics if one.name == name)


def test_ray_and_one_process_make_the_same_snapshot(tmp_path):
    """The same rows, surrogates, sides and digest, whoever did the work; the report says the rate."""
    for part in range(4):
        parquet(tmp_path / f"part-{part}.parquet", **texts(300, start=250 * part))
    found = []
    for engine in ("inline", "ray"):
        place = tmp_path / engine
        os.environ.pop("RAY_ADDRESS", None)
        made = collect(
            Collect(source=str(tmp_path / "*.parquet"), author="author", engine=engine, batch_rows=100, **QUICK),
            Context(place / "out", run="c-000001/collect/1", target=tmp_path / "target"),
        )
        found.append((snapshot.opened(Path(made.data.uri)).snapshot, made.report))
    one, other = found
    assert one[0].digest == other[0].digest
    assert one[0].rows(TRAIN) + one[0].rows(HOLDOUT) == 1050
    assert {m.name: m.value for m in one[1].metrics if m.name != "rows_per_second"} == {
        m.name: m.value for m in other[1].metrics if m.name != "rows_per_second"
    }
    assert next(m.value for m in other[1].metrics if m.name == "identifiers_replaced") >= 1050


def test_a_cycle_that_was_not_done_gives_its_rows_back(tmp_path):
    """Its partition is in no later lineage, so that the next cycle finds the same rows new; late rows are taken too."""
    source = Collect(source=str(tmp_path / "*.parquet"), author="author", **QUICK)
    parquet(tmp_path / "a.parquet", **texts(200))
    first = collect(source, context(tmp_path, 1))
    parquet(tmp_path / "b.parquet", **texts(100, start=200))
    assert count_new(source, context(tmp_path, 2, first)) == 100
    cancelled = collect(source, context(tmp_path, 2, first))
    assert metric(cancelled, "new_rows") == 100
    parquet(tmp_path / "a-late.parquet", **texts(50, start=900))
    third = collect(source, context(tmp_path, 3, first))
    assert metric(third, "new_rows") == 150
    assert snapshot.opened(Path(third.data.uri)).snapshot.cycles == ("c-000001", "c-000003")
    with pytest.raises(NothingNew) as nothing:
        collect(source, context(tmp_path, 4, third))
    assert nothing.value.failure.skip
    assert "nothing in the source has changed" in str(nothing.value)
    assert count_new(source, context(tmp_path, 4, third)) == 0
    again = collect(source.model_copy(update={"when_nothing_new": "go on"}), context(tmp_path, 4, third, 2))
    assert metric(again, "total_rows") == 350
    assert metric(again, "new_rows") == 0


def test_a_count_disturbs_no_run(tmp_path, monkeypatch):
    """The clock may count while a cycle is collecting: what that has spilled stays."""
    parquet(tmp_path / "a.parquet", **texts(200))
    source = Collect(source=str(tmp_path / "*.parquet"), author="author", **QUICK)
    first = collect(source, context(tmp_path, 1))
    parquet(tmp_path / "b.parquet", **texts(100, start=200))
    counted, running = [], context(tmp_path, 2, first)

    def progress(done, total=None, unit="", note=""):
        if "comparing" not in note and not counted:
            counted.append(count_new(source, context(tmp_path, 3, first)))

    monkeypatch.setattr(running, "progress", progress)
    assert metric(collect(source, running), "new_rows") == 100
    assert counted == [100]


def test_an_attempt_that_was_killed_leaves_nothing_and_the_next_one_is_whole(tmp_path):
    """kill -9 while rows are read: no snapshot knows of it, what it spilled is swept, the next attempt has all."""
    parquet(tmp_path / "a.parquet", **texts(5_000))
    script = f"""
        import os, signal
        from pathlib import Path
        from steps.collect import Collect, collect, gather
        from steps.contract import Context
        folder, seen = Path({str(tmp_path)!r}), []
        def progress(self, done, total=None, unit="", note=""):
            seen.append(done)
            if len(seen) == 20:
                os.kill(os.getpid(), signal.SIGKILL)
        Context.progress = progress
        collect(
            Collect(source=str(folder / "*.parquet"), author="author", batch_rows=100, look=0),
            Context(folder / "out", run="c-000001/collect/1", tables=str(folder / "tables"), target=folder / "target"),
        )
    """
    died = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    table = tmp_path / "tables/collect"
    assert list((table / "_spill").rglob("*.arrow"))
    assert Table.open(str(table)).files() == ()
    source = Collect(source=str(tmp_path / "*.parquet"), author="author", **QUICK)
    made = collect(source, context(tmp_path, 1, attempt=2))
    assert metric(made, "new_rows") == 5_000
    assert not (table / "_spill").exists()


def stream(folder, every, part, parts):
    """The real stream, every so manieth review, as one file for each month or year."""
    if not REVIEWS.exists():
        pytest.skip(f"the stream of reviews is not there: {REVIEWS.name} lies beside a development checkout only")
    table = pq.read_table(REVIEWS)
    table = table.take(pa.array(range(0, table.num_rows, every)))
    named = pc.strftime(table["date"], format=part)
    for one in parts:
        pq.write_table(table.filter(pc.equal(named, one)), folder / f"{one}.parquet")
    return folder


def arrive(whole, parts, folder, **settings):
    """One cycle for each part, as it arrives; what each made, where there was something to make."""
    arriving, made = folder / "arriving", []
    arriving.mkdir()
    for cycle, part in enumerate(parts, 1):
        (arriving / f"{part}.parquet").symlink_to(whole / f"{part}.parquet")
        given = Collect(source=str(arriving / "*.parquet"), **STREAM, **settings)
        try:
            made.append(collect(given, context(folder, cycle, made[-1] if made else None)))
        except StepError as error:  # the first months have too few rows to learn two classes from
            assert part < "2004-03", error  # noqa: PT017
    return made


def total(whole, folder, **settings):
    """How many rows are new to a cycle that sees everything at once."""
    place = Context(folder / "whole", run="c-000001/collect/1", target=folder / "target")
    return metric(collect(Collect(source=str(whole / "*.parquet"), **STREAM, **settings), place), "new_rows")


def check_each_row_once(made, whole, folder, **settings):
    """Ids are distinct, their number is the sum over cycles, and close to what one cycle would have taken: a text may
    carry another label in another year, and counts then for the one that came first.
    """
    folder_ = Path(made[-1].data.uri)
    ids = [row.id for side in (TRAIN, HOLDOUT) for row in snapshot.read(folder_, side)]
    assert len(ids) == len(set(ids)) == sum(metric(one, "new_rows") for one in made)
    assert total(whole, folder, **settings) == pytest.approx(len(ids), rel=0.02)


def test_a_real_stream_year_by_year(tmp_path):
    """Twelve cycles: each usable row is new exactly once, and drift is told where years differ."""
    years, whole = [str(year) for year in range(2003, 2015)], tmp_path / "years"
    whole.mkdir()
    stream(whole, 120, "%Y", years)
    checks = {"rows": 1_000, "near_rows": 1_000, "drift_rows": 1_000, "permutations": 19, "fail_on": []}
    made = arrive(whole, years, tmp_path, look=0, checks=checks)
    check_each_row_once(made, whole, tmp_path, look=0, checks=checks)
    assert max(one.value for done in made for one in done.report.metrics if one.name == "drift_auc") > 0.55


@pytest.mark.slow
def test_a_real_stream_month_by_month(tmp_path):
    """All 574,798 reviews in 134 cycles, one for each month that has any."""
    if not REVIEWS.exists():
        pytest.skip(f"the stream of reviews is not there: {REVIEWS.name} lies beside a development checkout only")
    months = sorted(set(pc.strftime(pq.read_table(REVIEWS)["date"], format="%Y-%m").to_pylist()))
    whole = tmp_path / "months"
    whole.mkdir()
    stream(whole, 1, "%Y-%m", months)
    checks = {"rows": 2_000, "near_rows": 2_000, "drift_rows": 2_000, "permutations": 19, "fail_on": []}
    made = arrive(whole, months, tmp_path, look=0, checks=checks, engine="inline")
    check_each_row_once(made, whole, tmp_path, look=0, checks=checks, engine="inline")
