"""What is wrong with what somebody wrote: where, what, and the cure. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.core.nearest import did_you_mean
from orchestrator.core.noun import Noun


class Problem(Noun):
    """One thing that is wrong in a file. A warning doesn't keep anything from running."""

    file: str
    line: int = 0
    what: str
    cure: str = ""
    warning: bool = False

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        cure = f" ({self.cure})" if self.cure else ""
        return f"{where}: {'warning: ' if self.warning else ''}{self.what}{cure}"


_A_LIST = ("must be a list", "write [a, b], or one line for each with `- `")
_A_MAPPING = ("must be a mapping", "write {key: value}, or one line for each with `key: value`")
_TYPES = {
    "tuple_type": _A_LIST,
    "list_type": _A_LIST,
    "dict_type": _A_MAPPING,
    "model_type": _A_MAPPING,
    "model_attributes_type": _A_MAPPING,
    "string_type": ("must be text", "put it in quotes"),
    "int_type": ("must be a whole number", ""),
    "int_parsing": ("must be a whole number", ""),
    "int_from_float": ("must be a whole number", ""),
    "float_type": ("must be a number", ""),
    "float_parsing": ("must be a number", ""),
    "bool_type": ("must be true or false", ""),
    "bool_parsing": ("must be true or false", ""),
    "too_short": ("is empty", "give it at least one"),
    "finite_number": ("must be a finite number", ""),
}
_PATTERNS = {
    "name": ("is not a name", "begin with a small letter, then use small letters, digits, - and _"),
    "step": ("is not a step", "write package.module:function, like steps.collect:collect"),
    "takes": ("is not an output", "write stage.output, like collect.data"),
    "target": ("is not a target", "use letters, digits, dots, - and _"),
}


def in_words(error: Mapping[str, Any], known: Iterable[str] = ()) -> tuple[str, str]:
    """What one of pydantic's errors says, and its cure. `known` are the keys that are allowed where it happened."""
    kind, path, value = error["type"], error["loc"], error.get("input")
    key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    named = f"item {path[-1] + 1} of `{key}`" if path and isinstance(path[-1], int) else f"`{key}`"
    if kind == "missing":
        return f"{named} is missing", f"add `{key}: …`"
    if kind == "extra_forbidden":
        return f"{named} is not a known key", did_you_mean(key, known)
    if kind in _TYPES:
        what, cure = _TYPES[kind]
        return f"{named} {what}, and is {shown(value)}" if kind != "too_short" else f"{named} {what}", cure
    if kind == "literal_error":
        return f"{named} is {shown(value)}", did_you_mean(
            str(value), re.findall(r"'([^']*)'", error["ctx"]["expected"])
        )
    if kind == "string_pattern_mismatch":
        owner = next((str(part) for part in reversed(path) if part in _PATTERNS), "")
        what, cure = _PATTERNS.get(owner, ("has another form than it must", error["ctx"]["pattern"]))
        return f"{named}: {shown(value)} {what}", cure
    if kind == "value_error":
        what, _, cure = str(error["ctx"]["error"]).partition(": ")
        return f"{named}: {what}", cure
    said = str(error["msg"]).replace("Input should be", "must be")
    return f"{named} {said}, and is {shown(value)}", ""


def shown(value: object) -> str:
    """A value, short enough to stand in a sentence."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str | int | float) else f"a {_KINDS.get(type(value), 'value')}"
    return text if len(text) <= 60 else f"{text[:60]}…"


_KINDS: dict[type, str] = {dict: "mapping", list: "list", tuple: "list"}
