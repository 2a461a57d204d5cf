"""People who want more than is theirs, and what they write."""

import pytest
from stage import Begun
from stage import stages as stages

from orchestrator.core.model import State


@pytest.mark.parametrize(
    "until",
    ["2030-01-01T00:00:00+23:59:59.999999", "9999-12-31T23:59:59-14:00", "99999999d", "2030-01-01T00:00+00:00:30"],
)
def test_a_time_that_the_record_could_not_be_read_with_stands_in_nobody_s_way(stage: Begun, until: str) -> None:
    """Alice lends her voice until a time whose zone no JSON says: she is told so, and every room goes on."""
    one = stage(second='"1 of bob"')
    one.begin()
    comment = one.says("alice", f"/delegate @bob until={until}")
    assert one.marks(comment) == ["eyes", "confused"]
    assert "is not a time" in one.answers(comment)[0]
    assert one.house.rooms.delegations(one.clock.now()) == {}
    one.says("alice", "/approve")
    one.says("bob", "/approve")
    assert one.cycle().state is State.DONE


def test_a_zone_of_minutes_is_a_time(stage: Begun) -> None:
    """Half past five hours east of Greenwich is a place where people live."""
    one = stage()
    one.begin()
    one.says("alice", "/delegate @bob until=2099-01-01T00:00+05:30")
    one.says("bob", "/approve")
    assert one.cycle().stage.name == "learn"
