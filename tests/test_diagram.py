"""The picture of the machine is the machine."""

from pathlib import Path

from orchestrator.core.events import KEPT
from orchestrator.core.machine import EDGES
from orchestrator.core.model import State
from orchestrator.diagram import mermaid, page

DOCS = Path(__file__).parent.parent / "docs"


def test_the_page_is_drawn_from_the_edges_as_they_are() -> None:
    """A change of `EDGES` without `make docs` is found here."""
    assert (DOCS / "machine.md").read_text() == page()


def test_every_edge_is_in_the_picture() -> None:
    """No arrow is lost on the way from the table to the diagram, and every state is reached."""
    drawn = mermaid()
    for (state, event), edge in EDGES.items():
        if event not in KEPT:
            assert all(f"    {state} --> {to}: " in drawn for to in edge.to)
    assert all(f"--> {state}: " in drawn for state in State)
