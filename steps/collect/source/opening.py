"""From what a pipeline file says to a source.

source: data/*.parquet                                   # a glob, or a list of them, on any fsspec store
source: {files: [s3://bucket/*.csv.gz], delimiter: ";", encoding: cp949}
source: {sql: "env:REVIEWS_URL", query: "select …", watermark: updated_at, late: 1d, timeout: 60}
source: {dataset: data/reviews, split: train}            # a Hugging Face dataset's folder
source: {serving_log: log, window: 7}
"""

from collections.abc import Mapping, Sequence
from typing import Any

from steps.collect.source.file import find_files
from steps.collect.source.files import Files
from steps.collect.source.model import MOST_ROW_BYTES, Columns, Source
from steps.contract import StepError

Given = str | Sequence[str] | Mapping[str, Any]
_KEYS = {
    "files": ("files", "delimiter", "encoding"),
}


def open_source(given: Given, columns: Columns, since: str = "", most_row_bytes: int = MOST_ROW_BYTES) -> Source:
    """The source that `given` says, from after the mark `since`. Raises `StepError` where it says none."""
    if not isinstance(given, Mapping):
        given = {"files": given}
    kind = next((kind for kind in _KEYS if kind in given), "")
    unknown = sorted(given.keys() - set(_KEYS.get(kind, ())))
    if unknown or not kind:
        expected = " or ".join("{" + ", ".join(keys) + "}" for keys in _KEYS.values())
        what = f"a source can't have {', '.join(map(repr, unknown))}" if unknown else "the source says nothing"
        raise StepError(what, where="source", cure=f"give a glob, a list of globs, or one of {expected}")
    return _files(given, columns, most_row_bytes)


def _files(given: Mapping[str, Any], columns: Columns, most: int) -> Source:
    globs = given["files"]
    globs = (globs,) if isinstance(globs, str) else tuple(globs)
    delimiter, encoding = given.get("delimiter", ""), given.get("encoding", "")
    if delimiter and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n'):
        raise StepError(f"{delimiter!r} is no delimiter", where="source", cure="give one ASCII character")
    return Files(tuple(find_files(globs, delimiter, encoding)), columns, most)
