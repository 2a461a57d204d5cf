"""LangGraph in a kill storm: durability="sync"; who starts it again must invoke the same thread without input.

Whether there is something to continue is read from `created_at`: `next` is empty for a moment after each step.
"""

from typing import Any

from errand import errand
from peer_langgraph import chain, saver
from protocol import config


def main() -> None:
    """Until the graph has ended."""
    wanted = config()

    def body(state: Any) -> dict[str, int]:
        errand(wanted["log"], state["at"])
        return {"at": state["at"] + 1}

    graph = chain(body, saver(wanted["url"]))
    settings = {"configurable": {"thread_id": "storm"}, "recursion_limit": wanted["steps"] + 5}
    begun = graph.get_state(settings).created_at is not None
    found = graph.invoke(None if begun else {"at": 0, "end": wanted["steps"]}, settings, durability="sync")
    assert (found or graph.get_state(settings).values)["at"] == wanted["steps"]


if __name__ == "__main__":
    main()
