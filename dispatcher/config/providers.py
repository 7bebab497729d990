"""The providers, and what each requires of a secret. dispatcher/webhooks/ verifies and parses them."""

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
"""The values of a hook's `provider`."""

MAKE = "openssl rand -hex 32"

SIGNING_TOKENS = ("gitlab", "generic")
"""Providers that can sign by Standard Webhooks, with a key that begins with `whsec_`."""


SHORTEST, LONGEST = 8, 1024
"""Fewest and most bytes of a secret; of the password in `user:password`."""


def unfit(provider: str, secret: bytes) -> str:
    """Why this provider cannot use the secret, or an attacker could guess it; "" if it is fine."""
    _, colon, password = secret.partition(b":")
    proving = password if provider == "azure-devops" else secret
    if not secret.strip():
        return f"is blank; write a secret there, generated with `{MAKE}`"
    if secret != secret.strip():
        return "begins or ends with white space, which Git hosts strip; remove it there"
    if provider == "azure-devops" and not (colon and password):
        return "is not user:password, which azure-devops sends; write user:password there"
    if provider in SIGNING_TOKENS and secret.startswith(b"whsec_") and not _is_key(secret[6:]):
        return (
            "begins with whsec_, but what follows is not base64; copy the signing token as a whole"
        )
    if len(proving) < SHORTEST:
        return (
            f"is shorter than {SHORTEST} characters and can be guessed; generate one with `{MAKE}` and "
            "set it at the Git host too"
        )
    if len(secret) > LONGEST:
        return f"is longer than {LONGEST} bytes, which no Git host sends; check that it is the right one"
    return ""


def _is_key(text: bytes) -> bool:
    try:
        return bool(binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True))
    except binascii.Error:
        return False
