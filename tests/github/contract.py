"""What GitHub's own description says of an exchange, whoever made it: our requests, and any server's answers.

A failure: an operation, query or body field that GitHub does not know; a body that lacks what GitHub asks for; a
status that it does not answer there; a value of another type. A required field that is missing in an answer is a
`missing`, no failure: GitHub's recorded traffic and its own examples lack some.
"""

import json
import lzma
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from jsonschema_rs import Draft202012Validator

DATA = Path(__file__).parent / "data"
ANYWHERE = {301, 302, 304, 307, 401, 403, 404, 429, 500, 502, 503, 504}  # said of the whole API, not of each operation
MANY = "path|ref|branch"  # path parameters that may hold a slash
_REFUSAL = {
    "type": ["object", "null"],
    "properties": {"message": {"type": "string"}, "documentation_url": {"type": "string"}},
}


def data(name: str) -> Any:
    """What lies in a file of `data/`."""
    return json.loads(lzma.decompress((DATA / name).read_bytes()))


def loosened(node: Any) -> Any:
    """The schema with nothing required; one of several may then be any of them."""
    if isinstance(node, list):
        return [loosened(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if not (key == "required" and isinstance(value, list))}
    return {"anyOf" if key == "oneOf" else key: loosened(value) for key, value in kept.items()}


def closed(node: Any, *, within: bool = False) -> Any:
    """The schema with no other fields than those it names, at every depth."""
    if isinstance(node, list):
        return [closed(one, within=within) for one in node]
    if not isinstance(node, dict):
        return node
    named = "properties" in node
    made = {
        ("anyOf" if key == "oneOf" else key): {name: closed(one) for name, one in value.items()}
        if key == "properties"
        else closed(value, within=within or named)
        if key in ("anyOf", "oneOf", "allOf")
        else closed(value)
        for key, value in node.items()
    }
    return made | (
        {"additionalProperties": False} if named and not within and "additionalProperties" not in node else {}
    )


class Operation:
    """One operation of the description."""

    def __init__(self, said: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
        self.said = said
        self._schemas = schemas
        self.method, self.path = said["method"], said["path"]
        pattern = re.sub(rf"\\{{(?:{MANY})\\}}", "(.+)", re.escape(self.path))
        self._pattern = re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", pattern))
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def weight(self) -> int:
        """How much of the path is fixed: the heaviest match is the one that is meant."""
        return len(re.sub(r"\{\w+\}", "", self.path))

    def matches(self, path: str) -> bool:
        """Whether this path is one of the operation's."""
        found = self._pattern.fullmatch(path)
        if not found:
            return False
        kinds = [self.said["path_parameters"].get(name, {}) for name in re.findall(r"\{(\w+)\}", self.path)]
        return all(
            kind.get("type") != "integer" or value.isdigit() for kind, value in zip(kinds, found.groups(), strict=True)
        )

    def request(self, query: Mapping[str, str], body: Any) -> list[str]:
        """What is wrong with the request."""
        wrong = [f"query {name}={value}: {why}" for name, value in query.items() if (why := self._query(name, value))]
        schema = self.said["body"]
        if body is None:
            return [*wrong, "there is no body"] if self.said["body_required"] and self._needs(schema) else wrong
        if schema is None:
            return [*wrong, "a body is sent, and none is read"] if body else wrong
        return wrong + self._complaints("body", "closed", schema, body)

    def _needs(self, schema: Any) -> bool:
        return schema is not True and bool(self._complaints("body", "closed", schema, {}))

    def _query(self, name: str, value: str) -> str:
        schema = self.said["query"].get(name)
        if schema is None:
            return "unknown"
        kind = schema.get("type")
        if kind == "integer":
            return "" if re.fullmatch(r"-?\d+", value) else "no integer"
        if kind == "boolean":
            return "" if value in ("true", "false") else "no boolean"
        return "" if value in schema.get("enum", [value]) else f"none of {schema['enum']}"

    def answer(self, status: int, body: Any) -> list[str]:
        """What is wrong with the answer."""
        answers = self.said["answers"]
        if str(status) in answers:
            schema = answers[str(status)]
            if schema is None:
                return [f"{status} has a body, and should have none"] if body else []
            if body is None and status not in (200, 201):
                return []
            return self._complaints(str(status), "loosened", schema, body)
        if status in ANYWHERE:
            return self._complaints("refusal", "loosened", _REFUSAL, body)
        return [f"{status} is not among the answers {sorted(answers)}"]

    def missing(self, status: int, body: Any) -> list[str]:
        """What GitHub says is always there in this answer, and is not."""
        schema = self.said["answers"].get(str(status))
        return [] if schema is None else self._complaints(str(status), "strict", schema, body)

    def _complaints(self, part: str, manner: str, schema: Any, body: Any) -> list[str]:
        if (part, manner) not in self._validators:
            change = {"closed": closed, "loosened": loosened, "strict": lambda same: same}[manner]
            whole = {"allOf": [schema], "$defs": self._schemas}
            self._validators[part, manner] = Draft202012Validator(change(whole), validate_formats=False)
        errors = self._validators[part, manner].iter_errors(body)
        return [f"{part} /{'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in errors]


class Contract:
    """The description of the operations that the product and its tests use."""

    @cached_property
    def operations(self) -> list[Operation]:
        """Every operation, the most fixed paths first."""
        whole = data("description.json.xz")
        found = [Operation(said, whole["schemas"]) for said in whole["operations"]]
        return sorted(found, key=lambda one: -one.weight)

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation of this path; `/repositories/1000/…`, as in GitHub's links, is a repository like any."""
        path = re.sub(r"^(?:/api/v3)?(/repositories/\d+)?", lambda m: "/repos/o/r" if m[1] else "", urlsplit(path).path)
        return next((one for one in self.operations if one.method == method.upper() and one.matches(path)), None)

    def check(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        sent: Any = None,
        status: int = 200,
        answered: Any = None,
    ) -> list[str]:
        """Everything in the exchange that GitHub's description does not allow; empty when it conforms."""
        operation = self.operation(method, path)
        if operation is None:
            return [f"{method} {unquote(path)} is no operation of GitHub's (or add it to trim.py)"]
        asked = dict(parse_qsl(urlsplit(path).query)) | dict(query or {})
        wrong = [*operation.request(asked, sent), *operation.answer(status, answered)]
        return [f"{operation}: {one}" for one in wrong]

    def missing(self, method: str, path: str, status: int, answered: Any) -> list[str]:
        """Warnings: what the description requires in this answer, and is not there."""
        operation = self.operation(method, path)
        return [f"{operation}: {one}" for one in operation.missing(status, answered)] if operation else []
