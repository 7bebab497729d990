"""The API's door: a bearer token, compared in constant time with all that are configured."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dispatcher.config import Secret
from dispatcher.http.answers import Refusal
from dispatcher.webhooks.proof import same

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="git-dispatcher"'}


class Guard:
    """Lets through what carries one of the tokens; everything else ends as a Refusal."""

    def __init__(self, app: ASGIApp, tokens: Sequence[Secret]) -> None:
        self._app = app
        self._tokens = [token.reveal() for token in tokens]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._check(Headers(scope=scope).getlist("authorization"))
        await self._app(scope, receive, send)

    def _check(self, sent: Sequence[str]) -> None:
        if not self._tokens:
            raise Refusal(
                403,
                "api_disabled",
                "The API is closed, since no token is configured: set DISPATCHER_API_TOKENS, "
                "with a token made by `openssl rand -hex 32`",
            )
        presented = _bearer(sent)
        known = [same(presented, token) for token in self._tokens]
        if not presented or not any(known):
            raise Refusal(
                401,
                "unauthorized",
                "No valid token: send `Authorization: Bearer <one of DISPATCHER_API_TOKENS>`",
                CHALLENGE,
            )


def _bearer(sent: Sequence[str]) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc6750#section-2.1; two of them are none."""
    if len(sent) != 1:
        return b""
    scheme, _, token = sent[0].partition(" ")
    return token.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
