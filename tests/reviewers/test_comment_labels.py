"""What people see of labels: the rows in the report and the question, the file to edit, the answer as a diff."""

import csv
import io

import pytest
from sentiment import LINKS, Story, at_collect, at_evaluate

from orchestrator.core.report import Report, ToLabel
from reviewers.comment import Links, changes_diff, gate, intro, labels_diff
from reviewers.comment.report import Space, body
from reviewers.corrections import Correction, to_json
from reviewers.labels import COLUMNS

ROWS = (
    ToLabel(id="r1", text="Fine | film", label="negative", predicted="positive", confidence=0.973, why="surely wrong"),
    ToLabel(id="r2", text="", label="negative", predicted="negative"),
    ToLabel(id="r3", text="So so", label="positive"),
)


def asking(*rows: ToLabel) -> Story:
    """The first gate asks about these labels."""
    return Story().finds(Report(summary="Three rows.", to_label=rows))


def test_the_question_says_what_to_do_about_labels() -> None:
    """With a link that opens the editor, while it is asked; without one where there is no branch yet."""
    story = asking(*ROWS)
    shown = story.gate()
    assert "**Labels:** 3 labels are worth a look" in shown
    assert f"[Edit `labels.csv`]({LINKS.labels})" in shown
    assert "**Labels:** one label is worth a look" in asking(ROWS[0]).gate()
    assert "**Labels:** 3 labels are worth a look, below. Edit `labels.csv`:" in gate(
        story.cycle, story.opening, Links()
    )
    assert "**Labels:**" not in gate(story.cycle, story.opening, LINKS, outcome="Void")
    assert "**Labels:**" not in at_collect().gate()


def test_the_rows_are_a_table_in_the_report() -> None:
    """Folded; a column that says nothing is left out, and what there is no space for is counted."""
    [shown] = body(Report(summary="x", to_label=ROWS), Space(rows=2))
    assert shown.splitlines()[1:] == [
        "<summary>Labels worth a look (3)</summary>",
        "",
        "| text | label | the model says | why it is shown |",
        "| --- | --- | --- | --- |",
        "| Fine &#124; film | negative | positive (97%) | surely wrong |",
        "| (empty) | negative | negative |  |",
        "",
        "… and 1 more rows",
        "",
        "</details>",
    ]
    [bare] = body(Report(summary="x", to_label=ROWS[2:]), Space())
    assert "| text | label |" in bare


def test_the_branch_has_the_file_with_the_labels_as_they_stand() -> None:
    """Of the newest report that asks about any; linked once."""
    story = asking(*ROWS)
    files = story.files()
    assert files["labels.csv"].splitlines()[0] == ",".join(COLUMNS)
    assert "[3 labels worth a look](labels.csv)" in files["README.md"]
    said = to_json([Correction("r1", "negative", "positive", "alice", "2026-11-20T00:00:00Z")])
    story.cycle = story.cycle.but(params={"collect": {"corrections": said}})
    rows = {row["id"]: row["label"] for row in csv.DictReader(io.StringIO(story.files()["labels.csv"]))}
    assert rows == {"r1": "positive", "r2": "negative", "r3": "positive"}
    story.cycle = story.cycle.but(params={"collect": {"corrections": "?"}})
    assert "r1,Fine | film,negative" in story.files()["labels.csv"]
    assert "[1 label worth a look](labels.csv)" in asking(ROWS[0]).files()["README.md"]
    assert "labels.csv" not in at_evaluate().files()


@pytest.mark.parametrize(("count", "more"), [(1, ""), (50, ""), (53, "… and 3 more labels")])
def test_what_was_corrected_is_a_diff(count: int, more: str) -> None:
    """The text, the label that it had, the one that it gets; fifty of them."""
    words = [Correction(f"r{place}", "negative", "positive", "alice", "") for place in range(count)]
    shown = labels_diff(words, {"r0": "Fine film"})
    assert shown.startswith("```diff\n@@ Fine film @@\n- negative\n+ positive\n")
    assert shown.count("+ positive") == min(count, 50)
    assert shown.endswith(more or "```")


def test_parameters_show_corrections_in_a_few_words() -> None:
    """In the pull request's text, and in the answer to whoever reruns without them."""
    said = to_json([Correction("r1", "negative", "positive", "alice", "2026-11-20T00:00:00Z")])
    cycle = at_collect().cycle.but(params={"collect": {"corrections": said}})
    assert "| `collect` | `corrections` | `1 label, by alice` | `–` |" in intro(cycle, LINKS)
    diff = changes_diff(cycle, "collect", {"corrections": "[]"})
    assert "- corrections: 1 label, by alice\n+ corrections: 0 labels" in diff
