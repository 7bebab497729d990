"""Chooses the header that gives a delivery its ID: the one that its signature covers. Pure.

Two deliveries with the same ID count as one. If the signature covers the ID, as in Standard Webhooks, an
unsigned header must not replace it: an attacker who captured the delivery could replay it under new IDs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dispatcher.webhooks import standard_webhooks
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers, RawHeaders
from dispatcher.webhooks.providers import generic, gitlab

UNSIGNED: Mapping[str, str] = MappingProxyType(
    {"gitlab": gitlab.DELIVERY, "generic": generic.DELIVERY}
)
"""Provider that may sign by Standard Webhooks -> the header with the ID of its other deliveries."""


def authenticated_headers(provider: str, headers: RawHeaders, trust: Trust) -> RawHeaders:
    """The headers of an authenticated delivery, without ID headers that its signature does not cover."""
    pairs = tuple(headers)
    if provider not in UNSIGNED or not trust.secrets:
        return pairs
    signed = standard_webhooks.signed(Headers(pairs), trust)
    other = (UNSIGNED[provider] if signed else standard_webhooks.ID).lower().encode()
    return tuple((name, value) for name, value in pairs if name.lower() != other)
