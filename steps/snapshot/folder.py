"""A folder of files, on this machine or below an fsspec URL: the few things that tables ask of it.

Law: a file that others read appears whole or not at all.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from steps.contract import StepError
from steps.place import sync, write_whole

_BLOCK = 1 << 20
DRAFTS = "_drafts"


class Folder:
    """Files by their name below it, with `/` between the parts of a name."""

    def __init__(self, uri: str) -> None:
        text = uri.removeprefix("file://").rstrip("/")
        self.remote = "://" in text
        self.uri = text if self.remote else str(Path(text).absolute())

    def at(self, name: str) -> str:
        """The file's path or URL."""
        return f"{self.uri}/{name}"

    def read(self, name: str) -> bytes:
        """The whole file. Raises `FileNotFoundError`, `StepError`."""
        if not self.remote:
            return Path(self.at(name)).read_bytes()
        fs, base = self._far()
        return bytes(fs.cat_file(f"{base}/{name}"))

    def write(self, name: str, text: str) -> None:
        """Write the file whole."""
        if self.remote:
            fs, base = self._far()
            fs.pipe_file(f"{base}/{name}", text.encode())
            return
        path = Path(self.at(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
        sync(path.parent)

    def names(self, under: str = "") -> list[str]:
        """All files below the folder `under`, sorted; none when it is not there."""
        if not self.remote:
            top = Path(self.uri)
            return sorted(path.relative_to(top).as_posix() for path in (top / under).rglob("*") if path.is_file())
        fs, base = self._far()
        fs.invalidate_cache()
        found = fs.find(f"{base}/{under}".rstrip("/"))
        return sorted(str(path).removeprefix(f"{base}/") for path in found)

    def glob(self, pattern: str) -> list[str]:
        """The files whose names match, sorted; `*` is any part of a name that does not begin with a point."""
        if not self.remote:
            top = Path(self.uri)
            found = [path.relative_to(top).as_posix() for path in top.glob(pattern)]
        else:
            fs, base = self._far()
            fs.invalidate_cache()
            found = [str(path).removeprefix(f"{base}/") for path in fs.glob(f"{base}/{pattern}")]
        return sorted(name for name in found if not any(part.startswith(".") for part in name.split("/")))

    def size(self, name: str) -> int | None:
        """Bytes of the file; None when it is not there."""
        try:
            if not self.remote:
                return Path(self.at(name)).stat().st_size
            fs, base = self._far()
            return int(fs.info(f"{base}/{name}")["size"])
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Remove the file if it is there."""
        if not self.remote:
            Path(self.at(name)).unlink(missing_ok=True)
            return
        fs, base = self._far()
        with contextlib.suppress(FileNotFoundError):
            fs.rm_file(f"{base}/{name}")

    @contextlib.contextmanager
    def draft(self) -> Iterator[Path]:
        """A new file of this machine to write into, which is gone afterwards unless it was adopted."""
        home = None if self.remote else Path(self.uri, DRAFTS)
        if home is not None:
            home.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=".part", dir=home)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def adopt(self, draft: Path, name: str) -> None:
        """Make the draft the file of that name. Raises `OSError`."""
        if self.remote:
            fs, base = self._far()
            fs.put_file(str(draft), f"{base}/{name}")
            return
        final = Path(self.at(name))
        final.parent.mkdir(parents=True, exist_ok=True)
        draft.chmod(0o644)
        sync(draft)
        draft.replace(final)
        sync(final.parent)

    @contextlib.contextmanager
    def near(self, name: str) -> Iterator[Path]:
        """The file as one of this machine: itself, or a copy for as long as it is needed."""
        if not self.remote:
            yield Path(self.at(name))
            return
        fs, base = self._far()
        with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
            fs.get_file(f"{base}/{name}", file.name)
            yield Path(file.name)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """One process at a time, on this machine; an object store has no locks."""
        if self.remote:
            yield
            return
        Path(self.uri).mkdir(parents=True, exist_ok=True)
        with Path(self.at("_lock")).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def clear_drafts(self) -> None:
        """Remove what writers that died have left, and what others are writing just now."""
        if not self.remote:
            shutil.rmtree(Path(self.uri, DRAFTS), ignore_errors=True)

    def _far(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        try:
            fs, path = url_to_fs(self.uri)
        except (ImportError, ValueError) as error:
            cure = "install the package that it names, or choose another artifact root"
            raise StepError(f"{self.uri} can't be opened: {error}", where=self.uri, cure=cure) from error
        return fs, str(path).rstrip("/")


def sha256_of(path: Path) -> str:
    """sha256 (hex) of a file's bytes."""
    sha = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha.update(block)
    return sha.hexdigest()
