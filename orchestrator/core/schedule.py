"""When a cycle is due by itself: facts in, a decision with its reason out. Pure.

Laws:
- A time of the cron expression is a time on the wall of its zone. One that the clock skips comes at the first moment
  after the gap; one that the clock shows twice comes the first time only. Each comes exactly once.
- However many times were missed, they are caught up by one cycle: the latest stands for all.
- Every answer has a reason, and names what is to be remembered as considered; the same facts give the same answer.

`cronsim` is the one import from outside the standard library and pydantic: it computes and reads nothing.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, AwareDatetime, Field

from orchestrator.core.noun import Noun
from orchestrator.core.quantity import Duration, write_duration

_ANY_DAY = datetime(2024, 1, 1)  # noqa: DTZ001  a wall clock has no zone
_REACH = timedelta(hours=3)  # longer than any zone has set its clock back since 1970


def check_cron(text: str) -> str:
    """The expression, one space between its five fields. Raises `ValueError` when it can't be read or never comes."""
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(f"{text!r} has {len(fields)} fields: write minute hour day month weekday: `17 2 * * *`")
    try:
        next(CronSim(text, _ANY_DAY))
    except CronSimError as problem:
        raise ValueError(
            f"{text!r} is not a cron expression, {str(problem).lower()}: write one like `17 2 * * *`"
        ) from None
    except StopIteration:
        raise ValueError(f"{text!r} names a day that never comes: write one like `17 2 * * *`") from None
    return " ".join(fields)


def check_zone(name: str) -> str:
    """The name, if a time zone has it. Raises `ValueError` otherwise."""
    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        raise ValueError(f"{name!r} is not a time zone: write a name like Asia/Seoul, Europe/Berlin or UTC") from None
    return name


class When(Noun):
    """What else must hold when the time has come: either one is enough; with neither, the time alone is."""

    new_rows: int | None = Field(None, ge=1, description="at least so many rows that no cycle has seen")
    older_than: Duration | None = Field(None, description="the last cycle began at least so long ago")


class Schedule(Noun):
    """Cycles that nobody has to ask for."""

    cron: Annotated[str, AfterValidator(check_cron)] = Field(description="minute hour day month weekday")
    timezone: Annotated[str, AfterValidator(check_zone)] = "UTC"
    when: When = When()


class Facts(Noun):
    """What is known at this look. `last_considered` is what the previous answer asked to be remembered."""

    now: AwareDatetime
    last_considered: AwareDatetime | None = None
    last_cycle_at: AwareDatetime | None = None
    new_rows: int | None = Field(None, ge=0, description="rows that no cycle has seen; None when they can't be counted")
    uncounted: str = Field("", description="why the new rows can't be counted")
    counting: bool = Field(False, description="they are being counted, and will be known at a later look")


class Due(Noun):
    """A cycle is due. `considered` is the time that it stands for: remember it, and use it as the cycle's key."""

    kind: Literal["due"] = "due"
    considered: AwareDatetime
    reason: str


class NotDue(Noun):
    """No cycle is due. `considered`, if any, is to be remembered; `next` is when to look again."""

    kind: Literal["not due"] = "not due"
    considered: AwareDatetime | None = None
    reason: str
    next: AwareDatetime | None = None


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The one moment, in UTC, for a time on the zone's wall: the first if shown twice, after the gap if skipped."""
    moment = wall.replace(tzinfo=zone, fold=0)
    while moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        wall += timedelta(minutes=1)
        moment = wall.replace(tzinfo=zone, fold=0)
    return moment.astimezone(UTC)


def latest(schedule: Schedule, at: datetime) -> datetime | None:
    """The last scheduled moment that is not after `at`, in UTC."""
    zone = ZoneInfo(schedule.timezone)
    start = at.astimezone(zone).replace(tzinfo=None) + _REACH
    moments = (instant(wall, zone) for wall in CronSim(schedule.cron, start, reverse=True))
    return next((moment for moment in moments if moment <= at), None)


def following(schedule: Schedule, at: datetime) -> datetime | None:
    """The first scheduled moment after `at`, in UTC."""
    zone = ZoneInfo(schedule.timezone)
    start = at.astimezone(zone).replace(tzinfo=None) - _REACH
    moments = (instant(wall, zone) for wall in CronSim(schedule.cron, start))
    return next((moment for moment in moments if moment > at), None)


def to_count(schedule: Schedule, facts: Facts) -> datetime | None:
    """The moment that has come and that needs the number of new rows; None where the answer does not hang on it."""
    moment = latest(schedule, facts.now)
    if schedule.when.new_rows is None or facts.last_considered is None or moment is None:
        return None
    return moment if moment > facts.last_considered else None


def due(schedule: Schedule, facts: Facts) -> Due | NotDue:
    """Whether a cycle is due, and why or why not."""
    then = following(schedule, facts.now)
    coming = f"the next time is {_shown(then, schedule)}" if then else "no time follows"
    if facts.last_considered is None:
        return NotDue(considered=facts.now, reason=f"the schedule is new: {coming}", next=then)
    moment = latest(schedule, facts.now)
    if moment is None or moment <= facts.last_considered:
        return NotDue(reason=f"it is not time: {coming}", next=then)
    came = f"{_shown(moment, schedule)} has come"
    enough, because = _enough(schedule.when, facts)
    if enough:
        return Due(considered=moment, reason=f"{came}{because}")
    if facts.counting:
        return NotDue(reason=f"{came}, and {because}", next=then)
    return NotDue(considered=moment, reason=f"{came}, but {because}: {coming}", next=then)


def _enough(when: When, facts: Facts) -> tuple[bool, str]:
    """Whether what else must hold does, and why (`", and …"`) or why not."""
    if when.new_rows is None and when.older_than is None:
        return True, ""
    lacking = []
    if when.new_rows is not None:
        if facts.counting:
            lacking.append("the new rows are being counted")
        elif facts.new_rows is None:
            lacking.append(f"the new rows can't be counted ({facts.uncounted or 'nobody counted them'})")
        elif facts.new_rows >= when.new_rows:
            return True, f", and {facts.new_rows} rows are new (needed: {when.new_rows})"
        else:
            lacking.append(f"only {facts.new_rows} rows are new (needed: {when.new_rows})")
    if when.older_than is not None:
        needed = write_duration(when.older_than)
        if facts.last_cycle_at is None:
            return True, ", and there was no cycle yet"
        if facts.now - facts.last_cycle_at >= when.older_than:
            return True, f", and the last cycle began more than {needed} ago"
        lacking.append(f"the last cycle began less than {needed} ago")
    return False, " and ".join(lacking)


def _shown(moment: datetime, schedule: Schedule) -> str:
    """The moment on the wall of the schedule's zone: `2026-11-20 02:17 Asia/Seoul`."""
    return f"{moment.astimezone(ZoneInfo(schedule.timezone)):%Y-%m-%d %H:%M} {schedule.timezone}"
