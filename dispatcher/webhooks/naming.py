"""Which header names a delivery: the one that its proof covers. Purely computational.

Two deliveries of one name are one. Where the name is signed, as by Standard Webhooks, another header that
nothing signs must not stand for it: who recorded the delivery could send it under any number of names.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dispatcher.webhooks import generic, gitlab, standard
from dispatcher.webhooks.headers import Headers, RawHeaders
from dispatcher.webhooks.proof import Trust

UNSIGNED: Mapping[str, str] = MappingProxyType(
    {"gitlab": gitlab.DELIVERY, "generic": generic.DELIVERY}
)
"""Provider that may sign so -> the header that names its other deliveries."""


def without_other_names(provider: str, headers: RawHeaders, trust: Trust) -> RawHeaders:
    """The headers of a delivery that was proved, less those that name it and are no part of the proof."""
    pairs = tuple(headers)
    if provider not in UNSIGNED or not trust.secrets:
        return pairs
    signed = standard.signed(Headers(pairs), trust)
    other = (UNSIGNED[provider] if signed else standard.ID).lower().encode()
    return tuple((name, value) for name, value in pairs if name.lower() != other)
