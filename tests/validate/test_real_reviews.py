"""Twelve years of film reviews: no drift within a year, drift between years that differ. Needs the development data."""

import numpy as np
import pytest
from rowsets import REAL

from steps.validate import Checks, drift

COUNT = 1_500
SETTINGS = Checks(permutations=99)

pytestmark = pytest.mark.skipif(not REAL.exists(), reason=f"the development data {REAL.name} is not there")


@pytest.fixture(scope="module")
def years():
    """Reviews by year, in an order drawn by chance: 3,000 of each year that is asked for."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found = pq.read_table(REAL, columns=["date", "review"])
    year, chance = pc.year(found["date"]), np.random.default_rng(0)

    def of(which):
        texts = found.filter(pc.equal(year, which))["review"].to_pylist()
        return [texts[k] or "" for k in chance.permutation(len(texts))[: 2 * COUNT]]

    return {which: of(which) for which in (2004, 2014)}


def compared(new, earlier):
    chance = np.random.default_rng(1)
    return drift.Compared(new, earlier, chance.random(len(new)) < 0.5, chance.random(len(earlier)) < 0.5)


def test_halves_of_a_year_do_not_drift(years):
    """2014 against itself: an area of a half within its interval, no small p-value, no more unknown words."""
    rows = compared(years[2014][:COUNT], years[2014][COUNT:])
    area, p = drift.texts(rows, (), None, SETTINGS, 0).metrics
    assert area.low <= 0.5 <= area.high
    assert p.value > 0.05
    words = drift.vocabulary(rows, SETTINGS)
    assert words.metrics[1].low <= 0 <= words.metrics[1].high


def test_ten_years_apart_reviews_drift(years):
    """2014 against 2004: told apart in more than two of three cases, by words of their time."""
    rows = compared(years[2014][:COUNT], years[2004][:COUNT])
    found = drift.texts(rows, (), None, SETTINGS, 0)
    assert found.metrics[0].low > 0.65
    assert found.metrics[1].value == 0.01
    assert [alarm.kind for alarm in found.alarms] == ["drift"]
    words = drift.vocabulary(rows, SETTINGS)
    assert words.metrics[1].low > 0.01
    assert words.tables[0].rows
