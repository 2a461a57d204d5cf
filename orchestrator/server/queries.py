"""What the server asks the database and nobody else does. Reads only, on connections of their own."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from orchestrator.core.model import Cycle
from orchestrator.rows import cycle_from
from orchestrator.schema import CYCLES, EFFECTS, EVENTS, HEAD, INBOX, NOTICES, RUNS
from orchestrator.store import Unavailable

T = TypeVar("T")
LIVING = ("queued", "running", "in_review", "failed")
RECENT = 200


class Counts(NamedTuple):
    """How much there is of everything."""

    cycles: dict[str, int]
    effects_due: int
    inbox_waiting: int
    notices_waiting: int


class Queries:
    """Questions to one database. Every failure is `Unavailable`."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def _read(self, body: Callable[[Connection], T]) -> T:
        for last in (False, True):
            try:
                with self._database.connect() as link:
                    return body(link)
            except sa.exc.SQLAlchemyError as error:  # a connection that lay idle while the database was away: once more
                if last:
                    raise Unavailable(getattr(error, "orig", None) or error) from error
        raise AssertionError("unreachable")  # pragma: no cover

    def schema(self) -> str:
        """Empty where the database answers and has the schema of this version; otherwise what is wrong."""
        found = self._read(lambda link: link.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())
        return "" if found == HEAD else f"its schema is {found}, and this version needs {HEAD}"

    def cycles(self, pipeline: str | None, state: str | None, before: int, limit: int) -> list[Cycle]:
        """The newest cycles first, below number `before`."""
        c, e = CYCLES.c, EVENTS.c
        born = sa.join(CYCLES, EVENTS, sa.and_(e.cycle == c.id, e.seq == 1))
        query = sa.select(c.id, e.body, c.body).select_from(born).where(c.number < before)
        if pipeline is not None:
            query = query.where(c.pipeline == pipeline)
        if state is not None:
            query = query.where(c.state == state)
        return self._read(lambda link: _cycles(link, link.execute(query.order_by(c.number.desc()).limit(limit)).all()))

    def with_key(self, key: str) -> str | None:
        """The cycle that has this idempotency key."""
        query = sa.select(CYCLES.c.id).where(CYCLES.c.idempotency_key == key)
        found = self._read(lambda link: link.execute(query).scalar())
        return None if found is None else str(found)

    def heads(self) -> dict[str, int]:
        """How many events the cycles have that live, and the newest ones that don't."""
        c = CYCLES.c
        living = sa.select(c.id, c.seq).where(c.state.in_(LIVING))
        recent = sa.select(c.id, c.seq).order_by(c.number.desc()).limit(RECENT)
        return self._read(lambda link: {row[0]: row[1] for query in (recent, living) for row in link.execute(query)})

    def counts(self, now: int) -> Counts:
        """For `/metrics`."""
        total = sa.select(sa.func.count())
        states = sa.select(CYCLES.c.state, sa.func.count()).group_by(CYCLES.c.state)
        due = total.select_from(EFFECTS).where(EFFECTS.c.due_at <= now)
        inbox = total.select_from(INBOX).where(INBOX.c.done_at.is_(None))
        notices = total.select_from(NOTICES).where(NOTICES.c.sent_at.is_(None))

        def body(link: Connection) -> Counts:
            cycles = {row[0]: row[1] for row in link.execute(states)}
            return Counts(cycles, *(link.execute(query).scalar() or 0 for query in (due, inbox, notices)))

        return self._read(body)


def _cycles(link: Connection, rows: Sequence[Any]) -> list[Cycle]:
    runs: dict[str, dict[str, str]] = {row[0]: {} for row in rows}
    for cycle, stage, text in link.execute(
        sa.select(RUNS.c.cycle, RUNS.c.stage, RUNS.c.body).where(RUNS.c.cycle.in_(list(runs)))
    ):
        runs[cycle][stage] = text
    return [cycle_from(born, here, runs[cycle]) for cycle, born, here in rows]
