"""Any exception of a step as a `Failure`: what, where in the user's own code, and the cure. Pure but for tracebacks.

Law: a `StepError` says it best and is taken as it is; whatever else comes is named, and never shown as a traceback.
"""

import errno
import json
import os
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import ValidationError

from orchestrator.core.report import Failure
from steps.contract import StepError, sayable

_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_OURS = tuple(str(Path(__file__).with_name(f"{name}.py")) for name in ("runner", "contract", "store", "guard"))
_MISTAKES = (TypeError, AttributeError, NameError, ImportError, NotImplementedError, SyntaxError, AssertionError)
_UNREADABLE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, UnicodeError)


def cause_of(error: BaseException, stage: str) -> Failure:
    """Why the stage failed, in words for its people."""
    if isinstance(error, StepError):
        found = error.failure
        return found if found.where or found.skip else found.model_copy(update={"where": _where(error, stage)})
    what, cure, retryable = _read(error)
    return Failure(what=sayable(what), where=sayable(_where(error, stage)), cure=cure, retryable=retryable)


def _read(error: BaseException) -> tuple[str, str, bool]:
    """What, the cure, and whether again may help."""
    name = type(error).__name__
    said = " ".join(str(error).split())[:600]
    if isinstance(error, MemoryError):
        return "it ran out of memory", "give the stage more `resources.memory`, or make its batches smaller", True
    if isinstance(error, KeyboardInterrupt):
        return "stopped", "`/rerun` starts it again", False
    if isinstance(error, SystemExit):
        return f"the step ended its process (exit {error.code})", "return, or raise `StepError`", False
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        file = f" while writing {error.filename}" if error.filename else ""
        return f"the disk is full{file}", "free some space there, then `/rerun`", True
    if isinstance(error, _UNREADABLE):
        path = getattr(error, "filename", None)
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else said
        what = f"{path} can't be read: {reason}" if path else f"a file can't be read: {said}"
        return what, "check that the path is right and that this user may read it", False
    if isinstance(error, ModuleNotFoundError):
        return f"there is no module {error.name!r}", "install it where the stage runs, or correct the name", False
    if isinstance(error, ValidationError):
        return f"the step made an invalid {error.title}: {problems(error)}", "correct the step", False
    what = f"{name}: {said}" if said else name
    return what, "correct the step; its log has the whole story", not isinstance(error, _MISTAKES)


def problems(error: ValidationError) -> str:
    """Every problem of a pydantic error in one line: `rows[0].text: Field required`."""
    found = []
    for row in error.errors(include_url=False, include_context=False):
        given = "" if row["type"] == "missing" else f" (not {_short(row['input'])})"
        found.append(f"{path_of(row['loc'])}: {row['msg'].removeprefix('Value error, ')}{given}")
    return "; ".join(found)


def path_of(location: tuple[int | str, ...]) -> str:
    """A pydantic location as people write it: `rows[0].text`; the whole object is `it`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "it"


def _short(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _where(error: BaseException, stage: str) -> str:
    """`stage collect, mycompany/steps.py:17`: the last line of the traceback that is the user's own."""
    spot = _own_line(error.__traceback__)
    return f"stage {stage}, {spot}" if spot else f"stage {stage}"


def _own_line(trace: TracebackType | None) -> str:
    spot = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith((*_LIBRARIES, *_OURS, "<frozen")):
            spot = f"{_relative(file)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return spot


def _relative(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
