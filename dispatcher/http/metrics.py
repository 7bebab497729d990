"""`GET /metrics` of web: it needs an API token, except from addresses that the settings name.

Metrics name hooks, targets and namespaces, and say what fails. That is not for everyone who can reach a hook.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from dispatcher.domain.access import Caller
from dispatcher.http.authentication import CHALLENGE, ApiTokens
from dispatcher.http.client_address import Network, Proxies, within
from dispatcher.http.connection.threads import Threads
from dispatcher.http.responses import HEADERS, RETRY_AFTER, ErrorResponse

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers of proxies. Behind one that is not trusted, everybody has the proxy's address."""
WITHIN = 5.0
"""Time-out for a scrape in seconds; Prometheus' own is ten."""


class Scraped(Protocol):
    """What is needed of `dispatcher.metrics.registry.Registry`."""

    def scraped(self, accept: str) -> tuple[bytes, str]: ...


class Metrics:
    """The endpoint. A scrape reads Redis in a thread of its own, and never in the event loop."""

    def __init__(
        self, registry: Scraped, tokens: ApiTokens, proxies: Proxies, open_to: Sequence[Network]
    ) -> None:
        self._registry, self._tokens, self._proxies = registry, tokens, proxies
        self._open_to, self._threads = tuple(open_to), Threads(2)

    async def show(self, request: Request) -> Response:
        if not self._is_open_to(request):
            _check(await self._tokens.caller(request.headers))
        accept = request.headers.get("accept", "")
        try:
            text, kind = await self._threads.run(WITHIN, lambda: self._registry.scraped(accept))
        except TimeoutError:
            message = f"The metrics could not be read within {WITHIN} s"
            raise ErrorResponse(503, "busy", message, RETRY_AFTER) from None
        return Response(text, 200, {**HEADERS, "Content-Type": kind})

    def _is_open_to(self, request: Request) -> bool:
        peer = request.client.host if request.client else ""
        sender = self._proxies.sender(peer, request.headers.raw)
        if sender is None or not within(sender, self._open_to):
            return False
        return bool(self._proxies.networks) or not any(
            name in request.headers for name in FORWARDED
        )


def _check(caller: Caller | None) -> None:
    if caller is None:
        raise ErrorResponse(
            401,
            "unauthorized",
            "No valid token: send `Authorization: Bearer …` with an API token, or name the scraper's "
            "address in DISPATCHER_METRICS_FROM",
            CHALLENGE,
        )
    if caller.targets:
        raise ErrorResponse(
            403,
            "forbidden",
            f"Token {caller.name} is limited to {', '.join(caller.targets)}, and metrics concern all "
            "targets: use a token without `--target`",
        )
