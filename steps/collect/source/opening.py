"""From what a pipeline file says to a source.

source: data/*.parquet                                   # a glob, or a list of them, on any fsspec store
source: {files: [s3://bucket/*.csv.gz], delimiter: ";", encoding: cp949}
source: {sql: "env:REVIEWS_URL", query: "select …", watermark: updated_at, late: 1d, timeout: 60}
source: {dataset: data/reviews, split: train}            # a Hugging Face dataset's folder
source: {serving_log: log, window: 7}
"""

from collections.abc import Mapping, Sequence
from typing import Any

from steps.collect.source.dataset import dataset_files
from steps.collect.source.file import find_files
from steps.collect.source.files import Files
from steps.collect.source.model import MOST_ROW_BYTES, Columns, Source
from steps.collect.source.serving_log import ServingLog
from steps.collect.source.watermark import lateness
from steps.contract import StepError

Given = str | Sequence[str] | Mapping[str, Any]
_KEYS = {
    "files": ("files", "delimiter", "encoding"),
    "sql": ("sql", "query", "watermark", "late", "timeout"),
    "dataset": ("dataset", "split"),
    "serving_log": ("serving_log", "window", "unlabelled"),
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
    if kind == "sql":
        return _sql(given, columns, since, most_row_bytes)
    if kind == "dataset":
        files = dataset_files(str(given["dataset"]), str(given.get("split") or ""))
        return Files(tuple(files), columns, most_row_bytes)
    if kind == "serving_log":
        window = int(given.get("window", 7))
        if not 0 <= window <= 366:
            raise StepError(f"window: {window} is none", where="source", cure="give days, up to a year")
        alone = bool(given.get("unlabelled", False))
        return ServingLog(str(given["serving_log"]), columns, most_row_bytes, window, since, alone)
    return _files(given, columns, most_row_bytes)


def _files(given: Mapping[str, Any], columns: Columns, most: int) -> Source:
    globs = given["files"]
    globs = (globs,) if isinstance(globs, str) else tuple(globs)
    delimiter, encoding = given.get("delimiter", ""), given.get("encoding", "")
    if delimiter and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n'):
        raise StepError(f"{delimiter!r} is no delimiter", where="source", cure="give one ASCII character")
    return Files(tuple(find_files(globs, delimiter, encoding)), columns, most)


def _sql(given: Mapping[str, Any], columns: Columns, since: str, most: int) -> Source:
    from steps.collect.source.sql import ENV, Asked, Sql, url_of

    if not str(given.get("query", "")).strip():
        raise StepError("there is no query", where="source", cure="give `query: select …` beside `sql:`")
    if not str(given["sql"]).startswith(ENV):
        url_of(str(given["sql"]))
    timeout = float(given.get("timeout", 60))
    if not 0 < timeout <= 86_400:
        raise StepError(f"timeout: {timeout:g} is none", where="source", cure="give seconds, up to a day")
    late = lateness(given.get("late", 0))
    return Sql(
        Asked(str(given["sql"]), given["query"], given.get("watermark") or "", timeout, late, columns, most), since
    )
