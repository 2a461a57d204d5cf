"""Where the pipeline file is read: whoever may change what is there decides who is asked.

Law: on GitHub it is the default branch, at the commit that it has now. A cycle keeps its own copy, and where it was
read, so that what is merged later changes no gate of it.
"""

from pathlib import Path

from orchestrator.config import LARGEST, Config, load, read
from orchestrator.trouble import Trouble
from reviewers.github.repository import Repository


def on_disk(path: str) -> tuple[Config, str]:
    """The file of this machine. Raises `Trouble` with every problem of it."""
    found = load(path)
    if isinstance(found, list):
        raise Trouble("\n".join(str(problem) for problem in found), code=2 if not Path(path).exists() else 1)
    return found, path


def on_github(repository: Repository, path: str) -> tuple[Config, str]:
    """The file on the default branch. Raises `Trouble` with every problem of it, and what GitHub raises."""
    about = repository.about()
    sha = repository.head(about.default_branch)
    data = repository.file(path, sha) if sha is not None else None
    where = f"{path} on {about.default_branch} of {about.full_name}"
    if sha is None or data is None:
        raise Trouble(f"there is no {where}", "write one with `ratchet init`, and merge it")
    if len(data) > LARGEST:
        raise Trouble(f"{where} has {len(data)} bytes", f"keep it below {LARGEST}")
    try:
        found = read(data.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        raise Trouble(f"{where}: byte {error.start + 1} is not UTF-8", "save the file as UTF-8") from None
    if isinstance(found, list):
        raise Trouble("\n".join([f"{where} can't be used:", *(str(problem) for problem in found)]))
    return found, f"{path} at {sha} of {about.full_name}"
