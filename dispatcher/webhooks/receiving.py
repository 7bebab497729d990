"""The way in: a request's headers and bytes are authenticated, then parsed. Pure."""

from __future__ import annotations

import msgspec

from dispatcher.domain.delivery import Delivery
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.delivery_ids import authenticated_headers
from dispatcher.webhooks.headers import Headers, RawHeaders
from dispatcher.webhooks.parsed import AuthFailure, Parsed, Refused, unauthorized
from dispatcher.webhooks.registry import provider_of
from dispatcher.webhooks.stored_headers import raw_headers


def receive(provider: str, headers: RawHeaders, body: bytes, trust: Trust) -> Parsed:
    """What a request to a hook is: pushes, nothing to do, or rejected.

    `headers` are (name, value) pairs of bytes as sent, repeated ones included. Nothing in the body
    is read before one of the secrets has authenticated it. Raises UsageError for a provider that
    isn't there, and nothing else, whatever was sent.
    """
    pairs = tuple(headers)
    secret = provider_of(provider).verify(Headers(pairs), body, trust)
    if isinstance(secret, AuthFailure):
        return unauthorized(secret)
    parsed = parse_request(provider, authenticated_headers(provider, pairs, trust), body)
    return msgspec.structs.replace(parsed, secret=secret)


def parse_delivery(delivery: Delivery) -> Parsed:
    """The same of a delivery that was authenticated before, and comes with its body."""
    return parse_request(delivery.provider, raw_headers(delivery.headers), delivery.body)


def parse_request(provider: str, headers: RawHeaders, body: bytes) -> Parsed:
    """What a request says, without a look at who sent it: it was authenticated before, or is only
    explained, or the hook asks for no authentication."""
    try:
        return provider_of(provider).parse(Headers(headers), body)
    except Refused as refused:
        return refused.rejected
