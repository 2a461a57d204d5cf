"""`GET /api/events`: what happens, as it happens, to any number of listeners. One task looks for all of them.

Laws:
- While nobody listens nothing is looked for. A listener costs a bounded queue, and who does not read is let go.
- An event's id is `c-000042/7`. Whoever comes back with the last id he saw gets what came after it: exactly, as long as
  this process remembers it; otherwise all since that event, of which some may be known to him by their ids.
"""

import asyncio
import json
import logging
import re
from collections import deque
from collections.abc import AsyncIterator
from typing import NamedTuple

from orchestrator.journal import Journal, Recorded
from orchestrator.server.queries import Queries
from orchestrator.store import Unavailable

log = logging.getLogger("ratchet.server.live")
LOOK = 0.5  # seconds between two looks
HEARTBEAT = 15.0
QUEUE = 1000
REMEMBERED = 10_000
LINGER = 60.0
_ID = re.compile(r"(c-[0-9]{6,18})/([1-9][0-9]{0,8})")


class News(NamedTuple):
    """An event, briefly."""

    cycle: str
    seq: int
    event: str
    at: float

    @property
    def id(self) -> str:
        """What names it."""
        return f"{self.cycle}/{self.seq}"

    def __str__(self) -> str:
        data = json.dumps({"id": self.id, "event": self.event, "cycle": self.cycle, "seq": self.seq})
        return f"id: {self.id}\nevent: {self.event}\ndata: {data}\n\n"


class _Listener:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[News | None] = asyncio.Queue(QUEUE)
        self.dropped = False

    def tell(self, news: News | None) -> None:
        try:
            self.queue.put_nowait(news)
        except asyncio.QueueFull:
            self.dropped = True


class Feed:
    """The news of one database."""

    def __init__(self, journal: Journal, queries: Queries) -> None:
        self._journal, self._queries = journal, queries
        self._listeners: set[_Listener] = set()
        self._remembered: deque[News] = deque(maxlen=REMEMBERED)
        self._heads: dict[str, int] | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def close(self) -> None:
        """Let everybody go."""
        self._closed = True
        for listener in self._listeners:
            listener.dropped = True
            listener.tell(None)
        if self._task is not None:
            self._task.cancel()

    async def listen(self, last: str | None, beat: float = HEARTBEAT) -> AsyncIterator[str]:
        """Lines for one listener, for as long as he reads."""
        listener = _Listener()
        missed = await self._join(listener, last)
        try:
            yield ": ratchet\n\n"
            for news in missed:
                yield str(news)
            while not (self._closed or (listener.dropped and listener.queue.empty())):
                try:
                    told = await asyncio.wait_for(listener.queue.get(), beat)
                except TimeoutError:
                    yield ": still here\n\n"
                else:
                    if told is None:
                        return
                    yield str(told)
        finally:
            self._listeners.discard(listener)

    async def _join(self, listener: _Listener, last: str | None) -> list[News]:
        if self._heads is None:
            self._heads = await asyncio.to_thread(self._queries.heads)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())
        self._listeners.add(listener)
        return await self._missed(last) if last else []

    async def _missed(self, last: str) -> list[News]:
        remembered = list(self._remembered)
        for place, news in enumerate(remembered):
            if news.id == last:
                return remembered[place + 1 :]
        match = _ID.fullmatch(last)
        if match is None:
            return []
        return await asyncio.to_thread(self._since, match[1], int(match[2]), dict(self._heads or {}))

    def _since(self, cycle: str, seq: int, heads: dict[str, int]) -> list[News]:
        """All since that event, of cycles that live or are among the newest, up to `heads`."""
        seen = [_news(one) for one in self._journal.events(cycle, seq - 1)]
        if not seen or seen[0].seq != seq:
            return []
        found = [*seen[1:]]
        for other in heads.keys() - {cycle}:
            found += [news for one in self._journal.events(other) if (news := _news(one)).at >= seen[0].at]
        known = [news for news in found if news.seq <= heads.get(news.cycle, news.seq)]
        return sorted(known, key=lambda news: (news.at, news.cycle, news.seq))

    async def _look(self) -> None:
        """Until nobody has listened for a minute."""
        idle = 0.0
        while not self._closed and idle < LINGER:
            await asyncio.sleep(LOOK)
            idle = 0.0 if self._listeners else idle + LOOK
            try:
                news = await asyncio.to_thread(self._news)
            except Unavailable as error:
                log.debug("no news: %s", error)
                continue
            self._remembered.extend(news)
            for listener in list(self._listeners):
                for one in news:
                    listener.tell(one)
                if listener.dropped:
                    log.info("a listener did not read, and is let go")
                    self._listeners.discard(listener)
        self._heads = None
        self._remembered.clear()

    def _news(self) -> list[News]:
        before, now = self._heads or {}, self._queries.heads()
        gone = before.keys() - now.keys()
        found: list[News] = []
        for cycle, seq in [*now.items(), *((cycle, before[cycle] + 1) for cycle in gone)]:
            after = before.get(cycle, 0)
            if seq > after:
                events = [_news(one) for one in self._journal.events(cycle, after)]
                found += events
                if events and cycle in now:
                    now[cycle] = max(seq, events[-1].seq)
        self._heads = now
        return sorted(found, key=lambda news: (news.at, news.cycle, news.seq))


def _news(one: Recorded) -> News:
    return News(one.cycle, one.seq, one.event.kind, one.event.at.timestamp())
