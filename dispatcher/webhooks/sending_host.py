"""Detects which Git host sent a delivery, since some send other hosts' headers beside their own.

Forgejo is a fork of Gitea, Gitea of Gogs, and each still sends its ancestors' headers, and GitHub's:
https://forgejo.org/docs/latest/user/webhooks/
https://docs.gitea.com/usage/webhooks
Pure.
"""

from __future__ import annotations

from dispatcher.webhooks.headers import Headers
from dispatcher.webhooks.results import Rejection

HOSTS = ("Forgejo", "Gitea", "Gogs", "GitHub")
"""Each host also sends the headers of those after it, so the first whose header is present sent it."""


def check(headers: Headers, host: str) -> None:
    """Raises Rejection if another host sent the delivery to a hook of `host`."""
    for other in HOSTS[: HOSTS.index(host)]:
        header = f"X-{other}-Event"
        if header in headers:
            raise wrong_provider(header, other, other.lower())


def wrong_provider(header: str, host: str, provider: str) -> Rejection:
    """The error for a delivery from another host: parsing it by the wrong rules could misread it."""
    return Rejection(
        400,
        "wrong_provider",
        f"{header} says that {host} sent this: use a hook whose provider is {provider}",
    )
