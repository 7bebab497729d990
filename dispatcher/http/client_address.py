"""Finds a request's client address behind proxies. Pure.

Each proxy appends the address that it sees to the header, so the list is read from its end, and only as
far as trusted proxies wrote it: anyone could have forged the entries before that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import islice
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

X_FORWARDED_FOR = "x-forwarded-for"
FORWARDED = "forwarded"
MOST_HOPS = 32
"""Longest chain of proxies that is followed."""

MOST_COMMAS = 8
"""Most commas inside the quotes of one element of Forwarded."""

_PORT = r"(?::(?:[0-9]{1,5}|_[\w.-]+))?"
_NODE = re.compile(rf"([0-9.]{{7,15}}){_PORT}|\[([0-9A-Fa-f:.]{{2,45}})\]{_PORT}", re.ASCII)
_PART = re.compile(
    r"""[ \t]*(?:(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)="""
    r"""(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^ \t",;]+))[ \t]*)?(?P<end>[;,]|\Z)""",
)


@dataclass(frozen=True)
class Proxies:
    """The trusted proxies and the one header that they write. Ignores the other header: a proxy passes a
    header that it does not know on as its client sent it."""

    networks: tuple[Network, ...] = ()
    header: str = X_FORWARDED_FOR

    def sender(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> Address | None:
        """The nearest address that is not a trusted proxy.

        `peer` is the other end of the connection. If a proxy's entry is malformed, returns that proxy.
        """
        nearest = address(peer)
        if nearest is None or not within(nearest, self.networks):
            return nearest
        for hop in islice(self._hops(headers), MOST_HOPS):
            if hop is None:
                return nearest
            nearest = hop
            if not within(hop, self.networks):
                return hop
        return nearest

    def _hops(self, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[Address | None]:
        """The addresses, nearest first; None for a malformed one. Repeated headers form one list."""
        name = self.header.encode()
        lines = [value.decode("latin-1") for key, value in headers if key.lower() == name]
        read = forwarded if self.header == FORWARDED else forwarded_for
        for line in reversed(lines):
            yield from reversed(read(line))


def within(found: Address, networks: Iterable[Network]) -> bool:
    return any(found in network for network in networks)


def group(found: Address) -> str:
    """The addresses that one sender controls: an IPv4 address, or the /64 of an IPv6 address.

    https://www.rfc-editor.org/rfc/rfc6177
    """
    if isinstance(found, IPv4Address):
        return str(found)
    return str(ip_network((int(found), 64), strict=False))


def address(text: str) -> Address | None:
    """Parses an address. Maps an IPv4-mapped IPv6 address to IPv4 and drops the zone ID."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def forwarded_for(line: str) -> list[Address | None]:
    """A line of X-Forwarded-For; addresses may have ports, as some proxies write them."""
    return [_node(text) for each in line.split(",") if (text := each.strip(" \t"))]


def forwarded(line: str) -> list[Address | None]:
    """The `for` of the last elements of a Forwarded line; None for a malformed one and all before it.

    Reads from the end, which a trusted proxy wrote, so that a sender's unclosed quote hides nothing.
    https://www.rfc-editor.org/rfc/rfc7239#section-4
    """
    found: list[Address | None] = []
    pieces = line.split(",")
    while pieces and len(found) < MOST_HOPS:
        element = _last_element(pieces)
        if element is None:
            found.append(None)
            break
        if element:
            found.append(_node(element.get("for", "")))
    return found[::-1]


def _last_element(pieces: list[str]) -> dict[str, str] | None:
    """Pops the last element from the comma-separated pieces; a comma may be inside quotes."""
    text = pieces.pop()
    for _ in range(MOST_COMMAS):
        if (element := _element(text)) is not None or not pieces:
            return element
        text = f"{pieces.pop()},{text}"
    return None


def _element(text: str) -> dict[str, str] | None:
    """The parameters of an element; None if it is malformed."""
    element: dict[str, str] = {}
    at, end = 0, ";"
    while end == ";":
        part = _PART.match(text, at)
        if part is None or (part["name"] or "").lower() in element:
            return None
        at, end = part.end(), part["end"]
        if part["name"]:
            element[part["name"].lower()] = _value(part)
    return element if at == len(text) and not end else None


def _value(part: re.Match[str]) -> str:
    quoted: str | None = part["quoted"]
    return part["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)


def _node(text: str) -> Address | None:
    """`192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`."""
    match = _NODE.fullmatch(text)
    return address((match[1] or match[2]) if match else text)
