"""Where a run works: the names of what lies in its folders, and the few ways of writing there.

    <work root>/<cycle>/<stage>/            lock, scratch/
    <work root>/<cycle>/<stage>/<attempt>/  order.json log.txt progress.json heartbeat pid failure.json

Laws: a file that others read appears whole or not at all; the first failure written is the one that counts; writing
it needs no free disk, because its room was kept when the run began.
"""

import contextlib
import errno
import os
import re
import tempfile
from pathlib import Path

from pydantic import ValidationError

from orchestrator.core.report import Failure

ORDER = "RATCHET_ORDER"  # names the order itself in the environment, where nobody could write order.json
FENCE = "RATCHET_FENCE"  # names the file descriptor of the stage's lock, already held
FAILED = "ratchet-failure: "  # precedes the failure's JSON in the log, for who can read nothing else
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*/[0-9]+")
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP)  # some network and bucket mounts have none
_ROOM = 16_384  # bytes kept for failure.json


class Place:
    """The folders of one run."""

    def __init__(self, root: Path | str, run: str) -> None:
        if not _RUN.fullmatch(run):
            raise ValueError(f"{run!r} is not a run: it reads <cycle>/<stage>/<attempt>, like c-000042/finetune/2")
        self.root = Path(root).absolute()
        self.run = run
        self.folder = self.root / run
        self.stage = self.folder.parent
        self.attempt = int(self.folder.name)
        self.lock = self.stage / "lock"
        self.scratch = self.stage / "scratch"
        self.order = self.folder / "order.json"
        self.log = self.folder / "log.txt"
        self.progress = self.folder / "progress.json"
        self.heartbeat = self.folder / "heartbeat"
        self.pid = self.folder / "pid"
        self.made = self.folder / "made.json"  # a copy of what is published far away, so that few need to ask there
        self.failure = self.folder / "failure.json"
        self.room = self.folder / "room"

    @classmethod
    def at(cls, folder: Path | str) -> "Place":
        """The place whose run's folder this is."""
        folder = Path(folder).absolute()
        return cls(folder.parents[2], "/".join(folder.parts[-3:]))

    def keep_room(self) -> None:
        """Take the disk blocks that a failure will need, while there are some."""
        with contextlib.suppress(OSError), self.room.open("xb") as file:
            file.write(b" " * _ROOM)
            file.flush()
            os.fsync(file.fileno())

    def read_failure(self) -> Failure | None:
        """The failure of this run, if one was written."""
        try:
            return Failure.model_validate_json(self.failure.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValidationError) as error:
            cure = "look at the disk; `/rerun` starts a new attempt"
            return Failure(what=f"failure.json can't be read: {_line(error)}", where=str(self.failure), cure=cure)

    def fail(self, failure: Failure) -> bool:
        """Write the run's failure unless it has one. Returns whether this one counts. Raises `OSError`."""
        text = _clip(failure).model_dump_json().encode()
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".failure-", dir=self.folder)
        os.close(handle)
        draft = Path(name)
        with contextlib.suppress(FileNotFoundError):
            self.room.rename(draft)
        try:
            _overwrite(draft, text)
            draft.chmod(0o644)
            os.link(draft, self.failure)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            if self.failure.exists():
                return False
            draft.replace(self.failure)
        finally:
            draft.unlink(missing_ok=True)
        sync(self.folder)
        return True


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever reads half of it, also after a power failure. Raises `OSError`."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """fsync a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _overwrite(path: Path, text: bytes) -> None:
    """Put `text` into the file's first bytes, blanks after it: blocks that it already has are not asked for again."""
    with path.open("r+b") as file:
        file.write(text.ljust(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())


def _clip(failure: Failure) -> Failure:
    """The failure, short enough for the room that was kept: at most 4 bytes a character, 4,000 characters."""
    cut = {"what": failure.what[:2200], "where": failure.where[:700], "cure": failure.cure[:700]}
    return failure.model_copy(update=cut)


def _line(error: Exception) -> str:
    return str(error).splitlines()[0]
