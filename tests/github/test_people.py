"""Who stands behind the names in a gate, as GitHub says just now."""

from datetime import UTC, datetime, timedelta

import pytest
from rig.github import GitHub
from stage import STAGES

from orchestrator.config import read
from orchestrator.core.events import Delegated, Triggered
from orchestrator.core.gate import Gate, Person
from orchestrator.core.machine import advance
from orchestrator.core.model import Trigger
from reviewers.github.people import GitHubPeople
from reviewers.github.protocol import Unreachable
from reviewers.github.repository import Repository, User
from reviewers.github.transport import Transport

SECOND = '"1 of @acme/ml", "1 of @planners", "1 of @anyone"'
NOW = datetime(2026, 11, 20, tzinfo=UTC)


class Town:
    """People of one GitHub, and a cycle that dave began."""

    def __init__(self, github: GitHub) -> None:
        self.github = github
        login = {"app_id": str(github.app_id), "private_key": github.private_key}
        self.transport = Transport(github.url, repository="acme/models", pace=0, sleep=lambda seconds: None, **login)
        self.words: dict[str, Delegated] = {}
        repository = Repository(self.transport.send, "acme/models")
        self.people = GitHubPeople(repository, ["Dependabot[bot]"], lambda: self.words)
        pipeline = read(STAGES.format(first='"1 of alice"', second=SECOND)).pipelines["words"]
        born = Triggered(at=NOW, cycle="c-000001", pipeline=pipeline, trigger=Trigger.PLANNER, initiator=self("dave"))
        self.cycle = advance(None, born).cycle

    def __call__(self, login: str) -> Person:
        return Person(id=f"github:{self.github.user_id(login)}", login=login)

    def behind(self, clause: str, *asking: str, **more: object) -> list[str] | str:
        """The logins behind a name, or why it can't be read."""
        gate = Gate(require=(clause,), **more)
        roster = self.people.roster(gate, self.cycle, [self(login) for login in asking])
        name = clause.split()[-1]
        if name in roster.unreadable:
            return roster.unreadable[name]
        known = {self(login).id: login for login in ("alice", "bob", "carol", "dave", "erin", "mallory")}
        return [known[one] for one in roster.members[name]]

    def sends(self, away: str, to: str) -> None:
        until = NOW + timedelta(days=3)
        said = Delegated(at=NOW, id=f"d {away}", by=self(away), to=self(to), until=until)
        self.words[said.by.id] = said


@pytest.fixture
def town(github: GitHub):
    one = Town(github)
    yield one
    one.transport.close()


@pytest.mark.parametrize(
    ("clause", "logins"),
    [
        ("1 of ALICE", ["alice"]), ("must bob", ["bob"]), ("1 of @acme/ml", ["alice", "bob"]),
        ("1 of @planners", ["alice", "carol"]),
        ("1 of @write", ["alice", "dave", "erin"]), ("1 of @anyone", ["alice", "dave", "erin"]),
        ("1 of @maintain", ["dave", "erin"]), ("1 of @admin", ["erin"]),
    ],
)  # fmt: skip
def test_a_name_is_the_people_behind_it(town: Town, clause: str, logins: list[str]) -> None:
    """Roles are counted among those who answer; lists and teams as they are."""
    assert town.behind(clause, "alice", "dave", "erin", "mallory") == logins


def test_a_list_is_as_long_as_who_is_left_of_it(town: Town, github: GitHub) -> None:
    """Who has no access any more, or is nobody, fills no seat."""
    github.set_role("carol", "none")
    assert town.behind("1 of @planners") == ["alice"]
    assert town.behind("1 of carol") == []


def test_what_cannot_be_read_says_why(town: Town, github: GitHub) -> None:
    """Nobody has the login; there is no such team, or it may not be seen; the server may not read teams."""
    assert town.behind("1 of nobody-here") == "nobody on GitHub has the login nobody-here"
    assert town.behind("1 of @alice") == "@alice is none of the groups in ratchet.yaml"
    assert "there is no such team" in town.behind("1 of @acme/nothing")
    github.fail_once("GET", "/teams/", status=403)
    assert "Members: read" in town.behind("1 of @acme/ml")
    github.fail_once("GET", "/collaborators/", status=403)
    assert "403" in town.behind("1 of @write", "alice")


def test_a_github_that_is_away_is_no_answer(town: Town, github: GitHub) -> None:
    """`roster` says so of every name, `read` raises: who waits is told later, and nobody is refused for it."""
    github.down()
    assert "503" in town.behind("1 of @acme/ml")
    with pytest.raises(Unreachable):
        town.people.read(Gate(require=("1 of alice",)), town.cycle, [])
    with pytest.raises(Unreachable):
        town.people.asks(town.cycle, town("alice"))


def test_people_are_numbers(town: Town) -> None:
    """Somebody who took over a login is nobody; so is who comes from another house."""
    assert town.people.role(town("alice")) == "write"
    for other in ("github:999", "os:1000", "github:x", "policy:no_regression"):
        assert town.people.role(Person(id=other, login="alice")) == "none"


def test_bots_count_only_where_they_are_listed(town: Town) -> None:
    """In any case of letters; an organization never does."""
    assert town.people.counts(User(id=1, login="alice"))
    assert town.people.counts(User(id=2, login="dependabot[bot]", type="Bot"))
    assert not town.people.counts(User(id=3, login="other[bot]", type="Bot"))
    assert not town.people.counts(User(id=4, login="acme", type="Organization"))
    with pytest.raises(KeyError):
        town.people.person("ratchet[bot]")


def test_somebody_answers_in_anothers_place(town: Town) -> None:
    """One step, whatever the order in which it was said; one seat for who stands in for two."""
    town.sends("bob", "carol")
    town.sends("alice", "bob")
    assert town.behind("2 of @acme/ml") == ["bob", "carol"]
    town.sends("alice", "carol")
    assert town.behind("2 of @acme/ml") == ["carol"]
    town.sends("alice", "mallory")
    assert town.behind("2 of @acme/ml") == ["alice", "carol"]


def test_who_is_barred_has_nobody_answer_instead(town: Town) -> None:
    """Neither does the initiator by delegating; elsewhere he may."""
    town.sends("dave", "erin")
    assert town.behind("1 of dave", not_initiator=True) == ["dave"]
    assert town.behind("1 of dave") == ["erin"]


def test_whom_a_gate_of_the_pipeline_asks(town: Town, github: GitHub) -> None:
    """By name or team, away or in somebody's place; `@anyone` asks nobody in particular."""
    town.sends("bob", "carol")
    asked = {login: town.people.asks(town.cycle, town(login)) for login in ("alice", "bob", "carol", "erin")}
    assert asked == {"alice": True, "bob": True, "carol": True, "erin": False}
    github.fail_once("GET", "/teams/", status=403)
    assert not town.people.asks(town.cycle, town("bob"))
    assert town.people.asks(town.cycle, town("carol"))
