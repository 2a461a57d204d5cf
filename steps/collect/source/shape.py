"""From whatever columns a source has to the one schema: casts, checks, and a reason for each row that fails one.

Law: a row is taken whole or not at all. It is left out when it is longer than `most` bytes, when a text is not Unicode
or holds a NUL, when a rating is not a number and when a date is none; it is kept when label, group or date are missing.
The same values give the same rows, from whichever kind of source they come.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from steps.collect.source.array import bytes_of, dates, decoded, mapped, nul, textual, whole
from steps.collect.source.model import TEXTS, Bad, Columns, Taken, schema
from steps.collect.source.value import is_utf8, plain, quoted, rating, shown, too_long, word
from steps.contract import StepError


def taken(columns: Columns, found: Any, source: str, most: int, bad: Sequence[Bad] = ()) -> Taken:
    """The batch of `found`: a `pyarrow.Table` with one column for each wanted role, and `line`. `bad` is passed on.

    Raises `StepError` where a column's type can't become what its role needs.
    """
    import pyarrow as pa

    sieve = _Sieve(found.combine_chunks(), source, list(bad))
    sieve.long(most)
    wanted = columns.wanted()
    for role in TEXTS:
        if role in wanted:
            sieve.text(role, wanted[role])
    sieve.label(wanted["label"], columns.numeric)
    if "at" in wanted:
        sieve.date(wanted["at"])
    there, target = sieve.table, schema(columns.numeric)
    empty = pa.array([""], pa.string()).take(pa.array([0] * there.num_rows, pa.int64()))
    filled = {role: empty for role in TEXTS if role not in wanted}
    filled["source"] = pa.array([source], pa.string()).take(pa.array([0] * there.num_rows, pa.int64()))
    if "at" not in wanted:
        filled["at"] = pa.nulls(there.num_rows, target.field("at").type)
    arrays = [filled[name] if name in filled else whole(there.column(name)) for name in target.names]
    return Taken(pa.RecordBatch.from_arrays(arrays, schema=target), sorted(sieve.bad, key=lambda one: one.line))


def from_values(
    columns: Columns, rows: Sequence[tuple[int, Sequence[Any]]], source: str, most: int, bad: Sequence[Bad] = ()
) -> Taken:
    """The batch of Python values: each row is its line and one value for each wanted role, in that order."""
    import pyarrow as pa

    wanted, bad = columns.wanted(), list(bad)
    lists: list[list[Any]] = [list(column) for column in zip(*(values for _, values in rows), strict=True)]
    lists = lists or [[] for _ in wanted]
    arrays = [_quick(role, values) for role, values in zip(wanted, lists, strict=True)]
    lines = [line for line, _ in rows]
    if any(array is None for array in arrays):
        kept: list[tuple[int, list[Any]]] = []
        for line, values in rows:
            try:
                kept.append(
                    (
                        line,
                        [
                            plain(role, value, wanted[role], columns.numeric)
                            for role, value in zip(wanted, values, strict=True)
                        ],
                    )
                )
            except (ValueError, OverflowError) as error:
                bad.append(Bad(source, line, str(error)))
        lines = [line for line, _ in kept]
        types = {"label": pa.string(), "at": pa.timestamp("us", "UTC")}
        arrays = [
            pa.array([values[place] for _, values in kept], types.get(role, pa.string()))
            for place, role in enumerate(wanted)
        ]
    table = pa.table([*arrays, pa.array(lines, pa.int64())], names=[*wanted, "line"])
    return taken(columns, table, source, most, bad)


def empty(columns: Columns, bad: Sequence[Bad]) -> Taken:
    """A batch of nothing but what is bad."""
    return from_values(columns, [], bad[0].source, 1, bad)


def sliced(batch: Taken, most: int) -> Iterator[Taken]:
    """The batch in slices of at most `most` rows; what is bad goes with the first. Nothing for an empty batch."""
    for start in range(0, max(batch.rows.num_rows, 1), most):
        part = Taken(batch.rows.slice(start, most), [] if start else batch.bad)
        if part.rows.num_rows or part.bad:
            yield part


def unusable(sample: Taken) -> list[str]:
    """The problem with a file none of whose first rows can be used."""
    if sample.rows.num_rows or not sample.bad:
        return []
    first = sample.bad[0]
    return [f"it can't be read: line {first.line}: {first.reason}"]


class _Sieve:
    """The rows that are still in, and the reasons of those that are out."""

    def __init__(self, table: Any, source: str, bad: list[Bad]) -> None:
        self.table, self.source, self.bad = table, source, bad

    def drop(self, mask: Any, reason: Callable[[Any], str], column: str) -> None:
        """Leave out the rows where `mask` is true; `reason` is asked with the row's value of `column`."""
        import pyarrow.compute as pc

        mask = pc.fill_null(mask, False)
        if not pc.any(mask).as_py():
            return
        out = self.table.filter(mask)
        for line, value in zip(out.column("line").to_pylist(), out.column(column), strict=True):
            self.bad.append(Bad(self.source, line, reason(value)))
        self.table = self.table.filter(pc.invert(mask)).combine_chunks()

    def put(self, role: str, array: Any) -> None:
        self.table = self.table.set_column(self.table.column_names.index(role), role, array)

    def long(self, most: int) -> None:
        """Out with rows whose texts together are longer than `most` bytes, before any of them is copied."""
        import pyarrow.compute as pc

        sizes = None
        for role in self.table.column_names:
            lengths = bytes_of(whole(self.table.column(role)))
            if lengths is not None:
                sizes = lengths if sizes is None else pc.add(sizes, lengths)
        if sizes is not None and len(sizes) and pc.max(sizes).as_py() > most:
            self.table = self.table.append_column("size", sizes)
            self.drop(pc.greater(sizes, most), lambda size: too_long(size.as_py(), most), "size")
            self.table = self.table.drop_columns("size")

    def text(self, role: str, name: str) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.types as is_

        array = decoded(whole(self.table.column(role)))
        if is_.is_null(array.type):
            array = array.cast(pa.string())
        elif not textual(array.type):
            if role == "text" or is_.is_nested(array.type):
                raise _mistyped(name, array.type, "text", self.source)
            array, _ = mapped(array, word, pa.string())
        self.put(role, array)
        self.unicode(role, name)
        array = pc.fill_null(whole(self.table.column(role)).cast(pa.string()), "")
        self.put(role, array)
        self.drop(nul(array), lambda _: f"column {name!r} holds a NUL character", role)

    def unicode(self, role: str, name: str) -> None:
        """Out with texts that are not UTF-8, which a parquet file may hold."""
        import pyarrow as pa

        array = whole(self.table.column(role))
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            raw = array.cast(pa.large_binary()).to_pylist()
            wrong = [value is not None and not is_utf8(value) for value in raw]
            self.drop(pa.array(wrong), lambda _: f"column {name!r} holds bytes that are not UTF-8", role)

    def label(self, name: str, numeric: bool) -> None:
        import pyarrow as pa
        import pyarrow.types as is_

        array = decoded(whole(self.table.column("label")))
        if is_.is_nested(array.type) or is_.is_temporal(array.type) or is_.is_binary(array.type):
            raise _mistyped(name, array.type, "numbers" if numeric else "text, whole numbers or booleans", self.source)
        self.put("label", array)
        if textual(array.type):
            self.unicode("label", name)
        array = whole(self.table.column("label"))
        target = pa.float64() if numeric else pa.string()
        cast, wrong = mapped(array, rating if numeric else word, target)
        self.put("label", cast)
        if wrong is not None:
            self.table = self.table.append_column("was", array)
            self.drop(wrong, lambda value: f"column {name!r}: {quoted(value.as_py())} is no rating", "was")
            self.table = self.table.drop_columns("was")
        if not numeric:
            self.drop(
                nul(whole(self.table.column("label"))), lambda _: f"column {name!r} holds a NUL character", "label"
            )

    def date(self, name: str) -> None:
        import pyarrow.types as is_

        array = decoded(whole(self.table.column("at")))
        if is_.is_nested(array.type) or is_.is_boolean(array.type) or is_.is_time(array.type):
            raise _mistyped(name, array.type, "dates", self.source)
        self.put("at", array)
        if textual(array.type):
            self.unicode("at", name)
        array = whole(self.table.column("at"))
        cast, wrong = dates(array)
        self.put("at", cast)
        if wrong is not None:
            self.table = self.table.append_column("was", array)
            self.drop(wrong, lambda value: f"column {name!r}: {quoted(shown(value))} is no date", "was")
            self.table = self.table.drop_columns("was")


def _quick(role: str, values: list[Any]) -> Any:
    """The values as one array, or None where they have to be looked at one by one."""
    import pyarrow as pa
    import pyarrow.types as is_

    try:
        array = pa.array(values, pa.string() if role == "text" else None)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None
    kind = array.type
    if is_.is_null(kind) or is_.is_string(kind):
        return array
    if role in TEXTS or role == "label":
        return array if is_.is_integer(kind) or is_.is_boolean(kind) else None
    if is_.is_timestamp(kind):
        zones = {value.tzinfo is None for value in values if value is not None}
        return array if len(zones) == 1 else None
    return array if is_.is_date(kind) else None


def _mistyped(name: str, kind: Any, expected: str, source: str) -> StepError:
    return StepError(
        f"column {name!r} holds {kind}, expected {expected}",
        where=source,
        cure="write the column as that, or name another one in `with:`",
    )
