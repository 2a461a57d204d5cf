"""When a cycle is due by itself: clocks that change, nights that are missed, conditions that hold or don't."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator.core.schedule import (
    Due,
    Facts,
    NotDue,
    Schedule,
    When,
    check_cron,
    due,
    following,
    instant,
    latest,
    to_count,
)

ZONES = st.sampled_from(
    ["UTC", "Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu",
     "Africa/Casablanca", "America/St_Johns", "Antarctica/Troll", "Asia/Tehran", "Pacific/Chatham"]
)  # fmt: skip
MOMENTS = st.integers(1_104_537_600, 2_143_238_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
CRONS = st.sampled_from(
    ["17 2 * * *", "30 2 * * *", "0 0 * * *", "*/15 * * * *", "5 */6 * * *", "0 12 * * 1-5", "30 1 1,15 * *",
     "0 3 L * *", "0 4 29 2 *", "59 23 * * SUN"]
)  # fmt: skip
NIGHTLY = Schedule(cron="17 2 * * *", timezone="Europe/Berlin")


def moments(schedule, start, end):
    """Every scheduled moment after `start` and up to `end`."""
    found = []
    while (then := following(schedule, start)) is not None and then <= end:
        found.append(then)
        start = then
    return found


@given(ZONES, st.integers(2006, 2036), st.integers(0, 23), st.integers(0, 59))
@example("Pacific/Apia", 2011, 2, 17)
@example("Pacific/Apia", 2011, 0, 0)
@example("America/New_York", 2026, 2, 30)
@example("Europe/Berlin", 2026, 2, 30)
@example("Antarctica/Troll", 2026, 1, 30)
def test_a_daily_time_comes_once_for_each_day(zone, year, hour, minute):
    """Whatever the clocks of the zone do, a year has one moment for each of its days: none skipped, none doubled.

    Samoa left out 2011-12-30: that day's midnight moves to the end of the gap, which is the next day's.
    """
    schedule = Schedule(cron=f"{minute} {hour} * * *", timezone=zone)
    tz = ZoneInfo(zone)
    start, end = (datetime(year, 3, 1, 12, tzinfo=tz), datetime(year + 1, 3, 1, 12, tzinfo=tz))
    found = moments(schedule, start, end)
    days = (date(year + 1, 3, 1) - date(year, 3, 1)).days
    assert len(found) == days - ((zone, year, hour, minute) == ("Pacific/Apia", 2011, 0, 0))
    walls = [moment.astimezone(tz) for moment in found]
    late = [wall for wall in walls if (wall.hour, wall.minute) != (hour, minute)]
    assert len(late) <= 3, "only a skipped time moves, to the end of its gap"
    assert all(wall.fold == 0 for wall in walls if wall not in late), "a doubled time comes the first time"


def test_a_skipped_time_comes_at_the_end_of_its_gap():
    """In spring 02:30 does not exist in New York: the cycle comes at 03:00, once."""
    schedule = Schedule(cron="30 2 * * *", timezone="America/New_York")
    found = moments(schedule, datetime(2026, 3, 7, 12, tzinfo=UTC), datetime(2026, 3, 9, 12, tzinfo=UTC))
    assert [moment.isoformat() for moment in found] == ["2026-03-08T07:00:00+00:00", "2026-03-09T06:30:00+00:00"]


def test_a_doubled_time_comes_the_first_time():
    """In autumn 01:30 comes twice in New York: the cycle comes at the first, and not again at the second."""
    schedule = Schedule(cron="30 1 * * *", timezone="America/New_York")
    found = moments(schedule, datetime(2026, 10, 31, 12, tzinfo=UTC), datetime(2026, 11, 2, 12, tzinfo=UTC))
    assert [moment.isoformat() for moment in found] == ["2026-11-01T05:30:00+00:00", "2026-11-02T06:30:00+00:00"]
    again = datetime(2026, 11, 1, 6, 45, tzinfo=UTC)
    assert latest(schedule, again) == found[0]


@given(CRONS, ZONES, MOMENTS)
def test_latest_and_following_agree(cron, zone, at):
    """The last moment not after now and the first one after it stand around now, with nothing between them."""
    schedule = Schedule(cron=cron, timezone=zone)
    before, after = latest(schedule, at), following(schedule, at)
    assert before is not None
    assert after is not None
    assert before <= at < after
    assert following(schedule, before) == after
    assert latest(schedule, after) == after


@given(CRONS, ZONES, MOMENTS, st.lists(st.integers(1, 60 * 24 * 9), min_size=1, max_size=30))
def test_however_one_looks_each_moment_is_considered_at_most_once(cron, zone, start, minutes):
    """Looking at any times, in any rhythm: cycles never share a moment, and the last look leaves nothing due."""
    schedule = Schedule(cron=cron, timezone=zone)
    now, considered, answers = start, start, []
    for step in minutes:
        now += timedelta(minutes=step)
        answer = due(schedule, Facts(now=now, last_considered=considered))
        assert answer.reason
        if isinstance(answer, Due):
            answers.append(answer.considered)
            assert considered < answer.considered <= now
            considered = answer.considered
        assert isinstance(due(schedule, Facts(now=now, last_considered=considered)), NotDue)
    assert all(one < other for one, other in pairwise(answers))
    assert (latest(schedule, now) or start) <= considered or (latest(schedule, now) or start) <= start


@given(st.integers(2, 60))
def test_many_missed_nights_are_one_cycle(nights):
    """However long nobody looked, one cycle catches up, for the latest night; then it is not time."""
    last = datetime(2026, 6, 1, 3, tzinfo=UTC)
    facts = Facts(now=last + timedelta(days=nights), last_considered=last)
    answer = due(NIGHTLY, facts)
    assert isinstance(answer, Due)
    assert answer.considered == latest(NIGHTLY, facts.now)
    then = due(NIGHTLY, Facts(now=facts.now, last_considered=answer.considered))
    assert isinstance(then, NotDue)
    assert "it is not time: the next time is 2026-0" in then.reason


def test_a_new_schedule_waits_for_its_first_time():
    """A schedule that was never considered starts from now, not from the past."""
    now = datetime(2026, 6, 1, 3, tzinfo=UTC)
    answer = due(NIGHTLY, Facts(now=now))
    assert isinstance(answer, NotDue)
    assert answer.considered == now
    assert answer.next == datetime(2026, 6, 2, 0, 17, tzinfo=UTC)
    assert answer.reason == "the schedule is new: the next time is 2026-06-02 02:17 Europe/Berlin"


def test_a_clock_that_goes_back_starts_nothing():
    """When now is before what was considered, it is not time."""
    now = datetime(2026, 6, 1, 3, tzinfo=UTC)
    assert isinstance(due(NIGHTLY, Facts(now=now, last_considered=now + timedelta(days=3))), NotDue)


@pytest.mark.parametrize(
    ("when", "facts", "is_due", "reason"),
    [
        ({}, {}, True, "2026-06-02 02:17 Europe/Berlin has come"),
        ({"new_rows": 500}, {"new_rows": 500}, True, "and 500 rows are new (needed: 500)"),
        ({"new_rows": 500}, {"new_rows": 499}, False, "but only 499 rows are new (needed: 500): the next time is"),
        ({"new_rows": 500}, {}, False, "can't be counted (nobody counted them)"),
        ({"new_rows": 500}, {"uncounted": "no such bucket"}, False, "can't be counted (no such bucket)"),
        ({"older_than": "7d"}, {}, True, "and there was no cycle yet"),
        ({"older_than": "7d"}, {"age": 7}, True, "and the last cycle began more than 1w ago"),
        ({"older_than": "7d"}, {"age": 6}, False, "but the last cycle began less than 1w ago"),
        ({"new_rows": 5, "older_than": "7d"}, {"age": 8, "new_rows": 0}, True, "more than 1w ago"),
        ({"new_rows": 5, "older_than": "7d"}, {"age": 1, "new_rows": 5}, True, "5 rows are new"),
        (
            {"new_rows": 5, "older_than": "7d"},
            {"age": 1, "new_rows": 4},
            False,
            "only 4 rows are new (needed: 5) and the last",
        ),
    ],
)
def test_what_else_must_hold(when, facts, is_due, reason):
    """Enough new rows or an old enough cycle: either is enough, and what is lacking is named."""
    now = datetime(2026, 6, 2, 1, tzinfo=UTC)
    given_facts = dict(facts)
    if (age := given_facts.pop("age", None)) is not None:
        given_facts["last_cycle_at"] = now - timedelta(days=age)
    schedule = NIGHTLY.model_copy(update={"when": When.model_validate(when)})
    answer = due(schedule, Facts(now=now, last_considered=now - timedelta(days=1), **given_facts))
    assert isinstance(answer, Due) is is_due
    assert reason in answer.reason
    assert answer.considered == datetime(2026, 6, 2, 0, 17, tzinfo=UTC)


def test_what_is_being_counted_is_waited_for():
    """The time is neither begun nor passed over until the number is known; being old enough is enough meanwhile."""
    now = datetime(2026, 6, 2, 1, tzinfo=UTC)
    facts = Facts(now=now, last_considered=now - timedelta(days=1), last_cycle_at=now, counting=True)
    schedule = NIGHTLY.but(when=When(new_rows=5))
    answer = due(schedule, facts)
    assert isinstance(answer, NotDue)
    assert answer.considered is None
    assert answer.reason == "2026-06-02 02:17 Europe/Berlin has come, and the new rows are being counted"
    assert isinstance(due(schedule, facts.but(counting=False, new_rows=5)), Due)
    either = NIGHTLY.but(when=When(new_rows=5, older_than=timedelta(days=7)))
    assert isinstance(due(either, facts), NotDue)
    assert isinstance(due(either, facts.but(last_cycle_at=now - timedelta(days=8))), Due)


def test_rows_are_counted_only_where_the_answer_hangs_on_it():
    """Counting may cost a query of a great table: not for a schedule without a bound, and once a night."""
    now = datetime(2026, 6, 2, 1, tzinfo=UTC)
    counted = NIGHTLY.but(when=When(new_rows=5))
    moment = datetime(2026, 6, 2, 0, 17, tzinfo=UTC)
    before = Facts(now=now, last_considered=now - timedelta(days=1))
    assert to_count(counted, before) == moment
    assert to_count(NIGHTLY, before) is None
    assert to_count(counted, Facts(now=now)) is None, "it is new"
    assert to_count(counted, before.but(last_considered=moment)) is None, "it was considered"


@pytest.mark.parametrize(
    ("cron", "what"),
    [
        ("", "has 0 fields"),
        ("* * * *", "has 4 fields"),
        ("0 17 2 * * *", "has 6 fields"),
        ("60 * * * *", "bad minute"),
        ("* * * * MOON", "bad day-of-week"),
        ("0 0 31 2 *", "bad day-of-month"),
        ("0 0 */30 * 1#2", "a day that never comes"),
    ],
)
def test_a_cron_expression_that_cant_be_is_refused(cron, what):
    """Wrong fields, wrong values and days that never come are told with an example."""
    with pytest.raises(ValidationError, match=what):
        Schedule(cron=cron)


@given(st.text("0123456789*/,-#L WMONapr", max_size=24))
def test_no_expression_raises_anything_but_a_value_error(text):
    """Whatever is written, it is an expression with a next time, or it is refused."""
    with suppress(ValueError):
        check_cron(text)
        assert following(Schedule(cron=text), datetime(2026, 1, 1, tzinfo=UTC)) is not None


@pytest.mark.parametrize(
    "zone", ["", "Mars/Base", "../etc/passwd", "/etc/localtime", "Asia", "Asia/Seoul\0", "x" * 5000]
)
def test_a_time_zone_that_isnt_one_is_refused(zone):
    """A name that no zone has, or that is a path, is refused."""
    with pytest.raises(ValidationError, match="is not a time zone: write a name like Asia/Seoul"):
        Schedule(cron="17 2 * * *", timezone=zone)


@given(ZONES, st.integers(2006, 2036), st.integers(0, 366 * 48))
@example("America/New_York", 2026, (31 + 28 + 7) * 48 + 5)
@example("Pacific/Apia", 2011, 363 * 48 + 1)
def test_an_instant_shows_its_wall_time_or_the_end_of_the_gap(zone, year, half_hours):
    """A time that exists is itself, the first time; one that does not becomes a later one."""
    wall = datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) + half_hours * timedelta(minutes=30)
    shown = instant(wall, ZoneInfo(zone)).astimezone(ZoneInfo(zone))
    exists = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall
    assert shown.replace(tzinfo=None) == wall if exists else shown.replace(tzinfo=None) > wall
    assert shown.fold == 0
