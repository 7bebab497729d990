"""Whatever is sent, the answer is one that the OpenAPI document tells of, and comes soon.

The requests are made from that document, as it wants them and as it does not; another choice of them:
`pytest --hypothesis-seed=7`. tests/fuzz looks further, for as long as it is left to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dispatcher.http.openapi.document import described_path, document
from dispatcher.http.operations import OPERATIONS
from dispatcher.ledger import Keys
from tests.dispatcher.http.web import TOKEN, Web
from tests.dispatcher.webhooks.support import HEADERS, sent
from tests.examples import examples

EXAMPLES = 12
"""For each operation and sender."""
FEW = 2
"""The same for each role: what a role may do is in tests/dispatcher/http/api/test_access.py."""
CALLERS: dict[str, dict[str, Any]] = {
    "reader": {"role": "read"},
    "operator": {"role": "operate"},
    "limited": {"role": "admin", "targets": ["lab"]},
}
HANGS = 30
"""Seconds after which a request is taken for one that is never answered."""
CHECKED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
KNOWN = {
    "target": "shop",
    "number": 1,
    "id": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "repository": "github.com/acme/shop",
    "commit": "3f2a9c1e",
}
"""Names of what is there: by chance nobody would find it."""
DELIVERY = ("POST", "/webhooks/{hook}")

Sender = Callable[[Any], Any]

PLAIN = schemathesis.openapi.from_dict(document(OPERATIONS))
HANDED_OVER = document(OPERATIONS)
for methods in HANDED_OVER["paths"].values():
    for described in methods.values():
        described["security"] = []  # the sender sees to it
AUTHENTICATED = schemathesis.openapi.from_dict(HANDED_OVER)

bounded = examples(EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
PLACES = [(operation.method, described_path(operation)) for operation in OPERATIONS]
each_operation = pytest.mark.parametrize("place", PLACES, ids=" ".join)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Web]:
    """One for all of them, in which there is something to find."""
    keys = Keys(f"test-{uuid4().hex[:12]}")
    with Web(tmp_path_factory.mktemp("web"), redis_url, keys) as web:
        assert web.deliver(sent("github/push__branch")).status_code == 202
        yield web
    web.clean_up()


def requests(
    schema: BaseSchema, place: tuple[str, str], **known: object
) -> st.SearchStrategy[Case[Any]]:
    """To what is there and to what is not, as the document says and otherwise."""
    operation = schema[place[1]][place[0]]
    named = {name: value for name, value in known.items() if f"{{{name}}}" in place[1]}
    target = {name: value for name, value in named.items() if name == "target"}
    asked = [operation.as_strategy(path_parameters=part) for part in (named, target, None)]
    wrong = [None, named] if operation.body else [None]
    asked += [operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=p) for p in wrong]
    return st.one_of(asked)


def check(web: Web, case: Case[Any], sender: Sender) -> None:
    response = case.call(base_url=web.url, auth=sender, timeout=HANGS)

    # Too large is a refusal too, which this one check doesn't know of.
    too_large = response.status_code == 413
    left_out = {negative_data_rejection} if too_large else set()
    # No watcher runs here that could read a log.
    left_out |= {not_a_server_error} if "log_unavailable" in response.text else set()
    checks = [c for c in CHECKED if c not in left_out]
    case.validate_response(response, checks=checks)


def unauthenticated(request: Any) -> Any:
    """Proves nothing."""
    request.headers.pop("Authorization", None)
    return request


def operator(request: Any) -> Any:
    request.headers["Authorization"] = f"Bearer {TOKEN}"
    return request


def host(provider: str) -> Sender:
    """Signs what it sends."""

    def sender(request: Any) -> Any:
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        request.headers.update(HEADERS[provider]("push", body))
        return request

    return sender


@each_operation
def test_unauthenticated_requests(web: Web, place: tuple[str, str]) -> None:
    @bounded
    @given(requests(PLAIN, place, **KNOWN, hook="github"))
    def holds(case: Case[Any]) -> None:
        check(web, case, unauthenticated)

    holds()


@each_operation
def test_operators(web: Web, place: tuple[str, str]) -> None:
    @bounded
    @given(requests(AUTHENTICATED, place, **KNOWN, hook="github"))
    def holds(case: Case[Any]) -> None:
        check(web, case, operator)

    holds()


@each_operation
@pytest.mark.parametrize("order", CALLERS, ids=CALLERS)
def test_each_role(web: Web, place: tuple[str, str], order: str) -> None:
    """A token with the role, and one that is limited to a target: no answer is one that is not documented."""
    token = created(web, order)

    def sender(request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    @settings(bounded, max_examples=FEW)
    @given(requests(AUTHENTICATED, place, **KNOWN, hook="github"))
    def holds(case: Case[Any]) -> None:
        check(web, case, sender)

    holds()


def created(web: Web, name: str) -> str:
    """A token like that, made anew: an example may have revoked it."""
    web.api(f"tokens/{name}/revoke", "POST")
    response = web.api("tokens", "POST", json={"name": name, **CALLERS[name]})
    assert response.status_code == 201, response.text
    return str(response.json()["token"])


@pytest.mark.parametrize(
    ("hook", "name"), [("github", "github/push__branch"), ("plain", "generic/push__branch")]
)
def test_hosts(web: Web, hook: str, name: str) -> None:
    """Any body that is signed, and now and then a push."""
    provider = sent(name).provider
    body = json.loads(sent(name).body)
    pushes = AUTHENTICATED[DELIVERY[1]][DELIVERY[0]].as_strategy(
        path_parameters={"hook": hook}, body=body, media_type="application/json"
    )

    @settings(bounded, max_examples=bounded.max_examples * 5)
    @given(requests(AUTHENTICATED, DELIVERY, hook=hook) | pushes)
    def holds(case: Case[Any]) -> None:
        check(web, case, host(provider))

    holds()
