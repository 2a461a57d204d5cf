"""From what a pipeline file says to a source.

source: data/*.parquet                                   # a glob, or a list of them, on any fsspec store
source: {files: [s3://bucket/*.csv.gz], delimiter: ";", encoding: cp949}
source: {sql: "env:REVIEWS_URL", query: "select …", watermark: updated_at, late: 1d, timeout: 60}
source: {dataset: data/reviews, split: train}            # a Hugging Face dataset's folder
source: {serving_log: log, window: 7}
"""

import codecs
from collections.abc import Mapping, Sequence
from typing import Any

from steps.collect.source.dataset import dataset_files
from steps.collect.source.file import find_files
from steps.collect.source.files import Files
from steps.collect.source.model import MOST_ROW_BYTES, Columns, Source
from steps.collect.source.serving_log import ServingLog
from steps.collect.source.stamps import stamps
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
        files = dataset_files(_text(given, "dataset"), _text(given, "split"))
        return Files(tuple(files), columns, most_row_bytes, stamps(files), since)
    if kind == "serving_log":
        window = int(_number(given, "window", 7, 0, 366))
        alone = given.get("unlabelled", False) is True
        return ServingLog(_text(given, "serving_log"), columns, most_row_bytes, window, since, alone)
    return _files(given, columns, since, most_row_bytes)


def _files(given: Mapping[str, Any], columns: Columns, since: str, most: int) -> Source:
    globs = given["files"]
    globs = (globs,) if isinstance(globs, str) else tuple(map(str, globs or ()))
    if not globs:
        raise StepError("the source names no file", where="source", cure="give a glob")
    delimiter, encoding = _text(given, "delimiter"), _text(given, "encoding")
    if delimiter and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n'):
        raise StepError(f"{delimiter!r} is no delimiter", where="source", cure="give one ASCII character")
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError as error:
        raise StepError(f"{encoding!r} is no encoding", where="source", cure="give one like cp949 or utf-16") from error
    files = find_files(globs, delimiter, encoding)
    return Files(tuple(files), columns, most, stamps(files), since)


def _sql(given: Mapping[str, Any], columns: Columns, since: str, most: int) -> Source:
    from steps.collect.source.sql import ENV, Asked, Sql, url_of

    url, query = _text(given, "sql"), _text(given, "query")
    if not query.strip():
        raise StepError("there is no query", where="source", cure="give `query: select …` beside `sql:`")
    if not url.startswith(ENV):
        url_of(url)
    timeout = _number(given, "timeout", 60, 0.001, 86_400)
    late = lateness(given.get("late") or 0)
    return Sql(Asked(url, query, _text(given, "watermark"), timeout, late, columns, most), since)


def _text(given: Mapping[str, Any], key: str) -> str:
    found = given.get(key)
    if found is not None and not isinstance(found, str):
        raise StepError(f"{key}: {found!r} is no text", where="source", cure="write it in quotes")
    return found or ""


def _number(given: Mapping[str, Any], key: str, otherwise: float, least: float, most: float) -> float:
    found = given.get(key, otherwise)
    if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
        raise StepError(f"{key}: {found!r} is none", where="source", cure=f"give a number from {least:g} to {most:g}")
    return found
