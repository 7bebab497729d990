"""Whether a request was meant for this machine, as its sender's browser or tool was told. Pure.

A web page may have its name resolved to 127.0.0.1 once it is loaded (DNS rebinding), or simply send a form
there: its reader's browser then reaches what listens on loopback. It tells so, in headers that no page sets.
https://www.rfc-editor.org/rfc/rfc9110#section-7.2, https://www.rfc-editor.org/rfc/rfc6454#section-7
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dispatcher.http.client_address import address

_HOST = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:/?#@\s]+))(?::[0-9]{1,5})?", re.ASCII
)


def is_local(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the one Host is this machine's own, and the one Origin, if there is one, that very host."""
    pairs = [(name.lower(), value.decode("latin-1").strip()) for name, value in headers]
    hosts = [value for name, value in pairs if name == b"host"]
    origins = [value for name, value in pairs if name == b"origin"]
    if len(hosts) != 1 or len(origins) > 1 or not is_loopback_host(hosts[0]):
        return False
    return not origins or origins[0].lower() == f"http://{hosts[0]}".lower()


def is_loopback_host(host: str) -> bool:
    """`localhost`, `127.0.0.1:8000`, `[::1]:8000`: a name that resolves nowhere else, or an address."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = (match["name"] or "").lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):  # https://www.rfc-editor.org/rfc/rfc6761
        return True
    found = address(match["v6"] or match["name"])
    return found is not None and found.is_loopback
