"""A web application per test, with targets, hooks, a queue and keys that no other test uses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.ledger import Keys
from tests.dispatcher.http.web import Web


@pytest.fixture
def web(tmp_path: Path, redis_url: str, keys: Keys) -> Iterator[Web]:
    with Web(tmp_path, redis_url, keys) as web:
        yield web
    web.clean_up()
