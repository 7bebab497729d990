"""Builds the OpenAPI document from the table of operations. Pure.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from dispatcher import __version__
from dispatcher.http.openapi.operation import Code, Operation, Parameter
from dispatcher.http.responses import PROBLEM, Problem

Json = dict[str, Any]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
STREAM: Json = {"text/event-stream": {"schema": {"type": "string"}}}
REFERENCE = "#/components/schemas/{name}"
RETRY_LATER = {429, 503}
"""Statuses whose response has a Retry-After header."""
RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}
PAYLOAD: Json = {
    "description": "The Git host's payload; for a `generic` hook, the schema below",
    "type": "object",
}
SIGNED_FORM = {"type": "object", "properties": {"payload": {"type": "string"}}}


PATH_PARAMETERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "hook": {"type": "string", "minLength": 1},
        "target": {"type": "string", "minLength": 1},
        "number": {"type": "integer", "minimum": 1, "maximum": 10**15 - 1},
        "id": {"type": "string", "minLength": 1},
        "name": {"type": "string", "minLength": 1},
        "repository": {"type": "string", "minLength": 1},
        "commit": {"type": "string", "pattern": "^[0-9a-fA-F]{4,64}$"},
    }
)
"""Name → schema."""


@dataclass(frozen=True)
class Schemas:
    """Of the types that the endpoints themselves use."""

    of: Mapping[type | None, Json]
    components: Json
    """What they refer to."""

    @classmethod
    def collected(cls, operations: Iterable[Operation[Any]]) -> Schemas:
        kinds: list[type] = [Problem]
        for operation in operations:
            kinds += [*operation.responses.values(), *filter(None, [operation.body])]
        kinds = list(dict.fromkeys(kinds))
        schemas, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
        return cls(dict(zip(kinds, schemas, strict=True)), components)


def document(operations: Iterable[Operation[Any]]) -> Json:
    """The document. Depends on this version only, not on the configuration."""
    operations = tuple(operations)
    schemas, paths = Schemas.collected(operations), dict[str, Json]()
    for operation in operations:
        methods = paths.setdefault(described_path(operation), {})
        methods[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "git-dispatcher", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": _error_responses(operations, schemas),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def described_path(operation: Operation[Any]) -> str:
    """The path without starlette's convertors, which OpenAPI lacks: `{id}` for `{id:path}`."""
    return re.sub(r":\w+}", "}", operation.path)


def _operation(operation: Operation[Any], schemas: Schemas) -> Json:
    path = described_path(operation)
    described: Json = {
        "operationId": _identifier(operation.method, path),
        "summary": operation.summary,
        "security": [{"token": []}] if operation.token else [],
        "parameters": [*_path_parameters(path), *map(_parameter, operation.parameters)],
        "responses": _responses(operation, schemas) | _references(operation.errors),
    }
    if operation.body:
        described["requestBody"] = _body(operation, schemas)
    return described


def _identifier(method: str, path: str) -> str:
    words = re.findall(r"\w+", path.removeprefix("/api/v1"))
    return "-".join([method.lower(), *words])


def _path_parameters(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PATH_PARAMETERS[name]}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _parameter(parameter: Parameter) -> Json:
    return {"name": parameter.name, "in": parameter.place, "schema": parameter.schema}


def _body(operation: Operation[Any], schemas: Schemas) -> Json:
    schema = schemas.of[operation.body]
    if operation.token:
        shape = msgspec.structs.fields(operation.body) if operation.body else ()
        required = any(field.required for field in shape)
        return {"required": required, "content": {JSON: {"schema": schema}}}
    sent = {JSON: {"schema": {"anyOf": [schema, PAYLOAD]}}, FORM: {"schema": SIGNED_FORM}}
    return {"required": True, "content": sent}


def _responses(operation: Operation[Any], schemas: Schemas) -> Json:
    return {
        str(status): {
            "description": operation.summary,
            "content": {media: {"schema": schemas.of[body]} for media in operation.media}
            | (STREAM if operation.stream else {}),
        }
        for status, body in operation.responses.items()
    }


# Errors: for each status one response, which names the codes that are possible


def _references(errors: Iterable[Code]) -> Json:
    return {
        str(status): {"$ref": f"#/components/responses/{_named(status, names)}"}
        for status, names in _by_status(errors).items()
    }


def _error_responses(operations: Iterable[Operation[Any]], schemas: Schemas) -> Json:
    return {
        _named(status, names): _error_response(status, names, schemas)
        for operation in operations
        for status, names in _by_status(operation.errors).items()
    }


def _by_status(errors: Iterable[Code]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for status, name in sorted(errors):
        found.setdefault(status, []).append(name)
    return found


def _named(status: int, names: Iterable[str]) -> str:
    return ".".join([str(status), *names])


def _error_response(status: int, names: list[str], schemas: Schemas) -> Json:
    code = {"properties": {"status": {"const": status}, "code": {"enum": names}}}
    described: Json = {
        "description": "Refused: " + ", ".join(names),
        "content": {PROBLEM: {"schema": {"allOf": [schemas.of[Problem], code]}}},
    }
    if status in RETRY_LATER:
        described["headers"] = RETRY_AFTER
    return described
