"""A Hugging Face dataset's folder: what `save_to_disk` wrote, or a folder of its arrow or parquet files.

The files are read as they are, so that the `datasets` library is not needed. Splits are known by `dataset_dict.json`,
by folders, or by names like `train-00000-of-00002.parquet`.
"""

import json
import re
from glob import escape
from pathlib import PurePosixPath
from typing import Any

from steps.collect.source.file import File, file_system, find_files
from steps.contract import StepError

_SUFFIXES = ("arrow", "parquet")
_SPLIT = re.compile(r"([A-Za-z0-9_]+)-\d{5}-of-\d{5}")


def dataset_files(folder: str, split: str) -> list[File]:
    """The files of one split, in order. Raises `StepError` naming the splits where `split` is none of them."""
    fs, root = file_system(folder)
    base, root = folder.rstrip("/"), root.rstrip("/")
    if not fs.isdir(root):
        raise StepError("there is no such folder", where=folder, cure="correct `dataset`")
    if fs.exists(f"{root}/dataset_dict.json"):
        splits = list(_read(fs, f"{root}/dataset_dict.json").get("splits", []))
        _check(split, splits, folder)
        base, root = f"{base}/{split}", f"{root}/{split}"
    if fs.exists(f"{root}/state.json"):
        return _saved(fs, root, base)
    found = [file for suffix in _SUFFIXES for file in _glob(fs, root, base, suffix)]
    if not found:
        cure = "give a folder that `save_to_disk` wrote, or one with .arrow or .parquet files"
        raise StepError("the folder holds no dataset", where=folder, cure=cure)
    by_split: dict[str, list[File]] = {}
    for file in sorted(found, key=lambda one: one.path):
        by_split.setdefault(_split_of(file.name), []).append(file)
    if len(by_split) > 1 or (split and "" not in by_split):
        _check(split, sorted(by_split), folder)
        return by_split[split]
    return next(iter(by_split.values()))


def _saved(fs: Any, root: str, base: str) -> list[File]:
    """The files that `state.json` lists, in its order. Raises `StepError` where it is not the files' own order."""
    state = _read(fs, f"{root}/state.json")
    if state.get("_indices_data_files"):
        cure = "call `flatten_indices()` before `save_to_disk`"
        raise StepError("the dataset is a selection of rows, which only `datasets` can read", where=base, cure=cure)
    return [file for one in state.get("_data_files", []) for file in find_files([f"{escape(base)}/{one['filename']}"])]


def _glob(fs: Any, root: str, base: str, suffix: str) -> list[File]:
    return find_files([f"{escape(base)}/**/*.{suffix}"]) if fs.glob(f"{escape(root)}/**/*.{suffix}") else []


def _split_of(name: str) -> str:
    """The split that a file belongs to, by its name or its folder; empty where neither says one."""
    pure = PurePosixPath(name)
    found = _SPLIT.match(pure.name)
    return (
        found[1]
        if found and found[1] != "data"
        else pure.parts[-2]
        if len(pure.parts) > 1 and pure.parts[-2] != "data"
        else ""
    )


def _read(fs: Any, path: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(fs.cat_file(path))
    except (OSError, ValueError) as error:
        raise StepError(f"it can't be read: {error}", where=path, cure="save the dataset again") from error
    return found


def _check(split: str, splits: list[str], folder: str) -> None:
    if split not in splits:
        what = f"there is no split {split!r}" if split else "the dataset has several splits"
        raise StepError(what, where=folder, cure=f"give `split:`, one of {', '.join(filter(None, splits))}")
