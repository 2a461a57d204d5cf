"""The rig is a GitHub: each thing that it adds to emulate, and each fault, by plain HTTP."""

import httpx
from rig.github import GitHub


def client(github: GitHub, login: str = "machine") -> httpx.Client:
    """Somebody with a plain token."""
    return httpx.Client(base_url=github.url, headers={"authorization": f"Bearer {github.token(login)}"})


def opened(github: GitHub) -> int:
    """A pull request of the machine's."""
    github.as_("machine").branch("ratchet/c-000001", github.tip() or "")
    github.write("cycles/c-000001/request.json", "{}", branch="ratchet/c-000001")
    return github.as_("machine").open("ratchet/c-000001", "Cycle c-000001")


def test_a_comment_is_seen_by_another(github: GitHub) -> None:
    """What alice writes, the machine reads."""
    pull = opened(github)
    comment = github.as_("alice").comment(pull, "/approve")
    (seen,) = client(github).get(f"/repos/acme/models/issues/{pull}/comments").json()
    assert (seen["id"], seen["user"]["login"], seen["body"]) == (comment, "alice", "/approve")
