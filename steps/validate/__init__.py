"""Validation: whether tonight's rows may be learnt from, in figures, pictures and sentences for a planner.

Laws:
- The same rows in any order, with the same seed, give the same findings: rows are drawn by a hash of their id.
- Whatever is found has a figure that a policy may bound (docs/validation.md) and a sentence.
- Nothing is changed here: a finding fails the run (`problems`), warns, or informs.
- The profile that is kept for the next night holds no text, no word and no id.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from steps.contract import Chart, Metric, Table
from steps.validate.finding import Part
from steps.validate.overlap import Overlap, Shared
from steps.validate.profile import MOST_NIGHTS, Night, Pinned, Profile
from steps.validate.settings import KINDS, Checks, Key, Kind

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["KINDS", "Checks", "Facts", "Findings", "Key", "Kind", "Overlap", "Profile", "Shared", "Totals", "validate"]


class Totals(NamedTuple):
    """Exact rows by class, in the order of the labels. `train` and `holdout` hold the new rows too."""

    new_train: Sequence[int]
    new_holdout: Sequence[int]
    train: Sequence[int]
    holdout: Sequence[int]

    @property
    def new(self) -> tuple[int, ...]:
        """New rows on both sides."""
        return tuple(map(sum, zip(self.new_train, self.new_holdout, strict=True)))

    @property
    def all(self) -> tuple[int, ...]:
        """All rows on both sides."""
        return tuple(map(sum, zip(self.train, self.holdout, strict=True)))

    @property
    def earlier(self) -> tuple[int, ...]:
        """Rows of the last accepted snapshot; none where corrections have taken more of a class than it had."""
        return tuple(max(0, whole - new) for whole, new in zip(self.all, self.new, strict=True))


class Facts(NamedTuple):
    """What there is to look at: bounded samples with the snapshot's columns, and exact counts.

    `new` are tonight's rows on both sides; `train` and `holdout` all rows to date, each drawn by a hash of the id.
    `earlier` is the last accepted snapshot's profile. `shared` (by `Overlap`) and `both_sides` (hold-out rows whose id
    is also in train) are exact counts over all rows; without them they are counted in the samples, as lower bounds.
    """

    new: "pa.Table"
    train: "pa.Table"
    holdout: "pa.Table"
    labels: Sequence[str]
    totals: Totals
    earlier: Profile | None
    now: datetime
    seed: int = 0
    shared: Mapping[Key, Shared] | None = None
    both_sides: int | None = None


class Findings(NamedTuple):
    """What was found. `problems` must fail the run; `warnings` go into the report; each check has its `sentences`."""

    metrics: tuple[Metric, ...]
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...]
    warnings: tuple[str, ...]
    sentences: tuple[str, ...]
    problems: tuple[str, ...]
    profile: Profile


def validate(facts: Facts, settings: Checks) -> Findings:
    """Every check, from the schema to drift: about ten processor seconds at the default bounds, whatever there is."""
    from steps.validate import report, rows

    facts = facts._replace(**{name: rows.plain(getattr(facts, name)) for name in ("new", "train", "holdout")})
    new = _drawn(facts.new, settings.rows, facts.seed)
    schema, pinned = _schema(facts, new, settings)
    statistics, languages = _statistics(facts, new, settings)
    parts = [*schema, *statistics, *_leakage(facts, settings), *_drift(facts, settings)]
    problems, warnings = report.sorted_alarms(parts, settings.fail_on)
    return Findings(
        metrics=tuple(metric for part in parts for metric in part.metrics),
        tables=(report.table(parts), *(table for part in parts for table in part.tables)),
        charts=tuple(chart for part in parts for chart in part.charts),
        warnings=warnings,
        sentences=tuple(said for part in parts for said in part.sentences),
        problems=problems,
        profile=_profile(facts, new, parts, languages, pinned),
    )


def _drawn(table: "pa.Table", most: int, seed: int) -> "pa.Table":
    from steps.validate import rows

    return rows.draw(table, most, seed)


def _schema(facts: Facts, new: "pa.Table", settings: Checks) -> tuple[list[Part], Pinned | None]:
    from steps.validate import schema

    before = facts.earlier.pinned if facts.earlier else None
    if not settings.pin_schema or not new.num_rows:
        return [], before
    part, pinned = schema.check(new, facts.labels, before, facts.now, accept=settings.accept_schema)
    return [part], pinned


def _statistics(facts: Facts, new: "pa.Table", settings: Checks) -> tuple[list[Part], dict[str, float]]:
    from steps.validate import rows, statistics

    earlier = _drawn(rows.earlier(rows.joined(facts.train, facts.holdout), facts.new), settings.rows, facts.seed)
    language, shares = statistics.languages(new, earlier)
    parts = [
        statistics.columns(new),
        statistics.classes(new, facts.labels, facts.totals.new, facts.totals.all),
        statistics.sources(new, facts.labels),
        language,
        statistics.dates(new, facts.now),
    ]
    return parts, shares


def _leakage(facts: Facts, settings: Checks) -> list[Part]:
    from steps.validate import leakage

    sides = leakage.Sides(facts.train, facts.holdout, sum(facts.totals.train), sum(facts.totals.holdout))
    return [
        leakage.same_rows(sides, facts.both_sides),
        leakage.keys(sides, facts.shared, settings),
        leakage.near_duplicates(sides, settings, facts.seed),
    ]


def _drift(facts: Facts, settings: Checks) -> list[Part]:
    from steps.validate import drift, rows, shift

    new = _drawn(facts.new, settings.drift_rows // 2, facts.seed)
    before = rows.earlier(rows.joined(facts.train, facts.holdout), facts.new)
    earlier = _drawn(before, settings.drift_rows // 2, facts.seed)
    if min(new.num_rows, earlier.num_rows) < drift.LEAST:
        few = f"{new.num_rows:,} new and {earlier.num_rows:,} earlier rows"
        return [Part("drift", (f"Drift was not measured: {few}, and {drift.LEAST} of each are needed.",))]
    bits = [rows.hashes(table["id"].to_pylist(), facts.seed + 1) % 2 == 1 for table in (new, earlier)]
    compared = drift.Compared(rows.texts(new), rows.texts(earlier), bits[0], bits[1])
    nights = facts.earlier.nights if facts.earlier else ()
    return [
        drift.texts(compared, nights, facts.now, settings, facts.seed),
        shift.labels(facts.labels, facts.totals.new, facts.totals.earlier, settings),
        shift.lengths(compared.new, compared.earlier, settings),
        drift.vocabulary(compared, settings),
    ]


def _profile(
    facts: Facts, new: "pa.Table", parts: Sequence[Part], languages: dict[str, float], pinned: Pinned | None
) -> Profile:
    from steps.validate import statistics

    figures = {metric.name: metric.value for part in parts for metric in part.metrics}
    night = Night(
        at=facts.now,
        new_rows=sum(facts.totals.new),
        auc=figures.get("drift_auc"),
        label_shift=figures.get("label_shift"),
    )
    nights = (*(facts.earlier.nights if facts.earlier else ()), night)[-MOST_NIGHTS:]
    return Profile(
        at=facts.now,
        labels=tuple(facts.labels),
        rows=facts.totals.all,
        characters=statistics.spread(new),
        languages=languages,
        pinned=pinned,
        nights=nights,
    )
