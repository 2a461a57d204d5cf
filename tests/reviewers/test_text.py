"""Reports as terminal text: readable, bounded and unable to do anything."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from orchestrator.core.report import Chart, Metric, Report, Sample, Series, Table, ToLabel
from orchestrator.ports import Progress
from reviewers.pace import Pace, heed, line
from reviewers.plain import duration, inert, number, tame
from reviewers.plot import MOST_BARS, plot
from reviewers.text import help_view, question_view, render, report_view

NASTY = "[red]x[/red] :smile: \x1b[2J\x9b31m\u202eevil\u2066 \x07\r\nend"
FULL = Report(
    summary="The candidate is better.",
    metrics=(
        Metric(name="accuracy", value=0.8123, low=0.79, high=0.83, baseline=0.795, better="higher"),
        Metric(name="latency", value=12.5, unit="ms", baseline=10, better="lower"),
        Metric(name="rows", value=12345, baseline=12000),
        Metric(name="kept", value=1, baseline=1, better="higher"),
    ),
    tables=(
        Table(title="Per class", columns=("class", "rows", "ok"), rows=(("neg", 120, True), ("pos", None, False))),
    ),
    charts=(Chart(title="Loss", x="step", y="nats", series=(Series(name="train", points=((0, 1), (9, 0))),)),),
    samples=(Sample(text="A lovely film", note="positive"), Sample(text="Dull")),
    warnings=("3 rows were dropped",),
)


def lines_of(report, width=100):
    """The report's lines without colour."""
    return render(report_view(report, width=width), width=width).splitlines()


def test_a_report_shows_everything_summary_first():
    """Summary, warnings, metrics with intervals and changes, tables, charts and samples, in that order."""
    lines = lines_of(FULL)
    text = "\n".join(lines)
    assert lines[:2] == ["The candidate is better.", "! 3 rows were dropped"]
    wanted = [
        "accuracy",
        "0.79 … 0.83",
        "+0.0173 better",
        "12.5 ms",
        "+2.5 worse",
        "+345",
        "Per class",
        "Loss (nats)",
        "“A lovely",
    ]
    found = [text.index(word) for word in wanted]
    assert found == sorted(found)
    assert "“A lovely film”  positive" in text
    assert [line.split() for line in lines if line.split()[:1] == ["neg"]] == [["neg", "120", "yes"]]
    assert [line.split() for line in lines if line.strip().startswith("pos  ")] == [["pos", "-", "no"]]


def test_a_question_names_what_it_is_about_and_who_is_asked():
    """Cycle, stage, the digest's beginning, every clause, and what may be answered."""
    view = question_view("c-000042", "evaluate", FULL, digest="a1b2c3d4e5f6a7b8", asks=("2 of @ml: 1 more of @ml",))
    text = render(view)
    assert text.startswith("c-000042 · evaluate ─")
    assert "Your answer about a1b2c3d4e5f6?" in text
    assert "asked: 2 of @ml: 1 more of @ml" in text
    assert "approve · reject REASON" in text
    assert "Your answer?" in render(question_view("c-000042", "evaluate", Report(summary="x")))


def test_colour_is_there_only_when_asked_for():
    """On paper there is not one escape sequence."""
    assert "\x1b" not in render(report_view(FULL))
    assert "\x1b[1m" in render(help_view(), colour=True)


def test_long_reports_are_cut_and_counted():
    """Rows, samples and warnings beyond what fits are counted instead of shown."""
    report = Report(
        summary="Long.",
        tables=(Table(title="t", columns=("a",), rows=tuple((n,) for n in range(50))),),
        samples=tuple(Sample(text=f"s{n}") for n in range(9)),
        warnings=tuple(f"w{n}" for n in range(25)),
        charts=(
            Chart(title="c", kind="bar", series=(Series(name="n", points=tuple((f"b{n}", n) for n in range(30))),)),
        ),
    )
    text = "\n".join(lines_of(report))
    for more in ("30 more rows", "4 more samples", "5 more warnings", f"and {30 - MOST_BARS} more"):
        assert more in text


def test_what_data_says_is_shown_and_not_done():
    """Markup, escape sequences, control characters and direction marks arrive as harmless text, everywhere."""
    report = Report(
        summary=NASTY,
        metrics=(Metric(name=NASTY, value=1, unit=NASTY),),
        tables=(Table(title=NASTY, columns=(NASTY,), rows=((NASTY,),)),),
        charts=(
            Chart(title=NASTY, x=NASTY, y=NASTY, series=(Series(name=NASTY, points=((NASTY, 1), (NASTY, 2))),) * 2),
            Chart(title=NASTY, kind="bar", series=(Series(name=NASTY, points=((NASTY, 1),)),)),
        ),
        samples=(Sample(text=NASTY, note=NASTY),),
        warnings=(NASTY,),
    )
    text = render(question_view(NASTY, NASTY, report, digest=NASTY, asks=(NASTY,)))
    assert {unicodedata.category(char) for char in text} & {"Cc", "Cf", "Co", "Cs"} == {"Cc"}
    assert {char for char in text if unicodedata.category(char) == "Cc"} == {"\n"}
    assert "[red]x[/red] :smile: \\u001b[2J" in text


@given(st.text(), st.integers(0, 50))
def test_inert_text_is_one_harmless_short_line(text, most):
    """Whatever comes in, at most so many characters come out, and none of them does anything."""
    found = inert(text, most)
    assert len(found) <= most
    assert "\n" not in found
    assert not {unicodedata.category(char) for char in found if char not in "\u200c\u200d"} & {
        "Cc",
        "Cf",
        "Cs",
        "Zl",
        "Zp",
    }
    assert inert("한국어 é 👩‍🚀") == "한국어 é 👩‍🚀"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.81234, "0.8123"), (2e-5, "2e-05"), (12345, "12,345"), (12345.6, "12,346"), (1e15, "1.000e+15"),
        (-3.5, "-3.5"), (1.5e12, "1.500e+12"), (float("inf"), "inf"), (123456789.5, "123,456,790"),
    ],
)  # fmt: skip
def test_numbers_are_short(value, text):
    """Four digits are enough to judge by."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (45, "45s"), (185, "3m 05s"), (7620, "2h 07m"), (90_000 * 3, "3d 3h"), (float("inf"), "11574d 1h")],
)
def test_durations_are_two_units(seconds, text):
    """Seconds matter in minutes, minutes in hours, hours in days."""
    assert duration(seconds) == text


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
POINTS = st.one_of(
    st.lists(st.tuples(FLOATS, FLOATS), max_size=9), st.lists(st.tuples(st.text(max_size=9), FLOATS), max_size=30)
)
SERIES = st.builds(Series, name=st.text(max_size=40), points=POINTS.map(tuple))


@given(
    st.builds(
        Chart, title=st.just("t"), kind=st.sampled_from(["line", "bar"]), x=st.text(max_size=40),
        series=st.lists(SERIES, max_size=3).map(tuple),
    ),
    st.integers(30, 120),
)  # fmt: skip
def test_any_chart_can_be_drawn(chart, width):
    """Empty, constant, single, enormous or wordy: a chart has lines, and its curves and bars fit the width."""
    lines = ["".join(span.text for span in row) for row in plot(chart, width)]
    assert lines
    assert all(char.isprintable() for row in lines for char in row if char not in "\u200c\u200d")
    drawing = [row for row in lines if "│" in row or "┤" in row]
    assert len({len(row) for row in drawing}) <= 1
    assert all(len(row) <= max(width, 30) for row in drawing)


def test_a_falling_curve_falls():
    """The first dot is at the top left, the last at the bottom right, with the ends of both axes beside them."""
    chart = Chart(title="t", x="step", series=(Series(name="a", points=((0, 1), (10, 0.25))),))
    rows = ["".join(span.text for span in row) for row in plot(chart, 30)]
    assert rows[0].startswith("   1 ┤")
    assert rows[-2].startswith("0.25 ┤")
    assert rows[0][6] != " "
    assert rows[-2][-1] != " "
    assert rows[-1].split() == ["0", "step", "10"]


def test_several_series_are_named_and_an_empty_chart_says_so():
    """A legend only where there is something to tell apart."""
    two = Chart(title="t", series=(Series(name="a", points=((0, 1),)), Series(name="b", points=((0, 2),))))
    assert "● a  ● b" in "".join(span.text for span in plot(two, 40)[-1])
    assert plot(Chart(title="t", series=()), 40)[0][0].text == "(no points)"


def test_progress_tells_share_rate_and_time_left():
    """A bar, how much of how much, how fast and how long."""
    pace = heed(None, "finetune", Progress(done=0, total=500, unit="steps", at=100))
    pace = heed(pace, "finetune", Progress(done=210, total=500, unit="steps", note="epoch 1", at=160))
    assert line(pace, 100) == "finetune  ━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌  42%  210/500 steps  3.5/s  1m 23s left  epoch 1"
    assert line(pace, 10) == "finetune  "
    done = heed(pace, "finetune", Progress(done=500, total=500, unit="steps", at=200))
    assert "left" not in line(done, 100)
    wide = heed(None, "fine", Progress(note="한국어", at=1))
    assert line(wide, 11) == "fine  한국"


def test_progress_without_a_total_counts():
    """Nothing is invented where the whole is unknown."""
    pace = heed(None, "collect", Progress(note="reading", at=1))
    assert line(pace, 100) == "collect  reading"
    pace = heed(pace, "collect", Progress(done=30, unit="rows", at=4))
    assert line(heed(pace, "collect", Progress(done=60, unit="rows", at=7)), 100) == "collect  60 rows  10/s"


def test_another_phase_begins_its_own_rate():
    """Another stage, unit or total, or a count that starts again, forgets the speed of before."""
    before = heed(heed(None, "a", Progress(done=0, total=9, at=1)), "a", Progress(done=5, total=9, at=2))
    assert before.rate == 5
    for stage, progress in (
        ("b", Progress(done=6, total=9, at=3)),
        ("a", Progress(done=6, total=8, at=3)),
        ("a", Progress(done=6, total=9, unit="rows", at=3)),
        ("a", Progress(done=1, total=9, at=3)),
    ):
        assert heed(before, stage, progress).rate == 0


def test_plain_lines_come_every_ten_seconds_or_ten_percent():
    """On paper a line is written at the start, after 10 s, after 10 %, at a new phase and at the end."""

    def is_news(done, at, said_done=20, said_at=100, total=100.0):
        first = Progress(done=0, total=total, at=50)
        said = Progress(done=said_done, total=total, at=said_at)
        return Pace("a", first, Progress(done=done, total=total, at=at), said).is_news

    assert Pace("a", Progress(), Progress()).is_news
    assert not is_news(25, 105)
    assert is_news(25, 110)
    assert is_news(30, 101)
    assert is_news(100, 101, said_done=95)
    assert not is_news(100, 101, said_done=100)
    assert not is_news(99, 101, total=None)
    assert is_news(0, 101, said_at=49)


@given(st.lists(st.builds(Progress, done=FLOATS, total=st.none() | FLOATS, at=FLOATS, note=st.text()), min_size=1))
def test_any_progress_can_be_shown(steps):
    """Whatever a step says, the line is printable and no wider than the terminal."""
    pace = None
    for progress in steps:
        pace = heed(pace, "stage", progress)
        assert pace.is_news in (True, False)
        found = line(pace, 60)
        assert cell_len(found) <= 60
        assert all(char.isprintable() for char in found if char not in "\u200c\u200d")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2J\x07\u202e\x9b", "\\u001b[2J\\u0007\\u202e\\u009b"),
        (" 1%\r 2%\r 3%\r\nnext\r", " 3%\nnext"),
    ],
)
def test_text_of_many_lines_keeps_them_and_does_nothing(text, shown):
    """Lines stay, colours and what was written over go, whatever else would act is shown as an escape."""
    assert tame(text) == shown


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(-0.02, 0.01, "-0.008 unclear"), (-0.02, -0.001, "-0.008 worse"), (None, None, "-0.008 worse")],
)
def test_a_difference_whose_interval_holds_zero_is_unclear(low: float | None, high: float | None, said: str) -> None:
    """Neither better nor worse is claimed where the interval allows both."""
    metric = Metric(name="gain_on_old", value=-0.008, low=low, high=high, baseline=0, better="higher")
    assert said in render(report_view(Report(summary="s", metrics=(metric,))))


def test_labels_worth_a_look_are_shown_and_the_question_says_how_to_correct_them():
    """Five rows of them, in lines of their own; nothing in them acts."""
    rows = [
        ToLabel(id=str(n), text=NASTY, label="bad", predicted="good", confidence=0.974, why=NASTY) for n in range(6)
    ]
    rows[1] = ToLabel(id="1", text="", label="bad")
    report = Report(summary="x", to_label=tuple(rows))
    shown = render(question_view("c-000042", "collect", report), width=120)
    assert "Labels worth a look (6)" in shown
    assert "good 97%" in shown
    assert "… and 1 more labels" in shown
    assert "`ratchet labels c-000042 --csv FILE`" in shown
    assert not any(sign in shown for sign in "\x1b\x9b\u202e\u2066\x07")
    assert "ratchet labels" not in render(question_view("c-000042", "collect", FULL))
