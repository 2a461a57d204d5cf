"""`/openapi.json` keeps its word: whatever is asked, no server error and no answer that is not described."""

import subprocess
import sys
from pathlib import Path

import pytest
from premises import GITHUB, KNOWN, PIPELINES, TOKENS, WORDS, Premises

# Not `positive_data_acceptance`: whether a parameter is one of a step's, only the step itself can say.
CHECKS = ",".join(
    (
        "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
        "response_headers_conformance", "negative_data_rejection", "ignored_auth", "unsupported_method",
    )
)  # fmt: skip
EXAMPLES = 25  # of each call; the whole takes well under a minute


@pytest.mark.parametrize("role", ["admin", ""])
def test_schemathesis_finds_nothing(opened, role, folder, tmp_path):
    """As an admin, who may do everything, and as nobody; `/api/events` never ends, and has tests of its own."""
    (folder / "ratchet.yaml").write_text(PIPELINES + WORDS.lstrip("\n"))
    server: Premises = opened({"RATCHET_TOKENS": KNOWN, **GITHUB})
    server.begun(role="admin")
    server.begun("words", role="admin")
    token = ["--header", f"Authorization: Bearer {TOKENS[role]}"] if role else []
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{server.address}/openapi.json", *token,
        "--checks", CHECKS, "--max-examples", str(EXAMPLES if role else 5), "--exclude-path", "/api/events",
        "--seed", "1", "--no-color", "--request-timeout", "30", "--generation-database", "none",
        "--phases", "examples,coverage,fuzzing",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=240)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
