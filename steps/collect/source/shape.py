"""From whatever columns a source has to the one schema: casts, checks, and a reason for each row that fails one.

Laws: a row is taken whole or not at all. It is left out when it is longer than `most` bytes, when a text is not
Unicode or holds a NUL, when a rating is not a number and when a date is none; it is kept when label, group or date are
missing. The same values give the same rows, from whichever kind of source they come:
- a whole number is a label without a fraction, `true` and `false` are lower case, a blank label is none, and a number
  with a fraction is none either unless it is a rating;
- a date without a zone is UTC; a bare number is a Unix time in seconds, milliseconds or microseconds, by its size.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from steps.collect.source.model import TEXTS, Bad, Columns, Taken, schema
from steps.contract import StepError

_DAY = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})\.?(?=$|[T ])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 40  # characters of a value that a reason quotes


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
    arrays = [filled[name] if name in filled else _whole(there.column(name)) for name in target.names]
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
                            _plain(role, value, wanted[role], columns.numeric)
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
            lengths = _lengths(_whole(self.table.column(role)))
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

        array = _decoded(_whole(self.table.column(role)))
        if is_.is_null(array.type):
            array = array.cast(pa.string())
        elif not _textual(array.type):
            if role == "text" or is_.is_nested(array.type):
                raise _mistyped(name, array.type, "text", self.source)
            array, _ = _mapped(array, word, pa.string())
        self.put(role, array)
        self.unicode(role, name)
        array = pc.fill_null(_whole(self.table.column(role)).cast(pa.string()), "")
        self.put(role, array)
        self.drop(_nul(array), lambda _: f"column {name!r} holds a NUL character", role)

    def unicode(self, role: str, name: str) -> None:
        """Out with texts that are not UTF-8, which a parquet file may hold."""
        import pyarrow as pa

        array = _whole(self.table.column(role))
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            raw = array.cast(pa.large_binary()).to_pylist()
            wrong = [value is not None and not _is_utf8(value) for value in raw]
            self.drop(pa.array(wrong), lambda _: f"column {name!r} holds bytes that are not UTF-8", role)

    def label(self, name: str, numeric: bool) -> None:
        import pyarrow as pa
        import pyarrow.types as is_

        array = _decoded(_whole(self.table.column("label")))
        if is_.is_nested(array.type) or is_.is_temporal(array.type) or is_.is_binary(array.type):
            raise _mistyped(name, array.type, "numbers" if numeric else "text, whole numbers or booleans", self.source)
        self.put("label", array)
        if _textual(array.type):
            self.unicode("label", name)
        array = _whole(self.table.column("label"))
        target = pa.float64() if numeric else pa.string()
        cast, wrong = _mapped(array, rating if numeric else word, target)
        self.put("label", cast)
        if wrong is not None:
            self.table = self.table.append_column("was", array)
            self.drop(wrong, lambda value: f"column {name!r}: {_quoted(value.as_py())} is no rating", "was")
            self.table = self.table.drop_columns("was")
        if not numeric:
            self.drop(
                _nul(_whole(self.table.column("label"))), lambda _: f"column {name!r} holds a NUL character", "label"
            )

    def date(self, name: str) -> None:
        import pyarrow.types as is_

        array = _decoded(_whole(self.table.column("at")))
        if is_.is_nested(array.type) or is_.is_boolean(array.type) or is_.is_time(array.type):
            raise _mistyped(name, array.type, "dates", self.source)
        self.put("at", array)
        if _textual(array.type):
            self.unicode("at", name)
        array = _whole(self.table.column("at"))
        cast, wrong = _dates(array)
        self.put("at", cast)
        if wrong is not None:
            self.table = self.table.append_column("was", array)
            self.drop(wrong, lambda value: f"column {name!r}: {_quoted(_shown(value))} is no date", "was")
            self.table = self.table.drop_columns("was")


def too_long(size: int, most: int) -> str:
    """The reason of a row that is longer than anybody wrote."""
    return f"the row holds {size:,} bytes, more than {most:,}"


def word(value: Any) -> str | None:
    """A label's or group's name, None where there is none."""
    if value is None or isinstance(value, str):
        return value if value is None or value.strip() else None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | Decimal):
        return str(int(value)) if math.isfinite(value) and value == int(value) else None
    return str(value)


def rating(value: Any) -> float | None:
    """A rating; None for a blank and for NaN. Raises `ValueError` for what is not a finite number."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str) and "_" in value:
        raise ValueError(value)
    number = float(value)
    if math.isinf(number):
        raise ValueError(value)
    return None if math.isnan(number) else number


def moment(value: Any) -> datetime | None:
    """The instant that a value names, in UTC; None for a blank. Raises `ValueError` or `OverflowError` otherwise."""
    if value is None or isinstance(value, datetime):
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool):
        raise ValueError(value)
    if isinstance(value, int | float | Decimal):
        return _unix(float(value)) if not isinstance(value, int) else _unix(value)
    text = str(value).strip()
    if not text:
        return None
    text = _DAY.sub(lambda found: "{}-{:0>2}-{:0>2}".format(*found.groups()), text, count=1)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = _unix(float(text)) if re.fullmatch(r"-?\d{9,17}(\.\d+)?", text) else None  # type: ignore[assignment]
        if found is None:
            raise
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _unix(value: float) -> datetime:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(value)
    size = abs(value)
    scale = 1_000_000 if size < 1e11 else 1_000 if size < 1e14 else 1
    return _EPOCH + timedelta(microseconds=round(value * scale))


def _dates(array: Any) -> tuple[Any, Any]:
    """The array as timestamps, and a mask of what is no date (None where all are)."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as is_

    target = pa.timestamp("us", "UTC")
    if is_.is_null(array.type):
        return array.cast(target), None
    try:
        if is_.is_timestamp(array.type):
            return pc.cast(array.cast(pa.timestamp("us", array.type.tz), safe=False), target), None
        if is_.is_date(array.type):
            return array.cast(pa.timestamp("us")).cast(target), None
        if _textual(array.type):
            zoned = pc.match_substring_regex(array, r"[0-9:](Z|[+-][0-9]{2}:[0-9]{2})$")
            if not pc.any(zoned).as_py() and pc.all(pc.match_substring_regex(array, "^[0-9]{4}-")).as_py() is not False:
                return array.cast(pa.timestamp("us")).cast(target), None
            if pc.all(zoned).as_py():
                return array.cast(target), None
    except pa.ArrowInvalid:
        pass
    return _mapped(array, moment, target)


def _mapped(array: Any, function: Callable[[Any], Any], target: Any) -> tuple[Any, Any]:
    """`function` of each distinct value; a mask of those for which it raised, or None.

    What has a cast that does the same is cast: whole numbers and booleans to text, whole numbers to ratings.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as is_

    kind = array.type
    if is_.is_null(kind) or (is_.is_integer(kind) and function in (word, rating)):
        return array.cast(target, safe=False), None
    if is_.is_boolean(kind) and function is word:
        return array.cast(target), None
    encoded = array.dictionary_encode()
    made, wrong = [], []
    for value in encoded.dictionary.to_pylist():
        try:
            made.append(function(value))
            wrong.append(False)
        except (ValueError, OverflowError, TypeError):
            made.append(None)
            wrong.append(True)
    cast = pa.array(made, target).take(encoded.indices)
    mask = pc.fill_null(pa.array(wrong, pa.bool_()).take(encoded.indices), False) if any(wrong) else None
    return cast, mask


def _quick(role: str, values: list[Any]) -> Any:
    """The values as one array, or None where they have to be looked at one by one."""
    import pyarrow as pa
    import pyarrow.types as is_

    try:
        array = pa.array(values, pa.string() if role in TEXTS else None)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None
    kind = array.type
    if role in TEXTS or is_.is_null(kind) or is_.is_string(kind):
        return array
    if role == "label":
        return array if is_.is_integer(kind) or is_.is_boolean(kind) else None
    if is_.is_timestamp(kind):
        zones = {value.tzinfo is None for value in values if value is not None}
        return array if len(zones) == 1 else None
    return array if is_.is_date(kind) else None


def _plain(role: str, value: Any, name: str, numeric: bool) -> Any:
    """The value as its role's type. Raises `ValueError` with the reason."""
    kind = type(value).__name__
    if role == "at":
        try:
            return moment(value)
        except (ValueError, OverflowError, TypeError) as error:
            raise ValueError(f"column {name!r}: {_quoted(value)} is no date") from error
    if value is None:
        return None
    if isinstance(value, Mapping | list | tuple | set):
        raise ValueError(f"column {name!r} holds {'an object' if isinstance(value, Mapping) else 'a list'}")
    if isinstance(value, bytes | bytearray | memoryview):
        raise ValueError(f"column {name!r} holds bytes, expected text")
    if role == "text" and not isinstance(value, str):
        raise ValueError(f"column {name!r} holds {kind}, expected text")
    if isinstance(value, str):
        if not _is_unicode(value):
            raise ValueError(f"column {name!r} holds {_no_character(value)}")
        return value
    return repr(float(value)) if role == "label" and numeric else word(value)


def _lengths(array: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as is_

    if is_.is_dictionary(array.type):
        lengths = _lengths(array.dictionary)
        return None if lengths is None else pc.fill_null(lengths.take(array.indices), 0)
    if is_.is_string_view(array.type) or is_.is_binary_view(array.type):
        array = array.cast(pa.large_binary())
    if not (_textual(array.type) or is_.is_binary(array.type) or is_.is_large_binary(array.type)):
        return None
    return pc.fill_null(pc.binary_length(array), 0).cast(pa.int64())


def _decoded(array: Any) -> Any:
    import pyarrow.types as is_

    return array.dictionary_decode() if is_.is_dictionary(array.type) else array


def _whole(column: Any) -> Any:
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    return (
        column.chunk(0)
        if column.num_chunks == 1
        else pa.concat_arrays(column.chunks)
        if column.num_chunks
        else (pa.array([], column.type))
    )


def _textual(kind: Any) -> bool:
    import pyarrow.types as is_

    return bool(is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind))


def _nul(array: Any) -> Any:
    import pyarrow.compute as pc

    return pc.match_substring(array, "\0")


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_character(value: str) -> str:
    """What the lone surrogates in a text are: bytes that could not be decoded, or half a pair."""
    escaped = any("\udc80" <= one <= "\udcff" for one in value)
    return "bytes that are not UTF-8" if escaped else "half a surrogate pair, which is no character"


def _shown(value: Any) -> Any:
    try:
        return value.as_py()
    except (ValueError, OverflowError):
        return str(value)


def _quoted(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _mistyped(name: str, kind: Any, expected: str, source: str) -> StepError:
    return StepError(
        f"column {name!r} holds {kind}, expected {expected}",
        where=source,
        cure="write the column as that, or name another one in `with:`",
    )
