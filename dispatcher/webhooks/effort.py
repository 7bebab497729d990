"""How often a body was hashed to prove where it comes from, so that every refusal can cost the same.

To hash a large body takes time, which can be measured from outside: without this, that of a refusal would tell
whether a hook is there, and what kind of host it is for. Purely computational.
"""

from __future__ import annotations

import hmac
from contextvars import ContextVar
from hashlib import sha256

_hashed: ContextVar[int] = ContextVar("hashed", default=0)


def hashed() -> int:
    """How often so far; compare two answers to know the cost of what was between them."""
    return _hashed.get()


def digest(key: bytes, *parts: bytes) -> bytes:
    """The HMAC-SHA256 of the parts as one: no other place computes it for a body that came in."""
    _hashed.set(_hashed.get() + 1)
    made = hmac.new(key, digestmod=sha256)
    for part in parts:
        made.update(part)
    return made.digest()


def make_up(times: int, body: bytes) -> None:
    """Hashes the body for nothing."""
    for _ in range(times):
        digest(b"nobody", body)
