"""`python3 -I gh_actions/__main__.py NAME`: one action, from its own checkout. An old Python is told so."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - runners have whatever they have
    sys.stdout.write(
        "::error title=Ratchet::this runner's python3 is older than 3.11: add actions/setup-python before\n"
    )
    sys.exit(1)

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from importlib import import_module

from gh_actions.toolkit import start

if __name__ == "__main__":
    sys.exit(start(import_module(f"gh_actions.{sys.argv[1]}")))
