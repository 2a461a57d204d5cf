"""Snapshots: what a dataset holds, and that it stays what it was."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import versioned
from hypothesis import given, settings
from hypothesis import strategies as st
from versioned import both, commit, parts, published, row, rows_of_cycle

from steps import snapshot
from steps.contract import Context, Dataset, StepError
from steps.snapshot import HOLDOUT, TRAIN, Row, Table
from steps.snapshot.folder import Folder, sha256_of
from steps.snapshot.part import GROUP_ROWS, named

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)


@pytest.fixture
def table(tmp_path):
    return Table.open(str(tmp_path / "tables" / "home" / "collect"))


def failure(caught):
    assert caught.value.failure.cure
    return caught.value.failure


def test_what_is_published_is_read(tmp_path, table):
    """Rows come back as they were given, each on its side, with every column and the cycle that brought them."""
    when = datetime(2014, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    rows = [*rows_of_cycle("c-000001", 60), row("한국어 \x1f 글", at=when, person="kim", conversation="c" * 32)]
    commit(table, "c-000001", rows)
    folder = published(tmp_path, table, ["c-000001"])
    assert both(folder) == {one.id: one for one in rows}
    assert all(versioned.aside(one) for one in snapshot.read(folder, HOLDOUT))
    assert not any(versioned.aside(one) for one in snapshot.read(folder, TRAIN))
    assert snapshot.read_labels(folder) == versioned.LABELS
    found = snapshot.opened(folder)
    assert found.rows(TRAIN) + found.snapshot.rows(HOLDOUT) == 61
    assert found.erased == 0


@given(st.lists(TEXTS, min_size=1, max_size=40, unique_by=snapshot.identity), st.randoms(), st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_the_digest_depends_on_the_rows_alone(tmp_path_factory, texts, chance, buckets):
    """The same rows in any order, batches and number of buckets: the same content digest; another row: another."""
    root = tmp_path_factory.mktemp("digest")
    rows = [row(text, label=place % 2, person=text[:3]) for place, text in enumerate(texts)]
    digests = []
    for place, count in enumerate((1, buckets)):
        table = Table.open(str(root / str(place)))
        chance.shuffle(rows)
        stage = table.stage("c-000001")
        table.commit(stage, parts(stage, rows, count, batch_rows=1 + place * 3))
        digests.append(snapshot.publish(root, table, ["c-000001"], versioned.LABELS).digest)
        assert both(root) == {one.id: one for one in rows}
    assert digests[0] == digests[1]
    changed = [rows[0]._replace(label=1 - rows[0].label), *rows[1:]]
    commit(table, "c-000001", changed)
    assert snapshot.publish(root, table, ["c-000001"], versioned.LABELS).digest != digests[0]


@pytest.mark.parametrize("change", [{"group": "x"}, {"source": "b"}, {"person": "f" * 32}, {"conversation": "e" * 32}])
def test_every_column_counts(tmp_path, table, change):
    """A changed value of any column, or one that moves to the next column, changes the content digest."""
    digests = set()
    for one in (row("one"), row("one")._replace(**change), row("one", at=datetime(2020, 1, 1, tzinfo=UTC))):
        commit(table, "c-000001", [one])
        digests.add(snapshot.publish(tmp_path, table, ["c-000001"], versioned.LABELS).digest)
    assert len(digests) == 3
    assert snapshot.publish(tmp_path, table, ["c-000001"], ("a", "b")).digest not in digests


def test_the_same_rows_give_the_same_bytes(tmp_path):
    """A part's file depends on its rows and not on the batches they came in; a full group is cut where it must be."""
    rows = sorted((row(f"{i}") for i in range(GROUP_ROWS + 10)), key=lambda one: one.id)
    found = []
    for size in (999, GROUP_ROWS):
        stage = Table.open(str(tmp_path / str(size))).stage("c-000001")
        found.append(snapshot.write_part(stage, TRAIN, snapshot.columns_of(rows, size)))
    assert found[0] == found[1]
    assert found[0].rows == GROUP_ROWS + 10
    with pytest.raises(ValueError, match="rise"):  # also from one group to the next
        snapshot.write_part(stage, TRAIN, snapshot.columns_of([*rows[1 : GROUP_ROWS + 1], rows[0]]))


def test_texts_of_megabytes_are_groups_of_their_own(tmp_path):
    """The memory of a group is bounded by the size of its texts too, whatever batches they come in."""
    rows = sorted((row(f"{i} " + "x" * (30 << 20)) for i in range(3)), key=lambda one: one.id)
    stage = Table.open(str(tmp_path)).stage("c-000001")
    found = [snapshot.write_part(stage, TRAIN, snapshot.columns_of(rows, size)) for size in (1, 3)]
    assert found[0] == found[1]
    with snapshot.part.opened(Folder(str(tmp_path)), found[0]) as file:
        assert [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)] == [2, 1]


@pytest.mark.parametrize("order", [(1, 0), (0, 0)])
def test_a_part_is_written_in_order_or_not_at_all(tmp_path, order):
    """Ids that fall or repeat, also from one batch to the next, are refused, and no file is left."""
    rows = sorted((row("a"), row("b")), key=lambda one: one.id)
    stage = Table.open(str(tmp_path)).stage("c-000001")
    for size in (1, 2):
        with pytest.raises(ValueError, match="rise"):
            snapshot.write_part(stage, TRAIN, snapshot.columns_of([rows[place] for place in order], size))
    with pytest.raises(ValueError, match="null in text"):
        snapshot.write_part(stage, TRAIN, snapshot.columns_of([rows[0]._replace(text=None)]))
    with pytest.raises(ValueError, match="no side"):
        snapshot.write_part(stage, "test", snapshot.columns_of(rows))
    assert snapshot.write_part(stage, TRAIN, []) is None
    assert not Folder(str(tmp_path)).names()


def test_every_done_cycle_reads_as_it_was(tmp_path, table):
    """Time travel: a later cycle, a repeated one and a cancelled one change nothing of what was published."""
    folders = {}
    for number in (1, 2, 3):
        cycle = f"c-00000{number}"
        commit(table, cycle, rows_of_cycle(cycle, 30), buckets=number)
        folders[number] = published(tmp_path, table, [f"c-00000{one}" for one in range(1, number + 1)])
    before = {number: both(folder) for number, folder in folders.items()}
    assert [len(rows) for rows in before.values()] == [30, 60, 90]
    commit(table, "c-000004", rows_of_cycle("c-000004", 9))  # cancelled: nothing names it
    commit(table, "c-000003", [*rows_of_cycle("c-000003", 29), row("corrected", "c-000003")])  # the stage was rerun
    assert {number: both(folder) for number, folder in folders.items()} == before
    again = published(tmp_path, table, ["c-000001", "c-000003"], "c-000005")
    assert {one.arrived for one in both(again).values()} == {"c-000001", "c-000003"}
    assert row("corrected", "c-000003").id in both(again)
    assert row("<c-000003 says 29>").id not in both(again)


def test_a_cancelled_cycle_gives_its_rows_back(table):
    """What only a cancelled cycle has is not among the ids of the lineage, so the next one may bring it."""
    rows = rows_of_cycle("c-000002", 10)
    commit(table, "c-000001", rows_of_cycle("c-000001", 10))
    commit(table, "c-000002", rows)
    assert not {one.id for one in rows} & set(table.ids(["c-000001"]).to_pylist())
    moved = [one._replace(arrived="c-000003") for one in rows]
    commit(table, "c-000003", moved)
    assert {one.id for one in rows} <= set(table.ids(["c-000001", "c-000003"]).to_pylist())


@given(st.text("0123456789abcdef", max_size=3), st.text("0123456789abcdef", max_size=3), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_ids_of_a_range(tmp_path_factory, low, high, buckets):
    """The ids of a range are those of the rows in it, rising, however they are spread over files."""
    table = Table.open(str(tmp_path_factory.mktemp("ids")))
    rows = rows_of_cycle("c-000001", 50)
    commit(table, "c-000001", rows, buckets)
    expected = sorted(one.id for one in rows if one.id >= low and (not high or one.id < high))
    assert table.ids(["c-000001"], low, high).to_pylist() == expected
    assert table.ids([], low, high).to_pylist() == []


def test_a_range_reads_the_row_groups_that_it_touches(tmp_path, table):
    """Row groups that lie outside a range are not even decoded: damage in them is not seen."""
    rows = sorted((row(f"{i}") for i in range(3 * GROUP_ROWS)), key=lambda one: one.id)
    part = snapshot.write_part(table.stage("c-000001"), TRAIN, snapshot.columns_of(rows))
    path = Path(table.uri, part.path)
    with snapshot.part.opened(table.folder, part) as file:
        place = file.schema_arrow.get_field_index("id")
        columns = [file.metadata.row_group(number).column(place) for number in range(3)]
    data = bytearray(path.read_bytes())
    start = columns[2].data_page_offset
    data[start : start + 2000] = bytes(2000)
    path.write_bytes(data)
    damaged = part._replace(sha256=sha256_of(path))
    assert len(snapshot.ids_of(table.folder, damaged, "", columns[1].statistics.max)) == 2 * GROUP_ROWS - 1
    with pytest.raises(StepError):
        snapshot.ids_of(table.folder, damaged, rows[-1].id, "")


def test_a_changed_byte_names_the_file(tmp_path, table):
    """A flipped bit anywhere in a file, a cut one and a missing one are told by name, and no row is read from it."""
    commit(table, "c-000001", rows_of_cycle("c-000001", 40))
    folder = published(tmp_path, table, ["c-000001"])
    part = next(part for part in snapshot.opened(folder).parts if part.side == TRAIN)
    path = Path(table.uri, part.path)
    whole = path.read_bytes()
    for damaged in (whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], whole[:-1], whole + b"\0"):
        path.write_bytes(damaged)
        with pytest.raises(StepError) as caught:
            next(snapshot.read(folder, TRAIN))
        assert part.path in str(failure(caught))
        assert list(snapshot.read(folder, HOLDOUT))
    path.unlink()
    with pytest.raises(StepError, match="is missing") as caught:
        next(snapshot.read(folder, TRAIN))
    assert failure(caught).where == str(path)


def test_a_sound_file_in_the_place_of_another_is_told(tmp_path, table):
    """A file that can be read and has the right size, but other rows, is not what was published."""
    stage = table.stage("c-000001")
    kept, other = (
        snapshot.write_part(stage, TRAIN, snapshot.columns_of([row("one", label=label)])) for label in (0, 1)
    )
    table.commit(stage, [kept])
    folder = published(tmp_path, table, ["c-000001"])
    assert kept.size == other.size
    shutil.copy(Path(table.uri, other.path), Path(table.uri, kept.path))
    with pytest.raises(StepError, match="is not what was published"):
        list(snapshot.read(folder, TRAIN))


def test_a_row_stands_once(tmp_path, table):
    """A row on both sides, or in two cycles of a lineage, is refused before it is published."""
    rows = rows_of_cycle("c-000001", 20)
    commit(table, "c-000001", rows)
    commit(table, "c-000002", [rows[3]._replace(arrived="c-000002")])
    published(tmp_path, table, ["c-000002"])
    with pytest.raises(StepError, match=f"{rows[3].id} stands twice"):
        published(tmp_path, table, ["c-000001", "c-000002"])
    stage = table.stage("c-000003")
    twice = [snapshot.write_part(stage, side, snapshot.columns_of([row("x", "c-000003")])) for side in snapshot.SIDES]
    table.commit(stage, twice)
    with pytest.raises(StepError, match="stands twice"):
        published(tmp_path, table, ["c-000003"])


def test_a_lineage_is_whole(tmp_path, table):
    """A cycle that the table has lost is missed, and not left out in silence."""
    commit(table, "c-000002", rows_of_cycle("c-000002", 5))
    with pytest.raises(StepError, match="no rows of c-000001"):
        published(tmp_path, table, ["c-000001", "c-000002"])


@pytest.mark.parametrize("point", ["before commit", "after commit"])
def test_a_commit_happens_or_does_not(tmp_path, point):
    """Killed on either side of the transaction, the partition is as before or as after; done again, it is as after."""

    def crash(reached):
        if reached == point:
            raise KeyboardInterrupt

    old, new = rows_of_cycle("c-000001", 8), rows_of_cycle("c-000001", 12, people=2)
    table = Table.open(str(tmp_path))
    commit(table, "c-000001", old)
    with pytest.raises(KeyboardInterrupt):
        commit(Table(str(tmp_path), crash), "c-000001", new)
    expected = old if point == "before commit" else new
    assert table.ids(["c-000001"]).to_pylist() == sorted(one.id for one in expected)
    commit(table, "c-000001", new)
    assert table.ids(["c-000001"]).to_pylist() == sorted(one.id for one in new)


def test_a_writer_that_dies_leaves_nothing_that_counts(tmp_path, table):
    """Files that were written and never committed are seen by nobody, and swept away by the next attempt."""
    commit(table, "c-000001", rows_of_cycle("c-000001", 4))
    superseded = {part.path for part in table.files()}
    commit(table, "c-000001", rows_of_cycle("c-000001", 5))
    stage = table.stage("c-000001")
    lost = [part for part in parts(stage, rows_of_cycle("c-000001", 30)) if part]

    def breaks():
        yield from snapshot.columns_of([row("half")])
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        snapshot.write_part(stage, TRAIN, breaks())
    assert len(table.ids(["c-000001"])) == 5
    there = set(table.folder.names("arrived=c-000001"))
    assert {part.path for part in lost} <= there
    table.stage("c-000001")
    left = set(table.folder.names("arrived=c-000001"))
    assert left == there - {part.path for part in lost}
    assert superseded <= left, "what an earlier attempt published is still read"
    with pytest.raises(StepError, match="is gone") as caught:
        table.commit(stage, lost)
    assert caught.value.failure.retryable


def test_another_cycles_part_is_refused(table):
    """A partition holds its own cycle's rows alone; a cycle's name is a folder's."""
    stage = table.stage("c-000001")
    part = snapshot.write_part(stage, TRAIN, snapshot.columns_of([row("a")]))
    with pytest.raises(ValueError, match="no part of c-000002"):
        table.commit(table.stage("c-000002"), [part])
    with pytest.raises(ValueError, match="can't name"):
        table.stage("../c-000001")


def test_the_artifact_root_may_be_moved(tmp_path):
    """Tables and datasets below one root are found after the root was moved; a table elsewhere is named as it is."""
    root = tmp_path / "root"
    table = Table.open(str(root / "tables" / "home" / "collect"))
    commit(table, "c-000001", rows_of_cycle("c-000001", 10))
    folder = published(root, table, ["c-000001"])
    outside = published(tmp_path / "elsewhere" / "deep" / "deeper" / "a" / "b", table, ["c-000001"])
    rows = both(folder)
    assert both(outside) == rows
    shutil.move(root, tmp_path / "moved")
    assert both(tmp_path / "moved" / folder.relative_to(root)) == rows
    assert json.loads((outside / snapshot.SNAPSHOT).read_text())["table"] == table.uri
    with pytest.raises(StepError, match="is missing"):
        both(outside)


def test_a_small_dataset_holds_its_own_rows(tmp_path):
    """`write` needs no table: the folder can be copied anywhere, and the order of the rows changes nothing."""
    rows = [*rows_of_cycle("c-000001", 12), *rows_of_cycle("c-000002", 5)]
    for name, train, holdout in (("a", rows[3:], rows[:3]), ("b", rows[:2:-1], rows[2::-1])):
        (tmp_path / name).mkdir()
        snapshot.write(tmp_path / name, versioned.LABELS, train, holdout)
    assert Folder(str(tmp_path / "a")).names() == Folder(str(tmp_path / "b")).names()
    shutil.move(tmp_path / "a", tmp_path / "c")
    assert both(tmp_path / "c") == {one.id: one for one in rows}
    assert snapshot.opened(tmp_path / "c").snapshot.cycles == ("c-000001", "c-000002")


def test_batches_have_the_columns_that_are_asked_for(tmp_path, table):
    """Any columns, in the order asked for, in batches no longer than asked for; a side that is none is refused."""
    commit(table, "c-000001", rows_of_cycle("c-000001", 40))
    folder = published(tmp_path, table, ["c-000001"])
    batches = list(snapshot.batches(folder, TRAIN, ("side", "id", "arrived"), 8))
    assert {tuple(batch.schema.names) for batch in batches} == {("side", "id", "arrived")}
    assert max(batch.num_rows for batch in batches) <= 8
    assert set(pa.Table.from_batches(batches)["side"].to_pylist()) == {TRAIN}
    with pytest.raises(ValueError, match="no side"):
        next(snapshot.read(folder, "train.parquet"))


def test_a_stage_finds_its_table(tmp_path, table):
    """Its own below `tables`; with an earlier dataset that one's, also when the stage has another name by now."""
    commit(table, "c-000001", rows_of_cycle("c-000001", 10))
    before = Dataset(uri=str(published(tmp_path, table, ["c-000001"])))
    context = Context(tmp_path / "out", run="c-000002/gather/1", tables=str(tmp_path / "tables" / "home"))
    assert snapshot.table_of(context).uri == str(tmp_path / "tables" / "home" / "gather")
    assert snapshot.table_of(context, before).uri == table.uri


def test_what_is_no_dataset_is_said(tmp_path):
    """No snapshot.json, one that is not JSON, labels that are none: named, with a cure."""
    for text in (None, "{", "{}"):
        if text is not None:
            (tmp_path / snapshot.SNAPSHOT).write_text(text)
        with pytest.raises(StepError) as caught:
            list(snapshot.read(tmp_path, TRAIN))
        assert failure(caught).where == str(tmp_path / snapshot.SNAPSHOT)
    (tmp_path / snapshot.LABELS).write_text("[]")
    with pytest.raises(StepError, match=r"can't be read"):
        snapshot.read_labels(tmp_path)


def test_history_says_what_each_version_brought(table):
    """Newest first: the cycles with their rows and files."""
    assert table.history() == ()
    assert table.version == -1
    commit(table, "c-000001", rows_of_cycle("c-000001", 20))
    commit(table, "c-000002", rows_of_cycle("c-000002", 10))
    said = [(one.version, one.what, one.cycle, one.rows, one.files) for one in table.history()]
    assert said == [(2, "cycle", "c-000002", 10, 2), (1, "cycle", "c-000001", 20, 2), (0, "created", "", 0, 0)]


def test_others_read_the_table(table):
    """It is a Delta table like any other: deltalake and pyarrow alone see the rows with their partition columns."""
    from deltalake import DeltaTable

    rows = rows_of_cycle("c-000001", 10)
    commit(table, "c-000001", rows)
    found = DeltaTable(table.uri).to_pyarrow_table().to_pylist()
    assert {one["id"]: (one["text"], one["arrived"], one["side"] == HOLDOUT) for one in found} == {
        one.id: (one.text, one.arrived, versioned.aside(one)) for one in rows
    }


@given(TEXTS, st.integers(-(2**31), 2**31 - 1), st.one_of(st.none(), st.datetimes(timezones=st.just(UTC))))
@settings(max_examples=50, deadline=None)
def test_plain_files_of_rows(tmp_path_factory, text, label, at):
    """A row that was written to a plain file comes back equal."""
    path = tmp_path_factory.mktemp("plain") / "rows.parquet"
    rows = [Row(text, label, text, text, "c-000001", snapshot.identity(text), "p", "c", at)]
    snapshot.write_rows(path, rows)
    assert list(snapshot.read_rows(path)) == rows


def test_a_folder_far_away(tmp_path):
    """Below an fsspec URL the same few things: whole files, listings, drafts that are adopted, copies to read."""
    far = Folder("memory://far/table")
    assert far.names() == []
    far.write("_ledger/a.json", "{}")
    with far.draft() as draft:
        draft.write_bytes(b"rows")
        far.adopt(draft, "arrived=c/side=train/a.parquet")
    assert not draft.exists()
    assert far.names() == ["_ledger/a.json", "arrived=c/side=train/a.parquet"]
    assert far.names("_ledger") == far.glob("_ledger/*.json") == ["_ledger/a.json"]
    assert (far.read("_ledger/a.json"), far.size("arrived=c/side=train/a.parquet"), far.size("b")) == (b"{}", 4, None)
    with far.near("arrived=c/side=train/a.parquet") as path:
        assert path.read_bytes() == b"rows"
    with far.lock():
        far.remove("_ledger/a.json")
        far.remove("_ledger/a.json")
    assert far.names("_ledger") == []
    with pytest.raises(StepError, match="can't be opened"):
        Folder("nothing-like-it://a").names()


def test_a_table_needs_a_place_that_delta_lake_knows():
    """An object store that it can't speak to is named, with what it can."""
    with pytest.raises(StepError) as caught:
        Table.open("memory://tables/home/collect").stage("c-000001")
    assert "s3://" in failure(caught).cure


def test_only_parts_have_parts_names():
    """Other files of a table's folder are none."""
    assert named("_delta_log/0.checkpoint.parquet", 1, 1, "", "") is None
    good = f"arrived=c-1/side=train/{'0' * 64}.{'1' * 64}.parquet"
    assert named(good, 1, 2, "a", "b") == (good, "0" * 64, "1" * 64, 1, 2, "c-1", "train", "a", "b")
