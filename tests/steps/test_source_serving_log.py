"""The serving log as a source: feedback finds its prediction, early or late, and nothing is told twice."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written import read

from steps.collect.source import Columns, open_source
from steps.contract import StepError

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
COLUMNS = Columns("ignored", "ignored", "arm")


class Log:
    """A serving log of one's own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, kind, day, record, name="", pack=False):
        at = START + timedelta(day)
        path = self.folder / kind / f"{at:%Y-%m-%d}{name}.jsonl{'.gz' if pack else ''}"
        path.parent.mkdir(exist_ok=True)
        line = record if isinstance(record, str) else json.dumps({"at": at.isoformat(), **record}) + "\n"
        with path.open("ab") as file:
            file.write(gzip.compress(line.encode()) if pack else line.encode())

    def predict(self, key, day=0, **more):
        record = {"id": key, "user": "u", "text": f"text {key}", "predicted": "good", "confidence": 0.75,
                  "version": "v1", "arm": "canary"}  # fmt: skip
        pack, name = more.pop("pack", False), more.pop("name", "")
        self.write("predictions", day, {**record, **more}, name, pack)

    def say(self, key, label, day=0, **more):
        self.write("feedback", day, {"id": key, "label": label}, **more)

    def source(self, since="", **more):
        numeric = more.pop("numeric", False)
        source = open_source({"serving_log": str(self.folder), **more}, COLUMNS._replace(numeric=numeric), since)
        assert source.survey() == []
        return source

    def labels(self, since="", most=1 << 30, **more):
        """(text to label, what was bad, the next mark)."""
        source = self.source(since, **more)
        found = read(source, most, 3, 200, more.get("numeric", False))
        return (
            {one[0][5:]: one[1] for one in found.rows},
            [(bad.source[:8], bad.line, bad.reason) for bad in found.bad],
            source.mark(),
        )


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "log")


def test_feedback_makes_a_labelled_row(log):
    """With the group that is asked for, the user as its author, and the time of the prediction."""
    log.predict("a", conversation="c1")
    log.predict("b", name=".w2", pack=True)
    log.predict("c")
    log.say("a", "bad", day=2)
    log.say("b", True, day=1, pack=True)
    found = read(log.source())
    assert found.rows == [
        ("text a", "bad", "canary", "u", "c1", START),
        ("text b", "true", "canary", "u", "", START),
    ]
    assert found.places == [("predictions/2026-11-01.jsonl", 1), ("predictions/2026-11-01.w2.jsonl.gz", 1)]


def test_without_feedback_it_waits_for_a_label(log):
    """Given apart, with what the model answered."""
    for key in "abc":
        log.predict(key)
    log.say("b", "bad")
    log.say("nobody", "bad")
    source = log.source()
    (shard,) = source.unlabelled(1 << 30)
    (batch,) = shard.read()
    assert batch.bad == []
    assert batch.rows.select(["text", "label", "predicted", "confidence", "id"]).to_pylist() == [
        {"text": f"text {key}", "label": None, "predicted": "good", "confidence": 0.75, "id": key} for key in "ac"
    ]
    (same,) = log.source(unlabelled=True).shards(1 << 30)
    assert [one.rows for one in same.read()] == [batch.rows]


def test_the_latest_feedback_counts(log):
    """Whatever the order of files and lines."""
    log.predict("a")
    log.say("a", "second", day=2, name=".a")
    log.say("a", "first", day=1)
    log.say("a", "third", day=2, name=".b")
    assert log.labels()[0] == {"a": "third"}


def test_late_feedback_is_taken_within_the_window_alone(log):
    """Also in the next nights; what comes after the window is told when it is new."""
    log.predict("a")
    log.predict("b", day=3)
    assert log.labels(window=2)[2] == "2026-11-04"
    log.say("a", "bad", day=3)
    log.say("b", "bad", day=5)
    lost = ("feedback", 1, "no prediction of the 2 days before has this id")
    assert log.labels("2026-11-04", window=2) == ({"b": "bad"}, [lost], "2026-11-06")
    log.predict("c", day=7)
    assert log.labels("2026-11-06", window=2) == ({"b": "bad"}, [], "2026-11-08")
    assert log.labels("2026-11-08", window=2) == ({}, [], "2026-11-08")
    assert log.labels("2026-11-04", window=3) == ({"a": "bad", "b": "bad"}, [], "2026-11-08")


def test_what_can_not_be_used_is_told_once(log):
    """Records without id, date or label, lists, no JSON; a last line that is still being written is no error."""
    log.predict("a")
    log.predict(None)
    log.write("predictions", 0, '{"id": "x", "at": "soon"}\n')
    log.write("predictions", 0, "oops\n")
    log.predict("nul", text="a\0b")
    log.predict("b")
    log.write("predictions", 0, '{"id": "half')
    log.say("a", ["bad"])
    log.say("b", None)
    log.say("nul", "x")
    log.write("feedback", 0, '{"id": "ha')
    for most in (1 << 30, 20):
        found, bad, _ = log.labels(most=most)
        assert found == {}
        assert sorted((place, line) for place, line, _ in bad) == [
            ("feedback", 1), ("feedback", 2), ("predicti", 2), ("predicti", 3), ("predicti", 4), ("predicti", 5),
        ]  # fmt: skip


def test_ratings_are_numbers(log):
    """Feedback in stars."""
    log.predict("a")
    log.predict("b")
    log.say("a", 4)
    log.say("b", "four")
    found, bad, _ = log.labels(numeric=True)
    assert found == {"a": 4.0}
    assert len(bad) == 1


def test_a_log_that_is_none_is_told(log, tmp_path):
    """No folder; a name that is no day; records without what each needs. An empty log has nothing new."""
    with pytest.raises(StepError, match="no such folder"):
        open_source({"serving_log": str(tmp_path / "none")}, COLUMNS)
    with pytest.raises(StepError, match="window"):
        log.source(window=-1)
    assert log.labels() == ({}, [], "")
    log.write("predictions", 0, '{"id": "a"}\n')
    (log.folder / "feedback").mkdir()
    (log.folder / "feedback" / "all.txt").write_text("")
    found = open_source({"serving_log": str(log.folder)}, COLUMNS).survey()
    assert "its name is no day" in found[0]
    assert all("there is no column" in problem for problem in found[1:])
    assert len(found) > 1
    with pytest.raises(StepError, match="is no day"):
        open_source({"serving_log": str(log.folder)}, COLUMNS, "soon").shards(1)


def test_the_first_line_of_the_day_may_be_half_written(log):
    """It is no reason to read nothing tonight."""
    log.predict("a")
    log.say("a", "bad")
    log.write("predictions", 1, '{"id": "b", "at"')
    assert log.labels() == ({"a": "bad"}, [], "2026-11-02")


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=20),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9), st.sampled_from("xyz")), max_size=20),
    st.integers(100, 2_000), st.integers(0, 5),
)  # fmt: skip
@settings(max_examples=60)
def test_the_join_is_that_of_a_dictionary(tmp_path_factory, predictions, feedback, most, window):
    """Any log, any number of parts: the same rows as by the definition, and each lost feedback told once."""
    log = Log(tmp_path_factory.mktemp("log"))
    made = {str(key): day for key, day in predictions}
    for key, day in made.items():
        log.predict(key, day)
    said = {}
    for key, day, label in feedback:
        log.say(str(key), label, day)
        if str(key) not in said or said[str(key)][0] <= day:
            said[str(key)] = (day, label)
    expected = {key: said[key][1] for key, day in made.items() if key in said and said[key][0] - day <= window}
    found, bad, _ = log.labels(most=most, window=window)
    assert found == expected
    assert len(bad) == len(said.keys() - expected.keys())
    waiting = [
        text
        for shard in log.source(window=window).unlabelled(most)
        for batch in shard.read()
        for text in batch.rows.column("text").to_pylist()
    ]
    assert sorted(waiting) == sorted(f"text {key}" for key in made.keys() - expected.keys())
