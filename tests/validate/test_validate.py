"""The whole: the same findings whatever the order, no row that it stumbles over, and every figure documented."""

import datetime as dt
import random
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rowsets import NOW, SCHEMA, facts, metric, row, rows_of, table, texts

from orchestrator.core.report import Report
from steps.validate import KINDS, Checks, Profile, Totals, language, rows, validate
from steps.validate.finding import percent

QUICK = Checks(permutations=19, drift_rows=400)
PAGE = Path(__file__).parents[2] / "docs" / "validation.md"


@pytest.fixture(scope="module")
def night():
    """An ordinary second night of 300 rows after one of 500, with conversations, authors and films."""

    def some(count, seed, arrived):
        return table(
            row(
                t, k % 2, arrived=arrived, group=f"film {k % 9}", person=f"{k % 50:032x}", conversation=f"{k % 70:032x}"
            )
            for k, t in enumerate(texts(count, seed))
        )

    earlier, new = some(500, 1, "c-1"), some(300, 2, "c-2")
    first = validate(facts(earlier.slice(0, 0), earlier), QUICK)
    return earlier, new, first.profile, validate(facts(earlier, new, profile=first.profile), QUICK)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_nothing(night, seed):
    """Shuffled rows in other chunks give the same findings, to the last digit."""
    earlier, new, profile, found = night
    chance = random.Random(seed)  # noqa: S311

    def shuffled(some):
        mixed = some.take(pa.array(chance.sample(range(some.num_rows), some.num_rows)))
        return pa.Table.from_batches(mixed.combine_chunks().to_batches(max_chunksize=50))

    assert validate(facts(shuffled(earlier), shuffled(new), profile=profile), QUICK) == found


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_the_kind_of_strings_changes_nothing(night, kind):
    """A reader may give large strings, views or dictionaries: the findings are the same."""
    earlier, new, profile, found = night

    def given(some):
        words = [name for name in some.column_names if some[name].type == pa.string()]
        for name in words:
            column = some[name].combine_chunks()
            other = column.dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
            some = some.set_column(some.column_names.index(name), name, other)
        return some

    plain = facts(earlier, new, profile=profile)
    other = plain._replace(**{name: given(getattr(plain, name)) for name in ("new", "train", "holdout")})
    assert validate(other, QUICK) == found


def test_where_train_is_too_large_to_look_at_it_says_at_least(night):
    """With 100 rows to look at, near-duplicates are a lower bound: no upper end, so that no policy takes it for all."""
    earlier, new, profile, _ = night
    found = validate(facts(earlier, new, profile=profile), QUICK.model_copy(update={"near_rows": 100}))
    assert metric(found, "near_duplicates_across").high is None
    assert any(
        said.startswith("At least 0.0% of the hold-out rows (0 of 50 looked at, against 50") for said in found.sentences
    )


def test_findings_make_a_report_and_every_check_speaks(night):
    """Metrics have names of their own, and each of the four kinds of drift and three of leakage has a sentence."""
    found = night[3]
    Report(summary="x", metrics=found.metrics, tables=found.tables, charts=found.charts, warnings=found.warnings)
    assert len({one.name for one in found.metrics}) == len(found.metrics)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", one.name) for one in found.metrics)
    spoken = {check for check, _ in found.tables[0].rows}
    assert spoken >= {"schema", "language", "dates", "near-duplicates", "rows on both sides", "what both sides share"}
    assert spoken >= {"drift of the texts", "shift of the classes", "length of the texts", "unknown words"}
    assert found.problems == ()
    assert all(len(line) == len(one.columns) for one in found.tables for line in one.rows)


def test_every_metric_and_setting_stands_in_the_page(night):
    """docs/validation.md names each metric, each setting and each kind of alarm, and no metric that is not made."""
    text = PAGE.read_text("utf-8")
    made = {one.name for one in night[3].metrics}
    named = set(re.findall(r"^\| `([a-z_]+)`", text.split("## Metrics")[1].split("\n## ")[0], re.MULTILINE))
    assert named == made
    assert set(re.findall(r"^\| `([a-z_]+)`", text.split("## Settings")[1], re.MULTILINE)) == set(Checks.model_fields)
    assert all(f"`{kind}`" in text for kind in KINDS)
    assert all(field.description for field in Checks.model_fields.values())


def test_the_profile_holds_no_text_no_word_and_no_id(night):
    """Nothing of it has to be erased with a person."""
    earlier, new, _, found = night
    kept = found.profile.model_dump_json()
    assert Profile.model_validate_json(kept) == found.profile
    for column in ("text", "id", "person", "conversation"):
        assert not any(value in kept for value in {*earlier[column].to_pylist(), *new[column].to_pylist()})
    assert "word" not in kept
    assert [one.new_rows for one in found.profile.nights] == [500, 300]


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "text": st.one_of(st.none(), st.text(max_size=30), st.sampled_from(["a", "😀" * 9, "\0", "x" * 3000])),
                "label": st.one_of(st.none(), st.integers(-1, 3)),
                "group": st.one_of(st.none(), st.text(max_size=2)),
                "source": st.one_of(st.none(), st.just("s")),
                "arrived": st.sampled_from(["c-1", "c-2"]),
                "id": st.one_of(st.none(), st.text("01", max_size=3)),
                "person": st.one_of(st.none(), st.sampled_from(["", "p"])),
                "conversation": st.one_of(st.none(), st.sampled_from(["", "c"])),
                "at": st.one_of(st.none(), st.datetimes(timezones=st.just(dt.UTC))),
                "side": st.sampled_from(["train", "holdout"]),
            }
        ),
        max_size=30,
    ),
    st.integers(1, 5),
)
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_no_row_makes_it_stumble(some, times):
    """Missing values anywhere, labels that are none, dates of the year 1 or 9999, the same id again and again."""
    whole = pa.Table.from_pylist(some * times, schema=SCHEMA)
    new = whole.filter(pa.compute.equal(whole["arrived"], "c-2"))
    earlier = whole.filter(pa.compute.equal(whole["arrived"], "c-1"))
    first = validate(facts(earlier.slice(0, 0), earlier), QUICK)
    assert validate(facts(earlier, new, profile=first.profile), QUICK).sentences


def test_rows_are_drawn_by_their_ids_alone():
    """Whatever their order; fewer rows are among more rows; another seed draws others."""
    some = rows_of(texts(200, 1), "c-1")
    mixed = some.take(pa.array(random.Random(1).sample(range(200), 200)))  # noqa: S311
    few, more, other = (rows.draw(mixed, most, seed)["id"].to_pylist() for most, seed in ((20, 0), (50, 0), (20, 1)))
    assert rows.draw(some, 20, 0)["id"].to_pylist() == few == more[:20]
    assert len(set(few) & set(other)) < 10
    assert few != sorted(few)


def test_corrections_may_take_more_of_a_class_than_was_counted(night):
    """New rows counted before their labels were corrected, all rows after: no class has fewer than no earlier rows."""
    earlier, new, profile, _ = night
    given = facts(earlier, new, profile=profile)
    counts = Totals((150, 0), (150, 0), (100, 500), (100, 100))
    found = validate(given._replace(totals=counts), QUICK)
    assert counts.earlier == (0, 600)
    assert metric(found, "label_shift").value == 1


def test_one_class_fails_the_run():
    """A model can't learn from one class, and a planner is told which one there is."""
    only = table(row(text, 1) for text in texts(60, 1))
    found = validate(facts(only.slice(0, 0), only), QUICK)
    assert "rows of 'positive' only" in found.problems[0]
    assert not validate(facts(only.slice(0, 0), only), QUICK.model_copy(update={"fail_on": ()})).problems


def test_dates_in_the_future_are_counted():
    """A day ahead may be another time zone; two days are a warning with the latest date."""
    day = dt.timedelta(days=1)
    new = table(row(t, k % 2, at=NOW + day * (k % 3)) for k, t in enumerate(texts(60, 1)))
    found = validate(facts(new.slice(0, 0), new), QUICK)
    assert metric(found, "future_dates").value == 20
    assert any("20 new rows dated in the future, up to 2015-01-03" in said for said in found.warnings)


def test_drift_is_not_measured_on_a_handful_of_rows():
    """It says so in place of a figure, and a policy that asks for the figure says no."""
    found = validate(facts(rows_of(texts(80, 1), "c-1"), rows_of(texts(20, 2), "c-2")), QUICK)
    assert any("Drift was not measured: 20 new and 80 earlier rows" in said for said in found.sentences)
    assert not [one for one in found.metrics if one.name.startswith("drift")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("이 영화 정말 재미있어요 ㅋㅋ good", language.KOREAN),
        ("ㅋㅋㅋㅋ", language.KOREAN),
        ("This is one of the best films I have ever seen", language.ENGLISH),
        ("don’t waste your time", language.ENGLISH),
        ("Der Film ist nicht gut und zu lang", language.OTHER),
        ("この映画は最高でした", language.JAPANESE),
        ("这部电影非常好看", language.CHINESE),
        ("Фильм очень хороший", language.OTHER),
        ("lol", language.LATIN),
        ("★★★★★ 10/10 😀", language.NONE),
        ("", language.NONE),
    ],
)
def test_languages(text, expected):
    """By script, and by common words where the script is Latin."""
    assert language.language(text) == expected


@pytest.mark.parametrize(("share", "said"), [(0, "0.0%"), (1e-6, "less than 0.1%"), (0.1234, "12.3%"), (1, "100.0%")])
def test_shares_are_never_rounded_to_nothing(share, said):
    """What is there is not shown as 0."""
    assert percent(share) == said
