"""Where a benchmark works: its folder, its databases, the peers that are there, and how long it may take."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.contenders import Contender
from benchmarks.environments import Environment
from benchmarks.postgres import Server


class Place(NamedTuple):
    """Given to every measure."""

    folder: Path
    server: Server | None
    peers: Mapping[str, Environment]
    quick: bool

    @property
    def databases(self) -> list[str]:
        """Which there are."""
        return ["sqlite", "postgres"] if self.server else ["sqlite"]

    def url(self, database: str, name: str) -> str:
        """A database of this name, made empty when it is first asked for."""
        if database == "sqlite":
            place = self.folder / name
            place.mkdir(exist_ok=True)
            return f"sqlite:///{place / 'data.db'}"
        assert self.server is not None
        return self.server.url(name.lower())

    def fresh(self, name: str) -> str:
        """A name that nothing has yet."""
        return f"{name}-{next(_NUMBERS)}"

    def start(self, label: str, worker: str, config: Mapping[str, Any], peer: str = "") -> Contender:
        """A worker of ours, or of a peer in that peer's environment. Raises `Silent`."""
        log = self.folder / f"{self.fresh(worker)}.log"
        if peer:
            return Contender(label, worker, config, log, self.peers[peer].python)
        return Contender(label, worker, config, log)


_NUMBERS = itertools.count(1)
