"""What the orchestrator asks of tables, as a process of its own: it imports neither pyarrow nor deltalake.

    python -m steps.snapshot erase --artifacts ROOT [--target TARGET] [--work FOLDER] [--dry-run]  < request.json
    python -m steps.snapshot history --artifacts ROOT [--target TARGET]
    python -m steps.snapshot lineage --model FOLDER

Law: one JSON object on stdout; exit status 0, or 1 with a failure (`what`, `where`, `cure`, `retryable`) in its place.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from steps.cause import cause_of
from steps.contract import StepError
from steps.snapshot.erasure import Request, erase_everywhere, history
from steps.snapshot.lineage import lineage


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # libraries may print
            answer = _answer(asked)
    except Exception as error:  # each kind of store has errors of its own
        failure = cause_of(error, f"snapshot {asked.verb}")
        sys.stdout.write(f"{failure.model_dump_json()}\n")
        return 1
    sys.stdout.write(f"{json.dumps(answer)}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="steps.snapshot", description="Asks tables of rows, or makes them forget.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    erases, tells = verbs.add_parser("erase"), verbs.add_parser("history")
    for one in (erases, tells):
        one.add_argument("--artifacts", required=True)
        one.add_argument("--target")
    erases.add_argument("--work", type=Path)
    erases.add_argument("--dry-run", action="store_true")
    verbs.add_parser("lineage").add_argument("--model", type=Path, required=True)
    return parser


def _answer(asked: argparse.Namespace) -> dict[str, Any]:
    if asked.verb == "lineage":
        return lineage(asked.model)
    if asked.verb == "history":
        return history(asked.artifacts, asked.target)
    return erase_everywhere(asked.artifacts, _request(), target=asked.target, work=asked.work, dry=asked.dry_run)


def _request() -> Request:
    try:
        return Request.model_validate_json(sys.stdin.buffer.read())
    except ValidationError as error:  # told without the values: they are what is to be forgotten
        told = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors())
        cure = "name persons, ids or texts, and by, reason and at"
        raise StepError(f"the request can't be understood: {told}", where="stdin", cure=cure) from None


if __name__ == "__main__":
    sys.exit(main())
