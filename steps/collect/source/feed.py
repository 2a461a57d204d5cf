"""Bytes as they come, with the number of the line at which they stand; at most a few blocks of them at once."""

from collections.abc import Iterator
from typing import NamedTuple

from steps.collect.source.file import DamagedError


class Line(NamedTuple):
    """One line with its end: `size` in bytes and `quotes` are the whole line's, also where `data` was left out."""

    number: int
    data: bytes
    size: int
    quotes: int


class Feed:
    """What is left to read. `line` is the number of the line that comes next, `damage` why nothing comes after it."""

    def __init__(self, given: Iterator[bytes], line: int, most: int) -> None:
        self._given, self._most = given, most
        self.data, self.at, self.line = b"", 0, line
        self.over, self.damage = False, ""

    def left(self) -> int:
        """Bytes that are here and not yet taken."""
        return len(self.data) - self.at

    def more(self, size: int) -> bool:
        """Get at least `size` bytes here, or what there is. False when nothing was left to get."""
        parts, here = [self.data[self.at :]], self.left()
        while here < size and not self.over:
            try:
                part = next(self._given, None)
            except DamagedError as error:
                self.damage, part = str(error), None
            if part is None:
                self.over = True
            else:
                parts.append(part)
                here += len(part)
        got = len(parts) > 1
        self.data, self.at = b"".join(parts), 0
        return got

    def peek(self) -> bytes:
        """What is here and not yet taken."""
        if self.at:
            self.data, self.at = self.data[self.at :], 0
        return self.data

    def take(self, size: int) -> bytes:
        """The next `size` bytes, which end at the end of a line."""
        data = self.data[self.at : self.at + size]
        self.at += size
        self.line += data.count(b"\n")
        return data

    def next_line(self) -> Line | None:
        """The next line; its data are left out where it is longer than `most`. None at the end, or at the damage."""
        end, seen = self.data.find(b"\n", self.at), 0
        while end < 0 and not self.over and self.left() <= self._most:
            seen = self.left()
            self.more(seen + 1)
            end = self.data.find(b"\n", self.at + seen)
        if end < 0 and not self.over:
            return self._long()
        if end < 0 and (self.damage or not self.left()):
            return None
        number = self.line
        data = self.take((end + 1 if end >= 0 else len(self.data)) - self.at)
        return Line(number, b"" if len(data) > self._most else data, len(data), data.count(b'"'))

    def skip_row(self, quotes: int) -> tuple[int, bool]:
        """Throw lines away up to the one at whose end the quotes are even, `quotes` of them having gone before.

        Returns how many bytes that were, and whether there was such a line.
        """
        import numpy as np

        size = 0
        while self.left() or self.more(1):
            data = self.peek()
            there = np.frombuffer(data, np.uint8)
            ends = np.flatnonzero(there == 10)
            even = np.flatnonzero((np.searchsorted(np.flatnonzero(there == 34), ends) + quotes) % 2 == 0)
            part = int(ends[even[0]]) + 1 if len(even) else len(data)
            quotes, size = quotes + data.count(b'"', 0, part), size + part
            self.take(part)
            if len(even):
                return size, True
        return size, quotes % 2 == 0

    def _long(self) -> Line | None:
        """The next line, of which nothing is kept but its size."""
        size = quotes = 0
        while (end := self.data.find(b"\n", self.at)) < 0:
            part = self.take(self.left())
            size, quotes = size + len(part), quotes + part.count(b'"')
            if not self.more(1):
                break
        number = self.line
        part = self.take((end + 1 if end >= 0 else len(self.data)) - self.at)
        return Line(number, b"", size + len(part), quotes + part.count(b'"'))
