"""Publication: what a run made appears under the artifact root whole, with a digest for every file, or not at all.

    <artifact root>/<cycle>/<stage>/<attempt>/  made.json  manifest.json  <artifact>/…

Laws:
- In a folder the commit is one rename of a complete, synced, private folder; in an object store it is made.json,
  put last. Whatever has no made.json was never made, and the next start of the run sweeps it away.
- A published artifact is what its digest says: sha256 over its sorted (path, sha256, size). A file that differs, is
  missing or was added is an error that names the file.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from orchestrator.core.report import File, Product
from steps.contract import Artifact, Made, StepError
from steps.place import Place, sync

MADE = "made.json"
MANIFEST = "manifest.json"
_BLOCK = 1 << 20


class Store(Protocol):
    """An artifact root."""

    remote: bool

    @property
    def root(self) -> Path | str:
        """Where it is: tables and targets lie there beside the cycles."""

    def product(self, run: str) -> Product | None:
        """What the run has published, or None. Raises `StepError` when that can't be read."""

    def partial(self, place: Place) -> Path:
        """A new, private folder to make things in; what an earlier start of the run left is swept away."""

    def publish(self, run: str, made: Made, partial: Path) -> Product:
        """Make everything in `partial` visible at once, digests filled in. Raises `StepError`, `OSError`."""


def open_store(root: str | Path) -> Store:
    """The artifact root: a path or `file://` URL is a folder, any other fsspec URL an object store."""
    text = str(root)
    if text.startswith("file://"):
        text = text.removeprefix("file://")
    return ObjectStore(text) if "://" in text else FolderStore(Path(text))


class FolderStore:
    """A folder on a disk of this machine, or one that is mounted."""

    remote = False

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def product(self, run: str) -> Product | None:
        path = self.root / run / MADE
        try:
            return _read_product(path.read_bytes(), str(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(str(path), error) from error

    def partial(self, place: Place) -> Path:
        stage = (self.root / place.run).parent
        stage.mkdir(parents=True, exist_ok=True)
        for left in stage.glob(".*.partial"):
            if int(left.name.split(".")[1]) <= place.attempt:  # no other attempt of the stage is at work: the fence
                shutil.rmtree(left, ignore_errors=True)
        partial = stage / f".{place.attempt}.partial"
        partial.mkdir()
        return partial

    def publish(self, run: str, made: Made, partial: Path) -> Product:
        final = self.root / run
        product = _settle(made, partial, str(final), f"{run} in {self.root}")
        _write_record(run, product, partial)
        _sync_tree(partial)
        try:
            partial.rename(final)
        except OSError as error:
            cure = f"remove {final}: it holds no {MADE}, so no run made it"
            raise StepError(f"{final} is in the way: {error.strerror}", where=str(final), cure=cure) from error
        for folder in (final.parent, final.parent.parent, self.root):
            sync(folder)
        return product


class ObjectStore:
    """Any other fsspec URL: `s3://`, `gs://`, … . An object appears whole; there is no rename."""

    remote = True

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")

    def _open(self, run: str) -> tuple[Any, str]:
        return _open_url(f"{self.root}/{run}")

    def product(self, run: str) -> Product | None:
        fs, base = self._open(run)
        try:
            return _read_product(fs.cat_file(f"{base}/{MADE}"), f"{self.root}/{run}/{MADE}")
        except FileNotFoundError:
            return None
        except Exception as error:  # each kind of store has errors of its own
            raise _unreadable(f"{self.root}/{run}/{MADE}", error) from error

    def partial(self, place: Place) -> Path:
        fs, base = self._open(place.run)
        if fs.exists(base) and not fs.exists(f"{base}/{MADE}"):
            fs.rm(base, recursive=True)
        partial = place.folder / "made"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        return partial

    def publish(self, run: str, made: Made, partial: Path) -> Product:
        fs, base = self._open(run)
        product = _settle(made, partial, f"{self.root}/{run}", f"{run} in {self.root}")
        _write_record(run, product, partial)
        fs.makedirs(base, exist_ok=True)
        for name in (*(file.path for file in product.files), MANIFEST, MADE):
            target = f"{base}/{name}"
            fs.makedirs(target.rpartition("/")[0], exist_ok=True)
            fs.put_file(str(partial / name), target)
        shutil.rmtree(partial, ignore_errors=True)
        return product


def holds(root: str | Path, cycle: str) -> bool:
    """Whether anything lies under this cycle's name in the artifact root. Raises `StepError` when it can't be asked."""
    text = str(root).removeprefix("file://")
    if "://" not in text:
        return Path(text, cycle).exists()
    try:
        fs, base = _open_url(f"{text.rstrip('/')}/{cycle}")
        return bool(fs.exists(base))
    except StepError:
        raise
    except Exception as error:  # each kind of store has errors of its own
        raise _unreadable(text, error) from error


def manifest_of(folder: Path) -> tuple[File, ...]:
    """Every file below the folder, sorted by path, with sha256 and size. Raises `StepError` on a link or a device."""
    files = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            cure = "write a copy of what it points to"
            raise StepError(f"{name} is a link or a device, and can't be published", where=str(path), cure=cure)
        if path.is_file():
            files.append(File(path=name, sha256=_sha256(path), size=path.stat().st_size))
    return tuple(files)


def digest_of_files(files: Iterable[File]) -> str:
    """An artifact's digest: sha256 (hex) over canonical JSON of its files, sorted by path within the artifact."""
    listed = sorted([file.path, file.sha256, file.size] for file in files)
    return hashlib.sha256(json.dumps(listed, separators=(",", ":")).encode()).hexdigest()


def verified(uri: str, digest: str, cache: Path) -> Path:
    """The artifact as a local folder whose every file is as published; downloaded into `cache` if it has to be.

    Raises `StepError` naming the file that differs, is missing or does not belong there.
    """
    uri = uri.removeprefix("file://").rstrip("/")
    if "://" in uri:
        return _downloaded(uri, digest, cache)
    folder = Path(uri)
    if not folder.is_dir():
        cure = "check the artifact root, or rerun the stage that made it"
        raise StepError(f"the artifact {uri} is not there", where=uri, cure=cure)
    if digest:
        text = _read(folder.parent / MANIFEST)
        _check(folder, _listed(text, folder.name, uri, digest), uri)
    return folder


def _downloaded(uri: str, digest: str, cache: Path) -> Path:
    if not digest:
        cure = "name a published artifact, or copy it into a folder first"
        raise StepError(f"the artifact {uri} has no digest to check a download against", where=uri, cure=cure)
    fs, base = _open_url(uri)
    parent, _, name = base.rpartition("/")
    try:
        files = _listed(fs.cat_file(f"{parent}/{MANIFEST}"), name, uri, digest)
        folder = cache / digest
        if folder.is_dir():
            try:
                _check(folder, files, uri)
            except StepError:
                shutil.rmtree(folder)  # the copy has rotted, the original may be sound
            else:
                return folder
        return _download(fs, base, files, folder, uri)
    except OSError as error:
        raise _unreadable(uri, error) from error


def _download(fs: Any, base: str, files: Sequence[File], folder: Path, uri: str) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as draft:
        for file in files:
            target = Path(draft, folder.name, file.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                fs.get_file(f"{base}/{file.path}", str(target))
            except FileNotFoundError as error:
                raise _corrupt(uri, f"{file.path} is missing") from error
        _check(Path(draft, folder.name), files, uri)
        Path(draft, folder.name).rename(folder)
    return folder


def _check(folder: Path, files: Sequence[File], uri: str) -> None:
    """Raise `StepError` unless the folder holds exactly these files."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    for file in files:
        path = folder / file.path
        if file.path not in found:
            raise _corrupt(uri, f"{file.path} is missing")
        if path.stat().st_size != file.size or _sha256(path) != file.sha256:
            raise _corrupt(uri, f"{file.path} is not what was published")
    extra = found - {file.path for file in files}
    if extra:
        raise _corrupt(uri, f"{min(extra)} was added after publication")


def _listed(text: bytes, name: str, uri: str, digest: str) -> tuple[File, ...]:
    """The artifact's own files in the publishing run's manifest, paths within the artifact, checked by its digest."""
    try:
        files = [File.model_validate(row) for row in json.loads(text)["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise _corrupt(uri, f"{MANIFEST} can't be understood") from error
    own = tuple(
        file.model_copy(update={"path": file.path.removeprefix(f"{name}/")})
        for file in files
        if file.path.startswith(f"{name}/")
    )
    if digest_of_files(own) != digest:
        raise _corrupt(uri, f"{MANIFEST} does not have the digest {digest[:12]}")
    return own


def _settle(made: Made, partial: Path, base: str, where: str) -> Product:
    """The product: artifacts of `made` that lie in `partial` get their final place and digest."""
    files = manifest_of(partial)
    if clash := {MADE, MANIFEST} & {file.path for file in files}:
        cure = "call `context.make(kind, name)` and write into its folder"
        raise StepError(f"the step wrote {min(clash)} itself", where=where, cure=cure)

    def settle(value: Any) -> Any:
        if isinstance(value, Artifact):
            return _settled(value, partial, base, files, where)
        if isinstance(value, BaseModel):
            return value.model_copy(update={name: settle(getattr(value, name)) for name in type(value).model_fields})
        if isinstance(value, dict):
            return {key: settle(item) for key, item in value.items()}
        if type(value) in (list, tuple):
            return type(value)(settle(item) for item in value)
        return value

    outputs = json.loads(settle(made).model_dump_json(exclude={"report"}))
    return Product(outputs=outputs, report=made.report, files=files)


def _settled(artifact: Artifact, partial: Path, base: str, files: Sequence[File], where: str) -> Artifact:
    folder = Path(artifact.uri).absolute()
    if "://" in artifact.uri or not folder.is_relative_to(partial) or folder == partial:
        return artifact  # handed on: it was published by another run
    name = folder.relative_to(partial).as_posix()
    own = [
        file.model_copy(update={"path": file.path[len(name) + 1 :]})
        for file in files
        if file.path.startswith(f"{name}/")
    ]
    if "/" in name:
        cure = "make it with `context.make(kind, name)`"
        raise StepError(f"the artifact {name!r} lies inside another folder", where=where, cure=cure)
    if not own:
        cure = "write its files into `context.path(artifact)` before the step returns"
        raise StepError(f"the artifact {name!r} is empty", where=where, cure=cure)
    return artifact.model_copy(update={"uri": f"{base}/{name}", "digest": digest_of_files(own)})


def _write_record(run: str, product: Product, partial: Path) -> None:
    rows = [file.model_dump() for file in product.files]
    (partial / MANIFEST).write_text(json.dumps({"run": run, "files": rows}, indent=1))
    (partial / MADE).write_text(product.model_dump_json())


def _read_product(text: bytes, where: str) -> Product:
    try:
        return Product.model_validate_json(text)
    except ValidationError as error:
        cure = "restore it from a backup, or remove the run's folder and rerun the stage"
        raise StepError(f"{MADE} is corrupt: it is not a product", where=where, cure=cure) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(str(path), error) from error


def _sync_tree(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        sync(path)


def _sha256(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha.update(block)
    return sha.hexdigest()


def _open_url(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs  # a tenth of a second, for those who need it

    try:
        fs, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        cure = "install the package that it names, or choose another artifact root"
        raise StepError(f"{url} can't be opened: {error}", where=url, cure=cure) from error
    return fs, str(path).rstrip("/")


def _unreadable(where: str, error: Exception) -> StepError:
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    cure = "check that it is there and that this user may read it"
    return StepError(f"{where} can't be read: {reason}", where=where, cure=cure, retryable=True)


def _corrupt(uri: str, what: str) -> StepError:
    cure = "restore it from a backup, or rerun the stage that made it"
    return StepError(f"the artifact {uri} is corrupt: {what}", where=uri, cure=cure)
