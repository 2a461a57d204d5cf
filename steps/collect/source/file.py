"""Files of a source: found by glob on any fsspec store, opened, decompressed, and read as UTF-8 bytes.

Laws: a file is what it was when it was listed: one that has vanished, shrunk or been replaced since is a retryable
`StepError`; lines that were appended to it since are left for the next time. What is damaged raises `DamagedError`
after everything before the damage was given.
"""

import bz2
import codecs
import contextlib
import glob
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from steps.collect.source.model import DAMAGED
from steps.contract import StepError

KINDS = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".arrow": "arrow",
}  # fmt: skip
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
_CHUNK = 1 << 18


class DamagedError(ValueError):
    """What follows in a file can't be read by anybody."""


class File(NamedTuple):
    """One file as it was listed: `name` is what reports say (its path below the glob's fixed part), `size` in bytes."""

    path: str
    name: str
    kind: str
    compression: str
    size: int
    delimiter: str = ""
    encoding: str = ""

    @property
    def plain(self) -> bool:
        """Whether the bytes stored are the bytes read, so that reading may begin anywhere."""
        return not self.compression and not self.encoding


def find_files(globs: Sequence[str], delimiter: str = "", encoding: str = "") -> list[File]:
    """Every file that a glob names, each once, by path. Raises `StepError` naming each glob that names none."""
    found: dict[str, File] = {}
    empty = []
    for pattern in globs:
        listed = _listed(pattern)
        if not listed:
            empty.append(pattern)
        for path, name, size in listed:
            kind, compression, delimiter_there = _kind(path)
            found.setdefault(path, File(path, name, kind, compression, size, delimiter or delimiter_there, encoding))
    if empty:
        raise StepError(
            f"no file matches {', '.join(map(repr, empty))}",
            where=str(Path.cwd()),
            cure="correct `source`: globs are relative to the folder that ratchet runs in",
        )
    return [found[path] for path in sorted(found)]


def file_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path in it. Raises `StepError` where its library is missing."""
    import fsspec.core

    try:
        return fsspec.core.url_to_fs(url)  # type: ignore[no-any-return]
    except (ImportError, ValueError) as error:
        raise StepError(
            f"the store can't be reached: {said(error)}",
            where=url,
            cure="install the store's fsspec library, or correct the URL",
        ) from error


def opened(file: File) -> IO[bytes]:
    """The file's stored bytes, seekable. Raises a retryable `StepError` where it is not what was listed."""
    try:
        if "://" in file.path:
            fs, path = file_system(file.path)
            raw = fs.open(path, "rb")
        else:
            raw = Path(file.path).open("rb", buffering=0)  # noqa: SIM115 - it is closed by who asked
        there = raw.seek(0, io.SEEK_END)
        raw.seek(0)
    except FileNotFoundError as error:
        raise gone(file, "it was there when it was listed and is gone now") from error
    except OSError as error:
        raise gone(file, f"it can't be opened: {said(error)}") from error
    if there < file.size or (there != file.size and (file.compression or file.kind in ("parquet", "arrow"))):
        raw.close()
        raise gone(file, f"it had {file.size:,} bytes when it was listed and has {there:,} now")
    return io.BufferedReader(_Watched(raw, file), _CHUNK)


def gone(file: File, what: str) -> StepError:
    """The error of a file that is not what was listed; trying again may find it whole."""
    return StepError(what, where=file.path, cure="see who writes there, then try again", retryable=True)


def chunks(file: File, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The file's bytes as UTF-8, without a byte-order mark, from `start` to `end` where the file is `plain`.

    Raises `DamagedError` where they can't be had, after all that come before.
    """
    with contextlib.closing(opened(file)) as raw:
        if not file.compression:
            raw.seek(start)
            left = (file.size if end is None else end) - start
            given = iter(lambda: b"", b"x") if left <= 0 else _counted(raw, left)
        else:
            given = _unpacked(raw, file.compression)
        if file.encoding:
            given = _recoded(given, file.encoding)
        yield from _unmarked(given) if start == 0 else given


def marked(file: File) -> int:
    """How many bytes of a UTF-8 byte-order mark stand before the text."""
    with opened(file) as raw:
        return len(codecs.BOM_UTF8) if raw.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else 0


def said(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


class _Watched(io.RawIOBase):
    """A file whose own errors are the store's, so that those of what unpacks it are the data's."""

    def __init__(self, raw: Any, file: File) -> None:
        self._raw, self._file = raw, file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._raw.seek(offset, whence))

    def tell(self) -> int:
        return int(self._raw.tell())

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._raw.read(len(buffer))
        except OSError as error:
            raise gone(self._file, f"it can't be read any more: {said(error)}") from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def _counted(raw: IO[bytes], left: int) -> Iterator[bytes]:
    while left > 0 and (data := raw.read(min(_CHUNK, left))):
        left -= len(data)
        yield data


def _unpacked(raw: IO[bytes], compression: str) -> Iterator[bytes]:
    import pyarrow as pa

    unpack: Any = {"gzip": gzip.GzipFile, "bz2": bz2.BZ2File, "xz": lzma.LZMAFile}.get(compression)
    try:
        stream = (
            unpack(raw)
            if compression != "gzip" and unpack
            else (
                gzip.GzipFile(fileobj=raw) if unpack else pa.CompressedInputStream(pa.PythonFile(raw, "r"), compression)
            )
        )
        while data := stream.read1(_CHUNK):
            yield data
    except (EOFError, OSError, zlib.error, lzma.LZMAError, pa.ArrowException) as error:
        raise DamagedError(
            f"{DAMAGED}the {compression} data end or break here, and nothing after can be read: {said(error)}"
        ) from error


def _recoded(given: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-8 from another encoding; bytes that are none in it stay what they are, which is no UTF-8 either."""
    try:
        decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
        for data in given:
            yield decoder.decode(data).encode(errors="surrogateescape")
        yield decoder.decode(b"", final=True).encode(errors="surrogateescape")
    except UnicodeError as error:
        raise DamagedError(f"{DAMAGED}it is not {encoding} from here on: {said(error)}") from error


def _unmarked(given: Iterator[bytes]) -> Iterator[bytes]:
    first = b""
    for data in given:
        first += data
        if len(first) >= len(codecs.BOM_UTF8):
            break
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from given


def _listed(pattern: str) -> list[tuple[str, str, int]]:
    """(path or URL, name, bytes) of each file that the glob names."""
    fixed = _fixed(pattern)
    if "://" not in pattern:
        paths = [path for path in map(Path, glob.glob(pattern, recursive=True)) if path.is_file()]  # noqa: PTH207
        return [(str(path), _below(path.as_posix(), fixed), path.stat().st_size) for path in paths]
    fs, inside = file_system(pattern)
    try:
        fs.invalidate_cache()
        there = fs.glob(inside, detail=True)
    except OSError as error:
        raise StepError(
            f"the store can't be listed: {said(error)}", where=pattern, cure="try again", retryable=True
        ) from error
    entries = [entry for entry in there.values() if entry["type"] == "file"]
    fixed = _fixed(inside)
    return [(fs.unstrip_protocol(one["name"]), _below(one["name"], fixed), int(one["size"] or 0)) for one in entries]


def _fixed(pattern: str) -> str:
    """The folder of a glob before its first wild card."""
    parts = PurePosixPath(pattern).parts[:-1]
    wild = next((place for place, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return str(PurePosixPath(*parts[:wild]))


def _below(path: str, fixed: str) -> str:
    try:
        return str(PurePosixPath(path).relative_to(fixed))
    except ValueError:
        return PurePosixPath(path).name


def _kind(path: str) -> tuple[str, str, str]:
    """(kind, compression, delimiter) by suffixes; an empty kind where they say none."""
    pure = PurePosixPath(path.lower())
    compression = COMPRESSIONS.get(pure.suffix, "")
    suffix = PurePosixPath(pure.stem).suffix if compression else pure.suffix
    return KINDS.get(suffix, ""), compression, "\t" if suffix in (".tsv", ".tab") else ""
