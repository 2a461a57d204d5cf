"""`python -m steps.deploy query TARGET TEXT`: ask the champion."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from steps.contract import StepError
from steps.deploy.probe import ask, probe
from steps.deploy.target import current


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `query TARGET TEXT…` for people, `probe FOLDER` for `deploy` itself."""
    parser = argparse.ArgumentParser(prog="python -m steps.deploy", description="Ask the deployed model.")
    commands = parser.add_subparsers(dest="command", required=True)
    query = commands.add_parser("query", help="print label and confidence")
    query.add_argument("target", type=Path, help="the deployment target's folder")
    query.add_argument("text", nargs="+")
    inner = commands.add_parser("probe")
    inner.add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "probe":
        print(json.dumps(probe(given.folder, json.load(sys.stdin))))  # noqa: T201
        return 0
    return _query(given.target, given.text)


def _query(target: Path, texts: Sequence[str]) -> int:
    try:
        champion = current(target)
        if champion is None:
            raise StepError("nothing is deployed", where=str(target), cure="name another target, or run a cycle first")
        for text, answer in zip(texts, ask(Path(champion.uri), texts), strict=True):
            print(f"{answer['label']} ({answer['confidence']:.1%}): {text}")  # noqa: T201
    except StepError as error:
        print(re.sub(r"\s*\n\s*", " ", f"error: {error.failure}"), file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
