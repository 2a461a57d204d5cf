"""A source of files: every kind behind one survey and one list of parts."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from types import ModuleType
from typing import NamedTuple

from steps.collect.source import columnar, delimited, jsonl
from steps.collect.source.file import COMPRESSIONS, KINDS, File
from steps.collect.source.model import BATCH_BYTES, BATCH_ROWS, Columns, Shard, Taken
from steps.collect.source.stamps import changed, mark
from steps.contract import StepError

_READERS: dict[str, ModuleType] = {"parquet": columnar, "arrow": columnar, "csv": delimited, "jsonl": jsonl}


class Files(NamedTuple):
    """Files as they were listed. The mark says which were there, and how old: those are not read again. A row of a file
    that has changed is known by its content.
    """

    files: tuple[File, ...]
    columns: Columns
    most: int
    stamps: tuple[str, ...] = ()
    since: str = ""

    def survey(self) -> list[str]:
        """See `Source.survey`."""
        return [f"{file.path}: {problem}" for file in self.files for problem in self._problems(file)] or self._changed()

    def shards(self, most_bytes: int) -> list[Shard]:
        """See `Source.shards`; small files are put together."""
        parts = [
            shard
            for file in changed(self.files, self.stamps or ("",) * len(self.files), self.since)
            if file.size
            for shard in _READERS[file.kind].shards(file, self.columns, most_bytes, self.most)
        ]
        return together(parts, most_bytes)

    def mark(self) -> str:
        """See `Source.mark`."""
        return mark(self.files, self.stamps) if self.stamps else ""

    def _problems(self, file: File) -> list[str]:
        if not file.kind:
            known = ", ".join(KINDS) + ", each also with " + ", ".join(COMPRESSIONS)
            return [f"{_suffix(file.path) or 'no suffix'} is not a kind of file that can be read; expected {known}"]
        if not file.size:
            return ["it is empty"]
        try:
            found: list[str] = _READERS[file.kind].survey(file, self.columns, self.most)
        except StepError as error:
            if error.failure.retryable:
                raise
            return [error.failure.what]
        return found

    def _changed(self) -> list[str]:
        """Columns whose type differs from one file to the next."""
        tables = [file for file in self.files if file.kind in ("parquet", "arrow")]
        schemas = [columnar.arrow_schema(file) for file in tables]
        found = []
        for name in self.columns.names():
            kinds = [columnar.kind_of(schema.field(name).type) for schema in schemas]
            known = [(file, kind) for file, kind in zip(tables, kinds, strict=True) if kind != "null"]
            found += [
                f"{after.path}: column {name!r} holds {now}, but {was} in {before.path}"
                for (before, was), (after, now) in pairwise(known)
                if was != now
            ]
        return found


class Together(NamedTuple):
    """Small parts that are read one after another."""

    parts: tuple[Shard, ...]

    @property
    def name(self) -> str:
        return f"{self.parts[0].name} and {len(self.parts) - 1} more"

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    def read(self, batch_rows: int = BATCH_ROWS, batch_bytes: int = BATCH_BYTES) -> Iterator[Taken]:
        """See `Shard.read`."""
        for part in self.parts:
            yield from part.read(batch_rows, batch_bytes)


def together(parts: Sequence[Shard], most_bytes: int) -> list[Shard]:
    """The parts in their order, neighbours put together while they are no larger than `most_bytes`."""
    bundles: list[list[Shard]] = []
    size = 0
    for part in parts:
        if bundles and size + part.size <= most_bytes:
            bundles[-1].append(part)
            size += part.size
        else:
            bundles.append([part])
            size = part.size
    return [bundle[0] if len(bundle) == 1 else Together(tuple(bundle)) for bundle in bundles]


def _suffix(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return "." + name.rsplit(".", 1)[1] if "." in name.lstrip(".") else ""
