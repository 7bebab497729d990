"""`GET /api/v1/openapi.json`: the contract as a document that other programs read.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dispatcher import __version__
from dispatcher.http.api.endpoints import OPERATIONS, PATHS, Code, Operation, Parameter
from dispatcher.http.responses import ErrorBody, answer

Json = dict[str, Any]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
REFERENCE = "#/components/schemas/{name}"
RETRY_LATER = {429, 503}
"""Statuses whose answer says when to come again."""
RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}
PAYLOAD: Json = {
    "description": "What the hook's Git host sends, or of a `generic` hook what is told here",
    "type": "object",
}
SIGNED_FORM = {"type": "object", "properties": {"payload": {"type": "string"}}}


class Description:
    """The endpoint."""

    def routes(self) -> list[Route]:
        return [Route("/openapi.json", self.openapi)]

    async def openapi(self, _: Request) -> Response:
        return answer(document())


@cache
def document() -> Json:
    """The same for all that this version serves, whatever is configured."""
    paths: Json = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "git-dispatcher", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": _schemas()[1],
            "responses": _refusals(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(method: str, path: str, operation: Operation) -> Json:
    described: Json = {
        "operationId": _identifier(method, path),
        "summary": operation.summary,
        "security": [{"token": []}] if operation.token else [],
        "parameters": [*_parts(path), *map(_parameter, operation.parameters)],
        "responses": _answers(operation) | _references(operation.refusals),
    }
    if operation.body:
        described["requestBody"] = _body(operation)
    return described


def _identifier(method: str, path: str) -> str:
    words = re.findall(r"\w+", path.removeprefix("/api/v1"))
    return "-".join([method.lower(), *words])


def _parts(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PATHS[name]}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _parameter(parameter: Parameter) -> Json:
    return {"name": parameter.name, "in": parameter.place, "schema": parameter.schema}


def _body(operation: Operation) -> Json:
    schema = _schema(operation.body)
    if operation.token:
        return {"required": False, "content": {JSON: {"schema": schema}}}
    sent = {JSON: {"schema": {"anyOf": [schema, PAYLOAD]}}, FORM: {"schema": SIGNED_FORM}}
    return {"required": True, "content": sent}


def _answers(operation: Operation) -> Json:
    return {
        str(status): {
            "description": operation.summary,
            "content": {JSON: {"schema": _schema(body)}},
        }
        for status, body in operation.answers.items()
    }


# Refusals: for each status one response, which names the codes that are possible


def _references(refusals: Iterable[Code]) -> Json:
    return {
        str(status): {"$ref": f"#/components/responses/{_named(status, names)}"}
        for status, names in _by_status(refusals).items()
    }


def _refusals() -> Json:
    return {
        _named(status, names): _refusal(status, names)
        for operation in OPERATIONS.values()
        for status, names in _by_status(operation.refusals).items()
    }


def _by_status(refusals: Iterable[Code]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for status, name in sorted(refusals):
        found.setdefault(status, []).append(name)
    return found


def _named(status: int, names: Iterable[str]) -> str:
    return ".".join([str(status), *names])


def _refusal(status: int, names: list[str]) -> Json:
    code = {"properties": {"error": {"properties": {"code": {"enum": names}}}}}
    described: Json = {
        "description": "Refused: " + ", ".join(names),
        "content": {JSON: {"schema": {"allOf": [_schema(ErrorBody), code]}}},
    }
    if status in RETRY_LATER:
        described["headers"] = RETRY_AFTER
    return described


# Schemas: those of the types that the endpoints themselves use


def _schema(kind: type | None) -> Mapping[str, Any]:
    return _schemas()[0][kind]


@cache
def _schemas() -> tuple[dict[type | None, Json], Json]:
    """Of each type, and what they refer to."""
    kinds: list[type] = [ErrorBody]
    for operation in OPERATIONS.values():
        kinds += [*operation.answers.values(), *filter(None, [operation.body])]
    kinds = list(dict.fromkeys(kinds))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    return dict(zip(kinds, schemas, strict=True)), components
