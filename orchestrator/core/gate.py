"""Who must agree before the next stage starts: clauses, reviews, and the one function that decides. Pure.

Laws:
- Fail closed. A gate opens the way only when every clause is met by distinct, eligible people; a list that cannot be
  read, or that holds too few people, keeps it shut and is named.
- A review counts for one digest and one opening; the newest verdict of a person replaces that person's older one.
- One person fills one seat in a clause (and may fill a seat in another clause).
- A deadline never approves.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, model_validator

from orchestrator.core.noun import Noun
from orchestrator.core.quantity import Duration

_LOGIN = r"@?[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}(?:\[bot\])?"
_WHO = re.compile(rf"@?[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+|@[A-Za-z][A-Za-z0-9_-]*|{_LOGIN}")
_QUORUM = re.compile(r"(\d+)\s+of\s+(\S+)", re.IGNORECASE)
_MUST = re.compile(r"must\s+(\S+)", re.IGNORECASE)
_INITIATOR = re.compile(r"not[_ ](?:the[_ ])?initiator", re.IGNORECASE)
_FORM = "write `2 of @org/team`, `1 of alice`, `must alice` or `not_initiator`"


class Clause(Noun):
    """`count` distinct people of `who`, or, with `not_initiator`, that the initiator does not count."""

    kind: Literal["quorum", "must", "not_initiator"]
    count: int = Field(1, ge=1, le=100)
    who: str = ""

    def __str__(self) -> str:
        match self.kind:
            case "quorum":
                return f"{self.count} of {self.who}"
            case "must":
                return f"must {self.who}"
        return "not_initiator"


def read_clause(value: object) -> object:
    """`"2 of @org/ml"`, `"must alice"` or `"not_initiator"` to a `Clause`. Raises `ValueError` for other text."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _INITIATOR.fullmatch(text):
        return Clause(kind="not_initiator")
    if match := _QUORUM.fullmatch(text):
        count, who = int(match[1]), match[2]
        kind: Literal["quorum", "must"] = "quorum"
    elif match := _MUST.fullmatch(text):
        count, who, kind = 1, match[1], "must"
    else:
        raise ValueError(f"{value!r} is not a clause: {_FORM}")
    if not 1 <= count <= 100:
        raise ValueError(f"{value!r} asks for {count} people: ask for 1 to 100")
    if not _WHO.fullmatch(who):
        raise ValueError(
            f"{who!r} names nobody: write a login, @group, @write, @maintain, @admin, @anyone or @org/team"
        )
    return Clause(kind=kind, count=count, who=who)


WrittenClause = Annotated[Clause, BeforeValidator(read_clause), PlainSerializer(str)]


class Deadline(Noun):
    """What happens when nobody answers: remind every `remind`, and `after` that long reject or hold; never approve."""

    after: Duration
    remind: Duration | None = None
    then: Literal["reject", "hold"] = "hold"


class Gate(Noun):
    """Closed, that is agreed, when every `require` clause is met and, where `policy` is named, it or `else` is."""

    require: tuple[WrittenClause, ...] = ()
    policy: str | None = Field(None, description="a policy that answers instead of `else`, such as no_regression")
    otherwise: tuple[WrittenClause, ...] = Field((), alias="else", description="who is asked when the policy says no")
    not_initiator: bool = False
    deadline: Deadline | None = None

    @model_validator(mode="after")
    def _asks_somebody(self) -> Self:
        seats = [clause for clause in (*self.require, *self.otherwise) if clause.kind != "not_initiator"]
        if not seats and self.policy is None:
            raise ValueError("the gate asks nobody: give it `require: [...]` or `policy: ...`, or leave the gate out")
        if self.otherwise and self.policy is None:
            raise ValueError("`else` without `policy`: move its clauses to `require`")
        if self.otherwise and not any(clause.who for clause in self.otherwise):
            raise ValueError("`else` asks nobody: name people in it, or leave it out")
        return self

    @property
    def bars_initiator(self) -> bool:
        """Whether the one who asked for the cycle is barred from every seat."""
        return self.not_initiator or any(c.kind == "not_initiator" for c in (*self.require, *self.otherwise))


class Person(Noun):
    """Somebody who can be asked. `id` is what counts (`github:583231`, `os:1000`); the login is for people to read."""

    id: str = Field(min_length=1)
    login: str = Field(min_length=1)


class Verdict(StrEnum):
    """What a review says."""

    APPROVE = "approve"
    REJECT = "reject"
    CHANGE = "change"


class Review(Noun):
    """One person's or policy's verdict about one digest. `id` names where it was said, and makes echoes harmless."""

    id: str = Field(min_length=1)
    by: Person
    verdict: Verdict
    about: str = Field(description="the digest, or at least its first 8 characters")
    at: AwareDatetime
    reason: str = ""
    changes: dict[str, str] = {}
    evidence: str = Field("", description="where it stands to be read, and the sha256 of the words")
    authority: Literal["person", "policy", "terminal"] = "person"


class Roster(Noun):
    """Who stands behind each name in a gate's clauses, as read just now: ids by name, or why they cannot be read."""

    members: dict[str, tuple[str, ...]] = {}
    unreadable: dict[str, str] = {}
    uncounted: tuple[str, ...] = Field((), description="names whose members are known only as they come, like @anyone")


class Seat(Noun):
    """A clause and how far it is: the people who fill it, and what is missing in words (empty when met)."""

    clause: str
    filled_by: tuple[str, ...] = ()
    missing: str = ""


class Decision(Noun):
    """What the gate says now. `unmet` is empty exactly when the verdict is approve."""

    verdict: Literal["approve", "reject", "change", "wait"]
    seats: tuple[Seat, ...] = ()
    unmet: str = ""
    by: Review | None = None


def objection(gate: Gate, review: Review, roster: Roster, initiator: Person | None, *, attended: bool) -> str:
    """Why this review does not count at this gate; empty when it does."""
    match review.authority:
        case "terminal":
            return "" if attended else "a terminal answers only for a cycle that `ratchet run` started there"
        case "policy":
            right = review.by.id == f"policy:{gate.policy}"
            return "" if right else f"this gate asks policy {gate.policy}, not {review.by.login}"
    if gate.bars_initiator and initiator is not None and review.by.id == initiator.id:
        return f"{review.by.login} started this cycle, and the gate says not_initiator"
    clauses = [clause for clause in (*gate.require, *gate.otherwise) if clause.who]
    if any(review.by.id in roster.members.get(clause.who, ()) for clause in clauses):
        return ""
    for clause in clauses:
        if clause.who in roster.unreadable:
            return f"{clause.who} cannot be read: {roster.unreadable[clause.who]}"
    names = ", ".join(dict.fromkeys(clause.who for clause in clauses)) or f"policy {gate.policy}"
    return f"{review.by.login} is not asked here: the gate asks {names}"


def _seat(clause: Clause, approvals: Sequence[Review], roster: Roster, barred: str | None) -> Seat:
    """How far one clause is."""
    text = str(clause)
    if clause.kind == "not_initiator":
        return Seat(clause=text)
    if clause.who in roster.unreadable:
        return Seat(clause=text, missing=f"{clause.who} cannot be read: {roster.unreadable[clause.who]}")
    able = set(roster.members.get(clause.who, ())) - {barred}
    filled = tuple(review.by.login for review in approvals if review.by.id in able)
    lacking = clause.count - len(filled)
    if lacking <= 0:
        return Seat(clause=text, filled_by=filled)
    if len(able) < clause.count and clause.who in roster.members and clause.who not in roster.uncounted:
        return Seat(
            clause=text,
            filled_by=filled,
            missing=f"only {len(able)} of the {clause.count} needed may fill {clause.who}",
        )
    return Seat(clause=text, filled_by=filled, missing=f"{lacking} more of {clause.who}")


def _policy_seat(gate: Gate, reviews: Sequence[Review]) -> Seat:
    """How far the policy is."""
    text = f"policy {gate.policy}"
    answer = next((review for review in reviews if review.authority == "policy"), None)
    if answer is None:
        return Seat(clause=text, missing=f"policy {gate.policy} has not answered")
    if answer.verdict is Verdict.APPROVE:
        return Seat(clause=text, filled_by=(answer.by.login,))
    return Seat(clause=text, missing=f"policy {gate.policy} says no: {answer.reason}")


def decide(
    gate: Gate, reviews: Iterable[Review], roster: Roster, initiator: Person | None, *, attended: bool
) -> Decision:
    """What the gate says to these reviews, the newest of each person last. Reviews that don't count must be left out
    (`objection`), or are left out here: the answer is the same.
    """
    standing = {
        review.by.id: review for review in reviews if not objection(gate, review, roster, initiator, attended=attended)
    }
    counted = tuple(standing.values())
    for review in counted:
        if review.authority != "policy" and review.verdict is not Verdict.APPROVE:
            said = f"{review.by.login} says {review.verdict}: {review.reason}".rstrip(": ")
            return Decision(verdict=review.verdict.value, unmet=said, by=review)
    terminal = next((review for review in counted if review.authority == "terminal"), None)
    if terminal is not None:
        clauses = (*gate.require, *gate.otherwise) if not gate.policy else (*gate.require, gate.policy, *gate.otherwise)
        stands = (f"{terminal.by.login} (at the terminal, standing in)",)
        return Decision(
            verdict="approve",
            seats=tuple(Seat(clause=str(clause), filled_by=stands) for clause in clauses),
            by=terminal,
        )
    return _weigh(gate, counted, roster, initiator.id if initiator is not None and gate.bars_initiator else None)


def _weigh(gate: Gate, reviews: Sequence[Review], roster: Roster, barred: str | None) -> Decision:
    """Approve if every seat that is needed is filled; otherwise name what is missing."""
    approvals = [one for one in reviews if one.authority == "person" and one.verdict is Verdict.APPROVE]
    seats = [_seat(clause, approvals, roster, barred) for clause in gate.require]
    missing = [seat.missing for seat in seats if seat.missing]
    if gate.policy is not None:
        policy = _policy_seat(gate, reviews)
        people = [_seat(clause, approvals, roster, barred) for clause in gate.otherwise]
        lacking = [seat.missing for seat in people if seat.missing]
        seats += [policy, *people]
        if policy.missing and (lacking or not people):
            missing += [policy.missing, *lacking]
            answered = next((one for one in reviews if one.authority == "policy"), None)
            if answered is not None and not people:
                return Decision(verdict="reject", seats=tuple(seats), unmet=policy.missing, by=answered)
    if missing:
        return Decision(verdict="wait", seats=tuple(seats), unmet="; ".join(missing))
    return Decision(verdict="approve", seats=tuple(seats))
