"""What is kept beside the rows for the next night: how far the source was read, under which key, how the data looked.

Law: a mark counts only for the settings that it was made with: what was left out under others may be wanted now.
"""

import csv
import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from steps import secret
from steps.collect.gather import Gathered
from steps.collect.given import Collect
from steps.collect.judge import Judged
from steps.collect.source import Source
from steps.labels import corrections

QUARANTINE = "quarantine.csv"
_DECIDE = {
    "source", "text", "label", "group", "author", "conversation", "at", "positive_at_least", "negative_at_most",
    "privacy",
}  # fmt: skip


def mark_of(given: Collect, extra: Mapping[str, Any]) -> str:
    """How far the source was read with these settings; empty where it has to be read from its beginning."""
    return str(extra.get("mark", "")) if extra.get("settings") == _settings(given) else ""


def extra_of(given: Collect, before: Mapping[str, Any], key: bytes, source: Source, judged: Judged) -> dict[str, Any]:
    """What the snapshot carries beside its rows."""
    return {
        **before,
        "mark": source.mark(),
        "settings": _settings(given),
        "key": secret.fingerprint(key),
        "profile": judged.findings.profile.model_dump(mode="json"),
    }


def another_key(before: Mapping[str, Any], key: bytes) -> tuple[str, ...]:
    """A warning where the last snapshot was made under another key."""
    was, now = before.get("key"), secret.fingerprint(key)
    if was in (None, now):
        return ()
    return (
        f"the privacy key is {now} and was {was} before: made-up names of before and now can't be linked, and who is "
        "erased by name has to be erased under both keys",
    )


def keep_beside(folder: Path, found: Gathered, judged: Judged) -> None:
    """Write what can't be read row by row, and the corrections, into the dataset's folder."""
    if found.bad:
        with (folder / QUARANTINE).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("source", "line", "reason"))
            writer.writerows(found.bad)
    if judged.settled.record.rows:
        (folder / corrections.FILE).write_bytes(corrections.written(judged.settled.record))


def _settings(given: Collect) -> str:
    """16 hex digits over all that decides which rows are usable and what they say."""
    decided = given.model_dump(mode="json", include=_DECIDE)
    return sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()[:16]
