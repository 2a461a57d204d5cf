"""`python -m steps.deploy query TARGET TEXT`: ask the champion; `rollback TARGET`: bring an earlier one back."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from steps.contract import StepError
from steps.deploy.probe import ask, probe
from steps.deploy.target import current, pointer, rollback


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `query` for people, `rollback` for `ratchet`, `probe` for `deploy` itself."""
    parser = argparse.ArgumentParser(prog="python -m steps.deploy", description="Ask the deployed model.")
    commands = parser.add_subparsers(dest="command", required=True)
    query = commands.add_parser("query", help="print label and confidence")
    query.add_argument("target", type=Path, help="the deployment target's folder")
    query.add_argument("text", nargs="+")
    back = commands.add_parser("rollback", help="make an earlier version the champion again; prints it as JSON")
    back.add_argument("target", type=Path, help="the deployment target's folder")
    back.add_argument("version", nargs="?", help="the one before, if left out")
    back.add_argument("--run", required=True, help="who asks: the same one twice changes nothing")
    inner = commands.add_parser("probe")
    inner.add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "probe":
        print(json.dumps(probe(given.folder, json.load(sys.stdin))))  # noqa: T201
        return 0
    try:
        if given.command == "rollback":
            _rollback(given.target, given.version, given.run)
        else:
            _query(given.target, given.text)
    except StepError as error:
        print(re.sub(r"\s*\n\s*", " ", f"error: {error.failure}"), file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _query(target: Path, texts: Sequence[str]) -> None:
    champion = current(target)
    if champion is None:
        raise StepError("nothing is deployed", where=str(target), cure="name another target, or run a cycle first")
    for text, answer in zip(texts, ask(Path(champion.uri), texts), strict=True):
        print(f"{answer['label']} ({answer['confidence']:.1%}): {text}")  # noqa: T201


def _rollback(target: Path, version: str | None, run: str) -> None:
    """Under the token that deployed last: going back needs no lease, and bars no cycle that is under way."""
    was = pointer(target)
    rollback(target, version, token=was.token if was else 0, run=run)
    now = pointer(target)
    print(json.dumps({"version": now.version if now else "", "previous": was.version if was else ""}))  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
