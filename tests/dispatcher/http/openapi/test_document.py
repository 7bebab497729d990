"""The application serves what the OpenAPI document describes, and docs/api.md says the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import BaseRoute, Mount, Route

from dispatcher import __version__
from dispatcher.app import create_app
from dispatcher.config import load
from dispatcher.config.reloading import Reloader
from dispatcher.http.openapi.document import described_path, document
from dispatcher.http.openapi.operation import (
    ANYWHERE,
    LEDGER,
    QUERY,
    SENT,
    TOKEN,
    Code,
    Operation,
)
from dispatcher.http.operations import OPERATIONS
from dispatcher.ledger import Keys
from tests.dispatcher.http.web import Web

DOCS = Path(__file__).parents[4] / "docs"
API = (DOCS / "api.md").read_text()
HOOKS = (DOCS / "hooks.md").read_text()
WEBHOOKS = "/webhooks/{hook}"

DOCUMENT = document(OPERATIONS)

Place = tuple[str, str]
ROOTS = ("/api/v1/", "/webhooks/", "/livez", "/readyz", "/metrics")
"""Where programs ask; the other paths are pages for people."""

each_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}"
)


def test_it_is_served_to_whoever_has_a_token(web: Web) -> None:
    served = web.api("openapi.json")

    assert served.status_code == 200
    assert served.json() == json.loads(json.dumps(DOCUMENT))
    assert served.json()["info"]["version"] == __version__
    assert web.http.get("/api/v1/openapi.json").status_code == 401


def test_the_application_serves_what_it_describes(
    tmp_path: Path, redis_url: str, keys: Keys
) -> None:
    environ = Web(tmp_path, redis_url, keys).environ
    settings = load(environ).environment
    served = set(_routes(create_app(settings, Reloader(settings.config, environ)).routes))

    described = {
        (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    operations = {each for each in served if each[1].startswith(ROOTS)}
    assert described == operations
    assert not {path for _, path in served - operations if path.startswith("/api")}


def _routes(routes: list[BaseRoute], prefix: str = "") -> Iterator[Place]:
    for route in routes:
        if isinstance(route, Mount):
            yield from _routes(route.routes, route.path)
        else:
            assert isinstance(route, Route)
            path = re.sub(r":\w+}", "}", prefix + route.path)
            yield from ((method, path) for method in (route.methods or set()) - {"HEAD"})


# docs/api.md


def codes(text: str) -> set[Code]:
    return {Code(int(s), c) for s, c in re.findall(r"^- (\d+) `(\w+)`:", text, re.MULTILINE)}


def section(place: Place) -> str:
    """What api.md says of an operation."""
    method, path = place
    heading = re.escape(f"### `{method} ") + re.sub(
        r"\\{(\w+)\\}", r"{\1(?::\\w+)?}", re.escape(path)
    )
    found = re.search(rf"^{heading}`\n(.*?)(?=^##|\Z)", API, re.MULTILINE | re.DOTALL)
    assert found, f"docs/api.md says nothing of {method} {path}"
    return found[1]


def common() -> tuple[set[Code], set[Code]]:
    """What it says of all paths, and of the API's."""
    head, _, rest = API.partition("\n## Hooks\n")
    return codes(head), codes(rest.partition("\n## API\n")[2].partition("\n### ")[0])


def place_of(operation: Operation[Any]) -> Place:
    return operation.method, described_path(operation)


def documented(operation: Operation[Any]) -> set[Code]:
    """What may be said no with, by api.md; for deliveries, hooks.md has the table."""
    place = place_of(operation)
    anywhere, api = common()
    ordered = codes(section(("POST", "/api/v1/targets/{target}/redeploy")))
    found = codes(section(place)) | anywhere
    found -= set() if operation.ledger else LEDGER
    found -= set() if operation.body else SENT
    if place[1] == WEBHOOKS:
        return found | codes(HOOKS)
    found -= {Code(429, "too_many_failures")}
    if operation.token:
        found |= api if "{target}" in place[1] else api & (TOKEN | QUERY)
    if operation.token and operation.body:
        found |= {code for code in ordered if code.name in ("invalid_body", "body_too_large")}
    return found


@each_operation
def test_codes_are_those_of_the_documents(operation: Operation[Any]) -> None:
    assert set(operation.errors) == documented(operation)


@each_operation
def test_statuses_are_those_of_the_documents(operation: Operation[Any]) -> None:
    told = section(place_of(operation))
    said = {int(status) for status in re.findall(r"[Aa]nswers? (?:is )?(2\d\d)", told)}
    said |= {int(status) for status in re.findall(r"^- (2\d\d): ", told, re.MULTILINE)}

    assert said <= set(operation.responses)


def test_the_common_codes_are_documented_at_the_head() -> None:
    anywhere, _ = common()

    assert anywhere == ANYWHERE | LEDGER | SENT | {Code(429, "too_many_failures")}


def test_a_status_has_one_response() -> None:
    for operation in OPERATIONS:
        assert not {code.status for code in operation.errors} & set(operation.responses)


# The document itself


def references(tree: Any) -> Iterator[str]:
    values = tree.values() if isinstance(tree, dict) else tree
    if isinstance(tree, dict) and "$ref" in tree:
        yield tree["$ref"]
    for value in values:
        if isinstance(value, dict | list):
            yield from references(value)


def test_it_refers_to_what_it_has() -> None:
    for reference in references(DOCUMENT):
        found = DOCUMENT
        for word in reference.removeprefix("#/").split("/"):
            found = found[word]


def test_its_operations_have_names_of_their_own() -> None:
    names = [
        operation["operationId"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
    ]
    assert len(set(names)) == len(names)


def test_it_says_when_to_come_again() -> None:
    responses = DOCUMENT["components"]["responses"]
    later = {name for name, each in responses.items() if "Retry-After" in each.get("headers", {})}

    assert later == {name for name in responses if name[:3] in ("429", "503")}
