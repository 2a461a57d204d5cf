"""The page on the environment is the environment."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
INSIDE = {"RATCHET_RUN", "RATCHET_WORK", "RATCHET_FENCE", "RATCHET_ORDER", "RATCHET_RAY", "RATCHET_PRIVACY_FINGERPRINT"}
"""What we hand to our own processes."""
ELSEWHERE = {"RATCHET_AUDIENCE", "RATCHET_PAUSE"}
"""What belongs to the actions: docs/actions.md."""


def test_every_variable_that_is_read_is_on_the_page_and_no_other() -> None:
    """Named in the code as a text of its own, and in the table."""
    sources = [one for folder in ("orchestrator", "reviewers", "steps") for one in (ROOT / folder).rglob("*.py")]
    text = "\n".join(one.read_text() for one in sources)
    read = set(re.findall(r'"((?:RATCHET_[A-Z_]+|GITHUB_API_URL))"', text)) - INSIDE - ELSEWHERE
    page = (ROOT / "docs" / "environment.md").read_text()
    written = set(re.findall(r"`(RATCHET_[A-Z_]+|GITHUB_API_URL)`", page.partition("| variable")[2])) - INSIDE
    assert written == read
