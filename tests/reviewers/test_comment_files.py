"""The files on a cycle's branch, its drawings, and the page that shows all of this to users."""

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from comments_page import pages
from github_reads import HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from sentiment import BOB, EVALUATED, LINKS, Story, at_collect, at_evaluate, done

from orchestrator.core.report import Chart, Failure, File, Product, Report, Series, digest_of
from reviewers.comment import files, report_name
from reviewers.comment.svg import svg

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_page_for_users_is_what_is_really_shown():
    """Stale: run `PYTHONPATH=. python tests/reviewers/comments_page.py docs`."""
    for name, body in pages().items():
        assert (DOCS / name).read_text() == body, name


def test_a_branch_holds_request_manifest_reports_and_drawings():
    """One report for each gate that opened, and its charts beside it."""
    assert list(done().files()) == [
        "README.md",
        "charts/collect-1-1.svg",
        "charts/evaluate-1-1.svg",
        "charts/evaluate-1-2.svg",
        "manifest.json",
        "reports/collect-1.json",
        "reports/collect-1.md",
        "reports/deploy-1.json",
        "reports/deploy-1.md",
        "reports/evaluate-1.json",
        "reports/evaluate-1.md",
        "request.json",
    ]
    assert report_name("c-000042/fine-tune/12") == "fine-tune-12"


def test_the_same_cycle_gives_the_same_bytes():
    """Written twice, nothing changes on the branch."""
    assert done().files() == done().files()
    assert all(body.endswith("\n") for body in done().files().values())


def test_the_request_says_who_asked_for_what():
    """With the pipeline as it was frozen."""
    story = at_collect()
    request = json.loads(story.files()["request.json"])
    assert request["by"] == {"id": "github:1", "login": "alice"}
    assert request["params"] == {"finetune": {"learning_rate": "5e-5", "epochs": "3"}}
    assert request["pipeline"] == story.cycle.pipeline.model_dump(mode="json")
    assert json.loads(Story(by=None).files()["request.json"])["by"] is None


def test_the_manifest_names_each_run_its_digest_and_who_let_it_through():
    """A run that was replaced is kept, as what its gate was about."""
    story = at_evaluate().rerun("finetune", learning_rate="2e-5").finds(Report(summary="again"))
    manifest = json.loads(story.files()["manifest.json"])
    runs = {run["run"]: run for run in manifest["runs"]}
    assert manifest["head"] == "5e1f" * 16
    assert [(name, run["state"]) for name, run in runs.items()] == [
        ("c-000042/collect/1", "done"),
        ("c-000042/evaluate/1", "replaced"),
        ("c-000042/finetune/2", "done"),
        ("c-000042/evaluate/2", "wanted"),
    ]
    assert runs["c-000042/collect/1"]["reviews"][0]["by"]["login"] == "bob"
    assert runs["c-000042/collect/1"]["outputs"] == {"rows": 14382}
    assert runs["c-000042/evaluate/1"]["outcome"] == "Void, 2026-11-20 03:10 UTC: alice asked for finetune again"
    assert len(runs["c-000042/evaluate/1"]["digest"]) == 64
    assert "reviews" in runs["c-000042/finetune/2"]
    assert "report" not in runs["c-000042/finetune/2"]


def test_the_readme_tells_the_cycle_from_beginning_to_end():
    """What happened at each gate, and by whom; while one is open it says so."""
    text = done().files()["README.md"]
    assert text.startswith("# `sentiment`, `c-000042`\n\n**✅ Done: every stage finished, and every gate agreed**")
    assert "✅ Approved by policy no" not in text
    assert "\n✅ Approved by bob, 2026-11-20 02:27 UTC\n" in text
    assert "[The report](reports/evaluate-1.md)" in text
    assert "event 12</sub>" in text
    opened = at_collect()
    assert "\nIt is being reviewed.\n" in opened.files()["README.md"]
    bare = files(Story(purpose="").cycle, (), "")
    assert "\n>" not in bare["README.md"]
    assert bare["README.md"].endswith("<sub>event 2</sub>\n")
    empty = files(Story(grant=False).cycle, (), "")
    assert "| stage |" not in empty["README.md"].partition("### Set")[0]


def test_an_opening_is_told_as_it_was_last_seen():
    """Given twice, the later one counts."""
    story = at_collect()
    first = story.opening
    last = story.hold().review(BOB, reason="fine by me").opening
    found = files(story.cycle, (first, last), "")
    assert "fine by me" in found["reports/collect-1.md"]
    assert len([name for name in found if name.startswith("reports/")]) == 2


def test_the_report_on_the_branch_has_its_drawings_and_every_row():
    """Pictures by relative links, as GitHub shows them beside the file."""
    report = at_evaluate().files()["reports/evaluate-1.md"]
    assert "![Accuracy by group](../charts/evaluate-1-1.svg)" in report
    assert "xychart" not in report
    assert LINKS.branch not in report


POINT = st.tuples(
    st.one_of(HOSTILE, st.floats(allow_nan=False, allow_infinity=False)),
    st.floats(allow_nan=False, allow_infinity=False),
)
CHART = st.builds(
    lambda title, kind, x, y, rows: Chart.model_construct(
        title=title,
        kind=kind,
        x=x,
        y=y,
        series=tuple(Series.model_construct(name=name, points=tuple(points)) for name, points in rows),
    ),
    HOSTILE,
    st.sampled_from(["line", "bar"]),
    HOSTILE,
    HOSTILE,
    st.lists(st.tuples(HOSTILE, st.lists(POINT, max_size=6)), max_size=10),
)


@given(CHART)
def test_any_chart_is_a_drawing_that_can_do_nothing(chart):
    """Well-formed XML of a handful of elements, without scripts and links, whatever the numbers and names."""
    drawn = svg(chart)
    assert svg(chart) == drawn
    for element in Xml.fromstring(drawn).iter():  # noqa: S314 - our own text, and the test is that it is harmless
        name = element.tag.rpartition("}")[2]
        assert name in {"svg", "style", "title", "text", "line", "polyline", "circle", "rect"}
        assert not {key for key in element.attrib if key.startswith("on") or "href" in key}
        for key in ("x", "y", "x1", "y1", "cx", "cy", "width", "height"):
            assert -1 <= float(element.attrib.get(key, 0)) <= 800


def points_of(drawn):
    """The points of the lines in a drawing."""
    found = [one for one in Xml.fromstring(drawn).iter() if one.tag.endswith("polyline")]  # noqa: S314
    return [one.attrib["points"].split() for one in found]


def texts_of(drawn):
    """What is written in a drawing."""
    return [one.text for one in Xml.fromstring(drawn).iter() if one.tag.endswith("}text")]  # noqa: S314


def test_a_line_goes_from_edge_to_edge_between_round_numbers():
    """The axis has round ticks around the values."""
    drawn = svg(Chart(title="Loss", x="step", y="nats", series=(Series(name="s", points=((1, 0.93), (11, 0.31))),)))
    assert points_of(drawn) == [["72.0,65.8", "704.0,223.9"]]
    assert texts_of(drawn) == ["Loss, nats", "0.2", "0.4", "0.6", "0.8", "1", "1", "11", "step"]


def test_series_are_told_apart_without_colour():
    """Each has its own dashes, and a legend."""
    rows = tuple(Series(name=name, points=((0, 1), (1, 2))) for name in ("old", "new"))
    drawn = svg(Chart(title="t", series=rows))
    assert 'stroke-dasharray="7 4"' in drawn
    assert texts_of(drawn)[-2:] == ["old", "new"]


def test_bars_stand_in_groups_and_go_down_below_zero():
    """A name that one series lacks leaves a gap; a narrow bar carries no number."""
    first = Series(name="a", points=(("x", 1), ("y", -1)))
    drawn = svg(Chart(title="t", kind="bar", series=(first, Series(name="b", points=(("y", 2),)))))
    assert drawn.count("<rect") == 3
    assert {"x", "y", "a", "b", "-1"} <= set(texts_of(drawn))
    many = Series(name="m", points=tuple((f"name {k}", k) for k in range(100)))
    crowded = svg(Chart(title="t", kind="bar", series=(many,)))
    assert crowded.count("<rect") == 60
    assert "and 40 more groups" in texts_of(crowded)
    assert "name 0" in texts_of(crowded)
    assert "name 1" not in texts_of(crowded)


@pytest.mark.parametrize("kind", ["line", "bar"])
def test_a_chart_without_points_says_so(kind):
    """It is a drawing all the same."""
    assert texts_of(svg(Chart(title="t", kind=kind, series=())))[-1] == "no points"


def test_one_point_words_and_thousands_are_drawn():
    """A dot; words at the ends of the axis; every n-th of very many."""
    assert "<circle" in svg(Chart(title="t", series=(Series(name="s", points=((3, 3),)),)))
    words = svg(Chart(title="t", series=(Series(name="s", points=(("mon", 1), ("tue", 2))),)))
    assert {"mon", "tue"} <= set(texts_of(words))
    huge = svg(Chart(title="t", series=(Series(name="s", points=((0, -1e300), (1, 1e300))),)))
    assert {"-1e+300", "1e+300"} <= set(texts_of(huge))
    many = svg(Chart(title="t", series=(Series(name="s", points=tuple((k, k % 7) for k in range(5000))),)))
    assert len(points_of(many)[0]) == 500
    assert EVALUATED.charts


def test_what_no_review_stands_behind_is_there_too():
    """Every run that succeeded has its report and the digests of its files; one that failed says why."""
    story = done()
    blob = File(path="model.safetensors", sha256="ab" * 32, size=7)
    made = Product(outputs={"model": "m"}, report=Report(summary="Trained."), files=(blob,))
    found = files(story.cycle, (), "", None, {"c-000042/finetune/9": made})
    assert "**Trained.**" in found["reports/finetune-9.md"]
    assert "No review stands behind this run." in found["reports/finetune-9.md"]
    [entry] = [one for one in json.loads(found["manifest.json"])["runs"] if one["run"] == "c-000042/finetune/9"]
    assert entry["files"] == [blob.model_dump(mode="json")]
    assert entry["digest"] == digest_of("c-000042/finetune/9", made.report, made.files)
    first = story.cycle.runs[0]
    failed = first.but(state="failed", failure=Failure(what="no rows"), digest="")
    broken = files(story.cycle.but(runs=(failed,)), (), "")
    assert json.loads(broken["manifest.json"])["runs"][0]["failure"]["what"] == "no rows"
