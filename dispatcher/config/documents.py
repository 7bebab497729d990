"""Reads one YAML file into plain data, and keeps the line of every field for error messages.

PyYAML's SafeLoader only composes nodes, and only JSON's types are built from them, so no YAML tag can
construct an object. Reports what YAML accepts silently but nobody means: a duplicate key, `yes` and `on`
(true in YAML 1.1, text in 1.2), names that are numbers, an alias that expands to too many values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from dispatcher.config.mistakes import Location, Mistake, MistakesFound, field_path, show

BYTES = 1024 * 1024
NODES = 50_000
DEPTH = 50

_TAG = "tag:yaml.org,2002:"
_LEGACY = re.compile(r"^(?:yes|no|on|off)$", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """A file's data, and the line of each field."""

    file: str
    data: Any
    lines: Mapping[Location, int] = field(default_factory=dict)
    written: Mapping[Location, str] = field(default_factory=dict)
    """Numbers and other non-text scalars as the file spells them: `1.10`, which `data` holds as 1.1."""
    mistakes: tuple[Mistake, ...] = ()

    def line(self, location: Location) -> int:
        """The line of a field, or of the nearest enclosing field that has one."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def mistake(self, location: Location, text: str) -> Mistake:
        return Mistake(self.file, self.line(location), field_path(location), text)


def read_document(content: bytes, file: str) -> Document:
    """Raise MistakesFound if the file cannot be parsed; the result's `mistakes` lists the lesser ones."""
    root = _compose(_decode(content, file), file)
    builder = _Builder(file)
    data = builder.build(root, (), 0)
    return Document(file, data, builder.lines, builder.written, tuple(builder.mistakes))


def _decode(content: bytes, file: str) -> str:
    if len(content) > BYTES:
        raise MistakesFound(
            Mistake(file, 0, "", "is larger than 1 MiB; split it into several files")
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MistakesFound(Mistake(file, line, "", "is not UTF-8; save it as UTF-8")) from None


def _compose(text: str, file: str) -> yaml.Node:
    try:
        loader = _Loader(text)
        root = loader.get_node() if loader.check_node() else None
        more = loader.check_node() and loader.get_node()
    except yaml.MarkedYAMLError as error:
        raise MistakesFound(_syntax(error, file)) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        # A character that YAML forbids, or an escape of a code point that does not exist.
        text = "is not YAML: it holds a character that YAML does not allow; remove it"
        raise MistakesFound(Mistake(file, 0, "", text)) from None
    if root is None:
        raise MistakesFound(Mistake(file, 0, "", "is empty; start it with `version: 1`"))
    if more:
        text = "a second document starts here; keep one in a file, without `---`"
        raise MistakesFound(Mistake(file, more.start_mark.line + 1, "", text))
    return root


def _syntax(error: yaml.MarkedYAMLError, file: str) -> Mistake:
    mark = error.problem_mark or error.context_mark
    problem = " ".join(filter(None, (error.context, error.problem)))
    text = f"is not YAML: {problem}; check the indentation, quotes and brackets here"
    return Mistake(file, mark.line + 1 if mark else 0, "", text)


class _Loader(yaml.SafeLoader):
    """Composes nodes with YAML 1.2's core schema: a scalar is text unless it is a number, bool or null."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > DEPTH:
            problem = f"it is nested deeper than {DEPTH} levels"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark())
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


_DIGITS = [*"-+.0123456789"]
_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", [*"tTfF"]),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*|0o?[0-7]+|0x[0-9a-fA-F]+)$", _DIGITS),
    ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$", _DIGITS),
    ("float", r"^[-+]?(?:[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF|nan|NaN|NAN))$", _DIGITS),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("merge", r"^<<$", ["<"]),
    ("legacy", _LEGACY.pattern.replace("(?:", "(?i:"), [*"yYnNoO"]),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(_pattern), _first)


class _Builder:
    """Builds data from nodes, records each field's line, and counts the values that aliases expand to."""

    def __init__(self, file: str) -> None:
        self.lines: dict[Location, int] = {}
        self.written: dict[Location, str] = {}
        self.mistakes: list[Mistake] = []
        self._file = file
        self._nodes = 0

    def build(self, node: yaml.Node, location: Location, line: int) -> Any:
        line = line or node.start_mark.line + 1
        self._count(len(location), line)
        self.lines[location] = line
        match node:
            case yaml.MappingNode(tag="tag:yaml.org,2002:map"):
                return self._mapping(node, location)
            case yaml.SequenceNode(tag="tag:yaml.org,2002:seq"):
                return [self.build(item, (*location, i), 0) for i, item in enumerate(node.value)]
            case yaml.ScalarNode():
                return self._scalar(node, location)
        self._mistake(
            location, f"{show(node.tag)} is a tag that configuration files cannot use; remove it"
        )
        return None

    def _count(self, depth: int, line: int) -> None:
        self._nodes += 1
        if self._nodes > NODES or depth > DEPTH:
            text = f"aliases expand to more than {NODES} values here; write fewer of them"
            raise MistakesFound(Mistake(self._file, line, "", text))

    def _mistake(self, location: Location, text: str) -> None:
        self.mistakes.append(
            Mistake(self._file, self.lines[location], field_path(location), text),
        )

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, value, line in self._entries(node, location, 0):
            data[name] = self.build(value, (*location, name), line)
        return data

    def _entries(
        self, node: yaml.MappingNode, location: Location, merges: int
    ) -> Iterator[tuple[str, yaml.Node, int]]:
        """The mapping's entries. An entry merged in with `<<` never replaces one of the mapping's own."""
        first: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            self._count(len(location) + merges, line)
            name = self._name(key, location)
            if name in first:
                self._twice(name, location, first[name], line)
            elif name is not None:
                first[name] = line
                yield name, value, line
        yield from self._merged(node, location, merges, first)

    def _merged(
        self, node: yaml.MappingNode, location: Location, merges: int, first: dict[str, int]
    ) -> Iterator[tuple[str, yaml.Node, int]]:
        for key, value in node.value:
            if key.tag != f"{_TAG}merge":
                continue
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if not isinstance(source, yaml.MappingNode):
                    self._mistake(location, "`<<` takes an alias of a mapping; write `<<: *name`")
                    continue
                for name, inner, line in self._entries(source, location, merges + 1):
                    if name not in first:
                        first[name] = line
                        yield name, inner, line

    def _name(self, key: yaml.Node, location: Location) -> str | None:
        """A mapping's key; None for a merge key, and for an unusable key, whose mistake is recorded."""
        if key.tag == f"{_TAG}merge":
            return None
        line = key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode) and key.tag == f"{_TAG}str" and _clean(key.value):
            return str(key.value)
        text = "has a key that is not a name; write keys as plain text"
        if isinstance(key, yaml.ScalarNode) and _clean(key.value):
            shown = show(key.value)
            text = f"{shown[1:-1] or 'nothing'} is not a name in YAML; write {shown} in quotes"
        self.mistakes.append(Mistake(self._file, line, field_path(location), text))
        return None

    def _twice(self, name: str, location: Location, first: int, line: int) -> None:
        text = f"is also set in line {first}; remove one of them"
        self.mistakes.append(Mistake(self._file, line, field_path((*location, name)), text))

    def _scalar(self, node: yaml.ScalarNode, location: Location) -> Any:
        text: str = node.value
        try:
            value = _value(node.tag.removeprefix(_TAG), text)
        except ValueError as error:
            self._mistake(location, str(error))
            return text if _clean(text) else ""
        if value is not None and not isinstance(value, str):
            self.written[location] = text
        return value


def _value(kind: str, text: str) -> Any:
    match kind:
        case "str" | "merge" if _clean(text):
            return text
        case "null":
            return None
        case "bool" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "int":
            return _integer(text)
        case "float":
            return _float(text)
        case "legacy":
            raise ValueError(f'{text} is ambiguous in YAML; write true, false or "{text}"')
        case "str":
            raise ValueError("holds a character that is not allowed in text; remove it")
    raise ValueError(f"{show(kind)} is a tag that configuration files cannot use; remove it")


def _integer(text: str) -> int:
    digits = text.lstrip("-+")
    if len(digits) > 20:
        raise ValueError("is too large for a number; put it in quotes if it is text")
    octal = digits.startswith("0") and not digits.startswith(("0o", "0x"))
    try:
        return int(text, 8 if octal else 0)
    except ValueError:
        raise ValueError("is not a whole number; remove its tag") from None


def _float(text: str) -> float:
    try:
        number = float(text)
    except ValueError:  # .inf and .nan among others
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("is not a usable number; put it in quotes if it is text")
    return number


def _clean(text: str) -> bool:
    """Whether the text has no NUL and no lone surrogate; YAML's escapes can produce both."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
