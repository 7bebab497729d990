"""Which header gives a delivery its id: the one that its signature covers. Pure.

Two deliveries with one id are one. Where the id is signed, as by Standard Webhooks, another header that
nothing signs must not stand for it: who recorded the delivery could send it under any number of ids.
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
"""Provider that may sign so -> the header that gives its other deliveries their id."""


def authenticated_headers(provider: str, headers: RawHeaders, trust: Trust) -> RawHeaders:
    """The headers of an authenticated delivery, less those that give it an id and are not authenticated."""
    pairs = tuple(headers)
    if provider not in UNSIGNED or not trust.secrets:
        return pairs
    signed = standard_webhooks.signed(Headers(pairs), trust)
    other = (UNSIGNED[provider] if signed else standard_webhooks.ID).lower().encode()
    return tuple((name, value) for name, value in pairs if name.lower() != other)
