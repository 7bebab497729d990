"""Which header names a delivery: the one that its proof covers. Pure.

Two deliveries of one name are one. Where the name is signed, as by Standard Webhooks, another header that
nothing signs must not stand for it: who recorded the delivery could send it under any number of names.
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
"""Provider that may sign so -> the header that names its other deliveries."""


def without_other_names(provider: str, headers: RawHeaders, trust: Trust) -> RawHeaders:
    """The headers of a delivery that was proved, less those that name it and are no part of the proof."""
    pairs = tuple(headers)
    if provider not in UNSIGNED or not trust.secrets:
        return pairs
    signed = standard_webhooks.signed(Headers(pairs), trust)
    other = (UNSIGNED[provider] if signed else standard_webhooks.ID).lower().encode()
    return tuple((name, value) for name, value in pairs if name.lower() != other)
