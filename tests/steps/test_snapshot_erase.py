"""Erasure: rows leave every version, whatever interrupts it, and never come back."""

import itertools
import shutil
from pathlib import Path

import pytest
import versioned
from hypothesis import given, settings
from hypothesis import strategies as st
from versioned import both, commit, parts, person_hash, published, row, rows_of_cycle, says

from steps import snapshot
from steps.contract import StepError
from steps.finetune.selection import choose
from steps.snapshot import TRAIN, Record, Table

RECORD = Record("alice", "she asked", "2026-01-02T03:04:05+00:00")
LATER = RECORD._replace(at="2026-02-03T04:05:06+00:00")
POINTS = ("begun", "written", "decided", "replaced", "removed")


class Crash:
    """Stops at the n-th point that is reached, as a kill would."""

    def __init__(self, number):
        self.left = number
        self.reached = []

    def __call__(self, point):
        self.reached.append(point)
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def made(root, cycles=2, count=24):
    """A table with a superseded attempt and an uncommitted one, and a dataset of each cycle: (table, folders, rows)."""
    table = Table.open(str(root / "tables" / "home" / "collect"))
    names = [f"c-00000{one}" for one in range(1, cycles + 1)]
    folders = []
    for place, cycle in enumerate(names):
        rows = rows_of_cycle(cycle, count)
        commit(table, cycle, [*rows, row(f"<{cycle} superseded>", cycle, person="p1")])
        folders.append(published(root, table, names[: place + 1], f"{cycle}-first"))
        commit(table, cycle, rows, buckets=2)
        folders.append(published(root, table, names[: place + 1]))
    stage = table.stage("c-000009")
    parts(stage, rows_of_cycle("c-000009", count))
    with table.folder.draft() as draft:  # a writer that was killed leaves its draft
        shutil.copy(Path(table.uri, table.files()[0].path), draft.with_suffix(".killed"))
    return table, folders


def test_a_person_leaves_every_version(tmp_path):
    """After an erasure every dataset reads without the person's rows, and no file holds their texts or names them."""
    table, folders = made(tmp_path)
    before = [both(folder) for folder in folders]
    gone = person_hash("p1")
    texts = {one.text for rows in before for one in rows.values() if one.person == gone}
    assert len(texts) > 8
    assert all(says(Path(table.uri), text) for text in texts), "the search finds what is there"
    entry = table.erase([gone], record=RECORD)
    assert [both(folder) for folder in folders] == [
        {key: one for key, one in rows.items() if one.person != gone} for rows in before
    ]
    assert not any(says(Path(table.uri), text) for text in (*texts, "<c-000009 says 1>"))
    assert entry.done
    assert entry.rows == sum(one.person == gone for one in before[-1].values())
    assert entry.cycles == {"c-000001": 5, "c-000002": 5}
    assert entry.holdout == sum(one.person == gone and versioned.aside(one) for one in before[-1].values())
    assert snapshot.opened(folders[-1]).erased == entry.rows
    assert table.history()[0].what == "erasure"
    assert table.history()[0].rows == -entry.rows


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=30),
    st.sets(st.integers(0, 3), max_size=2),
    st.sets(st.integers(0, 40), max_size=4),
)
@settings(max_examples=25, deadline=None)
def test_deletion_is_complete(tmp_path_factory, shape, people, places):
    """Whoever and whatever is erased: exactly those rows leave every dataset, and none is left on disk."""
    root = tmp_path_factory.mktemp("complete")
    table = Table.open(str(root / "tables" / "t" / "collect"))
    rows = [
        row(f"<text {place}>", f"c-{cycle}", person=f"p{who}" if who else "")
        for place, (cycle, who) in enumerate(shape)
    ]
    cycles = sorted({one.arrived for one in rows})
    for cycle in cycles:
        commit(table, cycle, [one for one in rows if one.arrived == cycle], buckets=2)
    folders = [published(root, table, cycles[: place + 1]) for place in range(len(cycles))]
    persons = {person_hash(f"p{who}") for who in people}
    ids = {snapshot.identity(f"<text {place}>") for place in places}
    if not persons and not ids:
        return
    before = [both(folder) for folder in folders]
    entry = table.erase(persons, ids, record=RECORD)
    leaving = {one.id for one in rows if one.id in ids or one.person in persons}
    assert [both(folder) for folder in folders] == [
        {key: one for key, one in there.items() if key not in leaving} for there in before
    ]
    assert set(entry.found) == leaving
    assert sum(entry.cycles.values()) == len(leaving)
    for one in rows:
        assert says(root, one.text) is (one.id not in leaving)
    assert table.ids(cycles).to_pylist() == sorted({one.id for one in rows} - leaving)


def test_killed_anywhere_it_is_finished(tmp_path):
    """Stopped at every point in turn, readers see before or after; done again the end is the same as uninterrupted."""
    table, folders = made(tmp_path / "whole", count=12)
    shutil.copytree(tmp_path / "whole", tmp_path / "untouched")
    before = both(folders[-1])
    whole = table.erase([person_hash("p1")], record=RECORD)
    after = both(folders[-1])
    reached, names = set(), [folder.relative_to(tmp_path / "whole") for folder in folders]
    for number in itertools.count(1):
        root = tmp_path / str(number)
        shutil.copytree(tmp_path / "untouched", root)
        table = Table.open(str(root / "tables" / "home" / "collect"))
        folders = [root / name for name in names]
        crash = Crash(number)
        try:
            Table(table.uri, crash).erase([person_hash("p1")], record=RECORD)
        except KeyboardInterrupt:
            reached.add(crash.reached[-1])
        else:
            break
        decided = "decided" in crash.reached
        assert both(folders[-1]) == (after if decided else before)
        assert set(table.ids(["c-000001", "c-000002"]).to_pylist()) == set(after if decided else before)
        again = table.erase([person_hash("p1")], record=RECORD)
        assert (again.done, again.cycles, again.found) == (True, whole.cycles, whole.found)
        assert both(folders[-1]) == after
        assert not says(root, "c-000001 says 1\n".strip() + "") or "<c-000001 says 10>" in {
            r.text for r in after.values()
        }
        assert not any(one.person == person_hash("p1") for folder in folders for one in both(folder).values())
    assert reached == set(POINTS)


def test_the_next_erasure_finishes_the_one_before(tmp_path):
    """One that was killed after it was decided is finished by an erasure of somebody else."""
    table, folders = made(tmp_path)
    crash = Crash(10_000)

    def killed(point):
        crash(point)
        if point == "decided":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Table(table.uri, killed).erase([person_hash("p1")], record=RECORD)
    table.erase([person_hash("p2")], record=LATER)
    assert all(entry.done for entry in table.ledger.entries())
    left = {one.person for folder in folders for one in both(folder).values()}
    assert left == {person_hash(name) for name in ("p0", "p3", "p4")}
    assert not says(tmp_path, "<c-000001 says 21>")
    assert not says(tmp_path, "<c-000001 says 22>")


def test_the_same_request_again_does_nothing(tmp_path):
    """No file and no version is added; the answer is the same."""
    table, _ = made(tmp_path)
    first = table.erase([person_hash("p1")], record=RECORD)
    there, version = table.folder.names(), table.version
    assert table.erase([person_hash("p1")], record=RECORD) == first
    assert (table.folder.names(), table.version) == (there, version)


def test_files_that_an_erasure_made_are_followed_again(tmp_path):
    """Two people, one after the other: the ledger leads from the first file to the last."""
    table, folders = made(tmp_path)
    before = both(folders[-1])
    table.erase([person_hash("p1")], record=RECORD)
    table.erase([person_hash("p2")], record=LATER)
    gone = {person_hash("p1"), person_hash("p2")}
    assert snapshot.opened(folders[-1]).erased == sum(one.person in gone for one in before.values())
    assert both(folders[-1]) == {key: one for key, one in before.items() if one.person not in gone}


def test_a_row_leaves_under_another_name_too(tmp_path):
    """What is found in one version is sought in all: a replaced attempt had the same text under another name."""
    table = Table.open(str(tmp_path / "tables" / "t" / "collect"))
    commit(table, "c-000001", [row("<hers>", person="nobody"), row("<other>")])
    first = published(tmp_path, table, ["c-000001"], "first")
    commit(table, "c-000001", [row("<hers>", person="p1"), row("<other>")])
    entry = table.erase([person_hash("p1")], record=RECORD)
    assert [one.text for one in both(first).values()] == ["<other>"]
    assert not says(tmp_path, "<hers>")
    assert entry.rows == 1, "a row that a later attempt had replaced is not counted again"


def test_an_older_attempt_is_read_after_an_erasure_and_another(tmp_path):
    """The next attempt sweeps what was never committed, and not what an erasure has made of a replaced one."""
    table, folders = made(tmp_path)
    table.erase([person_hash("p1")], record=RECORD)
    rows = [both(folder) for folder in folders]
    table.stage("c-000001")
    assert [both(folder) for folder in folders] == rows


def test_a_whole_cycle_may_leave(tmp_path):
    """When every row of a file goes there is no file, and a lineage with that cycle can still be published."""
    table, folders = made(tmp_path)
    table.erase(ids=[key for key, one in both(folders[-1]).items() if one.arrived == "c-000001"], record=RECORD)
    assert {one.arrived for one in both(folders[-1]).values()} == {"c-000002"}
    again = published(tmp_path, table, ["c-000001", "c-000002"], "c-000003")
    assert both(again) == both(folders[-1])


def test_a_text_is_known_as_it_was_kept(tmp_path):
    """A row whose id is of another form of its text (as before de-identification) is found by the text that is kept."""
    table = Table.open(str(tmp_path / "tables" / "t" / "collect"))
    kept = row("Call 010-0123-4567")._replace(id=snapshot.identity("call [phone]"))
    commit(table, "c-000001", [kept, *rows_of_cycle("c-000001", 4)])
    folder = published(tmp_path, table, ["c-000001"])
    assert table.erase(texts=[snapshot.identity("call  010-0123-4567")], record=RECORD).found == (kept.id,)
    assert kept.id not in both(folder)
    assert table.barred().ids == {kept.id}


def test_a_file_goes_between_two_looks(tmp_path):
    """A reader that opened a dataset before an erasure goes on with what the ledger says of a file that is gone."""
    table, folders = made(tmp_path)
    before = [one.id for one in snapshot.read(folders[-1], TRAIN)]
    reader = snapshot.read(folders[-1], TRAIN)
    first = next(reader)
    gone = table.erase([person_hash("p1")], record=RECORD).found
    rest = [one.id for one in reader]
    assert set(before) - set(gone) <= {first.id, *rest} <= set(before)


def test_a_damaged_file_stops_an_erasure(tmp_path):
    """What can't be read can't be searched: it is named, and nothing is said to be done."""
    table, _ = made(tmp_path)
    path = Path(table.uri, table.files()[0].path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StepError, match="is not what was published"):
        table.erase([person_hash("p1")], record=RECORD)
    assert not any(entry.done for entry in table.ledger.entries())


def test_what_was_erased_does_not_come_back(tmp_path):
    """It is barred for collect to see; a commit with such rows is refused, and so is one that began before."""
    table, folders = made(tmp_path)
    late = table.stage("c-000003")
    waiting = parts(late, rows_of_cycle("c-000003", 10))
    entry = table.erase([person_hash("p1")], record=RECORD)
    assert table.barred().persons == {person_hash("p1")}
    assert table.barred().ids == set(entry.found)
    with pytest.raises(StepError, match="were erased while c-000003") as caught:
        table.commit(late, waiting)
    assert caught.value.failure.retryable
    with pytest.raises(StepError, match="holds rows that were erased"):
        commit(table, "c-000003", rows_of_cycle("c-000003", 10))
    with pytest.raises(StepError, match="holds rows that were erased"):
        commit(table, "c-000003", [row("<c-000001 says 1>", "c-000003", person="somebody")])
    commit(table, "c-000003", [one for one in rows_of_cycle("c-000003", 10) if one.person != person_hash("p1")])
    again = published(tmp_path, table, ["c-000001", "c-000002", "c-000003"])
    assert not {one.person for one in both(again).values()} & {person_hash("p1")}
    assert len(both(again)) == len(both(folders[-1])) + 8


def test_an_erasure_within_a_commit_takes_it_back(tmp_path):
    """An object store has no lock: when a row is barred while the transaction runs, the partition is emptied again."""
    table = Table.open(str(tmp_path))
    other = Table.open(str(tmp_path))

    def erased(point):
        if point == "after commit":
            other.ledger.begin(snapshot.Wanted(persons=frozenset([person_hash("p1")])), RECORD)

    commit(table, "c-000001", rows_of_cycle("c-000001", 10))
    with pytest.raises(StepError, match="were erased while") as caught:
        commit(Table(str(tmp_path), erased), "c-000002", rows_of_cycle("c-000002", 10))
    assert caught.value.failure.retryable
    assert {part.arrived for part in table.files()} == {"c-000001"}


@given(st.integers(0, 1000), st.floats(0, 0.9), st.sampled_from([None, 4, 10, 40]))
@settings(max_examples=40, deadline=None)
def test_an_erased_row_is_never_drawn_again(erased_dataset, seed, replay, most):
    """Replay chooses from what the snapshot reads: no seed, share or size brings an erased row back."""
    folder, gone = erased_dataset
    rows = list(snapshot.read(folder, TRAIN))
    chosen = choose(rows, ("c-000001",), replay=replay, most=most, seed=seed)
    assert chosen.train or most is not None
    assert not {one.id for one in (*chosen.train, *chosen.validation)} & gone


@pytest.fixture(scope="module")
def erased_dataset(tmp_path_factory):
    """A dataset from which a person was erased, and the ids that went."""
    table, folders = made(tmp_path_factory.mktemp("replay"))
    drawn = {
        one.id
        for one in choose(list(snapshot.read(folders[-1], TRAIN)), ("c-000001",), replay=0.5, most=None, seed=0).train
    }
    gone = set(table.erase([person_hash("p1")], record=RECORD).found)
    assert drawn & gone, "before, such rows were drawn"
    return folders[-1], gone


def test_what_the_ledger_keeps(tmp_path):
    """Ids and keyed hashes, who asked and why: no text. An entry that is damaged is named."""
    table, _ = made(tmp_path)
    table.erase([person_hash("p1")], texts=[snapshot.identity("<c-000001 says 0>")], record=RECORD)
    (name,) = table.folder.names("_ledger")
    said = table.folder.read(name).decode()
    assert "says" not in said
    assert "she asked" in said
    Path(table.uri, name).write_text(said[:50])
    with pytest.raises(StepError, match="ledger") as caught:
        table.files()
    assert caught.value.failure.where == table.folder.at(name)
