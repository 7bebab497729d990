"""Proof of origin: the one place where what a sender presents is compared with a secret.

Works on raw bytes, before anything in the body is read. Purely computational.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Sequence
from hashlib import sha256

from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.shapes import Cause

_HEX = re.compile(rb"[0-9a-fA-F]{64}")


def same(presented: bytes, expected: bytes) -> bool:
    """Whether both are equal, in a time that tells nothing of where or in what length they differ."""
    return hmac.compare_digest(sha256(presented).digest(), sha256(expected).digest())


def matching(
    presented: bytes,
    secrets: Sequence[bytes],
    expected: Callable[[bytes], bytes],
) -> int | Cause:
    """The index of the first secret whose `expected(secret)` was presented.

    All are tried, whichever matches. An empty secret matches nothing.
    """
    matches = [
        same(presented, expected(secret)) and secret != b""  # compared in any case
        for secret in secrets
    ]
    return matches.index(True) if any(matches) else Cause.MISMATCH


def only(headers: Headers, name: str) -> bytes | Cause:
    """The value of a header that proves something, so that it must be there exactly once."""
    values = headers.all(name)
    if len(values) > 1:
        return Cause.REPEATED
    return values[0].strip() if values else Cause.MISSING


def hmac_sha256(
    headers: Headers,
    name: str,
    body: bytes,
    secrets: Sequence[bytes],
    *,
    prefix: bytes = b"sha256=",
) -> int | Cause:
    """Verifies a header of the form `sha256=<hex HMAC-SHA256(raw body)>`."""
    value = only(headers, name)
    if isinstance(value, Cause):
        return value
    digits = value.removeprefix(prefix)
    if not value.startswith(prefix) or not _HEX.fullmatch(digits):
        return Cause.MALFORMED
    presented = bytes.fromhex(digits.decode("ascii"))
    return matching(presented, secrets, lambda secret: hmac.digest(secret, body, sha256))


def signature(body: bytes, secret: bytes) -> str:
    """What `hmac_sha256` accepts: for `notify`, which signs."""
    return "sha256=" + hmac.digest(secret, body, sha256).hex()
