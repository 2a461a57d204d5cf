"""A deployment target: a folder of versions, and one pointer to the champion.

    <target>/current.json    which version answers, since which cycle, and what was deployed before it
    <target>/versions/<version>/{model/…, manifest.json}

Law: readers see the old champion or the new one, both whole, never anything between; an owner whose fencing token is
older than the pointer's changes nothing; each run's act is done once, however often it is asked for.
"""

import fcntl
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from steps.contract import Context, Model, StepError
from steps.place import sync, write_whole
from steps.store import MANIFEST, digest_of_files, manifest_of, verified

_POINTER, _VERSIONS, _LOCK = "current.json", "versions", "lock"


class Pointer(BaseModel):
    """What `current.json` holds. Paths are relative to the target, so that it can be moved."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: str = Field(description="empty when nothing is deployed any more")
    digest: str
    cycle: str
    run: str
    token: int
    history: tuple[str, ...] = Field((), description="versions deployed before, the last one last")


def publish(source: Path, digest: str, context: Context) -> Pointer:
    """Copy the model into the context's target and make it the champion, untried."""
    target = context.target.resolve()
    return _swap(target, context.token, context.run, _copied(source, digest, context, target))


def pointer(target: Path) -> Pointer | None:
    """What the target's pointer says; None when nothing was ever deployed there. Raises `StepError` if it is broken."""
    path = target / _POINTER
    try:
        return Pointer.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise StepError(
            "the deployment target's pointer can't be read",
            where=str(path),
            cure=f"restore it from a backup; the versions are in {target / _VERSIONS}",
        ) from error


def current(target: Path) -> Model | None:
    """The champion: the model that is deployed in this target, or None."""
    now = pointer(target)
    return model_of(target, now) if now is not None and now.version else None


def rollback(target: Path, version: str | None = None, *, token: int, run: str = "c-000000/rollback/1") -> Model:
    """Make an earlier version the champion again: the one before, or the one named. Its files are verified first.

    Doing it twice with one `run` is doing it once. Raises `StepError` for a stale token or no such version.
    """
    target = target.resolve()
    with _locked(target):
        now = pointer(target)
        fence(now, token, target)
        if now is not None and now.run == run and now.version:
            return model_of(target, now)
        earlier = now.history if now is not None else ()
        there = sorted(path.name for path in (target / _VERSIONS).glob("[!.]*") if path.is_dir())
        wanted = version or next(iter(reversed(earlier)), None)
        if now is None or wanted is None or wanted not in there:
            what = f"there is no version {version!r} to go back to" if version else "nothing was deployed before"
            cure = f"name one of: {', '.join(there)}" if there else "deploy a model first"
            raise StepError(what, where=str(target), cure=cure)
        kept = earlier[: earlier.index(wanted)] if wanted in earlier else (*earlier, now.version)
        found = _verified(target, wanted)
        return model_of(target, _point(target, _pointing(wanted, found, token, run, kept)))


def undo(target: Path, run: str, *, token: int) -> Model | None:
    """Take back what `run` deployed, if it is what is deployed: the version before answers again, or none does."""
    target = target.resolve()
    with _locked(target):
        now = pointer(target)
        fence(now, token, target)
        if now is None or now.run != run:
            return current(target)
        undone = f"{run}/undone"
        if not now.history:
            _point(target, _pointing("", "", token, undone, ()))
            return None
        before = now.history[-1]
        after = _pointing(before, _verified(target, before), token, undone, now.history[:-1])
        return model_of(target, _point(target, after))


def _pointing(version: str, digest: str, token: int, run: str, history: tuple[str, ...]) -> Pointer:
    return Pointer(version=version, digest=digest, cycle=run.split("/")[0], run=run, token=token, history=history)


def model_of(target: Path, now: Pointer) -> Model:
    """The model that the pointer points to."""
    return Model(uri=str(target.resolve() / _VERSIONS / now.version / "model"), digest=now.digest)


def fence(now: Pointer | None, token: int, target: Path) -> None:
    """Raise `StepError` if another owner has taken over the target since this one's token was given out."""
    if now is not None and now.token > token:
        raise StepError(
            f"cycle {now.cycle} has taken over the target since (token {now.token}, this run holds {token})",
            where=str(target),
            cure="start another cycle: this one compared its candidate with an older champion",
        )


def _swap(target: Path, token: int, run: str, version: str) -> Pointer:
    """Read, check and swap, under the target's lock."""
    with _locked(target):
        now = pointer(target)
        fence(now, token, target)
        history = now.history if now is not None else ()
        if now is not None and now.version and now.version != version:
            history = (*history, now.version)
        digest = _verified(target, version)
        return _point(target, _pointing(version, digest, token, run, history))


def _point(target: Path, to: Pointer) -> Pointer:
    """Swap the pointer: written beside, synced, renamed, and the folder synced. It is there whole or as it was."""
    write_whole(target / _POINTER, to.model_dump_json(indent=1) + "\n")
    sync(target)
    return to


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """One process at a time between reading the pointer and swapping it. The lock ends with its process."""
    target.mkdir(parents=True, exist_ok=True)
    with (target / _LOCK).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _copied(source: Path, digest: str, context: Context, target: Path) -> str:
    """The model in the target, under a version named by cycle and content; there already, it is left as it is."""
    files = manifest_of(source)
    found = digest_of_files(files)
    if digest and found != digest:
        raise StepError(
            "the candidate changed while it was being deployed", where=str(source), cure="run the stage again"
        )
    version = f"{context.run.split('/')[0]}-{found[:12]}"
    final = target / _VERSIONS / version
    if final.is_dir():
        return version
    final.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=final.parent))
    try:
        shutil.copytree(source, beside / "model")
        rows = [file.model_copy(update={"path": f"model/{file.path}"}).model_dump() for file in files]
        (beside / MANIFEST).write_text(json.dumps({"run": context.run, "files": rows}, indent=1))
        for path in (*beside.rglob("*"), beside):
            sync(path)
        beside.chmod(0o755)
        beside.rename(final)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    sync(final.parent)
    return version


def _verified(target: Path, version: str) -> str:
    """The version's digest, every file checked against its manifest."""
    folder = target / _VERSIONS / version / "model"
    digest = digest_of_files(manifest_of(folder))
    verified(str(folder), digest, target)
    return digest
