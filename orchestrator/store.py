"""One database: its statements compiled for its dialect, and one connection that writes.

SQLAlchemy describes, compiles and pools; the compiled text then runs on the driver's own cursor, which costs less than
an executed Core statement (`docs/decisions/0002-one-commit-a-step.md`).
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect, Engine

from orchestrator.bell import CHANNEL
from orchestrator.statements import statements

T = TypeVar("T")
_AGAIN = {"40001", "40P01", "23505"}  # serialization failure, deadlock, unique violation


class Unavailable(Exception):
    """The database did not take it: nothing is known to be written. The same may be submitted again at no risk.

    `conflict`: another writer was faster; try at once.
    """

    def __init__(self, cause: BaseException, *, conflict: bool = False) -> None:
        super().__init__(str(cause).strip().split("\n")[0] or type(cause).__name__)
        self.conflict = conflict


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
        self._statements = statements(database.dialect)
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
