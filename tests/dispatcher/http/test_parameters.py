"""Query parameters: none is ignored."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.http.openapi.document import described_path
from dispatcher.http.openapi.operation import Operation
from dispatcher.http.operations import OPERATIONS
from tests.dispatcher.http.web import Web, error

GUARDED = [each for each in OPERATIONS if each.token]
NAMES = {
    "target": "shop",
    "number": "1",
    "id": "5f0f3a1c0c1b",
    "name": "nobody",
    "repository": "gitlab.com/acme/shop",
    "commit": "3f2a9c1e",
}


@pytest.mark.parametrize("operation", GUARDED, ids=lambda each: f"{each.method} {each.path}")
def test_an_unknown_one_is_refused_everywhere(web: Web, operation: Operation[Any]) -> None:
    path = described_path(operation).removeprefix("/api/v1/").format(**NAMES)

    assert error(web.api(f"{path}?nosuch=1", operation.method)) == (400, "unknown_parameter")


def test_the_message_names_those_that_exist(web: Web) -> None:
    limited = web.api("targets/shop/deploys?limits=3").json()["detail"]
    bare = web.api("hooks?a%0ab").json()["detail"]

    assert limited == "There is no query parameter 'limits' here: there are only limit"
    assert bare == "There is no query parameter 'a?b' here: there are none"


def test_one_is_sent_once(web: Web) -> None:
    response = web.api("targets/shop/deploys?limit=3&limit=4")

    assert error(response) == (400, "repeated_parameter")
