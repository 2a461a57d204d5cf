"""What people see in the review room, told as stories."""

from datetime import timedelta

import pytest
from sentiment import (
    ALICE,
    BEGAN,
    BOB,
    CAROL,
    COLLECTED,
    DAVE,
    DEPLOYED,
    EVALUATED,
    LINKS,
    PIPELINE,
    Story,
    at_collect,
    at_evaluate,
    done,
)

from orchestrator.core.events import CancelAsked, Held, LeaseRefused, RosterRead, TimePassed, Unheld
from orchestrator.core.gate import Person, Roster
from orchestrator.core.model import Pipeline, Trigger
from orchestrator.core.report import Chart, Failure, Metric, Report, Sample, Series, Table
from reviewers.commands import FORMS
from reviewers.comment import (
    LABELS,
    ROLES,
    Line,
    Links,
    answer,
    changes_diff,
    check_text,
    gate,
    headline,
    help_text,
    intro,
    labels,
    marker,
    read_marker,
    short,
    status,
    title,
)
from reviewers.comment.report import change
from reviewers.comment.words import clause_words, span

NOTHING = Links()


def pipeline(**stage):
    """Two stages; the first has these fields."""
    first = {"name": "collect", "step": "steps.collect:collect", **stage}
    return Pipeline.model_validate(
        {"name": "small", "stages": [first, {"name": "train", "step": "steps.finetune:finetune"}]}
    )


def lines(text):
    """Its lines that are not blank."""
    return [line for line in text.split("\n") if line.strip()]


# Markers


def test_a_marker_is_found_on_the_first_line_alone():
    """Ours is read back; one further down is data, and one that could not be read back is refused."""
    assert read_marker(f"{marker('status', 'c-000042')}\n\nhello") == ("status", "c-000042")
    assert read_marker("<!-- ratchet:gate c-000042/collect/1 -->\r\nhello") == ("gate", "c-000042/collect/1")
    assert read_marker("hello\n<!-- ratchet:status c-000042 -->") is None
    assert read_marker("") is None
    for kind, key in (("status", "c 1"), ("Status", "c-1"), ("status", ""), ("status", "a --> b")):
        with pytest.raises(ValueError, match="can't be a marker"):
            marker(kind, key)


# The pull request


def test_the_pull_request_says_why_what_and_who():
    """Why it began and by whom, the purpose as a quote, what was set instead of what, and who is asked at each gate."""
    text = intro(at_collect().cycle, LINKS)
    assert read_marker(text) == ("pull", "c-000042")
    assert "because a planner asked for it, by `alice`, on 2026-11-20 02:17 UTC." in text
    assert "> Tweets from the autumn campaign" in lines(text)
    assert "| `finetune` | `learning_rate` | `5e-5` | `3e-4` |" in lines(text)
    assert "2. `finetune` runs." in lines(text)
    asked = "policy `no_regression`, and where it says no, 2 of `@acme/ml`, 1 of `@acme/safety` and `dave` personally"
    assert f"3. `evaluate` runs. Then asked: {asked} instead." in lines(text)
    assert "There is a reminder every 8 hours, and after 1 day without agreement the cycle is put on hold." in text
    assert help_text() in text
    assert "[this workflow run](https://github.com/acme/models/actions/runs/123456)" in text


def test_a_cycle_that_nobody_asked_for_says_so():
    """A schedule has no name to show, and no purpose; a parameter that the file leaves to the step replaced nothing."""
    story = Story(
        pipeline=pipeline(**{"with": {"rows": 5}}),
        trigger=Trigger.SCHEDULE,
        purpose=" ",
        params={"collect": {"seed": "7"}, "gone": {"x": "1"}},
        by=None,
    )
    text = intro(story.cycle, NOTHING)
    assert "because its schedule came due, on 2026-11-20" in text
    assert "\n>" not in text
    assert "| `collect` | `seed` | `7` | `–` |" in lines(text)
    assert "| `collect` | `rows` | `5` |" in lines(text)
    assert "workflow run" not in text
    bare = Story(pipeline=pipeline(), params={}, purpose="")
    assert "Set for this cycle" not in intro(bare.cycle, NOTHING)
    assert title(bare.cycle) == "Retrain small (c-000042)"


def test_the_title_is_one_line():
    """With the purpose as far as there is room, and no issue in it that a merge would close."""
    assert title(at_collect().cycle) == "Retrain sentiment (c-000042): Tweets from the autumn campaign"
    long = title(Story(purpose="Fixes #12 " * 90, pipeline=PIPELINE.but(name="n" * 150)).cycle)
    assert len(long) == 200
    assert long.endswith("…")
    assert "#1" not in long


# The status comment


def test_a_cycle_waits_for_its_turn_then_runs():
    """Before the lease is had, and with the first stage running."""
    story = Story(grant=False)
    assert "### 🕒 Waiting for its turn: one cycle at a time works on `sentiment`" in story.status()
    assert labels(story.cycle) == {"ratchet", "ratchet:queued"}
    running = Story()
    assert "### ⚙️ `collect` is running, since 2026-11-20 02:18 UTC" in running.status()
    assert 's0["collect<br/>running"]:::running' in running.status()
    assert headline(running.cycle) == "⚙️ collect is running, since 2026-11-20 02:18 UTC"


def test_a_skipped_cycle_says_who_was_there_first():
    """It never ran anything."""
    story = Story(grant=False)
    story.happens(LeaseRefused(at=story.at, holder="c-000041"))
    assert "### ⏭️ Skipped: c-" in story.status()
    assert labels(story.cycle) == {"ratchet", "ratchet:skipped"}


def test_a_cycle_with_nothing_to_do_says_so_and_blames_nobody():
    """The stage's reason is the headline; the stage did not fail, and there is nothing to answer."""
    story = Story().finds(Failure(what="no row is new", skip=True))
    text = story.status()
    assert "### ⏭️ Skipped: no row is new" in lines(text)
    assert 's0["collect<br/>nothing to do"]:::waiting' in text
    assert "| nothing to do |" in text
    assert "failed" not in text.split("classDef")[0]
    assert "/rerun" not in text
    assert labels(story.cycle) == {"ratchet", "ratchet:skipped"}


def test_an_open_gate_says_who_is_still_needed():
    """The headline in words, each clause met or open, the line to copy, the answers, and what comes next."""
    story = at_evaluate()
    text = story.status(head="ab" * 32)
    assert "### 👀 Waiting for 1 more of `@acme/ml` and `dave` before `deploy` starts" in lines(text)
    assert "| ❌\u00a0no | policy `no_regression` |  | says no: its answer is below |" in lines(text)
    assert "| ⏳\u00a0open | 2 of `@acme/ml` | `carol` | 1 more of `@acme/ml` |" in lines(text)
    assert "| ✅\u00a0met | 1 of `@acme/safety` | `carol` |  |" in lines(text)
    assert f"```\n/approve {story.opening.digest[:12]}\n```" in text
    assert "- ✅ `carol` agrees, 2026-11-20 03:09 UTC: old films dip a little, and I can live with that" in lines(text)
    assert 'g2{{"review of evaluate<br/>? asks now"}}:::asks' in text
    assert "record `abababababab`" in text
    assert (
        "[report](https://github.com/acme/models/blob/ratchet/c-000042/cycles/c-000042/reports/evaluate-1.md)" in text
    )
    assert labels(story.cycle) == {"ratchet", "ratchet:in review"}


def test_the_status_is_the_same_until_something_happens():
    """Time alone edits nothing, so that a comment is not edited every minute."""
    story = at_evaluate()
    assert story.status() == status(story.cycle, LINKS, story.at + timedelta(days=30))


def test_who_started_the_cycle_is_told_not_to_count():
    """In the table's margin, where the gate says so in a clause or beside them."""
    assert "`alice` started this cycle, and does not count here." in at_collect().status()
    rule = Story(pipeline=pipeline(gate={"require": ["1 of @acme/data", "not_initiator"]})).finds(COLLECTED)
    assert "| ☑️\u00a0rule | whoever started the cycle does not count |  |  |" in lines(rule.status())
    nobody = Story(pipeline=pipeline(gate={"require": ["1 of bob"], "not_initiator": True}), by=None).finds(COLLECTED)
    assert "does not count here" not in nobody.status()


def test_a_deadline_is_told_before_and_after_it_passed():
    """With the next reminder while there is one to come."""
    story = at_collect()
    assert "⏰ Without agreement the cycle is put on hold on 2026-11-21 02:26 UTC. The next reminder" in story.status()
    late = BEGAN + timedelta(hours=20)
    assert "reminder" not in status(story.cycle, LINKS, late)
    assert "⏰ The deadline passed on 2026-11-21" in status(story.cycle, LINKS, BEGAN + timedelta(days=2))
    story.happens(TimePassed(at=story.at, run=story.opening.run, purpose="deadline"))
    text = story.status()
    assert "### ⏸️ On hold: nobody closed the gate of collect in time: 1 more of `@acme/data`" in text
    assert "⏰ The deadline passed on" in text
    assert labels(story.cycle) == {"ratchet", "ratchet:in review", "ratchet:held"}
    ends = pipeline(gate={"require": ["1 of bob"], "deadline": {"after": "90m", "then": "reject"}})
    text = Story(pipeline=ends).finds(COLLECTED).status()
    assert "⏰ Without agreement the cycle ends on 2026-11-20 03:56 UTC." in lines(text)


def test_a_gate_that_cannot_be_met_says_why():
    """A list that can't be read is no list to wait for."""
    story = at_collect()
    story.happens(RosterRead(at=story.at, roster=Roster(unreadable={"@acme/data": "Members: read is missing"})))
    words = "### ⚠️ Stuck before `finetune` starts: `@acme/data` cannot be read: Members: read is missing"
    assert words in lines(story.status())
    assert check_text(story.cycle, story.opening, LINKS)[0].startswith("Stuck: @\u200bacme/data cannot be read")


def test_a_policy_answers_for_people():
    """Until it has answered it is waited for; where it says yes, nobody else is needed."""
    story = at_collect().review(BOB).finds(Report(summary="trained")).finds(EVALUATED)
    assert "Waiting for policy `no_regression` before `deploy` starts" in story.status()
    held = story.hold().policy("approve")
    text = held.status()
    assert "| ✅\u00a0met | policy `no_regression` | yes |  |" in lines(text)
    assert "| ➖\u00a0not\u00a0needed | 2 of `@acme/ml` |  |  |" in lines(text)
    assert "- ✅ Policy `no_regression` agrees, " in text
    assert "/approve" not in text
    assert check_text(held.cycle, held.opening, LINKS)[0] == "evaluate is reviewed"
    held.happens(Unheld(at=held.at, id="u", by=BOB))
    assert held.gate(-1).split("\n")[2].startswith("**✅ Approved by policy no")


def test_a_policy_that_alone_decides_and_has_said_nothing():
    """It is named; so are the people who are asked in any case."""
    only = pipeline(gate={"policy": "quality", "require": ["1 of bob"]})
    story = Story(pipeline=only).finds(COLLECTED)
    assert "Waiting for `bob` and policy `quality` before `train` starts" in story.status()


def test_an_agreed_gate_that_is_held_waits_for_nobody():
    """Everybody agreed while it was on hold: nobody is asked again."""
    story = at_collect().hold("").review(BOB)
    text = story.status()
    assert "### ⏸️ On hold: bob" in lines(text)
    assert "Nothing more starts until somebody says `/unhold`." in text
    assert "To agree" not in text
    unheld = story.cycle.but(held=None)
    assert "### 👀 `collect` is being reviewed before `finetune` starts" in status(unheld, LINKS, story.at)
    assert check_text(unheld, unheld.opening, LINKS)[0] == "collect is reviewed"


def test_a_failure_says_what_where_and_the_cure():
    """And which words go on from here."""
    story = at_collect().review(BOB)
    story.finds(Failure(what="The loss is not a number", where="loop.py:88", cure="lower `lr`", retryable=False))
    text = story.status()
    assert "### ❌ `finetune` failed, and waits for somebody to say what next" in lines(text)
    assert "> The loss is not a number in `loop.py:88`. Cure: lower `lr`" in lines(text)
    assert "Say `/rerun` to try `finetune` again" in text
    assert 's1["finetune<br/>✗ failed"]:::failed' in text
    assert labels(story.cycle) == {"ratchet", "ratchet:failed"}
    bare = at_collect().review(BOB).finds(Failure(what="Out of memory", retryable=False))
    assert "> Out of memory." in lines(bare.status())


def test_a_retry_says_when():
    """It failed, and nobody need do anything."""
    story = at_collect().review(BOB).finds(Failure(what="a worker was lost"))
    due = story.cycle.run.due
    assert "tried again on 2026-11-20 02:35 UTC" in status(story.cycle, LINKS, due - timedelta(seconds=1))
    assert "tried again now, without anybody being asked." in status(story.cycle, LINKS, due)
    assert "### ⚙️ `finetune` is tried again, for the first time" in lines(story.status())


def test_a_run_that_is_stopped_says_what_follows():
    """A cancellation or a rerun waits until the run has stopped."""
    story = Story()
    story.happens(CancelAsked(at=story.at, id="c", by=BOB, reason="wrong data"))
    assert "### 🛑 Stopping `collect`, to be cancelled" in lines(story.status())
    assert 's0["collect<br/>stopping"]' in story.status()
    again = at_collect().review(BOB).rerun("collect")
    assert "### 🛑 Stopping `finetune`, to be run again from `collect`" in lines(again.status())


def test_an_ended_cycle_says_how():
    """Done, rejected with the reason, cancelled by whom."""
    assert "### ✅ Done: every stage finished, and every gate agreed" in lines(done().status())
    assert "Reports and digests" not in status(done().cycle, NOTHING, BEGAN)
    rejected = at_collect().review(BOB, "reject", reason="Monday's labels are wrong")
    assert "### ❌ Rejected: bob says reject: Monday's labels are wrong" in lines(rejected.status())
    assert "✗ rejected" in rejected.status()
    stopped = Story()
    stopped.happens(CancelAsked(at=stopped.at, id="c", by=BOB, reason="enough"))
    stopped.finds(Failure(what="stopped"))
    assert "### ⛔ Cancelled: bob: enough" in lines(stopped.status())
    wanted = stopped.cycle.but(runs=(stopped.cycle.runs[0].but(state="wanted"),))
    assert 's0["collect<br/>stopped"]:::failed' in status(wanted, LINKS, BEGAN)
    assert "### ⛔ Cancelled" in lines(status(stopped.cycle.but(reason=""), LINKS, BEGAN))
    assert {name for story in (done(), rejected, stopped) for name in labels(story.cycle)} <= set(LABELS)


def test_every_state_has_a_label():
    """The fixed set is all there is."""
    assert all(f"ratchet:{state.value.replace('_', ' ')}" in LABELS for state in type(done().cycle.state))
    assert all(len(name) <= 50 and len(means) <= 100 and len(colour) == 6 for name, (colour, means) in LABELS.items())


def test_long_pipelines_are_drawn_from_top_to_bottom():
    """Six boxes do not fit beside each other."""
    stages = [{"name": f"stage{k}", "step": "steps.x:y"} for k in range(6)]
    story = Story(pipeline=Pipeline.model_validate({"name": "long", "stages": stages}))
    assert "flowchart TB" in story.status()


# The gate comment


def test_a_gate_asks_and_tells_how_to_answer():
    """Summary, warnings, what the policy says, who is asked, and the line to copy come before the numbers."""
    story = at_evaluate()
    text = story.gate(ping=True)
    assert read_marker(text) == ("gate", "c-000042/evaluate/1")
    wanted = [
        "### Review of `evaluate`: may the cycle go on?",
        "**Can't tell from the champion",
        "> [!WARNING]",
        "❌ **Policy `no_regression` says no:**",
        "- verdict PASS: not met by INCONCLUSIVE",
        "**Asked:** 2 of `@acme/ml`, 1 of `@acme/safety` and `dave` personally.",
        "Agree, and `deploy` starts.",
        f"/approve {story.opening.digest[:12]}",
        "Please look: @acme/ml @acme/safety @dave",
        "| accuracy | **0.8433** | 0.8241 to 0.8608 | 0.8373 | +0.006 ⚪ unclear |",
        "| median latency | **11.8 ms** |  | 10.2 | +1.6 🔴 worse |",
        "charts/evaluate-1-1.svg)](",
        "#### By group, against the champion",
        "<summary>Samples (2)</summary>",
    ]
    found = [text.index(one) for one in wanted]
    assert found == sorted(found)
    assert "Please look" not in story.gate()


def test_only_whoever_is_asked_is_pinged():
    """The members of a group, not a role, not who started it, and nobody whom the policy may make needless."""
    roles = pipeline(
        gate={"require": ["1 of @write", "1 of @acme/ml", "must alice", "1 of bob"], "not_initiator": True}
    )
    assert "Please look: @acme/ml @bob" in lines(Story(pipeline=roles).finds(COLLECTED).gate(ping=True))
    story = at_evaluate().review(BOB).review(DAVE).finds(DEPLOYED)
    assert "Please look: @dave @erin" in lines(story.gate(ping=True))
    waits = at_collect().review(BOB).finds(Report(summary="trained")).finds(EVALUATED)
    text = waits.gate(ping=True)
    assert "Please look" not in text
    assert "**Asked:** policy `no_regression`, and where it says no, 2 of" in text


def test_a_policy_beside_people_leaves_them_asked():
    """With their deadline and the rule about who started it."""
    story = Story(pipeline=pipeline(gate={"policy": "no_regression", "require": ["1 of bob"], "not_initiator": True}))
    story.finds(COLLECTED).policy("approve")
    text = story.gate()
    assert "**Asked:** `bob`; whoever started the cycle does not count." in lines(text)
    assert "✅ **Policy `no_regression` says yes:**" in lines(text)
    alone = Story(pipeline=pipeline(gate={"policy": "quality"})).finds(COLLECTED)
    assert "**Asked:** policy `quality`." in lines(alone.gate())


def test_a_closed_gate_says_how_first():
    """Approved by whom, void or rejected; then nothing is asked any more."""
    story = done()
    text = story.gate(0)
    assert lines(text)[1] == "**✅ Approved by bob, 2026-11-20 02:27 UTC**"
    assert "/approve" not in text
    void = at_evaluate().rerun("finetune", learning_rate="2e-5")
    assert lines(void.gate())[1] == "**↩️ Void, 2026-11-20 03:10 UTC: alice asked for finetune again**"
    no = at_collect().review(BOB, "reject", reason="wrong")
    assert lines(no.gate())[1].startswith("**❌ Rejected")
    assert lines(gate(no.cycle, no.opening, LINKS, outcome="Lost"))[1] == "**Lost**"


def test_a_stage_without_a_gate_asks_nothing():
    """Its report is shown as it is."""
    story = at_collect()
    opening = story.opening.but(stage="finetune", run="c-000042/finetune/1")
    assert "/approve" not in gate(story.cycle, opening, LINKS, ping=True)
    assert check_text(story.cycle, opening, LINKS)[0] == "finetune is reviewed"


def test_a_few_points_are_drawn_by_github_and_many_are_a_picture():
    """One even series of up to twenty points; all else is on the branch, as a picture or a link."""
    text = at_collect().gate()
    assert 'x-axis "cycle" ["c-000039", "c-000040", "c-000042"]' in text
    assert "bar [4102, 7153, 3127]" in text
    story = at_evaluate()
    plain = gate(story.cycle, story.opening, Links(branch=LINKS.branch))
    assert "#### Loss\n\n📈 See [the drawing of this chart](https://github.com/acme/models/blob/" in plain
    assert "#### Loss\n\n📈 See the drawing of this chart." in gate(story.cycle, story.opening, NOTHING)


def drawing(*points, kind="line", many=1):
    """The gate comment's diagram of these points, if it has one."""
    series = (Series(name="s", points=points),) * many
    report = Report(summary="x", charts=(Chart(title="", kind=kind, series=series),))
    text = Story().finds(report).gate()
    return text.partition("xychart-beta\n")[2].partition("\n```")[0]


def test_what_mermaid_would_draw_wrongly_is_not_left_to_it():
    """Uneven steps, one point, several series, and numbers out of all bounds."""
    assert "line [1, 2, 3.5]" in drawing((1, 1), (2, 2), (3, 3.5))
    assert 'x-axis " " ["-", "b"]' in drawing(('"', 1), ("b", 2))
    assert 'y-axis " " 0.95 --> 2.05' in drawing((1, 1), (2, 2))
    assert 'y-axis " " 2.7 --> 3.3' in drawing((1, 3), (2, 3))
    assert 'y-axis " " -1 --> 1' in drawing((1, 0), (2, 0))
    assert 'y-axis " " -2.1 --> 0' in drawing((1, -1), (2, -2), kind="bar")
    assert 'y-axis " " 0 --> 2.1' in drawing((1, 1), (5, 2), kind="bar")
    assert "line [1000000, 0]" in drawing((1, 1e6), (2, 0))
    assert "line [0.25, 12345678901.5]" in drawing((1, 0.25), (2, 12345678901.5))
    for none in (
        drawing((1, 1), (2, 2), (9, 3)),
        drawing((1, 1)),
        drawing((1, 1), (2, 2), many=2),
        drawing((1, 1), (2, 1e13)),
        drawing(*((k, k) for k in range(21))),
        drawing((1, 1), ("b", 2)),
        drawing((1, 1), (2, 1e-9)),
        drawing((1, 1), (2, 1.00001)),
        drawing(("a?", 1), ("a!", 2), kind="bar"),
        drawing(("a" * 60, 1), ("b" * 60, 2), *((f"{k}{'c' * 60}", k) for k in range(9)), kind="bar"),
        drawing(),
    ):
        assert none == ""


def test_long_reports_are_counted():
    """Rows, columns, metrics, samples and warnings beyond what is read."""
    report = Report(
        summary="Long.",
        metrics=tuple(Metric(name=f"m{k}", value=k) for k in range(50)),
        tables=(
            Table(title="t", columns=tuple(f"c{k}" for k in range(25)), rows=((1,) * 25,) * 30),
            Table(title="", columns=("a", "b"), rows=((None, True), (1, False), ("x",))),
            Table(title="empty", columns=(), rows=()),
        ),
        samples=(Sample(text=" "), *(Sample(text=f"text {k}") for k in range(20))),
        warnings=(" ", *("w",) * 30),
    )
    text = Story().finds(report).gate()
    for more in ("10 more numbers", "10 more rows", "5 more columns", "9 more samples", "> - … and 11 more warnings"):
        assert more in text
    assert "| – | yes |\n| 1 | no |\n| x |  |" in text
    assert "> - (empty)" in text
    assert "- (empty)\n" in text
    assert "empty</" not in text
    assert "#### \n" not in text


def test_a_change_is_told_in_words():
    """Better, worse, unclear where the interval holds the baseline, or just the difference."""
    said = [
        change(Metric(name="m", **fields))
        for fields in (
            {"value": 2.0},
            {"value": 2.0, "baseline": 1.0},
            {"value": 2.0, "baseline": 2.0, "better": "higher"},
            {"value": 2.0, "baseline": 1.0, "better": "higher"},
            {"value": 2.0, "baseline": 1.0, "better": "lower"},
            {"value": 1.0, "baseline": 2.0, "better": "lower", "low": 0.5, "high": 1.5},
            {"value": 1.0, "baseline": 1.2, "better": "lower", "low": 0.5, "high": 1.5},
        )
    ]
    assert said == ["", "+1", "the same", "+1 🟢 better", "+1 🔴 worse", "-1 🟢 better", "-0.2 ⚪ unclear"]


def test_a_check_has_a_title_of_plain_words():
    """No backticks where no Markdown is read; the summary is the report."""
    story = at_evaluate()
    said, summary = check_text(story.cycle, story.opening, LINKS)
    assert said == "Waiting for 1 more of @\u200bacme/ml and dave"
    assert summary.startswith("**Can't tell from the champion")
    assert short("x" * 200) == f"{'x' * 139}…"
    assert len(short(f"@{'x' * 200}")) == 140


def test_somebody_at_the_terminal_stands_in():
    """The record says so."""
    story = Story(attended=True).finds(COLLECTED).hold()
    story.review(Person(id="os:1", login="erin"), authority="terminal", roster=Roster())
    assert "- ✅ `erin` agrees (at the terminal, standing in), " in story.status()
    assert "| ✅\u00a0met | 1 of `@acme/data` | `erin (at the terminal, standing in)` |  |" in story.status()


def test_asking_for_another_run_is_told_as_that():
    """A change while the cycle is held waits, and is shown."""
    story = at_collect().hold().review(BOB, "change", reason="drop the duplicates")
    assert "- ↩️ `bob` asks for another run, 2026-11-20 02:28 UTC: drop the duplicates" in lines(story.status())
    assert "Who has agreed" not in story.status()


def test_clauses_read_as_words():
    """A team by number, a login alone, somebody in person, a rule, and a policy by its bare name."""
    assert [clause_words(one) for one in ("2 of @acme/ml", "1 of bob", "must dave", "policy p", "p")] == [
        "2 of `@acme/ml`",
        "`bob`",
        "`dave` personally",
        "policy `p`",
        "policy `p`",
    ]
    assert clause_words("not_initiator") == "nobody who started the cycle"


def test_durations_read_as_words():
    """One is one."""
    spans = [
        timedelta(days=1),
        timedelta(hours=8),
        timedelta(minutes=90),
        timedelta(milliseconds=5),
        timedelta(weeks=2),
    ]
    assert [span(one) for one in spans] == ["1 day", "8 hours", "90 minutes", "5 milliseconds", "2 weeks"]


# Answers


def test_each_command_of_a_comment_is_answered():
    """What counted, what did not and why, and the cure."""
    text = answer(
        "123456",
        "alice",
        [
            Line(kind="counted", said="/approve 3ea7a67507ab", what="it counts"),
            Line(kind="refused", said="/hold", what="you may not", cure="ask @acme/ml"),
            Line(kind="misread", what="/aprove is not a command", cure="did you mean `/approve`?"),
        ],
    )
    assert lines(text) == [
        "<!-- ratchet:answer 123456 -->",
        "Answer to `alice`:",
        "✅ `/approve 3ea7a67507ab`: it counts",
        "❌ `/hold`: you may not → ask `@acme/ml`",
        "😕 &#47;aprove is not a command → did you mean `/approve`?",
    ]
    assert lines(answer("1", "", [Line(kind="counted", what="x", block=help_text())]))[2] == lines(help_text())[0]


def test_help_names_every_command_and_who_may_say_it():
    """The same verbs as the grammar."""
    rows = lines(help_text({"rollback": "owners"}))[2:]
    assert [row.split("`")[1] for row in rows] == [FORMS[verb] for verb in ROLES]
    assert set(ROLES) == set(FORMS)
    assert "| `/rollback [version]` | deploy the version before, or the one you name | owners |" in rows


def test_a_rerun_shows_what_it_changes():
    """Old and new under each stage; what the file leaves to the step has no old value."""
    cycle = at_evaluate().cycle
    shown = changes_diff(cycle, "finetune", {"learning_rate": "2e-5", "batch_size": "16", "seed": "7"})
    assert lines(shown) == [
        "```diff",
        "@@ finetune @@",
        "- learning_rate: 5e-5",
        "+ learning_rate: 2e-5",
        "- batch_size: 32",
        "+ batch_size: 16",
        "+ seed: 7",
        "```",
    ]
    other = lines(changes_diff(cycle, "", {"rows": "5", "collect.text": "body", "gone.x": "1"}))
    assert other == [
        "```diff",
        "@@ evaluate @@",
        "+ rows: 5",
        "@@ collect @@",
        "- text: text",
        "+ text: body",
        "@@ gone @@",
        "+ x: 1",
        "```",
    ]
    assert changes_diff(cycle, "finetune", {}) == "Nothing is changed: the same parameters again."


def test_a_hold_by_somebody_is_shown_with_the_reason():
    """Bob's words, and nobody is pinged by them."""
    story = Story()
    story.happens(Held(at=story.at, id="h", by=CAROL, reason="@acme/ml is at a conference"))
    assert "### ⏸️ On hold: carol: `@acme/ml` is at a conference" in lines(story.status())
    assert ALICE.login not in headline(story.cycle)
