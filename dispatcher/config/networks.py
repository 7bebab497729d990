"""Address ranges: who may send to a hook, and which proxies web trusts.

Each check raises ValueError with the value and the remedy.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, TypeAlias

from pydantic import PlainValidator

from dispatcher.config.mistakes import show

Network: TypeAlias = IPv4Network | IPv6Network

_WRITTEN = re.compile(r"[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?", re.ASCII)
_MAPPED = ip_network("::ffff:0:0/96")


def network(value: Any) -> Network:
    """`192.30.252.0/22`, `2606:50c0::/32`, or a single address, which is a range of one."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    found = _parsed(value) if isinstance(value, str) and _WRITTEN.fullmatch(value) else None
    if found is None:
        raise ValueError(
            f"{show(value)} is not an address range; write it like 192.30.252.0/22 or 2606:50c0::/32"
        )
    _check_prefix(value, found)
    _check_version(value, found)
    return found


def _parsed(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _check_prefix(text: str, found: Network) -> None:
    """Refuses `10.0.0.5/8`: some mean the one address, some the whole range, and nobody can tell."""
    address = text.partition("/")[0]
    if ip_network(address).network_address != found.network_address:
        raise ValueError(
            f"{show(text)} is one address with the prefix of a range; write {found} for the range, "
            f"or {address} for the address"
        )


def _check_version(text: str, found: Network) -> None:
    """Refuses ranges of IPv4-mapped IPv6 addresses: web compares `::ffff:192.0.2.1` as 192.0.2.1."""
    if isinstance(found, IPv6Network) and found.subnet_of(_MAPPED):  # type: ignore[arg-type]
        plain = IPv4Network((int(found.network_address) & 0xFFFFFFFF, found.prefixlen - 96))
        raise ValueError(f"{show(text)} stands for IPv4 addresses; write {plain}")


def ranges(text: str) -> tuple[Network, ...]:
    """Ranges, separated by commas or spaces."""
    return tuple(map(network, text.replace(",", " ").split()))


def proxies(text: str) -> tuple[Network, ...]:
    """The same for proxies: no range of all addresses."""
    found = ranges(text)
    for each in found:
        if each.prefixlen == 0:
            raise ValueError(
                f'"{each}" trusts everyone, so any sender can claim any address; list only your proxies'
            )
    return found


NetworkValue = Annotated[Network, PlainValidator(network)]


def is_loopback(host: str) -> bool:
    """Whether a host, as a URL or an option names it, is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
