"""What a server remembers of each cycle's pull request, and marks by name.

Laws:
- A room is attended by one engine at a time: a claim that ends by itself, as for effects.
- Nothing here decides anything. Who loses it finds it again on GitHub, by hidden markers.
"""

from datetime import datetime

from orchestrator.core.events import Delegated
from orchestrator.owner import is_dead
from orchestrator.rows import EVENT
from orchestrator.store import Store


class Rooms:
    """The memory of one engine, named `owner`."""

    def __init__(self, store: Store, owner: str) -> None:
        self.store, self.owner = store, owner

    def open(self, since: int = 2**62) -> list[tuple[str, int]]:
        """(cycle, seq) of every cycle that lives, or whose pull request is not settled yet, or that changed since then
        (microseconds) in a settled one, where somebody may still say something. The oldest first.
        """
        return [(row[0], int(row[1])) for row in self.store.read("rooms_open", since=since)]

    def cycle_of(self, pull: int) -> str | None:
        """The cycle that this pull request shows."""
        rows = self.store.read("room_by_pull", pull=pull)
        return str(rows[0][0]) if rows else None

    def recall(self, cycle: str) -> str | None:
        """What is remembered of the cycle's room, as it was kept."""
        rows = self.store.read("room", cycle=cycle)
        return str(rows[0][0]) if rows else None

    def claim(self, cycle: str, now: int, until: int, empty: str = "{}") -> str | None:
        """What is remembered, for whoever attends to the room until then; None while another engine does that lives."""
        rows = self.store.read("room_owner", cycle=cycle)
        was = rows[0][0] if rows and rows[0][0] and is_dead(rows[0][0]) else ""
        values = {"cycle": cycle, "body": empty, "me": self.owner, "was": was, "now": now, "until": until}
        row = self.store.transaction(lambda cursor: self.store.run(cursor, "room_claim", **values).fetchone())
        return str(row[0]) if row is not None else None

    def keep(self, cycle: str, body: str, *, pull: int | None, open: bool) -> bool:
        """Remember this. False where the room is no longer ours to attend."""
        values = {"cycle": cycle, "body": body, "pull": pull, "open": int(open), "me": self.owner}
        return self.store.transaction(
            lambda cursor: self.store.run(cursor, "room_keep", **values).fetchone() is not None
        )

    def leave(self, cycle: str) -> None:
        """Let others attend to the room."""
        self.store.transaction(lambda cursor: self.store.run(cursor, "room_leave", cycle=cycle, me=self.owner))

    def delegations(self, at: datetime) -> dict[str, Delegated]:
        """Whom everybody has answer in his place at that moment: the newest word of each, by person id."""
        said = [
            event for row in self.store.read("delegated") if isinstance(event := EVENT.validate_json(row[0]), Delegated)
        ]
        newest = {event.by.id: event for event in said}
        return {by: event for by, event in newest.items() if event.until > at and event.to.id != by}

    def head(self, cycle: str) -> str:
        """The hash of the cycle's newest event: the chain up to there can't be changed unseen."""
        return str(self.store.read("head", cycle=cycle)[0][0])


class Marks:
    """Values to be remembered by name."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def get(self, name: str) -> str | None:
        """The value, or None where none was set."""
        rows = self.store.read("mark", mark=name)
        return str(rows[0][0]) if rows else None

    def set(self, name: str, value: str) -> None:
        """Remember the value."""
        self.store.transaction(lambda cursor: self.store.run(cursor, "mark_set", mark=name, value=value))
