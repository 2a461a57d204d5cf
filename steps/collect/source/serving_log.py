"""The serving log: what the deployed model was asked and answered, and what people said about it.

    <folder>/predictions/<day>[.<writer>].jsonl[.gz]      <day> is the UTC date of `at`: 2026-11-24
    <folder>/feedback/<day>[.<writer>].jsonl[.gz]

A prediction, one JSON object a line:

    id          text     names the prediction; feedback gives it back. Unique
    at          text     when it was made: ISO 8601 with its zone
    user        text     who asked, or a pseudonym; may be null
    text        text     what was asked about
    predicted   text     the class that was answered
    confidence  number   of that class, 0 to 1
    version     text     the model that answered
    arm         text     `champion`, `canary`, `shadow` …
    conversation text    optional

Feedback:

    id          text     the prediction's
    at          text     when it was given
    label       text, whole number, boolean, or number for a rating
    by          text     optional: who gave it

Laws:
- A prediction with feedback is a labelled row: its label is the feedback's, the latest where there are several. One
  without has no label: it is given by `unlabelled` alone, with `predicted` and `confidence`, to be looked at.
- Feedback counts for `window` days after its prediction. The mark is the last day that was read; the next time begins
  `window` days before it, so that late feedback is taken; rows that come again are known by their content.
- Feedback that finds no prediction is told as bad when its day is new; that of the mark's own day, which may have grown
  since, a second time.
- A writer appends whole lines. A last line without an end is still being written, and is left for the next time.
- Memory holds the feedback of one part: parts divide the ids by their hash, so that each part's is small.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from glob import escape
from typing import Any, NamedTuple

from steps.collect.source import jsonl
from steps.collect.source.feed import Feed, Line
from steps.collect.source.file import File, chunks, file_system, find_files
from steps.collect.source.model import BATCH_BYTES, BATCH_ROWS, Bad, Columns, Shard, Taken
from steps.collect.source.shape import from_values
from steps.collect.source.value import moment, plain, quoted
from steps.contract import StepError

PREDICTIONS, FEEDBACK = "predictions", "feedback"
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)\.(?:[^/]*\.)?jsonl(?:\.gz)?")
_TOLD = 1_000  # bad rows in one batch


class Said(NamedTuple):
    """One feedback, and where it stands."""

    at: datetime
    label: Any
    source: str
    line: int
    new: bool


class Part(NamedTuple):
    """The predictions whose ids fall to `number` of `parts`, with what was said about them since `new`."""

    predictions: tuple[File, ...]
    feedback: tuple[File, ...]
    columns: Columns
    most: int
    window: timedelta
    new: str
    number: int
    parts: int
    unlabelled: bool

    @property
    def name(self) -> str:
        return f"serving log, part {self.number + 1} of {self.parts}"

    @property
    def size(self) -> int:
        return sum(file.size * (6 if file.compression else 1) for file in self.predictions) // self.parts

    def read(self, batch_rows: int = BATCH_ROWS, batch_bytes: int = BATCH_BYTES) -> Iterator[Taken]:
        """See `Shard.read`. Of `unlabelled` parts the rows have three columns more: predicted, confidence and id."""
        bad: list[Bad] = []
        said = self._said(bad)
        found: set[str] = set()
        for file in self.predictions:
            for rows in self._batches(file, batch_rows, batch_bytes, bad):
                yield self._taken(file.name, [(line, row, self._label(row, said, found)) for line, row in rows], bad)
                bad = []
        bad += [Bad(one.source, one.line, self._lost(one)) for key, one in said.items() if key not in found and one.new]
        if self.unlabelled:
            bad = []  # feedback without a prediction is told where labelled rows are read
        for start in range(0, len(bad), _TOLD):
            yield self._taken("", [], bad[start : start + _TOLD])

    def _lost(self, one: Said) -> str:
        return f"no prediction of the {self.window.days} days before has this id"

    def _said(self, bad: list[Bad]) -> dict[str, Said]:
        """The latest feedback for each id of this part."""
        said: dict[str, Said] = {}
        for file in self.feedback:
            new = _day(file) >= self.new
            told: list[Bad] = []
            for rows in self._batches(file, BATCH_ROWS, BATCH_BYTES, told):
                for line, row in rows:
                    try:
                        label = plain("label", row.get("label"), "label", self.columns.numeric)
                    except ValueError as error:
                        told.append(Bad(file.name, line, str(error)))
                        continue
                    one = Said(row["at"], label, file.name, line, new)
                    if label is None:
                        told.append(Bad(file.name, line, "there is no label"))
                    elif row["id"] not in said or said[row["id"]].at <= one.at:
                        said[row["id"]] = one
            bad += told if new and not self.unlabelled else []
        return said

    def _label(self, row: Mapping[str, Any], said: Mapping[str, Said], found: set[str]) -> Any:
        one = said.get(row["id"])
        if one is None or one.at - row["at"] > self.window:
            return None
        found.add(row["id"])
        return one.label

    def _batches(
        self, file: File, batch_rows: int, batch_bytes: int, bad: list[Bad]
    ) -> Iterator[list[tuple[int, dict[str, Any]]]]:
        """This part's records with their lines; what can't be told apart by id is bad in the first part."""
        reader, rows, size = jsonl.Reader(self.columns, file.name, self.most), [], 0
        for line, whole in _lines(file, self.most):
            if isinstance(line, Bad):
                bad += [] if self.number else [line]
                continue
            row = _record(reader.one(line), file.name, line.number)
            if isinstance(row, Bad):
                bad += [row] if whole and not self.number else []
            elif row is not None and zlib.crc32(row["id"].encode(errors="replace")) % self.parts == self.number:
                rows.append((line.number, row))
                size += line.size
            if len(rows) >= batch_rows or size >= batch_bytes:
                yield rows
                rows, size = [], 0
        yield rows

    def _taken(self, source: str, rows: list[tuple[int, dict[str, Any], Any]], bad: list[Bad]) -> Taken:
        """The labelled rows as a batch, or those without a label."""
        wanted = [one for one in rows if (one[2] is None) == self.unlabelled]
        names = self.columns.wanted()
        values = [
            (line, [label if role == "label" else row.get(name) for role, name in names.items()])
            for line, row, label in wanted
        ]
        batch = from_values(self.columns, values, source, self.most, bad)
        return _looked_at(batch, {line: row for line, row, _ in wanted}) if self.unlabelled else batch


class ServingLog:
    """The log in a folder, from `window` days before the mark `since`; `unlabelled` for what has no feedback yet."""

    def __init__(
        self, folder: str, columns: Columns, most: int, window: int, since: str, unlabelled: bool = False
    ) -> None:
        group = columns.group if columns.group in ("version", "arm", "user") else None
        self._columns = Columns("text", "label", group, columns.numeric, "user", "conversation", "at")
        self._folder, self._most, self._window, self._unlabelled = folder, most, timedelta(window), unlabelled
        self._since = since
        self._files = {kind: _listed(folder, kind) for kind in (PREDICTIONS, FEEDBACK)}

    def survey(self) -> list[str]:
        """See `Source.survey`."""
        found = [
            f"{file.path}: its name is no day: expected 2026-11-24.jsonl, also with a writer's name or .gz"
            for files in self._files.values()
            for file in files
            if not _day(file)
        ]
        wanted = {
            PREDICTIONS: Columns("text", "predicted", "id", author="user", at="at"),
            FEEDBACK: Columns("id", "label", numeric=self._columns.numeric, at="at"),
        }
        for kind, columns in wanted.items():
            for file in [file for file in self._recent(kind) if file.size]:
                told = jsonl.survey(file, columns, self._most)
                if _day(file) < self.mark() or not any(one.startswith("it can't be read") for one in told):
                    found += [f"{file.path}: {problem}" for problem in told]  # the last day may be but half a line
        return found

    def shards(self, most_bytes: int) -> list[Shard]:
        """See `Source.shards`: so many that each holds feedback of about `most_bytes`."""
        return self._parts(most_bytes, self._unlabelled)

    def unlabelled(self, most_bytes: int) -> list[Shard]:
        """The predictions that nobody has said anything about, for labels to be given to them."""
        return self._parts(most_bytes, True)

    def mark(self) -> str:
        """See `Source.mark`: the last day there is."""
        return max([self._since, *(_day(file) for files in self._files.values() for file in files)])

    def _parts(self, most_bytes: int, unlabelled: bool) -> list[Shard]:
        predictions, feedback = (tuple(self._recent(kind)) for kind in (PREDICTIONS, FEEDBACK))
        if not predictions and not feedback:
            return []
        size = sum(file.size * (6 if file.compression else 1) for file in feedback)
        parts = max(1, -(-size // most_bytes))
        return [
            Part(predictions, feedback, self._columns, self._most, self._window, self._since, i, parts, unlabelled)
            for i in range(parts)
        ]

    def _recent(self, kind: str) -> list[File]:
        first = str(_date(self._since) - self._window) if self._since else ""
        return [file for file in self._files[kind] if _day(file) >= first and _day(file)]


def _looked_at(batch: Taken, rows: Mapping[int, Mapping[str, Any]]) -> Taken:
    """The batch with what the model answered."""
    import pyarrow as pa

    def number(value: Any) -> float | None:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    there = [rows[line] for line in batch.rows.column("line").to_pylist()]
    answers = [one.get("predicted") if isinstance(one.get("predicted"), str) else None for one in there]
    columns = [
        pa.array(answers, pa.string()),
        pa.array([number(one.get("confidence")) for one in there], pa.float64()),
        pa.array([one["id"] for one in there], pa.string()),
    ]
    fields = [pa.field("predicted", pa.string()), pa.field("confidence", pa.float64()), pa.field("id", pa.string())]
    schema = pa.schema([*batch.rows.schema, *fields])
    return Taken(pa.RecordBatch.from_arrays([*batch.rows.columns, *columns], schema=schema), batch.bad)


def _record(row: Mapping[str, Any] | Bad | None, source: str, line: int) -> dict[str, Any] | Bad | None:
    """The record with `at` as an instant, where it has what each record needs."""
    if row is None or isinstance(row, Bad):
        return row
    if not isinstance(row.get("id"), str) or not row["id"]:
        return Bad(source, line, "there is no id")
    try:
        at = moment(row.get("at"))
    except (ValueError, OverflowError, TypeError):
        at = None
    return (
        {**row, "at": at} if at is not None else Bad(source, line, f"column 'at': {quoted(row.get('at'))} is no date")
    )


def _lines(file: File, most: int) -> Iterator[tuple[Line | Bad, bool]]:
    """The lines, each with whether it has its end or is still being written."""
    feed = Feed(chunks(file), 1, most)
    feed.more(1)
    while (line := feed.next_line()) is not None:
        yield line, line.data.endswith(b"\n") or line.size > most
    if feed.damage:
        yield Bad(file.name, feed.line, feed.damage), True


def _listed(folder: str, kind: str) -> list[File]:
    fs, root = file_system(folder)
    if not fs.isdir(root):
        raise StepError("there is no such folder", where=folder, cure="correct `serving_log`")
    base = folder.rstrip("/")
    if not fs.glob(f"{escape(root.rstrip('/'))}/{kind}/*"):
        return []
    found = find_files([f"{escape(base)}/{kind}/*"])
    return [file._replace(name=f"{kind}/{file.name.rsplit('/', 1)[-1]}") for file in found]


def _day(file: File) -> str:
    found = _DAY.fullmatch(file.path.rsplit("/", 1)[-1])
    return found[1] if found else ""


def _date(mark: str) -> date:
    try:
        return date.fromisoformat(mark)
    except ValueError as error:
        raise StepError(f"{mark!r} is no day", where="serving_log", cure="give no mark, so that all is read") from error
