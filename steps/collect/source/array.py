"""What whole Arrow arrays become: lengths, texts, instants, and masks of what can't be."""

from collections.abc import Callable
from typing import Any

from steps.collect.source.value import moment, rating, word


def dates(array: Any) -> tuple[Any, Any]:
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
        if textual(array.type):
            zoned = pc.match_substring_regex(array, r"[0-9:](Z|[+-][0-9]{2}:[0-9]{2})$")
            if not pc.any(zoned).as_py() and pc.all(pc.match_substring_regex(array, "^[0-9]{4}-")).as_py() is not False:
                return array.cast(pa.timestamp("us")).cast(target), None
            if pc.all(zoned).as_py():
                return array.cast(target), None
    except pa.ArrowInvalid:
        pass
    return mapped(array, moment, target)


def mapped(array: Any, function: Callable[[Any], Any], target: Any) -> tuple[Any, Any]:
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


def bytes_of(array: Any) -> Any:
    """Bytes of each text or bytes value, 0 for null; None where the array holds neither."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as is_

    if is_.is_dictionary(array.type):
        lengths = bytes_of(array.dictionary)
        return None if lengths is None else pc.fill_null(lengths.take(array.indices), 0)
    if is_.is_string_view(array.type) or is_.is_binary_view(array.type):
        array = array.cast(pa.large_binary())
    if not (textual(array.type) or is_.is_binary(array.type) or is_.is_large_binary(array.type)):
        return None
    return pc.fill_null(pc.binary_length(array), 0).cast(pa.int64())


def decoded(array: Any) -> Any:
    """The array without a dictionary."""
    import pyarrow.types as is_

    return array.dictionary_decode() if is_.is_dictionary(array.type) else array


def whole(column: Any) -> Any:
    """A column as one array."""
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


def textual(kind: Any) -> bool:
    """Whether a type is text."""
    import pyarrow.types as is_

    return bool(is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind))


def nul(array: Any) -> Any:
    """Which texts hold a NUL."""
    import pyarrow.compute as pc

    return pc.match_substring(array, "\0")
