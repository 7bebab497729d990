"""Compares what a sender presents with a hook's secrets. No other module does.

Works on raw bytes, before anything parses the body. Pure.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

from dispatcher.webhooks import verification_cost
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.results import AuthFailure

MAX_CREDENTIALS = 2048
"""Longest Authorization header in bytes. A secret has at most 1,024, so no Git host sends a longer one."""

_HEX = re.compile(rb"[0-9a-fA-F]{64}")


class Trust(msgspec.Struct, frozen=True):
    """The secrets that a hook accepts, and the time against which signed times are checked."""

    secrets: Sequence[bytes]
    now: float = 0
    """Seconds since the epoch. The default rejects every signature that includes a time."""
    replay_window: int = 300
    """Most seconds by which a signed time may differ from `now`, either way."""


def same(presented: bytes, expected: bytes) -> bool:
    """Whether both are equal, in constant time: reveals neither position nor length of a difference."""
    return hmac.compare_digest(sha256(presented).digest(), sha256(expected).digest())


def matching(
    presented: Sequence[bytes],
    secrets: Sequence[bytes],
    expected: Callable[[bytes], bytes],
) -> int | AuthFailure:
    """The index of the first secret whose `expected(secret)` was presented.

    Tries all of them even after a match. An empty secret matches nothing.
    """
    shown = [verification_cost.fingerprint(each) for each in presented]
    matches = [
        verification_cost.is_among(shown, expected(secret))
        and secret != b""  # compared in any case
        for secret in secrets
    ]
    return matches.index(True) if any(matches) else AuthFailure.MISMATCH


def only(headers: Headers, name: str) -> bytes | AuthFailure:
    """The value of an authenticating header, which must occur exactly once."""
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
    """The header value that `hmac_sha256` accepts; `notify` signs with it."""
    return "sha256=" + hmac.digest(secret, body, sha256).hex()
