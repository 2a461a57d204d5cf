"""What planners read about labels."""

from datetime import UTC, datetime, timedelta

from steps.contract import Report, ToLabel
from steps.labels.corrections import Correction, Known, Settled, settle
from steps.labels.report import parts

LABELS = ("bad", "good")
AT = datetime(2030, 1, 1, 9, 5, tzinfo=UTC)
IDS = tuple(f"{place:032x}" for place in range(300))
KNOWN = {row: Known(f"text\n{'long ' * 40}{row}", "bad") for row in IDS}
ASKED = tuple(ToLabel(id=row, text="text", label="bad", predicted="good", confidence=0.9, why="why") for row in IDS[:4])


def word(place, by="ann", label="good"):
    return Correction(id=IDS[place], was="bad", label=label, by=by, at=AT + timedelta(minutes=place))


def test_the_parts_make_a_report():
    """The diff with who, when, from and to; the dispute; the figures; the rows asked about as they stand now."""
    words = [word(0), word(0, "bob"), word(1), word(1, "bob", "bad"), word(2, label="bad")]
    found = parts(settle(words, KNOWN, LABELS), ASKED)
    report = Report(summary=found.sentence, metrics=found.metrics, tables=found.tables, to_label=found.to_label)
    corrected, disputed, agreed = report.tables
    assert corrected.rows[0][:4] == ("ann, bob", "2030-01-01 09:05 UTC", "bad", "good")
    assert len(corrected.rows) == 1
    assert corrected.rows[0][4].startswith("text long")
    assert len(corrected.rows[0][4]) == 80
    assert disputed.rows == ((IDS[1][:12], "ann says good, bob says bad", "bad"),)
    assert agreed.rows[0][:3] == ("reviewers with each other", 2, 0.5)
    assert agreed.rows[1][:3] == ("reviewers with the source", 5, 0.4)
    assert (report.metric("labels_corrected").value, report.metric("labels_disputed").value) == (1, 1)
    assert report.metric("label_agreement").value == 0.5
    assert report.metric("label_agreement_alpha").value == 0.0
    assert [one.label for one in report.to_label] == ["good", "bad", "bad", "bad"]
    assert [one.why.split(":")[0] for one in report.to_label] == ["corrected", "disputed", "confirmed", "why"]
    assert "2 of 5 votes confirm the source's label" in report.summary


def test_what_nobody_touched_says_nothing():
    """No table, no sentence, no agreement; the rows as they were asked about."""
    found = parts(Settled(settle([], KNOWN, LABELS).record), ASKED)
    assert (found.sentence, found.tables, found.warnings, found.to_label) == ("", (), (), ASKED)
    assert [metric.name for metric in found.metrics] == ["labels_corrected", "labels_disputed"]


def test_many_are_bounded():
    """A hundred rows of a table, with the number of all; ten refusals, with the number of the others."""
    words = [word(place) for place in range(150)]
    wrong = [word(place, label="worse") for place in range(200, 215)]
    found = parts(settle([*words, *wrong], KNOWN, LABELS))
    assert found.tables[0].title == "Corrected labels (the first 100 of 150)"
    assert len(found.tables[0].rows) == 100
    assert len(found.warnings) == 11
    assert found.warnings[0].startswith(f"correction of {IDS[200][:12]} refused: 'worse' is no class")
    assert found.warnings[-1] == "5 more corrections refused"
