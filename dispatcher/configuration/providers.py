"""The kinds of Git hosts, and what each needs as a secret. How they are read is in dispatcher/webhooks/."""

from __future__ import annotations

import binascii

PROVIDERS = (
    "github",
    "gitlab",
    "gitea",
    "forgejo",
    "gogs",
    "bitbucket",
    "bitbucket-server",
    "azure-devops",
    "generic",
)
"""The kinds of hosts whose deliveries can be read."""

SIGNING_TOKENS = ("gitlab", "generic")
"""Those that can sign as Standard Webhooks does, with a key that begins with `whsec_`."""


def unfit(provider: str, secret: bytes) -> str:
    """Why no delivery of this provider can be proved by the secret; "" for one that can be."""
    _, colon, password = secret.partition(b":")
    if provider == "azure-devops" and not (colon and password):
        return "has no user and password, which azure-devops sends; write user:password there"
    if provider in SIGNING_TOKENS and secret.startswith(b"whsec_") and not _is_key(secret[6:]):
        return (
            "begins with whsec_, but what follows is not base64; copy the signing token as a whole"
        )
    return ""


def _is_key(text: bytes) -> bool:
    try:
        return bool(binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True))
    except binascii.Error:
        return False
