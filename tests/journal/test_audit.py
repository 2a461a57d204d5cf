"""Whatever is altered in the record is found and named, by raw SQL on both databases."""

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import cancelled, finished, granted, held, unheld

from orchestrator.audit import verify
from orchestrator.core.events import Refused
from orchestrator.core.model import Pipeline, Stage
from orchestrator.rows import link
from orchestrator.schema import CYCLES, EVENTS
from orchestrator.store import Store

PLAIN = Pipeline(name="plain", target="prod", stages=(Stage(name="a", step="x:y"),))


def finish(book):
    """Three cycles that have ended, each in its own way."""
    book.create(PLAIN, key="first")
    book.walk("c-000001", granted(), held(), unheld(), finished("c-000001/a/1"))
    book.create()
    book.walk("c-000002", granted(), cancelled())
    book.walk("c-000002", finished("c-000002/a/1"))
    book.create(PLAIN)
    book.walk("c-000003", granted(2), finished("c-000003/a/1"))
    said = Refused(at=book.at, id="late", by=cancelled().by, said="/hold", why="it is done")
    book.walk("c-000003", said)


@pytest.fixture
def alter(book):
    """Runs a statement behind the journal's back, and says what the audit then finds."""
    finish(book)
    assert list(verify(book.journal.store)) == []

    def run(*statements):
        with book.journal.store.database.connect() as link_, link_.begin():
            for statement in statements:
                link_.execute(sa.text(statement) if isinstance(statement, str) else statement)
        return list(verify(book.journal.store))

    return run


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE events SET body = replace(body, 'enough', 'please') WHERE cycle = 'c-000002' AND seq = 3",
            "c-000002: event 3 was altered or moved: it does not have its hash",
        ),
        ("DELETE FROM events WHERE cycle = 'c-000001' AND seq = 3", "c-000001: event 3 is missing"),
        ("DELETE FROM events WHERE cycle = 'c-000001' AND seq = 5", "c-000001: event 5 is missing"),
        ("DELETE FROM events WHERE cycle = 'c-000001' AND seq > 3", "c-000001: events 4 to 5 are missing"),
        ("DELETE FROM events WHERE cycle = 'c-000001'", "c-000001: its events are missing, and its row is there"),
        ("DELETE FROM cycles WHERE number = 3", "c-000003: its row is missing, and its events are there"),
        (
            "UPDATE events SET kind = 'unheld' WHERE cycle = 'c-000001' AND seq = 3",
            "c-000001: event 3 was altered: its column `kind` says unheld, and it says held",
        ),
        ("UPDATE cycles SET state = 'done' WHERE number = 2", "its row was altered: `state` is done"),
        ("UPDATE cycles SET idempotency_key = NULL WHERE number = 1", "`idempotency_key` is None"),
        ("UPDATE cycles SET head = 'x' WHERE number = 1", "its row was altered: `head`"),
        ("UPDATE cycles SET target = 'x' WHERE number = 1", "`target` is x, and its first event says prod"),
        ("UPDATE cycles SET number = 9 WHERE number = 3", "c-000003 to c-000008: missing, row and events"),
        ("UPDATE cycles SET number = -1 WHERE number = 1", "c--00001: its number is -1, and numbers begin with 1"),
        ("UPDATE events SET seq = 0 WHERE cycle = 'c-000001' AND seq = 1", "c-000001: event 0 can't have a place"),
    ],
)
def test_an_altered_row_is_named(alter, statement, found):
    """Each kind of alteration, in the words that a person reads."""
    assert found in alter(statement)[0]


def test_a_cycle_that_was_removed_leaves_a_gap(alter):
    """Row and events gone: the numbers tell, and only of that cycle."""
    assert alter("DELETE FROM events WHERE cycle = 'c-000002'", "DELETE FROM cycles WHERE number = 2") == [
        "c-000002: missing, row and events"
    ]


def test_a_cycle_cannot_be_removed_and_the_rest_renumbered(alter):
    """Numbers without a gap, but the first event is linked to one that is gone."""
    found = alter(
        "DELETE FROM events WHERE cycle IN ('c-000001', 'c-000002')",
        "DELETE FROM cycles WHERE number IN (1, 2)",
        "UPDATE events SET cycle = 'c-000001' WHERE cycle = 'c-000003'",
        "UPDATE cycles SET number = 1, id = 'c-000001' WHERE number = 3",
    )
    assert found == ["c-000001: event 1 was altered or moved: it does not have its hash"]


def test_events_that_changed_places_are_found(alter):
    """Two events of a cycle, each whole, in the other's place."""
    found = alter(
        "UPDATE events SET seq = 30 WHERE cycle = 'c-000001' AND seq = 3",
        "UPDATE events SET seq = 3 WHERE cycle = 'c-000001' AND seq = 4",
        "UPDATE events SET seq = 4 WHERE cycle = 'c-000001' AND seq = 30",
    )
    assert found == ["c-000001: event 3 was altered or moved: it does not have its hash"]


@pytest.mark.parametrize(
    ("kind", "change", "found"),
    [
        ("unheld", "held", "event 4 (held) can't have happened there: c-000001 is held already: bob"),
        ("held", "levitated", "can't be read"),
    ],
)
def test_hashes_that_were_made_anew_do_not_help(alter, book, kind, change, found):
    """Who knows the formula still has to tell a story that can have happened."""
    rows = book.journal.store.read("events", cycle="c-000001", after=0)
    heads, statements = rows[1][4], []
    for seq, _at, name, body, _hash in rows[2:]:
        name, body = name.replace(kind, change, 1), body.replace(f'"{kind}"', f'"{change}"', 1)
        heads = link(heads, "c-000001", seq, body)
        row = sa.and_(EVENTS.c.cycle == "c-000001", EVENTS.c.seq == seq)
        statements.append(sa.update(EVENTS).where(row).values(kind=name, body=body, hash=heads))
    statements.append(sa.update(CYCLES).where(CYCLES.c.number == 1).values(head=heads))
    assert found in alter(*statements)[0]


def _other(column, value):
    """Another value for a column: near the old one, or far from it."""
    if isinstance(column.type, sa.BigInteger | sa.Integer):
        return st.integers(-3, 2**31 - 1).filter(lambda other: other != value)
    near = st.sampled_from([f"{value} ", f"{value}0", str(value)[:-1], str(value).swapcase()])
    length = min(getattr(column.type, "length", None) or 100, 64)
    some = st.text("abc{}\"',:0123456789-", max_size=length)
    others = (near | some).filter(lambda other: other != value and len(other) <= (column.type.length or 10**6))
    return others | st.none() if column.nullable and value is not None else others


@given(st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_single_change_is_found(alter, book, data):
    """Any column of any row, changed to anything: the audit says so; changed back, it is quiet again."""
    store: Store = book.journal.store
    table = data.draw(st.sampled_from([EVENTS, CYCLES]))
    with store.database.connect() as link_:
        rows = link_.execute(sa.select(table).order_by(*table.primary_key.columns)).mappings().all()
    row = dict(data.draw(st.sampled_from(rows)))
    column = data.draw(st.sampled_from(list(table.columns)))
    other = data.draw(_other(column, row[column.name]))
    if any({**row, column.name: other}[key] == one[key] for one in rows for key in ("idempotency_key", "number", "id")
           if table is CYCLES and one["id"] != row["id"] and key == column.name and other is not None):  # fmt: skip
        return
    keys = [one.name for one in table.primary_key.columns]
    if any(all({**row, column.name: other}[key] == one[key] for key in keys) for one in rows if column.name in keys):
        return
    was = sa.and_(*(table.c[key] == row[key] for key in keys))
    now = sa.and_(*(table.c[key] == {**row, column.name: other}[key] for key in keys))
    assert alter(sa.update(table).where(was).values({column.name: other})), f"{table}.{column.name} = {other!r}"
    assert alter(sa.update(table).where(now).values({column.name: row[column.name]})) == []


def test_the_record_of_a_cycle_under_way_is_whole(book):
    """Nothing needs to have ended; and a page is no border."""
    for number in range(70):
        book.create(PLAIN if number % 3 else PLAIN.model_copy(update={"name": "other"}))
        book.walk(f"c-{number + 1:06d}", held())
    assert list(verify(book.journal.store)) == []
