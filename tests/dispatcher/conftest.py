"""A web application for the command line, with an environment that leads to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.ledger import Keys
from tests.dispatcher.http.web import TOKEN, Web
from tests.dispatcher.webhooks.support import sent


@pytest.fixture
def web(
    tmp_path: Path, redis_url: str, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Web]:
    """With `shop/1` waiting."""
    with Web(tmp_path, redis_url, keys) as web:
        web.deliver(sent("github/push__branch"))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("DISPATCHER_URL", web.url)
        monkeypatch.setenv("DISPATCHER_API_TOKEN", TOKEN)
        yield web
    web.clean_up()
