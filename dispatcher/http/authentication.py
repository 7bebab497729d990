"""Authenticates API requests by bearer token, compared in constant time with all configured tokens.

Binds the sender's address and the token's name to every log line of the request.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from dispatcher.config import Secret
from dispatcher.http.client_address import Address, Proxies, group
from dispatcher.http.log_throttle import LogThrottle
from dispatcher.http.responses import CAUSE, ErrorResponse
from dispatcher.webhooks.authentication import same

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="git-dispatcher"'}
LONGEST = 100
"""Most characters of an unauthenticated client's input in a log line."""

log = structlog.get_logger()


class ApiTokens:
    """The configured API tokens."""

    def __init__(self, tokens: Sequence[Secret]) -> None:
        self._tokens = tuple(tokens)

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def holder(self, headers: Headers) -> str:
        """The name of the token that was sent, or "". Compares all tokens, even after a match."""
        presented = _bearer(headers.getlist("authorization"))
        known = [same(presented, token.reveal()) for token in self._tokens]
        return self._tokens[known.index(True)].source if presented and any(known) else ""


class TokenAuthentication:
    """Middleware: passes requests with a valid token; logs all others and answers with an error."""

    def __init__(self, app: ASGIApp, tokens: ApiTokens, proxies: Proxies) -> None:
        self._app, self._tokens, self._proxies = app, tokens, proxies
        self._throttle = LogThrottle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = scope["client"][0] if scope.get("client") else ""
        sender = self._proxies.sender(peer, scope["headers"])
        bind_contextvars(address=str(sender))
        try:
            bind_contextvars(token=self._checked(Headers(scope=scope)))
        except ErrorResponse as error:
            self._log_refusal(scope, sender, error.cause)
            raise

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                self._log_refusal(
                    scope, sender, scope.get("state", {}).get(CAUSE) or str(message["status"])
                )
            await send(message)

        await self._app(scope, receive, watched)

    def _checked(self, headers: Headers) -> str:
        """The token's name."""
        if not self._tokens:
            raise ErrorResponse(
                403,
                "api_disabled",
                "The API is disabled because no token is configured: set DISPATCHER_API_TOKENS, "
                "with a token made by `openssl rand -hex 32`",
            )
        if holder := self._tokens.holder(headers):
            return holder
        raise ErrorResponse(
            401,
            "unauthorized",
            "No valid token: send `Authorization: Bearer <one of DISPATCHER_API_TOKENS>`",
            CHALLENGE,
        )

    def _log_refusal(self, scope: Scope, sender: Address | None, cause: str) -> None:
        """Logs each sender and cause once, then once a minute, so that guessing tokens cannot fill the disk."""
        if count := self._throttle.count(group(sender) if sender else "", cause):
            path = "".join(c if c.isprintable() else "?" for c in scope["path"][:LONGEST])
            log.warning(
                "api request refused", cause=cause, method=scope["method"], path=path, count=count
            )


def _bearer(sent: Sequence[str]) -> bytes:
    """The token of the one Authorization header, else b"".

    https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    """
    if len(sent) != 1:
        return b""
    scheme, _, token = sent[0].partition(" ")
    return token.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
