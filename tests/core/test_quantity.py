"""Durations and sizes as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.quantity import read_duration, read_size, write_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("24h", 86_400), (" 1.5 h ", 5400), ("2d", 172_800), ("1w", 604_800), ("90m", 5400), ("250ms", 0.25)],
)
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    """Each unit is read, with decimals and spaces."""
    assert read_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", "h", "3 years", "-1h", "1h30m", "3M", "1e3s"])
def test_other_text_is_no_duration(text):
    """Anything else is refused with the units that are known."""
    with pytest.raises(ValueError, match=r"is not a duration: write a number and one of ms, s, m, h, d, w"):
        read_duration(text)


def test_an_endless_duration_is_refused():
    """Nobody waits for more than ten years, and no number overflows."""
    for text in ("3651d", "9" * 400 + "w"):
        with pytest.raises(ValueError, match="longer than ten years"):
            read_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("16GiB", 16 * 2**30), ("500MB", 500_000_000), ("1.5 kib", 1536), ("7B", 7), ("2tb", 2 * 10**12)]
)
def test_a_size_is_a_number_and_a_unit(text, size):
    """Decimal and binary units are read in any case, to whole bytes."""
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "16", "16G", "GiB", "-1GiB", "much"])
def test_other_text_is_no_size(text):
    """Anything else is refused with an example."""
    with pytest.raises(ValueError, match="is not a size: write a number and a unit"):
        read_size(text)


@pytest.mark.parametrize("read", [read_duration, read_size])
def test_what_is_not_text_is_passed_on(read):
    """Values that are read already stay themselves."""
    assert read(3) == 3
    assert read(None) is None


@given(st.integers(0, 10 * 365 * 86_400 * 1000))
def test_a_written_duration_reads_back_as_itself(milliseconds):
    """Writing and reading are inverse down to the millisecond."""
    value = timedelta(milliseconds=milliseconds)
    assert read_duration(write_duration(value)) == value


def test_a_duration_is_written_in_its_largest_unit():
    """A day is `1d`, not 86400 seconds."""
    assert [write_duration(timedelta(hours=hours)) for hours in (0, 1, 24, 168, 36)] == ["0ms", "1h", "1d", "1w", "36h"]
