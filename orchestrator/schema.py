"""The tables, and how to open the database that holds them. Times are integers: microseconds since the epoch, UTC.

Law: the newest migration and `TABLES` describe the same schema (a test compares them), so that a fresh database is
made from `TABLES` at once and an older one is migrated.
"""

from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

HEAD = "0002"
TABLES = MetaData()

CYCLES = Table(
    "cycles",
    TABLES,
    Column("id", String(32), primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),
    Column("pipeline", String(63), nullable=False),
    Column("target", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("head", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("idempotency_key", String(255), unique=True),
    Column("changed_at", BigInteger, nullable=False),
    Index("cycles_by_pipeline", "pipeline", "number"),
    Index("cycles_by_state", "state", "number"),
)
# The runs of the stages that a cycle is past: they change no more, and a row that grew with them would be written out
# again at every step. What stands here for the stage that the cycle is at, or for later ones, is void.
RUNS = Table(
    "runs",
    TABLES,
    Column("cycle", String(32), primary_key=True),
    Column("stage", String(63), primary_key=True),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)
EVENTS = Table(
    "events",
    TABLES,
    Column("cycle", String(32), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    sqlite_with_rowid=False,
)
EFFECTS = Table(
    "effects",
    TABLES,
    Column("cycle", String(32), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("body", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("owner", String(255)),
    Column("claimed_until", BigInteger),
    Column("tries", Integer, nullable=False, default=0),
    sqlite_with_rowid=False,
)
# What is claimed as it is born, as nearly every effect is, need not be found by its time.
Index(
    "effects_free", EFFECTS.c.due_at, sqlite_where=EFFECTS.c.owner.is_(None), postgresql_where=EFFECTS.c.owner.is_(None)
)
LEASES = Table(
    "leases",
    TABLES,
    Column("target", String(255), primary_key=True),
    Column("cycle", String(32)),
    Column("token", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
INBOX = Table(
    "inbox",
    TABLES,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("source", String(32), nullable=False),
    Column("delivery", String(255), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    UniqueConstraint("source", "delivery", name="inbox_once"),
    Index("inbox_waiting", "done_at", "id"),
)
# Delegations are looked for across all cycles, and are few.
Index(
    "events_delegated",
    EVENTS.c.at,
    sqlite_where=EVENTS.c.kind == "delegated",
    postgresql_where=EVENTS.c.kind == "delegated",
)
# What is known of a cycle's pull request: a memory that may be lost, since everything in it can be found again.
ROOMS = Table(
    "rooms",
    TABLES,
    Column("cycle", String(32), primary_key=True),
    Column("pull", BigInteger),
    Column("body", Text, nullable=False),
    Column("open", Integer, nullable=False),
    Column("owner", String(255)),
    Column("claimed_until", BigInteger),
    Index("rooms_by_pull", "pull"),
    sqlite_with_rowid=False,
)
# What is to be remembered by name: which time of a schedule was considered, how far something was read.
MARKS = Table(
    "marks",
    TABLES,
    Column("name", String(255), primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)
# What people are to be told outside of the pull request, each once.
NOTICES = Table(
    "notices",
    TABLES,
    Column("key", String(255), primary_key=True),
    Column("body", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("owner", String(255)),
    Column("claimed_until", BigInteger),
    Column("sent_at", BigInteger),
    sqlite_with_rowid=False,
)
Index(
    "notices_waiting",
    NOTICES.c.due_at,
    sqlite_where=NOTICES.c.sent_at.is_(None),
    postgresql_where=NOTICES.c.sent_at.is_(None),
)


class DatabaseError(Exception):
    """The database can't be used: what, why and the cure, in a user's words."""


def open_database(url: str) -> Engine:
    """An engine for `sqlite:///FILE` or `postgresql://…`, its schema made or migrated.

    Raises `DatabaseError` where the URL is wrong, the database does not answer, or its schema is newer than this code.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise ArgumentError(parsed.drivername)
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgres(parsed)
        prepare(engine)
    except (ArgumentError, NoSuchModuleError) as error:
        raise DatabaseError(
            f"{url!r} is no database URL: write sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from error
    except (SQLAlchemyError, OSError) as error:
        cause = str(getattr(error, "orig", error)).strip().splitlines()
        safe = make_url(url).render_as_string(hide_password=True)
        raise DatabaseError(
            f"the database {safe} can't be used: {cause[0] if cause else error}: check RATCHET_DATABASE_URL, "
            "and that the database is there, has room and answers"
        ) from error
    return engine


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, poolclass=QueuePool, pool_size=4, max_overflow=16)

    @event.listens_for(engine, "connect")
    def _configure(connection: object, record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # transactions are begun by hand
        cursor = connection.cursor()  # type: ignore[attr-defined]
        for pragma in ("busy_timeout=20000", "journal_mode=WAL", "synchronous=FULL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _postgres(url: URL) -> Engine:
    return create_engine(
        url, isolation_level="AUTOCOMMIT", pool_size=4, max_overflow=16, connect_args={"connect_timeout": 10}
    )


def prepare(engine: Engine) -> None:
    """Make or migrate the schema; safe to call from several processes at once."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            _fill(engine, connection)
            connection.exec_driver_sql("COMMIT")
    else:
        with engine.connect().execution_options(isolation_level="READ COMMITTED") as connection, connection.begin():
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7281)")
            _fill(engine, connection)


def _fill(engine: Engine, connection: object) -> None:
    version = _version(connection)
    if version == HEAD:
        return
    if version is None:
        TABLES.create_all(connection)  # type: ignore[arg-type]
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")  # type: ignore[attr-defined]
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{HEAD}')")  # type: ignore[attr-defined]  # noqa: S608 - a constant of ours
        return
    migrate(connection)


def _version(connection: object) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()  # type: ignore[attr-defined]
    return str(row[0]) if row else None


def migrate(connection: object, to: str = "head") -> None:
    """Run the migrations that this database lacks. Alembic is imported only here: a current database never needs it."""
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise DatabaseError(
            f"the database was made by another version of Ratchet ({error}): install that version or a newer one"
        ) from error
