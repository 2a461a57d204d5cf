"""The life of a cycle as a picture, drawn from `EDGES`: `python -m orchestrator.diagram docs/machine.md`."""

import re
import sys
from pathlib import Path

from orchestrator.core.events import KEPT, Triggered
from orchestrator.core.machine import EDGES
from orchestrator.core.model import State

_HEAD = """# The life of a cycle

Drawn from `EDGES` in `orchestrator/core/machine.py` by `make docs`; a test fails when it is stale. What is not an edge
cannot happen: the event is refused, and a refusal of something that a person said is kept on the record.
`held` is a flag beside the state: a held cycle takes answers and starts nothing.

"""


def words(name: str) -> str:
    """`RunFinished` as `run finished`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def mermaid() -> str:
    """The Mermaid state diagram of `EDGES`; events that change nothing are left out."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, event), edge in EDGES.items():
        if event not in KEPT:
            for to in sorted(edge.to):
                arrows.setdefault((state, to), []).append(words(event.__name__))
    lines = ["stateDiagram-v2", f"    [*] --> {State.QUEUED}: {words(Triggered.__name__)}"]
    for state in State:
        lines += [
            f"    {state} --> {to}: {', '.join(events)}" for (start, to), events in arrows.items() if start is state
        ]
    return "\n".join([*lines, *(f"    {state} --> [*]" for state in State if state.ended)])


def table() -> str:
    """The edges as a Markdown table."""
    rows = ["| in | event | leads to |", "|---|---|---|"]
    for (state, event), edge in EDGES.items():
        rows.append(f"| {state} | {words(event.__name__)} | {', '.join(sorted(edge.to))} |")
    return "\n".join(rows)


def page() -> str:
    """The whole of `docs/machine.md`."""
    return f"{_HEAD}```mermaid\n{mermaid()}\n```\n\n{table()}\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
