"""Gogs' webhooks. Only `create` and `delete` events report tags, `push` does not.

https://github.com/gogs/gogs/blob/main/internal/database/actions.go (PushTag)
https://github.com/gogs/gogs/blob/main/internal/database/webhook.go (deliver)
"""

from __future__ import annotations

from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.providers.gitea_family import Dialect
from dispatcher.webhooks.results import AuthFailure, Ignored, Received

_DIALECT = Dialect("Gogs", tags_by_create=True)


def verify(headers: Headers, body: bytes, trust: Trust) -> int | AuthFailure:
    return _DIALECT.verify(headers, body, trust)


def parse(headers: Headers, body: bytes) -> Received | Ignored:
    return _DIALECT.parse(headers, body)
