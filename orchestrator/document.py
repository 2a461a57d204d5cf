"""YAML text to plain values, each with its line. Pure.

Laws:
- Every duplicate key, tag and other thing that is not read is a problem with its line; none is silently dropped.
- Scalars are read as YAML 1.2 reads them: `2e-5` is a number, `no` and `on` are words, `017` is seventeen.
- No text makes it slow or big: aliases are expanded up to a limit.
"""

import math
import re

import yaml
from pydantic import JsonValue

from orchestrator.problem import Problem

Path = tuple[str | int, ...]
MOST = 20_000
DEEPEST = 40

_TAGS = "tag:yaml.org,2002:"
_STR, _MAP, _SEQ = (f"{_TAGS}{kind}" for kind in ("str", "map", "seq"))
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, JsonValue] = {"": None, "~": None, "true": True, "false": False, "null": None}
_CURES = {
    "mapping values are not allowed": "put a value with `: ` in it into quotes, and check the indentation",
    "'\\t'": "indent with spaces",
    "cannot start any token": "put the value into quotes",
    "undefined alias": "write the value out: *name stands for an earlier &name",
    "expected a single document": "leave out the `---` in the middle",
}


class Document:
    """The values of one YAML text, the line of each path into them, and what is wrong with the text."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self._count = 0
        node = self._compose(text)
        self.value: JsonValue = None if node is None else self._read(node, ())

    def line(self, path: Path) -> int:
        """The line of the path, or of the nearest thing around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)

    def report(self, path: Path, what: str, cure: str = "", *, warning: bool = False) -> None:
        """Add a problem at that path."""
        problem = Problem(file=self.file, line=self.line(path), what=what, cure=cure, warning=warning)
        self.problems.append(problem)

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            return yaml.compose(text, Loader=yaml.BaseLoader)
        except yaml.MarkedYAMLError as error:
            said = ": ".join(part for part in (error.context, error.problem) if part)
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
        except yaml.YAMLError as error:
            said, line = f"{error}".splitlines()[0], 1
        except RecursionError:
            said, line = "it is nested too deeply", 1
        cure = next((cure for part, cure in _CURES.items() if part in said), "check indentation, brackets and quotes")
        self.problems.append(Problem(file=self.file, line=line, what=f"not YAML: {said}", cure=cure))
        return None

    def _read(self, node: yaml.Node, path: Path) -> JsonValue:
        self._count += 1
        self.lines.setdefault(path, node.start_mark.line + 1)
        if self._count > MOST or len(path) > DEEPEST:
            if not any(problem.what.startswith("too much") for problem in self.problems):
                self.report(
                    path, f"too much: more than {MOST} values, or {DEEPEST} levels", "write fewer; *aliases count"
                )
            return None
        if node.tag not in (_STR, _MAP, _SEQ):
            self.report(path, f"the tag {node.tag.replace(_TAGS, '!!')} is not read", "write the plain value")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._read(one, (*path, number)) for number, one in enumerate(node.value)]
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return _scalar(node.value) if plain else str(node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.report(path, "a key must be one word", "write key: value")
                continue
            here = (*path, key.value)
            if key.value in found:
                what = f"`{key.value}` is written twice, first on line {self.lines[here]}"
                self.problems.append(Problem(file=self.file, line=line, what=what, cure="leave one of them out"))
                continue
            self.lines[here] = line
            found[key.value] = self._read(value, here)
        return found


def _scalar(text: str) -> JsonValue:
    """A word without quotes."""
    if text.casefold() in _WORDS and text in (text.lower(), text.upper(), text.capitalize()):
        return _WORDS[text.casefold()]
    if _INT.fullmatch(text):
        return int(text)
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else text
