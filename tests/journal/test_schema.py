"""The schema: migrated or made at once it is the same, and a database that can't be used is refused in plain words."""

import multiprocessing
import tempfile
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from orchestrator import schema
from orchestrator.bell import Bell
from orchestrator.schema import HEAD, TABLES, DatabaseError, migrate, open_database


def revisions():
    """Every revision, oldest first; and the empty beginning."""
    config = Config()
    config.set_main_option("script_location", str(schema.Path(schema.__file__).parent / "migrations"))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    return ["base", *reversed(found)]


def version(engine):
    with engine.connect() as link:
        return link.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()


def differences(engine):
    with engine.connect() as link:
        return compare_metadata(MigrationContext.configure(link), TABLES)


def bare(url):
    """A connection to the database as nobody has prepared it."""
    made = sa.make_url(url)
    if made.get_backend_name() == "postgresql":
        return sa.create_engine(made.set(drivername="postgresql+psycopg"))
    return sa.create_engine(made)


def columns(engine):
    """Every table, column, type and index, as the database itself tells them."""
    looked = sa.inspect(engine)
    return {
        table: (
            sorted((one["name"], str(one["type"]), one["nullable"]) for one in looked.get_columns(table)),
            sorted(map(str, looked.get_pk_constraint(table)["constrained_columns"])),
            sorted((one["name"], str(one["column_names"])) for one in looked.get_indexes(table)),
            sorted(str(one["column_names"]) for one in looked.get_unique_constraints(table)),
        )
        for table in sorted(looked.get_table_names())
    }


def test_the_newest_revision_is_the_code(url):
    """HEAD names it, and a database that is made at once says so."""
    assert revisions()[-1] == HEAD
    assert version(open_database(url)) == HEAD


@pytest.mark.parametrize("since", revisions())
def test_a_database_of_any_age_is_migrated(url, since, tmp_path, request):
    """From every revision, and from nothing, to the tables of the code: in the words of Alembic and of the database."""
    if since != "base":
        with bare(url).begin() as link:
            migrate(link, since)
    else:
        with bare(url).begin() as link:
            migrate(link)
    engine = open_database(url)
    assert version(engine) == HEAD
    assert differences(engine) == []
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    if engine.dialect.name == "postgresql":
        fresh = request.getfixturevalue("server").database()
    assert columns(engine) == columns(open_database(fresh))


def test_a_newer_database_is_refused(url):
    """With the reason and the cure; nothing in it is changed."""
    engine = open_database(url)
    with engine.begin() as link:
        link.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match=r"made by another version of Ratchet .*9999.*: install that version or"):
        open_database(url)
    assert version(engine) == "9999"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("here.db", "'here.db' is no database URL: write sqlite:///FILE or postgresql://"),
        ("oracle://x/y", "is no database URL|can't be used"),
        ("postgresql://bob:secret@127.0.0.1:1/x", r"postgresql://bob:\*\*\*@127.0.0.1:1/x can't be used"),
        ("sqlite:////proc/nowhere/x.db", "can't be used"),
    ],
)
def test_a_database_that_is_none(wrong, why):
    """The URL without its password, the cause, and what to check."""
    with pytest.raises(DatabaseError, match=why) as raised:
        open_database(wrong)
    assert "secret" not in str(raised.value)


def test_a_file_that_is_no_database(tmp_path):
    """Something else lies where the database should."""
    path = tmp_path / "notes.txt"
    path.write_text("dear diary" * 1000)
    with pytest.raises(DatabaseError, match="file is not a database"):
        open_database(f"sqlite:///{path}")


def _open(url, start):
    start.wait()
    open_database(url).dispose()


def test_several_processes_may_make_it_at_once(url):
    """One makes it, the others find it."""
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(6)
    openers = [fork.Process(target=_open, args=(url, start)) for _ in range(6)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(60)
    assert [opener.exitcode for opener in openers] == [0] * 6
    assert differences(open_database(url)) == []


def _ring(url, heard):
    from orchestrator.store import Store

    store = Store(open_database(url))
    while not heard.is_set():  # whoever listens may not be there yet
        store.transaction(store.notify)
        Bell(store.database).ring()
        heard.wait(0.01)


def test_a_bell_is_heard_in_another_process(url):
    """A ring in one process wakes those that hang on the same database, and no longer when they let go."""
    engine = open_database(url)
    heard = threading.Event()
    fork = multiprocessing.get_context("fork")
    stop = fork.Event()
    ringer = fork.Process(target=_ring, args=(url, stop))
    ringer.start()
    bell = Bell(engine)
    bell.hang(heard.set)
    assert heard.wait(60)
    stop.set()
    ringer.join(60)
    bell.close()
    assert ringer.exitcode == 0


@pytest.fixture
def short():
    """A folder with a short name: a socket's path has 107 bytes at most, and pytest's folders are long."""
    with tempfile.TemporaryDirectory(prefix="b") as folder:
        yield folder


def test_a_bell_that_cannot_ring_hurts_nobody(tmp_path, short, monkeypatch):
    """No folder for its sockets, and a socket whose engine is gone."""
    engine = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    Bell(engine).ring()
    Bell(engine).hang(lambda: None)
    monkeypatch.setattr("tempfile.tempdir", short)
    gone = Bell(engine)
    gone._bind()
    gone._socket.close()
    left = gone._own
    assert left.exists()
    Bell(engine).ring()
    assert not left.exists()
