"""A cycle and its gates in plain words, as Markdown that pings nobody. Pure."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from orchestrator.core.course import decision
from orchestrator.core.gate import Clause, Decision, Gate, Review, Seat, Verdict, decide
from orchestrator.core.model import Cycle, Opening, Stage, State
from orchestrator.core.quantity import write_duration
from orchestrator.core.report import Failure
from reviewers.comment.page import several, when
from reviewers.safe import BREAK, code, line, prose

SHOWN = 12  # characters of a digest that people see and copy
_SEAT = re.compile(r"(\d+) of (.+)|must (.+)|policy (.+)", re.DOTALL)
_AWAITED = re.compile(r"\d+ more of |policy \S+ has not answered$")
_UNANSWERED = re.compile(r"policy (\S+) has not answered")


def clause_words(clause: str) -> str:
    """`2 of @acme/ml` and its like for people; a name of a policy alone is one too."""
    found = _SEAT.fullmatch(clause)
    if clause == "not_initiator":
        return "nobody who started the cycle"
    if found is None:
        return f"policy {code(clause)}"
    count, who, must, policy = found.groups()
    if policy:
        return f"policy {code(policy)}"
    return f"{code(must)} personally" if must else f"{count} of {code(who)}" if who.startswith("@") else code(who)


def people_words(clauses: Iterable[Clause]) -> str:
    """`2 of @acme/ml and dave personally`; empty where nobody is named."""
    return several([clause_words(str(one)) for one in clauses if one.who])


def gate_words(gate: Gate) -> str:
    """Who is asked, in a sentence."""
    parts = list(filter(None, [people_words(gate.require)]))
    if gate.policy is not None:
        instead = people_words(gate.otherwise)
        said = f"policy {code(gate.policy)}"
        parts.append(f"{said}, and where it says no, {instead} instead" if instead else said)
    words = " and ".join(parts)
    return f"{words}; whoever started the cycle does not count" if gate.bars_initiator else words


def deadline_words(gate: Gate) -> str:
    """What happens when nobody answers; empty without a deadline."""
    if gate.deadline is None:
        return ""
    then = "ends" if gate.deadline.then == "reject" else "is put on hold"
    remind = f"there is a reminder every {span(gate.deadline.remind)}, and " if gate.deadline.remind else ""
    return f"{remind}after {span(gate.deadline.after)} without agreement the cycle {then}"


def span(long: timedelta) -> str:
    """`8 hours`, `1 day`."""
    written = write_duration(long)
    count = written.rstrip("abcdefghijklmnopqrstuvwxyz")
    return f"{count} {_UNITS[written.removeprefix(count)]}{'' if count == '1' else 's'}"


_UNITS = {"w": "week", "d": "day", "h": "hour", "m": "minute", "s": "second", "ms": "millisecond"}


def onward(cycle: Cycle, stage: str) -> str:
    """What agreement leads to: `finetune starts`, or `the cycle is done`."""
    place = cycle.pipeline.index(stage) + 1
    stages = cycle.pipeline.stages
    return f"{code(stages[place].name)} starts" if place < len(stages) else "the cycle is done"


def decided(cycle: Cycle, opening: Opening) -> Decision | None:
    """What the gate of this opening says to the reviews that it holds; None where the stage has no gate."""
    gate = cycle.pipeline.stages[cycle.pipeline.index(opening.stage)].gate
    if gate is None:
        return None
    return decide(gate, opening.reviews, opening.roster, cycle.initiator, attended=cycle.attended)


def waiting(said: Decision) -> tuple[str, str]:
    """What the gate still lacks: whom it waits for, and why it is stuck; both empty when it lacks nothing."""
    missing = list(dict.fromkeys(_needed(said.seats)))
    awaited = [one for one in missing if _AWAITED.match(one)]
    stuck = [missing_words(one) for one in missing if one not in awaited]
    return several([missing_words(one) for one in awaited]), "; ".join(stuck)


def missing_words(missing: str) -> str:
    """What a seat lacks: how many more of whom, or why it can't be filled."""
    if answer := _UNANSWERED.fullmatch(missing):
        return f"policy {code(answer[1])}"
    count, more, who = missing.partition(" more of ")
    if not more or not count.isdigit():
        return prose(missing, 1000)
    return f"{count} more of {code(who)}" if who.startswith("@") else code(who)


def _needed(seats: Sequence[Seat]) -> list[str]:
    """What is missing, less what a policy made needless or what people stand in for."""
    policy = next((place for place, one in enumerate(seats) if one.clause.startswith("policy ")), None)
    if policy is None:
        return [one.missing for one in seats if one.missing]
    before, answer, after = seats[:policy], seats[policy], seats[policy + 1 :]
    needed = [one.missing for one in before if one.missing]
    lacking = [one.missing for one in after if one.missing]
    if answer.missing and (lacking or not after):
        needed += lacking if lacking and "says no" in answer.missing else [answer.missing]
    return needed


def headline(cycle: Cycle) -> str:
    """Where the cycle is, in one plain sentence, for places that read no Markdown: a commit, a log, a check."""
    return plain(headline_words(cycle), 500)


def headline_words(cycle: Cycle) -> str:
    """Where the cycle is, in one sentence that needs no knowledge of the machine, as Markdown."""
    stage = code(cycle.stage.name)
    if cycle.held is not None and not cycle.state.ended:
        return f"⏸️ On hold: {prose(cycle.held, 500)}"
    if cycle.following is not None:
        after = "cancelled" if cycle.following.kind == "cancel" else f"run again from {code(cycle.following.stage)}"
        return f"🛑 Stopping {stage}, to be {after}"
    match cycle.state:
        case State.QUEUED:
            return f"🕒 Waiting for its turn: one cycle at a time works on {code(cycle.pipeline.owns)}"
        case State.RUNNING:
            return f"⚙️ {stage} is {_running(cycle)}"
        case State.IN_REVIEW:
            return _asking(cycle)
        case State.FAILED:
            return f"❌ {stage} failed, and waits for somebody to say what next"
        case State.DONE:
            return "✅ Done: every stage finished, and every gate agreed"
    because = f": {prose(cycle.reason, 500)}" if cycle.reason else ""
    return f"{_ENDED[cycle.state]}{because}"


_ENDED = {
    State.REJECTED: "❌ Rejected",
    State.CANCELLED: "⛔ Cancelled",
    State.SKIPPED: "⏭️ Skipped",
}


def _running(cycle: Cycle) -> str:
    run = cycle.run
    if run is not None and run.tries:
        return f"tried again, for the {_COUNTED.get(run.tries, f'{run.tries}th')} time"
    return f"running, since {when(run.at if run is not None else cycle.changed_at)}"


_COUNTED = {1: "first", 2: "second", 3: "third"}


def _asking(cycle: Cycle) -> str:
    said = decision(cycle)
    people, stuck = waiting(said) if said is not None else ("", "")
    before = f"before {onward(cycle, cycle.stage.name)}"
    if stuck:
        return f"⚠️ Stuck {before}: {'; '.join(filter(None, (stuck, people)))}"
    return f"👀 Waiting for {people} {before}" if people else f"👀 {code(cycle.stage.name)} is being reviewed {before}"


def review_words(review: Review) -> str:
    """What one review says, in a line."""
    verb = {
        Verdict.APPROVE: "✅ {} agrees",
        Verdict.REJECT: "❌ {} says no",
        Verdict.CHANGE: "↩️ {} asks for another run",
    }[review.verdict]
    who = code(review.by.login) if review.authority != "policy" else f"Policy {code(policy_name(review))}"
    stands = " (at the terminal, standing in)" if review.authority == "terminal" else ""
    because = f": {prose(review.reason, 1000)}" if review.reason else ""
    return f"{verb.format(who)}{stands}, {when(review.at)}{because}"


def policy_name(review: Review) -> str:
    """`no_regression` of the review by `policy no_regression`."""
    return review.by.login.removeprefix("policy ")


def failure_words(failure: Failure) -> str:
    """What happened, where, and the cure."""
    where = f" in {code(failure.where)}" if failure.where else ""
    cure = f" Cure: {prose(failure.cure, 1000)}" if failure.cure else ""
    return f"{prose(failure.what, 2000)}{where}.{cure}"


def gate_of(cycle: Cycle, stage: str) -> Gate | None:
    """The gate on the stage of that name."""
    return stage_of(cycle, stage).gate


def stage_of(cycle: Cycle, stage: str) -> Stage:
    return cycle.pipeline.stages[cycle.pipeline.index(stage)]


def asks(gate: Gate, opening: Opening) -> tuple[Clause, ...]:
    """The clauses that people are asked to fill now: those of `else` once the policy has said no."""
    policy = next((one for one in opening.reviews if one.authority == "policy"), None)
    instead = gate.otherwise if policy is not None and policy.verdict is not Verdict.APPROVE else ()
    return tuple(one for one in (*gate.require, *instead) if one.who)


def plain(markdown: str, most: int) -> str:
    """Words of ours as they read without Markdown, for places that show it raw: one line, nothing in it is linked."""
    words = markdown.replace("`", "").replace(BREAK, "").replace("**", "")
    return short(re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), words), most)


def short(said: str, most: int = 140) -> str:
    """One line of at most so many characters (140: a commit status), in which nothing is linked."""
    shown = line(said, most)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
