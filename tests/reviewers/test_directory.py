"""Who stands behind a gate's names, as far as the pipeline file itself says."""

from datetime import UTC, datetime

from orchestrator.core.gate import Gate
from orchestrator.core.model import Cycle, Pipeline, Stage, State, Trigger
from reviewers.directory import Directory, person, roster


def pipeline(*require: str, otherwise: tuple[str, ...] = ()) -> Pipeline:
    """A pipeline with one gate, and the groups `ml` and `data`."""
    gate = {"require": require, **({"policy": "no_regression", "else": otherwise} if otherwise else {})}
    stage = Stage.model_validate({"name": "add", "step": "sums:add", "gate": gate})
    return Pipeline(name="sums", stages=(stage,), groups={"ml": ("Alice", "@bob"), "data": ()})


def gate_of(one: Pipeline) -> Gate:
    """The pipeline's only gate."""
    gate = one.stages[0].gate
    assert gate is not None
    return gate


def test_a_server_that_is_connected_to_nothing_knows_tokens_by_their_names() -> None:
    """Whoever has answered is behind @anyone, and nobody else."""
    one, here = pipeline("2 of @anyone", "1 of alice"), Directory()
    at = datetime(2030, 1, 1, tzinfo=UTC)
    cycle = Cycle(
        id="c-000001", seq=1, pipeline=one, trigger=Trigger.API, state=State.QUEUED, began_at=at, changed_at=at
    )
    found = here.roster(gate_of(one), cycle, [here.person("Alice"), here.person("bob")])
    assert found.members == {"@anyone": ("login:alice", "login:bob"), "alice": ("login:alice",)}


def test_groups_of_the_file_and_logins_are_known_whatever_their_case() -> None:
    """A login is compared case-insensitively, with or without its @."""
    one = pipeline("2 of @ml", "must CAROL", "1 of @data")
    found = roster(gate_of(one), one, person("x"))
    assert found.members == {"@ml": ("login:alice", "login:bob"), "CAROL": ("login:carol",), "@data": ()}
    assert person("Carol").id in found.members["CAROL"]


def test_teams_and_roles_cannot_be_read_without_github() -> None:
    """What nobody here can know keeps the gate shut, and says so."""
    one = pipeline("1 of @org/ml", "1 of @write", "1 of @maintain", "1 of @admin", "not_initiator")
    found = roster(gate_of(one), one, person("x"))
    assert set(found.unreadable) == {"@org/ml", "@write", "@maintain", "@admin"}
    assert not found.members


def test_anyone_is_whoever_answers() -> None:
    """The members of @anyone are known only as they come, also in the clauses of `else`."""
    one = pipeline("1 of @anyone", otherwise=("1 of @ml",))
    found = roster(gate_of(one), one, person("zoe"))
    assert found.members["@anyone"] == ("login:zoe",)
    assert "@anyone" in found.uncounted
    assert "@ml" in found.members


def test_a_group_that_is_not_in_the_file_has_a_login_of_that_name_at_most() -> None:
    """`@carol` without a group of that name is the login carol."""
    one = pipeline("1 of @carol")
    assert roster(gate_of(one), one, person("x")).members == {"@carol": ("login:carol",)}
