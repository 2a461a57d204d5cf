"""Every exchange, held to GitHub's own description (contract.py)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from contract import Contract

from .wire import Call, Reply

# "Client errors" of the REST API's own page: any request with a body; not repeated in each operation's description.
REFUSALS = {400, 422}


@dataclass(frozen=True)
class Exchange:
    """What the product sent and what it got: None where GitHub hung up. `fault`: the answer was one of faults.py."""

    call: Call
    reply: Reply | None
    path: str  # less the prefix of an Enterprise server
    fault: bool = False


@dataclass
class Violations:
    """What the description does not allow, and (`missing`) what it requires of an answer that is not there."""

    requests: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@lru_cache(maxsize=1)
def contract() -> Contract:
    """Read once."""
    return Contract()


def judge(exchanges: Iterable[Exchange]) -> Violations:
    """Everything wrong with them, each sentence once."""
    found = Violations()
    for one in exchanges:
        operation = contract().operation(one.call.method, one.path)
        if operation is None:
            found.requests.append(f"{one.call.method} {one.path} is no operation that contract.py knows")
            continue
        found.requests += [f"{operation}: {wrong}" for wrong in operation.request(one.call.query, _sent(one.call))]
        if one.reply is None or one.fault or isinstance(one.reply.body, bytes):
            continue
        body = json.loads(one.reply.data() or b"null")
        if one.reply.status in REFUSALS and str(one.reply.status) not in operation.said["answers"]:
            continue
        if one.reply.status == 404:  # it has words wherever it comes from, described or not
            continue
        found.answers += [f"{operation}: {wrong}" for wrong in operation.answer(one.reply.status, body)]
        found.missing += [f"{operation}: {wrong}" for wrong in operation.missing(one.reply.status, body)]
    return Violations(*(list(dict.fromkeys(words)) for words in (found.requests, found.answers, found.missing)))


def _sent(call: Call) -> Any:
    try:
        return json.loads(call.body) if call.body else None
    except ValueError:
        return call.body.decode(errors="replace")
