"""The schema: inferred once, shown to reviewers, then pinned, and new rows are held to it (pandera on pyarrow).

Law: what was inferred from rows accepts these rows. Nothing changes a pinned schema but `accept_schema`, which a
planner sets, and new classes come in by it alone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from steps.contract import Metric, Table
from steps.validate.finding import Alarm, Part, counted
from steps.validate.profile import Column, Pinned

if TYPE_CHECKING:
    import pyarrow as pa

_ROOM = 4  # a text may be so many times longer than the longest one that was reviewed
_BEFORE = timedelta(days=3653)  # late rows may be ten years older than the oldest
_OURS = ("arrived", "id", "side")  # made by collect, not by a source


class Breach(NamedTuple):
    """A rule that rows break: how many of those looked at (0: the column itself), and one value that does."""

    column: str
    rule: str
    rows: int
    example: str


def infer(table: "pa.Table", labels: Sequence[str], now: datetime) -> Pinned:
    """The schema of these rows, with room for rows to come."""
    there = seen(table, labels)
    return Pinned(since=now, columns=tuple(_column(there, name, labels) for name in there.column_names))


def _column(table: "pa.Table", name: str, labels: Sequence[str]) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = table[name]
    column = Column(name=name, type=str(values.type), nullable=values.null_count > 0)
    if name == "label":
        return column.model_copy(update={"allowed": tuple(labels)})
    if values.null_count == len(values):
        return column.model_copy(update={"nullable": True})
    if pa.types.is_timestamp(values.type):
        first = pc.min(values).as_py()
        return column.model_copy(
            update={"earliest": first - _BEFORE if first.year > _BEFORE.days // 365 + 1 else first}
        )
    if name == "text":
        return column.model_copy(update={"longest": max(100, pc.max(pc.utf8_length(values)).as_py() * _ROOM)})
    return column


def seen(table: "pa.Table", labels: Sequence[str]) -> "pa.Table":
    """The columns that a source fills, as people see them: classes by name, and what is empty as missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = {}
    for name in table.column_names:
        values = table[name].combine_chunks()
        if name == "label" and pa.types.is_integer(values.type):
            values = pa.array([_named(place, labels) for place in values.to_pylist()], pa.string())
        if pa.types.is_string(values.type):
            values = pc.if_else(pc.equal(values, ""), pa.scalar(None, values.type), values)
        if name not in _OURS:
            columns[name] = values
    return pa.table(columns)


def _named(place: int | None, labels: Sequence[str]) -> str | None:
    """The class's name; a number without a name stays one."""
    return None if place is None else labels[place] if 0 <= place < len(labels) else f"#{place}"


def breaches(table: "pa.Table", labels: Sequence[str], pinned: Pinned) -> tuple[Breach, ...]:
    """Every rule that these rows break."""
    import pandera.pyarrow as pandera

    there = seen(table, labels)
    kinds = {name: str(there[name].type) for name in there.column_names}
    wanted = {column.name: column for column in pinned.columns}
    said = [(name, "the column is missing") for name in wanted if name not in kinds]
    said += [(name, "the column is new") for name in kinds if name not in wanted]
    same = {name: column for name, column in wanted.items() if kinds.get(name, column.type) == column.type}
    said += [(name, f"the type is {kinds[name]} and was {wanted[name].type}") for name in wanted if name not in same]
    checked = [column for name, column in same.items() if name in kinds]
    columns = {column.name: _pandera(column, there[column.name].type) for column in checked}
    broken: list[Breach] = []
    if columns and there.num_rows:
        try:
            pandera.DataFrameSchema(columns).validate(there.select(list(columns)), lazy=True)
        except pandera.errors.SchemaErrors as error:
            broken = [_breach(same, one) for one in error.schema_errors]
    return tuple(sorted([*(Breach(name, rule, 0, "") for name, rule in said), *broken]))


def _pandera(column: Column, kind: "pa.DataType") -> Any:
    import pandera.pyarrow as pandera

    checks = []
    if column.allowed:
        checks.append(pandera.Check.isin(list(column.allowed)))
    if column.longest is not None:
        checks.append(pandera.Check.str_length(max_value=column.longest))
    if column.earliest is not None:
        checks.append(pandera.Check.greater_than_or_equal_to(column.earliest))
    return pandera.Column(kind, nullable=column.nullable, checks=checks)


def _breach(columns: dict[str, Column], error: Any) -> Breach:
    name = error.schema.name
    cases = error.failure_cases
    values = cases.column(0).to_pylist()
    return Breach(name, _rule(columns[name], str(error.check)), len(values), str(values[0])[:60] if values else "")


def _rule(column: Column, check: str) -> str:
    if "null" in check:
        return "a value is missing"
    if column.allowed:
        return f"not one of {', '.join(column.allowed[:10])}"
    if column.longest is not None:
        return f"more than {column.longest:,} characters"
    return f"before {column.earliest:%Y-%m-%d}" if column.earliest else check


def check(
    new: "pa.Table", labels: Sequence[str], pinned: Pinned | None, now: datetime, *, accept: bool
) -> tuple[Part, Pinned]:
    """The schema for the next night, and what tonight's rows say to it."""
    if pinned is None or accept:
        fresh = infer(new, labels, now)
        why = "anew, as was asked" if pinned is not None else "from tonight's rows"
        said = f"The schema was inferred {why}: review the table; from now on new rows are held to it."
        return Part("schema", (said,), (_broken(0),), (_table(fresh),)), fresh
    found = breaches(new, labels, pinned)
    if not found:
        said = f"All {counted(new.num_rows, 'new row')} looked at keep to the schema pinned on {pinned.since:%Y-%m-%d}."
        return Part("schema", (said,), (_broken(0),), (_table(pinned),)), pinned
    lines = tuple(_sentence(breach) for breach in found)
    cure = "If this is meant, run collect again with accept_schema=true; else mend the source."
    alarms = tuple(Alarm("schema", f"{line} {cure}") for line in lines)
    return Part("schema", lines, (_broken(len(found)),), (_table(pinned),), alarms=alarms), pinned


def _broken(rules: int) -> Metric:
    return Metric(name="schema_breaches", value=rules, better="lower")


def _sentence(breach: Breach) -> str:
    if not breach.rows:
        return f"Schema: column {breach.column!r}: {breach.rule}."
    example = f", for example {breach.example!r}" if breach.example not in ("", "None") else ""
    return f"Schema: column {breach.column!r}: {breach.rule} in {counted(breach.rows, 'row')}{example}."


def _table(pinned: Pinned) -> Table:
    lines = tuple((c.name, c.type, "may be" if c.nullable else "never", _bounds(c)) for c in pinned.columns)
    return Table(
        title=f"Schema, pinned on {pinned.since:%Y-%m-%d}", columns=("column", "type", "missing", "values"), rows=lines
    )


def _bounds(column: Column) -> str:
    if column.allowed:
        return ", ".join(column.allowed[:20])
    if column.longest is not None:
        return f"up to {column.longest:,} characters"
    return f"from {column.earliest:%Y-%m-%d}" if column.earliest else "any"
