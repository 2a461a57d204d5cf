"""The key behind pseudonyms and surrogates: whoever has it can link what it hides, and without it nobody can.

    python -m steps.secret TARGETS TARGET   < {"values": ["a person, as the source calls them"]}

Laws:
- It is never printed, logged, published or part of a message: what names it is its fingerprint.
- The key is the stripped text as UTF-8, wherever it stands, so that a key that was made here can be moved as it is.
- A key that was made here is made once: whoever comes second takes the first one's, and nobody reads half of one.
"""

import hashlib
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from steps.contract import StepError
from steps.place import NO_LINKS, sync

if TYPE_CHECKING:
    from steps.contract import Context

KEY = "RATCHET_PRIVACY_KEY"
FILE = f"{KEY}_FILE"
FINGERPRINT = "RATCHET_PRIVACY_FINGERPRINT"  # of the key that whoever started this run has
SHORTEST = 16  # bytes: 128 bits, were they random
_MADE = "privacy.key"  # in the deployment target's folder, which outlives cycles and is no artifact


def privacy_key(context: "Context") -> tuple[bytes, str]:
    """The key, and where it came from in words: the environment's, or one made once for the target. Raises `StepError`
    for a key that can't be used, and for another one than that of whoever started this run.
    """
    return key_of(context.target, os.environ)


def fingerprint(key: bytes) -> str:
    """8 hex characters that tell keys apart and nothing of them: sha256 under a name of its own."""
    return hashlib.sha256(b"ratchet privacy key\n" + key).hexdigest()[:8]


def key_of(target: Path, environment: Mapping[str, str]) -> tuple[bytes, str]:
    """`privacy_key` for a target's folder."""
    found, wanted = configured(environment), environment.get(FINGERPRINT, "")
    if found is None and wanted:
        raise _strange(wanted, "there is none here")
    if found is None:
        path = target / _MADE
        return _made(path), f"made for this target, in {path}"
    if wanted and fingerprint(found) != wanted:
        raise _strange(wanted, f"the one here is {fingerprint(found)}")
    return found, FILE if environment.get(FILE) else KEY


def configured(environment: Mapping[str, str]) -> bytes | None:
    """The key that the environment names, None where it names none. Raises `StepError` for one that can't be used."""
    said, path = environment.get(KEY, "").strip(), environment.get(FILE, "")
    if said and path:
        raise StepError(f"{KEY} and {FILE} are both set", cure="unset one of them")
    if not path:
        return _long_enough(said.encode(errors="surrogateescape"), KEY) if said else None
    try:
        text = Path(path).read_bytes().strip()
    except OSError as error:
        what = f"{FILE} names {path}, which can't be read: {error.strerror}"
        raise StepError(what, cure="check path and permissions") from None
    return _long_enough(text, f"{FILE}'s file")


def expected(environment: Mapping[str, str]) -> dict[str, str]:
    """What a run's environment says of the key, so that it can tell that it has another one: nothing where there is
    none, or it can't be read here: the run says that best.
    """
    try:
        found = configured(environment)
    except StepError:
        return {}
    return {FINGERPRINT: fingerprint(found)} if found is not None else {}


def _long_enough(key: bytes, where: str) -> bytes:
    if len(key) < SHORTEST:
        what = f"{where} has {len(key)} bytes, and a key has {SHORTEST} at least"
        raise StepError(what, cure="make one: `openssl rand -hex 32`")
    return key


def _strange(wanted: str, here: str) -> StepError:
    what = f"the privacy key of whoever started this run is {wanted}, and {here}"
    cure = f"set {KEY} or {FILE} to the same key wherever steps run"
    return StepError(what, cure=cure)


def _made(path: Path) -> bytes:
    """The key in the file; the first who asks makes it."""
    try:
        return _long_enough(path.read_bytes().strip(), str(path))
    except FileNotFoundError:
        _make(path)
        return _long_enough(path.read_bytes().strip(), str(path))
    except OSError as error:
        what = f"the privacy key can't be read: {error.strerror}"
        raise StepError(what, where=str(path), cure="check its permissions: it must be the same every night") from None


def _make(path: Path) -> None:
    """A new key under that name, whole and readable by its owner alone, unless there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if not _linked(draft, path):
            Path(draft).replace(path)
        sync(path.parent)
    finally:
        Path(draft).unlink(missing_ok=True)


def _linked(draft: str, path: Path) -> bool:
    """Whether there is a key under the name now. False where the file system has no links, and no key."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return True
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        return path.exists()
    return True


def _known(target: Path) -> tuple[bytes, str]:
    """The key, where there is one: nobody was ever called by one that would be made now."""
    if configured(os.environ) is None and not (target / _MADE).exists():
        what = f"no key is known that persons of {target.name} were replaced by pseudonyms with"
        raise StepError(what, cure=f"set {KEY} to the key that they were collected with, or name rows by their ids")
    return key_of(target, os.environ)


def main(arguments: Sequence[str] | None = None) -> int:
    """Pseudonyms for whoever must not have the key: the values come on stdin, so that no list of processes has them."""
    from steps.private import pseudonym

    targets, target = sys.argv[1:] if arguments is None else arguments
    try:
        key, where = _known(Path(targets) / target)
        values = json.load(sys.stdin)["values"]
        found = {"persons": [pseudonym(value, key, "person") for value in values]}
        sys.stdout.write(json.dumps({**found, "key": fingerprint(key), "from": where}) + "\n")
    except StepError as error:
        sys.stdout.write(error.failure.model_dump_json() + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
