"""SQL as a source, on SQLite and on a real PostgreSQL."""

import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from written import COLUMNS, bytes_of, read, read_file

from steps.collect.source import Columns, open_source
from steps.collect.source.watermark import earlier, lateness, parsed, written
from steps.contract import StepError

QUERY = "select * from reviews where text <> 'a:b' -- all\n;"
DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - a timestamp without a zone


class Reviews:
    """A table of reviews in a database of its own."""

    def __init__(self, url):
        self.url, self.next = url, 1
        self.engine = create_engine(url)
        self.do("create table reviews (id integer primary key, text text, label text, topic text, who text, talk text,"
                ' "when" text, changed timestamp)')  # fmt: skip

    def do(self, statement, **values):
        with self.engine.begin() as link:
            link.execute(text(statement), values)

    def add(self, number, days=0, **more):
        """So many rows, changed so many days after the first of January."""
        for _ in range(number):
            row = {"id": self.next, "text": f"text {self.next}", "label": "a", "topic": "t", "who": "w", "talk": "k",
                   "when": "2020-01-02T00:00:00+00:00", "changed": str(DAY + timedelta(days)), **more}  # fmt: skip
            names = ", ".join(f'"{name}"' for name in row)
            self.do(f"insert into reviews ({names}) values ({', '.join(':' + name for name in row)})", **row)  # noqa: S608
            self.next += 1

    def source(self, since="", columns=COLUMNS, **given):
        return open_source({"sql": self.url, "query": QUERY, **given}, columns, since)

    def texts(self, since="", most=1 << 30, **given):
        """The texts, and the next mark."""
        source = self.source(since, **given)
        assert source.survey() == []
        found = read(source, most, 7)
        assert found.bad == []
        return [one[0] for one in found.rows], source.mark()


@pytest.fixture
def reviews(url):
    one = Reviews(url)
    yield one
    one.engine.dispose()


def numbered(*numbers):
    return [f"text {number}" for number in numbers]


def test_a_query_gives_what_a_file_gives(reviews, tmp_path):
    """The same rows, cut by the watermark into parts that travel, each numbered on."""
    reviews.add(50)
    with reviews.engine.connect() as link:
        rows = [
            tuple(one) for one in link.execute(text("select text, label, topic, who, talk from reviews order by id"))
        ]
    rows = [(*one, datetime(2020, 1, 2, tzinfo=UTC)) for one in rows]
    (tmp_path / "a.csv").write_bytes(bytes_of("csv", rows))
    for most in (1 << 30, 500):
        source = reviews.source(watermark="id")
        assert source.survey() == []
        shards = source.shards(most)
        assert (len(shards) > 5) == (most == 500)
        assert pickle.loads(pickle.dumps(shards)) == shards  # noqa: S301 - our own
        found = read(source, most, 7)
        assert found.rows == read_file(tmp_path / "a.csv").rows
        assert found.places == [("reviews", line) for line in range(1, 51)]


def test_rows_are_new_once(reviews):
    """From after the mark; what is written while it reads is left for the next time; nothing new gives nothing."""
    reviews.add(5)
    assert reviews.texts(watermark="id") == (numbered(1, 2, 3, 4, 5), "int:5")
    reviews.add(2)
    source = reviews.source("int:5", watermark="id")
    shards = source.shards(1 << 30)
    reviews.add(1)
    assert [
        one for shard in shards for batch in shard.read() for one in batch.rows.column("text").to_pylist()
    ] == numbered(6, 7)
    assert source.mark() == "int:7"
    assert reviews.texts("int:7", watermark="id") == (numbered(8), "int:8")
    assert reviews.texts("int:8", watermark="id") == ([], "int:8")


def test_late_rows_are_taken(reviews):
    """Within `late` of the mark, by count or by time; what comes again with them is known by its content."""
    reviews.add(3, days=10)
    _, mark = reviews.texts(watermark="changed")
    reviews.add(1, days=9.5)
    reviews.add(1, days=8)
    assert reviews.texts(mark, watermark="changed")[0] == numbered(1, 2, 3)  # another may have come at that instant
    assert sorted(reviews.texts(mark, watermark="changed", late="1d")[0]) == numbered(1, 2, 3, 4)
    assert reviews.texts("int:5", watermark="id", late=2)[0] == numbered(4, 5)


def test_without_a_watermark_all_rows_come_each_time(reviews):
    """Which of them are new is told by their content."""
    reviews.add(3)
    assert sorted(reviews.texts()[0]) == numbered(1, 2, 3)
    assert reviews.texts()[1] == ""


def test_what_is_wrong_is_told(reviews):
    """Columns that are missing, watermarks that are null, SQL that is none, lateness that can't be reckoned."""
    reviews.add(2)
    reviews.add(1, changed=None)
    assert (
        "there is no column 'body'; there are 'id', 'text'"
        in reviews.source(columns=Columns("body", "label")).survey()[0]
    )
    assert "the watermark 'changed' is null in 1 rows" in reviews.source(watermark="changed").survey()[0]
    twice = open_source(
        {"sql": reviews.url, "query": "select text, text, label from reviews"}, Columns("text", "label")
    )
    assert "sqlite" in reviews.url or "several columns 'text'" in twice.survey()[0]  # SQLite renames the second
    wrong = open_source({"sql": reviews.url, "query": "select text from nowhere"}, COLUMNS)
    assert "nowhere" in wrong.survey()[0].split("(nowhere)")[1]
    assert "can't be taken from the watermark" in reviews.source("int:5", watermark="id", late="1d").survey()[0]
    assert "is no rating" in reviews.source(columns=Columns("text", "label", numeric=True)).survey()[0]
    reviews.add(1, label="", text="x\0y" if "sqlite" in reviews.url else "xy")
    assert len(read(reviews.source()).bad) == ("sqlite" in reviews.url)


def test_a_query_that_takes_too_long_may_be_tried_again(reviews):
    """It is ended by the database, and the error names the database and no more."""
    if "sqlite" in reviews.url:
        endless = (
            "with recursive n(i) as (select 1 union all select i + 1 from n) select 'x' as text, max(i) as label from n"
        )
    else:
        endless = "select 'x' as text, 'a' as label from pg_sleep(60)"
    source = open_source({"sql": reviews.url, "query": endless, "timeout": 0.05}, Columns("text", "label"))
    with pytest.raises(StepError) as caught:
        source.shards(1)
    assert caught.value.failure.retryable
    assert "answers within 0.05 s" in caught.value.failure.cure


def test_a_lost_connection_may_be_tried_again(server):
    """The server ends it in the middle of the rows; reading again gives them all."""
    reviews = Reviews(server.database())
    reviews.do(
        "insert into reviews select i, 'text ' || i, 'a', '', '', '', null, now() from generate_series(1, 20000) i"
    )
    (shard,) = reviews.source(watermark="id").shards(1 << 30)
    batches = shard.read(10)
    next(batches)
    others = "pid <> pg_backend_pid() and datname = current_database()"
    reviews.do(f"select pg_terminate_backend(pid) from pg_stat_activity where {others}")  # noqa: S608
    with pytest.raises(StepError) as caught:
        list(batches)
    assert caught.value.failure.retryable
    assert sum(batch.rows.num_rows for batch in shard.read()) == 20_000
    reviews.engine.dispose()


def test_a_password_is_told_to_nobody(server, monkeypatch):
    """It may stand in the environment alone; no part, message or name holds it."""
    url = server.database().replace("postgres@", "nobody:hush-hush@")
    (problem,) = open_source({"sql": url, "query": QUERY}, COLUMNS).survey()
    assert "hush" not in problem
    assert "env:NAME" in problem
    source = open_source({"sql": "env:REVIEWS", "query": QUERY}, COLUMNS)
    with pytest.raises(StepError, match="environment variable 'REVIEWS' is not set"):
        source.shards(1)
    monkeypatch.setenv("REVIEWS", url)
    with pytest.raises(StepError) as caught:
        source.survey()
    assert caught.value.failure.retryable
    assert "hush" not in repr(caught.value.failure) + repr(source.__dict__)
    monkeypatch.setenv("REVIEWS", server.database())
    Reviews(server.database())
    assert "reviews" in source.survey()[0]


def test_no_database_is_made(tmp_path):
    """SQLite would make an empty file of a wrong path."""
    source = open_source({"sql": f"sqlite:///{tmp_path}/none.db", "query": QUERY}, COLUMNS)
    assert "there is no such database" in source.survey()[0]
    assert list(tmp_path.iterdir()) == []
    for wrong, said in (
        ({}, "there is no query"), ({"query": "q"}, "no SQLAlchemy URL"),
        ({"sql": "sqlite://", "query": "q", "late": "soon"}, "no time"),
        ({"sql": "sqlite://", "query": "q", "timeout": 0}, "timeout"),
    ):  # fmt: skip
        with pytest.raises(StepError, match=said):
            open_source({"sql": "x", **wrong}, COLUMNS)


@given(
    st.integers() | st.datetimes(timezones=st.none() | st.just(UTC)) | st.dates() | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False)
)  # fmt: skip
def test_a_mark_comes_back_as_it_was(mark):
    """Also its type, because a database compares by it."""
    assert parsed(written(mark)) == mark
    assert type(parsed(written(mark))) is type(mark)


def test_lateness_is_taken_from_every_kind_of_mark():
    """Numbers from numbers, times from times, dates and texts that are times."""
    day = lateness("1d")
    assert earlier(None, day) is None
    assert earlier(datetime(2026, 1, 2, 3), lateness("3h")) == datetime(2026, 1, 2)  # noqa: DTZ001
    assert earlier(date(2026, 1, 2), lateness("1h")) == date(2026, 1, 1)
    assert earlier("2026-01-02 03:00:00", day) == "2026-01-01 03:00:00"
    assert earlier("2026-01-02T03:00:00", day) == "2026-01-01T03:00:00"
    assert earlier("2026-01-02", day) == "2026-01-01"
    assert earlier(Decimal(5), lateness("2")) == 3
    with pytest.raises(StepError):
        earlier("tuesday", day)
