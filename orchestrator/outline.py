"""The JSON Schema of `ratchet.yaml`, for editors. Pure.

Law: what `config.read` lets through fits this schema. The converse needs more than a schema can say: `ratchet check`.
"""

from typing import Any

from orchestrator.core.model import Pipeline

_DURATION = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*$", "examples": ["30s", "24h", "7d"]}
_SIZE = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*([KkMmGgTt][Ii]?)?[Bb]\s*$", "examples": ["512MiB", "16GiB"]}
_CLAUSE = {
    "type": "string",
    "description": "`2 of @group`, `1 of @org/team`, `must alice` or `not_initiator`",
    "examples": ["1 of @write", "2 of @org/team", "must alice", "not_initiator"],
}
_LOGINS = {"type": "array", "items": {"type": ["string", "integer"]}}
_BOUND = {"type": "string", "examples": [">= 0.8", ">= baseline - 0.01", "<= 1.1 * baseline"]}
_TOP = ("name", "groups", "policies")  # told by the file around the pipeline


def outline() -> dict[str, Any]:
    """The schema, draft 2020-12."""
    pipeline = Pipeline.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = _as_written(pipeline.pop("$defs"))
    pipeline["properties"] = {key: one for key, one in pipeline["properties"].items() if key not in _TOP}
    pipeline["required"] = [key for key in pipeline["required"] if key not in _TOP]
    definitions["Clause"] = {"anyOf": [_CLAUSE, definitions["Clause"]]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ratchet.yaml",
        "type": "object",
        "properties": {
            "pipelines": {"type": "object", "minProperties": 1, "additionalProperties": _as_written(pipeline)},
            "groups": {"type": ["object", "null"], "additionalProperties": _LOGINS, "description": "logins by @group"},
            "policies": {
                "type": ["object", "null"],
                "additionalProperties": {"type": "object", "additionalProperties": _BOUND},
                "description": "bounds on metrics, by the name that a gate's `policy` asks",
            },
        },
        "required": ["pipelines"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _as_written(schema: Any) -> Any:
    """The schema of values as people write them: durations and sizes as text or number, and no titles."""
    if isinstance(schema, list):
        return [_as_written(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "duration":
        kept = {key: one for key, one in schema.items() if key in ("description",)}
        return {**kept, "anyOf": [_DURATION, {"type": "number"}]}
    found = {key: _as_written(one) for key, one in schema.items() if key != "title" or not isinstance(one, str)}
    if "memory" in found:
        found["memory"] = {"anyOf": [_SIZE, {"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}]}
    found.pop("default", None) if isinstance(found.get("default"), dict | str) else None
    return found
