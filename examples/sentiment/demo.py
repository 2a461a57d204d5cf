"""The demo of `make demo`: one whole cycle on real text, after the one that made the first champion.

    python examples/sentiment/demo.py FOLDER [--yes]

It only types what a user would type; killed anywhere, the same command goes on where it was.
"""

import json
import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

HERE = Path(__file__).parent
RATCHET = Path(sys.executable).with_name("ratchet")
HISTORY = ["products", "films", "editorials"]
PIPELINE = "sentiment"


def say(text: str) -> None:
    """One line of the story, apart from what the commands print."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def ratchet(*arguments: str) -> int:
    """Type a command; its exit status."""
    say(f"$ ratchet {' '.join(arguments)}")
    return subprocess.run([str(RATCHET), *arguments]).returncode


def prepare(domains: list[str]) -> None:
    """Put the text of these domains into `data/`."""
    command = [sys.executable, str(HERE / "prepare.py"), "data", "--domains", *domains]
    if subprocess.run(command).returncode != 0:
        sys.exit(1)


def cycles() -> list[str]:
    """The states of the demo's cycles, the oldest first."""
    listed = subprocess.run([str(RATCHET), "list", PIPELINE, "--json"], capture_output=True, text=True)
    if listed.returncode != 0:
        sys.exit(listed.stderr)
    return [cycle["state"] for cycle in reversed(json.loads(listed.stdout))]


def main() -> int:
    """Go on with the story from wherever it is."""
    parser = ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--yes", action="store_true", help="answer every gate with approve")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(asked.folder)
    if not Path("ratchet.yaml").exists():
        shutil.copy(HERE / "ratchet.yaml", "ratchet.yaml")
    if "done" not in cycles():
        say("Yesterday: a first champion learns from product reviews, film reviews and editorials; it is let through.")
        prepare(HISTORY)
        status = ratchet("run", PIPELINE, "--yes")
        if status != 0:
            return status
    if cycles().count("done") < 2:
        say("Tonight: tweets have arrived. Will the new model learn them, and keep what the champion knows?")
        prepare([*HISTORY, "tweets"])
        status = ratchet("run", PIPELINE, *(["--yes"] if asked.yes else []))
        if status != 0:
            return status
    command = os.path.relpath(RATCHET)
    say("The demo's two cycles are done. Look around, or begin anew with `make clean demo`:")
    print(f'  cd {asked.folder} && {command} query {PIPELINE} "What a lovely day"')
    print(f"  cd {asked.folder} && {command} list")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
