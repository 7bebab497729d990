"""Signatures of the Standard Webhooks scheme: over an id, a time and the body. Verifies and makes them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
Only the symmetric kind, `v1`. Pure.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256

from dispatcher.webhooks import authentication, verification_cost
from dispatcher.webhooks.authentication import Trust
from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.results import AuthFailure

ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"

PREFIX = b"whsec_"
"""Prefix of a signing key; base64 follows."""
VERSION = b"v1,"

# No dots: they separate ID and time in the signed text.
_ID = re.compile(rb"[!-\-/-~]{1,256}")
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")


def signed(headers: Headers, trust: Trust) -> bool:
    """Whether the delivery has the scheme's headers and the hook has a signing key."""
    return SIGNATURE in headers and any(secret.startswith(PREFIX) for secret in trust.secrets)


def verify(headers: Headers, body: bytes, trust: Trust) -> int | AuthFailure:
    """The index of the secret that made one of the signatures, within the allowed time."""
    identity, moment, signatures = (
        authentication.only(headers, n) for n in (ID, TIMESTAMP, SIGNATURE)
    )
    if isinstance(identity, AuthFailure):
        return identity
    if isinstance(moment, AuthFailure):
        return moment
    if isinstance(signatures, AuthFailure):
        return signatures
    presented = list(_presented(signatures))
    if not (_ID.fullmatch(identity) and _TIMESTAMP.fullmatch(moment) and presented):
        return AuthFailure.MALFORMED
    head = identity + b"." + moment + b"."
    verified = authentication.matching(
        presented, trust.secrets, lambda secret: _digest(secret, head, body)
    )
    if isinstance(verified, AuthFailure):
        return verified
    late = abs(trust.now - int(moment)) > trust.replay_window
    return AuthFailure.STALE if late else verified


def sign(secrets: Sequence[bytes], identity: str, moment: int, body: bytes) -> dict[str, str]:
    """The scheme's headers of a message that is sent: a signature by each key, so that keys can be rotated.

    The id must have no dot; the time is seconds since the epoch.
    """
    head = f"{identity}.{moment}.".encode()
    digests = (_digest(secret, head, body) for secret in secrets)
    signatures = [VERSION + binascii.b2a_base64(each, newline=False) for each in digests if each]
    return {
        ID: identity,
        TIMESTAMP: str(moment),
        SIGNATURE: b" ".join(signatures).decode(),
    }


def _presented(signatures: bytes) -> Iterator[bytes]:
    """The v1 signatures in a space-separated list; skips other versions and malformed ones."""
    most = verification_cost.MAX_SIGNATURES
    for each in signatures.split(b" ", most)[:most]:
        digest = (
            verification_cost.decoded(_padded(each.removeprefix(VERSION)))
            if each.startswith(VERSION)
            else None
        )
        if digest is not None and len(digest) == sha256().digest_size:
            yield digest


def _digest(secret: bytes, head: bytes, body: bytes) -> bytes:
    """The expected signature; b"", which matches nothing, if the secret is not a signing key."""
    key = _base64(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else b""
    return verification_cost.digest(key, head, body) if key else b""


def _base64(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(_padded(text), strict_mode=True)
    except binascii.Error:
        return b""


def _padded(text: bytes) -> bytes:
    return text + b"=" * (-len(text) % 4)
