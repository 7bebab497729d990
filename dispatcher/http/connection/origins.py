"""Whether a request's Host and Origin are this machine's own. Pure.

A web page can make its visitor's browser send requests to loopback, by DNS rebinding or with a plain form.
The browser reveals that in Host and Origin, which a page cannot set.
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
    """Whether there is one Host, a loopback one, and at most one Origin, the same host."""
    pairs = [(name.lower(), value.decode("latin-1").strip()) for name, value in headers]
    hosts = [value for name, value in pairs if name == b"host"]
    origins = [value for name, value in pairs if name == b"origin"]
    if len(hosts) != 1 or len(origins) > 1 or not is_loopback_host(hosts[0]):
        return False
    return not origins or origins[0].lower() == f"http://{hosts[0]}".lower()


def is_loopback_host(host: str) -> bool:
    """Whether it is like `localhost`, `127.0.0.1:8000` or `[::1]:8000`, which always mean this machine."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = (match["name"] or "").lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):  # https://www.rfc-editor.org/rfc/rfc6761
        return True
    found = address(match["v6"] or match["name"])
    return found is not None and found.is_loopback
