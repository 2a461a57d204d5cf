"""`docs/comments.md`, made of real output: `PYTHONPATH=. python tests/reviewers/comments_page.py docs`."""

import sys
from pathlib import Path

from sentiment import BOB, Story, at_collect, at_evaluate, done

from orchestrator.core.report import Failure, Report, ToLabel
from reviewers.comment import LABELS, LIMIT, Line, Links, answer, changes_diff, gate, intro, labels_diff, status, title
from reviewers.comment.page import table
from reviewers.corrections import Correction
from reviewers.safe import code

_DRAWN = Links(raw="comments")
_HEAD = f"""# What people see on GitHub

Every cycle is one pull request. Below is what Ratchet writes there, made by the same code from an example; a test fails
when this page is stale. Three things hold for all of it:

- **A text changes only when what it tells has changed.** Times are absolute, in UTC.
- **What data, steps and people wrote is shown and does nothing**: it mentions nobody, links nowhere, is no Markdown and
  no command. Teams and logins stand in `code`, except once, when a gate opens and its people are asked.
- **No text is longer than {LIMIT:,} characters.** Whole parts are left out; the report on the cycle's branch has them.
"""


def pages() -> dict[str, str]:
    """Path below `docs/` to what stands there."""
    evaluate = at_evaluate()
    parts = [
        _HEAD,
        "## The pull request\n\nIts title and its text, which never change.",
        f"**{title(evaluate.cycle)}**",
        intro(evaluate.cycle, Links()),
        "## The status comment\n\nThere is one, and it is edited in place. While people are asked:",
        status(evaluate.cycle, Links(), evaluate.at, head="5e1f" * 16),
        "When something failed:",
        _failed(),
        "When it is over:",
        _over(),
        "## The comment of a gate\n\nOne for each time a gate opens, with the report that it is about.",
        gate(evaluate.cycle, evaluate.opening, _DRAWN, ping=True),
        "When the gate has closed, the first line says how, and nothing is asked any more:",
        _closed(),
        "Where the report asks about labels, it says how they are corrected ([labels](labels.md)), and shows them:",
        _labels(),
        "## Answers\n\nEvery command gets a reaction, and an answer where there is something to say.",
        _answers(evaluate),
        "Whoever commits corrected labels is answered with what changes, and what could not be read:",
        _corrected(),
        "## Labels",
        table(["label", "means"], [[code(name), means] for name, (_, means) in LABELS.items()]),
        "## The cycle's branch\n\n`cycles/c-000042/` on the branch `ratchet/c-000042` holds, and brings to the default "
        "branch at the end:",
        "\n".join(f"- `{name}`" for name in done().files()),
    ]
    charts = {f"comments/{name}": body for name, body in evaluate.files().items() if name.startswith("charts/evaluate")}
    return {"comments.md": "\n\n".join(part.strip() for part in parts) + "\n", **charts}


def _failed() -> str:
    story = at_collect().review(BOB)
    cure = "set a lower `learning_rate`"
    story.finds(Failure(what="The loss is not a number from step 312 on", where="finetune", cure=cure, retryable=False))
    return status(story.cycle, Links(), story.at)


def _over() -> str:
    story = done()
    return status(story.cycle, Links(), story.at)


ROWS = (
    ToLabel(
        id="r1", text="Finally a phone that lasts two days", label="negative", predicted="positive", confidence=0.973,
        why="the model is sure, and says otherwise",
    ),
    ToLabel(
        id="r2", text="Well, it is a phone", label="positive", predicted="negative", confidence=0.518,
        why="the model is unsure",
    ),
)  # fmt: skip


def _labels() -> str:
    """That part of the comment."""
    story = Story().finds(Report(summary="4,000 new rows.", to_label=ROWS))
    parts = story.gate().split("\n\n")
    begin = next(place for place, part in enumerate(parts) if part.startswith("**Labels:**"))
    return "\n\n".join(parts[begin:])


def _corrected() -> str:
    diff = labels_diff([Correction("r1", "negative", "positive", "alice", "")], {"r1": ROWS[0].text})
    what = "One label is corrected, and `collect` runs again with it; what was agreed about it is void."
    lines = [
        Line(kind="counted", said="labels.csv", what=what, block=diff),
        Line(kind="refused", said="line 3", what="`postive` is no label here", cure="did you mean positive?"),
    ]
    return answer("k0123456789ab", "alice", lines)


def _closed() -> str:
    """The beginning of it; the report follows as it was."""
    whole = done().gate(0)
    return whole.partition("\n\n|")[0]


def _answers(story: Story) -> str:
    digest = story.opening.digest[:12]
    stale = "stale: it is about 0123456789ab, and c-000042/evaluate/1 is now " + digest
    changes = {"learning_rate": "2e-5", "seed": "7"}
    lines = [
        Line(kind="counted", said=f"/approve {digest}", what="it counts; 1 more of @acme/ml is needed"),
        Line(
            kind="refused", said="/approve 0123456789ab", what=stale, cure=f"read the report, then `/approve {digest}`"
        ),
        Line(kind="misread", said="/aprove", what="/aprove is not a command", cure="did you mean `/approve`?"),
        Line(
            kind="counted",
            said="/rerun from=finetune learning_rate=2e-5 seed=7",
            what="finetune is done again, and every later answer is void",
            block=changes_diff(story.cycle, "finetune", changes),
        ),
    ]
    return answer("123456", "alice", lines)


if __name__ == "__main__":
    for name, body in pages().items():
        file = Path(sys.argv[1]) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(body)
