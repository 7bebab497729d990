"""`/livez` and `/readyz`; without Redis, see test_hooks."""

from __future__ import annotations

from dispatcher import __version__
from tests.dispatcher.http.web import Web


def test_it_lives_and_is_ready_without_a_token(web: Web) -> None:
    assert web.http.get("/livez").status_code == 200
    assert web.http.get("/readyz").json() == {
        "ready": True,
        "version": __version__,
        "ledger": "ok",
        "durability": "appendfsync always: nothing acknowledged is lost",
    }


def test_heads_are_answered(web: Web) -> None:
    assert web.http.head("/readyz").status_code == 200
