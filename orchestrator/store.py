"""One database: its statements, written once and compiled for its dialect, and one connection that writes.

SQLAlchemy describes, compiles and pools; the hot path then runs the compiled text on the driver's own cursor, which
costs a fifth of an executed Core statement (`docs/log.md`).
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect, Engine

from orchestrator.bell import CHANNEL
from orchestrator.schema import CYCLES, EFFECTS, EVENTS, INBOX, LEASES, RUNS

T = TypeVar("T")
_AGAIN = {"40001", "40P01", "23505"}  # serialization failure, deadlock, unique violation


class Unavailable(Exception):
    """The database did not take it: nothing is known to be written. The same may be submitted again at no risk.

    `conflict`: another writer was faster; try at once.
    """

    def __init__(self, cause: BaseException, *, conflict: bool = False) -> None:
        super().__init__(str(cause).strip().split("\n")[0] or type(cause).__name__)
        self.conflict = conflict


def _p(name: str, kind: Any = None) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=kind)


def _text(name: str) -> sa.BindParameter[Any]:
    return _p(name, sa.Text())


def _big(name: str) -> sa.BindParameter[Any]:
    return _p(name, sa.BigInteger())


def _any(column: Any, *values: str) -> Any:
    return sa.or_(*(column == value for value in values))


def _statements(dialect: Dialect) -> dict[str, sa.sql.expression.ClauseElement]:
    c, e, f, r, box, leases = CYCLES.c, EVENTS.c, EFFECTS.c, RUNS.c, INBOX.c, LEASES.c
    insert: Any = import_module(f"sqlalchemy.dialects.{dialect.name}").insert
    born = sa.join(CYCLES, EVENTS, sa.and_(e.cycle == c.id, e.seq == 1))
    row = sa.select(e.body, c.body, c.seq, c.head).select_from(born)
    due = sa.select(f.cycle, f.key, f.owner, f.claimed_until).where(f.due_at <= _big("now"))
    due = due.order_by(f.due_at, f.cycle, f.key).limit(1000)
    this = sa.and_(f.cycle == _text("cycle"), f.key == _text("key"))
    free = sa.or_(f.owner.is_(None), f.claimed_until <= _big("now"))
    ended = sa.select(c.id).where(c.id == leases.cycle, _any(c.state, "done", "rejected", "cancelled", "skipped"))
    takeable = sa.or_(
        leases.cycle.is_(None),
        leases.cycle == _text("cycle"),
        leases.expires_at <= _big("now"),
        ended.correlate(LEASES).exists(),
    )
    run = insert(RUNS).values({name: _p(name) for name in ("cycle", "stage", "body")})
    lease = insert(LEASES).values(target=_text("target"), cycle=_text("cycle"), token=1, expires_at=_big("until"))
    token = sa.case((leases.cycle == _text("cycle"), leases.token), else_=leases.token + 1)
    living = sa.select(c.id).where(_any(c.state, "queued", "running", "in_review"))
    waiting = sa.select(c.id).where(c.target == _text("target"), c.state == "queued")
    moved = {"seq": _p("n", sa.Integer()), "head": _text("h"), "body": _text("b"), "changed_at": _big("now")}
    return ({"step": _step()} if dialect.name == "postgresql" else {}) | {
        "cycle": row.where(c.id == _text("cycle")),
        "cycle_locked": row.where(c.id == _text("cycle")).with_for_update(of=CYCLES),
        "cycle_by_key": sa.select(c.id).where(c.idempotency_key == _text("key")),
        "cycle_insert": insert(CYCLES),
        "cycle_update": sa.update(CYCLES)
        .where(c.id == _text("cycle"), c.seq == _p("was", sa.Integer()))
        .values(**moved),
        "cycle_update_state": sa.update(CYCLES)
        .where(c.id == _text("cycle"), c.seq == _p("was", sa.Integer()))
        .values(state=_text("s"), **moved),
        "newest": sa.select(c.number, e.hash).select_from(born).order_by(c.number.desc()).limit(1),
        "runs": sa.select(r.stage, r.body).where(r.cycle == _text("cycle")),
        "run_insert": run.on_conflict_do_update(index_elements=[r.cycle, r.stage], set_={"body": run.excluded.body}),
        "event_insert": insert(EVENTS),
        "events": sa.select(e.seq, e.at, e.kind, e.body, e.hash)
        .where(e.cycle == _text("cycle"), e.seq > _p("after", sa.Integer()))
        .order_by(e.seq),
        "effect_insert": insert(EFFECTS)
        .values({name: _p(name) for name in ("cycle", "key", "body", "due_at", "owner", "claimed_until", "tries")})
        .on_conflict_do_nothing()
        .returning(f.key),
        "effect_done": sa.delete(EFFECTS).where(this, sa.or_(f.owner.is_(None), f.owner == _text("me"))),
        "effects_settled": sa.delete(EFFECTS).where(
            f.cycle == _text("cycle"), sa.or_(f.key == _text("key"), f.key == _text("other"))
        ),
        "effects_drop": sa.delete(EFFECTS).where(f.cycle == _text("cycle")),
        "effects_due": due,
        "effects_free": due.where(f.owner.is_(None)),
        "effects_claimed": due.where(f.owner.is_not(None)),
        "effects_next": sa.select(sa.func.min(f.due_at)).where(f.due_at > _big("now"), f.owner.is_(None)),
        "effect_claim": sa.update(EFFECTS)
        .where(this, f.due_at <= _big("now"), sa.or_(free, f.owner == _text("was")))
        .values(owner=_text("me"), claimed_until=_big("until"), tries=f.tries + 1)
        .returning(f.body, f.tries),
        "effect_renew": sa.update(EFFECTS).where(this, f.owner == _text("me")).values(claimed_until=_big("until")),
        "effect_postpone": sa.update(EFFECTS)
        .where(this, f.owner == _text("me"))
        .values(owner=sa.null(), claimed_until=sa.null(), due_at=_big("due")),
        "lease": sa.select(leases.cycle, leases.token, leases.expires_at)
        .where(leases.target == _text("target"))
        .with_for_update(),
        "lease_take": lease.on_conflict_do_update(
            index_elements=[leases.target],
            set_={"cycle": _text("cycle"), "token": token, "expires_at": _big("until")},
            where=takeable,
        ).returning(leases.token),
        "lease_first": sa.select(sa.func.min(c.number))
        .select_from(sa.join(CYCLES, EFFECTS, f.cycle == c.id))
        .where(c.target == _text("target"), c.state == "queued", f.key == "take"),
        "lease_release": sa.update(LEASES)
        .where(leases.target == _text("target"), leases.cycle == _text("cycle"))
        .values(cycle=sa.null()),
        "lease_renew": sa.update(LEASES)
        .where(leases.cycle.in_(living), leases.expires_at < _big("soon"))
        .values(expires_at=_big("until")),
        "lease_poke": sa.update(EFFECTS)
        .where(f.key == "take", f.owner.is_(None), f.cycle.in_(waiting))
        .values(due_at=_big("now")),
        "cycles": sa.select(c.id, e.body, c.body)
        .select_from(born)
        .where(sa.or_(_text("pipeline") == "", c.pipeline == _text("pipeline")), c.number < _big("before"))
        .order_by(c.number.desc())
        .limit(_p("limit", sa.Integer())),
        "last_done": sa.select(c.id, e.body, c.body)
        .select_from(born)
        .where(c.target == _text("target"), c.state == "done")
        .order_by(c.number.desc())
        .limit(1),
        "inbox_insert": insert(INBOX)
        .values({name: _p(name) for name in ("source", "delivery", "body", "received_at")})
        .on_conflict_do_nothing()
        .returning(box.id),
        "inbox_waiting": sa.select(box.id, box.source, box.delivery, box.body)
        .where(box.done_at.is_(None))
        .order_by(box.id)
        .limit(_p("limit", sa.Integer())),
        "inbox_done": sa.update(INBOX).where(box.id == _big("id")).values(done_at=_big("now")),
        "audit_cycles": sa.select(
            c.id,
            c.number,
            c.pipeline,
            c.target,
            c.state,
            c.seq,
            c.head,
            c.body,
            c.idempotency_key,
            c.changed_at,
        )
        .where(c.number > _big("after"))
        .order_by(c.number)
        .limit(_p("limit", sa.Integer())),
        "audit_events": sa.select(e.cycle, e.seq, e.at, e.kind, e.body, e.hash)
        .join(CYCLES, e.cycle == c.id)
        .where(c.number > _big("after"), c.number <= _big("last"))
        .order_by(c.number, e.seq),
        "audit_runs": sa.select(r.cycle, r.stage, r.body)
        .join(CYCLES, r.cycle == c.id)
        .where(c.number > _big("after"), c.number <= _big("last")),
        "audit_strays": sa.select(e.cycle).where(~sa.exists().where(c.id == e.cycle)).distinct().order_by(e.cycle),
    }


def _step() -> sa.sql.expression.ClauseElement:
    """The commonest transition as one statement, for PostgreSQL, where each is a trip: the cycle goes on, if it
    is still at `was`; its event, its run and its next effect are written, and the effect behind it is struck out.
    Answers (cycles changed, effects born).
    """
    from sqlalchemy.dialects import postgresql

    c, e, f, r = CYCLES.c, EVENTS.c, EFFECTS.c, RUNS.c

    def among(source: sa.CTE, **values: sa.BindParameter[Any]) -> Any:
        return list(values), sa.select(source.c.id, *values.values()).select_from(source)

    changed = (
        sa.update(CYCLES)
        .where(c.id == _text("cycle"), c.seq == _p("was", sa.Integer()))
        .values(state=_text("s"), seq=_p("n", sa.Integer()), head=_text("h"), body=_text("b"), changed_at=_big("at"))
        .returning(c.id)
        .cte("changed")
    )
    names, rows = among(changed, seq=_p("n", sa.Integer()), at=_big("at"), kind=_text("kind"), body=_text("event"),
                        hash=_text("h"))  # fmt: skip
    written = sa.insert(EVENTS).from_select(["cycle", *names], rows).returning(e.seq).cte("written")
    names, rows = among(changed, stage=_text("stage"), body=_text("run"))
    run = postgresql.insert(RUNS).from_select(["cycle", *names], rows)
    kept = run.on_conflict_do_update(index_elements=[r.cycle, r.stage], set_={"body": run.excluded.body})
    struck = sa.delete(EFFECTS).where(
        f.cycle == sa.select(changed.c.id).scalar_subquery(), sa.or_(f.key == _text("done"), f.key == _text("other"))
    )
    names, rows = among(changed, key=_text("key"), body=_text("effect"), due_at=_big("due"), owner=_text("me"),
                        claimed_until=_big("until"), tries=_p("tries", sa.Integer()))  # fmt: skip
    effect = postgresql.insert(EFFECTS).from_select(["cycle", *names], rows).on_conflict_do_nothing()
    born = effect.returning(f.key).cte("born")
    counts = [sa.select(sa.func.count()).select_from(one).scalar_subquery() for one in (changed, born)]
    others = written, kept.returning(r.stage).cte("kept"), struck.returning(f.key).cte("struck")
    return sa.select(*counts).add_cte(*others)


class _Prepared:
    """A statement compiled to the driver's text, and the order in which that takes its parameters."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        self.order: list[str] | None = compiled.positiontup
        self.constants = {name: value for name, value in compiled.params.items() if value is not None}

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """The values, as the driver wants them; constants of the statement fill what is not given."""
        if self.constants:
            values = {**self.constants, **values}
        return values if self.order is None else [values[name] for name in self.order]


class Store:
    """One database, shared by any number of threads. Every failure of the database is raised as `Unavailable`."""

    def __init__(self, database: Engine) -> None:
        self.database = database
        self._statements = _statements(database.dialect)
        self._compiled: dict[str, _Prepared] = {}
        self._begin = "BEGIN" if database.dialect.name == "postgresql" else "BEGIN IMMEDIATE"
        self._begin_reading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if self.notifies else "BEGIN"
        self._lock = threading.RLock()
        self._link: Any = None
        self._reading: Any = None
        self._reading_lock = threading.Lock()

    @property
    def notifies(self) -> bool:
        """Whether the database itself carries rings to other processes."""
        return self.database.dialect.name == "postgresql"

    @property
    def composes(self) -> bool:
        """Whether this database takes the commonest transition as one statement."""
        return self.notifies

    def read(self, name: str, **values: Any) -> list[Any]:
        """All rows of a statement that only reads."""
        with self._reading_lock:
            for last in (False, True):
                try:
                    if self._reading is None:
                        self._reading = self.database.raw_connection()
                    cursor = self._reading.cursor()
                    self.run(cursor, name, **values)
                    rows: list[Any] = cursor.fetchall()
                    cursor.close()
                except self.database.dialect.loaded_dbapi.Error as error:
                    self._reading = _drop(self._reading)
                    if last:
                        raise Unavailable(error) from error
                except Exception as error:
                    self._reading = _drop(self._reading)
                    raise Unavailable(error) from error
                else:
                    return rows
        raise AssertionError("unreachable")  # pragma: no cover

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Callable[..., list[Any]]]:
        """`read(name, **values)`, every answer of which shows the database at one and the same moment."""
        link = None
        try:
            link = self.database.raw_connection()
            cursor = link.cursor()
            cursor.execute(self._begin_reading)
            yield lambda name, **values: list(self.run(cursor, name, **values).fetchall())
            cursor.execute("ROLLBACK")
        except (self.database.dialect.loaded_dbapi.Error, sa.exc.SQLAlchemyError) as error:
            link = _drop(link)
            raise Unavailable(error) from error
        finally:
            if link is not None:
                link.close()

    def run(self, cursor: Any, name: str, **values: Any) -> Any:
        """Execute within a transaction; the cursor holds the rows and the count."""
        prepared = self._compiled.get(name)
        if prepared is None:
            prepared = self._compiled[name] = _Prepared(self._statements[name], self.database.dialect)
        cursor.execute(prepared.text, prepared.parameters(values))
        return cursor

    def notify(self, cursor: Any) -> None:
        """Ring other processes when this transaction commits (PostgreSQL alone; see `bell`)."""
        if self.notifies:
            cursor.execute(f"NOTIFY {CHANNEL}")

    def transaction(self, body: Callable[[Any], T], reach: Callable[[str], None] = lambda point: None) -> T:
        """`body(cursor)` in one transaction; every process sees all of it or nothing."""
        return self._attempt(body, reach, self._begin)

    def _attempt(self, body: Callable[[Any], T], reach: Callable[[str], None], begin: str) -> T:
        with self._lock:
            try:
                if self._link is None:
                    self._link = self.database.raw_connection()
                cursor = self._link.cursor()
                if begin:
                    cursor.execute(begin)
                    answer = body(cursor)
                    reach("before commit")
                    cursor.execute("COMMIT")
                else:
                    reach("before commit")
                    answer = body(cursor)
                reach("after commit")
                cursor.close()
            except BaseException as error:
                self._abandon()
                if isinstance(error, self.database.dialect.loaded_dbapi.Error | sa.exc.SQLAlchemyError):
                    again = getattr(error, "sqlstate", None) in _AGAIN or "UNIQUE constraint" in str(error)
                    raise Unavailable(error, conflict=again) from error
                raise
            return answer

    def alone(self, name: str, reach: Callable[[str], None] = lambda point: None, **values: Any) -> Any:
        """The one row that a statement answers which is a whole transaction."""

        def body(cursor: Any) -> Any:
            return self.run(cursor, name, **values).fetchone()

        return self._attempt(body, reach, begin="")

    def _abandon(self) -> None:
        """Roll back; a connection that can't is thrown away, and the next transaction opens another."""
        try:
            self._link.cursor().execute("ROLLBACK")
        except Exception:
            self._link = _drop(self._link)

    def close(self) -> None:
        """Close every connection."""
        with self._lock, self._reading_lock:
            self._link, self._reading = _drop(self._link), _drop(self._reading)
            self.database.dispose()


def _drop(link: Any) -> Any:
    if link is not None:
        with contextlib.suppress(Exception):
            link.invalidate()
    return None
