"""A cycle in which every word that somebody else chose is hostile: what we post stays ours."""

import re

from github_reads import HOSTILE, MARKDOWN, acts, leaves, rendered
from hypothesis import assume, example, given, settings
from sentiment import BOB, LINKS, PIPELINE, Story, at_evaluate

from orchestrator.core.events import CancelAsked, RosterRead
from orchestrator.core.gate import Person, Roster
from orchestrator.core.report import Chart, Failure, Metric, Report, Sample, Series, Table, ToLabel
from reviewers.commands import parse
from reviewers.comment import (
    LIMIT,
    Line,
    answer,
    changes_diff,
    check_text,
    headline,
    intro,
    labels,
    labels_diff,
    read_marker,
    short,
    title,
)
from reviewers.corrections import Correction
from reviewers.plain import inert

OURS = re.compile(
    r"</?details>|<summary>((Samples|Labels worth a look) \([\d,]+\)|Every stage so far)</summary>"
    r"|<summary>All parameters in the pipeline file</summary>"
    r"|</?sub>|<br>|<!-- ratchet:[a-z]+ [\w./-]+ -->|\s+"
)
URLS = re.compile(
    r"https://(github\.com/acme/models|ratchet\.acme\.example)/[\w./-]*|\.\./charts/[\w.-]*|reports/[\w.-]*|labels\.csv"
)


def report_of(data):
    """A report in which every text is the data."""
    words = (data, f"{data}2")
    points = tuple((f"{place} {data}", float(place)) for place in (1, 2))
    return Report(
        summary=data,
        metrics=(Metric(name=data, value=1.5, unit=data, low=1, high=2, baseline=1, better="higher"),),
        tables=(Table(title=data, columns=words, rows=(words, (data, 3), (None, True))),),
        charts=(
            Chart(title=data, kind="bar", x=data, y=data, series=(Series(name=data, points=points),)),
            Chart(title=data, x=data, y=data, series=(Series(name=data, points=points),) * 2),
        ),
        samples=(Sample(text=data, note=data), Sample(text=data)),
        warnings=(data, data),
        to_label=(ToLabel(id=data, text=data, label=data, predicted=data, confidence=0.5, why=data),),
    )


def story_of(data):
    """A cycle whose people, purposes, parameters and reasons are the data; its first gate is open."""
    pipeline = PIPELINE.but(groups={"product": (data, "erin")})
    story = Story(
        pipeline=pipeline, purpose=data, params={"finetune": {data: data}}, by=Person(id="github:1", login=data)
    )
    return story.finds(report_of(data))


def texts(data):
    """Everything that we would post about such a cycle, by name."""
    story = story_of(data)
    made = {"title": title(story.cycle), "intro": intro(story.cycle, LINKS), "gate": story.gate(ping=True)}
    roster = Roster(members={}, unreadable={"@acme/data": data})
    made["status stuck"] = read_again(story, roster).status(head=data)
    story = story_of(data).review(Person(id="github:2", login=data), reason=data)
    made["gate closed"] = story.gate()
    made["failed"] = story.finds(Failure(what=data, where=data, cure=data, retryable=False)).status()
    evaluated = at_evaluate(report_of(data)).hold(data)
    made |= {"held": evaluated.status(), "asks": evaluated.gate(ping=True), "policy": evaluated.status()}
    check, summary = check_text(evaluated.cycle, evaluated.opening, LINKS)
    made |= {"check": check, "summary": summary, "headline": headline(evaluated.cycle), "short": short(data)}
    lines = [Line(kind=kind, said=data, what=data, cure=data) for kind in ("counted", "refused", "misread")]
    diff = changes_diff(evaluated.cycle, "finetune", {data: data, "learning_rate": data})
    made["answer"] = answer("123456", data, [*lines, Line(kind="counted", what=data, block=diff), *_labels(data)])
    ended = story_of(data).happens(CancelAsked(at=evaluated.at, id="c", by=BOB, reason=data))
    made |= {"cancelled": ended.status(), **{f"file {name}": body for name, body in ended.files().items()}}
    return made


def _labels(data):
    """What is answered to whoever corrected a label."""
    diff = labels_diff([Correction(data, data, f"{data}2", "alice", "")] * 60, {data: data})
    return [Line(kind="counted", said="labels.csv", what="corrected", block=diff)]


def read_again(story, roster):
    """The lists behind the gate are read again."""
    return story.happens(RosterRead(at=story.at, roster=roster))


def blocks(markdown):
    """The kinds of blocks in a text."""
    return [one.type for one in MARKDOWN.parse(markdown)]


INNOCENT = texts("word")
PLAIN = ("title", "check", "headline", "short")
PINGED = {"gate": {"@acme/data"}, "asks": {"@acme/ml", "@acme/safety", "@dave"}}


@settings(max_examples=30)
@given(HOSTILE)
@example("x" * 65_537)
@example("@" * 65_537)
@example("|" * 2100)
@example("`" * 3000)
def test_whatever_people_and_data_say_our_texts_stay_ours(data):
    """No command is read, no marker forged, nobody pinged who is not asked; no link, HTML or block is added."""
    data = data.encode("utf-8", "ignore").decode()  # a noun holds no half characters; `reviewers/safe.py` takes them
    assume(inert(data.replace("\u200b", "")).strip())
    assume(data != "learning_rate")
    for name, body in texts(data).items():
        if name.endswith((".json", ".svg", ".csv")):
            continue
        assert name in PLAIN or parse(body) == (), name
        assert len(body) <= (400_001 if name.startswith("file") else LIMIT), name
        assert read_marker(body) == read_marker(INNOCENT[name]), name
        if name in PLAIN:
            assert "\n" not in body, name
            continue
        assert {hit for _, hit in acts(body)} == PINGED.get(name, set()), name
        assert len(data) > 1000 or blocks(body) == blocks(INNOCENT[name]), name
        for token in rendered(body):
            if token.type in ("html_block", "html_inline"):
                assert OURS.sub("", token.content) == "", (name, token.content)
            for key in ("href", "src"):
                assert URLS.fullmatch(str(token.attrs.get(key, "https://github.com/acme/models/"))), (name, token)


@settings(max_examples=30)
@given(HOSTILE)
def test_a_diagram_has_the_lines_that_an_innocent_word_makes(data):
    """Labels differ; no statement of Mermaid is added."""
    data = data.encode("utf-8", "ignore").decode()
    assume(data.strip())
    found, wanted = (diagrams(report_of(word)) for word in (data, "word"))
    assert found == wanted


def diagrams(report):
    """The Mermaid diagrams of a report, without what their labels say."""
    body = Story().finds(report).gate()
    fences = [one.content for one in rendered(body) if one.type == "fence" and one.info == "mermaid"]
    return [re.sub(r'"[^"]*"', '""', one) for one in fences]


@given(HOSTILE)
def test_labels_and_titles_take_anything(data):
    """A title has at most 200 characters, a check's 140, and the labels are of the small fixed set."""
    story = story_of(data.encode("utf-8", "ignore").decode() or "x")
    assert len(title(story.cycle)) <= 200
    assert len(short(data)) <= 140
    assert labels(story.cycle) == {"ratchet", "ratchet:in review"}


def test_a_report_of_any_size_is_cut_at_whole_blocks():
    """65,537 characters in each of a thousand places: the first blocks are there, and the rest is linked."""
    rows = tuple((("@everyone|" * 100),) * 30 for _ in range(50))
    tables = tuple(Table(title=f"table {k}", columns=("x" * 65_537,) * 30, rows=rows) for k in range(10))
    metrics = tuple(Metric(name="m" * 65_537 + str(k), value=k) for k in range(100))
    story = Story().finds(Report(summary="s" * 65_537, metrics=metrics, tables=tables, warnings=("w|" * 40_000,) * 99))
    body = story.gate()
    assert len(body) <= LIMIT
    link = "[the report](https://github.com/acme/models/blob/ratchet/c-000042/cycles/c-000042/reports/collect-1.md)"
    assert body.endswith(f"*This is not all: the rest is in {link}.*")
    assert "/approve" in body
    assert list(leaves(MARKDOWN.parse(body)))[-1].type == "paragraph_close"
