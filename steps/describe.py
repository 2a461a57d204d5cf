"""What a step says about itself: its parameters, inputs and outputs, as data for `ratchet check` and `/rerun`.

Law: describing never runs a step, and every problem is found at once. Types are lists of names, the most special
first: a Dataset is `["steps.contract:Dataset", "steps.contract:Artifact"]`, an int `["integer", "number"]`. An output
fits a field when one of its names is among what the field `accepts`.
"""

import difflib
import importlib
import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from steps.cause import path_of
from steps.contract import COUNT, Context, Given, Made, StepError

_JSON: dict[Any, list[str]] = {
    str: ["string"], bool: ["boolean"], int: ["integer", "number"], float: ["number"], type(None): ["null"],
    dict: ["object"], list: ["array"], tuple: ["array"], set: ["array"], frozenset: ["array"],
}  # fmt: skip
_FORM = "`def step(given: MyGiven, context: Context) -> MyMade`"


class Step(NamedTuple):
    """A step, found and understood."""

    name: str
    function: Callable[[Any, Context], Any]
    given: type[Given]
    made: type[Made]
    counter: Callable[[Any, Context], int] | None = None


def find(name: str) -> Step:
    """The step of that name, `package.module:function`. Raises `StepError`, and whatever its module raises."""
    module_name, colon, function_name = name.partition(":")
    if not colon or not module_name or not function_name:
        raise StepError(f"{name!r} is not a step", where=name, cure="write `package.module:function`")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            cure = "correct the name, or start Ratchet where the module can be imported"
            raise StepError(f"there is no module {error.name!r}", where=name, cure=cure) from error
        raise
    function = getattr(module, function_name, None)
    if not callable(function):
        near = difflib.get_close_matches(function_name, dir(module), n=1)
        cure = f"did you mean `{module_name}:{near[0]}`?" if near else "correct the name"
        raise StepError(f"{module_name} has no step {function_name!r}", where=name, cure=cure)
    return Step(name, function, *_types(name, function), getattr(function, COUNT, None))


def _types(name: str, function: Callable[..., Any]) -> tuple[type[Given], type[Made]]:
    parameters = list(inspect.signature(function).parameters)
    try:
        hints = typing.get_type_hints(function)
    except NameError as error:
        raise StepError(f"{name}: an annotation can't be read: {error}", where=name, cure=f"write {_FORM}") from error
    given = hints.get(parameters[0]) if parameters else None
    made = hints.get("return")
    if len(parameters) != 2 or not _is(given, Given) or not _is(made, Made):
        raise StepError(f"{name} is not a step", where=name, cure=f"write {_FORM}")
    return typing.cast(type[Given], given), typing.cast(type[Made], made)


def describe(name: str) -> dict[str, Any]:
    """The step as JSON: `given` (JSON schema), `takes`, `made`, `counts`; or `error` and `cure`."""
    try:
        found = find(name)
    except StepError as error:
        return {"step": name, "error": error.failure.what, "cure": error.failure.cure}
    except (Exception, SystemExit) as error:  # a module may raise anything while it is imported
        reason = " ".join(str(error).split()) or type(error).__name__
        return {"step": name, "error": f"{name} can't be imported: {reason}", "cure": "correct the module"}
    fields = {key: info for key, info in found.made.model_fields.items() if key != "report"}
    return {
        "step": name,
        "given": found.given.model_json_schema(),
        "takes": {key: _field(info) for key, info in found.given.model_fields.items()},
        "made": {key: _field(info) for key, info in fields.items()},
        "counts": found.counter is not None,
    }


def fits(output: Mapping[str, Any], field: Mapping[str, Any]) -> bool:
    """Whether an output (of `made`) may feed a field (of `takes`), both as `describe` writes them."""
    offered, accepted = set(output["types"]) - {"null"}, set(field["accepts"]) - {"null"}
    return "any" in offered | accepted or not offered.isdisjoint(accepted)


def _field(info: FieldInfo) -> dict[str, Any]:
    kinds = _members(info.annotation)
    names = [name for kind in kinds for name in _names(kind)]
    return {
        "types": list(dict.fromkeys(names)),
        "accepts": list(dict.fromkeys(_names(kind)[0] for kind in kinds)),
        "required": info.is_required(),
        "description": info.description or "",
    }


def _members(annotation: Any) -> list[Any]:
    """The members of a union, null last; anything else alone."""
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        found = [kind for part in get_args(annotation) for kind in _members(part)]
        return sorted(found, key=lambda kind: kind is type(None))
    return [annotation]


def _names(kind: Any) -> list[str]:
    origin = get_origin(kind)
    if origin is typing.Literal:
        return _names(type(get_args(kind)[0]))
    kind = origin or kind
    if not inspect.isclass(kind):
        return ["any"]
    if issubclass(kind, BaseModel):
        line = [one for one in kind.__mro__ if issubclass(one, BaseModel) and one is not BaseModel]
        return [f"{one.__module__}:{one.__qualname__}" for one in line]
    for known in kind.__mro__:
        if known in _JSON:
            return _JSON[known]
    return ["object"] if issubclass(kind, Mapping) else ["any"]


def validate(name: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Raw values, perhaps text as somebody typed it, as `{"values": …}`, or `{"problems": [{field, what, cure}]}`.

    Parameters that are not in `raw` are not asked for: they may be wired, or have been set before.
    """
    given = find(name).given
    values: dict[str, Any] = {}
    found: list[dict[str, str]] = []
    for key, value in raw.items():
        info = given.model_fields.get(key)
        if info is None:
            found.append(_unknown(key, given))
            continue
        try:
            kind: Any = typing.Annotated[info.annotation, info]
            reader: TypeAdapter[Any] = TypeAdapter(kind)
            values[key] = reader.dump_python(reader.validate_python(read_text(value, info)), mode="json")
        except ValidationError as error:
            found += [_problem(key, row, info) for row in error.errors(include_url=False, include_context=False)]
    if not found:
        found = _together(given, values)
    return {"problems": found} if found else {"values": values}


def read_text(value: Any, info: FieldInfo) -> Any:
    """Text that stands for a list, an object or nothing, read as JSON where the field is not itself text."""
    if not isinstance(value, str) or str in _members(info.annotation):
        return value
    if value.strip()[:1] in ("[", "{") or value.strip() == "null":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _together(given: type[Given], values: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is wrong with the values as a whole; asked only of a set that is complete."""
    try:
        given.model_validate(values)
    except ValidationError as error:
        rows = error.errors(include_url=False, include_context=False)
        return [] if any(row["type"] == "missing" for row in rows) else [_problem("", row, None) for row in rows]
    return []


def _problem(key: str, row: Any, info: FieldInfo | None) -> dict[str, str]:
    what = row["msg"].removeprefix("Value error, ")
    field = path_of((key, *row["loc"]) if key else row["loc"])
    cure = f"it is {info.description}" if info and info.description else "see the step's parameters in `ratchet check`"
    return {"field": field, "what": f"{field} = {row['input']!r}: {what}", "cure": cure}


def _unknown(key: str, given: type[Given]) -> dict[str, str]:
    near = difflib.get_close_matches(key, given.model_fields, n=1)
    known = ", ".join(sorted(given.model_fields)) or "none"
    cure = f"did you mean {near[0]}?" if near else f"its parameters are: {known}"
    return {"field": key, "what": f"there is no parameter {key!r}", "cure": cure}


def _is(kind: Any, parent: type) -> bool:
    return inspect.isclass(kind) and issubclass(kind, parent)
