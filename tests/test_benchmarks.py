"""The arithmetic of the benchmarks: what a ratio is, which samples count, what a storm is said to have done."""

from pathlib import Path

import pytest

from benchmarks.ratio import Sample, Spread, alternate, percentile
from benchmarks.storm import _attempts, _repeated


def test_a_ratio_is_taken_to_the_controls_on_both_sides() -> None:
    """A machine that grows slower between two controls spoils neither the ratio nor its sign."""
    controls = iter([1.0, 1.4, 1.0])
    raw, found = alternate(lambda: next(controls), {"ours": lambda: Sample(2.4, 1.0)}, rounds=2, most=2)
    assert found["ours"].ratio.median == pytest.approx(2.0)
    assert (found["ours"].kept, found["ours"].dropped) == (2, 0)
    assert raw.median == 1.0


def test_a_sample_between_unlike_controls_is_dropped_and_another_is_taken() -> None:
    """A spoilt sample is counted and made up for, as long as there are tries left."""
    controls = iter([1.0, 2.0, 2.0, 2.0])
    samples = iter([Sample(9.0, 1.0), Sample(4.0, 1.0), Sample(6.0, 1.0)])
    _, found = alternate(lambda: next(controls), {"ours": lambda: next(samples)}, rounds=2, most=5)
    assert found["ours"].ratio == Spread.of([2.0, 3.0])
    assert (found["ours"].kept, found["ours"].dropped) == (2, 1)


def test_a_contender_that_fails_is_left_out_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """One peer that breaks costs its own row alone."""

    def broken() -> Sample:
        raise RuntimeError("no such peer")

    _, found = alternate(lambda: 1.0, {"broken": broken, "ours": lambda: Sample(2.0, 1.0)}, rounds=3, most=9)
    assert list(found) == ["ours"]
    assert found["ours"].kept == 3
    assert capsys.readouterr().err == "broken: no such peer\n"


def test_percentiles_are_by_nearest_rank() -> None:
    """The 99th of a hundred values is none of the outliers' interpolations."""
    assert percentile([float(one) for one in range(101)], 99) == 99.0
    assert percentile([7.0], 99) == 7.0


def test_a_storm_tells_broken_off_from_repeated(tmp_path: Path) -> None:
    """A body that was killed half-way is no repetition; one that had ended and begins again is."""
    log = tmp_path / "log"
    log.write_text("begin 0 10 1.0\nbegin 0 11 2.0\nend 0 11 2.5\nbegin 0 12 3.0\nend 0 12 3.5\n")
    attempts = _attempts(log, {10: 1.2, 11: 2.7})
    assert [one.ended for one in attempts] == [False, True, True]
    assert attempts[0].to == 1.2
    assert _repeated(attempts) == 1
