"""Counts the work of verifying a delivery, so that web can make every rejection cost the same.

Hashing a large body, decoding a long header and comparing sixteen signatures takes time that a sender can
measure: without this, a rejection's timing would reveal whether a hook exists, and its provider. Pure.
"""

from __future__ import annotations

import binascii
import hmac
from collections.abc import Sequence
from contextvars import ContextVar
from hashlib import sha256
from typing import NamedTuple

MAX_SIGNATURES = 16
"""Most signatures of one header that are checked; a sender uses two while it rotates its key."""


class Cost(NamedTuple):
    """The work done so far in this context; the difference of two is the cost of the work between them."""

    hashed: int = 0
    """How often a body was hashed."""
    read: int = 0
    """Bytes of headers that were decoded or hashed."""
    compared: int = 0
    """Comparisons of a presented with an expected value."""

    def less(self, other: Cost) -> Cost:
        """The work that remains after `other`; never negative."""
        hashed, read, compared = (max(0, a - b) for a, b in zip(self, other, strict=True))
        return Cost(hashed, read, compared)

    def since(self, before: Cost) -> Cost:
        return self.less(before)


_spent: ContextVar[Cost] = ContextVar("spent", default=Cost())  # noqa: B039  # immutable


def spent() -> Cost:
    return _spent.get()


def _add(hashed: int = 0, read: int = 0, compared: int = 0) -> None:
    so_far = _spent.get()
    _spent.set(Cost(so_far.hashed + hashed, so_far.read + read, so_far.compared + compared))


def digest(key: bytes, *parts: bytes) -> bytes:
    """The HMAC-SHA256 of the concatenated parts. Request bodies must not be hashed anywhere else."""
    _add(hashed=1)
    made = hmac.new(key, digestmod=sha256)
    for part in parts:
        made.update(part)
    return made.digest()


def decoded(text: bytes) -> bytes | None:
    """Decoded base64, or None if the text is not base64."""
    _add(read=len(text))
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None


def fingerprint(presented: bytes) -> bytes:
    """A hash of fixed length: comparing it reveals neither position nor length of a difference."""
    _add(read=len(presented))
    return sha256(presented).digest()


def is_among(fingerprints: Sequence[bytes], expected: bytes) -> bool:
    """Whether one of them is the fingerprint of `expected`. Compares all, even after a match."""
    _add(compared=len(fingerprints))
    wanted = sha256(expected).digest()
    return sum(hmac.compare_digest(each, wanted) for each in fingerprints) > 0


def spend(missing: Cost, body: bytes) -> None:
    """Does this much work and discards the result."""
    for _ in range(missing.hashed):
        digest(b"no secret", body)
    half = missing.read // 2
    decoded(b"A" * (missing.read - half))
    fingerprints = [fingerprint(b"A" * half)] if half else []
    for _ in range(missing.compared // MAX_SIGNATURES):
        is_among(fingerprints * MAX_SIGNATURES or [b""] * MAX_SIGNATURES, b"no secret")
    is_among([b""] * (missing.compared % MAX_SIGNATURES), b"no secret")
