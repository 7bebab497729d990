"""JSON patch, RFC 6902. Pure; the inputs are not changed.

https://www.rfc-editor.org/rfc/rfc6902
"""

from collections.abc import Callable
from typing import Any

import msgspec

from dispatcher.local.cluster.apimachinery.errors import LocalClusterError

_Operation = dict[str, Any]


class PatchError(LocalClusterError):
    """An operation that can't be carried out, or a test that doesn't hold."""


def apply(target: Any, operations: Any) -> Any:
    """All operations in order, or none; raises `PatchError`."""
    if not isinstance(operations, list):
        raise PatchError("a JSON patch is a list of operations")
    document = _copy(target)
    for operation in operations:
        document = _apply_one(document, operation)
    return document


def _copy(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _apply_one(document: Any, operation: _Operation) -> Any:
    known = operation.get("op") if isinstance(operation, dict) else None
    if known not in _OPERATIONS:
        raise PatchError(f"unexpected operation: {known!r}")
    try:
        return _OPERATIONS[known](document, operation)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        what = f"{known} operation does not apply: {operation.get('path')}"
        raise PatchError(f"{what}: {error}") from error


def _add(document: Any, operation: _Operation) -> Any:
    return _insert(document, _parts(operation["path"]), _copy(operation["value"]))


def _remove(document: Any, operation: _Operation) -> Any:
    return _take(document, _parts(operation["path"]))[0]


def _replace(document: Any, operation: _Operation) -> Any:
    parts = _parts(operation["path"])
    value = _copy(operation["value"])
    if not parts:
        return value
    _find(document, parts)
    parent = _find(document, parts[:-1])
    parent[_key(parent, parts[-1])] = value
    return document


def _move(document: Any, operation: _Operation) -> Any:
    source, target = _parts(operation["from"]), _parts(operation["path"])
    if target[: len(source)] == source and target != source:
        raise ValueError("nothing can be moved into itself")
    document, value = _take(document, source)
    return _insert(document, target, value)


def _duplicate(document: Any, operation: _Operation) -> Any:
    value = _copy(_find(document, _parts(operation["from"])))
    return _insert(document, _parts(operation["path"]), value)


def _test(document: Any, operation: _Operation) -> Any:
    found = _find(document, _parts(operation["path"]))
    if found != operation["value"]:
        raise ValueError("the value is another one")
    return document


_OPERATIONS: dict[str, Callable[[Any, _Operation], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _duplicate,
    "test": _test,
}


def _parts(pointer: str) -> list[str]:
    """https://www.rfc-editor.org/rfc/rfc6901#section-4"""
    if not pointer:
        return []
    if not pointer.startswith("/"):
        raise ValueError("a pointer begins with a slash")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def _find(document: Any, parts: list[str]) -> Any:
    for part in parts:
        document = document[_key(document, part)]
    return document


def _key(parent: Any, part: str) -> str | int:
    if not isinstance(parent, list):
        return part
    if not part.isdecimal() or (part != "0" and part.startswith("0")):
        raise ValueError(f"no index: {part!r}")
    return int(part)


def _insert(document: Any, parts: list[str], value: Any) -> Any:
    if not parts:
        return value
    parent, last = _find(document, parts[:-1]), parts[-1]
    if not isinstance(parent, list):
        parent[last] = value
        return document
    index = len(parent) if last == "-" else int(_key(parent, last))
    if index > len(parent):
        raise IndexError("index out of bounds")
    parent.insert(index, value)
    return document


def _take(document: Any, parts: list[str]) -> tuple[Any, Any]:
    if not parts:
        return None, document
    parent = _find(document, parts[:-1])
    return document, parent.pop(_key(parent, parts[-1]))
