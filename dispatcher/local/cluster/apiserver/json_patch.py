"""JSON patch, RFC 6902, by the library `jsonpatch`. Pure; the inputs are not changed.

https://www.rfc-editor.org/rfc/rfc6902
"""

from typing import Any

import msgspec
from jsonpatch import (
    JsonPatchException,
    JsonPatchTestFailed,
    JsonPointerException,
    apply_patch,
)

from dispatcher.local.cluster.apimachinery.errors import LocalClusterError

# The library lets through what Python raises where an operation meets a value of another type.
_FAILURES = (
    JsonPatchException,
    JsonPointerException,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class PatchError(LocalClusterError):
    """An operation that can't be carried out, or a test that doesn't hold."""


def apply(target: Any, operations: Any) -> Any:
    """All operations in order, or none; raises `PatchError`."""
    if not isinstance(operations, list):
        raise PatchError("a JSON patch is a list of operations")
    document = _copy(target)
    # The library puts the operations' values themselves into the document.
    for operation in _copy(operations):
        document = _apply_one(document, operation)
    return document


def _copy(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _apply_one(document: Any, operation: Any) -> Any:
    try:
        return apply_patch(document, [operation], in_place=True)
    except _FAILURES as error:
        raise PatchError(_message(operation, error)) from error


def _message(operation: Any, error: Exception) -> str:
    """Names the operation. The library would quote both values of a test, however large they are."""
    reason = "the value is another one" if isinstance(error, JsonPatchTestFailed) else error
    if not isinstance(operation, dict):
        return f"an operation must be an object: {reason}"
    return f"{operation.get('op')} operation does not apply: {operation.get('path')}: {reason}"
