"""How a file is known not to have changed since it was read: a night reads what is new, and not ten years again.

Law: a stamp is taken when the files are listed, before any is read, so that whatever is written later is seen next
time. What a store can't tell the age of is read every time; rows that come again are known by their content.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from steps.collect.source.file import File, file_system

_SAYS = ("etag", "ETag", "md5Hash", "content_md5", "generation", "mtime", "LastModified", "last_modified", "updated")


def stamps(files: Sequence[File]) -> tuple[str, ...]:
    """Size and age or version of each file, in their order; empty where that can't be had."""
    return tuple(map(_stamp, files))


def mark(files: Sequence[File], stamped: Sequence[str]) -> str:
    """The stamps by path, as text."""
    known = {file.path: stamp for file, stamp in zip(files, stamped, strict=True) if stamp}
    return json.dumps(known, sort_keys=True)


def changed(files: Sequence[File], stamped: Sequence[str], since: str) -> tuple[File, ...]:
    """The files that are not what they were when the mark `since` was made."""
    before = _read(since)
    pairs = zip(files, stamped, strict=True)
    return tuple(file for file, stamp in pairs if not stamp or before.get(file.path) != stamp)


def _stamp(file: File) -> str:
    try:
        if "://" not in file.path:
            return f"{file.size} {Path(file.path).stat().st_mtime_ns}"
        fs, path = file_system(file.path)
        info: Mapping[str, Any] = fs.info(path)
    except OSError:
        return ""
    said = [f"{name}={info[name]}" for name in _SAYS if info.get(name)]
    return f"{file.size} {' '.join(said)}" if said else ""


def _read(since: str) -> Mapping[str, str]:
    try:
        found = json.loads(since or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
