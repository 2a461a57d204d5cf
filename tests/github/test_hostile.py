"""What somebody tries who may write here, or may not, and is not asked."""

from rig.github import GitHub
from stage import Begun
from stage import stages as stages

from orchestrator.core.events import Held
from orchestrator.core.gate import Person
from reviewers.github.room import PATIENCE


def test_a_push_between_our_look_and_our_commit_is_not_merged(stage: Begun, github: GitHub) -> None:
    """What we build on is what we looked at; when that has moved, we look again."""
    one = stage(second='"1 of bob"')
    one.begin()
    github.when("GET", r"/git/ref/heads/ratchet", lambda: github.write("ratchet.yaml", "evil", "ratchet/c-000001"))
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    one.wait(minutes=10)
    assert github.pulls()[0]["merged_at"]
    assert "ratchet.yaml" not in github.files("main")


def test_a_pull_request_that_is_sent_elsewhere_is_not_merged(stage: Begun, github: GitHub) -> None:
    """Its base is changed by hand: that is said, and when it is changed back it is merged."""
    one = stage(second='"1 of bob"')
    bob = github.as_("bob")
    bob.branch("elsewhere", github.tip())
    one.begin()
    bob._do("PATCH", f"pulls/{one.pull}", {"base": "elsewhere"})
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert not github.pulls()[0]["merged_at"]
    assert "change its base back" in one.answers(f"merge-{one.cycle().id}")[0]
    bob._do("PATCH", f"pulls/{one.pull}", {"base": "main"})
    one.wait(minutes=10)
    assert github.pulls()[0]["merged_at"]
    assert "cycles/c-000001/README.md" in github.files("main")


def test_a_namesake_of_the_holder_lets_nothing_go(stage: Begun, github: GitHub) -> None:
    """Somebody with a token of the server named mallory holds the cycle; mallory of GitHub is a stranger."""
    one = stage()
    github.set_role("mallory", "read")
    one.begin()
    holder = Person(id="login:mallory", login="mallory")
    one.desk.submit("c-000001", Held(at=one.clock.now(), id="api:1", by=holder, reason="wait"))
    assert one.marks(one.says("mallory", "/unhold")) == ["eyes", "-1"]
    assert one.cycle().held


def test_a_team_member_without_a_role_in_the_repository_fills_no_seat(stage: Begun, github: GitHub) -> None:
    """Teams are the organisation's; who may answer here has access here."""
    one = stage(first='"1 of @acme/safety"')
    github.set_role("carol", "none")
    cycle = one.begin()
    roster = one.house.people.roster(cycle.stage.gate, cycle, [one.person("carol")])
    assert roster.members == {"@acme/safety": ()}


def test_a_room_that_can_t_be_attended_does_not_mute_the_others(stage: Begun, github: GitHub) -> None:
    """A thousand deliveries wait for one; the next one for another is heard."""
    one = stage(poll=3600.0)
    one.begin()
    one.begin()
    first, second = (pull["number"] for pull in github.pulls())
    visit = one.lobby._visits["c-000002"]
    visit.failures, visit.due = 5, one.clock.monotonic() + 3000
    for number in range(1000):
        one.deliver(id=f"a{number}", number=second)
    github.as_("alice").comment(first, "/approve")
    one.deliver(id="b", number=first)
    one.look()
    one.look()
    assert one.cycle("c-000001").opening is None or one.cycle("c-000001").stage.name == "learn"


def test_a_stranger_s_many_comments_are_not_all_answered(stage: Begun, github: GitHub) -> None:
    """After thirty refusals a reaction has to do; everybody else is answered as before."""
    one = stage()
    github.set_role("mallory", "read")
    one.begin()
    for number in range(PATIENCE + 5):
        github.as_("mallory").comment(one.pull, f"/hold {number}")
    one.settle()
    assert len(one.posts("answer")) == PATIENCE
    assert one.answers(one.says("bob", "/approve"))
