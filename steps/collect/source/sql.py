"""A source that is a query: streamed from the database, from after a watermark.

Laws:
- Without a watermark all rows are read each time. With one, those from the last mark less `late` up to the greatest
  there is when the parts are made, which is the next mark: what is written later comes next time. A row that comes late
  is taken while its watermark is within `late` of the mark, also one with the mark itself unless that is a whole number
  (a key, of which there is one); that others come again changes nothing, because a row is known by its content.
- A password is in no message, no report, no part that travels, and in no pipeline file: `sql: env:NAME` is read where
  it is used. The query is only ever read from, inside a SELECT.
- A time-out (`timeout` seconds for any one answer) and a lost connection are retryable.
"""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from steps.collect.source.model import BATCH_BYTES, BATCH_ROWS, Columns, Shard, Taken
from steps.collect.source.shape import from_values, unusable
from steps.collect.source.watermark import earlier, later, parsed, written
from steps.contract import StepError

ENV = "env:"
_SAMPLED = 100
_FIRST = 64  # rows of the first fetch, when their size is not yet known
_MOST_PARTS = 64
_TABLE = re.compile(r"\bfrom\s+([\w.\"`]+)", re.IGNORECASE)


class Asked(NamedTuple):
    """What is asked of which database; `late` in seconds for a time, in steps for a number."""

    url: str
    query: str
    watermark: str
    timeout: float
    late: int | timedelta
    columns: Columns
    most: int

    @property
    def name(self) -> str:
        """The first table that the query names: what a report calls this source."""
        found = _TABLE.search(self.query)
        return found[1].replace('"', "").replace("`", "") if found else "query"

    def where(self) -> str:
        """The database, for a message."""
        if self.url.startswith(ENV):
            return f"{self.url} ({self.name})"
        return f"{url_of(self.url).render_as_string(hide_password=True)} ({self.name})"


class Span(NamedTuple):
    """Watermarks greater than `low`, or equal to it where `closed`, up to `high`; None is no bound."""

    low: Any = None
    high: Any = None
    closed: bool = False


class Rows(NamedTuple):
    """The rows whose watermark is in the span; `line` is how many come before them."""

    asked: Asked
    span: Span
    line: int
    size: int

    @property
    def name(self) -> str:
        return f"{self.asked.name}:{self.line + 1}" if self.line else self.asked.name

    def read(self, batch_rows: int = BATCH_ROWS, batch_bytes: int = BATCH_BYTES) -> Iterator[Taken]:
        """See `Shard.read`."""
        line, asked = self.line, self.asked
        for rows in _fetched(asked, self.span, batch_rows, batch_bytes):
            numbered = list(enumerate(rows, line + 1))
            yield from_values(asked.columns, numbered, asked.name, asked.most)
            line += len(rows)


class Sql:
    """The query from after the mark `since`."""

    def __init__(self, asked: Asked, since: str) -> None:
        self._asked, self._since, self._mark = asked, since, since

    def survey(self) -> list[str]:
        """See `Source.survey`."""
        asked = self._asked
        if not asked.url.startswith(ENV) and url_of(asked.url).password:
            return [
                f"{asked.where()}: its URL holds a password, which would be committed; put the URL into an environment "
                "variable and write `sql: env:NAME`"
            ]
        try:
            problems = self._problems()
        except StepError as error:
            if error.failure.retryable:
                raise
            problems = [error.failure.what]
        return [f"{asked.where()}: {problem}" for problem in problems]

    def shards(self, most_bytes: int) -> list[Shard]:
        """See `Source.shards`. The next mark is found now, so that later rows are left for the next time."""
        asked = self._asked
        since = earlier(parsed(self._since), asked.late)
        span = Span(since, closed=since is not None and not isinstance(since, int))
        with _linked(asked) as link:
            count, least, greatest = _bounds(link, asked, span)
            if not count:
                return []
            if asked.watermark:
                self._mark = written(later(parsed(self._since), greatest))
            size = count * _width(link, asked, span)
            edges = _edges(least, greatest, -(-size // most_bytes))
            counts = [_bounds(link, asked, span._replace(high=edge))[0] for edge in edges]
        spans = [
            Span(low, high, span.closed and not place)
            for place, (low, high) in enumerate(pairwise([since, *edges, greatest if asked.watermark else None]))
        ]
        return [
            Rows(asked, one, before, max(1, size * (upto - before) // count))
            for one, (before, upto) in zip(spans, pairwise([0, *counts, count]), strict=True)
            if before < upto
        ]

    def mark(self) -> str:
        """See `Source.mark`; it is known once the parts are made."""
        return self._mark

    def _problems(self) -> list[str]:
        asked = self._asked
        wanted = [*asked.columns.names(), *([asked.watermark] if asked.watermark else [])]
        with _linked(asked) as link:
            names = list(_asking(link, asked, "*", " WHERE 1 = 0").keys())
            offered = ", ".join(map(repr, names))
            found = [f"there is no column {name!r}; there are {offered}" for name in wanted if name not in names]
            found += [f"there are several columns {name!r}" for name in wanted if names.count(name) > 1]
            if found:
                return found
            if asked.watermark:
                column = _quoted(link, asked.watermark)
                (nulls,) = _asking(link, asked, "count(*)", f" WHERE {column} IS NULL").one()
                if nulls:
                    found.append(
                        f"the watermark {asked.watermark!r} is null in {nulls:,} rows, which would never be read"
                    )
        earlier(parsed(self._since), asked.late)
        rows = next(_fetched(asked, Span(), _SAMPLED, BATCH_BYTES), [])
        return found or unusable(from_values(asked.columns, list(enumerate(rows, 1)), asked.name, asked.most))


def _edges(least: Any, greatest: Any, parts: int) -> list[Any]:
    """Watermarks that cut (least, greatest] into parts of the same width, where one can reckon with them."""
    parts = min(parts, _MOST_PARTS)
    if parts < 2 or isinstance(least, bool) or not isinstance(least, int | datetime) or least == greatest:
        return []
    width: Any = greatest - least
    steps = (width * i // parts if isinstance(width, int) else width * i / parts for i in range(1, parts))
    return sorted({least + step for step in steps} - {greatest})  # type: ignore[operator]


def _bounds(link: Any, asked: Asked, span: Span) -> tuple[int, Any, Any]:
    """How many rows, the least and the greatest watermark of the span."""
    column = _quoted(link, asked.watermark) if asked.watermark else ""
    ends = f", min({column}), max({column})" if column else ""
    condition, values = _condition(column, span)
    row = _asking(link, asked, f"count(*){ends}", condition, values).one()
    return (row[0], row[1], row[2]) if column else (row[0], None, None)


def _width(link: Any, asked: Asked, span: Span) -> int:
    """Bytes of a row, by the first few."""
    column = _quoted(link, asked.watermark) if asked.watermark else ""
    condition, values = _condition(column, span)
    found = _asking(link, asked, _wanted(link, asked), condition, values)
    rows = found.fetchmany(_SAMPLED)
    found.close()
    return max(1, _bytes(rows) // max(1, len(rows)))


def _fetched(asked: Asked, span: Span, batch_rows: int, batch_bytes: int) -> Iterator[Sequence[Any]]:
    """The wanted columns of the span's rows, by watermark, in fetches of about so many rows and bytes."""
    with _linked(asked) as link:
        column = _quoted(link, asked.watermark) if asked.watermark else ""
        condition, values = _condition(column, span)
        order = f" ORDER BY {column}" if column else ""
        result = _asking(link, asked, _wanted(link, asked), condition + order, values)
        size = min(_FIRST, batch_rows)
        while True:
            _wind(link)
            with _said(asked):
                rows = result.fetchmany(size)
            if not rows:
                return
            yield rows
            each = max(1, _bytes(rows) // len(rows))
            size = max(1, min(batch_rows, size * 4, batch_bytes // each))


def _bytes(rows: Sequence[Any]) -> int:
    return sum(4 * len(value) if isinstance(value, str) else 8 for row in rows for value in row)


def _condition(column: str, span: Span) -> tuple[str, dict[str, Any]]:
    parts, values = [], {}
    if column and span.low is not None:
        parts, values = [f"{column} {'>=' if span.closed else '>'} :low"], {"low": span.low}
    if column and span.high is not None:
        parts, values = [*parts, f"{column} <= :high"], {**values, "high": span.high}
    return f" WHERE {' AND '.join(parts)}" if parts else "", values


def _inner(asked: Asked) -> str:
    """The query as a table; its colons are its own."""
    query = re.sub(r"(?<!:):(?=\w)", r"\\:", asked.query.strip().rstrip(";"))
    return f"({query}\n) AS asked"


def _wanted(link: Any, asked: Asked) -> str:
    return ", ".join(_quoted(link, name) for name in asked.columns.wanted().values())


def _quoted(link: Any, name: str) -> str:
    return str(link.dialect.identifier_preparer.quote(name))


def _asking(link: Any, asked: Asked, what: str, condition: str = "", values: dict[str, Any] | None = None) -> Any:
    from sqlalchemy import text

    _wind(link)
    statement = f"SELECT {what} FROM {_inner(asked)}{condition}"  # noqa: S608 - the query is the user's own
    with _said(asked):
        return link.execute(text(statement), values or {})


def url_of(given: str) -> Any:
    """The URL itself. Raises `StepError` where it is none."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    name = given.removeprefix(ENV)
    found = os.environ.get(name, "") if given.startswith(ENV) else given
    if not found:
        cure = "set it where the run is: on a cluster, in the runtime environment of the workers"
        raise StepError(f"the environment variable {name!r} is not set", where=given, cure=cure)
    try:
        return make_url(found)
    except ArgumentError as error:
        cure = "write it like postgresql://user@host/database"
        raise StepError(
            "that is no SQLAlchemy URL", where=name if given.startswith(ENV) else "sql", cure=cure
        ) from error


@contextmanager
def _linked(asked: Asked) -> Iterator[Any]:
    """A connection that streams, whose every answer comes within the time-out or not at all."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    url = url_of(asked.url)
    kind = url.get_backend_name()
    if kind == "sqlite" and url.database and not url.database.startswith("file:") and not Path(url.database).is_file():
        cure = "correct `sql`: the path is relative to the folder that ratchet runs in"
        raise StepError("there is no such database", where=asked.where(), cure=cure)
    seconds = {"connect_timeout": max(2, round(asked.timeout))} if kind in ("postgresql", "mysql", "mariadb") else {}
    with _said(asked):
        engine = create_engine(url, poolclass=NullPool, connect_args=seconds)
        link = engine.connect()
    try:
        link.info["patience"] = asked.timeout
        limit = {"postgresql": "SET statement_timeout = {}", "mysql": "SET SESSION max_execution_time = {}"}.get(kind)
        if limit:
            with _said(asked):
                link.exec_driver_sql(limit.format(round(asked.timeout * 1_000)))
        elif kind == "sqlite":
            late = lambda: int(time.monotonic() > link.info.get("end", float("inf")))  # noqa: E731
            raw: Any = link.connection.driver_connection
            raw.set_progress_handler(late, 10_000)
        yield link.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS)
    finally:
        with suppress(Exception):
            link.close()
        engine.dispose()


def _wind(link: Any) -> None:
    """Begin to wait for an answer anew."""
    link.info["end"] = time.monotonic() + link.info["patience"]


@contextmanager
def _said(asked: Asked) -> Iterator[None]:
    """Errors of the database in a user's words, without its password."""
    from sqlalchemy import exc

    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        again = getattr(getattr(error, "orig", None), "sqlite_errorname", "") != "SQLITE_ERROR"  # which is bad SQL
        cure = f"see that the database answers within {asked.timeout:g} s, or raise `timeout`; then try again"
        cure = cure if again else "correct the query"
        raise StepError(_masked(asked, error), where=asked.where(), cure=cure, retryable=again) from None
    except (exc.SQLAlchemyError, ImportError) as error:
        again = isinstance(error, exc.DBAPIError) and error.connection_invalidated
        cure = "install the database's driver" if isinstance(error, ImportError) else "correct the query"
        raise StepError(_masked(asked, error), where=asked.where(), cure=cure, retryable=again) from None


def _masked(asked: Asked, error: BaseException) -> str:
    said = f"{type(error).__name__}: {' '.join(str(getattr(error, 'orig', None) or error).split())[:300]}"
    password = url_of(asked.url).password
    return said.replace(str(password), "***") if password else said
