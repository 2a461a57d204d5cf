"""The API's calls: each reads the request, asks the core through the desk, and shows what came of it. No decisions.

Law: the server takes nobody's word as a terminal's; a review is a person's, and counts by the gate's own list.
"""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from orchestrator.actions import roll_back
from orchestrator.core.events import (
    CancelAsked,
    Event,
    Held,
    RerunAsked,
    ReviewGiven,
    ReviewWithdrawn,
    RosterRead,
    Unheld,
)
from orchestrator.core.gate import Person, Review, Roster, Verdict
from orchestrator.core.machine import NotNow
from orchestrator.core.model import Cycle, Pipeline, State, Trigger
from orchestrator.core.nearest import did_you_mean
from orchestrator.parameters import invalid, read_set, typed
from orchestrator.rows import micros
from orchestrator.server import shapes, shown
from orchestrator.server.auth import Caller
from orchestrator.server.clock import Found
from orchestrator.server.errors import Refusal, answers, to_body
from orchestrator.server.mailbox import Letter
from orchestrator.server.office import Office
from orchestrator.trouble import Trouble
from reviewers.github.protocol import Delivery

CLOCKS = ("schedule ", "plan ")
"""How keys begin that `orchestrator.server.clock` alone may use: whoever had one first would have the night's cycle."""
router = APIRouter()
bearer = HTTPBearer(auto_error=False, description="one of RATCHET_TOKENS, or a token of GitHub Actions")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def office_of(request: Request) -> Office:
    """The server's organs."""
    office: Office = request.app.state.office
    return office


In = Annotated[Office, Depends(office_of)]


def caller_of(request: Request, office: In, _: Given) -> Caller:
    """Who calls. Everybody who is known may read."""
    return office.door.caller(request.headers.get("authorization"))


def relaying(request: Request, office: In, _: Given) -> Caller:
    """Who relays: also a workflow that runs on the branch of a pull request, since what it says is looked up."""
    return office.door.caller(request.headers.get("authorization"), relaying=True)


Who = Annotated[Caller, Depends(caller_of)]
Relaying = Annotated[Caller, Depends(relaying)]


@router.post(
    "/api/cycles", status_code=201, response_model=shapes.Begun, summary="Ask for a cycle",
    responses={200: {"model": shapes.Begun, "description": "The cycle of this key"}, **to_body(404, 409)},
)  # fmt: skip
def trigger(asked: shapes.TriggerAsked, office: In, who: Who, response: Response) -> shapes.Begun:
    """A new cycle; the same idempotency key gives the same one again, with 200."""
    who.needs("planner", "ask for a cycle")
    if asked.idempotency_key and asked.idempotency_key.startswith(CLOCKS):
        raise Refusal(422, "such a key is the clock's: it stands for a time of a schedule", "use another key")
    if asked.idempotency_key and (known := office.queries.with_key(asked.idempotency_key)):
        response.status_code = 200
        return _begun(office, _same(cycle_named(office, known), asked))
    config, source = _pipelines(office)
    pipeline = _pipeline(config.pipelines, asked.pipeline)
    params = _params(pipeline, asked.set)
    with refusing():
        cycle, new = office.beginner.begin(
            config, pipeline, trigger=Trigger.PLANNER if who.workflow else Trigger.API, params=params,
            purpose=asked.reason, source=source, initiator=who.person(), key=asked.idempotency_key,
        )  # fmt: skip
    response.status_code = 201 if new else 200
    return _begun(office, _same(cycle, asked))


def _begun(office: Office, cycle: Cycle) -> shapes.Begun:
    return shapes.Begun(id=cycle.id, state=cycle.state, url=office.link(cycle.id))


def _same(cycle: Cycle, asked: shapes.TriggerAsked) -> Cycle:
    if cycle.pipeline.name != asked.pipeline:
        what = f"this idempotency key is {cycle.id}'s, which is of pipeline {cycle.pipeline.name}"
        raise Refusal(409, what, "use another key")
    return cycle


@router.get("/api/cycles", response_model=list[shapes.Brief], responses=answers(), summary="Cycles, newest first")
def cycles(
    office: In,
    who: Who,
    pipeline: Annotated[str | None, Query(max_length=200)] = None,
    state: State | None = None,
    before: Annotated[str | None, Query(pattern=r"^c-[0-9]{6,18}$", description="older than this cycle")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Any:
    """The next page is `before` the last one of this."""
    if pipeline is not None and not pipeline.isprintable():
        return []
    number = int(before.removeprefix("c-")) if before else 2**62
    found = office.queries.cycles(pipeline, state.value if state else None, number, limit)
    return [shown.brief(cycle, office.link(cycle.id)) for cycle in found]


@router.get(
    "/api/cycles/{cycle}", response_model=shapes.Whole, response_model_exclude_unset=True, responses=answers(404),
    summary="One cycle",
)  # fmt: skip
def cycle(cycle: str, office: In, who: Who) -> Any:
    """Stages, runs, reports, the open gate with its clauses, and the reviews."""
    return whole_of(office, cycle_named(office, cycle))


@router.get(
    "/api/cycles/{cycle}/events", response_model=list[shapes.Recorded], responses=answers(404), summary="Its record"
)
def events(cycle: str, office: In, who: Who) -> Any:
    """Everything that happened to it, in order."""
    found = cycle_named(office, cycle)
    return [shown.recorded(one) for one in office.app.journal.events(found.id)]


@router.get(
    "/api/events", response_class=StreamingResponse, summary="What happens, as it happens",
    responses={**answers(), 200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}},
)  # fmt: skip
async def live(office: In, who: Who, last_event_id: Annotated[str | None, Header(max_length=64)] = None) -> Any:
    """Each has the id `c-000042/7`. Send the last one you saw as `Last-Event-ID`, and go on from there."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    lines = office.feed.listen(last_event_id)
    first = await anext(lines)  # a database that is away is told as such
    return StreamingResponse(_then(first, lines), media_type="text/event-stream", headers=headers)


async def _then(first: str, lines: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for line in lines:
        yield line


@router.post(
    "/api/cycles/{cycle}/reviews",
    response_model=shapes.Whole,
    response_model_exclude_unset=True,
    responses=to_body(404, 409),
    summary="Give a verdict",
)
def review(cycle: str, asked: shapes.ReviewAsked, office: In, who: Who) -> Any:
    """A review by the caller; 409 with the reason where it does not count."""
    who.needs("reviewer", "review")
    found = cycle_named(office, cycle)
    changes = _changes(found, found.stage.name, asked.set) if isinstance(asked, shapes.ChangeAsked) else {}
    return whole_of(office, submit(office, found, _review(office, found, asked, changes, who.person())))


def _review(office: Office, cycle: Cycle, asked: Any, changes: dict[str, str], by: Person) -> ReviewGiven:
    now, opening = office.app.clock.now(), cycle.opening
    roster = _roster(office, cycle, by)
    review = Review(
        id=said(), by=by, verdict=Verdict(asked.verdict), about=asked.about.lower(),
        at=max(now, opening.at) if opening is not None else now, reason=asked.reason, changes=changes,
    )  # fmt: skip
    return ReviewGiven(at=now, review=review, roster=roster)


def _roster(office: Office, cycle: Cycle, *by: Person) -> Roster:
    """Who may answer the open gate: whoever answers just now, and whoever has answered before."""
    gate, opening = cycle.stage.gate, cycle.opening
    if gate is None or opening is None:
        return Roster()
    answered = [one.by for one in opening.reviews if one.authority == "person"]
    return office.people.roster(gate, cycle, [*by, *answered])


@router.post(
    "/api/cycles/{cycle}/commands",
    response_model=shapes.Whole,
    response_model_exclude_unset=True,
    responses=to_body(404, 409),
    summary="Give a command",
)
def command(cycle: str, asked: shapes.CommandAsked, office: In, who: Who) -> Any:
    """hold, unhold, cancel, rerun, unapprove; 409 with the reason where it does not count."""
    who.needs("planner", "give commands")
    found, by, now = cycle_named(office, cycle), who.person(), office.app.clock.now()
    event: Event
    match asked:
        case shapes.HoldAsked():
            event = Held(at=now, id=said(), by=by, reason=asked.reason)
        case shapes.UnholdAsked():
            who.needs("reviewer", "let a held cycle go on")
            if found.held and found.opening:  # the gate may close on it: who has lost the right since counts no more
                office.desk.submit(found.id, RosterRead(at=now, roster=_roster(office, found)))
            event = Unheld(at=now, id=said(), by=by)
        case shapes.CancelCommand():
            own = found.initiator is not None and found.initiator.id == by.id
            who.needs("planner" if own else "reviewer", "cancel a cycle of somebody else")
            event = CancelAsked(at=now, id=said(), by=by, reason=asked.reason)
        case shapes.RerunCommand():
            changes = _changes(found, asked.stage or found.stage.name, asked.set)
            event = RerunAsked(at=now, id=said(), by=by, stage=asked.stage, changes=changes)
        case _:
            who.needs("reviewer", "review")
            event = ReviewWithdrawn(at=now, id=said(), by=by)
    return whole_of(office, submit(office, found, event))


@router.get("/api/pipelines", response_model=list[shapes.PipelineShown], responses=answers(), summary="Pipelines")
def pipelines(office: In, who: Who) -> Any:
    """What the pipeline file says now, and the next time of each schedule."""
    config, source = _pipelines(office)
    now = office.app.clock.now()
    return [shown.pipeline(one, source, now) for one in config.pipelines.values()]


@router.get("/api/models", response_model=list[shapes.ModelShown], responses=answers(), summary="What is deployed")
def models(office: In, who: Who) -> Any:
    """What each pipeline's target serves."""
    config, _ = _pipelines(office)
    return [shown.model(one, office.app.target(one)) for one in config.pipelines.values()]


@router.post(
    "/api/models/{pipeline}/rollback", response_model=shapes.RolledBackTo, responses=to_body(404, 409),
    summary="Serve an earlier version again",
)  # fmt: skip
def rollback(pipeline: str, office: In, who: Who, asked: shapes.RollbackAsked | None = None) -> Any:
    """At once: the version named, or the one before."""
    who.needs("admin", "roll a model back")
    config, _ = _pipelines(office)
    found = _pipeline(config.pipelines, pipeline)
    with refusing():
        version, previous = roll_back(office.app, found, asked.version if asked else None, who.person(), said())
    return shapes.RolledBackTo(pipeline=pipeline, version=version, previous=previous)


@router.post("/api/plan", response_model=shapes.Plans, responses=to_body(404, 409), summary="Is a cycle due?")
def plan(asked: shapes.PlanAsked, office: In, who: Who) -> Any:
    """Which schedules are due, and why or why not; with `trigger` those that are due begin."""
    if asked.trigger:
        who.needs("planner", "ask for a cycle")
    read = _pipelines(office)
    try:
        with refusing():
            found = office.timetable.plan(
                read, asked.pipeline or None, begin=asked.trigger, key=asked.key or None,
                by=who.person() if asked.trigger else None,
            )  # fmt: skip
    except KeyError as error:
        raise Refusal(404, f"there is no pipeline {asked.pipeline}", error.args[0]) from None
    return shapes.Plans(plans=[_plan(office, one) for one in found])


def _plan(office: Office, found: Found) -> shapes.Plan:
    url = office.link(found.cycle) if found.cycle else None
    return shapes.Plan(**found._asdict(), url=url)


@router.post(
    "/github/relay", status_code=202, response_model=shapes.Stored, responses=to_body(404), summary="Look sooner"
)
async def relay(asked: shapes.RelayAsked, office: In, who: Relaying) -> Any:
    """A workflow saw something on a pull request: ids only, the truth is read again from GitHub."""
    who.needs("planner", "relay")
    github = office.app.settings.github
    if github is None or github.repository.casefold() != asked.repository.casefold():
        what = (
            f"this server is of {github.repository}" if github else "this server is connected to no GitHub repository"
        )
        raise Refusal(404, what, "check the server's address, and RATCHET_GITHUB_REPOSITORY there")
    seen = Delivery(
        id=f"relay:{uuid.uuid4()}", event="relay", repository=github.repository, number=asked.issue,
        comment_id=asked.comment,
    )  # fmt: skip
    body = seen.model_dump_json(exclude_defaults=True).encode()
    await office.mailbox.put(Letter("github", seen.id, body, micros(office.app.clock.now())))
    return shapes.Stored(stored=True)


def said() -> str:
    """The id of something that was said just now."""
    return f"api:{uuid.uuid4()}"


def cycle_named(office: Office, name: str) -> Cycle:
    """The cycle of this id; the database is asked for what may be one."""
    try:
        if not shown.is_id(name):
            raise KeyError(name)
        return office.app.journal.cycle(name)
    except KeyError:
        raise Refusal(404, f"there is no cycle {name}", "GET /api/cycles lists them") from None


def whole_of(office: Office, cycle: Cycle) -> dict[str, Any]:
    """The cycle, as the API shows it."""
    about = shown.whole(cycle, office.link(cycle.id), office.app.journal.events(cycle.id))
    if office.pull is None:
        return about
    pull = office.pull(cycle.id)
    return {**about, "pull_request": {"number": pull[0], "url": pull[1]} if pull is not None else None}


def _pipelines(office: Office) -> Any:
    try:
        return office.pipelines()
    except Trouble as trouble:
        raise Refusal(503, trouble.what, trouble.cure or "correct the pipeline file") from None


def pipeline_named(office: Office, name: str) -> Pipeline:
    """The pipeline of this name, as the file says now."""
    return _pipeline(_pipelines(office)[0].pipelines, name)


def _pipeline(known: Any, name: str) -> Pipeline:
    if name not in known:
        raise Refusal(404, f"there is no pipeline {name}", did_you_mean(name, known))
    found: Pipeline = known[name]
    return found


def _params(pipeline: Pipeline, given: Any) -> dict[str, dict[str, str]]:
    """Proved as on the command line."""
    try:
        params = read_set(shapes.pairs(given), pipeline)
    except Trouble as trouble:
        raise Refusal(422, trouble.what.replace("--set ", "set "), trouble.cure) from None
    wrong = invalid(pipeline, params) if params else []
    if wrong:
        raise Refusal(422, "\n".join(wrong), "correct `set`")
    return params


def _changes(cycle: Cycle, stage: str, given: Any) -> dict[str, str]:
    changes = dict(pair.split("=", 1) for pair in shapes.pairs(given))
    wrong = typed(cycle.pipeline, cycle.params, stage, changes) if changes else []
    if wrong:
        raise Refusal(422, "\n".join(wrong), "correct `set`")
    return changes


def submit(office: Office, cycle: Cycle, event: Event) -> Cycle:
    """Hand the event in. Raises `Refusal` where it does not count."""
    answer = office.desk.submit(cycle.id, event)
    if isinstance(answer, NotNow):
        cure = "try again in a moment" if answer.again else f"GET /api/cycles/{cycle.id} says what it waits for"
        raise Refusal(409, answer.why, cure)
    return answer


@contextmanager
def refusing() -> Iterator[None]:
    """What is wrong here and now, and not with the request, is a conflict."""
    try:
        yield
    except Trouble as trouble:
        raise Refusal(409, trouble.what, trouble.cure) from None
