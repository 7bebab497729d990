"""Authenticates a request's headers and bytes, then parses them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from dispatcher.domain.delivery import Delivery
from dispatcher.webhooks import standard_webhooks
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers, RawHeaders
from dispatcher.webhooks.providers import generic, gitlab
from dispatcher.webhooks.registry import provider_of
from dispatcher.webhooks.results import AuthFailure, Parsed, Rejection, unauthorized
from dispatcher.webhooks.stored_headers import raw_headers

UNSIGNED: Mapping[str, str] = MappingProxyType(
    {"gitlab": gitlab.DELIVERY, "generic": generic.DELIVERY}
)
"""Provider that may sign by Standard Webhooks -> the header with the ID of its other deliveries."""


def receive(provider: str, headers: RawHeaders, body: bytes, trust: Trust) -> Parsed:
    """Authenticates and parses a request to a hook: received pushes, ignored, or rejected.

    `headers` are (name, value) pairs of bytes as sent, repeated ones included. Must not parse the body
    before a secret has authenticated it. Raises UsageError for an unknown provider, and nothing else,
    whatever was sent.
    """
    pairs = tuple(headers)
    secret = provider_of(provider).verify(Headers(pairs), body, trust)
    if isinstance(secret, AuthFailure):
        return unauthorized(secret)
    parsed = parse_request(provider, authenticated_headers(provider, pairs, trust), body)
    return msgspec.structs.replace(parsed, secret=secret)


def parse_delivery(delivery: Delivery) -> Parsed:
    """Parses a stored delivery, which was authenticated when it arrived."""
    return parse_request(delivery.provider, raw_headers(delivery.headers), delivery.body)


def parse_request(provider: str, headers: RawHeaders, body: bytes) -> Parsed:
    """Parses a request without authentication: a replay, a dry run, or a hook without secrets."""
    try:
        return provider_of(provider).parse(Headers(headers), body)
    except Rejection as rejection:
        return rejection.rejected


def authenticated_headers(provider: str, headers: RawHeaders, trust: Trust) -> RawHeaders:
    """The headers of an authenticated delivery, without ID headers that its signature does not cover.

    Two deliveries with the same ID count as one. If the signature covers the ID, as in Standard Webhooks, an
    unsigned header must not replace it: an attacker who captured the delivery could replay it under new IDs.
    """
    pairs = tuple(headers)
    if provider not in UNSIGNED or not trust.secrets:
        return pairs
    signed = standard_webhooks.signed(Headers(pairs), trust)
    other = (UNSIGNED[provider] if signed else standard_webhooks.ID).lower().encode()
    return tuple((name, value) for name, value in pairs if name.lower() != other)
