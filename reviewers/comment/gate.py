"""The comment that asks: what a run found, who is asked about it, and how to answer. Pure.

Laws:
- It pings at most the people and teams who are asked, and only when the caller says so.
- It says all that is asked at the top; the report follows, as much of it as has space.
"""

from orchestrator.core.gate import Gate, Verdict
from orchestrator.core.model import Cycle, Opening
from reviewers.comment.page import Links, link, marker, page
from reviewers.comment.report import Space, body, summary, warnings
from reviewers.comment.words import (
    SHOWN,
    asks,
    deadline_words,
    decided,
    gate_of,
    gate_words,
    onward,
    people_words,
    plain,
    policy_name,
    waiting,
)
from reviewers.safe import block, code, mention, prose, text


def gate(cycle: Cycle, opening: Opening, links: Links, *, ping: bool = False, outcome: str = "") -> str:
    """The report comment of this opening. With an `outcome` (see `chapters`) nothing is asked any more."""
    space, report = space_of(opening.run, links), opening.report
    stage = code(opening.stage)
    blocks = [
        f"**{outcome_words(outcome)}**" if outcome else "",
        f"### Review of {stage}" if outcome else f"### Review of {stage}: may the cycle go on?",
        summary(report),
        warnings(report, space),
        *_policy(opening),
        *([] if outcome else _question(cycle, opening, ping)),
        *([] if outcome else _labels(opening, links)),
        *body(report, space),
    ]
    return page(marker("gate", opening.run), blocks, rest=report_link(links, opening.run))


def outcome_words(outcome: str) -> str:
    """How a gate closed, with a mark that is seen at once; empty for nothing."""
    mark = next((mark for word, mark in _MARKS.items() if outcome.startswith(word)), "")
    return prose(f"{mark} {outcome}")


_MARKS = {"Approved": "✅", "Rejected": "❌", "Void": "↩️"}


def report_name(run: str) -> str:
    """`finetune-2` of `c-000042/finetune/2`: what the run's files on the branch are called."""
    return "-".join(run.split("/")[1:])


def report_link(links: Links, run: str) -> str:
    """The report on the cycle's branch; empty without a branch."""
    return f"{links.branch}/reports/{report_name(run)}.md" if links.branch else ""


def space_of(run: str, links: Links) -> Space:
    charts = f"{links.branch}/charts" if links.branch else ""
    return Space(charts=charts, raw=f"{links.raw}/charts" if links.raw else "", name=report_name(run))


def _question(cycle: Cycle, opening: Opening, ping: bool) -> list[str]:
    asked = gate_of(cycle, opening.stage)
    if asked is None:
        return []
    return [
        _asked(asked, opening),
        f"Agree, and {onward(cycle, opening.stage)}. Write in a comment here, at the beginning of a line:",
        block(f"/approve {opening.digest[:SHOWN]}"),
        "Or say `/reject reason` to end it, or `/rerun key=value` to have it done again with another value. "
        "An approving review of this pull request counts too.",
        *_ping(cycle, asked, opening, ping),
    ]


def _labels(opening: Opening, links: Links) -> list[str]:
    """How labels are corrected, where the report asks about some."""
    count = len(opening.report.to_label)
    if not count:
        return []
    rows = "one label is" if count == 1 else f"{count:,} labels are"
    file = link("Edit `labels.csv`", links.labels)
    return [
        f"**Labels:** {rows} worth a look, below. {file}: change what stands under `label`, leave the rest, and commit "
        f"to this branch. {code(opening.stage)} then runs again with your labels, and this is asked anew."
    ]


def _asked(asked: Gate, opening: Opening) -> str:
    """Who is asked now, and what happens if nobody answers."""
    policy = any(one.authority == "policy" for one in opening.reviews)
    people = people_words(asks(asked, opening)) if policy else ""
    rule = "; whoever started the cycle does not count" if people and asked.bars_initiator else ""
    sentences = [f"**Asked:** {people}{rule}" if people else f"**Asked:** {gate_words(asked)}", deadline_words(asked)]
    return " ".join(f"{one[0].upper()}{one[1:]}." for one in sentences if one)


def _policy(opening: Opening) -> list[str]:
    """What the policy answered, bound by bound."""
    review = next((one for one in opening.reviews if one.authority == "policy"), None)
    if review is None:
        return []
    mark, said = ("✅", "says yes") if review.verdict is Verdict.APPROVE else ("❌", "says no")
    bounds = "\n".join(f"- {text(one, 300)}" for one in review.reason.split("; ")[:20] if one.strip())
    return [f"{mark} **Policy {code(policy_name(review))} {said}:**", bounds]


def _ping(cycle: Cycle, asked: Gate, opening: Opening, ping: bool) -> list[str]:
    names = pinged(cycle, asked, opening) if ping else ()
    return [f"Please look: {' '.join(names)}"] if names else []


def pinged(cycle: Cycle, asked: Gate, opening: Opening) -> tuple[str, ...]:
    """Live mentions of the logins, groups' members and teams that are asked; roles such as @write ping nobody."""
    barred = cycle.initiator.login.casefold() if cycle.initiator and asked.bars_initiator else ""
    names: list[str] = []
    for clause in asks(asked, opening):
        group = cycle.pipeline.groups.get(clause.who.removeprefix("@"))
        if clause.who.startswith("@") and group is not None:
            names += group
        elif not clause.who.startswith("@") or "/" in clause.who:
            names.append(clause.who)
    logins = dict.fromkeys(name.removeprefix("@") for name in names if name.removeprefix("@").casefold() != barred)
    return tuple(mention(name) for name in list(logins)[:50])


def check_text(cycle: Cycle, opening: Opening, links: Links) -> tuple[str, str]:
    """A check run's title, in plain words, and its summary in Markdown: both within GitHub's limits."""
    space, report = space_of(opening.run, links), opening.report
    said = decided(cycle, opening)
    people, stuck = waiting(said) if said is not None else ("", "")
    title = f"Stuck: {stuck}" if stuck else f"Waiting for {people}" if people else f"{opening.stage} is reviewed"
    blocks = [summary(report), warnings(report, space), *_policy(opening), *body(report, space)]
    return plain(title, 140), page("", blocks, rest=report_link(links, opening.run))
