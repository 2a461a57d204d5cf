"""What a source of rows is: what is wanted of it, what it gives, and how it is cut into parts.

Laws:
- `survey` finds every problem that can be seen without reading all rows; a source with problems is not read.
- The shards of one call hold every row exactly once, whatever `most_bytes` is; each may be read alone, anywhere, again.
- Each row of a shard comes back either in `rows` or in `bad`: nothing is left out without a line and a reason.
- Reading takes memory for a few batches, whatever the file's or a row's size.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

MOST_ROW_BYTES = 1 << 20  # a longer row is no text that anybody wrote
DAMAGED = "damaged: "  # how the reason begins where more than a row can't be read
BATCH_ROWS, BATCH_BYTES = 8_192, 8 << 20

TEXTS = ("text", "group", "author", "conversation")
ROLES = ("text", "label", "group", "author", "conversation", "at")


class Columns(NamedTuple):
    """Which columns are wanted, by what they mean; `numeric` when the label is a rating to be compared with numbers."""

    text: str
    label: str
    group: str | None = None
    numeric: bool = False
    author: str | None = None
    conversation: str | None = None
    at: str | None = None

    def wanted(self) -> dict[str, str]:
        """Role to column name, in the order of the schema."""
        return {role: name for role in ROLES if (name := getattr(self, role)) is not None}

    def names(self) -> list[str]:
        """The wanted column names, each once."""
        return list(dict.fromkeys(self.wanted().values()))


class Bad(NamedTuple):
    """A row that can't be used as it is: where it stands, and why. A reason quotes no value but by its shape."""

    source: str
    line: int
    reason: str

    @property
    def rest(self) -> bool:
        """Whether it stands for more rows than one, because the file is damaged from there on."""
        return self.reason.startswith(DAMAGED)


class Taken(NamedTuple):
    """One batch: `rows` is a `pyarrow.RecordBatch` of `schema(numeric)`; `bad` what stood between them."""

    rows: Any
    bad: list[Bad]


class Shard(Protocol):
    """A part of a source: picklable, independent of the others. `size` is an estimate in bytes."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def read(self, batch_rows: int = BATCH_ROWS, batch_bytes: int = BATCH_BYTES) -> Iterator[Taken]:
        """The rows in order, in batches of at most `batch_rows` and about `batch_bytes`.

        Raises `StepError`, retryable where the source vanished, changed or did not answer.
        """
        ...


class Source(Protocol):
    """Where rows come from."""

    def survey(self) -> list[str]:
        """Every problem, one sentence each: which file, which column, what was expected, what there is."""
        ...

    def shards(self, most_bytes: int) -> list[Shard]:
        """The source in parts of about `most_bytes`, in a fixed order."""
        ...

    def mark(self) -> str:
        """What to give as `since` next time; empty where a row is known by its content alone."""
        ...


def schema(numeric: bool) -> Any:
    """The `pyarrow.Schema` of every batch.

    text, group, author, conversation are never null (empty where there is none); `label` (string, or double for a
    rating) and `at` (UTC) are null where there is none; `line` is the 1-based line of a text file or row of a table.
    """
    import pyarrow as pa

    return pa.schema(
        [
            ("text", pa.string()),
            ("label", pa.float64() if numeric else pa.string()),
            ("group", pa.string()),
            ("author", pa.string()),
            ("conversation", pa.string()),
            ("at", pa.timestamp("us", "UTC")),
            ("source", pa.string()),
            ("line", pa.int64()),
        ]
    )


SCHEMA = schema
