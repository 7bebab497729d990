"""Reads request bodies within limits of size, time, and the memory of all bodies together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from starlette.requests import ClientDisconnect, Request

from dispatcher.http.responses import RETRY_AFTER, ErrorResponse

MIB = 1024 * 1024
ALL_TOGETHER = 256 * MIB
"""Most bytes of all bodies in memory at a time, unauthenticated ones included."""
SMALL = 128 * 1024
"""Most bytes of a body that is read even if that memory is full, so that large bodies cannot keep ordinary
deliveries out. The connection limits bound how much these add."""
READ_WITHIN = 20.0
"""Time-out for a body to arrive; seconds."""


class Bodies:
    """Reads bodies, and counts the bytes in memory."""

    def __init__(
        self, most: int = ALL_TOGETHER, seconds: float = READ_WITHIN, small: int = SMALL
    ) -> None:
        self._most, self._seconds, self._small = most, seconds, small
        self._held = 0

    @asynccontextmanager
    async def of(
        self, request: Request, limit: int, too_large: ErrorResponse
    ) -> AsyncIterator[bytes]:
        """The body, counted while the block runs. Raises `too_large` beyond `limit` bytes."""
        if _declared(request) > limit:
            raise too_large
        chunks, size = bytearray(), 0
        try:
            await self._fill(chunks, request, limit, too_large)
            body, size = bytes(chunks), len(chunks)
            chunks.clear()  # no body is held twice
            yield body
        finally:
            self._held -= size or len(chunks)

    async def _fill(
        self, chunks: bytearray, request: Request, limit: int, too_large: ErrorResponse
    ) -> None:
        try:
            with anyio.fail_after(self._seconds):
                async for chunk in request.stream():
                    chunks += chunk
                    self._held += len(chunk)
                    self._check(len(chunks), limit, too_large)
        except TimeoutError:
            raise ErrorResponse(408, "body_too_slow", "The body took too long to arrive") from None
        except ClientDisconnect:
            raise ErrorResponse(400, "body_incomplete", "The body ended early") from None

    def _check(self, size: int, limit: int, too_large: ErrorResponse) -> None:
        if size > limit:
            raise too_large
        if self._held > self._most and size > self._small:
            raise ErrorResponse(
                503, "busy", "Too many deliveries at a time: try again later", RETRY_AFTER
            )


def _declared(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0
