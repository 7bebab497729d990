"""Authenticates API requests by bearer token: one of the environment's, or one that the ledger keeps.

Binds the sender's address and the token's name to every log line of the request, and gives both to its handler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog
from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from dispatcher.domain.access import Caller, Role
from dispatcher.domain.secret import Secret
from dispatcher.http.client_address import Address, Proxies, group
from dispatcher.http.log_throttle import LogThrottle
from dispatcher.http.responses import CAUSE, ErrorResponse
from dispatcher.ledger import Tokens, digest
from dispatcher.webhooks.authentication import same

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="git-dispatcher"'}
READING = ("GET", "HEAD")
LONGEST = 100
"""Most characters of an unauthenticated client's input in a log line."""

SignedIn = Callable[[HTTPConnection], Awaitable[Caller | None]]

log = structlog.get_logger()


class ApiTokens:
    """The environment's API tokens, which may do everything, and the ledger's."""

    def __init__(self, tokens: Sequence[Secret], kept: Tokens) -> None:
        self._tokens, self._kept = tuple(tokens), kept

    def __bool__(self) -> bool:
        """Whether the environment has one: without one, nobody could create the first of the ledger's."""
        return bool(self._tokens)

    async def caller(self, headers: Headers) -> Caller | None:
        """Whose valid token was sent. Raises LedgerUnavailable unless it is the environment's."""
        presented = _bearer(headers.getlist("authorization"))
        if not presented or not self._tokens:
            return None
        if name := self._holder(presented):
            return Caller(name=name, role=Role.ADMIN)
        token = await to_thread.run_sync(self._kept.find, presented.decode("latin-1"))
        if token is None:
            return None
        return Caller(name=token.name, role=token.role, targets=token.targets)

    async def holder(self, of: str) -> Caller | None:
        """Whose valid token has that SHA-256. Raises LedgerUnavailable unless it is the environment's."""
        known = [same(of.encode(), _digest_of(token)) for token in self._tokens]
        if any(known):
            return Caller(name=self._tokens[known.index(True)].source, role=Role.ADMIN)
        token = await to_thread.run_sync(self._kept.of_digest, of) if known else None
        return Caller(name=token.name, role=token.role, targets=token.targets) if token else None

    def _holder(self, presented: bytes) -> str:
        """The name of the environment's token, or "". Compares all tokens, even after a match."""
        known = [same(presented, token.reveal()) for token in self._tokens]
        return self._tokens[known.index(True)].source if any(known) else ""


class TokenAuthentication:
    """Middleware: passes requests with a valid token; logs all others and answers with an error."""

    def __init__(
        self, app: ASGIApp, tokens: ApiTokens, proxies: Proxies, signed_in: SignedIn
    ) -> None:
        """`signed_in` finds who is signed in to the dashboard: its links to the API only read."""
        self._app, self._tokens, self._proxies = app, tokens, proxies
        self._signed_in = signed_in
        self._throttle = LogThrottle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = scope["client"][0] if scope.get("client") else ""
        sender = self._proxies.sender(peer, scope["headers"])
        bind_contextvars(address=str(sender))
        try:
            caller = await self._by_session(scope) or await self._checked(Headers(scope=scope))
        except ErrorResponse as error:
            self._log_refusal(scope, sender, error.cause)
            raise
        bind_contextvars(token=caller.name)
        scope.setdefault("state", {}).update(caller=caller, address=str(sender))

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                self._log_refusal(
                    scope, sender, scope.get("state", {}).get(CAUSE) or str(message["status"])
                )
            await send(message)

        await self._app(scope, receive, watched)

    async def _by_session(self, scope: Scope) -> Caller | None:
        connection = HTTPConnection(scope)
        if scope["method"] not in READING or "authorization" in connection.headers:
            return None
        return await self._signed_in(connection) if connection.cookies else None

    async def _checked(self, headers: Headers) -> Caller:
        if not self._tokens:
            raise ErrorResponse(
                403,
                "api_disabled",
                "The API is disabled because no token is configured: set DISPATCHER_API_TOKENS, "
                "with a token made by `openssl rand -hex 32`",
            )
        if caller := await self._tokens.caller(headers):
            return caller
        raise ErrorResponse(
            401,
            "unauthorized",
            "No valid token: send `Authorization: Bearer …` with one of DISPATCHER_API_TOKENS, or one "
            "that `git-dispatcher token create` made and that has not expired",
            CHALLENGE,
        )

    def _log_refusal(self, scope: Scope, sender: Address | None, cause: str) -> None:
        """Logs each sender and cause once, then once a minute, so that guessing tokens cannot fill the disk."""
        if count := self._throttle.count(group(sender) if sender else "", cause):
            path = "".join(c if c.isprintable() else "?" for c in scope["path"][:LONGEST])
            log.warning(
                "api request refused", cause=cause, method=scope["method"], path=path, count=count
            )


def _digest_of(token: Secret) -> bytes:
    return digest(token.reveal().decode("latin-1")).encode()


def _bearer(sent: Sequence[str]) -> bytes:
    """The token of the one Authorization header, else b"".

    https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    """
    if len(sent) != 1:
        return b""
    scheme, _, token = sent[0].partition(" ")
    return token.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
