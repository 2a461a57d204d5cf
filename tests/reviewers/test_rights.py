"""Who may say what, command by command."""

import pytest
from sentiment import ALICE, BOB, COLLECTED, Story

from orchestrator.core.events import Held
from reviewers.commands import FORMS, parse_line
from reviewers.comment import ROLES
from reviewers.rights import Speaker, objection

SAID = {"delegate": "/delegate @bob until=3d", "reject": "/reject no", "cancel": "/cancel no"}
ROLES_OF_GITHUB = ("none", "read", "triage", "write", "maintain", "admin")
RANK = dict.fromkeys(FORMS, "admin+") | dict.fromkeys(("approve", "unapprove", "reject", "status", "help"), "none")
RANK |= {"rerun": "write", "hold": "write", "cancel": "maintain", "unhold": "maintain", "rollback": "maintain"}


def against(verb, speaker, story):
    command = parse_line(SAID.get(verb, f"/{verb}"))
    return objection(command, speaker, story.cycle)


@pytest.mark.parametrize("verb", FORMS)
@pytest.mark.parametrize("role", ROLES_OF_GITHUB)
def test_a_role_gives_a_right_from_a_rank_on(verb, role):
    """Somebody whom no gate asks, and who neither began nor holds the cycle."""
    least = RANK[verb]
    may = least != "admin+" and ROLES_OF_GITHUB.index(role) >= ROLES_OF_GITHUB.index(least)
    why = against(verb, Speaker(BOB, role), Story().finds(COLLECTED))
    assert (why == "") == may
    if why:
        assert f"/{verb} may be said by" in why
        assert f"bob has the role {role}" in why


@pytest.mark.parametrize("verb", FORMS)
def test_whom_a_gate_asks_may_say_all_but_going_back(verb):
    """Whatever the role is."""
    why = against(verb, Speaker(BOB, "none", asked=True), Story().finds(COLLECTED))
    assert (why == "") == (verb != "rollback")


@pytest.mark.parametrize("verb", FORMS)
def test_whoever_began_the_cycle_may_stop_and_repeat_it(verb):
    """And may not let go what others hold."""
    why = against(verb, Speaker(ALICE, "read"), Story().finds(COLLECTED).hold())
    assert (why == "") == (verb not in ("unhold", "rollback", "delegate"))


def test_whoever_holds_the_cycle_may_let_it_go():
    """With a reason or without; who it is, a name does not tell."""
    for reason in ("", "a moment", "a: b"):
        story = Story().finds(COLLECTED)
        story.happens(Held(at=story.at, id="h", by=BOB, reason=reason))
        assert against("unhold", Speaker(BOB, "read", holds=True), story) == ""
        assert against("unhold", Speaker(BOB, "read"), story) != ""


def test_a_cycle_that_nobody_began_gives_nobody_a_right():
    """A nightly one."""
    story = Story(by=None).finds(COLLECTED)
    assert against("hold", Speaker(BOB, "read"), story) != ""


def test_a_role_that_is_not_known_gives_no_right():
    """Fail closed, and say so."""
    why = against("hold", Speaker(BOB, "unknown: it can't be read"), Story().finds(COLLECTED))
    assert "bob has the role unknown: it can't be read" in why


def test_what_help_says_of_each_command_is_said_for_each():
    """The words of `/help` name every command."""
    assert set(ROLES) == set(FORMS)
