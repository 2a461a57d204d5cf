"""Makes what lies in `data/` from three npm packages: `python trim.py NODE_MODULES`, after, in a folder elsewhere,
`npm install @octokit/openapi@23.0.2 @octokit/webhooks-examples@7.6.1 @octokit/fixtures@23.1.2`.

- `description.json.xz`: of GitHub's own description, the operations below, as JSON Schema, with GitHub's examples.
- `webhooks.json.xz`: the 329 payloads of `@octokit/webhooks-examples`, as they are.
- `exchanges.json.xz`: the 71 exchanges of `@octokit/fixtures`, recorded from api.github.com, as they are.
"""

import json
import lzma
import re
import sys
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
REPOSITORY = """
GET | PATCH
GET /installation
GET /collaborators
GET /collaborators/{username}/permission
PUT | DELETE /collaborators/{username}
GET | PUT | DELETE /contents/{path}
GET /branches/{branch}
GET /git/ref/{ref}
GET /git/matching-refs/{ref}
POST /git/refs
PATCH | DELETE /git/refs/{ref}
POST /git/blobs
GET /git/blobs/{file_sha}
POST /git/trees
GET /git/trees/{tree_sha}
POST /git/commits
GET /git/commits/{commit_sha}
GET /commits
GET /commits/{ref}
GET /commits/{ref}/check-runs
GET /commits/{ref}/status
GET /commits/{ref}/statuses
POST /statuses/{sha}
POST /check-runs
GET | PATCH /check-runs/{check_run_id}
GET | POST /issues
GET | PATCH /issues/{issue_number}
GET | POST /issues/{issue_number}/comments
GET /issues/comments
GET | PATCH | DELETE /issues/comments/{comment_id}
GET | POST /issues/comments/{comment_id}/reactions
DELETE /issues/comments/{comment_id}/reactions/{reaction_id}
GET | POST | PUT | DELETE /issues/{issue_number}/labels
DELETE /issues/{issue_number}/labels/{name}
GET | POST /labels
GET | PATCH | DELETE /labels/{name}
GET | POST /pulls
GET | PATCH /pulls/{pull_number}
GET /pulls/{pull_number}/commits
GET /pulls/{pull_number}/files
GET | PUT /pulls/{pull_number}/merge
GET | POST /pulls/{pull_number}/reviews
GET | PUT | DELETE /pulls/{pull_number}/reviews/{review_id}
PUT /pulls/{pull_number}/reviews/{review_id}/dismissals
POST /pulls/{pull_number}/reviews/{review_id}/events
POST /dispatches
GET /actions/workflows
POST /actions/workflows/{workflow_id}/dispatches
GET /actions/runs
GET /actions/runs/{run_id}
GET | POST /hooks
GET /hooks/{hook_id}/deliveries
POST /hooks/{hook_id}/deliveries/{delivery_id}/attempts
"""
OTHERS = """
GET /app
GET /app/installations
GET /app/hook/deliveries
POST /app/hook/deliveries/{delivery_id}/attempts
POST /app/installations/{installation_id}/access_tokens
GET /rate_limit
GET /user
GET /users/{username}
GET /orgs/{org}
GET /orgs/{org}/members
GET /orgs/{org}/teams/{team_slug}
GET /orgs/{org}/teams/{team_slug}/members
GET | PUT | DELETE /orgs/{org}/teams/{team_slug}/memberships/{username}
"""
KEPT = {
    *("type", "enum", "required", "pattern", "nullable", "minLength", "maxLength", "minimum", "maximum"),
    *("minItems", "maxItems", "minProperties", "maxProperties"),
    *("properties", "items", "additionalProperties", "anyOf", "oneOf", "allOf"),
}


class Trim:
    """One description, and which of its schemas are needed so far."""

    def __init__(self, whole: dict[str, Any]) -> None:
        self.whole = whole
        self.schemas: dict[str, Any] = {}

    def followed(self, node: Any) -> Any:
        """The node, or what it refers to."""
        while isinstance(node, dict) and "$ref" in node:
            found = self.whole
            for name in node["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            node = found
        return node

    def schema(self, node: Any) -> Any:
        """An OpenAPI 3.0 schema as JSON Schema, without words."""
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            if name not in self.schemas:
                self.schemas[name] = None
                self.schemas[name] = self.schema(self.followed(node))
            return {"$ref": f"#/$defs/{name}"}
        made = {key: self._part(key, node[key]) for key in node if key in KEPT}
        if not made.pop("nullable", False):
            return made
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        return {"anyOf": [made, {"type": "null"}]} if {"anyOf", "oneOf", "allOf"} & made.keys() else made

    def _part(self, key: str, value: Any) -> Any:
        match key:
            case "properties":
                return {name: self.schema(one) for name, one in value.items()}
            case "items" | "additionalProperties":
                return self.schema(value)
            case "anyOf" | "oneOf" | "allOf":
                return [self.schema(one) for one in value]
        return value

    def operation(self, method: str, path: str) -> dict[str, Any]:
        """What may be sent and answered."""
        item = self.whole["paths"][path]
        node = item[method.lower()]
        named = [self.followed(one) for one in [*item.get("parameters", []), *node.get("parameters", [])]]
        body = self.followed(node.get("requestBody"))
        answers = {status: self.followed(one).get("content") for status, one in node["responses"].items()}
        return {
            "method": method,
            "path": path,
            "path_parameters": {one["name"]: self.schema(one["schema"]) for one in named if one["in"] == "path"},
            "query": {one["name"]: self.schema(one["schema"]) for one in named if one["in"] == "query"},
            "body": self._content(body["content"])[0] if body else None,
            "body_required": bool(body and body.get("required")),
            "body_examples": self._content(body["content"])[1] if body else [],
            "answers": {status: self._content(content)[0] for status, content in answers.items()},
            "examples": {status: self._content(content)[1] for status, content in answers.items()},
        }

    def _content(self, content: dict[str, Any] | None) -> tuple[Any, list[Any]]:
        """The schema (None: no body; true: any) and the examples."""
        if not content:
            return None, []
        medium = content.get("application/json") or next(iter(content.values()))
        examples = [self.followed(one).get("value") for one in medium.get("examples", {}).values()]
        return (self.schema(medium["schema"]) if "application/json" in content else True), examples


def listed(text: str, root: str) -> list[tuple[str, str]]:
    """Method and path of each line: `GET | PATCH /path`."""
    found = []
    for line in text.strip().splitlines():
        methods, path = re.fullmatch(r"([A-Z |]+?) ?(/\S+)?", line).groups()
        found += [(method, root + (path or "")) for method in methods.split(" | ")]
    return found


def trimmed(whole: dict[str, Any]) -> dict[str, Any]:
    """The description of the operations above."""
    trim = Trim(whole)
    wanted = [*listed(REPOSITORY, "/repos/{owner}/{repo}"), *listed(OTHERS, "")]
    operations = [trim.operation(method, path) for method, path in wanted]
    return {"version": whole["info"]["version"], "operations": operations, "schemas": trim.schemas}


def write(name: str, content: Any) -> None:
    """The content, small."""
    raw = json.dumps(content, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()
    DATA.mkdir(exist_ok=True)
    (DATA / name).write_bytes(lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME))


def main(modules: Path) -> None:
    """All three files."""
    packages = modules / "@octokit"
    write("description.json.xz", trimmed(json.loads((packages / "openapi/generated/api.github.com.json").read_text())))
    examples = json.loads((packages / "webhooks-examples/api.github.com/index.json").read_text())
    write("webhooks.json.xz", {event["name"]: event["examples"] for event in examples})
    recorded = sorted((packages / "fixtures/scenarios/api.github.com").glob("*/normalized-fixture.json"))
    write("exchanges.json.xz", {one.parent.name: json.loads(one.read_text()) for one in recorded})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
