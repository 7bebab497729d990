"""Forgejo's webhooks. Old versions without an X-Forgejo-Event header need a hook of provider gitea.

https://forgejo.org/docs/latest/user/webhooks/
"""

from __future__ import annotations

from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.providers.gitea_family import Dialect
from dispatcher.webhooks.results import AuthFailure, Ignored, Received

_DIALECT = Dialect("Forgejo")


def verify(headers: Headers, body: bytes, trust: Trust) -> int | AuthFailure:
    return _DIALECT.verify(headers, body, trust)


def parse(headers: Headers, body: bytes) -> Received | Ignored:
    return _DIALECT.parse(headers, body)
