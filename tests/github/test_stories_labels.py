"""Labels that reviewers correct in the pull request's own file, each told from what they commit to what they see."""

import csv
import io
import json
from typing import Any

import pytest
from rig.github import GitHub
from stage import STAGES, Begun, Stage
from stage import stages as stages

from orchestrator.core.events import RerunAsked
from orchestrator.core.model import State
from reviewers.corrections import Said, asked

FILE = "cycles/c-000001/labels.csv"
BRANCH = "ratchet/c-000001"
LABELLING = STAGES.replace("smallsteps:collect", "labelsteps:collect")


@pytest.fixture
def one(stage: Begun) -> Stage:
    """A cycle whose first gate asks about three labels."""
    made = stage(pipeline=LABELLING, second='"1 of bob"')
    made.begin()
    return made


def table(github: GitHub) -> str:
    """The file as it is on the branch."""
    return github.files(BRANCH)[FILE].decode()


def labels(text: str) -> dict[str, str]:
    return {row["id"]: row["label"] for row in csv.DictReader(io.StringIO(text))}


def with_label(text: str, **changes: str) -> str:
    """The table with other labels, as one would write them in an editor."""
    rows = list(csv.reader(io.StringIO(text)))
    out = io.StringIO()
    place = rows[0].index("label")
    csv.writer(out).writerows([*row[:place], changes.get(row[0], row[place]), *row[place + 1 :]] for row in rows)
    return out.getvalue()


def edits(one: Stage, login: str, **changes: str) -> str:
    """Somebody changes labels in GitHub's editor, and it is heard; how the answer is found."""
    sha = one.github.as_(login).write(BRANCH, FILE, with_label(table(one.github), **changes))
    one.settle()
    return f"k{sha[:12]}"


def corrections(one: Stage) -> list[dict[str, Any]]:
    """What the stage was given."""
    found: list[dict[str, Any]] = json.loads(one.cycle().params.get("collect", {}).get("corrections", "[]"))
    return found


def test_a_reviewer_corrects_labels_in_the_editor(one: Stage, github: GitHub) -> None:
    """The stage runs again with the corrections, its gate is asked anew, and the file shows what stands now."""
    assert labels(table(github)) == {"r1": "negative", "r2": "negative", "r3": "positive"}
    assert f"edit/{BRANCH}/{FILE}" in one.posts("gate")[0]
    before = one.digest
    about = edits(one, "alice", r1="positive")
    assert one.cycle().state is State.IN_REVIEW
    assert one.runs() == ["c-000001/collect/1", "c-000001/collect/2"]
    [made] = corrections(one)
    assert made | {"at": ""} == {"id": "r1", "was": "negative", "label": "positive", "by": "alice", "at": ""}
    [answer] = one.answers(about)
    assert "One label is corrected" in answer
    assert "- negative\n+ positive" in answer
    assert one.digest != before
    assert labels(table(github))["r1"] == "positive"
    [event] = [event for event in one.record() if isinstance(event, RerunAsked)]
    assert event.by == one.person("alice")
    assert event.stage == "collect"
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert github.pulls()[0]["merged_at"]


def test_two_reviewers_correct_one_after_the_other(one: Stage, github: GitHub) -> None:
    """Before anybody looked: each one's labels are that one's own, and where they differ both are kept."""
    first = github.as_("alice").write(BRANCH, FILE, with_label(table(github), r1="positive", r2="positive"))
    second = github.as_("bob").write(BRANCH, FILE, with_label(table(github), r2="negative", r3="negative"))
    one.settle()
    assert [(each["id"], each["was"], each["label"], each["by"]) for each in corrections(one)] == [
        ("r1", "negative", "positive", "alice"),
        ("r2", "negative", "positive", "alice"),
        ("r2", "positive", "negative", "bob"),
        ("r3", "positive", "negative", "bob"),
    ]
    assert "2 labels are corrected" in one.answers(f"k{first[:12]}")[0]
    assert "2 labels are corrected" in one.answers(f"k{second[:12]}")[0]
    assert labels(table(github)) == {"r1": "positive", "r2": "negative", "r3": "negative"}
    about = edits(one, "bob", r3="positive")
    assert "- negative\n+ positive" in one.answers(about)[0]
    assert [each["id"] for each in corrections(one)] == ["r1", "r2", "r2", "r3", "r3"]
    assert labels(table(github)) == {"r1": "positive", "r2": "negative", "r3": "positive"}


@pytest.mark.parametrize("role", ["read", "none"])
def test_who_may_not_write_any_more_corrects_nothing(one: Stage, github: GitHub, role: str) -> None:
    """The role is read when the commit is heard. The file is written again as it was, and what came with it is gone."""
    github.set_role("mallory", "write")
    mallory = github.as_("mallory")
    mallory.write(BRANCH, "ratchet.yaml", "evil")
    sha = mallory.write(BRANCH, FILE, with_label(table(github), r1="positive"))
    github.set_role("mallory", role)
    one.settle()
    assert f"mallory has the role {role}" in one.answers(f"k{sha[:12]}")[0]
    assert one.runs() == ["c-000001/collect/1"]
    assert [who for who, _ in one.refusals()] == ["mallory"]
    assert labels(table(github))["r1"] == "negative"
    assert "ratchet.yaml" not in github.files(BRANCH)


def test_nobody_corrects_labels_in_somebody_elses_name(one: Stage, github: GitHub) -> None:
    """A commit may name anybody: without GitHub's signature, or the author's, it is nobody's."""
    text = with_label(table(github), r1="positive")
    sha = github.as_("bob").push(BRANCH, FILE, text, address="alice@users.noreply.github.com")
    one.settle()
    [answer] = one.answers(f"k{sha[:12]}")
    assert "does not vouch that alice wrote this commit" in answer
    assert "GitHub's own editor" in answer
    assert one.refusals()[0][0] == "alice"
    stranger = github.as_("bob").push(BRANCH, FILE, text, address="bob@home.example.org")
    one.settle()
    assert "knows nobody by the address" in one.answers(f"k{stranger[:12]}")[0]
    assert one.runs() == ["c-000001/collect/1"]
    assert labels(table(github))["r1"] == "negative"


def test_a_bot_that_is_not_listed_corrects_nothing(one: Stage, github: GitHub) -> None:
    """It tidies every file, say."""
    sha = github.as_("dependabot[bot]").write(BRANCH, FILE, with_label(table(github), r1="positive"))
    one.settle()
    assert "is no person" in one.answers(f"k{sha[:12]}")[0]
    assert corrections(one) == []


def test_a_commit_that_comes_while_we_write_ours_is_heard_all_the_same(one: Stage, github: GitHub) -> None:
    """Ours is made on top and shows what was so; the next look finds it."""
    text = with_label(table(github), r1="positive", r3="negative")
    github.when("GET", r"/git/ref/heads/ratchet", lambda: github.as_("bob").write(BRANCH, FILE, text) and None)
    edits(one, "alice", r1="positive")
    one.wait(minutes=10)
    assert [(each["id"], each["by"]) for each in corrections(one)] == [("r1", "alice"), ("r3", "bob")]
    assert labels(table(github)) == {"r1": "positive", "r2": "negative", "r3": "negative"}


def test_what_can_not_be_read_is_answered_line_by_line(one: Stage, github: GitHub) -> None:
    """What can be counts; the file shows it, and can be mended."""
    about = edits(one, "alice", r1="postive", r2="Positive ")
    [answer] = one.answers(about)
    assert "❌ `line 2`: `postive` is no label here → did you mean positive?" in answer
    assert "One label is corrected" in answer
    assert [each["id"] for each in corrections(one)] == ["r2"]
    assert [who for who, _ in one.refusals()] == ["alice"]
    about = edits(one, "alice", r1="postive")
    assert "is corrected" not in one.answers(about)[0]
    assert len(one.runs()) == 2
    about = edits(one, "bob", r1="positive")
    assert "One label is corrected" in one.answers(about)[0]
    assert len(one.runs()) == 3


def test_what_others_said_is_set_by_no_command(one: Stage, github: GitHub) -> None:
    """Whose words they are stands in them: nobody types another's."""
    words = json.dumps([{"id": "r1", "was": "negative", "label": "positive", "by": "bob", "at": "2026-11-20"}])
    comment = one.says("alice", f"/rerun corrections='{words}'")
    assert "people's own words" in one.answers(comment)[0]
    assert one.runs() == ["c-000001/collect/1"]


def test_what_comes_at_the_same_moment_is_not_lost(one: Stage, github: GitHub) -> None:
    """Bob says it over the API while alice's commit is read: hers is added to his."""

    def bob() -> None:
        said = [Said("", "r3", "negative")]
        event, _ = asked(one.cycle(), said, id="api:1", by=one.person("bob"), at=one.clock.now())
        assert isinstance(event, RerunAsked)
        one.desk.submit("c-000001", event)

    github.when("GET", r"/contents/", bob)
    edits(one, "alice", r1="positive")
    assert [(each["id"], each["by"]) for each in corrections(one)] == [("r3", "bob"), ("r1", "alice")]
    assert labels(table(github)) == {"r1": "positive", "r2": "negative", "r3": "negative"}


def test_labels_of_a_gate_that_is_closed_are_refused(one: Stage, github: GitHub) -> None:
    """The next stage has begun with them: it is said, and how the gate is opened again."""
    one.says("alice", "/approve")
    about = edits(one, "alice", r1="positive")
    assert "asked about no more" in one.answers(about)[0]
    assert one.cycle().stage.name == "learn"
    assert corrections(one) == []
    one.says("alice", "/rerun from=collect")
    about = edits(one, "alice", r1="positive")
    assert "One label is corrected" in one.answers(about)[0]


def test_a_held_cycle_takes_no_corrections(one: Stage, github: GitHub) -> None:
    """As it takes no rerun; the reason is said."""
    one.says("alice", "/hold wait")
    about = edits(one, "bob", r1="positive")
    assert "unhold" in one.answers(about)[0]
    assert corrections(one) == []


def test_a_step_that_takes_no_corrections_says_so(stage: Begun, github: GitHub) -> None:
    """It asked about labels, and has no parameter for them."""
    one = stage(pipeline=LABELLING.replace("labelsteps:collect", "labelsteps:deaf"), second='"1 of bob"')
    one.begin()
    about = edits(one, "alice", r1="positive")
    assert "corrections" in one.answers(about)[0]
    assert one.answers(about)[0].count("❌") == 1
    assert one.runs() == ["c-000001/collect/1"]


def test_a_file_that_is_deleted_changes_nothing(one: Stage, github: GitHub) -> None:
    """It is written again."""
    sha = github.as_("alice").write(BRANCH, FILE, None)
    one.settle()
    assert "deleted" in one.answers(f"k{sha[:12]}")[0]
    assert corrections(one) == []
    assert labels(table(github))["r1"] == "negative"


def test_a_commit_that_changes_no_label_is_answered_once(one: Stage, github: GitHub) -> None:
    """Lines in another order, one of them deleted."""
    head, *lines = table(github).splitlines(keepends=True)
    sha = github.as_("alice").write(BRANCH, FILE, head + lines[0])
    one.settle()
    one.settle()
    [answer] = one.answers(f"k{sha[:12]}")
    assert "nothing changes" in answer
    assert len(labels(table(github))) == 3
    assert one.runs() == ["c-000001/collect/1"]


def test_a_memory_that_is_lost_corrects_nothing_twice(one: Stage, github: GitHub) -> None:
    """Which commits were heard is on the record; the answers are found again."""
    edits(one, "alice", r1="postive", r2="positive")
    edits(one, "bob", r3="negative")
    before = one.picture()
    rooms = one.house.rooms
    rooms.claim("c-000001", 0, 1)
    rooms.keep("c-000001", "not what was kept", pull=None, open=True)
    rooms.leave("c-000001")
    one.open("after")
    one.settle()
    assert one.picture() == before


@pytest.mark.parametrize("lost", ["POST", "GET"])
def test_a_crash_between_the_rerun_and_its_answer_loses_neither(one: Stage, github: GitHub, lost: str) -> None:
    """The answer that was not written is written later, with the same words."""
    path = r"/issues/\d+/comments$" if lost == "POST" else r"/contents/"
    github.fail_once(lost, path, status=502)
    sha = github.as_("alice").write(BRANCH, FILE, with_label(table(github), r1="positive", r3="?"))
    one.wait(minutes=10)
    one.wait(minutes=10)
    [answer] = one.answers(f"k{sha[:12]}")
    assert "- negative\n+ positive" in answer
    assert "❌ `line 5`: `?` is no label here" in answer
    assert one.runs() == ["c-000001/collect/1", "c-000001/collect/2"]


def test_the_machine_accounts_own_commits_are_no_corrections(stage: Begun, github: GitHub) -> None:
    """A server with a person's token knows its own commits by their title, and that person's edits by theirs."""
    one = stage(pipeline=LABELLING, second='"1 of bob"', app=False)
    one.begin()
    about = edits(one, "machine", r1="positive")
    assert "One label is corrected" in one.answers(about)[0]
    rooms = one.house.rooms
    rooms.claim("c-000001", 0, 1)
    rooms.keep("c-000001", "{}", pull=None, open=True)
    rooms.leave("c-000001")
    one.open("after")
    one.settle()
    assert len([event for event in one.record() if event.kind == "rerun_asked"]) == 1


def test_a_gate_that_asks_about_labels_costs_one_question_more(one: Stage, github: GitHub) -> None:
    """It is answered nothing new."""
    for _ in range(10):
        one.lobby.turn()
    before = len(github.exchanges)
    for _ in range(3):
        one.lobby.turn()
    assert [each.reply.status for each in github.exchanges[before:]] == [304] * 9
