"""A cycle that could be anybody's: a sentiment model learns another domain. Folded by the real machine."""

from datetime import UTC, datetime, timedelta

from orchestrator.core.events import (
    Held,
    LeaseGranted,
    RerunAsked,
    ReviewGiven,
    RunFinished,
    Triggered,
)
from orchestrator.core.gate import Person, Review, Roster
from orchestrator.core.machine import advance
from orchestrator.core.model import Pipeline, Trigger
from orchestrator.core.report import Chart, Failure, Metric, Product, Report, Sample, Series, Table
from reviewers.chapters import chapters
from reviewers.comment import Links, files, gate, status

BEGAN = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
ALICE, BOB = Person(id="github:1", login="alice"), Person(id="github:2", login="bob")
CAROL, DAVE = Person(id="github:3", login="carol"), Person(id="github:4", login="dave")
ROSTER = Roster(
    members={
        "@acme/data": (ALICE.id, BOB.id),
        "@acme/ml": (ALICE.id, BOB.id, CAROL.id),
        "@acme/safety": (CAROL.id, DAVE.id),
        "dave": (DAVE.id,),
    }
)
LINKS = Links(
    pull="https://github.com/acme/models/pull/42",
    server="https://ratchet.acme.example/cycles/c-000042",
    branch="https://github.com/acme/models/blob/ratchet/c-000042/cycles/c-000042",
    raw="https://github.com/acme/models/raw/ratchet/c-000042/cycles/c-000042",
    labels="https://github.com/acme/models/edit/ratchet/c-000042/cycles/c-000042/labels.csv",
    workflow_run="https://github.com/acme/models/actions/runs/123456",
)
PIPELINE = Pipeline.model_validate(
    {
        "name": "sentiment",
        "groups": {"product": ["dave", "erin"]},
        "stages": [
            {
                "name": "collect",
                "step": "steps.collect:collect",
                "with": {"source": "data/*.parquet", "text": "text", "label": "rating", "holdout": 0.2},
                "gate": {
                    "require": ["1 of @acme/data"],
                    "not_initiator": True,
                    "deadline": {"after": "24h", "remind": "8h", "then": "hold"},
                },
            },
            {
                "name": "finetune",
                "step": "steps.finetune:finetune",
                "takes": {"data": "collect.data"},
                "with": {"epochs": 2, "learning_rate": "3e-4", "batch_size": 32, "replay": 0.5},
                "retry": {"times": 2, "backoff": "30s"},
            },
            {
                "name": "evaluate",
                "step": "steps.evaluate:evaluate",
                "takes": {"data": "collect.data", "candidate": "finetune.model"},
                "gate": {"policy": "no_regression", "else": ["2 of @acme/ml", "1 of @acme/safety", "must dave"]},
            },
            {
                "name": "deploy",
                "step": "steps.deploy:deploy",
                "takes": {"candidate": "finetune.model", "verdict": "evaluate.verdict"},
                "gate": {"require": ["1 of @product"]},
            },
        ],
    }
)
PURPOSE = "Tweets from the autumn campaign"
PARAMS = {"finetune": {"learning_rate": "5e-5", "epochs": "3"}}
COLLECTED = Report(
    summary=(
        "3,127 new texts from tweets in 4 files; the snapshot now holds 14,382: 11,506 to train on "
        "and 2,876 to measure with."
    ),
    metrics=(
        Metric(name="new_rows", value=3127),
        Metric(name="total_rows", value=14382),
        Metric(name="train_rows", value=11506),
        Metric(name="holdout_rows", value=2876),
        Metric(name="duplicates", value=41),
    ),
    tables=(
        Table(
            title="Rows left out",
            columns=("why", "rows"),
            rows=(("already in the last snapshot", 11255), ("rating between the thresholds", 872)),
        ),
        Table(
            title="Classes",
            columns=("class", "new to train on", "new to measure with", "all to train on", "all to measure with"),
            rows=(("negative", 1301, 322, 5488, 1390), ("positive", 1207, 297, 6018, 1486)),
        ),
    ),
    charts=(
        Chart(
            title="Texts by cycle",
            kind="bar",
            x="cycle",
            y="texts",
            series=(Series(name="texts", points=(("c-000039", 4102), ("c-000040", 7153), ("c-000042", 3127))),),
        ),
    ),
    samples=(
        Sample(text="Just landed in Lisbon and the sun is OUT 🌞", note="positive · tweets"),
        Sample(text="@united three hours on hold and then you hang up #fail", note="negative · tweets"),
        Sample(text="idk https://t.co/x7Fq2 is kinda mid ngl", note="negative · tweets"),
    ),
    warnings=("872 of 15,295 rows have no usable label",),
)
EVALUATED = Report(
    summary=("Can't tell from the champion: 84.3% of 1,500 texts right, +0.6% (95 % interval -1.3% to +2.5%)."),
    metrics=(
        Metric(name="accuracy", value=0.8433, low=0.8241, high=0.8608, baseline=0.8373, better="higher"),
        Metric(name="macro_f1", value=0.8417, baseline=0.8369, better="higher"),
        Metric(name="accuracy_gain", value=0.006, low=-0.0133, high=0.0253, baseline=0, better="higher"),
        Metric(name="rows", value=1500),
        Metric(name="gain_on_new", value=0.0831, low=0.0512, high=0.1163, baseline=0, better="higher"),
        Metric(name="gain_on_old", value=-0.0214, low=-0.0388, high=-0.0047, baseline=0, better="higher"),
        Metric(name="median_latency", value=11.8, unit="ms", baseline=10.2, better="lower"),
    ),
    tables=(
        Table(
            title="By group, against the champion",
            columns=("rows that", "rows", "champion", "candidate", "gain", "low", "high"),
            rows=(
                ("tweets", 397, 0.7179, 0.801, 0.0831, 0.0512, 0.1163),
                ("films", 402, 0.8806, 0.8607, -0.0199, -0.0448, 0.005),
                ("products", 381, 0.8871, 0.8688, -0.0184, -0.042, 0.0052),
                ("editorials", 320, 0.8719, 0.8438, -0.0281, -0.0563, 0.0),
            ),
        ),
    ),
    charts=(
        Chart(
            title="Accuracy by group",
            kind="bar",
            x="group",
            y="accuracy",
            series=(
                Series(
                    name="the champion",
                    points=(("tweets", 0.7179), ("films", 0.8806), ("products", 0.8871), ("editorials", 0.8719)),
                ),
                Series(
                    name="the candidate",
                    points=(("tweets", 0.801), ("films", 0.8607), ("products", 0.8688), ("editorials", 0.8438)),
                ),
            ),
        ),
        Chart(
            title="Loss",
            x="step",
            y="loss",
            series=(Series(name="training", points=tuple((float(n), 0.3 + 0.5 / n) for n in range(1, 61))),),
        ),
    ),
    samples=(
        Sample(text="This phone is sick, best thing I bought all year", note="now right: positive · tweets"),
        Sample(
            text="A film that asks for patience and repays none of it", note="now wrong: positive, is negative · films"
        ),
    ),
    warnings=("only 41 texts of class 'neutral' to measure with: its figures will be rough",),
)
DEPLOYED = Report(
    summary="v-000042 is deployed in place of v-000040, which is kept.",
    metrics=(Metric(name="golden_answers", value=4), Metric(name="median_latency", value=11.31, unit="ms")),
)


class Story:
    """A cycle that events happen to, one minute after the other."""

    def __init__(
        self,
        *,
        pipeline=PIPELINE,
        trigger=Trigger.PLANNER,
        purpose=PURPOSE,
        params=PARAMS,
        by=ALICE,
        grant=True,
        attended=False,
    ):
        self.at, self.cycle, self.events, self.said = BEGAN, None, [], 0
        self.happens(
            Triggered(
                at=BEGAN,
                cycle="c-000042",
                pipeline=pipeline,
                trigger=trigger,
                purpose=purpose,
                initiator=by,
                params=params,
                attended=attended,
            )
        )
        if grant:
            self.happens(LeaseGranted(at=self.at, token=7))

    def happens(self, event):
        """Fold it, and see the gate as the server would."""
        folded = advance(self.cycle, event)
        assert hasattr(folded, "cycle"), folded
        self.cycle = folded.cycle
        self.events.append(event)
        self.at += timedelta(minutes=1)
        return self

    def finds(self, found, minutes=7):
        """The current run ends with this report or failure."""
        self.at += timedelta(minutes=minutes)
        outcome = found if isinstance(found, Failure) else Product(report=found, outputs={"rows": 14382})
        return self.happens(RunFinished(at=self.at, run=self.cycle.run.id, outcome=outcome))

    def review(self, by, verdict="approve", *, reason="", authority="person", roster=ROSTER):
        """Somebody answers."""
        self.said += 1
        about = self.cycle.opening.digest
        review = Review(
            id=f"r{self.said}", by=by, verdict=verdict, about=about, at=self.at, reason=reason, authority=authority
        )
        return self.happens(ReviewGiven(at=self.at, review=review, roster=roster))

    def policy(self, verdict="reject"):
        """The policy answers."""
        by = Person(id="policy:no_regression", login="policy no_regression")
        reason = "accuracy_gain.low >= -0.01: not met by -0.0133; verdict PASS: not met by INCONCLUSIVE"
        return self.review(by, verdict, reason=reason, authority="policy")

    def hold(self, reason="the label export of Monday was wrong"):
        """Bob holds it."""
        return self.happens(Held(at=self.at, id=f"h{self.at}", by=BOB, reason=reason))

    def rerun(self, stage="", **changes):
        """Alice has a stage done again."""
        return self.happens(RerunAsked(at=self.at, id=f"x{self.at}", by=ALICE, stage=stage, changes=changes))

    @property
    def told(self):
        """Every gate that was opened, and how each ended."""
        return chapters(self.events)

    @property
    def opening(self):
        """The gate that was opened last, as last seen."""
        return self.told[-1].opening

    def status(self, **more):
        """The status comment."""
        return status(self.cycle, LINKS, self.at, **more)

    def gate(self, place=-1, *, ping=False):
        """The comment of a gate."""
        told = self.told[place]
        return gate(self.cycle, told.opening, LINKS, ping=ping, outcome=told.outcome)

    def files(self):
        """The files on the branch."""
        told = self.told
        ended = {one.opening.run: one.outcome for one in told}
        return files(self.cycle, [one.opening for one in told], "5e1f" * 16, ended)


def at_collect():
    """New data are to be looked at."""
    return Story().finds(COLLECTED)


def at_evaluate(report=EVALUATED):
    """The policy says no, so people are asked; one of them has agreed."""
    story = at_collect().review(BOB, reason="spot-checked 40 rows").finds(Report(summary="trained"), 31)
    return story.finds(report).policy().review(CAROL, reason="old films dip a little, and I can live with that")


def done():
    """Everybody agreed."""
    story = at_evaluate().review(BOB).review(DAVE)
    story.finds(DEPLOYED)
    roster = Roster(members={"@product": (DAVE.id,)})
    return story.review(DAVE, roster=roster)
