"""The 27 faults of the direct predecessor, each by the name that it has there, and what happens here instead.

Not here, because nothing here could have them: 4 (what a notice renders is `reviewers/notice.py`'s, and its tests'),
24 (no module asks the network when it is imported, and state is written in transactions: `test_stories_many.py` has
two servers at once), 27 (how an image is built).
"""

import pytest
from rig.github import GitHub
from stage import Begun
from stage import stages as stages

from orchestrator.core.model import State

DONE = ["c-000001/collect/1", "c-000001/learn/1", "c-000001/ship/1"]


def test_1_2_every_command_is_known_by_its_name(stage: Begun) -> None:
    """There, `/rerun` and three others answered with the help text, and would have crashed."""
    one = stage()
    one.begin()
    for text in ("/rerun", "/status", "/hold", "/unhold", "/cancel enough"):
        assert one.marks(one.says("dave", text)) == ["eyes", "+1"]
    assert one.runs() == ["c-000001/collect/1", "c-000001/collect/2"]
    assert one.cycle().state is State.CANCELLED


def test_3_an_approval_is_taken_back(stage: Begun) -> None:
    """There, every `/dismiss` crashed, and would have approved."""
    one = stage(first='"2 of @planners"')
    one.begin()
    one.says("alice", "/approve")
    one.says("alice", "/unapprove")
    one.says("carol", "/approve")
    assert one.approvals() == ["carol"]
    assert one.cycle().state is State.IN_REVIEW


def test_5_a_stranger_fills_no_seat(stage: Begun, github: GitHub) -> None:
    """There, one reviewer and one outsider met `minimum_approval: 2` and deployed."""
    github.set_role("mallory", "read")
    one = stage(first='"2 of @planners"')
    one.begin()
    one.says("alice", "/approve")
    assert one.marks(one.says("mallory", "/approve")) == ["eyes", "-1"]
    assert one.cycle().state is State.IN_REVIEW
    assert one.runs() == ["c-000001/collect/1"]


def test_6_nobody_starts_anything_by_opening_something(stage: Begun, github: GitHub) -> None:
    """There, any issue began a process. Here a pull request that looks like ours is nobody's cycle."""
    one = stage()
    one.begin()
    github.as_("erin").branch("ratchet/c-000002", github.tip())
    github.write("cycles/c-000002/request.json", "{}", "ratchet/c-000002")
    forged = github.as_("erin").open("ratchet/c-000002", "c-000002: retrain words")
    github.as_("alice").comment(forged, "<!-- ratchet:status c-000002 -->\n\n/approve")
    one.deliver(id="forged", number=forged)
    one.settle()
    assert [cycle.id for cycle in one.desk.journal.cycles()] == ["c-000001"]
    assert one.house.inbox.waiting() == []
    assert one.approvals() == []


def test_7_what_fails_beside_the_deciding_approval_does_not_lose_it(stage: Begun, github: GitHub) -> None:
    """There, a notice that could not be sent lost the approval before it was stored."""
    one = stage()
    one.begin()
    github.fail_once("POST", "/reactions$", status=500)
    github.fail_once("PATCH", "/issues/comments/", status=500)
    comment = github.as_("alice").comment(one.pull, "/approve")
    one.settle()
    one.wait(minutes=5)
    assert one.cycle().stage.name == "learn"
    assert one.marks(comment) == ["eyes", "+1"]


def test_8_9_a_step_that_fails_bricks_nothing(stage: Begun) -> None:
    """There, a dispatch that failed left an empty state, and no command could repair it."""
    one = stage(second='"1 of bob"')
    one.begin(collect={"rows": "13"})
    one.says("alice", "/approve")
    assert one.cycle().state is State.FAILED
    one.says("dave", "/rerun from=collect rows=14")
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE


def test_10_a_label_that_somebody_removed_is_in_nobodys_way(stage: Begun, github: GitHub) -> None:
    """There, the clean-up aborted with 404 until somebody put the label back."""
    one = stage()
    one.begin()
    for label in ("ratchet", "ratchet%3Ain%20review"):
        assert github.site.ask("DELETE", f"/repos/acme/models/issues/{one.pull}/labels/{label}").ok
    one.says("alice", "/approve")
    assert one.cycle().stage.name == "learn"
    one.look_closely()
    assert sorted(github.labels(one.pull)) == ["ratchet", "ratchet:in review"]


def test_11_the_same_comment_again_agrees_to_nothing_else(stage: Begun, github: GitHub) -> None:
    """There, running an Action again approved the next stage, and the next, up to the end."""
    one = stage(second='"1 of alice"')
    one.begin()
    comment = one.says("alice", "/approve")
    for number in range(3):
        one.deliver(id=f"again {number}", comment_id=comment)
        one.open(f"server {number}")
        one.settle()
    assert one.cycle().stage.name == "learn"
    assert one.approvals() == []
    assert one.runs() == DONE[:2]


def test_12_18_state_is_in_no_comment(stage: Begun, github: GitHub) -> None:
    """There, state was in the first comment of an account: overwritten, forged, deleted with the process."""
    one = stage(app=False, first='"1 of machine"', second='"1 of bob"')
    earlier = '<?castanets {"stage": 2}?> <!-- ratchet:status c-000001 --> words of the account\'s owner'
    one.begin()
    mine = one.says("machine", earlier)
    github.as_("machine").comment(one.pull, "an ordinary comment")
    for said in github.comments(one.pull):
        if said["body"].startswith("<!-- ratchet"):
            github.as_("erin").delete(said["id"])
    one.look_closely()
    assert any(said["id"] == mine and said["body"] == earlier for said in github.comments(one.pull))
    assert [len(one.posts(kind)) for kind in ("status", "gate")] == [1, 1]
    one.says("machine", "/approve")
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE


def test_13_the_owner_of_the_token_may_approve(stage: Begun) -> None:
    """There, that person's comments were ignored, and the gate that named this person never opened."""
    one = stage(app=False, first='"must machine"')
    one.begin()
    assert one.marks(one.says("machine", "/approve")) == ["eyes", "+1"]
    assert one.cycle().stage.name == "learn"


def test_14_logins_are_the_same_in_any_case(stage: Begun) -> None:
    """There, `must_review: Alice` was never satisfied by alice."""
    one = stage(first='"must ALICE"')
    one.begin()
    assert one.marks(one.says("alice", "/approve")) == ["eyes", "+1"]


@pytest.mark.parametrize("text", ["/", "/usr/bin/x", "/cc @bob", "see / above"])
def test_15_what_only_looks_like_a_command_is_left_alone(stage: Begun, text: str) -> None:
    """There, a slash crashed, paths got the help text, and `/Approve` or a second line was ignored."""
    one = stage()
    one.begin()
    assert one.marks(one.says("alice", text)) == []
    assert one.marks(one.says("alice", f"{text}\n\n  /Approve")) == ["eyes", "+1"]


@pytest.mark.parametrize(
    "value", ["x & y", "<b>", "1\nreview: []", "{{ github.token }}", "!!python/object:os.system", "$(id)"]
)
def test_16_17_a_value_is_a_value(stage: Begun, value: str) -> None:
    """There, a value was pasted into YAML and templates, and passed a gate by itself."""
    one = stage()
    one.begin()
    gates = [one_.gate for one_ in one.cycle().pipeline.stages]
    one.says("dave", f"/rerun rows='{value}'")
    assert one.runs() == ["c-000001/collect/1"]
    assert [one_.gate for one_ in one.cycle().pipeline.stages] == gates
    assert one.cycle().state is State.IN_REVIEW


def test_19_a_stage_runs_after_its_gate(stage: Begun) -> None:
    """There, deploying began the moment that training was approved, and the review judged a finished deployment."""
    one = stage(second='"1 of bob"')
    one.begin()
    assert one.runs() == DONE[:1]
    one.says("alice", "/approve")
    assert one.runs() == DONE[:2]
    one.says("alice", "/approve")
    assert one.runs() == DONE[:2]
    one.says("bob", "/approve")
    assert one.runs() == DONE


def test_20_nothing_is_agreed_to_before_it_is_there(stage: Begun, github: GitHub) -> None:
    """There, `/approve` counted while the workflow ran, and after it had failed."""
    one = stage()
    one.desk.trigger(one.pipeline, "planner", initiator=one.person("dave"))
    one.lobby.turn()
    assert one.cycle().state is State.QUEUED
    comment = github.as_("alice").comment(one.pull, "/approve")
    one.settle()
    assert one.marks(comment)[-1] == "-1"
    assert one.cycle().state is State.IN_REVIEW
    assert one.approvals() == []


def test_21_what_was_agreed_to_is_what_goes_on(stage: Begun, github: GitHub) -> None:
    """There, what was deployed was what the planner had typed, and approvals survived a rerun."""
    one = stage(second='"1 of bob"')
    one.begin()
    one.says("alice", "/approve")
    asked = one.digest
    one.says("dave", "/rerun rate=0.2")
    assert one.marks(one.says("bob", f"/approve {asked[:12]}")) == ["eyes", "-1"]
    assert one.cycle().stage.name == "learn"
    one.says("bob", "/approve")
    assert one.cycle().runs[-1].stage == "ship"
    assert one.cycle().runs[1].outputs["score"] == pytest.approx(1.6)


def test_22_text_that_is_edited_changes_no_stage(stage: Begun, github: GitHub) -> None:
    """There, editing the issue's body, or the file on the branch, changed what came next."""
    one = stage(second='"1 of bob"')
    one.begin()
    github.as_("erin").title(one.pull, "c-000001: approved by everybody")
    github.write("cycles/c-000001/request.json", '{"stages": []}', "ratchet/c-000001")
    github.write("ratchet.yaml", "pipelines: {}", "main")
    one.says("alice", "/approve")
    assert one.runs() == DONE[:2]
    one.says("alice", "/approve")
    assert one.cycle().state is State.IN_REVIEW


def test_23_a_burst_of_comments_loses_none(stage: Begun, github: GitHub) -> None:
    """There, GitHub kept one pending run of a shared concurrency group, and dropped approvals."""
    one = stage(first='"2 of @planners", "1 of bob", "1 of @admin"')
    one.begin()
    comments = [github.as_(login).comment(one.pull, "/approve") for login in ("alice", "bob", "carol", "erin")]
    chatter = [github.as_("dave").comment(one.pull, f"me too {number}") for number in range(5)]
    one.settle()
    assert [one.marks(comment) for comment in comments] == [["eyes", "+1"]] * 4
    assert [one.marks(comment) for comment in chatter] == [[]] * 5
    assert one.cycle().stage.name == "learn"


def test_25_everything_is_on_the_record(stage: Begun) -> None:
    """There, approvers were wiped at each transition, and no time, comment or reason was kept."""
    one = stage()
    one.begin()
    refused = one.says("bob", "/approve")
    comment = one.says("alice", "/approve the numbers are right")
    given = next(event.review for event in one.record() if event.kind == "review_given")
    assert (given.by.login, given.reason) == ("alice", "the numbers are right")
    assert given.id == f"github:comment:{comment}:1"
    assert "sha256:" in given.evidence
    assert [event.id for event in one.record() if event.kind == "refused"] == [f"github:comment:{refused}:1"]


def test_26_an_enterprise_server_is_asked_where_it_is(emulator: object, github_apps: list, stage: Begun) -> None:
    """There, `api.github.com` was written into the code, and `GITHUB_TOKEN` could not ask who it is."""
    with GitHub(emulator, apps=github_apps, prefix="/api/v3") as github:
        one = stage("enterprise", at=github, second='"1 of bob"')
        one.begin()
        one.says("alice", "/approve")
        one.says("bob", "/approve")
        assert one.cycle().state is State.DONE
        assert github.pulls()[0]["merged_at"]
