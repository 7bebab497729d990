"""A stricter h11 parser: refuses forms that a proxy in front may parse differently.

If proxy and server parse the same bytes differently, a body can hide a request that bypasses the proxy's
checks (request smuggling). RFC 9112 lets a server refuse each of these forms.
https://www.rfc-editor.org/rfc/rfc9112#section-11.2
"""

from __future__ import annotations

import re
from typing import Any

import h11

_LINES = re.compile(rb"(?P<end>\r\n\r\n)|(?<!\r)\n|\r(?!\n|\Z)|\r\n[ \t]")
"""The end of a head, or the first fault in it: a bare LF or CR, a folded line (obs-fold)."""


class StrictParser(h11.Connection):
    """The server's side of a connection."""

    def __init__(self, longest_head: int) -> None:
        super().__init__(h11.SERVER, longest_head)
        self._looked, self._chunked = 0, False

    def next_event(self) -> Any:
        """Like h11's. Raises RemoteProtocolError also for ambiguous input that h11 tolerates."""
        if self.their_state is h11.IDLE:
            self._check_head()
        before = self.trailing_data[0] if self._chunked else b""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._looked, self._chunked = 0, _check_framing(event)
        elif isinstance(event, h11.EndOfMessage) and self._chunked:
            self._chunked = False
            rest = len(self.trailing_data[0])
            _check_lines(before[: len(before) - rest])
        return event

    def _check_head(self) -> None:
        """Checks each byte once, however many pieces the head arrives in."""
        arrived = self.trailing_data[0]
        found = _LINES.search(arrived, self._looked)
        if found and not found["end"]:
            raise h11.RemoteProtocolError("a bare LF or CR, or a folded line")
        self._looked = max(0, len(arrived) - 3)


def _check_framing(request: h11.Request) -> bool:
    """Whether the body is chunked."""
    names = [name for name, _ in request.headers]
    chunked = b"transfer-encoding" in names
    if chunked and b"content-length" in names:
        raise h11.RemoteProtocolError("both Content-Length and Transfer-Encoding")
    if chunked and request.http_version < b"1.1":
        raise h11.RemoteProtocolError("Transfer-Encoding before HTTP/1.1")
    return chunked


def _check_lines(trailers: bytes) -> None:
    for found in _LINES.finditer(trailers):
        if not found["end"]:
            raise h11.RemoteProtocolError("a bare LF or CR, or a folded line, among the trailers")
