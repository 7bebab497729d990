"""Authentication: the one place where what a sender presents is compared with a secret.

Works on raw bytes, before anything in the body is read. Pure.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

from dispatcher.webhooks import verification_cost
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.parsed import AuthFailure

MAX_CREDENTIALS = 2048
"""Bytes of an Authorization header; what is longer is nothing that a host was told to send: a secret has 1,024
at most."""

_HEX = re.compile(rb"[0-9a-fA-F]{64}")


class Trust(msgspec.Struct, frozen=True):
    """What a hook accepts as authentication, at a moment."""

    secrets: Sequence[bytes]
    now: float = 0
    """Seconds since the epoch. By default nothing that is signed with its time is new enough."""
    replay_window: int = 300
    """Seconds by which such a time may differ from `now`, either way."""


def same(presented: bytes, expected: bytes) -> bool:
    """Whether both are equal, in a time that tells nothing of where or in what length they differ."""
    return hmac.compare_digest(sha256(presented).digest(), sha256(expected).digest())


def matching(
    presented: Sequence[bytes],
    secrets: Sequence[bytes],
    expected: Callable[[bytes], bytes],
) -> int | AuthFailure:
    """The index of the first secret whose `expected(secret)` was presented.

    All are tried, whichever matches. An empty secret matches nothing.
    """
    shown = [verification_cost.fingerprint(each) for each in presented]
    matches = [
        verification_cost.is_among(shown, expected(secret))
        and secret != b""  # compared in any case
        for secret in secrets
    ]
    return matches.index(True) if any(matches) else AuthFailure.MISMATCH


def only(headers: Headers, name: str) -> bytes | AuthFailure:
    """The value of a header that authenticates, so that it must be there exactly once."""
    values = headers.all(name)
    if len(values) > 1:
        return AuthFailure.REPEATED
    return values[0].strip() if values else AuthFailure.MISSING


def token(headers: Headers, name: str, secrets: Sequence[bytes]) -> int | AuthFailure:
    """Verifies a header that holds a secret as it is."""
    value = only(headers, name)
    if isinstance(value, AuthFailure):
        return value
    return matching([value], secrets, lambda secret: secret)


def basic(headers: Headers, secrets: Sequence[bytes]) -> int | AuthFailure:
    """Verifies HTTP Basic, for secrets of the form `user:password`.

    https://www.rfc-editor.org/rfc/rfc7617#section-2
    """
    value = only(headers, "Authorization")
    if isinstance(value, AuthFailure):
        return value
    scheme, _, encoded = value.partition(b" ")
    if scheme.lower() != b"basic" or len(encoded) > MAX_CREDENTIALS:
        return AuthFailure.MALFORMED
    credentials = verification_cost.decoded(encoded.strip())
    if credentials is None:
        return AuthFailure.MALFORMED
    return matching([credentials], secrets, lambda secret: secret)


def hmac_sha256(
    headers: Headers,
    name: str,
    body: bytes,
    secrets: Sequence[bytes],
    *,
    prefix: bytes = b"sha256=",
) -> int | AuthFailure:
    """Verifies a header of the form `sha256=<hex HMAC-SHA256(raw body)>`."""
    value = only(headers, name)
    if isinstance(value, AuthFailure):
        return value
    digits = value.removeprefix(prefix)
    if not value.startswith(prefix) or not _HEX.fullmatch(digits):
        return AuthFailure.MALFORMED
    presented = bytes.fromhex(digits.decode("ascii"))
    return matching([presented], secrets, lambda secret: verification_cost.digest(secret, body))


def signature(body: bytes, secret: bytes) -> str:
    """What `hmac_sha256` accepts: for `notify`, which signs."""
    return "sha256=" + hmac.digest(secret, body, sha256).hex()
