"""The workflows of `ratchet init` beside a GitHub and `ratchet serve`: what people press, write and sleep through."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from act import Repository
from composite import HOSTILE
from cryptography.hazmat.primitives.asymmetric import rsa
from issuer import Issuer
from rig.github import GitHub
from scene import Forge, Scene, Vouching
from small_server import SmallServer


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """Who signs identity tokens."""
    one = Issuer()
    yield one
    one.close()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """What `ratchet init` leaves, and a runner that nobody lets into the network."""
    with SmallServer() as network:
        yield Repository(tmp_path_factory.mktemp("runner"), network, network)
        assert network.asked == []


@pytest.fixture
def scene(github: GitHub, issuer: Issuer, repository: Repository, tmp_path: Path) -> Iterator[Scene]:
    """Everything begun; at the end nobody has seen a secret, and GitHub was spoken with well."""
    with Vouching(issuer) as vouching:
        one = Scene(github, tmp_path, issuer, vouching, repository)
        try:
            yield one
        finally:
            if one.server.process.poll() is None:
                one.server.stop()
            one.server.log.close()
        one.unseen(one.server.told)
        assert " ERROR " not in one.server.told
        assert (github.violations.requests, github.violations.answers) == ([], [])


def test_whoever_presses_the_button_may_not_approve(scene: Scene, github: GitHub) -> None:
    """Bob asks and is given his pull request; run again it is the same; his approval counts under no name of his."""
    form = {"set": "collect.rows=240", "reason": "a recall", "wait": "opened"}
    asked = scene.push("bob", run=77, **form)
    assert asked.code == 0, asked.printed
    pull = scene.gate("collect")
    url = github.pull(pull)["html_url"]
    assert f'| Pull request | <a href="{url}">' in asked.printed
    assert "| Reason | a recall |" in asked.printed
    (begun,) = scene.server.http.get("/api/cycles/c-000001/events").json()[:1]
    bob = f"github:{github.user_id('bob')}"
    assert (begun["event"]["initiator"], begun["event"]["trigger"]) == ({"id": bob, "login": "bob"}, "planner")
    assert "by `bob`" in github.pull(pull)["body"]
    again = scene.push("bob", run=77, **form)
    assert (again.code, len(scene.server.cycles()), len(github.pulls())) == (0, 1, 1)
    assert "c-000001 was asked for by this run before" in again.printed
    own = github.as_("bob").comment(pull, "/approve")
    scene.reactions(own, "eyes", "-1")
    github.rename_user("bob", "robert")
    scene.reactions(github.as_("bob").comment(pull, "/approve"), "eyes", "-1")
    scene.reactions(github.as_("alice").comment(pull, "/approve"), "eyes", "+1")


def test_a_run_that_waits_ends_as_people_decide(scene: Scene, github: GitHub) -> None:
    """Green when they agreed and the model is merged; red, with what Alice said, when she did not want it."""
    with ThreadPoolExecutor(1) as aside:
        run = aside.submit(scene.push, "dave", wait="ended")
        for stage, login in (("collect", "alice"), ("learn", "carol")):
            github.as_(login).comment(scene.gate(stage), "/approve")
        ran = run.result()
        assert ran.code == 0, ran.printed
        assert "| State | done |" in ran.printed
        github.until(lambda: bool(github.pull(1)["merged"]))
        run = aside.submit(scene.push, "dave", wait="ended")
        pull = scene.gate("collect", "c-000002")
        github.as_("alice").comment(pull, "/reject these rows are last year's")
        ran = run.result()
    assert ran.code == 1
    assert "| State | rejected |" in ran.printed
    assert f"these rows are last year's: see {github.pull(pull)['html_url']}" in ran.printed
    github.until(lambda: github.pull(pull)["state"] == "closed")
    assert not github.pull(pull)["merged"]


def test_a_failed_run_is_run_again_when_it_was_answered(scene: Scene, github: GitHub) -> None:
    """Red with the cause and where to answer; after /rerun, *Re-run* follows the same cycle to its end."""
    form = {"set": "collect.rows=13", "wait": "ended"}
    with ThreadPoolExecutor(1) as aside:
        run = aside.submit(scene.push, "dave", run=88, **form)
        pull = scene.gate("collect")
        github.as_("alice").comment(pull, "/approve")
        failed = run.result()
        assert failed.code == 1
        assert "c-000001 has failed: " in failed.printed
        assert "thirteen rows are bad luck" in failed.printed
        assert f"answer it with /rerun or /cancel at {github.pull(pull)['html_url']}" in failed.printed
        scene.reactions(github.as_("bob").comment(pull, "/rerun from=collect rows=14"), "eyes", "+1")
        run = aside.submit(scene.push, "dave", run=88, **form)
        scene.gate("collect", attempt=2)
        for stage, login, attempt in (("collect", "alice", 2), ("learn", "carol", 2)):
            scene.gate(stage, attempt=attempt)
            github.as_(login).comment(pull, "/approve")
        again = run.result()
    assert again.code == 0, again.printed
    assert [one["state"] for one in scene.server.cycles()] == ["done"]


def test_a_hostile_form_is_read_as_text(scene: Scene, github: GitHub) -> None:
    """What somebody types as the reason is in the pull request as words: nobody is called, nothing is said by us."""
    reason = " ".join(HOSTILE).replace("\r", "").replace("\n", " ") + " /approve"
    ran = scene.push("bob", reason=reason, wait="opened")
    assert (ran.code, ran.jobs) == (0, 1), ran.printed
    pull = scene.gate("collect")
    assert not (scene.repository.home / "pwned").exists()
    texts = [github.pull(pull)["body"], *(one["body"] for one in github.comments(pull))]
    for sign in ("@everyone", "<script", "![x](http://x.invalid)"):
        assert not any(sign in text for text in texts)
    assert not any(line.startswith("/approve") for line in texts[0].splitlines())
    assert scene.server.cycle()["state"] == "in_review"
    assert scene.ledger() == ["c-000001/collect/1"]


def test_many_tell_of_one_approval_at_once(scene: Scene, github: GitHub) -> None:
    """Five deliveries at one moment, two relays and a re-run of the form: one decision, one run of what comes next."""
    scene.push("dave", run=99, wait="opened")
    pull = scene.gate("collect")
    github.settle()
    github.drop_webhooks()
    comment = github.as_("alice").comment(pull, "/approve")
    number = github.deliveries.index(next(one for one in reversed(github.deliveries) if one.event == "issue_comment"))
    event = github.deliveries[number].payload
    with ThreadPoolExecutor(4) as many:
        relays = [many.submit(scene.begins, "ratchet-review", "issue_comment", "alice", payload=event) for _ in "12"]
        form = many.submit(scene.push, "dave", run=99, wait="opened")
        many.submit(github.redeliver, number, 5, at_once=True).result()
        assert [one.result().code for one in (*relays, form)] == [0, 0, 0]
    scene.reactions(comment, "eyes", "+1")
    scene.gate("learn")
    events = [one["event"] for one in scene.server.http.get("/api/cycles/c-000001/events").json()]
    assert [one["review"]["by"]["login"] for one in events if one["kind"] == "review_given"] == ["alice"]
    assert scene.ledger() == ["c-000001/collect/1", "c-000001/learn/1"]
    assert len(scene.server.cycles()) == 1


def test_votes_count_although_no_webhook_comes(scene: Scene, github: GitHub) -> None:
    """A comment and a review are told by number; whatever the event says they hold stays where it is."""
    scene.push("dave", wait="opened")
    pull = scene.gate("collect")
    github.settle()
    ours = scene.begins("ratchet-review", "issue_comment", github.bot, payload=scene.lost("issue_comment"))
    assert (ours.code, ours.jobs) == (0, 0), "what the server writes itself starts no job"
    github.drop_webhooks()
    comment = github.as_("alice").comment(pull, "/approve")
    event = scene.lost("issue_comment")
    event["comment"]["body"] = "\n".join([*HOSTILE, "what the event says, and nobody else"])
    assert github.reactions(comment) == []
    ran = scene.begins("ratchet-review", "issue_comment", "alice", payload=event)
    assert (ran.code, ran.jobs) == (0, 1), ran.printed
    scene.reactions(comment, "eyes", "+1")
    scene.gate("learn")
    github.as_("carol").review(pull, "APPROVE", "fine")
    merge = {"ref": f"refs/pull/{pull}/merge", "payload": scene.lost("pull_request_review")}
    ran = scene.begins("ratchet-review", "pull_request_review", "carol", **merge)
    assert (ran.code, ran.jobs) == (0, 1), ran.printed
    github.until(lambda: bool(github.pull(pull)["merged"]))
    assert scene.ledger() == [f"c-000001/{stage}/1" for stage in ("collect", "learn", "ship")]
    assert not (scene.repository.home / "pwned").exists()
    for place, said in scene.everything(ran).items():
        assert b"and nobody else" not in said, place
        assert b"PWNED" not in said, place


def test_a_night_begins_what_is_due_once(scene: Scene, github: GitHub) -> None:
    """Two nightly runs at one moment, and another in the morning: one cycle, and the reason for every other answer."""
    github.until(lambda: "the pipeline file is right" in scene.server.told)  # its own clock looks again in a minute
    scene.known_since("sentiment", timedelta(hours=2))
    github.write("ratchet.yaml", scene.nightly(timedelta(minutes=30)))
    with ThreadPoolExecutor(2) as nights:
        runs = [nights.submit(scene.begins, "ratchet-nightly", "schedule", "dave") for _ in "12"]
    both = [run.result() for run in runs]
    assert [run.code for run in both] == [0, 0], both
    assert sorted("| sentiment: c-000001 began: " in run.printed for run in both) == [False, True], both
    scene.gate("collect")
    morning = scene.begins("ratchet-nightly", "schedule", "dave")
    assert "sentiment: c-000001 began before: it is not time: the next time is " in morning.printed
    assert "### Ratchet, " in morning.printed
    assert "0 of 2 began" in morning.printed
    assert "tones: skipped: the schedule is new: the next time is " in both[0].printed + both[1].printed
    assert "| tones | skipped | it is not time&#58; the next time is " in morning.printed
    assert (len(scene.server.cycles()), len(github.pulls())) == (1, 1)
    assert "because its schedule came due" in github.pulls()[0]["body"]


FORGERIES: dict[str, tuple[Forge, str]] = {
    "of another repository": (
        lambda issuer, said: issuer.token(**said | {"repository": "mallory/models"}),
        "it is of repository mallory/models, and not of acme/models",
    ),
    "expired": (
        lambda issuer, said: issuer.token(**said | {"iat": 1_700_000_000, "nbf": None, "exp": 1_700_000_300}),
        "it has expired",
    ),
    "not signed": (
        lambda issuer, said: jwt.encode(issuer.claims(**said), None, algorithm="none", headers={"kid": "one"}),
        "it is not signed with RS256",
    ),
    "signed by somebody else": (
        lambda issuer, said: issuer.token(key=rsa.generate_private_key(65537, 2048), **said),
        "its signature is wrong",
    ),
}


def test_forged_tokens_begin_nothing(scene: Scene, github: GitHub) -> None:
    """Each is red with a sentence that says what is wrong; nothing has begun, and no part of it is in any log. A true
    one for somebody else, or of a pull request's own workflow (which may relay), is no better.
    """
    form = {"pipeline": "sentiment", "wait": "none"}
    for what, (forge, told) in FORGERIES.items():
        ran = scene.begins("ratchet-retrain", "workflow_dispatch", "bob", inputs=form, forge=forge)
        assert ran.code == 1, what
        assert f"refused (401): the workflow's token is refused: {told}" in ran.printed
        assert f"the workflow's token is refused: {told}" in scene.server.told
    elsewhere = {"RATCHET_AUDIENCE": "https://elsewhere.example"}
    merge = "refs/pull/1/merge"
    for other, told, cure in (
        ({"variables": elsewhere}, "it is for another audience", "RATCHET_AUDIENCE"),
        ({"ref": merge}, f"retrain.yml@{merge} is not one of acme/models on its branch main", "RATCHET_OIDC_WORKFLOWS"),
    ):
        ran = scene.begins("ratchet-retrain", "workflow_dispatch", "bob", inputs=form, **other)
        assert ran.code == 1
        assert told in ran.printed
        assert cure in ran.printed.partition(told)[2]
    assert len(scene.vouching.given) == len(FORGERIES) + 2
    assert (scene.server.cycles(), github.pulls()) == ([], [])


def test_a_server_that_is_away_for_a_while(scene: Scene, github: GitHub) -> None:
    """It is asked again until it is there, and once more while the run waits; what never comes back is said."""
    scene.server.kill()
    with ThreadPoolExecutor(1) as aside:
        run = aside.submit(scene.push, "dave", wait="ended", pause=0.5)
        github.until(lambda: scene.vouching.given != [])
        scene.server.start()
        pull = scene.gate("collect")
        scene.server.kill()
        scene.server.start()
        github.as_("alice").comment(pull, "/approve")
        github.as_("carol").comment(scene.gate("learn"), "/approve")
        ran = run.result()
    assert ran.code == 0, ran.printed
    assert [one["state"] for one in scene.server.cycles()] == ["done"]
    scene.server.kill()
    ran = scene.push("dave", wait="opened", pause=0.01)
    assert ran.code == 1
    address = scene.server.address
    assert f"{address} can't be reached (Connection refused): check that the server runs" in ran.printed
    assert len(github.pulls()) == 1
