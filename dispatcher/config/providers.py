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

MAKE = "openssl rand -hex 32"

SIGNING_TOKENS = ("gitlab", "generic")
"""Those that can sign as Standard Webhooks does, with a key that begins with `whsec_`."""


SHORTEST, LONGEST = 8, 1024
"""Bytes of a secret; of a password, where there is a user too."""


def unfit(provider: str, secret: bytes) -> str:
    """Why no delivery of this provider is proved by the secret, or by a guess too; "" for a good one."""
    _, colon, password = secret.partition(b":")
    proving = password if provider == "azure-devops" else secret
    if not secret.strip():
        return f"is blank; put the secret there, as made by `{MAKE}`"
    if secret != secret.strip():
        return "begins or ends with white space, which hosts leave out; remove it there"
    if provider == "azure-devops" and not (colon and password):
        return "has no user and password, which azure-devops sends; write user:password there"
    if provider in SIGNING_TOKENS and secret.startswith(b"whsec_") and not _is_key(secret[6:]):
        return (
            "begins with whsec_, but what follows is not base64; copy the signing token as a whole"
        )
    if len(proving) < SHORTEST:
        return (
            f"is shorter than {SHORTEST} characters, so that it can be guessed; make one with `{MAKE}` "
            "and give it to the Git host too"
        )
    if len(secret) > LONGEST:
        return f"is longer than {LONGEST} bytes, which no host sends; is it the right one?"
    return ""


def _is_key(text: bytes) -> bool:
    try:
        return bool(binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True))
    except binascii.Error:
        return False
