"""Deploy: the candidate becomes the champion of a target, a folder, by one atomic swap of a pointer.

    <target>/current.json    which version answers, since which cycle, and what it was before
    <target>/versions/<version>/{model/…, manifest.json}

Law: readers see the old champion or the new one, both whole and loadable, never anything between; an owner whose
fencing token is older than the pointer's changes nothing; the same run deploys once, however often it is asked.

`python -m steps.deploy query TARGET TEXT` asks the champion.
"""

import argparse
import fcntl
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from steps.contract import Context, Given, Made, Metric, Model, Report, Sample, StepError, Table, Verdict, step

_POINTER, _VERSIONS, _LOCK = "current.json", "versions", "lock"


class Deploy(Given):
    """What is deployed, and how it is tried first."""

    candidate: Model
    verdict: Verdict
    golden: tuple[str, ...] = Field(
        ("This is wonderful.", "This is terrible.", "🙂", "word " * 600),
        description="sentences that the model must answer before it is deployed",
        min_length=1,
        max_length=200,
    )
    timeout: float = Field(300, description="seconds that loading and answering may take", gt=0, le=3600)


class Deployed(Made):
    """The champion, as it lies in the target."""

    model: Model


class Pointer(BaseModel):
    """What `current.json` holds. Paths are relative to the target, so that it can be moved."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: str = Field(description="empty when nothing is deployed any more")
    digest: str
    cycle: str
    run: str
    token: int
    history: tuple[str, ...] = Field((), description="versions deployed before, the last one last")


@step
def deploy(given: Deploy, context: Context) -> Deployed:
    """Verify, try in a clean process, copy, swap. Until the swap nothing is changed that a reader sees."""
    source = context.path(given.candidate)
    target = context.target.resolve()
    before = pointer(target)
    _fence(before, context.token, target)
    if before is not None and before.run == context.run and before.version:
        model = _model(target, before)
        return Deployed(model=model, report=Report(summary=f"{before.version} is deployed: this run did it before."))
    context.progress(0, 3, "parts", "loading the model in a process of its own")
    answers = _tried(source, given)
    context.progress(1, 3, "parts", "copying")
    version = _copied(source, given.candidate.digest, context, target)
    context.progress(2, 3, "parts", "swapping")
    after = _swap(target, context.token, context.run, version)
    context.progress(3, 3, "parts")
    return Deployed(model=_model(target, after), report=_report(given, after, answers, target))


def pointer(target: Path) -> Pointer | None:
    """What the target's pointer says, or None when nothing was ever deployed there. Raises `StepError` if it is broken."""
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
    return _model(target, now) if now is not None and now.version else None


def rollback(target: Path, version: str | None = None, *, token: int, run: str = "c-000000/rollback/1") -> Model:
    """Make an earlier version the champion again: the one before, or the one named. Its files are verified first.

    Doing it twice with one `run` is doing it once. Raises `StepError` when there is no such version, or for a stale token.
    """
    target = target.resolve()
    with _locked(target):
        now = pointer(target)
        _fence(now, token, target)
        if now is not None and now.run == run and now.version:
            return _model(target, now)
        earlier = now.history if now is not None else ()
        there = sorted(path.name for path in (target / _VERSIONS).glob("[!.]*") if path.is_dir())
        wanted = version or next(iter(reversed(earlier)), None)
        if now is None or wanted is None or wanted not in there:
            what = f"there is no version {version!r} to go back to" if version else "nothing was deployed before"
            cure = f"name one of: {', '.join(there)}" if there else "deploy a model first"
            raise StepError(what, where=str(target), cure=cure)
        kept = earlier[: earlier.index(wanted)] if wanted in earlier else (*earlier, now.version)
        found = _verified(target, wanted)
        return _model(target, _point(target, _pointing(wanted, found, token, run, kept)))


def undo(target: Path, run: str, *, token: int) -> Model | None:
    """Take back what `run` deployed, if it is what is deployed: the version before answers again, or none does."""
    target = target.resolve()
    with _locked(target):
        now = pointer(target)
        _fence(now, token, target)
        if now is None or now.run != run:
            return current(target)
        undone = f"{run}/undone"
        if not now.history:
            _point(target, _pointing("", "", token, undone, ()))
            return None
        before = now.history[-1]
        after = _pointing(before, _verified(target, before), token, undone, now.history[:-1])
        return _model(target, _point(target, after))


def _pointing(version: str, digest: str, token: int, run: str, history: tuple[str, ...]) -> Pointer:
    return Pointer(version=version, digest=digest, cycle=run.split("/")[0], run=run, token=token, history=history)


def _model(target: Path, now: Pointer) -> Model:
    return Model(uri=str(target.resolve() / _VERSIONS / now.version / "model"), digest=now.digest)


def _fence(now: Pointer | None, token: int, target: Path) -> None:
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
        _fence(now, token, target)
        history = now.history if now is not None else ()
        if now is not None and now.version and now.version != version:
            history = (*history, now.version)
        digest = _verified(target, version)
        return _point(target, _pointing(version, digest, token, run, history))


def _point(target: Path, to: Pointer) -> Pointer:
    """Swap the pointer: written beside, synced, renamed, and the folder synced. It is there whole or as it was."""
    from steps.place import write_whole

    write_whole(target / _POINTER, to.model_dump_json(indent=1) + "\n")
    _sync(target)
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
    from steps.store import MANIFEST, digest_of_files, manifest_of

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
            _sync(path)
        beside.chmod(0o755)
        beside.rename(final)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    _sync(final.parent)
    return version


def _verified(target: Path, version: str) -> str:
    """The version's digest, every file checked against its manifest."""
    from steps.store import digest_of_files, manifest_of, verified

    folder = target / _VERSIONS / version / "model"
    digest = digest_of_files(manifest_of(folder))
    verified(str(folder), digest, target)
    return digest


def _sync(path: Path) -> None:
    from steps.place import sync

    sync(path)


def _tried(source: Path, given: Deploy) -> list[dict[str, Any]]:
    """The model's answers to the golden sentences, from a process that has nothing else in it."""
    command = [sys.executable, "-m", "steps.deploy", "probe", str(source)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    cure = "the champion stays; look at the candidate's report, and rerun finetune"
    try:
        done = subprocess.run(
            command,
            input=json.dumps(given.golden),
            capture_output=True,
            text=True,
            timeout=given.timeout,
            env=environment,
            check=False,
        )
        said = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise StepError(f"the model gave no answer within {given.timeout:g} s", where=str(source), cure=cure) from error
    except (ValueError, IndexError) as error:
        last = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][:300]
        raise StepError(f"the model's process died: {last}", where=str(source), cure=cure) from error
    if "error" in said:
        raise StepError(said["error"], where=str(source), cure=cure)
    answers: list[dict[str, Any]] = said["answers"]
    return answers


def _probe(folder: Path, texts: Sequence[str]) -> dict[str, Any]:
    """In the process of its own: load, ask one by one, check every answer."""
    try:
        answers = [answer for answer in ask(folder, texts)]
    except StepError as error:
        return {"error": error.failure.what}
    bad = [answer for answer in answers if not math.isfinite(answer["confidence"])]
    if bad:
        return {"error": f"the model answers NaN to {len(bad)} of {len(answers)} golden sentences"}
    return {"answers": answers}


def ask(folder: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Label, confidence and seconds for each text, in order, by the model in that folder."""
    from steps import classifier

    model, tokenizer = classifier.load(str(folder))
    longest = int(classifier.read_lineage(folder).get("max_length", 128))
    for text in texts:
        began = time.perf_counter()
        found = classifier.predict(model, tokenizer, [text], max_length=longest)[0]
        best = int(found.argmax())
        label = str(model.config.id2label[best])
        yield {"label": label, "confidence": float(found[best]), "seconds": time.perf_counter() - began}


def _report(given: Deploy, now: Pointer, answers: Sequence[dict[str, Any]], target: Path) -> Report:
    seconds = sorted(answer["seconds"] for answer in answers)
    instead = f" in place of {now.history[-1]}, which is kept" if now.history else ""
    blocked = given.verdict.verdict != "PASS"
    rows = tuple(
        (_short(text), a["label"], round(a["confidence"], 4)) for text, a in zip(given.golden, answers, strict=True)
    )
    return Report(
        summary=f"{now.version} is deployed{instead}.",
        metrics=(
            Metric(name="golden_answers", value=len(answers)),
            Metric(name="median_latency", value=round(seconds[len(seconds) // 2] * 1000, 2), unit="ms", better="lower"),
        ),
        tables=(
            Table(title="Golden sentences", columns=("text", "label", "confidence"), rows=rows),
            Table(
                title="Deployment",
                columns=("what", "is"),
                rows=(("target", str(target)), ("version", now.version), ("digest", now.digest), ("token", now.token)),
            ),
        ),
        samples=tuple(Sample(text=_short(t), note=str(a["label"])) for t, a in zip(given.golden, answers, strict=True))[
            :4
        ],
        warnings=(f"deployed although the evaluation said {given.verdict.verdict}: {given.verdict.because}",)
        if blocked
        else (),
    )


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `query TARGET TEXT…` for people, `probe FOLDER` for `deploy` itself."""
    parser = argparse.ArgumentParser(prog="python -m steps.deploy", description="Ask the deployed model.")
    commands = parser.add_subparsers(dest="command", required=True)
    query = commands.add_parser("query", help="print label and confidence")
    query.add_argument("target", type=Path, help="the deployment target's folder")
    query.add_argument("text", nargs="+")
    probe = commands.add_parser("probe")
    probe.add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "probe":
        print(json.dumps(_probe(given.folder, json.load(sys.stdin))))  # noqa: T201
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
